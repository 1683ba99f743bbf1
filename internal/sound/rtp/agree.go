package rtp

import (
	"fmt"
	"net/netip"

	"opeka/internal/sound/g711"
)

const ownEvents = 101 // the payload type of keys in our offers

// Offer describes our side to somebody who hasn't described himself yet, or is asked again: to hold, to resume, to move. secure asks for
// encryption, and nothing else will do then.
func (s *Session) Offer(secure bool) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = secure || s.o.OnlySRTP
	d := described{events: ownEvents, direction: s.want, secure: s.offered}
	for _, law := range s.o.Laws {
		d.codecs = append(d.codecs, codec{map[g711.Law]uint8{g711.A: 8, g711.Mu: 0}[law], law})
	}
	if s.offered {
		d.cryptos = s.own
	}
	return s.say(d)
}

// say completes a description and counts its versions.
func (s *Session) say(d described) []byte {
	d.id, d.ip, d.port = s.id, s.ip, s.port
	d.version = s.said.version
	if string(d.bytes()) != string(s.said.bytes()) || d.version == 0 {
		d.version++
	}
	s.said = d
	return d.bytes()
}

// Answer agrees to the far end's offer, at the beginning or later in the call, and returns our side of it.
func (s *Session) Answer(offer []byte) ([]byte, error) {
	m, err := parse(offer)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.knows(m)
	if err != nil {
		return nil, err
	}
	d := described{codecs: []codec{c}, events: m.events, direction: m.direction.answer(s.want), secure: m.secure(), mux: m.mux, offer: m}
	var own, theirs crypto
	if m.secure() {
		theirs = m.cryptos[0]
		own = s.key(theirs.suite)
		own.tag = theirs.tag
		d.cryptos = []crypto{own}
	} else if s.o.OnlySRTP {
		return nil, ErrPlain
	}
	if err := s.agree(m, c, own, theirs, m.mux); err != nil {
		return nil, err
	}
	return s.say(d), nil
}

func (s *Session) key(of suite) crypto {
	for _, c := range s.own {
		if c.suite == of {
			return c
		}
	}
	return s.own[0]
}

// Accept takes the far end's answer to our offer. It may come again and differ: from another phone that rings, with early sound, then with the final answer.
func (s *Session) Accept(answer []byte) error {
	m, err := parse(answer)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.knows(m)
	if err != nil {
		return err
	}
	var own, theirs crypto
	switch {
	case s.offered && !m.secure():
		return ErrPlain
	case !s.offered && m.secure():
		return fmt.Errorf("%w: encryption wasn't offered", ErrNoAudio)
	case m.secure():
		theirs = m.cryptos[0]
		own = s.key(theirs.suite)
		if own.tag != theirs.tag {
			return fmt.Errorf("%w: a key for another line than was offered", ErrNoAudio)
		}
	}
	return s.agree(m, c, own, theirs, false)
}

// agree puts into effect what both sides said. Keys that stay the same go on being used where they were: a new beginning would be refused as a repetition.
func (s *Session) agree(m *media, c codec, own, theirs crypto, mux bool) error {
	s.rx.Lock()
	defer s.rx.Unlock()
	s.tx.Lock()
	defer s.tx.Unlock()
	secure := m.secure()
	if secure && (!s.secure || !same(s.locked[0], own)) {
		lock, err := own.lock()
		if err != nil {
			return fmt.Errorf("rtp: %w", err)
		}
		s.tx.lock = lock
	}
	if secure && (!s.secure || !same(s.locked[1], theirs)) {
		lock, err := theirs.lock()
		if err != nil {
			return fmt.Errorf("rtp: %w", err)
		}
		s.rx.lock = lock
	}
	if !secure {
		s.tx.lock, s.rx.lock = nil, nil
	}
	s.locked, s.secure = [2]crypto{own, theirs}, secure

	laws, events := map[uint8]g711.Law{}, []uint8{ownEvents}
	for _, k := range m.codecs {
		laws[k.kind] = k.law
		if k.kind == ownEvents {
			events = nil
		}
	}
	sent := m.events
	if sent >= 0 {
		events = append(events, uint8(sent))
	}
	if s.o.KeysAside {
		sent = -1
	}
	s.in.Expect(laws, events)
	s.out.Use(c.law, c.kind, sent)

	s.agreed = m.direction.answer(s.want)
	s.tx.sends, s.tx.mux = s.agreed.sends() && !m.addr.Addr().IsUnspecified(), mux
	if s.rx.signalled != m.addr || !s.tx.to.IsValid() {
		s.tx.to = m.addr
	}
	if s.tx.control = m.control; mux {
		s.tx.control = m.addr
	}
	// From here on the first who sends is the far end again: it may have moved.
	s.rx.signalled, s.rx.ready = m.addr, true
	s.rx.source = netip.AddrPort{}
	s.far = m
	return nil
}

func same(a, b crypto) bool { return a.suite == b.suite && a.key == b.key }

// Hold says in the next Offer or Answer that the far end is to be silent, and hears only what is played to it; false ends that.
func (s *Session) Hold(hold bool) {
	d := SendRecv
	if hold {
		d = SendOnly
	}
	s.SetDirection(d)
}

// SetDirection says in the next Offer or Answer who may speak.
func (s *Session) SetDirection(d Direction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want = d
}

// Direction is what was agreed, as we see it.
func (s *Session) Direction() Direction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agreed
}

// Held tells whether the far end has put us on hold.
func (s *Session) Held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.far != nil && !s.far.direction.receives()
}
