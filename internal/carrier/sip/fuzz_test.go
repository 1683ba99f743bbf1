package sip

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/sound/g711"
)

// deaf is a transaction that nobody hears.
type deaf struct{}

func (deaf) Terminate()                          {}
func (deaf) OnTerminate(wire.FnTxTerminate) bool { return true }
func (deaf) Done() <-chan struct{}               { return nil }
func (deaf) Err() error                          { return nil }
func (deaf) Respond(*wire.Response) error        { return nil }
func (deaf) Acks() <-chan *wire.Request          { return nil }
func (deaf) OnCancel(wire.FnTxCancel) bool       { return false } // the caller has given up: nothing waits

// FuzzMessage gives packets to everything that looks at them: the guard, as from a stranger, and the handlers, as from a peer.
func FuzzMessage(f *testing.F) {
	s := NewStack(Options{Phones: passwords{"anna": "right"}, Listen: []string{"127.0.0.1:0"}})
	if err := s.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	set := &settings{mode: modeIP, domain: "127.0.0.1", maxCalls: 1000, laws: []g711.Law{g711.A}, country: "380", nationalPrefix: "0"}
	t := &trunk{s: s, set: set, auth: &login{}, hosts: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nudge: make(chan struct{}, 1)}
	s.trunks = append(s.trunks, t)
	invite := "INVITE sip:+380441112233@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport\r\nFrom: \"A, B\" <sip:0671234567@x>;tag=1\r\nTo: <sip:y@z>\r\n" +
		"Call-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.1>\r\nRecord-Route: <sip:p1;lr>,<sip:p2;lr>\r\nP-Asserted-Identity: <tel:+380671234567;x=y>\r\n" +
		"Session-Expires: 1800;refresher=uac\r\nContent-Type: application/sdp\r\n\r\n" + somewhere
	for _, seed := range []string{
		invite, strings.Replace(invite, "INVITE", "REGISTER", 2), strings.Replace(invite, "INVITE", "OPTIONS", 2), strings.Replace(invite, "CSeq: 1 INVITE", "CSeq: -1 INVITE", 1),
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKxxxxxxxxxxxxxxxxxxxxxxxx\r\nCSeq: 1 INVITE\r\nTo: <sip:a>;tag=b\r\nCall-ID: 1\r\n\r\n",
		"INVITE sip: SIP/2.0\r\nVia:\r\n\r\n", "\r\n\r\n", "BYE * SIP/2.0\r\nl: 99999999999\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	stranger, peer := netip.MustParseAddrPort("203.0.113.9:5060"), "192.0.2.1:5060"
	parser := wire.NewParser()
	parser.MaxMessageLength = maxMessage
	f.Fuzz(func(_ *testing.T, b []byte) {
		s.guard.mu.Lock()
		clear(s.guard.buckets)
		s.guard.all = bucket{}
		s.guard.mu.Unlock()
		s.guard.stranger(b, stranger, time.Now())
		m, err := parser.ParseSIP(b)
		if err != nil {
			return
		}
		if res, ok := m.(*wire.Response); ok {
			s.stray(res)
			routesOf(res)
			redirection(res, func(string) bool { return true })
			_ = (&login{user: "a", password: "b"}).answer(wire.NewRequest(wire.BYE, wire.Uri{Host: "x"}), res)
			return
		}
		req := m.(*wire.Request)
		req.SetSource(peer)
		req.SetTransport("UDP")
		if !whole3261(req) {
			return
		}
		identity(req, set)
		s.onOptions(req, deaf{})
		s.onRegister(req, deaf{})
		s.onBye(req, deaf{})
		s.onAck(req, deaf{})
		s.onNotify(req, deaf{})
		choose(s.trunks, req)
		if l, _ := s.incomingLine(req, netip.MustParseAddrPort(peer), caller{set: set, t: t}, "tag"); l != nil {
			l.onInfo(req, deaf{})
			l.onRefer(req, deaf{})
			l.end("", 0, "")
			<-l.ended
		}
	})
}

// FuzzWords gives texts to the small readers.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"Signal=5\r\nDuration=160", "SIP/2.0 200 OK", `"a,b" <sip:a,b@c>, <sip:d>`, "+380 (67) 123-45-67", "0048221234567", "sip:x:99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		infoKey([]byte(v))
		if c := fragment([]byte(v)); c != 0 && (c < 100 || c > 699) {
			t.Fatal(c)
		}
		splitAddresses(v)
		_, _ = parseAddress("server", v)
		for _, set := range []*settings{{}, {country: "380", nationalPrefix: "0", format: formatNational}, {country: "48", format: formatZeros, dialPrefix: "9"}} {
			n := set.e164(v)
			if again := set.e164(n); strings.HasPrefix(n, "+") && again != n {
				t.Fatalf("%q becomes %q and then %q", v, n, again)
			}
			if dialable(v) && !dialable(strings.TrimPrefix(set.dialled(v), set.dialPrefix)) {
				t.Fatalf("%q can't be dialled as %q", v, set.dialled(v))
			}
		}
	})
}
