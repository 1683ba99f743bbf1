package browser_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/browser"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/soundtest/webpeer"
)

const (
	agentHz    = 440
	customerHz = 650
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func door(t *testing.T, o browser.Options) *browser.Door {
	t.Helper()
	if !o.Listen.IsValid() {
		o.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	}
	d, err := browser.New(o)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// house is a bridge at our side with a customer in it, and the clocks of both sides.
type house struct {
	*testing.T
	door     *browser.Door
	near     *sound.Mixer
	bridge   *sound.Bridge
	customer *soundtest.Party
}

func newHouse(t *testing.T, o browser.Options) *house {
	h := &house{T: t, door: door(t, o), near: sound.NewMixer(), customer: soundtest.Says(customerHz)}
	t.Cleanup(h.near.Close)
	h.bridge = h.near.Bridge()
	must(t, h.bridge.Add(h.customer, sound.Customer))
	return h
}

// agent is somebody before a browser.
func (h *house) agent(law g711.Law, hz float64, answer func(string) (string, error)) (*webpeer.Peer, *soundtest.Party) {
	h.Helper()
	peer, err := webpeer.Dial(law, answer)
	must(h.T, err)
	h.Cleanup(func() { _ = peer.Close() })
	who := soundtest.Says(hz)
	far := sound.NewMixer()
	h.Cleanup(far.Close)
	b := far.Bridge()
	must(h.T, b.Add(who, sound.Agent), b.Add(peer, sound.Customer))
	return peer, who
}

func (h *house) answer(to **browser.Session) func(string) (string, error) {
	return func(offer string) (string, error) {
		s, answer, err := h.door.Answer(offer)
		*to = s
		return answer, err
	}
}

func await(t *testing.T, states <-chan browser.State, want browser.State) {
	t.Helper()
	for end := time.After(2 * time.Minute); ; {
		select {
		case s := <-states:
			if s == want {
				return
			}
		case <-end:
			t.Fatalf("never came to be %s", want)
		}
	}
}

func TestBrowserAndCustomerTalk(t *testing.T) {
	for _, law := range []g711.Law{g711.A, g711.Mu} {
		t.Run(law.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, browser.Options{})
			var s *browser.Session
			peer, agent := h.agent(law, agentHz, h.answer(&s))
			must(t, h.bridge.Add(s.Leg(), sound.Agent))
			if !agent.Await(customerHz, true) || !h.customer.Await(agentHz, true) {
				t.Fatal("they don't hear each other")
			}
			keys := make(chan rune, 4)
			s.OnDTMF(func(k rune) { keys <- k })
			must(t, peer.Out.Key("7"))
			select {
			case k := <-keys:
				if k != '7' {
					t.Errorf("key %q", k)
				}
			case <-time.After(time.Minute):
				t.Error("no key came")
			}
			st := s.Stats()
			if st.State != browser.Connected || st.In.Packets == 0 || st.In.Missing > 0 || st.Codec != "PCMA" || st.Quality < 4 {
				t.Errorf("stats %+v", st)
			}
			states := make(chan browser.State, 10)
			s.OnState(func(st browser.State) { states <- st })
			must(t, s.Close(), s.Close())
			await(t, states, browser.Closed)
			if !h.customer.Await(agentHz, false) || h.door.Sessions() != 0 {
				t.Error("the browser is still there")
			}
		})
	}
}

// The page is loaded anew in the middle of a call: the leg stays in its bridge, and sound goes on.
func TestBrowserComesBack(t *testing.T) {
	for name, leave := range map[string]func(*webpeer.Peer){
		"after a goodbye":   func(p *webpeer.Peer) { _ = p.Close() },
		"after it vanished": (*webpeer.Peer).Vanish,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); comesBack(t, leave) })
	}
}

func comesBack(t *testing.T, leave func(*webpeer.Peer)) {
	h := newHouse(t, browser.Options{Timeout: time.Second})
	var s *browser.Session
	peer, agent := h.agent(g711.A, agentHz, h.answer(&s))
	states := make(chan browser.State, 20)
	s.OnState(func(st browser.State) { states <- st })
	await(t, states, browser.Connected)
	must(t, h.bridge.Add(s, sound.Agent))
	if !agent.Await(customerHz, true) || !h.customer.Await(agentHz, true) {
		t.Fatal("they don't hear each other")
	}
	leave(peer)
	await(t, states, browser.Lost)
	if !h.customer.Await(agentHz, false) {
		t.Error("a browser that is gone is heard")
	}
	_, again := h.agent(g711.A, 870, s.Reconnect)
	await(t, states, browser.Connected)
	if !again.Await(customerHz, true) || !h.customer.Await(870, true) {
		t.Error("they don't hear each other again")
	}
	// And once more while the connection before still stands: two tabs, or an agent who changes the room.
	_, third := h.agent(g711.Mu, 1110, s.Reconnect)
	if !third.Await(customerHz, true) || !h.customer.Await(1110, true) || !h.customer.Await(870, false) {
		t.Error("the last who came isn't the one who speaks")
	}
	if h.door.Sessions() != 1 {
		t.Errorf("%d sessions", h.door.Sessions())
	}
}

// Many browsers share the one port.
func TestBrowsersShareOnePort(t *testing.T) {
	t.Parallel()
	d := door(t, browser.Options{PublicIPs: []netip.Addr{netip.MustParseAddr("203.0.113.7")}})
	m := sound.NewMixer()
	t.Cleanup(m.Close)
	ports := map[string]bool{}
	h := &house{T: t, door: d}
	bridge := m.Bridge()
	tones := []float64{440, 650, 870}
	var parties []*soundtest.Party
	for _, hz := range tones {
		var s *browser.Session
		_, p := h.agent(g711.A, hz, func(offer string) (string, error) {
			one, answer, err := d.Answer(offer)
			s = one
			for _, l := range strings.Split(answer, "\r\n") {
				if f := strings.Fields(l); strings.HasPrefix(l, "a=candidate:") {
					ports[f[5]] = true
				}
			}
			if !strings.Contains(answer, "203.0.113.7") || !strings.Contains(answer, "127.0.0.1") || !strings.Contains(answer, "a=ice-lite") {
				t.Errorf("answer\n%s", answer)
			}
			return answer, err
		})
		must(t, bridge.Add(s, sound.Agent))
		parties = append(parties, p)
	}
	for i, p := range parties {
		for j, hz := range tones {
			if !p.Await(hz, i != j) {
				t.Errorf("%d hears %v Hz: %v", i, hz, i == j)
			}
		}
	}
	if len(ports) != 1 {
		t.Errorf("ports %v", ports)
	}
}

func TestOffersThatArentOurs(t *testing.T) {
	d := door(t, browser.Options{})
	ok := ""
	_, err := webpeer.Dial(g711.A, func(offer string) (string, error) { ok = offer; return "", errors.New("enough") })
	if err == nil || ok == "" {
		t.Fatal(err)
	}
	for name, offer := range map[string]string{
		"nothing": "", "garbage": "v=0\r\nm=audio", "video": strings.Replace(ok, "m=audio", "m=video", 1), "data too": ok + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
		"no law":   strings.NewReplacer("PCMA", "OPUS", "PCMU", "OPUS", " 0 8 126", " 111", " 8 0 126", " 111").Replace(ok),
		"too long": ok + strings.Repeat("a=x\r\n", 20000), "no fingerprint": strings.ReplaceAll(ok, "a=fingerprint", "a=x"), "no name": strings.ReplaceAll(ok, "a=ice-ufrag", "a=x"),
	} {
		if s, _, err := d.Answer(offer); !errors.Is(err, browser.ErrOffer) {
			t.Errorf("%s: %v %v", name, s, err)
		}
	}
	if d.Sessions() != 0 {
		t.Errorf("%d sessions are left", d.Sessions())
	}
	must(t, d.Close())
	if _, _, err := d.Answer(ok); !errors.Is(err, browser.ErrClosed) {
		t.Errorf("a closed door answers: %v", err)
	}
}

func TestDoorOpensOnAllAddresses(t *testing.T) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	port := free.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	must(t, free.Close())
	d := door(t, browser.Options{Listen: netip.AddrPortFrom(netip.IPv4Unspecified(), port)})
	h := &house{T: t, door: d}
	var s *browser.Session
	h.agent(g711.A, agentHz, h.answer(&s))
	if _, err := browser.New(browser.Options{Listen: netip.AddrPortFrom(netip.IPv4Unspecified(), port)}); err == nil {
		t.Error("two doors on one port")
	}
	if _, err := browser.New(browser.Options{}); err == nil {
		t.Error("a door without a port")
	}
}

func FuzzOffer(f *testing.F) {
	_, _ = webpeer.Dial(g711.A, func(offer string) (string, error) { f.Add(offer); return "", errors.New("enough") })
	d, err := browser.New(browser.Options{Listen: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		f.Fatal(err)
	}
	defer d.Close()
	f.Fuzz(func(t *testing.T, offer string) {
		s, answer, err := d.Answer(offer)
		if err != nil {
			return
		}
		if !strings.Contains(answer, "a=ice-lite") {
			t.Errorf("answer %s", answer)
		}
		_ = s.Close()
	})
}
