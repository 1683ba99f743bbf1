package sip

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
)

// In these tests SIP's own clock runs ten times as fast, so that what takes half a minute takes three seconds.
func TestMain(m *testing.M) {
	wire.SetTimers(50*time.Millisecond, 400*time.Millisecond, 500*time.Millisecond)
	patienceUp, downEvery, retryFirst = 500*time.Millisecond, 200*time.Millisecond, 100*time.Millisecond
	os.Exit(m.Run())
}

const soon = 2 * time.Minute // by when something must have happened; it mostly has within a second

func testStack(t *testing.T, o Options) *Stack {
	t.Helper()
	if len(o.Listen) == 0 {
		o.Listen = []string{"127.0.0.1:0"}
	}
	s := NewStack(o)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func connection(settings map[string]any, password string) care.Connection {
	set, _ := json.Marshal(settings)
	sec, _ := json.Marshal(map[string]string{"password": password})
	return care.Connection{ID: 1, Store: 1, Plug: Name, Name: "test", Settings: set, Secrets: sec}
}

// started is a trunk that runs; what rings in comes to lines, its state to states.
type started struct {
	*trunk
	lines  chan care.Line
	states chan care.TrunkState
}

func start(t *testing.T, s *Stack, settings map[string]any, password string) *started {
	t.Helper()
	open, err := New(s).OpenTrunk(connection(settings, password), nil)
	if err != nil {
		t.Fatal(err)
	}
	out := &started{open.(*trunk), make(chan care.Line, 100), make(chan care.TrunkState, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	if err := open.Start(ctx, func(l care.Line) { out.lines <- l }, func(st care.TrunkState) { out.states <- st }); err != nil {
		t.Fatal(err)
	}
	return out
}

func dial(t *testing.T, tr care.Trunk, d care.Dialing) *line {
	t.Helper()
	if d.To == "" {
		d.To = "+380441234567"
	}
	l, err := tr.Dial(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return l.(*line)
}

// next waits for the line's next event, which must be of the kind.
func next(t *testing.T, l care.Line, kind care.LineEventKind) care.LineEvent {
	t.Helper()
	select {
	case e, ok := <-l.Events():
		if !ok || e.Kind != kind {
			t.Fatalf("event %+v (open %v), want %s", e, ok, kind)
		}
		return e
	case <-time.After(soon):
		t.Fatalf("no event, want %s", kind)
	}
	return care.LineEvent{}
}

// taken waits until the line is answered; whether it was heard ringing before depends on which packet was faster.
func taken(t *testing.T, l care.Line) {
	t.Helper()
	select {
	case e := <-l.Events():
		if e.Kind == care.LineRinging {
			e = next(t, l, care.LineAnswered)
		}
		if e.Kind != care.LineAnswered {
			t.Fatalf("event %+v, want an answer", e)
		}
	case <-time.After(soon):
		t.Fatal("no event, want an answer")
	}
}

func arrived(t *testing.T, tr *started) *line {
	t.Helper()
	select {
	case l := <-tr.lines:
		return l.(*line)
	case <-time.After(soon):
		t.Fatal("nothing rang in")
	}
	return nil
}

// buried waits until nothing is left of the line at the other side.
func buried(t *testing.T, l *line) {
	t.Helper()
	select {
	case <-l.buried:
	case <-time.After(soon):
		t.Fatal("something is left of the line")
	}
}

// peer is the other side, played message by message over UDP: only so can it do what no telephone does on purpose.
type peer struct {
	t    *testing.T
	conn *net.UDPConn
	in   chan wire.Message
	to   netip.AddrPort // where we listen
	tag  string
	seq  uint32
}

func newPeer(t *testing.T, s *Stack, ip string) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &peer{t: t, conn: conn, in: make(chan wire.Message, 1000), tag: newTag(), seq: 1}
	if s != nil {
		p.to = s.Addr("udp")
	}
	go func() {
		parser := wire.NewParser()
		b := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if m, err := parser.ParseSIP(append([]byte(nil), b[:n]...)); err == nil {
				m.SetSource(from.String())
				p.in <- m
			}
		}
	}()
	return p
}

func (p *peer) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// server is the peer as a trunk's setting.
func (p *peer) trunk(more ...any) map[string]any {
	set := map[string]any{"mode": "ip", "server": p.addr().String(), "keepalive": 0, "caller_id": "+380440000000"}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i].(string)] = more[i+1]
	}
	return set
}

func (p *peer) write(m wire.Message, to string) {
	p.t.Helper()
	at := p.to
	if to != "" {
		at = netip.MustParseAddrPort(to)
	}
	if _, err := p.conn.WriteToUDPAddrPort([]byte(m.String()), at); err != nil {
		p.t.Error(err)
	}
}

// request waits for the next request of the method; other requests are skipped, so that retransmissions don't matter.
func (p *peer) request(method wire.RequestMethod) *wire.Request {
	p.t.Helper()
	for over := time.After(soon); ; {
		select {
		case m := <-p.in:
			if r, ok := m.(*wire.Request); ok && r.Method == method {
				return r
			}
		case <-over:
			p.t.Fatalf("no %s came", method)
		}
	}
}

// response waits for an answer with the code.
func (p *peer) response(code int) *wire.Response {
	p.t.Helper()
	for over := time.After(soon); ; {
		select {
		case m := <-p.in:
			if r, ok := m.(*wire.Response); ok && r.StatusCode == code {
				return r
			} else if ok && r.StatusCode >= 200 {
				p.t.Fatalf("answer %s, want %d", r.StartLine(), code)
			}
		case <-over:
			p.t.Fatalf("no answer %d came", code)
		}
	}
}

// never fails when a request of the method comes within the time.
func (p *peer) never(method wire.RequestMethod, within time.Duration) {
	p.t.Helper()
	for over := time.After(within); ; {
		select {
		case m := <-p.in:
			if r, ok := m.(*wire.Request); ok && r.Method == method {
				p.t.Fatalf("%s came:\n%s", method, r)
			}
		case <-over:
			return
		}
	}
}

const somewhere = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"

// answer answers a request: with our tag, or another's when a second telephone speaks.
func (p *peer) answer(req *wire.Request, code int, tag, sdp string, headers ...string) {
	res := wire.NewResponseFromRequest(req, code, "Answer", nil)
	if code > 100 {
		if tag == "" {
			tag = p.tag
		}
		res.To().Params.Remove("tag")
		res.To().Params.Add("tag", tag)
	}
	if req.Method == wire.INVITE && code > 100 && code < 300 {
		res.AppendHeader(wire.NewHeader("Contact", fmt.Sprintf("<sip:peer@%s>", p.addr())))
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		res.AppendHeader(wire.NewHeader(name, value))
	}
	body(res, sdpType, []byte(sdp))
	p.write(res, req.Source())
}

// call makes a request to us, as a provider's network would.
func (p *peer) call(method wire.RequestMethod, callID, sdp string, headers ...string) *wire.Request {
	p.t.Helper()
	var to wire.Uri
	if err := wire.ParseUri(fmt.Sprintf("sip:+380441112233@%s", p.to), &to); err != nil {
		p.t.Fatal(err)
	}
	req := wire.NewRequest(method, to)
	via := &wire.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: p.addr().Addr().String(), Port: int(p.addr().Port()), Params: wire.NewParams()}
	via.Params.Add("branch", wire.GenerateBranch())
	req.AppendHeader(via)
	complete(req, party{uri: wire.Uri{Scheme: "sip", User: "+380671234567", Host: "127.0.0.1"}, tag: p.tag}, party{uri: to}, callID, p.seq)
	req.AppendHeader(wire.NewHeader("Contact", fmt.Sprintf("<sip:peer@%s>", p.addr())))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.RemoveHeader(name)
		req.AppendHeader(wire.NewHeader(name, value))
	}
	body(req, sdpType, []byte(sdp))
	return req
}

// within makes a request inside the dialog that res, our answer to the peer's INVITE, belongs to.
func (p *peer) within(method wire.RequestMethod, res *wire.Response, sdp string, headers ...string) *wire.Request {
	p.t.Helper()
	if method != wire.ACK {
		p.seq++
	}
	req := p.call(method, string(*res.CallID()), sdp, headers...)
	req.Recipient = res.Contact().Address
	req.To().Params.Add("tag", res.To().Params.GetOr("tag", ""))
	return req
}

// inside makes a request inside the dialog of an INVITE that came from us and that we answered as tag.
func (p *peer) inside(method wire.RequestMethod, invite *wire.Request, seq uint32, sdp string, headers ...string) *wire.Request {
	req := wire.NewRequest(method, invite.Contact().Address)
	via := &wire.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: p.addr().Addr().String(), Port: int(p.addr().Port()), Params: wire.NewParams()}
	via.Params.Add("branch", wire.GenerateBranch())
	req.AppendHeader(via)
	me := party{uri: invite.To().Address, tag: p.tag}
	them := party{uri: invite.From().Address, tag: invite.From().Params.GetOr("tag", "")}
	complete(req, me, them, string(*invite.CallID()), seq)
	req.AppendHeader(wire.NewHeader("Contact", fmt.Sprintf("<sip:peer@%s>", p.addr())))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.AppendHeader(wire.NewHeader(name, value))
	}
	body(req, sdpType, []byte(sdp))
	return req
}
