package sip

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	wire "github.com/emiago/sipgo/sip"
)

// dialog is what both sides know of each other in a call: who is who, how to reach him, and how requests are numbered.
type dialog struct {
	mu        sync.Mutex
	callID    string
	local     party
	remote    party
	target    wire.Uri   // his Contact
	routes    []wire.Uri // on the way to him
	seq       uint32     // of our last request
	remoteSeq uint32     // of his
	reach     reach
	contact   wire.Uri // ours
	met       string   // where he was met: the way that is left when his own address leads nowhere
}

// party is one side as From and To name it.
type party struct {
	display string
	uri     wire.Uri
	tag     string
}

func (p party) from() *wire.FromHeader {
	h := &wire.FromHeader{DisplayName: p.display, Address: p.uri, Params: wire.NewParams()}
	if p.tag != "" {
		h.Params.Add("tag", p.tag)
	}
	return h
}

func (p party) to() *wire.ToHeader {
	h := &wire.ToHeader{DisplayName: p.display, Address: p.uri, Params: wire.NewParams()}
	if p.tag != "" {
		h.Params.Add("tag", p.tag)
	}
	return h
}

func newTag() string { return wire.GenerateTagN(16) }

func newCallID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// secret marks our transactions: an answer without its mark isn't to anything we asked.
var secret = func() (b [32]byte) { _, _ = rand.Read(b[:]); return b }()

func newBranch() string {
	tag := newTag()
	return wire.RFC3261BranchMagicCookie + tag + mark(tag)
}

func mark(tag string) string {
	m := hmac.New(sha256.New, secret[:])
	m.Write([]byte(tag))
	return hex.EncodeToString(m.Sum(nil)[:8])
}

// expects tells whether a message answers a request of ours.
func (s *Stack) expects(m wire.Message) bool {
	via := m.Via()
	if via == nil {
		return false
	}
	branch, _ := via.Params.Get("branch")
	tag, ok := strings.CutPrefix(branch, wire.RFC3261BranchMagicCookie)
	if !ok || len(tag) <= 16 {
		return false
	}
	return hmac.Equal([]byte(tag[len(tag)-16:]), []byte(mark(tag[:len(tag)-16])))
}

// request makes a request, whole but for what its method needs.
func (s *Stack) request(method wire.RequestMethod, to wire.Uri, r reach, routes []wire.Uri) *wire.Request {
	req := wire.NewRequest(method, *to.Clone())
	req.SetTransport(r.transport)
	if r.dest != "" {
		req.SetDestination(r.dest)
	}
	via := &wire.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: r.transport, Host: r.host, Port: r.port, Params: wire.NewParams()}
	via.Params.Add("branch", newBranch())
	via.Params.Add("rport", "")
	req.AppendHeader(via)
	for _, u := range routes {
		req.AppendHeader(&wire.RouteHeader{Address: *u.Clone()})
	}
	hops := wire.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	s.mu.Lock()
	if r.transport == "UDP" {
		req.Laddr = s.udp
	}
	s.mu.Unlock()
	return req
}

func complete(req *wire.Request, from, to party, callID string, seq uint32) {
	req.AppendHeader(from.from())
	req.AppendHeader(to.to())
	id := wire.CallIDHeader(callID)
	req.AppendHeader(&id)
	req.AppendHeader(&wire.CSeqHeader{SeqNo: seq, MethodName: req.Method})
	req.AppendHeader(wire.NewHeader("User-Agent", agent))
}

// body puts a body and its type in; every request needs at least an empty one.
func body(req wire.Message, kind string, b []byte) {
	if len(b) > 0 {
		t := wire.ContentTypeHeader(kind)
		req.AppendHeader(&t)
	}
	req.SetBody(b)
}

const sdpType = "application/sdp"

// hop is where a request inside a dialog goes: along its routes, else to the other side's own address. A peer behind NAT, or one that
// connected to us, is answered where he came from, whatever he says.
func (d *dialog) hop() reach {
	r := d.reach
	if len(d.routes) > 0 && r.dest == "" {
		r.dest = hostPort(d.routes[0], r.transport)
	}
	if r.dest == "" {
		r.dest = hostPort(d.target, r.transport)
	}
	return r
}

func hostPort(u wire.Uri, transport string) string {
	port := u.Port
	if port == 0 {
		port = defaultPort(transport)
	}
	return net.JoinHostPort(strings.Trim(u.Host, "[]"), strconv.Itoa(port))
}

// request makes a request inside the dialog. ACK and CANCEL have the number of what they belong to.
func (d *dialog) request(s *Stack, method wire.RequestMethod, seq uint32) *wire.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seq == 0 {
		d.seq++
		seq = d.seq
	}
	target, routes := d.target, d.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") { // a strict router of the old kind
		routes = append(append([]wire.Uri{}, routes[1:]...), target)
		target = d.routes[0]
	}
	req := s.request(method, target, d.hop(), routes)
	complete(req, d.local, d.remote, d.callID, seq)
	return req
}

// errGone means that the other side knows nothing of the call any more, or is dead.
var errGone = errors.New("sip: the other side is gone")

// ask makes a transaction and waits for its final answer.
func (s *Stack) ask(ctx context.Context, req *wire.Request) (*wire.Response, error) {
	if err := s.Start(); err != nil {
		return nil, err
	}
	tx, err := s.ua.TransactionLayer().Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTransport, err)
	}
	defer func() {
		select {
		case <-tx.Done():
		default:
			// It would wait for a reader of its answers for ever.
			if ctx.Err() != nil {
				tx.Terminate()
			}
		}
	}()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			err := tx.Err()
			if errors.Is(err, wire.ErrTransactionTimeout) {
				return nil, errSilent
			}
			return nil, fmt.Errorf("%w: %w", errTransport, err)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var (
	errTransport = errors.New("sip: the network can't be reached")
	errSilent    = errors.New("sip: no answer")
)

// ask makes a request inside the dialog, with credentials where they are asked for. An answer that says that the dialog is over comes as errGone.
func (d *dialog) ask(ctx context.Context, s *Stack, auth *login, method wire.RequestMethod, fill func(*wire.Request)) (*wire.Response, error) {
	var challenged *wire.Response
	answered := map[int]bool{}
	for {
		req := d.request(s, method, 0)
		if fill != nil {
			fill(req)
		} else {
			req.SetBody(nil)
		}
		if challenged != nil {
			if err := auth.answer(req, challenged); err != nil {
				return challenged, err
			}
		} else {
			auth.ahead(req)
		}
		res, err := s.ask(ctx, req)
		switch {
		case errors.Is(err, errTransport) && d.detour():
			continue
		case errors.Is(err, errSilent):
			return nil, fmt.Errorf("%w: %w", errGone, err)
		case err != nil:
			return nil, err
		case res.StatusCode == 481 || res.StatusCode == 408:
			return res, fmt.Errorf("%w: %d %s", errGone, res.StatusCode, res.Reason)
		case auth.challenged(res):
			if answered[res.StatusCode] && !stale(res) {
				return res, errRefused
			}
			answered[res.StatusCode] = true
			challenged = res
			continue
		}
		return res, nil
	}
}

// send sends a request that nobody answers: ACK.
func (s *Stack) send(req *wire.Request) error { return s.ua.TransportLayer().WriteMsg(req) }

// routesOf reads the routes that proxies wrote down.
func routesOf(m wire.Message) (out []wire.Uri) {
	for _, h := range m.GetHeaders("Record-Route") {
		for _, part := range splitAddresses(h.Value()) {
			var u wire.Uri
			params := wire.NewParams()
			if _, err := wire.ParseAddressValue(part, &u, &params); err == nil {
				out = append(out, u)
			}
		}
	}
	return out
}

// splitAddresses cuts a list of addresses at its commas, but not at those inside of <> or "".
func splitAddresses(v string) (out []string) {
	depth, quoted, begin := 0, false, 0
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			depth++
		case c == '>':
			depth--
		case c == ',' && depth <= 0:
			out = append(out, strings.TrimSpace(v[begin:i]))
			begin = i + 1
		}
	}
	if rest := strings.TrimSpace(v[min(begin, len(v)):]); rest != "" {
		out = append(out, rest)
	}
	return out
}

// Timers of our own are multiples of SIP's.
func patience() time.Duration { return 64 * wire.T1 }

// settle decides where requests go once both sides know each other. from is where the other side was met.
func (d *dialog) settle(s *Stack, from string) {
	d.reach.dest, d.met = "", from
	if len(d.routes) > 0 || from == "" {
		return
	}
	if d.reach.transport != "UDP" {
		d.reach.dest = from // over the connection that there is
		return
	}
	target, err := netip.ParseAddr(strings.Trim(d.target.Host, "[]"))
	if err != nil {
		return
	}
	met, err := netip.ParseAddrPort(from)
	if err == nil && s.near(target) && !s.near(met.Addr()) {
		d.reach.dest = from // he tells an address inside his own network
	}
}

// detour goes where the other side was met, when the address that he told can't be reached; false when that was tried.
func (d *dialog) detour() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.met == "" || d.met == d.reach.dest {
		return false
	}
	if d.reach.dest != "" {
		d.met = "" // that way is closed; try what he told
	}
	d.reach.dest, d.met = d.met, ""
	return true
}
