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
		p.lines.do(a.Call, "join")
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
	mu       sync.Mutex
	bridge   *sound.Bridge
	player   *sound.Player
	customer sound.Leg
	agent    sound.Leg
	taken    bool // an agent is, or was, on it: nothing is announced any more
	watchers map[int64]sound.Leg
}

// put brings the customer onto the stage; without sound in this process nothing is heard.
func (b *booth) put(line care.Line) *stage {
	leg, ok := line.Media().(sound.Leg)
	if b.mixer == nil || !ok {
		return nil
	}
	s := &stage{bridge: b.mixer.Bridge(), player: sound.NewPlayer(nil), customer: leg, watchers: map[int64]sound.Leg{}}
	if s.bridge.Add(leg, sound.Customer) != nil || s.bridge.Add(s.player, sound.Prompt) != nil {
		s.bridge.Close()
		return nil
	}
	return s
}

// join brings an agent onto the stage, in the place of the one before.
func (s *stage) join(leg sound.Leg) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = true
	s.player.Stop()
	s.player.Music(nil)
	if s.agent == leg {
		return
	}
	if s.agent != nil {
		_ = s.bridge.Remove(s.agent)
	}
	if s.agent = leg; leg != nil {
		_ = s.bridge.Add(leg, sound.Agent)
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

// hold plays music to the customer instead of the agent, or ends that.
func (s *stage) hold(on bool, music []int16) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if on {
		_ = s.bridge.Hold(s.customer, sound.NewPlayer(music))
	} else {
		_ = s.bridge.Resume(s.customer)
	}
}

// watch lets a supervisor listen, whisper to the agent, or join; off ends it.
func (s *stage) watch(agent int64, leg sound.Leg, role sound.Role, on bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.watchers[agent]; old != nil {
		_ = s.bridge.Remove(old)
		delete(s.watchers, agent)
	}
	if on && leg != nil && s.bridge.Add(leg, role) == nil {
		s.watchers[agent] = leg
	}
}

func (s *stage) close() {
	if s != nil {
		s.bridge.Close()
	}
}
