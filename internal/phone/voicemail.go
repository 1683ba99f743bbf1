package phone

import (
	"context"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
	"opeka/internal/sound/record"
	"opeka/internal/sound/tone"
	"opeka/messages"
)

// When a message is over, and when it is one.
const (
	voicemailQuiet = 8 * time.Second        // nothing is said any more
	voicemailLeast = 800 * time.Millisecond // so much must have been said
	// voicemailLoud is what a line's own noise stays below: the mean square of a frame at about -43 dB.
	voicemailLoud = 230 * 230
)

// voicemail takes a caller's message. Once he has said something the call is a message, however it ends: by a key, by silence, by its limit, by his
// hanging up, or by our death.
func (c *caller) voicemail(ctx context.Context) {
	if c.h.stage == nil || c.p.recordings == "" { // nothing here can record: he is rung back
		c.leave(ctx, PromptQueued, ResultQueued)
		return
	}
	var k call
	err := c.p.change(ctx, c.id, func(tx *db.Tx, now *call) error {
		if now.State != CallWaiting && now.State != CallAnnouncing || now.Answered != 0 {
			return errCallMoved
		}
		now.State, now.Result = CallAnnouncing, ResultMissed
		k = *now
		c.p.callChanged(tx, now)
		return now.save(ctx, tx)
	})
	if err != nil {
		return
	}
	c.bye.Store(true)
	c.asking.Store(true)
	c.h.stage.wait(nil)
	c.h.stage.hush()
	c.speak(ctx, PromptVoicemail, nil)
	beep := make([]int16, sound.Rate*4/10)
	tone.New(6000, 1000).Fill(beep)
	c.hear(ctx, beep)
	for c.pressedNow() != 0 { // what he pressed before the tone
	}
	m := newMessage(seconds(max(c.queue.VoicemailS, 10)), func() { c.p.spoken(ctx, c.id) })
	begun := c.h.tape.claim()
	if begun {
		begun, err = c.p.beginTape(ctx, &k, c.h, "voicemail", m.on)
	}
	if !begun {
		c.p.log.Error("a message can't be taken", "call", c.id, "err", err)
		_ = c.h.line.Hangup()
		return
	}
	for waiting := true; waiting; {
		select {
		case <-m.over:
			waiting = false
		case <-c.done:
			waiting = false
		case key := <-c.keys:
			waiting = key != '#'
		}
	}
	c.p.untape(ctx, c.id, c.h, false)
	if m.said() {
		c.speak(ctx, PromptThanks, nil)
	}
	_ = c.h.line.Hangup()
}

// message listens to what a caller says after the tone.
type message struct {
	rec   *record.Recorder
	most  time.Duration
	spoke func()
	over  chan struct{} // closed when it is

	mu     sync.Mutex
	length time.Duration
	quiet  time.Duration
	voice  time.Duration
	told   bool
	ended  bool
	aside  sound.Aside
}

func newMessage(most time.Duration, spoke func()) *message {
	return &message{most: most, spoke: spoke, over: make(chan struct{})}
}

// on has it listen before the recorder does.
func (m *message) on(rec *record.Recorder) sound.Tap {
	m.rec = rec
	return m
}

// Tap implements sound.Tap.
func (m *message) Tap(left, right *sound.Frame) {
	m.rec.Tap(left, right)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.length += sound.Period
	if left != nil && sound.Loud(left) > voicemailLoud {
		m.voice += sound.Period
		m.quiet = 0
	} else {
		m.quiet += sound.Period
	}
	if !m.told && m.voice >= voicemailLeast {
		m.told = true
		m.aside.Do(m.spoke)
	}
	if !m.ended && (m.quiet >= voicemailQuiet || m.length >= m.most) {
		m.ended = true
		close(m.over)
	}
}

// said tells whether it is a message.
func (m *message) said() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

// spoken notes that a caller has left a message.
func (p *Phone) spoken(ctx context.Context, id int64) {
	err := p.change(ctx, id, func(tx *db.Tx, k *call) error {
		if k.State != CallAnnouncing || k.Result != ResultMissed {
			return nil
		}
		k.Result = ResultVoicemail
		return k.save(ctx, tx)
	})
	if err != nil {
		p.log.Error("a caller's message may count as a missed call", "call", id, "err", err)
	}
}

// noteVoicemail makes a caller's message part of his conversation: he waits for an answer to it. The recording stands at the call's line, which follows.
func (p *Phone) noteVoicemail(ctx context.Context, c *call) (conversation int64, err error) {
	lang := p.language(ctx, c.Store, c.Language)
	return p.talks.Call(ctx, care.CallNote{Key: "voicemail:" + itoa(c.ID), Store: c.Store, Number: c.Number, Name: c.Display, Language: c.Language,
		Words: messages.T(lang, "phone.voicemail.words", nil)})
}
