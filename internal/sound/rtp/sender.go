package rtp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/pion/rtp"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/tone"
)

// Sender makes packets of frames and keys, wherever they go.
type Sender struct {
	mu      sync.Mutex
	law     g711.Law
	kind    uint8 // payload type of sound
	events  int   // payload type of keys; -1: as tones in the sound
	header  rtp.Header
	payload [sound.Samples]byte
	keys    keyOut
	beep    *tone.Source
	beeped  sound.Frame
	started bool
	packets uint32
	octets  uint32
}

// NewSender returns a sender with a beginning nobody can guess.
func NewSender() *Sender {
	s := &Sender{events: -1, kind: 8}
	s.header = rtp.Header{Version: 2, SSRC: rand.Uint32(), SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()}
	return s
}

// Use says in which payload types sound and keys go; events -1 means that the far end knows none.
func (s *Sender) Use(law g711.Law, kind uint8, events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.law, s.kind, s.events = law, kind, events
}

// Key sends keys one after the other: 0-9, *, #, A-D, and a comma for a pause of a second.
func (s *Sender) Key(keys string) error {
	for _, k := range keys {
		if k != ',' && !strings.ContainsRune(eventKeys, k) {
			return fmt.Errorf("rtp: %q is no key", k)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.waiting = append(s.keys.waiting, []rune(keys)...)
	return nil
}

// Write makes the packets of this tick and hands them to emit, which may be nil when nothing may be sent; the far end's clock goes on all the same.
func (s *Sender) Write(f *sound.Frame, emit func(h *rtp.Header, payload []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	down := s.keys.next(s.header.Timestamp)
	if emit != nil {
		switch {
		case down && s.events >= 0:
			s.press(emit)
		case down:
			if s.beep == nil {
				s.beep = tone.Key(rune(eventKeys[s.keys.event]))
			}
			s.beep.Fill(s.beeped[:])
			f = &s.beeped
			fallthrough
		default:
			s.law.Encode(s.payload[:], f[:])
			s.send(emit, s.kind, !s.started, s.header.Timestamp, s.payload[:])
			s.started = true
		}
	}
	if !down {
		s.beep = nil
	}
	s.header.Timestamp += sound.Samples
}

func (s *Sender) press(emit func(h *rtp.Header, payload []byte)) {
	event := s.keys.payload()
	copies := 1
	if s.keys.last() {
		copies = 3 // the end must not get lost
	}
	copy(s.payload[:], event[:])
	for range copies {
		s.send(emit, uint8(s.events), s.keys.tick == 0, s.keys.ts, s.payload[:len(event)])
	}
}

func (s *Sender) send(emit func(h *rtp.Header, payload []byte), kind uint8, marker bool, ts uint32, payload []byte) {
	now := s.header.Timestamp
	s.header.PayloadType, s.header.Marker, s.header.Timestamp = kind, marker, ts
	emit(&s.header, payload)
	s.header.Timestamp = now
	s.header.SequenceNumber++
	s.packets++
	s.octets += uint32(len(payload))
}

// Sent is what went out so far.
type Sent struct {
	SSRC, Timestamp, Packets, Octets uint32
}

// Stats tells what went out so far.
func (s *Sender) Stats() Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Sent{s.header.SSRC, s.header.Timestamp, s.packets, s.octets}
}

// Become has the stream go under another number, as a browser's connection gives it.
func (s *Sender) Become(ssrc uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header.SSRC = ssrc
}
