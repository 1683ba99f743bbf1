package phone

import (
	"context"
	"time"

	"opeka/internal/cal"
	"opeka/internal/db"
	"opeka/internal/sound"
)

// How long a caller may think about what he was asked.
const (
	chooseWithin = 6 * time.Second
	offerWithin  = 10 * time.Second
)

// What becomes of somebody who rings while nobody is there.
const (
	ClosedCallback  = "callback" // he is told that he will be rung
	ClosedOffer     = "offer"    // he is asked whether he wants that
	ClosedMessage   = "message"  // he is told when to ring again
	ClosedVoicemail = "voicemail"
)

// welcome is what a caller hears before he waits: which language he wants if the queue has several, the greeting, and that he will be recorded.
func (c *caller) welcome(ctx context.Context) {
	c.chooseLanguage(ctx)
	c.play(ctx, PromptGreeting, nil)
	c.consent(ctx, c.queue.Store)
}

// closed is for a caller whom nobody is there to take.
func (c *caller) closed(ctx context.Context) {
	c.chooseLanguage(ctx)
	switch c.queue.Closed {
	case ClosedVoicemail:
		c.play(ctx, PromptMessage, nil)
		c.voicemail(ctx)
	case ClosedMessage:
		c.leave(ctx, PromptMessage, ResultClosed)
	case ClosedOffer:
		if c.number && c.ask(ctx, PromptOffer, offerWithin) == '1' {
			c.leave(ctx, PromptQueued, ResultQueued)
		} else {
			c.leave(ctx, "", ResultClosed)
		}
	default:
		c.leave(ctx, PromptClosed, ResultMissed)
	}
}

// openNow tells whether a queue is served: by its own hours, else by the store's.
func (p *Phone) openNow(q Queue, store *cal.Calendar, now time.Time) bool {
	if q.Hours != nil {
		if c := p.calendar(*q.Hours); c != nil {
			return c.Open(now)
		}
	}
	return store == nil || store.Open(now)
}

// calendar makes a calendar of its settings, once.
func (p *Phone) calendar(s cal.Settings) *cal.Calendar {
	key := string(asJSON(s))
	if c, ok := p.calendars.Load(key); ok {
		return c.(*cal.Calendar)
	}
	c, err := cal.New(s)
	if err != nil { // SaveQueue refuses such hours
		return nil
	}
	p.calendars.Store(key, c)
	return c
}

// chooseLanguage asks a caller of whom we don't know it for his language, and remembers it.
func (c *caller) chooseLanguage(ctx context.Context) {
	langs := c.queue.Languages
	if len(langs) < 2 || c.knows || c.h.stage == nil {
		return
	}
	c.asking.Store(true)
	defer c.asking.Store(false)
	key := rune(0)
	for i, lang := range langs {
		if key = c.pressedNow(); key != 0 {
			break
		}
		c.hear(ctx, c.p.prompt(ctx, c.queue.Store, lang, PromptMenu, map[string]any{"n": i + 1}))
	}
	if key == 0 {
		key = c.pressedWithin(chooseWithin)
	}
	n := int(key - '1')
	if n < 0 || n >= len(langs) {
		return
	}
	c.lang = langs[n]
	err := c.p.change(ctx, c.id, func(tx *db.Tx, k *call) error {
		k.Language = c.lang
		if err := k.save(ctx, tx); err != nil || k.Customer == 0 {
			return err
		}
		return c.p.customers.Speaks(ctx, tx, k.Customer, c.lang)
	})
	if err != nil {
		c.p.log.Error("call", "call", c.id, "err", err)
	}
}

// ask says something and waits for a key; 0: none came.
func (c *caller) ask(ctx context.Context, kind string, within time.Duration) rune {
	c.asking.Store(true)
	defer c.asking.Store(false)
	c.play(ctx, kind, nil)
	return c.pressedWithin(within)
}

// pressed takes a key that answers a question, and ends the question.
func (c *caller) pressed(k rune) {
	select {
	case c.keys <- k:
	default: // more than anybody needs
	}
	c.h.stage.hush()
}

func (c *caller) pressedNow() rune {
	select {
	case k := <-c.keys:
		return k
	default:
		return 0
	}
}

func (c *caller) pressedWithin(d time.Duration) rune {
	timer, stop := c.p.db.Clock.Timer(c.p.db.Now().Add(d))
	defer stop()
	select {
	case k := <-c.keys:
		return k
	case <-timer:
	case <-c.done:
	}
	return 0
}

// hear plays samples to a caller whom no agent has taken, and waits until they are over.
func (c *caller) hear(_ context.Context, samples []int16) {
	if len(samples) == 0 || c.h.stage == nil {
		return
	}
	over := make(chan struct{})
	if !c.h.stage.announce(sound.Item{Sound: samples, Pause: 300 * time.Millisecond, Done: func(string, bool) { close(over) }}) {
		return
	}
	select {
	case <-over:
	case <-c.done:
	}
}
