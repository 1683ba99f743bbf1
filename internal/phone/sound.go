package phone

import (
	"context"
	"errors"
	"sync"

	"opeka/internal/care"
	"opeka/internal/sound"
	"opeka/internal/sound/browser"
	"opeka/internal/sound/tone"
)

// booth is the sound of this process: bridges, and the browsers of the agents who are at the telephone here.
type booth struct {
	mixer *sound.Mixer
	door  *browser.Door
	music []int16

	mu       sync.Mutex
	sessions map[int64]*browser.Session // by agent
}

func newBooth(m *sound.Mixer, d *browser.Door) *booth {
	b := &booth{mixer: m, door: d, sessions: map[int64]*browser.Session{}}
	if m != nil {
		b.music = tone.Music()
	}
	return b
}

// Leg connects the caller's browser: it stays connected for as long as he is at the telephone, so that a customer who answers hears him at once. A page that
// was loaded anew comes back into the call that it had.
func (p *Phone) Leg(ctx context.Context, s care.Scope, offer string) (answer string, err error) {
	if p.booth.door == nil {
		return "", &care.Error{Code: "phone.no_sound", Kind: care.KindUnavailable}
	}
	p.booth.mu.Lock()
	old := p.booth.sessions[s.Agent]
	p.booth.mu.Unlock()
	if old != nil {
		answer, err = old.Reconnect(offer)
		if err == nil {
			return answer, p.back(ctx, s.Agent)
		}
		if errors.Is(err, browser.ErrOffer) {
			return "", care.Invalid("offer", "value_invalid")
		}
		_ = old.Close()
	}
	session, answer, err := p.booth.door.Answer(offer)
	if err != nil {
		return "", care.Invalid("offer", "value_invalid")
	}
	p.booth.mu.Lock()
	p.booth.sessions[s.Agent] = session
	p.booth.mu.Unlock()
	p.attend(s.Agent, session)
	if err := p.back(ctx, s.Agent); err != nil {
		return "", err
	}
	// Back in the call that he was in, if he was in one.
	a, err := agentState(ctx, p.db.Read(), s.Agent)
	if err == nil && a.Call != 0 {
		p.lines.do(a.Call, "look")
	}
	return answer, nil
}

// leg is an agent's sound; silence when he has none here.
func (b *booth) leg(agent int64) sound.Leg {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[agent]; s != nil {
		return s.Leg()
	}
	return nil
}

// has tells whether a session is still the agent's.
func (b *booth) has(agent int64, s *browser.Session) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[agent] == s
}

// stage is where a call's parties hear each other.
type stage struct {
	mu      sync.Mutex
	bridge  *sound.Bridge
	player  *sound.Player
	sitting map[int64]sitting // by who it is, as in seat
	taken   bool              // somebody talks with the customer: nothing is announced to him
}

// sitting is a leg as it is in the bridge.
type sitting struct {
	leg sound.Leg
	seat
}

// put brings the customer onto the stage; without sound in this process nothing is heard.
func (b *booth) put(line care.Line) *stage {
	leg, ok := line.Media().(sound.Leg)
	if b.mixer == nil || !ok {
		return nil
	}
	s := &stage{bridge: b.mixer.Bridge(), player: sound.NewPlayer(nil), sitting: map[int64]sitting{theCustomer: {leg: leg, seat: seat{who: theCustomer, role: sound.Customer}}}}
	if s.bridge.Add(leg, sound.Customer) != nil || s.bridge.Add(s.player, sound.Prompt) != nil {
		s.bridge.Close()
		return nil
	}
	return s
}

// arrange seats everybody as the call stands now: whoever is new comes in, whoever has left goes, and who has another leg than before (a page that was loaded
// anew) is heard by that.
func (s *stage) arrange(all []seat, legOf func(who int64) sound.Leg, music []int16) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[int64]sound.Leg{theCustomer: s.sitting[theCustomer].leg}
	before := s.taken
	s.taken = false
	for _, x := range all {
		if x.who != theCustomer {
			wanted[x.who] = legOf(x.who)
			s.taken = s.taken || x.role != sound.Listen && x.role != sound.Whisper
		}
	}
	if s.taken && !before { // what is said to both of them later isn't cut short
		s.player.Stop()
		s.player.Music(nil)
	}
	for who, now := range s.sitting {
		if leg := wanted[who]; leg == nil || leg != now.leg {
			_ = s.bridge.Remove(now.leg)
			delete(s.sitting, who)
		}
	}
	for _, x := range all {
		now, there := s.sitting[x.who]
		if !there {
			now = sitting{leg: wanted[x.who], seat: seat{who: x.who, role: x.role}}
			if now.leg == nil || s.bridge.Add(now.leg, x.role) != nil {
				continue
			}
		}
		if now.role != x.role {
			_ = s.bridge.SetRole(now.leg, x.role)
		}
		_ = s.bridge.Mute(now.leg, x.muted)
		switch {
		case x.music && !now.music:
			_ = s.bridge.Hold(now.leg, sound.NewPlayer(music))
		case !x.music && now.music:
			_ = s.bridge.Resume(now.leg)
		}
		s.sitting[x.who] = sitting{now.leg, x}
	}
}

// announce plays something to a customer whom no agent has taken yet; it tells whether it does.
func (s *stage) announce(i sound.Item) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken {
		return false
	}
	s.player.Play(i)
	return true
}

// wait plays music between announcements until an agent takes the customer.
func (s *stage) wait(music []int16) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.taken {
		s.player.Music(music)
	}
}

// hush ends what is being announced.
func (s *stage) hush() {
	if s != nil {
		s.player.Stop()
	}
}

func (s *stage) close() {
	if s != nil {
		s.bridge.Close()
	}
}
