package notify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"opeka/internal/care"
)

// claims is what each notice says, written down a second time and in other words than the room's own: the stages and parcels' states in
// which it isn't contradicted.
var claims = map[string]struct {
	stages, parcels []string
	goods           string // a state that some electronic piece is in, of an order that is paid for
}{
	"accepted":           {stages: []string{"placed", "awaiting_payment", "paid", "processing", "on_hold", "packed"}},
	"payment_received":   {stages: []string{"placed", "awaiting_payment", "paid", "processing", "on_hold", "packed"}},
	"payment_failed":     {stages: []string{"placed", "awaiting_payment", "processing", "on_hold", "packed"}},
	"confirmed":          {stages: []string{"processing"}},
	"packed":             {stages: []string{"packed"}},
	"handed_over":        {parcels: []string{"handed_over", "in_transit"}},
	"out_for_delivery":   {parcels: []string{"out_for_delivery"}},
	"at_pickup_point":    {parcels: []string{"at_pickup_point"}},
	"arrived_early":      {parcels: []string{"at_pickup_point"}},
	"delivered":          {parcels: []string{"delivered"}},
	"review":             {stages: []string{"delivered"}},
	"cancelled":          {stages: []string{"cancelled"}},
	"returning":          {parcels: []string{"returning"}},
	"payment_missing":    {stages: []string{"awaiting_payment"}},
	"reservation_failed": {stages: []string{"placed", "awaiting_payment", "paid", "processing", "on_hold"}},
	"not_confirmed":      {stages: []string{"placed", "paid"}},
	"not_shipped":        {stages: []string{"placed", "paid", "processing", "packed"}},
	"parcel_stuck":       {parcels: []string{"handed_over", "in_transit", "out_for_delivery"}},
	"attempt_failed":     {parcels: []string{"attempt_failed"}},
	"parcel_trouble":     {parcels: []string{"exception"}},
	"storage_ending":     {parcels: []string{"at_pickup_point"}},
	"goods_ready":        {goods: "delivered"},
	"goods_missing":      {goods: "short"},
}

// life makes up a history as shops tell them: states that jump, go back and come several at once, events that are repeated, out of order, or
// about something else; and changes of what the customer allows. now is the state that the play has come to.
func life(r *rand.Rand, f StoreFacts, now *State) Script {
	sc, _ := caseScript("pickup", f, languages[r.IntN(4)], time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC))
	sc.Steps = nil
	sc.Until = time.Duration(r.IntN(20*24)) * time.Hour
	start := sc.State.Order.PlacedAt.Add(time.Duration(r.IntN(24*60)) * time.Minute)
	sc.State.Order.PlacedAt = start
	if r.IntN(3) == 0 {
		sc.State.Order.PromisedAt = start.Add(time.Duration(r.IntN(120)) * time.Hour)
	}
	if r.IntN(4) == 0 {
		sc.Lost = []string{care.ChannelViber}
	}
	if r.IntN(6) == 0 {
		sc.Fails = []string{care.ChannelViber}
	}
	if r.IntN(5) == 0 {
		sc.State.Reach[written[r.IntN(len(written))]] = Reach{Why: "opted_out"}
	}
	all := append(slices.Clone(eventsOf()), exceptionEvent(care.ExceptionParcelStuck))
	parcels := []care.ShipmentState{care.ShipmentCreated, care.ShipmentHandedOver, care.ShipmentInTransit, care.ShipmentOutForDelivery, care.ShipmentAtPickupPoint, care.ShipmentDelivered, care.ShipmentAttemptFailed, care.ShipmentException, care.ShipmentReturning, care.ShipmentReturned}
	orders := []care.OrderState{care.OrderPlaced, care.OrderAwaitingPayment, care.OrderProcessing, care.OrderConfirmed, care.OrderOnHold, care.OrderCompleted, care.OrderCancelled, care.OrderUnknown, care.OrderDraft}
	payments := []care.PaymentState{care.PaymentUnpaid, care.PaymentPending, care.PaymentPaid, care.PaymentFailed, care.PaymentRefunded, care.PaymentPartiallyPaid}
	stocks := []Reservation{ReservationHeld, ReservationHeld, ReservationShort, ReservationWaiting, ReservationUnknown}
	pieces := []string{goodsDelivered, goodsDelivered, goodsShort, "waiting", goodsFailed, "withdrawn"}
	sc.State.Goods.All = r.IntN(4) == 0
	if r.IntN(6) == 0 { // the shop had the order before it was connected
		sc.State.Store.ConnectedAt = start.Add(time.Duration(1+r.IntN(30)) * time.Hour)
	}
	at := start
	for range 1 + r.IntN(12) {
		if r.IntN(3) > 0 {
			at = at.Add(time.Duration(r.IntN(40*60)) * time.Minute)
		}
		when := at
		order, payment, parcel, stock := orders[r.IntN(len(orders))], payments[r.IntN(len(payments))], parcels[r.IntN(len(parcels))], stocks[r.IntN(len(stocks))]
		which, part, gone := r.IntN(7), fmt.Sprint("s", 1+r.IntN(2)), r.IntN(40) == 0
		goods, batch, owed := pieces[r.IntN(len(pieces))], fmt.Sprint("b", 1+r.IntN(3)), r.IntN(3)
		opted := r.IntN(15) == 0
		step := ScriptStep{At: when, Change: func(s *State) {
			s.Order.ChangedAt = when
			switch which {
			case 0:
				s.Order.State = string(order)
			case 1:
				s.Order.PaymentAs, s.Payment.State = string(payment), string(payment)
				s.Payment.Prepaid = payment == care.PaymentPaid || payment == care.PaymentPartiallyPaid
				s.Payment.At, s.Payment.MinutesAfterOrder = when, int(when.Sub(s.Order.PlacedAt).Minutes())
				s.Payment.Received, s.Payment.Paid = s.Order.Money, s.Order.Total
			case 2, 3:
				p := ShipmentFacts{ID: part, State: string(parcel), MovedAt: when}
				if parcel == care.ShipmentAtPickupPoint {
					p.ArrivedAt, p.Early = when, !s.Order.PromisedAt.IsZero() && s.Order.PromisedAt.Sub(when) > 24*time.Hour
				}
				s.Shipments = append(slices.DeleteFunc(slices.Clone(s.Shipments), func(o ShipmentFacts) bool { return o.ID == part }), p)
				s.Shipment = p
			case 4:
				s.Stock = StockFacts{Reservation: stock, Held: stock == ReservationHeld}
			case 5: // electronic goods are given, run out, are taken back, are sent again
				i := GoodsItem{Name: "Key", State: goods, At: when}
				if goods == goodsDelivered {
					i.Batch, i.Key = batch, "••••"
				}
				s.Goods.Items, s.Goods.Missing = []GoodsItem{i}, goods == goodsShort || goods == goodsFailed
			case 6: // money is owed, given back, or nothing of the kind
				s.Refunds = nil
				if owed > 0 {
					s.Refunds = []RefundFacts{{ID: "r1", State: []string{"pending", "settled"}[owed-1], At: when, Money: s.Order.Money}}
				}
			}
			s.Order.Deleted = gone
			if opted {
				reach := map[string]Reach{}
				for k, v := range s.Reach {
					reach[k] = v
				}
				reach[care.ChannelViber], reach[care.ChannelSMS] = Reach{Why: "opted_out"}, Reach{Why: "opted_out"}
				s.Reach = reach
			}
			s.restage()
			*now = *s
		}}
		for range 1 + r.IntN(4) { // what the shop says happened, or repeats, or gets wrong
			t := Trigger{Event: all[r.IntN(len(all))]}
			if r.IntN(2) == 0 {
				t.Part = part
			}
			step.Events = append(step.Events, t)
			if r.IntN(3) == 0 {
				step.Events = append(step.Events, t)
			}
		}
		sc.Steps = append(sc.Steps, step)
	}
	*now = sc.State
	return sc
}

func eventsOf() []string { return Events }

// Whatever a shop tells in whatever order: nobody hears a thing twice, or what isn't so at that moment, or rings in quiet hours, or at an
// address that doesn't want it.
func TestNobodyIsToldTwiceOrWronglyOrAtNight(t *testing.T) {
	f := kyiv(t)
	p := DefaultPolicy()
	for i := range p.Notices {
		p.Notices[i].On = true // those that ship switched off are held to the same
	}
	c, err := Compile(p, 0, f.Zone)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 7))
		var now State
		sc := life(r, f, &now)
		type saying struct{ moment, stage, parcels string }
		var said []saying
		entries := Simulate(sc, c, func(moment, lang string) Template {
			s := saying{moment: moment, stage: now.Order.Stage}
			for _, q := range now.Shipments {
				s.parcels += " " + q.State
			}
			if now.Stock.Reservation == ReservationShort && (moment == "accepted" || moment == "confirmed") {
				t.Errorf("seed %d: %s promises what isn't there", seed, moment)
			}
			said = append(said, s)
			claim, known := claims[moment]
			fits := !known || claim.stages != nil && slices.Contains(claim.stages, s.stage)
			for _, q := range now.Shipments {
				fits = fits || slices.Contains(claim.parcels, q.State)
			}
			if claim.goods != "" {
				paid := slices.Contains([]string{"paid", "partially_refunded"}, now.Order.PaymentAs)
				fits = paid && !slices.Contains([]string{"cancelled", "failed", "refunded", "returned", "draft"}, s.stage) && slices.ContainsFunc(now.Goods.Items, func(i GoodsItem) bool {
					return i.State == claim.goods || claim.goods == "short" && i.State == "failed"
				})
			}
			if now.Goods.All && (moment == "confirmed" || moment == "not_shipped") {
				t.Errorf("seed %d: %s of an order that goes by no parcel", seed, moment)
			}
			if k := care.ExceptionKind(moment); causes[k].placing && now.Order.PlacedAt.Before(now.Store.ConnectedAt) {
				t.Errorf("seed %d: %s of an order that is older than the connection", seed, moment)
			}
			if !fits || now.Order.Deleted || claim.parcels != nil && slices.Contains([]string{"cancelled", "failed", "refunded", "draft"}, s.stage) {
				t.Errorf("seed %d: %s was told in stage %s, parcels%s", seed, moment, s.stage, s.parcels)
			}
			return Template{Subject: "s", Body: "b", Short: "s"}
		})
		arrived := map[string]int{}
		byChannel := map[string]int{}
		for _, e := range entries {
			if e.Kind != "sent" {
				continue
			}
			told++
			if h := e.At.In(f.Zone).Hour(); c.rings(e.Channel) && (h >= 21 || h < 9) {
				t.Errorf("seed %d: %s rings by %s at %s", seed, e.Notice, e.Channel, e.At.In(f.Zone))
			}
			if sc.State.Reach[e.Channel].Why != "" {
				t.Errorf("seed %d: %s was sent by %s, which is %s", seed, e.Notice, e.Channel, sc.State.Reach[e.Channel].Why)
			}
			if e.Arrived {
				arrived[e.Notice+"/"+e.Part]++
			}
			byChannel[e.Moment+"/"+e.Part+"/"+e.Channel]++
		}
		for _, m := range []map[string]int{arrived, byChannel} {
			for what, n := range m {
				if n > 1 {
					t.Errorf("seed %d: %s was told %d times", seed, what, n)
				}
			}
		}
	}
	if told < 4000 {
		t.Errorf("only %d notices were told: the histories are too dull to prove anything", told)
	}
}

// At an address that was given up on the way nothing arrives any more, whatever was planned before.
func TestOptingOutHoldsForWhatIsPlanned(t *testing.T) {
	f := kyiv(t)
	c, err := Compile(DefaultPolicy(), 0, f.Zone)
	if err != nil {
		t.Fatal(err)
	}
	sc, _ := caseScript("night", f, "uk", time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC))
	out := sc.State.Order.PlacedAt.Add(2 * time.Hour)
	sc.Steps = append(sc.Steps, ScriptStep{At: out, Change: func(s *State) {
		s.Reach = map[string]Reach{care.ChannelEmail: {Address: "anna@example.com"}, care.ChannelViber: {Why: "opted_out"}, care.ChannelSMS: {Why: "opted_out"}}
	}})
	for _, e := range Simulate(sc, c, Shipped) {
		if e.Kind == "sent" && e.At.After(out) && e.Channel != care.ChannelEmail {
			t.Errorf("%s by %s at %s", e.Notice, e.Channel, e.At)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	f := kyiv(b)
	p := DefaultPolicy()
	for i := range p.Notices {
		p.Notices[i].When = `order.total > 100 && customer.orders < 1000 && shipment.state != "unknown"`
	}
	c, err := Compile(p, 0, f.Zone)
	if err != nil {
		b.Fatal(err)
	}
	sc, _ := caseScript("pickup", f, "uk", time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC))
	s := sc.State
	s.restage()
	s.Trigger = Trigger{Event: care.EventOrderCreated}
	for b.Loop() {
		if plan := Decide(&s, c, s.Order.PlacedAt.Add(time.Minute)); len(plan.Sends) != 1 {
			b.Fatal(plan)
		}
	}
}
