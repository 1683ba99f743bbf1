package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"opeka/internal/care"
	"opeka/internal/peer"
	"opeka/internal/sound/load"
	customers "opeka/test/world/phone"
	"opeka/test/world/trunk"
)

// SoundCommand is the half of the calls that is measured: the other ends are in the process that starts it.
type SoundCommand struct{}

// Run implements the command.
func (SoundCommand) Run() error { return load.Serve(os.Stdin, os.Stdout) }

var callsRow = row{name: "calls", what: "150 calls at once, mixed, the far ends on the same cores", measure: func(ctx context.Context, b *bench) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, c := range []struct {
		what    string
		browser bool
		record  bool
	}{{"browser and telephone leg, recorded", true, true}, {"two telephone legs, recorded", false, true}} {
		o := load.Options{Calls: b.smaller(150, 10), Browser: c.browser, Record: c.record, Dir: filepath.Join(b.dir, "calls-"+fmt.Sprint(c.browser)), For: b.shorter(20 * time.Second)}
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return err
		}
		f, err := load.Measure(ctx, o, func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, self, "bench", "sound") })
		if err != nil {
			return err
		}
		note := fmt.Sprintf("worst %.1f ms, %d of %d frames lost", float64(f.Worst.Microseconds())/1000, f.Lost, f.Sent)
		b.atMost(c.what+": of a core each", 100*f.CPU, "%", 0.25)
		b.atMost(c.what+": late ticks", 100*f.LateShare(), "%", 0.1, note)
	}
	return nil
}}

// exchange is a program on the telephone, with a provider, agents and a shop.
type exchange struct {
	*program
	provider *trunk.Provider
	office   *peer.Office
	shop     *peer.Shop
	store    int64
}

const phoneSecret = "a secret of the shop and the program"

// connect starts a program without anything in it, on the telephone.
func (b *bench) connect(ctx context.Context, name string) (x *exchange, end func() error, err error) {
	x = &exchange{}
	if x.provider, err = trunk.New("shop", "open sesame"); err != nil {
		return nil, nil, err
	}
	dir := filepath.Join(b.dir, name)
	if x.program, err = serve(ctx, dir, "", "--sip-listen", "127.0.0.1:0", "--rtp-ports", "20000-29999", "--phone-listen=", "--allow-private"); err != nil {
		x.provider.Close()
		return nil, nil, err
	}
	end = func() error { x.provider.Close(); return errors.Join(x.stop(), os.RemoveAll(dir)) }
	if err := x.setUp(ctx); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return x, end, nil
}

func (x *exchange) do(ctx context.Context, method, path string, in, out any) error {
	return x.office.Do(ctx, method, path, in, out)
}

func (x *exchange) setUp(ctx context.Context) (err error) {
	x.office = peer.NewOffice(x.url)
	if x.store, _, err = x.office.SetUp(ctx, "Стежка", "owner@example.com", "correct horse battery"); err != nil {
		return err
	}
	settings, secrets := x.provider.Settings()
	all := map[string]any{"max_calls": 1000}
	for _, part := range []map[string]any{settings, secrets} {
		for k, v := range part {
			all[k] = v
		}
	}
	if err := x.do(ctx, http.MethodPost, "/connections", map[string]any{"store_id": x.store, "plug": "sip", "name": "trunk", "settings": all}, nil); err != nil {
		return err
	}
	var made struct {
		ID int64 `json:"id"`
	}
	if err := x.do(ctx, http.MethodPost, "/connections", map[string]any{"store_id": x.store, "plug": "generic", "name": "shop", "settings": map[string]string{"secret": phoneSecret}}, &made); err != nil {
		return err
	}
	x.shop = &peer.Shop{URL: x.url, Connection: made.ID, Secret: phoneSecret, HTTP: peer.Client(), Now: time.Now}
	rules := map[string]any{}
	path := fmt.Sprintf("/stores/%d/callback-rules", x.store)
	if err := x.do(ctx, http.MethodGet, path, nil, &rules); err != nil {
		return err
	}
	policy, ok := rules["policy"].(map[string]any)
	if !ok {
		return errors.New("the store has no policy of calling")
	}
	policy["from"], policy["to"] = "00:00", "24:00" // whenever it is measured
	if err := x.do(ctx, http.MethodPut, path, map[string]any{"policy": policy, "rules": rules["rules"]}, nil); err != nil {
		return err
	}
	if err := x.do(ctx, http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Queue"}, nil); err != nil {
		return err
	}
	return x.wait(ctx, "the trunk to register", x.provider.Registered)
}

func (x *exchange) wait(ctx context.Context, what string, ok func() bool) error {
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) || ctx.Err() != nil {
			return errors.New("waited in vain for " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

// seat hires agents who are ready at the telephone.
func (x *exchange) seat(ctx context.Context, n int) error {
	for i := range n {
		var made struct {
			Invitation struct {
				Token string `json:"token"`
			} `json:"invitation"`
		}
		mail := fmt.Sprintf("agent%d@example.com", i)
		o := peer.NewOffice(x.url)
		if err := errors.Join(
			x.do(ctx, http.MethodPost, "/agents", map[string]any{"name": fmt.Sprint("Agent ", i), "email": mail, "memberships": []map[string]any{{"store_id": x.store, "role": "agent"}}}, &made),
			o.Do(ctx, http.MethodPost, "/invitations/accept", map[string]any{"token": made.Invitation.Token, "password": "correct horse battery"}, nil),
			o.SignIn(ctx, mail, "correct horse battery"),
			o.Do(ctx, http.MethodPut, "/me/presence", map[string]any{"state": "ready"}, nil),
			o.Do(ctx, http.MethodPut, "/phone/me", map[string]any{"reachable": true}, nil),
		); err != nil {
			return err
		}
	}
	return nil
}

// tell pushes records of the shop.
func (x *exchange) tell(ctx context.Context, items ...peer.Item) error {
	now := time.Now()
	for i := range items {
		items[i].Op, items[i].At = "upsert", now
	}
	taken, err := x.shop.Batch(ctx, "", items)
	if err != nil {
		return err
	}
	for _, r := range taken.Results {
		if r.Code != "" {
			return fmt.Errorf("%s is refused: %s %s", r.ID, r.Code, r.Message)
		}
	}
	return nil
}

var ringRow = row{name: "ring", what: "sold-out goods come in: from the shop's push to the INVITE at the provider, 20 agents ready, 10 pushes a second", measure: func(ctx context.Context, b *bench) (err error) {
	x, end, err := b.connect(ctx, "ring")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := x.seat(ctx, 20); err != nil {
		return err
	}
	wishes := b.smaller(200, 20)
	variant := func(n int) string { return fmt.Sprintf("v%d", n) }
	items := []peer.Item{{Kind: care.KindLocation, ID: "kyiv", Data: care.ShopLocation{Name: "Kyiv", Default: true}}}
	for n := range wishes {
		items = append(items,
			peer.Item{Kind: care.KindProduct, ID: variant(n), Data: care.ShopProduct{Name: "Boots " + variant(n), Variants: []care.ShopVariant{{ExternalID: variant(n), SKU: variant(n), Name: "38"}}}},
			peer.Item{Kind: care.KindStock, ID: variant(n) + "@kyiv", Data: care.ShopStock{Variant: variant(n), Location: "kyiv"}})
	}
	for len(items) > 0 {
		part := items[:min(len(items), 50)]
		if err := x.tell(ctx, part...); err != nil {
			return err
		}
		items = items[len(part):]
	}
	var mu sync.Mutex
	rung := map[string]time.Time{}
	for n := range wishes {
		var found struct {
			Items []struct {
				Variants []struct {
					ID  int64  `json:"id"`
					SKU string `json:"sku"`
				} `json:"variants"`
			} `json:"items"`
		}
		if err := x.do(ctx, http.MethodGet, fmt.Sprintf("/products?store_id=%d&q=%s", x.store, variant(n)), nil, &found); err != nil {
			return err
		}
		id := int64(0)
		for _, p := range found.Items {
			for _, v := range p.Variants {
				if v.SKU == variant(n) {
					id = v.ID
				}
			}
		}
		number := fmt.Sprintf("+38067%07d", n)
		x.provider.Subscriber(number, 0).Does(func(c *customers.Call) {
			mu.Lock()
			rung[number] = time.Now()
			mu.Unlock()
			_ = c.Busy()
		})
		if err := x.do(ctx, http.MethodPost, "/stock-subscriptions", map[string]any{"store_id": x.store, "variant_id": id, "number": number, "language": "uk"}, nil); err != nil {
			return fmt.Errorf("%s (variant %d): %w", variant(n), id, err)
		}
	}
	time.Sleep(1100 * time.Millisecond) // records of a second are of one age
	var l lap
	pushed := make([]time.Time, wishes)
	err = paced(ctx, 10, time.Duration(wishes)*time.Second/10, func(ctx context.Context, n int, due time.Time) error {
		pushed[n] = due
		return x.tell(ctx, peer.Item{Kind: care.KindStock, ID: variant(n) + "@kyiv", Data: care.ShopStock{Variant: variant(n), Location: "kyiv", OnHand: 5}})
	})
	if err != nil {
		return err
	}
	if err := x.wait(ctx, "everybody to be rung", func() bool { mu.Lock(); defer mu.Unlock(); return len(rung) == wishes }); err != nil {
		b.nothing("customers who weren't rung", wishes-len(rung))
		return err
	}
	for n, at := range pushed {
		l.took = append(l.took, rung[fmt.Sprintf("+38067%07d", n)].Sub(at))
	}
	b.atMost("p99", l.quantile(0.99), "ms", 250, fmt.Sprintf("p50 %.1f ms; of %d", l.quantile(0.5), wishes))
	return nil
}}

var setupRow = row{name: "setup", what: "calls that ring in, 30 a second, each answered by its queue and hung up by the caller after a second", measure: func(ctx context.Context, b *bench) (err error) {
	x, end, err := b.connect(ctx, "setup")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	const rate = 30
	span := b.shorter(20 * time.Second)
	calls := int(span.Seconds()) * rate
	callers := make([]*trunk.Subscriber, calls)
	for n := range callers {
		callers[n] = x.provider.Subscriber(fmt.Sprintf("+38067%07d", n), 0)
	}
	took, failed := make([]time.Duration, calls), make([]error, calls)
	before, begun := x.cpu(), time.Now()
	var g errgroup.Group
	err = paced(ctx, rate, span, func(_ context.Context, n int, due time.Time) error {
		g.Go(func() error {
			c, err := callers[n].Call("+380440000000")
			if err == nil {
				err = c.Answered()
			}
			took[n] = time.Since(due)
			if err == nil {
				time.Sleep(time.Second)
				err = c.Hangup()
			}
			failed[n] = err
			return nil
		})
		return nil
	})
	if err != nil {
		return err
	}
	_ = g.Wait()
	used, elapsed := x.cpu()-before, time.Since(begun)
	failures := 0
	for _, err := range failed {
		if err != nil {
			failures++
			if failures == 1 {
				fmt.Fprintln(os.Stderr, "  the first failure:", err)
			}
		}
	}
	l := lap{took: took}
	b.nothing(fmt.Sprintf("of %d calls failed", calls), failures)
	b.tell("INVITE to answer, p99", l.quantile(0.99), "ms", fmt.Sprintf("p50 %.1f ms", l.quantile(0.5)))
	b.tell("of the program's processor for each call", milliseconds(used)/float64(calls), "ms", fmt.Sprintf("over %.0f s", elapsed.Seconds()))
	return x.wait(ctx, "the end of all calls", func() bool { return x.provider.Calls() == 0 })
}}
