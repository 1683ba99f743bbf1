package sound

import (
	"sync"
	"time"
)

// Item is something to be played.
type Item struct {
	Name  string        // for Done and Playing
	Sound []int16       // at 8 kHz
	Pause time.Duration // of silence before it
	Times int           // how often; 0 is once
	// Done is called beside the tick when the item has ended, whole, or was cut short or left out.
	Done func(name string, whole bool)
}

// Player is a leg that plays what it is given: announcements one after the other, and music while there are none. It hears nothing. One
// player serves one listener; the sounds themselves may be shared by all.
type Player struct {
	mu    sync.Mutex
	queue []Item
	at    int // sample of the first item; negative in its pause
	again int // how often it was played

	music   []int16
	musicAt int

	// What ends in the middle of a wave is let down over 5 ms.
	last  int16
	down  int16
	steps int
	aside Aside
}

const downSteps = Rate / 200

// NewPlayer returns a player that plays music, over and over; nil is silence.
func NewPlayer(music []int16) *Player { return &Player{music: music} }

// Play adds items to what is to be played.
func (p *Player) Play(items ...Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 && len(items) > 0 {
		p.begin(items[0])
	}
	p.queue = append(p.queue, items...)
}

// Music changes what is heard between announcements.
func (p *Player) Music(music []int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.music, p.musicAt = music, 0
	if len(p.queue) == 0 {
		p.letDown()
	}
}

// Skip ends the present item.
func (p *Player) Skip() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 {
		p.letDown()
		p.pop(false)
	}
}

// Stop ends the present item and leaves out all others, as when a caller presses a key or an agent is there.
func (p *Player) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 {
		p.letDown()
	}
	for len(p.queue) > 0 {
		p.pop(false)
	}
}

// Playing names the present item; false when there is none.
func (p *Player) Playing() (name string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return "", false
	}
	return p.queue[0].Name, true
}

func (p *Player) begin(i Item) {
	p.letDown()
	p.at, p.again = -int(i.Pause*Rate/time.Second), 0
}

func (p *Player) letDown() { p.down, p.steps = p.last, downSteps }

func (p *Player) pop(whole bool) {
	i := p.queue[0]
	p.queue = p.queue[1:]
	if i.Done != nil {
		p.aside.Do(func() { i.Done(i.Name, whole) })
	}
	if len(p.queue) > 0 {
		p.begin(p.queue[0])
	}
}

// Read implements Leg.
func (p *Player) Read(f *Frame) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 && len(p.music) == 0 && p.steps == 0 {
		p.last = 0
		return false
	}
	for n := 0; n < Samples; {
		n += p.fill(f[n:])
	}
	for i := 0; i < Samples && p.steps > 0; i++ {
		f[i] = clip(int32(f[i]) + int32(p.down)*int32(p.steps)/downSteps)
		p.steps--
	}
	p.last = f[Samples-1]
	return true
}

// fill puts the next of what is to be heard into s, at least one sample, up to where something else begins.
func (p *Player) fill(s []int16) (n int) {
	if len(p.queue) == 0 {
		if len(p.music) == 0 {
			clear(s)
			return len(s)
		}
		n = copy(s, p.music[p.musicAt:])
		p.musicAt = (p.musicAt + n) % len(p.music)
		return n
	}
	item := &p.queue[0]
	if p.at < 0 {
		n = min(len(s), -p.at)
		clear(s[:n])
		p.at += n
		return n
	}
	n = copy(s, item.Sound[min(p.at, len(item.Sound)):])
	if n > 0 {
		p.last = s[n-1]
	}
	if p.at += n; p.at >= len(item.Sound) {
		if p.again++; p.again < item.Times && len(item.Sound) > 0 {
			p.at = 0
		} else {
			p.pop(true)
		}
	}
	return n
}

// Write implements Leg.
func (p *Player) Write(*Frame) {}
