package rtp_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/rtp"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/tone"
	"opeka/test/world/ports"
)

var loopback = netip.MustParseAddr("127.0.0.1")

func open(t *testing.T, o rtp.Options) *rtp.Session {
	t.Helper()
	o.IP = loopback
	s, err := rtp.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// call is two sessions, each in a bridge of its own with somebody who speaks, and a clock that runs.
type call struct {
	*testing.T
	a, b         *rtp.Session
	anna, bohdan *soundtest.Party
}

const (
	annaHz   = 440
	bohdanHz = 650
)

func ring(t *testing.T, a, b *rtp.Session, secure bool) *call {
	t.Helper()
	c := &call{T: t, a: a, b: b, anna: soundtest.Says(annaHz), bohdan: soundtest.Says(bohdanHz)}
	c.agree(a, b, secure)
	m := sound.NewMixer()
	t.Cleanup(m.Close)
	for _, x := range []struct {
		s *rtp.Session
		p *soundtest.Party
	}{{a, c.anna}, {b, c.bohdan}} {
		bridge := m.Bridge()
		must(t, bridge.Add(x.p, sound.Agent))
		must(t, bridge.Add(x.s.Leg(), sound.Customer))
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *call) agree(from, to *rtp.Session, secure bool) (offer, answer string) {
	c.Helper()
	o := from.Offer(secure)
	a, err := to.Answer(o)
	must(c.T, err)
	must(c.T, from.Accept(a))
	return string(o), string(a)
}

func (c *call) hear(annaHears, bohdanHears bool) {
	c.Helper()
	if !c.anna.Await(bohdanHz, annaHears) {
		c.Errorf("Anna doesn't come to hear Bohdan: %v", annaHears)
	}
	if !c.bohdan.Await(annaHz, bohdanHears) {
		c.Errorf("Bohdan doesn't come to hear Anna: %v", bohdanHears)
	}
}

func TestTwoSessionsTalk(t *testing.T) {
	for _, x := range []struct {
		name   string
		secure bool
		a, b   rtp.Options
		codec  string
	}{
		{"A-law", false, rtp.Options{}, rtp.Options{}, "PCMA"},
		{"mu-law", false, rtp.Options{}, rtp.Options{Laws: []g711.Law{g711.Mu}}, "PCMU"},
		{"encrypted", true, rtp.Options{}, rtp.Options{OnlySRTP: true}, "PCMA"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := ring(t, open(t, x.a), open(t, x.b), x.secure)
			c.hear(true, true)
			keys := make(chan rune, 10)
			c.b.OnDTMF(func(k rune) { keys <- k })
			must(t, c.a.SendDTMF("1#"))
			for _, want := range "1#" {
				select {
				case got := <-keys:
					if got != want {
						t.Errorf("key %q, want %q", got, want)
					}
				case <-time.After(time.Minute):
					t.Fatal("no key came")
				}
			}
			c.hear(true, true)
			for _, s := range []*rtp.Session{c.a, c.b} {
				st := s.Stats()
				if st.Codec != x.codec || st.Secure != x.secure || st.Direction != rtp.SendRecv || st.In.Packets == 0 || st.Failed != 0 {
					t.Errorf("stats %+v", st)
				}
			}
		})
	}
}

// With the shorter tag, which some phones prefer.
func TestShorterTag(t *testing.T) {
	t.Parallel()
	a, b := open(t, rtp.Options{}), open(t, rtp.Options{})
	c := &call{T: t, a: a, b: b, anna: soundtest.Says(annaHz), bohdan: soundtest.Says(bohdanHz)}
	offer := string(a.Offer(true))
	lines := strings.SplitAfter(offer, "\r\n")
	kept := ""
	for _, l := range lines {
		if !strings.Contains(l, "HMAC_SHA1_80") {
			kept += l
		}
	}
	answer, err := b.Answer([]byte(kept))
	must(t, err)
	if !strings.Contains(string(answer), "a=crypto:2 AES_CM_128_HMAC_SHA1_32 ") {
		t.Errorf("answer %s", answer)
	}
	must(t, a.Accept(answer))
	m := sound.NewMixer()
	t.Cleanup(m.Close)
	for s, p := range map[*rtp.Session]*soundtest.Party{a: c.anna, b: c.bohdan} {
		bridge := m.Bridge()
		must(t, bridge.Add(p, sound.Agent))
		must(t, bridge.Add(s, sound.Customer))
	}
	c.hear(true, true)
}

func TestHoldAndResume(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "encrypted"}[secure], func(t *testing.T) {
			t.Parallel()
			c := ring(t, open(t, rtp.Options{}), open(t, rtp.Options{}), secure)
			c.hear(true, true)
			c.a.Hold(true)
			offer, answer := c.agree(c.a, c.b, secure)
			if !strings.Contains(offer, "a=sendonly") || !strings.Contains(answer, "a=recvonly") {
				t.Errorf("offer %s\nanswer %s", offer, answer)
			}
			if c.a.Direction() != rtp.SendOnly || c.b.Direction() != rtp.RecvOnly || c.a.Held() || !c.b.Held() {
				t.Errorf("directions %s %s", c.a.Direction(), c.b.Direction())
			}
			c.hear(false, true) // music, if any, still goes out
			c.a.Hold(false)
			c.agree(c.a, c.b, secure)
			c.hear(true, true)
			c.agree(c.b, c.a, secure) // the other side may ask again too
			c.hear(true, true)
		})
	}
}

// The far end moves to another place in the middle of the call, as after a transfer at its side.
func TestFarEndMoves(t *testing.T) {
	t.Parallel()
	c := ring(t, open(t, rtp.Options{}), open(t, rtp.Options{}), false)
	c.hear(true, true)
	other := open(t, rtp.Options{})
	olena := soundtest.Says(870)
	m := sound.NewMixer()
	t.Cleanup(m.Close)
	bridge := m.Bridge()
	must(t, bridge.Add(olena, sound.Agent))
	must(t, bridge.Add(other, sound.Customer))
	c.agree(other, c.a, false)
	if !c.anna.Await(870, true) || !olena.Await(annaHz, true) {
		t.Error("the call doesn't go on with the new far end")
	}
	if !c.anna.Await(bohdanHz, false) {
		t.Error("the old far end is still heard")
	}
}

// Behind NAT sound comes from elsewhere than was described, and is to be answered there; but once it comes from somewhere, nobody else gets a word in.
func TestSourceIsLatchedAndStrangersAreNotHeard(t *testing.T) {
	t.Parallel()
	a := open(t, rtp.Options{})
	described := "v=0\r\no=- 1 1 IN IP4 10.1.2.3\r\ns=-\r\nc=IN IP4 10.1.2.3\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
	_, err := a.Answer([]byte(described))
	must(t, err)
	m := sound.NewMixer()
	t.Cleanup(m.Close)
	bridge := m.Bridge()
	anna := soundtest.Says(0)
	must(t, bridge.Add(anna, sound.Agent))
	must(t, bridge.Add(a, sound.Customer))
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, uint16(a.Port())))
	phone, err := net.DialUDP("udp", nil, to)
	must(t, err)
	defer phone.Close()
	stranger, err := net.DialUDP("udp", nil, to)
	must(t, err)
	defer stranger.Close()
	packet := func(n byte) []byte {
		return append([]byte{0x80, 8, 0, n, 0, 0, 0, n * 160, 1, 2, 3, 4}, make([]byte, 160)...)
	}
	_, err = phone.Write(packet(1))
	must(t, err)
	buf := make([]byte, 2048)
	must(t, phone.SetReadDeadline(time.Now().Add(time.Minute)))
	if _, err := phone.Read(buf); err != nil {
		t.Fatalf("nothing comes to where sound came from: %v", err)
	}
	_, err = stranger.Write(packet(2))
	must(t, err)
	for end := time.Now().Add(time.Minute); a.Stats().Strangers == 0; {
		if time.Now().After(end) {
			t.Fatal("the stranger wasn't noticed")
		}
		_, err = phone.Read(buf)
		must(t, err)
	}
	if st := a.Stats(); st.Remote.Port() != uint16(phone.LocalAddr().(*net.UDPAddr).Port) || st.In.Packets != 1 {
		t.Errorf("stats %+v", st)
	}
}

// The far end that says it knows keys gets them as events; the one that doesn't gets tones.
func TestKeysAsTones(t *testing.T) {
	t.Parallel()
	c := ring(t, open(t, rtp.Options{KeysAside: true}), open(t, rtp.Options{}), false)
	c.hear(true, true)
	c.bohdan.Keep()
	must(t, c.a.SendDTMF("5"))
	heard := func() bool {
		s := c.bohdan.Heard()
		for i := 0; i+400 <= len(s); i += 80 {
			if tone.Level(s[i:i+400], 770) > 3000 && tone.Level(s[i:i+400], 1336) > 3000 {
				return true
			}
		}
		return false
	}
	for range 100 {
		if heard() {
			return
		}
		c.bohdan.Next()
	}
	t.Error("the tones of key 5 weren't heard")
}

func TestPortsRunOutAndComeBack(t *testing.T) {
	low := ports.Row(t, 9)
	r := rtp.Range{Low: uint16(low | 1), High: uint16(low|1) + 7} // three pairs: the first is even
	var all []*rtp.Session
	for range 3 {
		all = append(all, open(t, rtp.Options{Ports: r}))
	}
	if _, err := rtp.Listen(rtp.Options{IP: loopback, Ports: r}); err == nil {
		t.Fatal("a fourth pair was found")
	}
	must(t, all[1].Close())
	must(t, all[1].Close())
	if s := open(t, rtp.Options{Ports: r}); s.Port() != all[1].Port() {
		t.Errorf("port %d, want the one that was freed, %d", s.Port(), all[1].Port())
	}
	for _, o := range []rtp.Options{{}, {IP: netip.IPv4Unspecified()}, {IP: loopback, Ports: rtp.Range{Low: 5, High: 5}}} {
		if _, err := rtp.Listen(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
