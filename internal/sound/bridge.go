package sound

import (
	"errors"
	"math/bits"
	"slices"
	"sync"
)

// MaxLegs is how many legs one bridge can hold.
const MaxLegs = 32

// Errors of bridges.
var (
	ErrFull   = errors.New("sound: the bridge holds no more legs")
	ErrClosed = errors.New("sound: the bridge is closed")
	ErrNoLeg  = errors.New("sound: the leg isn't in this bridge")
)

// Tap is given what a bridge's parties say: customers on the left, those whom customers hear on the right; nil is silence. It must not
// wait, and must not keep the frames.
type Tap interface {
	Tap(left, right *Frame)
}

// Bridge is a place where legs hear each other. Changes take effect at the next tick, without a click.
type Bridge struct {
	mixer *Mixer
	shard *shard
	order uint64 // in which two bridges are locked

	mu      sync.Mutex
	members []*member
	used    uint64 // slots that are taken, or fade out
	tap     Tap
	left    ear
	right   ear
	closed  bool
	now     int // which half of the members' pairs of frames is of this tick
	sum     [Samples]int32
}

// member is a leg in a bridge.
type member struct {
	leg    Leg
	role   Role
	slot   uint // its bit in masks
	muted  bool
	player Leg // what it hears instead, while it is held
	gone   bool

	said  voice
	music voice // what the player says
	ear   ear
}

// voice is what one source said in this tick and in the one before.
type voice struct {
	frames [2]Frame
	has    [2]bool
}

// ear is what one listener hears.
type ear struct {
	heard uint64 // the slots heard in the tick before
	out   Frame
	last  *Frame // what it was given: out, or the only speaker's own frame
	tail  bool   // out holds what was heard in another bridge, and is to fade
}

// musicSlot is the bit of the listener's own player.
const musicSlot = 63

// Add puts a leg into the bridge.
func (b *Bridge) Add(leg Leg, role Role) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.add(leg, role)
	return err
}

func (b *Bridge) add(leg Leg, role Role) (*member, error) {
	slot := uint(bits.TrailingZeros64(^b.used))
	switch {
	case b.closed:
		return nil, ErrClosed
	case b.find(leg) != nil:
		return nil, errors.New("sound: the leg is in this bridge already")
	case len(b.members) >= MaxLegs || slot >= musicSlot:
		return nil, ErrFull
	}
	m := &member{leg: leg, role: role, slot: slot}
	b.used |= 1 << slot
	b.members = append(b.members, m)
	b.mixer.legs.Add(1)
	return m, nil
}

func (b *Bridge) find(leg Leg) *member {
	for _, m := range b.members {
		if !m.gone && m.leg == leg {
			return m
		}
	}
	return nil
}

// Remove takes a leg out. What it heard ends softly.
func (b *Bridge) Remove(leg Leg) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.find(leg)
	if m == nil {
		return ErrNoLeg
	}
	b.leave(m)
	if m.ear.last != nil && m.ear.heard != 0 {
		var end Frame
		tail(m.ear.last, &end)
		leg.Write(&end)
	}
	return nil
}

// leave marks a member; it stays for one tick more, in which others hear it fade.
func (b *Bridge) leave(m *member) {
	m.gone = true
	b.mixer.legs.Add(-1)
	if l, ok := m.leg.(Lossy); ok {
		b.mixer.lost.Add(l.Lost())
	}
}

// Move takes a leg from one bridge into another, in one step.
func Move(leg Leg, from, to *Bridge, role Role) error {
	if from == to {
		return from.SetRole(leg, role)
	}
	first, second := from, to
	if second.order < first.order {
		first, second = second, first
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()
	old := from.find(leg)
	if old == nil {
		return ErrNoLeg
	}
	m, err := to.add(leg, role)
	if err != nil {
		return err
	}
	m.muted = old.muted
	if old.ear.last != nil && old.ear.heard != 0 {
		m.ear.out, m.ear.tail = *old.ear.last, true
	}
	from.leave(old)
	return nil
}

// with changes a member.
func (b *Bridge) with(leg Leg, change func(m *member)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.find(leg)
	if m == nil {
		return ErrNoLeg
	}
	change(m)
	return nil
}

// SetRole changes what a leg is: consult becomes agent when the customer is handed over, listen becomes barge.
func (b *Bridge) SetRole(leg Leg, role Role) error {
	return b.with(leg, func(m *member) { m.role = role })
}

// Mute keeps others from hearing a leg, which goes on hearing them.
func (b *Bridge) Mute(leg Leg, muted bool) error {
	return b.with(leg, func(m *member) { m.muted = muted })
}

// Hold has a leg hear the player and nothing else, and nobody hear the leg.
func (b *Bridge) Hold(leg, player Leg) error {
	if player == nil {
		player = Silence{}
	}
	return b.with(leg, func(m *member) { m.player = player })
}

// Resume ends Hold.
func (b *Bridge) Resume(leg Leg) error {
	return b.with(leg, func(m *member) { m.player = nil })
}

// Record has t given all that is said from the next tick on; nil ends it.
func (b *Bridge) Record(t Tap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tap, b.left, b.right = t, ear{}, ear{}
}

// Party is a leg as it stands in a bridge.
type Party struct {
	Leg         Leg
	Role        Role
	Muted, Held bool
}

// Parties lists who is in the bridge.
func (b *Bridge) Parties() (out []Party) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.members {
		if !m.gone {
			out = append(out, Party{m.leg, m.role, m.muted, m.player != nil})
		}
	}
	return out
}

// Close ends the bridge. Its legs live on; they are their owners'.
func (b *Bridge) Close() {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.closed = true
	for _, m := range b.members {
		if !m.gone {
			b.leave(m)
		}
	}
	b.members, b.tap = nil, nil
	b.mu.Unlock()
	b.shard.remove(b)
}

// tick carries every party's 20 ms to those who hear them.
func (b *Bridge) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now ^= 1
	for _, m := range b.members {
		m.said.has[b.now] = !m.gone && m.leg.Read(&m.said.frames[b.now])
		m.music.has[b.now] = m.player != nil && m.player.Read(&m.music.frames[b.now])
	}
	for _, m := range b.members {
		if !m.gone {
			m.leg.Write(b.mix(&m.ear, b.audible(m), m))
		}
	}
	if b.tap != nil {
		left := b.mix(&b.left, b.speaking(recordedLeft, nil), nil)
		right := b.mix(&b.right, b.speaking(recordedRight, nil), nil)
		b.tap.Tap(orNil(left), orNil(right))
	}
	b.sweep()
}

func orNil(f *Frame) *Frame {
	if f == &silent {
		return nil
	}
	return f
}

// audible is the mask of what a member hears in this tick.
func (b *Bridge) audible(listener *member) uint64 {
	if listener.player == nil {
		return b.speaking(hears[listener.role], listener)
	}
	if listener.music.has[b.now] {
		return 1 << musicSlot
	}
	return 0
}

// speaking is the mask of those of the roles who say something in this tick.
func (b *Bridge) speaking(roles uint8, except *member) (mask uint64) {
	for _, m := range b.members {
		if m != except && m.said.has[b.now] && !m.muted && m.player == nil && roles&(1<<m.role) != 0 {
			mask |= 1 << m.slot
		}
	}
	return mask
}

// sweep forgets members who have faded out.
func (b *Bridge) sweep() {
	for i := len(b.members) - 1; i >= 0; i-- {
		if m := b.members[i]; m.gone {
			b.used &^= 1 << m.slot
			b.members = slices.Delete(b.members, i, i+1)
		}
	}
}
