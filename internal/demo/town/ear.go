package town

import (
	"bytes"
	"context"
	"os/exec"
	"sync"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/tone"
	"opeka/internal/sound/wav"
)

// lines are what people say, one after another whenever whoever they talk with has paused.
var lines = map[string][]string{
	"uk": {"Алло, слухаю вас.", "Так, чую добре. Розкажіть, будь ласка, докладніше.", "Чудово, мені підходить.", "Так, усе правильно. Дякую!", "До побачення!"},
	"ru": {"Алло, слушаю вас.", "Да, слышу хорошо. Расскажите, пожалуйста, подробнее.", "Отлично, мне подходит.", "Да, всё верно. Спасибо!", "До свидания!"},
	"pl": {"Halo, słucham.", "Tak, dobrze słyszę. Proszę opowiedzieć dokładniej.", "Świetnie, odpowiada mi to.", "Tak, wszystko się zgadza. Dziękuję!", "Do widzenia!"},
	"en": {"Hello, speaking.", "Yes, I can hear you well. Please go on.", "Great, that suits me.", "Yes, that is all right. Thank you!", "Goodbye!"},
}

var impatient = map[string]string{"uk": "Алло? Ви мене чуєте?", "ru": "Алло? Вы меня слышите?", "pl": "Halo? Słychać mnie?", "en": "Hello? Can you hear me?"}

// How people talk: in frames of 20 ms.
const (
	loud     = 40_000 // mean square of speech
	spoke    = 20     // so much of it is a sentence
	paused   = 40     // and so much silence its end
	expects  = 100    // music that is over for so long: somebody has come
	patience = 20 * 50
	maxAsks  = 3
)

// ear is a person at his telephone: a leg that hears, and says his lines.
type ear struct {
	player *sound.Player
	speech *speech
	lang   string

	mu       sync.Mutex
	waits    bool // he hears music until somebody comes
	mute     bool
	begun    bool
	next     int
	asked    int
	said     string
	voiced   int
	quiet    int
	heard    int
	outs     map[chan sound.Frame]bool
	closed   bool
	enough   func()
	speaking bool
}

func newEar(s *speech, lang string, toHim bool) *ear {
	if lines[lang] == nil {
		lang = "uk"
	}
	return &ear{player: sound.NewPlayer(nil), speech: s, lang: lang, waits: !toHim, outs: map[chan sound.Frame]bool{}}
}

// begin is the moment in which the line stands. Who is rung says hello first.
func (e *ear) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.begun = true
	if !e.waits {
		e.say(lines[e.lang][0])
		e.next = 1
	}
}

// say speaks beside the tick: to render a sentence takes longer than a frame. The lock is held.
func (e *ear) say(text string) {
	e.said, e.speaking, e.voiced, e.quiet = text, true, 0, 0
	go func() {
		sound := e.speech.render(e.lang, text)
		e.play(text, sound)
	}()
}

func (e *ear) play(text string, samples []int16) {
	e.player.Play(sound.Item{Name: text, Sound: samples, Pause: 200 * time.Millisecond, Done: func(string, bool) {
		e.mu.Lock()
		e.speaking = false
		e.mu.Unlock()
	}})
}

// Read implements sound.Leg.
func (e *ear) Read(f *sound.Frame) bool { return e.player.Read(f) }

// Write implements sound.Leg.
func (e *ear) Write(f *sound.Frame) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for out := range e.outs {
		select {
		case out <- *f:
		default: // who listens too slowly misses something
		}
	}
	if sound.Loud(f) > loud {
		e.heard++
		e.voiced++
		e.quiet = 0
	} else {
		e.quiet++
	}
	if !e.begun || e.mute || e.speaking {
		return
	}
	switch {
	case e.waits:
		if e.voiced > spoke && e.quiet > expects {
			e.waits, e.next = false, 1
			e.say(lines[e.lang][0])
		}
	case e.voiced > spoke && e.quiet > paused && e.next < len(lines[e.lang]):
		e.asked = 0
		e.say(lines[e.lang][e.next])
		e.next++
	case e.quiet > patience && e.asked < maxAsks:
		e.asked++
		e.say(impatient[e.lang])
	case e.quiet > patience && e.enough != nil:
		e.mute = true
		go e.enough()
	}
}

func (e *ear) silence() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mute = true
	e.player.Stop()
}

func (e *ear) saying() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.said
}

func (e *ear) heardFor() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Duration(e.heard) * sound.Period
}

func (e *ear) listen() (<-chan sound.Frame, func()) {
	out := make(chan sound.Frame, 50)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		close(out)
		return out, func() {}
	}
	e.outs[out] = true
	return out, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.outs[out] {
			delete(e.outs, out)
			close(out)
		}
	}
}

func (e *ear) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed, e.mute = true, true
	for out := range e.outs {
		delete(e.outs, out)
		close(out)
	}
}

// speech speaks sentences: by espeak-ng where it is installed, else as a murmur of tones.
type speech struct {
	mu   sync.Mutex
	said map[string][]int16
}

func newSpeech() *speech { return &speech{said: map[string][]int16{}} }

func (s *speech) render(lang, text string) []int16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if said := s.said[lang+text]; said != nil {
		return said
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "espeak-ng", "-v", lang+"+f2", "-s", "155", "--stdin", "--stdout")
	cmd.Stdin = bytes.NewReader([]byte(text))
	out, err := cmd.Output()
	var samples []int16
	if err == nil {
		samples, err = wav.Piped(bytes.NewReader(out))
	}
	if err != nil || len(samples) == 0 {
		samples = murmur(text)
	}
	s.said[lang+text] = samples
	return samples
}

// murmur is a sentence of somebody behind a wall: a tone for each letter.
func murmur(text string) []int16 {
	var out []int16
	for _, r := range text {
		if r == ' ' {
			out = append(out, make([]int16, sound.Rate/20)...)
			continue
		}
		at := len(out)
		out = append(out, make([]int16, sound.Rate/15)...)
		tone.New(5000, 160+float64(r%13)*14, 480+float64(r%7)*60).Fill(out[at:])
	}
	return out
}
