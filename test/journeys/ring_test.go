package journeys

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/peer"
	"opeka/internal/phone"
	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/soundtest/webpeer"
	customers "opeka/test/world/phone"
	"opeka/test/world/trunk"
)

const (
	shopNumber = "+380440000000"
	agentHz    = 440
)

// exchange is an installation that is on the telephone: a trunk to a provider of real SIP, and an agent before a browser.
type exchange struct {
	*installation
	provider *trunk.Provider
	browser  *soundtest.Party // who sits before the agent's browser
	mixer    *sound.Mixer     // of the browsers' side
	head     *sound.Bridge    // between the two
}

// connected connects the store to a provider.
func connected(t *testing.T) *exchange {
	t.Helper()
	return connectedOn(t, db.SQLite)
}

func connectedOn(t *testing.T, e db.Engine) *exchange {
	t.Helper()
	p, err := trunk.New("shop", "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	x := &exchange{provider: p, mixer: sound.NewMixer(), browser: soundtest.Says(agentHz)}
	t.Cleanup(x.mixer.Close)
	x.installation = install(t, e, func(c *app.Config) {
		c.SIPListen, c.PhoneListen = []string{"127.0.0.1:0"}, "127.0.0.1:0"
	})
	settings, secrets := p.Settings()
	all := map[string]any{}
	for _, part := range []map[string]any{settings, secrets} {
		for k, v := range part {
			all[k] = v
		}
	}
	x.do(http.MethodPost, "/connections", map[string]any{"store_id": x.store, "plug": "sip", "name": "Оператор", "settings": all}, nil)
	x.until("the trunk is registered", p.Registered)
	return x
}

// opens has the agent load the page of his console: his browser connects its sound.
func (x *exchange) opens() *webpeer.Peer {
	x.t.Helper()
	page, err := webpeer.Dial(g711.A, func(offer string) (string, error) {
		var out struct {
			Answer string `json:"answer"`
		}
		err := x.office.Do(x.t.Context(), http.MethodPost, "/phone/leg", map[string]any{"offer": offer}, &out)
		return out.Answer, err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = page.Close() })
	if x.head != nil {
		x.head.Close()
	}
	x.head = x.mixer.Bridge()
	x.must(x.head.Add(x.browser, sound.Agent))
	x.must(x.head.Add(page, sound.Customer))
	return page
}

// sitsDown has the agent open his console, come to the telephone and be ready.
func (x *exchange) sitsDown() *webpeer.Peer {
	x.t.Helper()
	page := x.opens()
	x.do(http.MethodPut, "/phone/me", map[string]any{"reachable": true}, nil)
	return page
}

func (x *exchange) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// later moves the clock, with the agent's browser still open.
func (x *exchange) later(d time.Duration) {
	x.t.Helper()
	for ; d > 0; d -= 30 * time.Second {
		x.clock.Move(min(d, 30*time.Second))
		x.do(http.MethodPost, "/me/heartbeat", nil, nil)
	}
}

func (x *exchange) me() (a phone.AgentState) {
	x.t.Helper()
	x.do(http.MethodGet, "/phone/me", nil, &a)
	return a
}

// stands waits until the agent is in a state, and returns how he stands then.
func (x *exchange) stands(state string) (a phone.AgentState) {
	x.t.Helper()
	x.until("the agent is "+state, func() bool { a = x.me(); return a.State == state })
	return a
}

func (x *exchange) call(id int64) (c phone.Call) {
	x.t.Helper()
	x.do(http.MethodGet, fmt.Sprintf("/calls/%d", id), nil, &c)
	return c
}

// live are the calls that go on.
func (x *exchange) live() []phone.Call {
	x.t.Helper()
	var list struct {
		Items []phone.Call `json:"items"`
	}
	x.do(http.MethodGet, "/calls?live=true", nil, &list)
	return list.Items
}

func (x *exchange) callback(id int64) (c phone.Callback) {
	x.t.Helper()
	x.do(http.MethodGet, fmt.Sprintf("/callbacks/%d", id), nil, &c)
	return c
}

// talkTogether asserts that a customer and the agent hear each other, and that what was played is over.
func (x *exchange) talkTogether(hears func(float64) bool, customerHz float64) {
	x.t.Helper()
	if !hears(agentHz) {
		x.t.Fatal("the customer doesn't hear the agent")
	}
	if !x.browser.Await(customerHz, true) {
		x.t.Fatal("the agent doesn't hear the customer")
	}
}

// quiet asserts that no call is left anywhere.
func (x *exchange) quiet() {
	x.t.Helper()
	x.until("no call is left on the wire", func() bool { return x.provider.Calls() == 0 && x.app.SIP.Calls() == 0 })
	if live := x.live(); len(live) != 0 {
		x.t.Errorf("calls that go on: %+v", live)
	}
	if n := x.app.Mixer.Counters().Bridges; n != 0 {
		x.t.Errorf("%d bridges are left", n)
	}
}

// noted asserts that a call is part of its conversation.
func (x *exchange) noted(id int64, code string) {
	x.t.Helper()
	x.until("the call is part of a conversation", func() bool { return x.call(id).Conversation != 0 })
	var said json.RawMessage
	x.do(http.MethodGet, fmt.Sprintf("/conversations/%d", x.call(id).Conversation), nil, &said)
	if !strings.Contains(string(said), `"`+code+`"`) {
		x.t.Errorf("%s isn't in %s", code, said)
	}
}

// Sold-out goods come in: the shop rings the customer who waits for them, and joins the agent when she answers.
func TestGoodsComeInAndTheCustomerIsRung(t *testing.T) {
	t.Parallel()
	x := connected(t)
	marta := x.provider.Subscriber("+380501112233", 650)
	rung := make(chan time.Time, 10)
	marta.Does(func(c *customers.Call) { rung <- time.Now(); trunk.Answers(c) })
	x.sitsDown()
	shop := x.shop()
	goods := boots()
	goods[2].Data = care.ShopStock{Variant: "boots-38", Location: "kyiv"}
	x.tell(shop, goods...)
	var products struct {
		Items []struct {
			Variants []struct {
				ID int64 `json:"id"`
			} `json:"variants"`
		} `json:"items"`
	}
	x.do(http.MethodGet, fmt.Sprintf("/products?store_id=%d", x.store), nil, &products)
	var wish phone.Subscription
	x.do(http.MethodPost, "/stock-subscriptions", map[string]any{"store_id": x.store, "variant_id": products.Items[0].Variants[0].ID, "number": "+380501112233", "name": "Марта", "language": "uk"}, &wish)
	if wish.State != phone.SubWaiting || len(x.provider.Dialled()) != 0 {
		t.Fatalf("%+v, rung %v", wish, x.provider.Dialled())
	}
	x.later(time.Minute) // the stock's record must be newer than the one before
	came := time.Now()
	x.tell(shop, peer.Item{Kind: care.KindStock, ID: "boots-38@kyiv", Data: care.ShopStock{Variant: "boots-38", Location: "kyiv", OnHand: 5}})
	hers, err := marta.Next()
	x.must(err)
	t.Logf("from the shop's batch to the INVITE at the provider: %s", (<-rung).Sub(came).Round(100*time.Microsecond))
	if hers.From() != shopNumber {
		t.Errorf("she sees %s", hers.From())
	}
	a := x.stands("talking")
	x.talkTogether(hers.Hears, 650)
	c := x.callback(a.Callback)
	if c.State != phone.Talking || c.Call != a.Call || len(c.Reasons) != 1 || c.Reasons[0].Trigger != phone.TriggerStock {
		t.Fatalf("%+v", c)
	}
	x.later(time.Minute)
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/hangup", a.Call), nil, nil)
	if cause, err := hers.Over(); err != nil || cause != care.CauseHangup {
		t.Fatal(cause, err)
	}
	x.stands("wrapup")
	x.do(http.MethodPost, fmt.Sprintf("/callbacks/%d/disposition", c.ID), map[string]any{"disposition": "ordered", "note": "two pairs"}, nil)
	if c = x.callback(c.ID); c.State != phone.Done || c.Attempts != 1 || c.Disposition != phone.Ordered {
		t.Errorf("%+v", c)
	}
	x.stands("free")
	x.noted(a.Call, "call_out")
	x.quiet()
	if n := len(x.provider.Dialled()); n != 1 {
		t.Errorf("she was rung %d times", n)
	}
}

// Callers are greeted, wait, and are taken; who presses 1 may hang up and is rung in his turn.
func TestCallersAreTakenInTheirTurn(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин"}, nil)
	olena, taras := x.provider.Subscriber("+380671112233", 650), x.provider.Subscriber("+380671112244", 950)
	taras.Does(trunk.Answers)
	x.sitsDown()

	hers, err := olena.Call(shopNumber)
	x.must(err)
	x.must(hers.Answered())
	if _, err := exec.LookPath("espeak-ng"); err == nil {
		x.until("she is greeted before she waits", func() bool {
			for _, c := range x.live() {
				return loud(hers.Heard()) && c.State == phone.CallAnnouncing
			}
			return false
		})
	}
	a := x.stands("offered")
	if c := x.call(a.Call); c.Direction != "in" || c.Number != "+380671112233" || c.Customer == 0 || c.State != phone.CallOffered {
		t.Fatalf("%+v", c)
	}
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/answer", a.Call), nil, nil)
	x.talkTogether(hers.Hears, 650)

	his, err := taras.Call(shopNumber)
	x.must(err)
	x.must(his.Answered())
	var waiting phone.Call
	x.until("he waits", func() bool {
		for _, c := range x.live() {
			if c.Number == "+380671112244" && c.State == phone.CallWaiting {
				waiting = c
			}
		}
		return waiting.ID != 0
	})
	x.must(his.Press("1"))
	x.until("his place is kept", func() bool { return x.call(waiting.ID).Result == phone.ResultQueued })
	x.must(his.Hangup())
	x.until("he is owed a call", func() bool { return x.call(waiting.ID).State == phone.CallEnded })
	var board struct {
		Items []phone.Callback `json:"items"`
	}
	x.do(http.MethodGet, fmt.Sprintf("/callbacks?store_id=%d", x.store), nil, &board)
	if len(board.Items) != 1 || board.Items[0].State != phone.Due || board.Items[0].Number != "+380671112244" {
		t.Fatalf("%+v", board.Items)
	}
	if hers.HearsNow(950) {
		t.Error("one caller hears the other")
	}

	x.later(time.Minute)
	x.must(hers.Hangup())
	x.stands("wrapup")
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/wrap-up", a.Call), map[string]any{"disposition": "settled"}, nil)
	x.noted(a.Call, "call_in")

	again, err := taras.Next()
	x.must(err)
	b := x.stands("talking")
	if b.Callback != board.Items[0].ID {
		t.Fatalf("%+v", b)
	}
	x.talkTogether(again.Hears, 950)
	x.later(time.Minute)
	x.must(again.Hangup())
	x.stands("wrapup")
	x.do(http.MethodPost, fmt.Sprintf("/callbacks/%d/disposition", b.Callback), map[string]any{"disposition": "settled"}, nil)
	if c := x.callback(b.Callback); c.State != phone.Done {
		t.Errorf("%+v", c)
	}
	x.noted(b.Call, "call_out")
	x.quiet()
}

// An agent rings a number, puts the customer on hold and back; then his page is loaded anew, and he is in the same call.
func TestABrowserComesBackIntoItsCall(t *testing.T) {
	t.Parallel()
	x := connected(t)
	olena := x.provider.Subscriber("+380671112233", 650)
	olena.Does(trunk.Answers)
	page := x.sitsDown()
	var c phone.Call
	x.do(http.MethodPost, "/calls", map[string]any{"store_id": x.store, "number": "+380671112233"}, &c)
	hers, err := olena.Next()
	x.must(err)
	x.stands("talking")
	x.talkTogether(hers.Hears, 650)

	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/hold", c.ID), nil, nil)
	x.must(hers.Held(true))
	if !hers.Misses(agentHz) || !x.browser.Await(650, false) {
		t.Fatal("held, and still heard")
	}
	x.until("she hears music", func() bool { return loud(hers.Heard()) })
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/resume", c.ID), nil, nil)
	x.must(hers.Held(false))
	x.talkTogether(hers.Hears, 650)

	x.must(page.Close())
	if !hers.Misses(agentHz) {
		t.Fatal("a page that is closed is heard")
	}
	x.browser.Forget()
	x.opens()
	x.talkTogether(hers.Hears, 650)
	x.later(time.Minute)
	x.must(hers.Hangup())
	x.stands("wrapup")
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/wrap-up", c.ID), map[string]any{"disposition": "settled"}, nil)
	x.stands("free")
	x.noted(c.ID, "call_out")
	x.quiet()
}

// An agent whose browser is gone is rung for nobody; once it is there again he is.
func TestNobodyIsRungForAnAgentWhoseBrowserIsGone(t *testing.T) {
	t.Parallel()
	x := connected(t)
	olena := x.provider.Subscriber("+380671112233", 650)
	olena.Does(trunk.Answers)
	page := x.sitsDown()
	x.must(page.Close())
	x.until("he is taken off the telephone", func() bool {
		x.later(10 * time.Second)
		a := x.me()
		return !a.Reachable && a.Reason == "browser_gone"
	})
	var owed phone.Callback
	x.do(http.MethodPost, "/callbacks", map[string]any{"store_id": x.store, "number": "+380671112233"}, &owed)
	if owed.State != phone.Due || owed.Reason != "no_agent" {
		t.Fatalf("%+v", owed)
	}
	x.opens()
	hers, err := olena.Next()
	x.must(err)
	x.stands("talking")
	x.talkTogether(hers.Hears, 650)
	x.later(time.Minute)
	x.must(hers.Hangup())
	x.stands("wrapup")
	x.do(http.MethodPost, fmt.Sprintf("/callbacks/%d/disposition", owed.ID), map[string]any{"disposition": "settled"}, nil)
	x.quiet()
}

// loud tells that something is heard.
func loud(s []int16) bool {
	for _, v := range s {
		if v > 500 || v < -500 {
			return true
		}
	}
	return false
}
