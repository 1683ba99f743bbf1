package phone

import (
	"bytes"
	"context"
	"os/exec"
	"sync"
	"time"

	"opeka/internal/sound/wav"
	"opeka/messages"
)

// voice speaks announcements: espeak-ng renders the catalogue's words where it is installed. Without it callers hear music only, and the log says so once.
type voice struct {
	mu    sync.Mutex
	said  map[string][]int16
	mute  sync.Once
	order []string
}

const (
	maxSaid   = 400 // rendered texts that are kept: 8 kB a second each
	renderFor = 5 * time.Second
)

// say renders an announcement of the catalogue (phone.prompt.<code>); nil when nothing can speak.
func (p *Phone) say(ctx context.Context, lang, code string, args map[string]any) []int16 {
	text, ok := messages.Find(lang, "phone.prompt."+code, args)
	if !ok {
		return nil
	}
	key := lang + "\x00" + text
	p.voice.mu.Lock()
	if s, ok := p.voice.said[key]; ok {
		p.voice.mu.Unlock()
		return s
	}
	p.voice.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, renderFor)
	defer cancel()
	// The text goes in by standard input and the language is one of our own four: nothing of a caller reaches the command line.
	cmd := exec.CommandContext(ctx, "espeak-ng", "-v", lang, "-s", "150", "--stdin", "--stdout")
	cmd.Stdin = bytes.NewReader([]byte(text))
	out, err := cmd.Output()
	var samples []int16
	if err == nil {
		samples, err = wav.Piped(bytes.NewReader(out))
	}
	if err != nil {
		p.voice.mute.Do(func() { p.log.Warn("announcements can't be spoken: install espeak-ng", "err", err) })
		return nil
	}
	p.voice.mu.Lock()
	defer p.voice.mu.Unlock()
	if p.voice.said == nil {
		p.voice.said = map[string][]int16{}
	}
	if len(p.voice.order) >= maxSaid {
		delete(p.voice.said, p.voice.order[0])
		p.voice.order = p.voice.order[1:]
	}
	p.voice.said[key] = samples
	p.voice.order = append(p.voice.order, key)
	return samples
}
