package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
)

// Refer implements care.Line: it waits until the other side has reached somebody, or couldn't.
func (l *line) Refer(ctx context.Context, to string) error {
	if !dialable(to) {
		return care.Invalid("to", "value_invalid")
	}
	if !l.is(lineUp) {
		return errOver()
	}
	target := wire.Uri{Scheme: "sip", User: l.set.dialled(to), Host: l.set.domain, UriParams: wire.NewParams()}
	if l.set.domain == "" {
		target.Host = l.d.reach.host
	}
	l.mu.Lock()
	l.refers++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.refers--
		l.mu.Unlock()
	}()
	res, err := l.d.ask(ctx, l.s, l.auth, wire.REFER, func(req *wire.Request) {
		req.AppendHeader(wire.NewHeader("Refer-To", "<"+target.String()+">"))
		req.AppendHeader(wire.NewHeader("Referred-By", "<"+l.d.contact.String()+">"))
		req.AppendHeader(&wire.ContactHeader{Address: *l.d.contact.Clone()})
		req.SetBody(nil)
	})
	switch {
	case errors.Is(err, errGone):
		l.lost(0, err.Error())
		return err
	case err != nil:
		return err
	case res.StatusCode >= 300:
		return &care.Error{Code: "sip.transfer_refused", Kind: care.KindConflict, Args: map[string]any{"code": res.StatusCode}}
	}
	for {
		select {
		case code := <-l.referred:
			switch {
			case code < 200:
			case code < 300:
				return l.hangup(care.CauseTransferred, code, "")
			default:
				return &care.Error{Code: "sip.transfer_failed", Kind: care.KindConflict, Args: map[string]any{"code": code}}
			}
		case <-l.ended: // many hang up as soon as they have taken over
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// onNotify takes word of a transfer that we asked for.
func (s *Stack) onNotify(req *wire.Request, tx wire.ServerTransaction) {
	l := s.find(req)
	event := req.GetHeader("Event")
	if event == nil {
		event = req.GetHeader("o")
	}
	if l == nil || event == nil || !strings.HasPrefix(strings.ToLower(event.Value()), "refer") {
		if l == nil && req.To().Params.Has("tag") {
			s.none(req, tx)
			return
		}
		reply(req, tx, 489, "Bad Event", [2]string{"Allow-Events", "refer"})
		return
	}
	l.d.enter(req)
	reply(req, tx, 200, "OK")
	if code := fragment(req.Body()); code > 0 {
		select {
		case l.referred <- code:
		default:
		}
	}
}

// fragment reads the status of a piece of SIP: "SIP/2.0 200 OK".
func fragment(b []byte) int {
	fields := strings.Fields(string(b[:min(len(b), 100)]))
	if len(fields) < 2 || fields[0] != "SIP/2.0" {
		return 0
	}
	code, err := strconv.Atoi(fields[1])
	if err != nil || code < 100 || code > 699 {
		return 0
	}
	return code
}

// onRefer takes the other side's wish to be connected with somebody else: a matter for the phone room, where the trunk allows it at all.
// Whoever could have us dial what he likes would telephone at the shop's expense.
func (l *line) onRefer(req *wire.Request, tx wire.ServerTransaction) {
	if !l.d.enter(req) {
		reply(req, tx, 500, "Server Internal Error")
		return
	}
	h := req.GetHeader("Refer-To")
	if h == nil {
		h = req.GetHeader("r")
	}
	if !l.set.transfers || !l.is(lineUp) {
		reply(req, tx, 603, "Decline")
		return
	}
	var to wire.Uri
	params := wire.NewParams()
	if h == nil {
		reply(req, tx, 400, "Bad Request")
		return
	}
	if _, err := wire.ParseAddressValue(h.Value(), &to, &params); err != nil || !dialable(to.User) || to.Headers.Has("Replaces") {
		reply(req, tx, 603, "Decline")
		return
	}
	reply(req, tx, 202, "Accepted")
	l.notify(100, "Trying", false)
	l.tell(care.LineEvent{Kind: care.LineReferred, Text: l.set.e164(to.User)})
}

// Referred implements care.Transferred.
func (l *line) Referred(reached bool) error {
	if !l.is(lineUp) {
		return errOver()
	}
	code, reason := 200, "OK"
	if !reached {
		code, reason = 503, "Service Unavailable"
	}
	return l.notify(code, reason, true)
}

func (l *line) notify(code int, reason string, last bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	state := "active;expires=60"
	if last {
		state = "terminated;reason=noresource"
	}
	_, err := l.d.ask(ctx, l.s, l.auth, wire.NOTIFY, func(req *wire.Request) {
		req.AppendHeader(wire.NewHeader("Event", "refer"))
		req.AppendHeader(wire.NewHeader("Subscription-State", state))
		req.AppendHeader(&wire.ContactHeader{Address: *l.d.contact.Clone()})
		body(req, "message/sipfrag;version=2.0", fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", code, reason))
	})
	return err
}
