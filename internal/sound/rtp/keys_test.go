package rtp

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/pion/rtp"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
)

// Presses as they were seen on the wire: one line per packet, "timestamp event flags+volume duration".
func TestKeysOfOtherPhones(t *testing.T) {
	type packet struct {
		ts uint32
		b  string
	}
	for _, c := range []struct {
		name    string
		packets []packet
		want    string
	}{
		{"a press, its end three times", []packet{{800, "050a00a0"}, {800, "050a0140"}, {800, "050a01e0"}, {800, "058a0280"}, {800, "058a0280"}, {800, "058a0280"}}, "5"},
		{"the first packet has no duration", []packet{{800, "010a0000"}, {800, "010a00a0"}, {800, "018a0140"}, {800, "018a0140"}}, "1"},
		{"a single end arrived of it", []packet{{800, "0b8a0320"}}, "#"},
		{"all its ends were lost, and the same key comes again", []packet{{800, "020a00a0"}, {800, "020a0140"}, {4800, "020a00a0"}, {4800, "028a0140"}}, "22"},
		{"two presses at once after each other", []packet{{800, "030a00a0"}, {800, "038a0140"}, {1120, "030a00a0"}, {1120, "038a0140"}}, "33"},
		{"a long press in two pieces", []packet{{0, "0a0affff"}, {65535, "0a0a00a0"}, {65535, "0a8a0140"}}, "*"},
		{"a phone that moves the timestamp with each packet", []packet{{800, "040a00a0"}, {960, "040a0140"}, {1120, "040a01e0"}, {1280, "048a0280"}, {1280, "048a0280"}}, "4"},
		{"an end that was overtaken by the next press", []packet{{800, "060a00a0"}, {1600, "070a00a0"}, {800, "068a0140"}, {1600, "078a0140"}}, "67"},
		{"the timestamp wraps", []packet{{0xffffffb0, "0c0a00a0"}, {0xffffffb0, "0c8a0140"}, {0x00000200, "0d0a00a0"}, {0x00000200, "0d8a0140"}}, "AB"},
		{"what is no key", []packet{{800, "100a00a0"}, {1600, "ff8a00a0"}, {2400, "05"}, {3200, ""}}, ""},
	} {
		var k keyIn
		got := ""
		for _, p := range c.packets {
			b, err := hex.DecodeString(p.b)
			if err != nil {
				t.Fatal(err)
			}
			if r := k.take(p.ts, b); r != 0 {
				got += string(r)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What we send, packet by packet: one timestamp for a press, its duration growing, three ends, sound going on after it at its own time.
func TestKeysAsWeSendThem(t *testing.T) {
	s := NewSender()
	s.Use(g711.A, 8, 101)
	if err := s.Key("9"); err != nil {
		t.Fatal(err)
	}
	begin, number := s.header.Timestamp, s.header.SequenceNumber
	type packet struct {
		kind   uint8
		marker bool
		ts     uint32
		b      string
	}
	var got []packet
	for range 6 {
		s.Write(&sound.Frame{}, func(h *rtp.Header, payload []byte) {
			if h.SequenceNumber != number {
				t.Errorf("number %d, want %d", h.SequenceNumber, number)
			}
			number++
			got = append(got, packet{h.PayloadType, h.Marker, h.Timestamp - begin, hex.EncodeToString(payload[:4])})
		})
	}
	want := []packet{
		{101, true, 0, "090a00a0"}, {101, false, 0, "090a0140"}, {101, false, 0, "090a01e0"}, {101, false, 0, "090a0280"},
		{101, false, 0, "098a0320"}, {101, false, 0, "098a0320"}, {101, false, 0, "098a0320"},
		{8, true, 800, "d5d5d5d5"},
	}
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || got[i] != want[i] {
			t.Fatalf("packets\n%v, want\n%v", got, want)
		}
	}
	if err := s.Key("1x"); err == nil {
		t.Error("x is taken for a key")
	}
}

// Keys arrive through a receiver, once each and in order, and aren't taken for loss.
func TestKeysArrive(t *testing.T) {
	s, r := NewSender(), NewReceiver()
	s.Use(g711.Mu, 0, 96)
	r.Expect(nil, []uint8{96})
	keys := make(chan rune, 100)
	r.OnDTMF(func(k rune) { keys <- k })
	const all = "0123456789*#ABCD11"
	if err := s.Key("0123,456789*#ABCD1,1"); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1e9, 0)
	for range 20*9 + 2*51 {
		s.Write(&sound.Frame{}, func(h *rtp.Header, payload []byte) {
			b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
			if err != nil || !r.Push(b, now) {
				t.Fatal("packet refused", err)
			}
		})
		now = now.Add(sound.Period)
	}
	for _, want := range all {
		if got := <-keys; got != want {
			t.Fatalf("key %q, want %q", got, want)
		}
	}
	if st := r.Stats(); st.Missing != 0 || st.Packets != uint64(s.Stats().Packets) {
		t.Errorf("stats %+v", st)
	}
}
