package phone

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
)

// lines are what this process holds of the network, by call.
type lines struct {
	mu   sync.Mutex
	held map[int64]*held
	work sync.WaitGroup
	over bool // the room closes: nobody waits any more for what begins now
}

// run does something that Close waits for.
func (l *lines) run(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over { // a job that dials in this moment: its line ends with the process
		go f()
		return
	}
	l.work.Go(f)
}

// held is a call's line with its sound.
type held struct {
	line  care.Line
	stage *stage
	do    chan string   // what other parts of the house want of it
	done  chan struct{} // closed when the line is over
	music bool          // the network was told that the customer is on hold
	tried []int64       // trunks that couldn't reach him
	waits atomic.Bool   // somebody tells him where he stands
	tape  tape

	mu         sync.Mutex
	guests     map[int64]care.Line  // outside numbers in the call, by party
	extensions map[int64]*extension // agents' own telephones in it, by agent
	key        func(rune)           // hears the keys that the customer presses
}

func newHeld(line care.Line) *held {
	return &held{line: line, do: make(chan string, 16), done: make(chan struct{}), guests: map[int64]care.Line{}, extensions: map[int64]*extension{}}
}

// onKey says who hears the keys.
func (h *held) onKey(f func(rune)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.key = f
}

func (h *held) pressed(key rune) {
	h.mu.Lock()
	f := h.key
	h.mu.Unlock()
	if f != nil {
		f(key)
	}
}

func (l *lines) get(call int64) *held {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[call]
}

func (l *lines) put(call int64, h *held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[call] = h
}

func (l *lines) drop(call int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, call)
}

// do asks a line of this process for something; a line that is behind with its work forgets what is repeated.
func (l *lines) do(call int64, what string) bool {
	h := l.get(call)
	if h == nil {
		return false
	}
	select {
	case h.do <- what:
	default:
	}
	return true
}

func (l *lines) hangUpAll() {
	l.mu.Lock()
	l.over = true
	all := make([]*held, 0, len(l.held))
	for _, h := range l.held {
		all = append(all, h)
	}
	l.mu.Unlock()
	for _, h := range all {
		h.mu.Lock()
		line := h.line
		h.mu.Unlock()
		_ = line.Hangup()
	}
}

// hold takes a line that we rang, notes which it is and follows it to its end.
func (p *Phone) hold(id, connection int64, line care.Line, agent int64, x *extension) {
	h := newHeld(line)
	if x != nil {
		h.put(agent, x)
	}
	p.lines.put(id, h)
	if x != nil {
		p.lines.run(func() { p.followExtension(context.WithoutCancel(p.ctx), id, h, agent, x.line) })
	}
	p.lines.run(func() {
		ctx := context.WithoutCancel(p.ctx)
		err := p.change(ctx, id, func(tx *db.Tx, c *call) error {
			c.Line, c.Connection = clip(line.ID(), 200), connection
			if c.Result != "" || c.State == CallEnded { // given up while it was dialled
				_ = line.Hangup()
			}
			return c.save(ctx, tx)
		})
		if err != nil {
			p.log.Error("call", "call", id, "err", err)
		}
		p.follow(ctx, id, h)
	})
}

// follow writes down what happens on a line and does what is asked of it. It ends when the line does.
func (p *Phone) follow(ctx context.Context, id int64, h *held) {
	defer func() {
		close(h.done)
		p.lines.drop(id)
		h.dismiss()
		h.stage.close()
		p.untape(ctx, id, h, true)
	}()
	ended := false
	for {
		select {
		case e, open := <-h.line.Events():
			if !open {
				if !ended { // a carrier that closes its events without an end owes us one
					p.note(ctx, id, care.LineEvent{Kind: care.LineEnded, Cause: care.CauseNetwork})
				}
				return
			}
			if e.Kind == care.LineEnded && e.Cause == care.CauseNetwork && p.otherTrunk(ctx, id, h) {
				continue
			}
			ended = ended || e.Kind == care.LineEnded
			switch {
			case e.Kind == care.LineDigit:
				h.pressed(e.Digit)
				continue
			case e.Kind == care.LineAnswered && h.stage == nil:
				h.stage = p.booth.put(h.line)
			}
			p.note(ctx, id, e)
			if e.Kind == care.LineAnswered {
				p.look(ctx, id, h)
			}
		case what := <-h.do:
			p.doOn(ctx, id, h, what)
		}
	}
}

// otherTrunk rings the customer over another of the store's trunks when the one that was asked couldn't, before anything rang at him. It tells whether one takes the call.
func (p *Phone) otherTrunk(ctx context.Context, id int64, h *held) bool {
	all, ok := p.network.(interface {
		DialBy(ctx context.Context, store int64, d care.Dialing, tried []int64) (care.Line, int64, error)
	})
	if !ok || h.line.Inbound() {
		return false
	}
	c, err := loadCall(ctx, p.db.Read(), id, false)
	if err != nil || c.State != CallDialing || c.Rang != 0 || c.Result != "" {
		return false
	}
	set, err := settings(ctx, p.db.Read(), c.Store)
	if err != nil {
		return false
	}
	h.tried = append(h.tried, c.Connection)
	line, connection, err := all.DialBy(ctx, c.Store, care.Dialing{Key: itoa(id) + "." + itoa(int64(len(h.tried))), To: c.Number, CallerID: c.Own, Ring: seconds(set.Policy.Ring)}, h.tried)
	if err != nil {
		return false
	}
	h.mu.Lock()
	h.line = line
	h.mu.Unlock()
	err = p.change(ctx, id, func(tx *db.Tx, c *call) error {
		c.Line, c.Connection = clip(line.ID(), 200), connection
		if c.Result != "" || c.State == CallEnded { // given up meanwhile
			_ = line.Hangup()
		}
		p.keep(tx, c, "other_trunk", map[string]any{"connection_id": connection}, c.Agent)
		return c.save(ctx, tx)
	})
	if err != nil {
		p.log.Error("call", "call", id, "err", err)
	}
	return true
}

func (p *Phone) note(ctx context.Context, id int64, e care.LineEvent) {
	if err := p.heard(ctx, id, e); err != nil {
		p.log.Error("what a line said couldn't be kept", "call", id, "event", e.Kind, "err", err)
	}
}

// look brings a line in order with what is written of its call: who hears whom, which outside numbers are rung or let go, and whether the customer waits.
func (p *Phone) look(ctx context.Context, id int64, h *held) {
	q := p.db.Read()
	c, err := loadCall(ctx, q, id, false)
	if err != nil {
		p.log.Error("call", "call", id, "err", err)
		return
	}
	all, err := partiesOf(ctx, q, id)
	if err != nil {
		p.log.Error("call", "call", id, "err", err)
		return
	}
	h.onlyExtensionsOf(&c, all)
	if !c.stands() && !c.handed() {
		return
	}
	p.guests(ctx, &c, h, all)
	places, music := seats(&c, all), p.booth.music
	if c.handed() || slices.ContainsFunc(places, func(s seat) bool { return s.music }) {
		music = p.musicOf(ctx, c.Store, p.language(ctx, c.Store, c.Language))
	}
	h.stage.arrange(places, func(who int64) sound.Leg { return p.legOf(h, who) }, music)
	if c.handed() {
		h.stage.wait(music)
		if h.waits.CompareAndSwap(false, true) {
			p.work.Go(func() { p.waitAgain(ctx, &c, h) })
		}
	}
	if c.stands() && c.Agent != 0 {
		p.recordWhenDue(ctx, id, h, false)
	}
	if on := c.State == CallHeld; on != h.music {
		h.music = on
		_ = h.line.Hold(on)
	}
}

// legOf is the sound of somebody in a call.
func (p *Phone) legOf(h *held, who int64) sound.Leg {
	h.mu.Lock()
	defer h.mu.Unlock()
	if x := h.extensions[who]; x != nil && x.up {
		x.leaveWaiting()
		leg, _ := x.line.Media().(sound.Leg)
		return leg
	}
	if who > 0 {
		return p.booth.leg(who)
	}
	if l := h.guests[-who]; l != nil {
		leg, _ := l.Media().(sound.Leg)
		return leg
	}
	return nil
}

// doOn does what was asked of a line.
func (p *Phone) doOn(ctx context.Context, id int64, h *held, what string) {
	verb, arg, _ := strings.Cut(what, " ")
	switch verb {
	case "hangup":
		_ = h.line.Hangup()
	case "look":
		p.look(ctx, id, h)
	case "dtmf":
		who, keys, _ := strings.Cut(arg, " ")
		p.dtmf(ctx, h, who, keys)
	case "tape":
		p.tapeOn(ctx, id, h, arg)
	case "ring":
		who, device, _ := strings.Cut(arg, " ")
		if agent, err := strconv.ParseInt(who, 10, 64); err == nil {
			p.ringExtension(ctx, id, h, agent, device)
		}
	}
}

// dtmf presses keys towards the customer, or an outside number in the call.
func (p *Phone) dtmf(ctx context.Context, h *held, who, keys string) {
	line := h.line
	if id, _ := strconv.ParseInt(who, 10, 64); id != 0 {
		h.mu.Lock()
		line = h.guests[id]
		h.mu.Unlock()
	}
	if line != nil {
		if err := line.SendDTMF(ctx, keys); err != nil {
			p.log.Info("keys weren't sent", "err", err)
		}
	}
}

const topicLines = "phone.line."

// ask has something done on a call's line, on whichever node it is: on another one by a hint.
func (p *Phone) ask(call int64, what string) {
	if !p.lines.do(call, what) {
		p.bus.Publish(topicLines+itoa(call), []byte(what))
	}
}

// hangUp ends a call's line.
func (p *Phone) hangUp(call int64) { p.ask(call, "hangup") }
