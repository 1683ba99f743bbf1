package journeys

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/peer"
	"opeka/internal/phone"
	"opeka/test/world/sms"
)

// owes waits for a callback of a customer, and returns it.
func (w *installation) owes(number string) (c phone.Callback) {
	w.t.Helper()
	w.until("a call is owed to "+number, func() bool {
		var board struct {
			Items []phone.Callback `json:"items"`
		}
		w.do(http.MethodGet, fmt.Sprintf("/callbacks?store_id=%d", w.store), nil, &board)
		for _, one := range board.Items {
			if one.Number == number {
				c = one
			}
		}
		return c.ID != 0
	})
	return c
}

// rules switches all of a store's callback rules on, without a delay.
func (w *installation) rules() {
	w.t.Helper()
	path := fmt.Sprintf("/stores/%d/callback-rules", w.store)
	var s phone.Settings
	w.do(http.MethodGet, path, nil, &s)
	for i := range s.Rules {
		s.Rules[i].Active, s.Rules[i].Delay = true, 0
	}
	w.do(http.MethodPut, path, s, nil)
}

const martas = "+380501112233"

// orderOf has the shop tell of Marta's order, as a shop of its own kind of words does.
func (w *installation) orderOf(shop *peer.Shop, status string, change func(*care.ShopOrder)) {
	w.t.Helper()
	w.do(http.MethodPut, "/statuses", map[string]any{"connection_id": shop.Connection, "raw": status, "order_state": map[string]care.OrderState{"нове": care.OrderPlaced, "чекає оплати": care.OrderAwaitingPayment, "їде": care.OrderProcessing}[status],
		"fulfilment_state": map[string]care.FulfilmentState{"їде": care.FulfilmentShipped}[status]}, nil)
	o := order(status)
	o.PlacedAt = w.clock.Now()
	o.Payments[0].At = w.clock.Now()
	if change != nil {
		change(&o)
	}
	w.tell(shop, item(o))
}

// Whatever may make the system owe a call does, through the whole program: one callback, with its reason and what it is about.
func TestEverySourceMakesItsCallback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		trigger phone.Trigger
		subject string
		happens func(w *installation, shop *peer.Shop)
	}{
		{"a shopper asks in the widget", phone.TriggerAsked, "", func(w *installation, _ *peer.Shop) {
			w.connectLine()
			v := w.visitor(nil)
			if err := v.Do(w.t.Context(), http.MethodPost, "/calls", map[string]any{"client_id": "c1", "number": martas}, nil); err != nil {
				w.t.Fatal(err)
			}
		}},
		{"an agent promises", phone.TriggerPromise, "", func(w *installation, _ *peer.Shop) {
			w.do(http.MethodPost, "/callbacks", map[string]any{"store_id": w.store, "number": martas, "trigger": "promise", "at": w.clock.Now().Add(time.Hour)}, nil)
		}},
		{"what she waits for comes in", phone.TriggerStock, "variant", func(w *installation, shop *peer.Shop) {
			w.connectLine()
			goods := boots()
			goods[2].Data = care.ShopStock{Variant: "boots-38", Location: "kyiv"}
			w.tell(shop, goods...)
			v := w.visitor(nil)
			var page struct {
				Goods phone.Goods `json:"goods"`
			}
			if err := v.Do(w.t.Context(), http.MethodGet, "/calls?ref=boots", nil, &page); err != nil || len(page.Goods.Variants) != 1 {
				w.t.Fatal(page, err)
			}
			if err := v.Do(w.t.Context(), http.MethodPost, "/calls", map[string]any{"client_id": "w1", "number": martas, "variant_id": page.Goods.Variants[0].ID, "how": "call"}, nil); err != nil {
				w.t.Fatal(err)
			}
			w.clock.Move(time.Minute)
			w.tell(shop, peer.Item{Kind: care.KindStock, ID: "boots-38@kyiv", Data: care.ShopStock{Variant: "boots-38", Location: "kyiv", OnHand: 2}})
		}},
		{"the warehouse answers", phone.TriggerInquiry, "inquiry", func(w *installation, shop *peer.Shop) {
			w.orderOf(shop, "нове", nil)
			var department, question struct {
				ID int64 `json:"id"`
			}
			w.do(http.MethodPost, "/departments", map[string]any{"store_id": w.store, "name": "Склад"}, &department)
			var found struct {
				Items []struct {
					ID int64 `json:"id"`
				} `json:"items"`
			}
			w.do(http.MethodGet, fmt.Sprintf("/customers?store_id=%d", w.store), nil, &found)
			if len(found.Items) == 0 {
				w.t.Fatal("the shop's customer isn't known")
			}
			w.do(http.MethodPost, "/inquiries", map[string]any{"store_id": w.store, "department_id": department.ID, "question": "Чи є 38-й?", "customer_id": found.Items[0].ID, "wants_call": true}, &question)
			w.do(http.MethodPost, fmt.Sprintf("/inquiries/%d/answer", question.ID), map[string]any{"verdict": "yes", "quantity": 2}, nil)
		}},
		{"her payment fails", phone.TriggerPayment, "order", func(w *installation, shop *peer.Shop) {
			w.orderOf(shop, "чекає оплати", nil)
			w.clock.Move(time.Minute)
			w.orderOf(shop, "чекає оплати", func(o *care.ShopOrder) {
				o.PlacedAt = o.PlacedAt.Add(-time.Minute)
				o.Payments[0].State, o.Payments[0].Error = care.PaymentFailed, "insufficient funds"
			})
		}},
		{"her payment is missing", phone.TriggerPayment, "order", func(w *installation, shop *peer.Shop) {
			w.orderOf(shop, "чекає оплати", nil)
			w.pass(21 * time.Hour)
		}},
		{"her order needs confirming", phone.TriggerConfirm, "order", func(w *installation, shop *peer.Shop) {
			w.orderOf(shop, "нове", func(o *care.ShopOrder) { o.Payments = nil })
			w.pass(5 * time.Hour)
		}},
		{"her parcel is stuck", phone.TriggerParcel, "order", func(w *installation, shop *peer.Shop) {
			w.orderOf(shop, "їде", func(o *care.ShopOrder) {
				o.Payments[0].State = care.PaymentPaid
				o.Shipments = []care.ShopShipment{{ExternalID: "s", Carrier: "Нова пошта", Tracking: "20450000004201", State: care.ShipmentInTransit, ShippedAt: w.clock.Now(),
					Checkpoints: []care.ShopCheckpoint{{At: w.clock.Now(), State: care.ShipmentInTransit, Text: "У дорозі"}}}}
			})
			w.pass(4 * 24 * time.Hour)
		}},
		{"her parcel has trouble", phone.TriggerParcel, "order", func(w *installation, shop *peer.Shop) {
			ship := func(state care.ShipmentState) func(o *care.ShopOrder) {
				return func(o *care.ShopOrder) {
					o.Payments[0].State = care.PaymentPaid
					o.Shipments = []care.ShopShipment{{ExternalID: "s", Carrier: "Нова пошта", Tracking: "20450000004201", State: state, ShippedAt: w.clock.Now(),
						Checkpoints: []care.ShopCheckpoint{{At: w.clock.Now(), State: state, Text: "Стан"}}}}
				}
			}
			w.orderOf(shop, "їде", ship(care.ShipmentInTransit))
			w.clock.Move(time.Minute)
			w.orderOf(shop, "їде", ship(care.ShipmentException))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := install(t, db.SQLite, func(c *app.Config) { c.SIPListen = []string{"127.0.0.1:0"} })
			w.rules()
			shop := w.shop()
			w.tell(shop, boots()...)
			c.happens(w, shop)
			owed := w.owes(martas)
			if len(owed.Reasons) == 0 || owed.Reasons[0].Trigger != c.trigger || c.subject != "" && (owed.Reasons[0].SubjectKind != c.subject || owed.Reasons[0].Subject == 0) {
				t.Errorf("%+v", owed)
			}
			if owed.State == "" || owed.Reason == "" {
				t.Errorf("it is in no state: %+v", owed)
			}
		})
	}
}

// connectLine gives the store a trunk that leads nowhere: it rings people, as far as shoppers can tell.
func (w *installation) connectLine() {
	w.t.Helper()
	w.do(http.MethodPost, "/connections", map[string]any{"store_id": w.store, "plug": "sip", "name": "Лінія", "settings": map[string]any{"mode": "ip", "server": "127.0.0.1:9", "keepalive": 0}}, nil)
	w.until("the store has a line", func() bool { return w.app.Trunks.Has(w.store) })
}

// pass lets time go by, hour by hour, so that what is due meanwhile is done.
func (w *installation) pass(d time.Duration) {
	w.t.Helper()
	for ; d > 0; d -= time.Hour {
		w.clock.Move(min(d, time.Hour))
		w.do(http.MethodGet, "/me", nil, nil)
	}
}

// Callers who are lost are rung: who hangs up while he waits, and who calls while the shop is closed.
func TestLostCallersAreOwedACall(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.rules()
	x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин"}, nil)
	olena, taras := x.provider.Subscriber("+380671112233", 650), x.provider.Subscriber("+380671112244", 950)
	hers, err := olena.Call(shopNumber)
	x.must(err)
	x.must(hers.Answered())
	x.until("she waits", func() bool {
		for _, c := range x.live() {
			if c.State == phone.CallWaiting {
				return true
			}
		}
		return false
	})
	x.must(hers.Hangup())
	if c := x.owes("+380671112233"); c.Reasons[0].Trigger != phone.TriggerAbandoned || c.Reasons[0].SubjectKind != "call" {
		t.Errorf("%+v", c)
	}
	x.do(http.MethodPatch, fmt.Sprintf("/stores/%d", x.store), map[string]any{"calendar": map[string]any{"zone": "Europe/Kyiv", "week": map[string]any{"sun": []map[string]string{{"from": "09:00", "to": "10:00"}}}}}, nil)
	his, err := taras.Call(shopNumber)
	x.must(err)
	x.must(his.Answered())
	if _, err := his.Over(); err != nil {
		t.Fatal(err)
	}
	if c := x.owes("+380671112244"); c.Reasons[0].Trigger != phone.TriggerMissed {
		t.Errorf("%+v", c)
	}
}

// A call whose time runs out is never silence: she is written to by SMS, having no talk in writing with the shop.
func TestWhoIsntReachedIsWrittenTo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		gateway := sms.NewGateway(t)
		w.connect("sms_http", "SMS", map[string]any{
			"url": gateway.URL + "/message/send.json", "token": sms.Token, "sender": "SHOP", "to_format": "digits",
			"template": `{"recipients": ["{to}"], "sms": {"sender": "{sender}", "text": "{text}"}}`,
			"id_path":  "response_result.0.message_id", "ok_path": "response_code", "ok_values": "800",
		})
		var c phone.Callback
		w.do(http.MethodPost, "/callbacks", map[string]any{"store_id": w.store, "number": martas, "language": "uk"}, &c)
		w.pass(26 * time.Hour)
		w.until("its time has run out and she is told", func() bool {
			w.do(http.MethodGet, fmt.Sprintf("/callbacks/%d", c.ID), nil, &c)
			return c.State == phone.Expired && c.ToldAt != 0
		})
		w.until("an SMS is there", func() bool { return len(gateway.Sent()) > 0 })
		m := gateway.Sent()
		if len(m) != 1 || m[0].To != strings.TrimPrefix(martas, "+") || !strings.Contains(m[0].Text, "не встигли") {
			t.Errorf("%+v", m)
		}
	})
}
