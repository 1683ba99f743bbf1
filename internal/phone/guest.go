package phone

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/db"
)

// guests rings the outside numbers that were written into a call, and lets go of those that have left it. The row was there before: a process that dies leaves no
// ringing telephone behind that nobody knows of, for its lines die with it.
func (p *Phone) guests(ctx context.Context, c *call, h *held, all []party) {
	here := map[int64]bool{}
	for _, t := range all {
		if t.Agent != 0 {
			continue
		}
		here[t.ID] = true
		if t.State == partyWritten {
			p.dialGuest(ctx, c, h, t)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, line := range h.guests {
		if !here[id] {
			delete(h.guests, id)
			go func() { _ = line.Hangup() }()
		}
	}
}

// dismiss hangs up all outside numbers and agents' telephones of a call that is over.
func (h *held) dismiss() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range h.extensions {
		x.leaveWaiting()
		go func() { _ = x.line.Hangup() }()
	}
	for id, line := range h.guests {
		delete(h.guests, id)
		go func() { _ = line.Hangup() }()
	}
}

func (p *Phone) dialGuest(ctx context.Context, c *call, h *held, t party) {
	begun, ring, own := false, int64(0), ""
	err := p.change(ctx, c.ID, func(tx *db.Tx, c *call) error {
		begun = false
		now, err := partyIn(ctx, tx, c.ID, t.ID)
		if err != nil || now == nil || now.State != partyWritten {
			return err
		}
		set, err := settings(ctx, tx, c.Store)
		if err != nil {
			return err
		}
		ring, own = set.Policy.Ring, set.Policy.CallerID
		now.State, begun = partyRinging, true
		return now.save(ctx, tx)
	})
	if err != nil || !begun {
		return
	}
	line, _, err := p.network.Dial(ctx, c.Store, care.Dialing{Key: "party:" + itoa(t.ID), To: t.Number, CallerID: own, Ring: seconds(ring)})
	if err != nil {
		p.log.Warn("no trunk took a call", "call", c.ID, "party", t.ID, "err", err)
		p.guestGone(ctx, c.ID, t.ID, ResultNetwork)
		return
	}
	h.mu.Lock()
	h.guests[t.ID] = line
	h.mu.Unlock()
	p.lines.run(func() { p.followGuest(ctx, c.ID, t.ID, line) })
}

// followGuest writes down what becomes of an outside number.
func (p *Phone) followGuest(ctx context.Context, of, id int64, line care.Line) {
	result := ResultNetwork
	for e := range line.Events() {
		switch e.Kind {
		case care.LineAnswered:
			err := p.change(ctx, of, func(tx *db.Tx, c *call) error {
				t, err := partyIn(ctx, tx, of, id)
				if err != nil {
					return err
				}
				if t == nil {
					return errCallMoved
				}
				t.Line = clip(line.ID(), 200)
				return p.comesIn(ctx, tx, c, t)
			})
			if err != nil { // taken back in the same moment
				_ = line.Hangup()
			}
			result = ResultAnswered
		case care.LineEnded:
			if result != ResultAnswered {
				result = resultOf(e.Cause)
			}
		}
	}
	p.guestGone(ctx, of, id, result)
}

func (p *Phone) guestGone(ctx context.Context, of, id int64, result Result) {
	err := p.change(ctx, of, func(tx *db.Tx, c *call) error {
		t, err := partyIn(ctx, tx, of, id)
		if err != nil || t == nil {
			return err
		}
		return p.goes(ctx, tx, c, t, string(result))
	})
	if err != nil {
		p.log.Error("an outside number's end couldn't be kept", "call", of, "party", id, "err", err)
	}
}
