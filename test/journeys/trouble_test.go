package journeys

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/notify"
	"opeka/internal/peer"
	"opeka/internal/phone"
	"opeka/internal/work"
	"opeka/test/world/sms"
)

// counted is an installation whose customers' letters and short messages the test reads.
type counted struct {
	*installation
	relay   *relay
	gateway *sms.Gateway
	shop    *peer.Shop
	depts   map[string]int64
}

// buyer is one order with its customer.
type buyer struct {
	id    string
	order care.ShopOrder
}

func (b *buyer) email() string { return b.id + "@example.com" }
func (b *buyer) phone() string { return "38050111" + b.id[len(b.id)-4:] }

func countMessages(t *testing.T, w *installation) *counted {
	t.Helper()
	c := &counted{installation: w, relay: startRelay(t), gateway: sms.NewGateway(t), depts: map[string]int64{}}
	w.mailbox(map[string]any{"address": "shop@shop.example", "smtp_host": "127.0.0.1", "smtp_port": c.relay.port, "smtp_safety": "none"})
	w.connect("sms_http", "SMS", map[string]any{
		"url": c.gateway.URL + "/message/send.json", "token": sms.Token, "sender": "SHOP", "to_format": "digits",
		"template": `{"recipients": ["{to}"], "sms": {"sender": "{sender}", "text": "{text}"}}`,
		"id_path":  "response_result.0.message_id", "ok_path": "response_code", "ok_values": "800",
	})
	c.shop = w.shop()
	for _, name := range []string{"Бухгалтерія", "Склад", "Доставка"} {
		var made struct {
			ID int64 `json:"id"`
		}
		w.do(http.MethodPost, "/departments", map[string]any{"store_id": w.store, "name": name}, &made)
		c.depts[name] = made.ID
	}
	return c
}

// rest waits until no work is due at the present time of the clock.
func (w *installation) rest() {
	w.t.Helper()
	w.until("all work is done", func() bool {
		now := w.clock.Now().UnixMicro()
		if n := w.figure(`SELECT count(*) FROM jobs WHERE state = 'dead'`); n > 0 {
			w.t.Fatalf("%d jobs have failed for good", n)
		}
		return w.figure(`SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'ready' AND run_at <= $1`, now) == 0
	})
}

// pass moves the clock and lets happen what comes due.
func (c *counted) pass(d time.Duration) {
	c.t.Helper()
	c.clock.Move(d)
	c.rest()
	if d > 6*time.Hour { // nobody stays signed in over night
		if err := c.office.SignIn(c.t.Context(), email, password); err != nil {
			c.t.Fatal(err)
		}
	}
}

// at moves the clock to the next time that it shows this hour in Kyiv.
func (c *counted) at(hour int) {
	c.t.Helper()
	zone, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		c.t.Fatal(err)
	}
	now := c.clock.Now().In(zone)
	next := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, zone)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	c.pass(next.Sub(now))
}

// dies ends the process and begins another over the same data, the given time later.
func (c *counted) dies(d time.Duration) {
	c.t.Helper()
	c.stop()
	c.clock.Move(d)
	c.node = boot(c.t, c.config, c.clock)
	c.office.URL, c.shop.URL = c.server.URL, c.server.URL
	if err := c.office.SignIn(c.t.Context(), email, password); err != nil {
		c.t.Fatal(err)
	}
}

// buys places an order. Each has a customer of its own.
func (c *counted) buys(n int, change func(o *care.ShopOrder, now time.Time)) *buyer {
	c.t.Helper()
	now := c.clock.Now()
	b := &buyer{id: fmt.Sprintf("b%04d", n)}
	b.order = care.ShopOrder{Number: b.id, RawStatus: "new", Order: care.OrderPlaced, Payment: care.PaymentUnpaid, Fulfilment: care.FulfilmentUnfulfilled, Currency: "UAH", Total: uah(49900), PlacedAt: now,
		Customer: care.CustomerRef{ExternalID: "c" + b.id, Name: "Олена Коваль", Email: b.email(), Phone: "+" + b.phone(), Language: "uk"},
		Lines:    []care.ShopLine{{ExternalID: "1", Variant: "v" + b.id, SKU: "SKU-" + b.id, Name: "Ліхтар", Quantity: 1, Price: uah(49900), Total: uah(49900)}}}
	c.stock(b, 5)
	c.clock.Move(time.Second)
	change(&b.order, now)
	c.tells(b)
	return b
}

// stock says how many pieces of the order's goods the shop can still sell.
func (c *counted) stock(b *buyer, available int64) {
	c.t.Helper()
	c.clock.Move(time.Second)
	c.tell(c.shop, peer.Item{Kind: care.KindProduct, ID: "p" + b.id, Data: care.ShopProduct{Name: "Ліхтар", Variants: []care.ShopVariant{
		{ExternalID: "v" + b.id, SKU: "SKU-" + b.id, Price: uah(49900), Stock: &care.ShopStock{OnHand: max(available, 0), Available: &available}}}}})
	c.rest()
}

func (c *counted) tells(b *buyer) {
	c.t.Helper()
	c.clock.Move(time.Second)
	c.tell(c.shop, peer.Item{Kind: care.KindOrder, ID: b.id, Data: b.order})
	c.rest()
}

// got lists what has reached a customer: the channel with the subject, or the beginning of a short message.
func (c *counted) got(b *buyer) (out []string) {
	c.relay.mu.Lock()
	for i, l := range c.relay.letters {
		if slices.Contains(c.relay.to[i], b.email()) {
			out = append(out, "email: "+l.Subject)
		}
	}
	c.relay.mu.Unlock()
	for _, m := range c.gateway.Sent() {
		if m.To == b.phone() {
			out = append(out, "sms: "+m.Text)
		}
	}
	return out
}

// about counts a customer's messages with these words in them, by channel.
func (c *counted) about(b *buyer, words string) (letters, short int) {
	for _, s := range c.got(b) {
		switch {
		case !strings.Contains(s, words):
		case strings.HasPrefix(s, "email: "):
			letters++
		default:
			short++
		}
	}
	return letters, short
}

const ofOrder = ` order_id = (SELECT id FROM orders WHERE external_id = $1)`

func (c *counted) exceptions(b *buyer, kind care.ExceptionKind, open bool) int64 {
	sql := `SELECT count(*) FROM exceptions WHERE` + ofOrder + ` AND kind = $2`
	if open {
		sql += ` AND closed_at = 0`
	}
	return c.figure(sql, b.id, string(kind))
}

func (c *counted) orderID(b *buyer) int64 {
	return c.figure(`SELECT id FROM orders WHERE external_id = $1`, b.id)
}

// callbacks are the states of the calls that are owed for an order.
func (c *counted) callbacks(b *buyer) (out []phone.Callback) {
	var board struct {
		Items []phone.Callback `json:"items"`
	}
	for _, column := range []string{"", "&column=done"} {
		c.do(http.MethodGet, fmt.Sprintf("/callbacks?store_id=%d&limit=100%s", c.store, column), nil, &board)
		for _, k := range board.Items {
			if slices.ContainsFunc(k.Reasons, func(r phone.CallbackReason) bool { return r.SubjectKind == "order" && r.Title == b.id }) {
				out = append(out, k)
			}
		}
	}
	return out
}

func (c *counted) tasks(b *buyer, over bool) []work.Task {
	var list struct {
		Items []work.Task `json:"items"`
	}
	c.do(http.MethodGet, fmt.Sprintf("/tasks?order_id=%d&over=%v", c.orderID(b), over), nil, &list)
	return list.Items
}

// governs puts a policy in force in which every detector makes work for a department.
func (c *counted) governs() {
	c.t.Helper()
	var in notify.InForce
	path := fmt.Sprintf("/stores/%d/notice-policy", c.store)
	c.do(http.MethodGet, path, nil, &in)
	for i := range in.Policy.Detectors {
		d := &in.Policy.Detectors[i]
		for _, tr := range troubles {
			if tr.kind == d.Kind {
				d.On, d.Work, d.Department = true, tr.work, c.depts[tr.dept]
			}
		}
	}
	for i := range in.Policy.Notices {
		if in.Policy.Notices[i].Moment == string(care.ExceptionNotConfirmed) {
			in.Policy.Notices[i].On = true
		}
	}
	c.do(http.MethodPut, path, map[string]any{"policy": in.Policy, "version": in.Version, "comment": "кожному відділу своє"}, nil)
}

// rings says whether the store rings people about their parcels by a rule of its own, whatever the detectors make of them.
func (c *counted) rings(yes bool) {
	c.t.Helper()
	var set phone.Settings
	at := fmt.Sprintf("/stores/%d/callback-rules", c.store)
	c.do(http.MethodGet, at, nil, &set)
	for i := range set.Rules {
		if set.Rules[i].Trigger == phone.TriggerParcel {
			set.Rules[i].Active = yes
		}
	}
	c.do(http.MethodPut, at, set, nil)
}

// trouble is one way in which an order goes wrong, and how it comes right again.
type trouble struct {
	kind       care.ExceptionKind
	work, dept string
	sms        bool   // else by letter
	words      string // of what the customer is told
	begin      func(o *care.ShopOrder, now time.Time)
	then       func(c *counted, b *buyer) // what happens after the order was taken
	after      time.Duration              // until it is due
	cure       func(c *counted, b *buyer)
}

func paid(o *care.ShopOrder, now time.Time) {
	o.RawStatus, o.Order, o.Payment = "processing", care.OrderProcessing, care.PaymentPaid
	o.Payments = []care.ShopPayment{{ExternalID: "p", Method: "Картка", State: care.PaymentPaid, Amount: o.Total, At: now}}
}

// parcelIs gives the order a parcel, or moves it.
func parcelIs(state care.ShipmentState) func(o *care.ShopOrder, now time.Time) {
	return func(o *care.ShopOrder, now time.Time) {
		if o.Payment != care.PaymentPaid {
			paid(o, now)
		}
		if len(o.Shipments) == 0 {
			o.Shipments = []care.ShopShipment{{ExternalID: "s", Carrier: "Нова пошта", Tracking: "2045" + o.Number}}
		}
		p := o.Shipments[0]
		p.State, p.Checkpoints = state, append(slices.Clone(p.Checkpoints), care.ShopCheckpoint{At: now, State: state})
		o.Shipments, o.Fulfilment = []care.ShopShipment{p}, care.FulfilmentShipped
		if state == care.ShipmentDelivered {
			o.RawStatus, o.Order, o.Fulfilment = "completed", care.OrderCompleted, care.FulfilmentDelivered
		}
	}
}

func becomes(f func(o *care.ShopOrder, now time.Time)) func(c *counted, b *buyer) {
	return func(c *counted, b *buyer) {
		f(&b.order, c.clock.Now())
		c.tells(b)
	}
}

func stocked(n int64) func(c *counted, b *buyer) {
	return func(c *counted, b *buyer) { c.stock(b, n) }
}

func unpaid(o *care.ShopOrder, _ time.Time) {
	o.RawStatus, o.Order = "pending", care.OrderAwaitingPayment
}

var troubles = []trouble{
	{kind: care.ExceptionPaymentMissing, work: care.WorkTask, dept: "Бухгалтерія", words: "чекає на оплату", begin: unpaid, after: 20 * time.Hour, cure: becomes(paid)},
	{kind: care.ExceptionReservationFailed, work: care.WorkCallback, dept: "Склад", sms: true, words: "не виявилося", begin: paid, then: stocked(-1), cure: stocked(2)},
	{kind: care.ExceptionNotConfirmed, work: care.WorkTask, dept: "Доставка", words: "", begin: func(*care.ShopOrder, time.Time) {}, after: 4 * time.Hour, cure: becomes(paid)},
	{kind: care.ExceptionNotShipped, work: care.WorkTask, dept: "Склад", sms: true, words: "", begin: func(o *care.ShopOrder, now time.Time) { paid(o, now); o.PromisedAt = now.Add(50 * time.Hour) }, after: 50 * time.Hour,
		cure: becomes(parcelIs(care.ShipmentInTransit))},
	{kind: care.ExceptionParcelStuck, work: care.WorkTask, dept: "Доставка", sms: true, words: "", begin: parcelIs(care.ShipmentInTransit), after: 3 * 24 * time.Hour, cure: becomes(parcelIs(care.ShipmentAtPickupPoint))},
	{kind: care.ExceptionAttemptFailed, work: care.WorkCallback, dept: "Доставка", sms: true, words: "", begin: parcelIs(care.ShipmentOutForDelivery), then: becomes(parcelIs(care.ShipmentAttemptFailed)), cure: becomes(parcelIs(care.ShipmentDelivered))},
	{kind: care.ExceptionStorageEnding, work: care.WorkCallback, dept: "Доставка", sms: true, words: "", begin: parcelIs(care.ShipmentAtPickupPoint), after: 5 * 24 * time.Hour, cure: becomes(parcelIs(care.ShipmentDelivered))},
	{kind: care.ExceptionRefundOverdue, work: care.WorkTask, dept: "Бухгалтерія", sms: true, words: "", begin: paid, then: becomes(func(o *care.ShopOrder, _ time.Time) {
		o.RawStatus, o.Order = "cancelled", care.OrderCancelled
	}), after: 3 * 24 * time.Hour, cure: becomes(func(o *care.ShopOrder, now time.Time) {
		o.Refunds = []care.ShopRefund{{ExternalID: "r", Amount: o.Total, Settled: true, At: now}}
		o.Payment = care.PaymentRefunded
	})},
}

// Whatever goes wrong with an order: its customer is told first, once, by the right channel; the right department has work, or a call is owed; neither a restart nor a shop that
// says everything twice changes that; and when the cause is gone, so is the work.
func TestTroubleIsToldWorkedOnAndGoesAway(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		c := countMessages(t, w)
		c.governs()
		for i, tr := range troubles {
			c.at(11)
			c.rings(tr.work == care.WorkCallback) // one call for both
			b := c.buys(1001+i, tr.begin)
			if tr.then != nil && tr.after > 0 {
				c.pass(time.Minute)
				tr.then(c, b)
			}
			if tr.after > 0 {
				c.pass(tr.after - time.Hour)
				if n := c.exceptions(b, tr.kind, false); n != 0 {
					t.Fatalf("%s: found before its time", tr.kind)
				}
				c.dies(time.Hour + time.Minute) // it comes due while nothing runs
				c.rest()
			} else {
				c.pass(time.Hour)
				c.dies(time.Minute)
				tr.then(c, b)
			}
			if n := c.exceptions(b, tr.kind, true); n != 1 {
				t.Fatalf("%s: found %d times", tr.kind, n)
			}
			c.toldOnce(tr, b)
			c.worked(tr, b)

			// The shop says it all again, time passes, the program starts anew: nothing more comes of it.
			before := c.got(b)
			b.order.Note = "ще раз"
			c.tells(b)
			c.dies(time.Minute)
			c.pass(2 * time.Hour)
			if now := c.got(b); !slices.Equal(before, now) {
				t.Errorf("%s: she was told more: %v, before %v", tr.kind, now, before)
			}
			if n := c.exceptions(b, tr.kind, false); n != 1 {
				t.Errorf("%s: found %d times", tr.kind, n)
			}
			c.worked(tr, b)

			tr.cure(c, b)
			c.pass(time.Minute)
			if n := c.exceptions(b, tr.kind, true); n != 0 {
				t.Errorf("%s: it is still open", tr.kind)
			}
			c.closed(tr, b)
		}
	})
}

// toldOnce asserts that the customer has heard of it once, by the channel that the policy says, and that the log says why.
func (c *counted) toldOnce(tr trouble, b *buyer) {
	c.t.Helper()
	var log struct {
		Items []notify.Logged `json:"items"`
	}
	c.do(http.MethodGet, fmt.Sprintf("/notices?order_id=%d&moment=%s&outcome=sent", c.orderID(b), tr.kind), nil, &log)
	channel := map[bool]string{true: care.ChannelSMS, false: care.ChannelEmail}[tr.sms]
	if len(log.Items) != 1 || log.Items[0].Channel != channel || log.Items[0].Reason != "moment" {
		c.t.Fatalf("%s: the log says %+v; she got %v", tr.kind, log.Items, c.got(b))
	}
	var body string
	if err := c.app.DB.Read().QueryRow(c.t.Context(), `SELECT s.body FROM notice_sends s WHERE s.notice_id = $1`, log.Items[0].ID).Scan(&body); err != nil {
		c.t.Fatal(err)
	}
	letters, short := c.about(b, tr.words)
	if tr.words != "" && (tr.sms && (letters != 0 || short != 1) || !tr.sms && (letters != 1 || short != 0)) {
		c.t.Errorf("%s: she got %v", tr.kind, c.got(b))
	}
	if tr.sms {
		if _, n := c.about(b, body); n != 1 {
			c.t.Errorf("%s: %q came %d times: %v", tr.kind, body, n, c.got(b))
		}
	}
}

// worked asserts that the right people have the right work, once.
func (c *counted) worked(tr trouble, b *buyer) {
	c.t.Helper()
	tasks, calls := c.tasks(b, false), c.callbacks(b)
	var mine []work.Task
	for _, k := range tasks {
		if k.Kind == string(tr.kind) {
			mine = append(mine, k)
		}
	}
	if tr.work == care.WorkTask {
		if len(mine) != 1 || mine[0].Department != c.depts[tr.dept] || !mine[0].Told || len(calls) != 0 {
			c.t.Errorf("%s: tasks %+v, calls %+v", tr.kind, tasks, calls)
		}
		return
	}
	if len(mine) != 0 || len(calls) != 1 || calls[0].State.Closed() || calls[0].Number != "+"+b.phone() {
		c.t.Errorf("%s: tasks %+v, calls %+v", tr.kind, tasks, calls)
	}
}

// closed asserts that the work has gone with its cause, and says so.
func (c *counted) closed(tr trouble, b *buyer) {
	c.t.Helper()
	if tr.work == care.WorkCallback {
		calls := c.callbacks(b)
		if len(calls) != 1 || calls[0].State != phone.Cancelled || calls[0].Reason != "cause_gone" {
			c.t.Errorf("%s: calls %+v", tr.kind, calls)
		}
		return
	}
	for _, k := range c.tasks(b, true) {
		if k.Kind != string(tr.kind) {
			continue
		}
		var course struct {
			Items []work.TaskNote `json:"items"`
		}
		c.do(http.MethodGet, fmt.Sprintf("/tasks/%d/notes", k.ID), nil, &course)
		if k.State != work.TaskSettled || !slices.ContainsFunc(course.Items, func(n work.TaskNote) bool { return n.Kind == work.NoteSettled }) {
			c.t.Errorf("%s: %+v %+v", tr.kind, k, course.Items)
		}
		return
	}
	c.t.Errorf("%s: its task isn't settled: %+v", tr.kind, c.tasks(b, false))
}

// At night nothing rings; what has come right by the morning isn't told at all.
func TestTroubleAtNightWaitsForTheMorning(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		c := countMessages(t, w)
		c.governs()
		c.at(20)
		stays, passes := c.buys(2001, parcelIs(care.ShipmentOutForDelivery)), c.buys(2002, parcelIs(care.ShipmentOutForDelivery))
		c.at(23)
		fails := becomes(parcelIs(care.ShipmentAttemptFailed))
		heard := [2]int{len(c.got(stays)), len(c.got(passes))}
		fails(c, stays)
		fails(c, passes)
		c.at(6)
		if a, b := len(c.got(stays)), len(c.got(passes)); a != heard[0] || b != heard[1] {
			t.Errorf("it rang at night: %v %v", c.got(stays), c.got(passes))
		}
		for _, b := range []*buyer{stays, passes} {
			if k := c.callbacks(b); len(k) != 1 || k[0].State != phone.Waiting || k[0].Reason != "hours" {
				t.Errorf("at night: %+v", k)
			}
			if n := c.figure(`SELECT count(*) FROM notices WHERE`+ofOrder+` AND moment = 'attempt_failed' AND outcome = 'planned' AND reason = 'quiet_hours'`, b.id); n != 1 {
				t.Errorf("%d notices wait for the morning", n)
			}
		}
		becomes(parcelIs(care.ShipmentDelivered))(c, passes)
		c.at(10)
		told := func(b *buyer) int64 {
			return c.figure(`SELECT count(*) FROM notices WHERE`+ofOrder+` AND moment = 'attempt_failed' AND outcome = 'sent'`, b.id)
		}
		if told(stays) != 1 || told(passes) != 0 {
			t.Errorf("in the morning: %v, and of what has come right: %v", c.got(stays), c.got(passes))
		}
		if n := c.figure(`SELECT count(*) FROM notices WHERE`+ofOrder+` AND moment = 'attempt_failed' AND outcome = 'withheld' AND reason = 'overtaken'`, passes.id); n != 1 {
			t.Errorf("why she wasn't told isn't on record")
		}
		if k := c.callbacks(passes); len(k) != 1 || k[0].State != phone.Cancelled {
			t.Errorf("%+v", k)
		}
		if k := c.callbacks(stays); len(k) != 1 || k[0].State != phone.Due {
			t.Errorf("%+v", k)
		}
	})
}

// Who asked on the order not to be rung isn't, whichever of the store's rules would; a person writes instead. Of orders that are older than the connection nothing is said.
func TestTroubleOfThoseWhoMustNotBeBothered(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		c := countMessages(t, w)
		c.governs()
		c.rings(true)
		c.at(11)
		b := c.buys(3001, func(o *care.ShopOrder, now time.Time) {
			parcelIs(care.ShipmentOutForDelivery)(o, now)
			o.Custom = map[string]string{"Не дзвонити": "так"}
		})
		c.pass(time.Hour)
		becomes(parcelIs(care.ShipmentAttemptFailed))(c, b)
		c.pass(time.Hour)
		if k := c.callbacks(b); len(k) != 0 {
			t.Errorf("she is owed calls: %+v", k)
		}
		if k := c.tasks(b, false); len(k) != 1 || k[0].Kind != "attempt_failed" || k[0].Department != c.depts["Доставка"] {
			t.Errorf("%+v", k)
		}
		if n := c.figure(`SELECT count(*) FROM notices WHERE`+ofOrder+` AND notice_key = 'call.attempt_failed' AND reason = 'do_not_call'`, b.id); n != 1 {
			t.Error("why she isn't rung isn't on record")
		}
		if n := c.figure(`SELECT count(*) FROM notices WHERE`+ofOrder+` AND moment = 'attempt_failed' AND outcome = 'sent'`, b.id); n != 1 {
			t.Errorf("she wasn't told: %v", c.got(b))
		}

		// The shop has had these orders for longer than it is connected.
		for i, begin := range []func(o *care.ShopOrder, now time.Time){
			unpaid,
			func(*care.ShopOrder, time.Time) {},
			func(o *care.ShopOrder, now time.Time) {
				paid(o, now.AddDate(0, 0, -30))
				o.PromisedAt = now.Add(24 * time.Hour)
			},
			func(o *care.ShopOrder, now time.Time) {
				parcelIs(care.ShipmentInTransit)(o, now.AddDate(0, 0, -30))
			},
		} {
			old := c.buys(3101+i, func(o *care.ShopOrder, now time.Time) { begin(o, now); o.PlacedAt = now.AddDate(0, 0, -31) })
			c.pass(4 * 24 * time.Hour)
			old.order.Note = "ще раз"
			c.tells(old)
			c.pass(4 * 24 * time.Hour)
			if n := c.figure(`SELECT count(*) FROM exceptions WHERE`+ofOrder, old.id); n != 0 || len(c.got(old)) != 0 || len(c.tasks(old, false)) != 0 || len(c.callbacks(old)) != 0 {
				t.Errorf("order %d of old: %d exceptions, %v", i, n, c.got(old))
			}
		}
	})
}

// An order with which all is well: these messages and no others, and nobody has any work with it.
func TestAnUndisturbedOrderMakesTheseMessagesAndNoMore(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		c := countMessages(t, w)
		c.at(11)
		b := c.buys(4001, unpaid)
		want := func(what string, n int) {
			t.Helper()
			if got := c.got(b); len(got) != n {
				t.Errorf("%s: %d messages, not %d: %v", what, len(got), n, got)
			}
		}
		c.pass(31 * time.Minute)
		want("placed", 1) // a letter
		c.pass(10 * time.Minute)
		becomes(func(o *care.ShopOrder, now time.Time) {
			paid(o, now)
			o.Order = care.OrderPlaced
			o.RawStatus = "paid"
		})(c, b)
		want("paid", 2) // by SMS
		c.pass(time.Hour)
		becomes(paid)(c, b)
		want("confirmed", 3) // a letter
		for _, step := range []struct {
			state care.ShipmentState
			n     int
		}{{care.ShipmentCreated, 3}, {care.ShipmentHandedOver, 5}, {care.ShipmentInTransit, 5}, {care.ShipmentInTransit, 5}, {care.ShipmentAtPickupPoint, 7}, {care.ShipmentDelivered, 8}} {
			c.pass(3 * time.Hour)
			becomes(parcelIs(step.state))(c, b)
			c.tells(b) // the shop says everything twice
			want(string(step.state), step.n)
			c.at(11)
			want(string(step.state)+" the day after", step.n)
		}
		c.pass(60 * 24 * time.Hour)
		want("two months later", 8)
		letters, short := c.about(b, "")
		if letters != 5 || short != 3 {
			t.Errorf("%d letters and %d short messages: %v", letters, short, c.got(b))
		}
		if n := c.figure(`SELECT (SELECT count(*) FROM exceptions) + (SELECT count(*) FROM tasks) + (SELECT count(*) FROM callbacks)`); n != 0 {
			t.Errorf("somebody has work with it: %d", n)
		}
	})
}
