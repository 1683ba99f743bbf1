package journeys

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/demo"
	"opeka/internal/peer"
	"opeka/internal/phone"
	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/soundtest/webpeer"
	"opeka/test/world/ports"
)

// tried is the demo as somebody tries it: his console, and the shoppers' telephones on the storefront's page.
type tried struct {
	t      *testing.T
	shop   string
	office *peer.Office
	http   *http.Client
}

type demoCall struct {
	ID      int64  `json:"id"`
	Number  string `json:"number"`
	ToHim   bool   `json:"to_him"`
	State   string `json:"state"`
	HeardMS int64  `json:"heard_ms"`
	System  string `json:"system"`
}

func (d *tried) calls() (out []demoCall) {
	d.t.Helper()
	r, err := d.http.Get(d.shop + "/telephone/calls")
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func (d *tried) post(path string, form url.Values) {
	d.t.Helper()
	r, err := d.http.PostForm(d.shop+path, form)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusSeeOther {
		d.t.Fatalf("%s: %s", path, r.Status)
	}
}

func (d *tried) do(method, path string, in, out any) {
	d.t.Helper()
	if err := d.office.Do(d.t.Context(), method, path, in, out); err != nil {
		d.t.Fatal(err)
	}
}

// until waits for a call on the shoppers' telephones.
func (d *tried) until(what string, ok func(demoCall) bool) demoCall {
	d.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, c := range d.calls() {
			if ok(c) {
				return c
			}
		}
	}
	d.t.Fatalf("it never happened: %s; %+v", what, d.calls())
	return demoCall{}
}

func (d *tried) stands(state string) (a phone.AgentState) {
	d.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if d.do(http.MethodGet, "/phone/me", nil, &a); a.State == state {
			return a
		}
	}
	d.t.Fatalf("the agent is never %s: %+v", state, a)
	return a
}

func try(t *testing.T) *tried {
	t.Helper()
	c := &demo.Command{Config: app.Config{Data: t.TempDir(), Listen: ports.Address(t), SIPListen: []string{"127.0.0.1:0"}, PhoneListen: "127.0.0.1:0", LogLevel: "error"}, Shop: ports.Address(t), Town: "127.0.0.1:0"}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	d := &tried{t: t, shop: "http://" + c.Shop, office: peer.NewOffice("http://" + c.Listen),
		http: &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var page strings.Builder
		r, err := d.http.Get(d.shop + "/telephone")
		if err == nil {
			buf := make([]byte, 1<<16)
			for n := 0; err == nil; {
				n, err = r.Body.Read(buf)
				page.Write(buf[:n])
			}
			_ = r.Body.Close()
			if strings.Contains(page.String(), "на зв'язку</span>") && !strings.Contains(page.String(), "ще не на зв'язку") {
				break
			}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatal("the demo ended:", err)
		default:
		}
		if time.Now().After(end) {
			t.Fatal("the demo's telephone never came up: ", page.String())
		}
	}
	if err := d.office.SignIn(t.Context(), demo.Email, demo.Password); err != nil {
		t.Fatal(err)
	}
	return d
}

// The demo as it promises at its start: goods are brought in and the first who waits is rung; a shopper rings in, keeps his place by a key and is rung in his turn.
func TestTheDemosTelephone(t *testing.T) {
	t.Parallel()
	d := try(t)
	var wishes struct {
		Items []phone.Subscription `json:"items"`
	}
	d.do(http.MethodGet, "/stock-subscriptions?state=waiting", nil, &wishes)
	var first phone.Subscription
	for _, w := range wishes.Items {
		if w.SKU == "ST-15-A" && (first.ID == 0 || w.AskedAt < first.AskedAt) {
			first = w
		}
	}
	if first.ID == 0 || first.MadeBy != "customer" {
		t.Fatalf("nobody waits for the burner: %+v", wishes.Items)
	}

	mixer, mouth := sound.NewMixer(), soundtest.Says(agentHz)
	t.Cleanup(mixer.Close)
	page, err := webpeer.Dial(g711.A, func(offer string) (string, error) {
		var out struct {
			Answer string `json:"answer"`
		}
		err := d.office.Do(t.Context(), http.MethodPost, "/phone/leg", map[string]any{"offer": offer}, &out)
		return out.Answer, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = page.Close() })
	head := mixer.Bridge()
	t.Cleanup(head.Close)
	for leg, role := range map[sound.Leg]sound.Role{mouth: sound.Agent, page: sound.Customer} {
		if err := head.Add(leg, role); err != nil {
			t.Fatal(err)
		}
	}
	d.do(http.MethodPut, "/phone/me", map[string]any{"reachable": true}, nil)

	brought := time.Now()
	d.post("/restock", url.Values{"variant": {"p15-a"}})
	rung := d.until("somebody is rung", func(c demoCall) bool { return c.ToHim })
	t.Logf("from the button to the ringing telephone: %s", time.Since(brought).Round(time.Millisecond))
	if rung.Number != first.Number {
		t.Errorf("rung is %s, first asked %s", rung.Number, first.Number)
	}
	a := d.stands("talking")
	var owed phone.Callback
	d.do(http.MethodGet, fmt.Sprintf("/callbacks/%d", a.Callback), nil, &owed)
	if owed.Customer != first.Customer || len(owed.Reasons) != 1 || owed.Reasons[0].Trigger != phone.TriggerStock || owed.Reasons[0].Subject != first.Variant {
		t.Errorf("%+v", owed)
	}
	var scripts struct {
		Items []struct {
			Purpose string `json:"purpose"`
		} `json:"items"`
	}
	d.do(http.MethodGet, "/scripts", nil, &scripts)
	if len(scripts.Items) < 2 {
		t.Errorf("scripts: %+v", scripts.Items)
	}
	for end := time.Now().Add(time.Minute); !loud(mouth.Heard()); mouth.Next() {
		if time.Now().After(end) {
			t.Fatal("the agent doesn't hear the customer")
		}
	}
	d.until("the customer hears the agent", func(c demoCall) bool { return c.ID == rung.ID && c.HeardMS > 500 })

	// Meanwhile another shopper rings in.
	var caller string
	for _, w := range wishes.Items {
		if w.Number != first.Number && caller == "" {
			caller = w.Number
		}
	}
	d.post("/telephone/ring", url.Values{"number": {caller}})
	in := d.until("he waits in the queue", func(c demoCall) bool { return !c.ToHim && strings.Contains(c.System, "У черзі") })
	d.post(fmt.Sprintf("/telephone/%d/1", in.ID), nil)
	d.until("his place is kept", func(c demoCall) bool {
		return c.ID == in.ID && (c.State == "over" || strings.Contains(c.System, "Місце збережено"))
	})
	d.post(fmt.Sprintf("/telephone/%d/hangup", in.ID), nil)
	d.until("he has hung up", func(c demoCall) bool { return c.ID == in.ID && c.State == "over" })

	d.do(http.MethodPost, fmt.Sprintf("/calls/%d/hangup", a.Call), nil, nil)
	d.stands("wrapup")
	d.do(http.MethodPost, fmt.Sprintf("/callbacks/%d/disposition", a.Callback), map[string]any{"disposition": "ordered"}, nil)
	again := d.until("he is rung in his turn", func(c demoCall) bool { return c.ToHim && c.Number == caller })
	b := d.stands("talking")
	d.do(http.MethodGet, fmt.Sprintf("/callbacks/%d", b.Callback), nil, &owed)
	if owed.Number != caller || again.ID == rung.ID {
		t.Errorf("%+v", owed)
	}
	d.do(http.MethodPost, fmt.Sprintf("/calls/%d/hangup", b.Call), nil, nil)
	d.stands("wrapup")
	d.do(http.MethodPost, fmt.Sprintf("/callbacks/%d/disposition", b.Callback), map[string]any{"disposition": "settled"}, nil)
}
