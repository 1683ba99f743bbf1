package rtp

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
)

func packet(kind uint8, seq uint16, ts, ssrc uint32, n int) []byte {
	b, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: kind, SequenceNumber: seq, Timestamp: ts, SSRC: ssrc}, Payload: make([]byte, n)}).Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

func TestLossJitterAndReports(t *testing.T) {
	r := NewReceiver()
	now := time.Unix(1e9, 0)
	seq := uint16(65000) // wraps
	for i := range 1000 {
		if i%10 != 3 {
			at := now
			if i%2 == 0 {
				at = at.Add(8 * time.Millisecond)
			}
			r.Push(packet(8, seq, uint32(i)*160, 7, 160), at)
		}
		seq++
		now = now.Add(sound.Period)
	}
	st := r.Stats()
	if st.Packets != 900 || st.Missing != 100 || st.PayloadType != 8 {
		t.Errorf("stats %+v", st)
	}
	if st.Jitter < 5*time.Millisecond || st.Jitter > 9*time.Millisecond {
		t.Errorf("jitter %v", st.Jitter)
	}
	r.SenderReport(0x0000aaaabbbb0000, now)
	rep, ok := r.Report(now.Add(time.Second))
	if !ok || rep.FractionLost < 24 || rep.FractionLost > 26 || rep.TotalLost != 100 || rep.LastSenderReport != 0xaaaabbbb || rep.Delay != 65536 || rep.SSRC != 7 {
		t.Errorf("report %+v", rep)
	}
	if rep, _ = r.Report(now); rep.FractionLost != 0 || rep.TotalLost != 100 {
		t.Errorf("next report %+v", rep)
	}
	// Another source takes over: its numbers have nothing to do with those before.
	r.Push(packet(0, 5, 1e6, 8, 160), now)
	if st = r.Stats(); st.Missing != 100 || st.Packets != 901 || st.PayloadType != 0 {
		t.Errorf("stats with another source %+v", st)
	}
}

// Each side learns from the other how its packets arrive and how far away it is.
func TestReportsGoRound(t *testing.T) {
	a := Book{Out: NewSender(), In: NewReceiver(), Name: "a"}
	b := Book{Out: NewSender(), In: NewReceiver(), Name: "b"}
	now := time.Unix(1e9, 0)
	for i := range 100 {
		a.Out.Write(&sound.Frame{}, func(h *rtp.Header, payload []byte) {
			p, _ := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
			if i%4 != 1 {
				b.In.Push(p, now)
			}
		})
		now = now.Add(sound.Period)
	}
	carry := func(from *Book, bye bool) []byte {
		p, err := rtcp.Marshal(from.Report(now, bye))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if _, ok := b.Take(carry(&a, false), now.Add(30*time.Millisecond)); ok {
		t.Error("a report about nobody")
	}
	now = now.Add(time.Second)
	back := carry(&b, true)
	away, ok := a.Take(back, now.Add(50*time.Millisecond))
	if !ok || away.Loss < 0.24 || away.Loss > 0.26 || away.Missing != 25 {
		t.Errorf("away %+v", away)
	}
	if away.RoundTrip < 79*time.Millisecond || away.RoundTrip > 81*time.Millisecond {
		t.Errorf("round trip %v", away.RoundTrip)
	}
}

// A phone sends the other law than was agreed, without saying so.
func TestDecodedByWhatComes(t *testing.T) {
	for _, kind := range []uint8{0, 8} {
		r := NewReceiver()
		r.Expect(map[uint8]g711.Law{8: g711.A}, nil)
		law := map[uint8]g711.Law{0: g711.Mu, 8: g711.A}[kind]
		var f, got sound.Frame
		for i := range f {
			f[i] = 5000
		}
		s := NewSender()
		s.Use(law, kind, -1)
		for range 3 {
			s.Write(&f, func(h *rtp.Header, payload []byte) {
				p, _ := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
				r.Push(p, time.Unix(1e9, 0))
			})
		}
		if !r.Read(&got) || got[80] < 4800 || got[80] > 5200 {
			t.Errorf("payload type %d came out as %d", kind, got[80])
		}
	}
}

func FuzzRTP(f *testing.F) {
	f.Add(packet(8, 1, 160, 7, 160), packet(101, 2, 320, 7, 4))
	f.Add(packet(0, 1, 160, 7, 1600), packet(13, 2, 1<<31, 7, 1))
	f.Add([]byte{0xbf, 0xff, 0, 0}, []byte{0x90, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		r := NewReceiver()
		r.Expect(nil, []uint8{101})
		r.OnDTMF(func(rune) {})
		now := time.Unix(1e9, 0)
		var frame sound.Frame
		for range 3 {
			r.Push(a, now)
			r.Read(&frame)
			r.Push(b, now.Add(time.Hour))
			r.Read(&frame)
		}
		r.Report(now)
		if st := r.Stats(); st.Packets < st.Late {
			t.Fatalf("stats %+v", st)
		}
	})
}

func FuzzRTCP(f *testing.F) {
	b := Book{Out: NewSender(), In: NewReceiver(), Name: "a"}
	p, err := rtcp.Marshal(b.Report(time.Unix(1e9, 0), true))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, p []byte) {
		if away, ok := b.Take(p, time.Unix(2e9, 0)); ok && (away.Loss < 0 || away.Loss >= 1 || away.RoundTrip < 0) {
			t.Fatalf("%+v", away)
		}
	})
}

func FuzzCrypto(f *testing.F) {
	f.Add(newCrypto(1, suite80).String())
	f.Add("2 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCrypto(s)
		if err != nil {
			return
		}
		if back, err := parseCrypto(c.String()); err != nil || back != c {
			t.Fatalf("%q became %v, and that %v: %v", s, c, back, err)
		}
	})
}
