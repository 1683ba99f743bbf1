package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/peer"
	"opeka/test/world/trunk"
)

// The program is killed while callbacks are asked for and customers are rung: whatever was acknowledged is owed once, is planned or has ended, and no
// attempt is counted twice.
func TestCallbacksKilledAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Setenv("OPEKA_SIP_LISTEN", "127.0.0.1:0")
	provider, err := trunk.New("shop", "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	provider.Refuse(care.CauseBusy)
	p := newProgram(t, "")
	p.spawn()
	p.serving()
	ctx := t.Context()
	office := peer.NewOffice(p.url)
	store, _, err := office.SetUp(ctx, "Стежка", "olena@example.com", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, path string, in, out any) {
		t.Helper()
		if err := office.Do(ctx, method, path, in, out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	rules := map[string]any{}
	do(http.MethodGet, fmt.Sprintf("/stores/%d/callback-rules", store), nil, &rules)
	policy := rules["policy"].(map[string]any)
	policy["from"], policy["to"], policy["busy_s"] = "00:00", "24:00", 60 // whatever the hour at which the test runs
	delete(rules, "$schema")
	do(http.MethodPut, fmt.Sprintf("/stores/%d/callback-rules", store), rules, nil)
	settings, secrets := provider.Settings()
	for k, v := range secrets {
		settings[k] = v
	}
	do(http.MethodPost, "/connections", map[string]any{"store_id": store, "plug": "sip", "name": "SIP", "settings": settings}, nil)
	do(http.MethodPut, "/me/presence", map[string]any{"state": "ready"}, nil)
	do(http.MethodPut, "/phone/me", map[string]any{"reachable": true}, nil)
	until(t, "the trunk is there", provider.Registered)

	var mu sync.Mutex
	owed := map[string]int64{}
	l := &load{t: t, program: p, office: office, stopped: make(chan struct{})}
	for n := range 3 {
		l.work.Go(func() {
			for m := 0; !l.over(); m++ {
				key := fmt.Sprintf("c-%d-%d", n, m)
				var got struct {
					ID int64 `json:"id"`
				}
				if !l.until("a callback", func(ctx context.Context) error {
					return office.Do(ctx, http.MethodPost, "/callbacks", map[string]any{"store_id": store, "number": fmt.Sprintf("+3806711%d%04d", n, m), "key": key}, &got)
				}) {
					return
				}
				mu.Lock()
				owed[key] = got.ID
				mu.Unlock()
				pause(ctx, 20*time.Millisecond)
			}
		})
	}
	const deaths = 6
	for range deaths {
		p.serving()
		pause(ctx, 700*time.Millisecond+rand.N(900*time.Millisecond))
		p.kill()
		p.spawn()
	}
	p.serving()
	close(l.stopped)
	l.work.Wait()
	r := reader(t, p)
	until(t, "calls of the lives that ended are closed", func() bool {
		return r.count(`SELECT count(*) FROM calls WHERE state NOT IN ('ended', 'wrapup') AND life_id <> (SELECT max(id) FROM phone_lives) AND life_id <> 0 AND created_at < $1`, db.At(time.Now())) == 0
	})
	r.close()
	p.stop()
	d := open(t, p)
	count := func(q string, args ...any) (n int64) {
		t.Helper()
		if err := d.Read().QueryRow(ctx, q, args...).Scan(&n); err != nil && !errors.Is(err, db.ErrNoRows) {
			t.Fatalf("%s: %v", q, err)
		}
		return n
	}
	for key, id := range owed {
		if n := count(`SELECT count(*) FROM callback_reasons WHERE store_id = $1 AND source = $2 AND callback_id = $3`, store, "ask:"+key, id); n != 1 {
			t.Errorf("%s was acknowledged as callback %d, and is there %d times", key, id, n)
		}
	}
	for what, q := range map[string]string{
		"callbacks without their one reason": `SELECT count(*) FROM (SELECT b.id FROM callbacks b LEFT JOIN callback_reasons r ON r.callback_id = b.id GROUP BY b.id HAVING count(r.id) <> 1) AS bad`,
		"callbacks that wait for nothing": `SELECT count(*) FROM callbacks b WHERE closed_at = 0 AND state IN ('waiting', 'due')
AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'phone.plan' AND j.key = CAST(b.id AS TEXT))`,
		"callbacks in the hands of nobody":              `SELECT count(*) FROM callbacks b WHERE state NOT IN ('waiting', 'due') AND closed_at = 0 AND NOT EXISTS (SELECT 1 FROM phone_agents a WHERE a.callback_id = b.id)`,
		"callbacks that count other attempts than made": `SELECT count(*) FROM callbacks b WHERE attempts <> (SELECT count(*) FROM calls c WHERE c.callback_id = b.id AND c.callback_id <> 0 AND c.counts)`,
		"callbacks with two calls at once":              `SELECT count(*) FROM (SELECT callback_id FROM calls WHERE callback_id <> 0 AND state <> 'ended' GROUP BY callback_id HAVING count(*) > 1) AS bad`,
	} {
		if n := count(q); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	rung, unknown := map[string]int{}, count(`SELECT count(*) FROM calls WHERE result = 'unknown'`)
	for _, number := range provider.Dialled() {
		rung[number]++
	}
	for number, n := range rung {
		if made := count(`SELECT count(*) FROM calls WHERE store_id = $1 AND number = $2 AND created_at > 0`, store, number); int64(n) > made {
			t.Errorf("%s was rung %d times, and %d calls are on record", number, n, made)
		}
	}
	if len(owed) < 50 || len(rung) < 10 {
		t.Errorf("too little was done to prove anything: %d callbacks, %d customers rung", len(owed), len(rung))
	}
	t.Logf("%d lives ended by force: %d callbacks, %d customers rung, %d calls of which nobody knows the end", deaths, len(owed), len(rung), unknown)
}
