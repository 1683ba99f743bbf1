package sip

import (
	"context"
	"errors"
	"strconv"
	"time"

	wire "github.com/emiago/sipgo/sip"

	"opeka/internal/care"
)

// How often a trunk is looked after.
var (
	retryFirst = 2 * time.Second // after a failed registration, twice as long each time
	retryMost  = time.Minute
	patienceUp = 5 * time.Second // for an answer to the question whether it lives
	downEvery  = 5 * time.Second // that question, while it is down
)

// run looks after a trunk until ctx ends: it signs in anew in time, asks whether the other side lives, and tells when that changes.
func (t *trunk) run(ctx context.Context) {
	defer t.leave()
	var (
		now      = time.Now()
		signIn   = now // when to sign in next; far away in IP mode
		ping     = now
		failures int
		misses   int
	)
	if t.set.mode != modeRegister {
		signIn = now.AddDate(100, 0, 0)
	}
	if t.set.keepalive == 0 {
		ping = now.AddDate(100, 0, 0) // it isn't to be asked
		if t.set.mode != modeRegister {
			t.say(true, "not watched")
		}
	} else if t.set.mode == modeRegister {
		ping = now.Add(t.pingEvery())
	}
	for {
		if !wait(ctx, t.nudge, earlier(signIn, ping)) {
			return
		}
		now = time.Now()
		if t.nudged() {
			t.resolve(ctx)
			if t.set.keepalive > 0 {
				ping = now
			}
		}
		if !signIn.After(now) {
			span, err := t.signIn(ctx)
			if err == nil {
				failures, misses = 0, 0
				signIn = now.Add(span)
				ping = now.Add(t.pingEvery())
				t.say(true, "registered")
			} else if ctx.Err() == nil {
				failures++
				again := min(retryFirst<<min(failures-1, 10), retryMost)
				if errors.Is(err, errRefused) {
					again = max(again, retryMost) // the same password again and again gets an address banned
				}
				signIn = now.Add(again)
				t.say(false, err.Error())
				t.resolve(ctx)
			}
			continue
		}
		if !ping.After(now) {
			err := t.alive(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				misses = 0
				ping = now.Add(t.pingEvery())
				if failures == 0 {
					t.say(true, "answers")
				}
			default:
				if misses++; misses > 1 || errors.Is(err, errTransport) {
					t.say(false, err.Error())
					if t.set.mode == modeRegister {
						signIn = now.Add(retryFirst) // it may have forgotten us
					}
				}
				ping = now.Add(min(downEvery, t.pingEvery()))
				if misses == 1 {
					ping = now
				}
			}
		}
	}
}

func (t *trunk) pingEvery() time.Duration {
	if t.set.keepalive == 0 {
		return 100 * 365 * 24 * time.Hour
	}
	return t.set.keepalive
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wait waits for the moment, or a nudge; false when ctx has ended.
func wait(ctx context.Context, nudge chan struct{}, until time.Time) bool {
	if d := time.Until(until); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-nudge:
			select {
			case nudge <- struct{}{}: // for nudged
			default:
			}
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// nudged tells whether something went wrong, so that the other side is asked at once.
func (t *trunk) nudged() bool {
	select {
	case <-t.nudge:
		return true
	default:
		return false
	}
}

// suspect has the trunk looked at: a call over it went wrong.
func (t *trunk) suspect() {
	select {
	case t.nudge <- struct{}{}:
	default:
	}
}

// say tells how the trunk fares, when that is news.
func (t *trunk) say(up bool, reason string) {
	t.mu.Lock()
	news := !t.told || t.state.Up != up
	t.told = true
	t.state = care.TrunkState{Up: up, Reason: reason, At: time.Now()}
	watch, state := t.watcher, t.state
	t.mu.Unlock()
	if news && !up {
		t.s.abandon(t)
	}
	if news {
		t.s.log.Info("sip: trunk", "connection", t.id, "name", t.name, "up", up, "reason", reason)
		if watch != nil {
			watch(state)
		}
	}
}

// noSound is how long no sound may have come over a trunk that doesn't answer before its calls count as lost.
var noSound = 3 * time.Second

// abandon ends the calls of a trunk that died: those of which nothing is heard any more. Where sound still comes only the signalling is away, and the call goes on.
func (s *Stack) abandon(t *trunk) {
	s.mu.Lock()
	var mine []*line
	for _, l := range s.dialogs {
		if l.t == t {
			mine = append(mine, l)
		}
	}
	s.mu.Unlock()
	for _, l := range mine {
		go func() {
			if l.is(lineUp) && time.Since(l.media.Stats().In.Last) > noSound {
				l.lost(0, "the trunk died")
			}
		}()
	}
}

// leave signs out and takes the trunk off the list.
func (t *trunk) leave() {
	t.s.mu.Lock()
	for i, other := range t.s.trunks {
		if other == t {
			t.s.trunks = append(t.s.trunks[:i:i], t.s.trunks[i+1:]...)
			break
		}
	}
	closed := t.s.closed
	t.s.mu.Unlock()
	t.mu.Lock()
	up := t.state.Up
	t.ring, t.watcher = nil, nil
	t.mu.Unlock()
	if up && !closed && t.set.mode == modeRegister {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		contact := t.contact()
		_, _ = t.register(ctx, t.auth, &contact, 0)
	}
}

func (t *trunk) contact() wire.Uri {
	r := t.reach()
	u := wire.Uri{Scheme: "sip", User: t.set.user, Host: r.host, Port: r.port, UriParams: wire.NewParams()}
	switch r.transport {
	case "TCP":
		u.UriParams.Add("transport", "tcp")
	case "TLS":
		u.UriParams.Add("transport", "tls")
	}
	return u
}

// signIn registers and returns when to do so again.
func (t *trunk) signIn(ctx context.Context) (time.Duration, error) {
	contact := t.contact()
	ask := t.set.registration
	for range 2 {
		res, err := t.register(ctx, t.auth, &contact, ask)
		switch {
		case err != nil:
			return 0, err
		case res.StatusCode == 423 && seconds(res, "Min-Expires") > ask:
			ask = seconds(res, "Min-Expires")
			continue
		case res.StatusCode == 403 || res.StatusCode == 401 || res.StatusCode == 407 || res.StatusCode == 404:
			return 0, errors.Join(errRefused, errors.New(res.StartLine()))
		case !res.IsSuccess():
			return 0, errors.New("sip: " + res.StartLine())
		}
		granted := seconds(res, "Expires")
		for _, h := range res.GetHeaders("Contact") {
			for _, part := range splitAddresses(h.Value()) {
				var u wire.Uri
				params := wire.NewParams()
				if _, err := wire.ParseAddressValue(part, &u, &params); err != nil || u.User != contact.User || u.Host != contact.Host || u.Port != contact.Port {
					continue
				}
				if n, err := strconv.Atoi(params.GetOr("expires", "")); err == nil && n > 0 {
					granted = time.Duration(n) * time.Second
				}
			}
		}
		if granted <= 0 {
			granted = ask
		}
		return max(granted*4/5, time.Second), nil
	}
	return 0, errors.New("sip: the server wants ever longer registrations")
}

// register sends one REGISTER: for a time, to end (0), or to ask only whether name and password are right (no contact).
func (t *trunk) register(ctx context.Context, auth *login, contact *wire.Uri, expires time.Duration) (*wire.Response, error) {
	r := t.reach()
	to := wire.Uri{Scheme: "sip", Host: t.set.domain, UriParams: wire.NewParams()}
	if t.set.domain == t.set.server.host {
		to.Port = t.set.server.port
	}
	me := party{uri: wire.Uri{Scheme: "sip", User: t.set.user, Host: t.set.domain, UriParams: wire.NewParams()}}
	from := me
	from.tag = newTag()
	id := t.binding
	if contact == nil {
		id = newCallID()
	}
	return t.exchange(ctx, auth, func(seq uint32) *wire.Request {
		req := t.s.request(wire.REGISTER, to, r, nil)
		complete(req, from, me, id, seq)
		if contact != nil {
			req.AppendHeader(&wire.ContactHeader{Address: *contact.Clone()})
			req.AppendHeader(wire.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
		}
		req.AppendHeader(wire.NewHeader("Allow", allow))
		req.SetBody(nil)
		return req
	})
}

// options asks whether the other side lives.
func (t *trunk) options(ctx context.Context) (*wire.Response, error) {
	r := t.reach()
	to := wire.Uri{Scheme: "sip", Host: t.set.domain, UriParams: wire.NewParams()}
	if t.set.domain == t.set.server.host {
		to.Port = t.set.server.port
	}
	user := t.set.user
	if user == "" {
		user = "opeka"
	}
	from := party{uri: wire.Uri{Scheme: "sip", User: user, Host: r.host, UriParams: wire.NewParams()}, tag: newTag()}
	id := newCallID()
	return t.exchange(ctx, nil, func(seq uint32) *wire.Request {
		req := t.s.request(wire.OPTIONS, to, r, nil)
		complete(req, from, party{uri: to}, id, seq)
		req.AppendHeader(&wire.ContactHeader{Address: wire.Uri{Scheme: "sip", User: user, Host: r.host, Port: r.port, UriParams: wire.NewParams()}})
		req.AppendHeader(wire.NewHeader("Accept", sdpType))
		req.SetBody(nil)
		return req
	})
}

// alive asks with little patience; any answer is a sign of life, but those of somebody who speaks for a dead one.
func (t *trunk) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patienceUp)
	defer cancel()
	res, err := t.options(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errSilent
	case err != nil:
		return err
	case res.StatusCode == 408 || res.StatusCode == 503 || res.StatusCode == 502 || res.StatusCode == 504:
		return errors.New("sip: " + res.StartLine())
	}
	return nil
}

// exchange makes a request outside of any dialog, with credentials where they are asked for; without a login a challenge is the answer.
func (t *trunk) exchange(ctx context.Context, auth *login, make func(seq uint32) *wire.Request) (*wire.Response, error) {
	var challenge *wire.Response
	answered := map[int]bool{}
	for {
		t.mu.Lock()
		t.seq++
		seq := t.seq
		t.mu.Unlock()
		req := make(seq)
		if challenge == nil {
			auth.ahead(req)
		} else if err := auth.answer(req, challenge); err != nil {
			return challenge, err
		}
		res, err := t.s.ask(ctx, req)
		if err != nil {
			return nil, err
		}
		if auth == nil || !auth.challenged(res) {
			return res, nil
		}
		if answered[res.StatusCode] && !stale(res) || len(answered) > 4 {
			return res, errRefused
		}
		answered[res.StatusCode] = true
		challenge = res
	}
}
