package trunk_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/carrier/sip"
	"opeka/test/world/phone"
	"opeka/test/world/trunk"
)

func connect(t *testing.T, p *trunk.Provider) (care.Trunk, chan care.Line, chan care.TrunkState) {
	t.Helper()
	s := sip.NewStack(sip.Options{Listen: []string{"127.0.0.1:0"}})
	t.Cleanup(func() { _ = s.Close() })
	settings, secrets := p.Settings()
	set, _ := json.Marshal(settings)
	sec, _ := json.Marshal(secrets)
	tr, err := sip.New(s).OpenTrunk(care.Connection{ID: 1, Settings: set, Secrets: sec}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	lines, states := make(chan care.Line, 10), make(chan care.TrunkState, 10)
	if err := tr.Start(ctx, func(l care.Line) { lines <- l }, func(s care.TrunkState) { states <- s }); err != nil {
		t.Fatal(err)
	}
	if !state(t, states).Up {
		t.Fatal("not registered")
	}
	return tr, lines, states
}

func state(t *testing.T, states chan care.TrunkState) care.TrunkState {
	t.Helper()
	select {
	case s := <-states:
		return s
	case <-time.After(2 * phone.Patience):
		t.Fatal("no word of the trunk")
	}
	return care.TrunkState{}
}

func open(t *testing.T) *trunk.Provider {
	t.Helper()
	p, err := trunk.New("shop", "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestShopRingsACustomer(t *testing.T) {
	t.Parallel()
	p := open(t)
	olena := p.Subscriber("+380671234567", 500)
	olena.Does(trunk.Answers)
	tr, _, _ := connect(t, p)
	if !p.Registered() {
		t.Fatal("the provider doesn't know the trunk")
	}
	l, err := tr.Dial(context.Background(), care.Dialing{Key: "job-1", To: "+380671234567", Name: "Shop"})
	must(t, err)
	shop := phone.Take(l, 800)
	hers, err := olena.Next()
	must(t, err)
	must(t, shop.Answered())
	if hers.From() != "+380440000000" || hers.Display() != "Shop" {
		t.Errorf("she sees %q %q", hers.From(), hers.Display())
	}
	if !shop.Hears(500) || !hers.Hears(800) {
		t.Fatal("they don't hear each other")
	}
	must(t, shop.Press("12#"))
	must(t, hers.Pressed("12#"))
	must(t, hers.Press("7"))
	must(t, shop.Pressed("7"))
	must(t, shop.Hold(true))
	must(t, hers.Held(true))
	must(t, shop.Hold(false))
	must(t, hers.Held(false))
	must(t, hers.Hangup())
	if cause, err := shop.Over(); err != nil || cause != care.CauseHangup {
		t.Fatal(cause, err)
	}
	if _, err := tr.Dial(context.Background(), care.Dialing{Key: "job-1", To: "+380671234567"}); err == nil {
		t.Fatal("one key rang twice")
	}
}

func TestCustomerRingsTheShop(t *testing.T) {
	t.Parallel()
	p := open(t)
	olena := p.Subscriber("+380671234567", 500)
	_, lines, _ := connect(t, p)
	hers, err := olena.Call("+380440000000")
	must(t, err)
	l := <-lines
	if l.From() != "+380671234567" || l.To() != "+380440000000" {
		t.Fatalf("from %s to %s", l.From(), l.To())
	}
	shop := phone.Take(l, 800)
	must(t, shop.Answer())
	must(t, hers.Answered())
	if !shop.Hears(500) || !hers.Hears(800) {
		t.Fatal("they don't hear each other")
	}
	must(t, shop.Hangup())
	if cause, err := hers.Over(); err != nil || cause != care.CauseHangup {
		t.Fatal(cause, err)
	}
}

func TestWhatBecomesOfCalls(t *testing.T) {
	t.Parallel()
	p := open(t)
	busy, out, no := p.Subscriber("+380500000001", 0), p.Subscriber("+380500000002", 0), p.Subscriber("+380500000003", 0)
	busy.Does(trunk.Busy)
	no.Does(trunk.Rejects)
	_ = out // rings and rings
	tr, _, _ := connect(t, p)
	for number, want := range map[string]care.LineCause{
		"+380500000001": care.CauseBusy, "+380500000002": care.CauseNoAnswer, "+380500000003": care.CauseRejected, "+380500000009": care.CauseWrongNumber,
	} {
		l, err := tr.Dial(context.Background(), care.Dialing{To: number, Ring: time.Second})
		must(t, err)
		if cause, err := phone.Take(l, 0).Over(); err != nil || cause != want {
			t.Errorf("%s ended with %s (%v), want %s", number, cause, err, want)
		}
	}
}

func TestProviderThatVanishes(t *testing.T) {
	t.Parallel()
	p := open(t)
	_, _, states := connect(t, p)
	p.Crash()
	if s := state(t, states); s.Up {
		t.Fatal("still up")
	}
}
