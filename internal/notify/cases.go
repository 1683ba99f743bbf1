package notify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/db"
)

// A play case is a customer's story, made up to see what a policy makes of it.
type playCase struct {
	key   string
	build func(b *story)
}

// story writes down a case: moments go by hours after the order.
type story struct {
	Script
	start time.Time
	key   string // what electronic goods are called
}

// Cases lists what can be bought from oneself.
func Cases() []string {
	out := make([]string, len(cases))
	for i := range cases {
		out[i] = cases[i].key
	}
	return out
}

var cases = []playCase{
	{"pickup", func(b *story) { b.placed(); b.paid(3); b.confirmed(5); b.packed(20); b.parcels(24, 30, 52, 70) }},
	{"courier", func(b *story) {
		b.State.Order.PayMethod, b.State.Order.Pickup = "cod", false
		b.placed()
		b.confirmed(2)
		b.parcel(22, care.ShipmentHandedOver)
		b.parcel(30, care.ShipmentInTransit)
		b.parcel(46, care.ShipmentOutForDelivery)
		b.parcel(51, care.ShipmentDelivered)
	}},
	{"paid_at_once", func(b *story) {
		b.State.Payment = b.payment(0)
		b.State.Order.PaymentAs = string(care.PaymentPaid)
		b.step(0, func(s *State) { s.Order.State = string(care.OrderPlaced); s.restage() }, care.EventOrderCreated, care.EventPaymentCaptured)
		b.confirmed(2)
		b.parcels(22, 30, 46, 60)
	}},
	{"unpaid", func(b *story) {
		b.State.Order.State = string(care.OrderAwaitingPayment)
		b.step(0, (*State).restage, care.EventOrderCreated)
		b.step(96, func(s *State) { s.end(care.OrderCancelled) }, care.EventOrderStatusChanged, care.EventOrderCancelled)
	}},
	{"out_of_stock", func(b *story) {
		b.State.Stock = StockFacts{Reservation: ReservationShort, Missing: []string{b.State.Order.Lines[0].Name}}
		b.placed()
		b.step(6, func(s *State) { s.Stock = StockFacts{Reservation: ReservationHeld, Held: true} }, care.EventOrderUpdated)
		b.confirmed(7)
		b.parcels(24, 30, 52, 70)
	}},
	{"waiting_stock", func(b *story) {
		b.State.Stock = StockFacts{Reservation: ReservationWaiting}
		b.placed()
		b.step(0.1, func(s *State) { s.Stock = StockFacts{Reservation: ReservationHeld, Held: true} })
		b.confirmed(3)
		b.parcels(24, 30, 52, 70)
	}},
	{"late_parcel", func(b *story) {
		b.placed()
		b.paid(1)
		b.confirmed(2)
		b.parcel(24, care.ShipmentHandedOver)
		b.parcel(30, care.ShipmentInTransit)
		b.parcel(130, care.ShipmentInTransit)
		b.parcel(150, care.ShipmentAtPickupPoint)
		b.parcel(170, care.ShipmentDelivered)
	}},
	{"not_shipped", func(b *story) {
		b.State.Order.PromisedAt = b.start.Add(48 * time.Hour)
		b.placed()
		b.paid(1)
		b.confirmed(2)
		b.parcels(76, 80, 100, 120)
	}},
	{"attempt_failed", func(b *story) {
		b.State.Order.Pickup = false
		b.placed()
		b.paid(1)
		b.confirmed(2)
		b.parcel(22, care.ShipmentHandedOver)
		b.parcel(46, care.ShipmentOutForDelivery)
		b.parcel(52, care.ShipmentAttemptFailed)
		b.parcel(70, care.ShipmentOutForDelivery)
		b.parcel(75, care.ShipmentDelivered)
	}},
	{"not_fetched", func(b *story) {
		b.placed()
		b.confirmed(2)
		b.parcels(22, 30, 46)
		b.parcel(46+7*24+2, care.ShipmentReturning)
	}},
	{"early", func(b *story) {
		b.State.Order.PromisedAt = b.start.Add(6 * 24 * time.Hour)
		b.placed()
		b.paid(1)
		b.confirmed(2)
		b.parcels(20, 24, 46, 60)
	}},
	{"cancelled", func(b *story) {
		b.placed()
		b.paid(1)
		b.step(8, func(s *State) { s.end(care.OrderCancelled) }, care.EventOrderStatusChanged, care.EventOrderCancelled)
		b.refund(30, "settled")
	}},
	{"refund", func(b *story) {
		b.placed()
		b.paid(1)
		b.confirmed(2)
		b.parcels(22, 30, 46, 60)
		b.giveBack(120, care.ReturnApproved, care.EventReturnApproved)
		b.giveBack(190, care.ReturnReceived, care.EventReturnReceived)
		b.refund(200, "settled")
	}},
	{"refund_late", func(b *story) {
		b.placed()
		b.paid(1)
		b.step(8, func(s *State) { s.end(care.OrderCancelled) }, care.EventOrderStatusChanged, care.EventOrderCancelled)
	}},
	{"do_not_call", func(b *story) {
		b.State.Customer.DoNotCall = true
		b.State.Stock = StockFacts{Reservation: ReservationShort, Missing: []string{b.State.Order.Lines[0].Name}}
		b.placed()
		b.step(20, func(s *State) { s.end(care.OrderCancelled) }, care.EventOrderStatusChanged, care.EventOrderCancelled)
	}},
	{"night", func(b *story) {
		b.start = b.start.Add(13 * time.Hour)
		b.State.Order.PlacedAt = b.start
		b.placed()
		b.paid(0.2)
		b.confirmed(10)
		b.parcel(22, care.ShipmentHandedOver)
		b.parcel(24.5, care.ShipmentAtPickupPoint)
		b.parcel(44, care.ShipmentDelivered)
	}},
	{"several_orders", func(b *story) {
		// The other orders of the day have told much already.
		var times []time.Time
		for i := range 5 {
			times = append(times, b.start.Add(time.Duration(20+i)*time.Hour))
		}
		b.State.Recent = map[string][]time.Time{care.ChannelViber: times}
		b.State.Customer.Orders, b.State.Customer.OpenOrders = 4, 3
		b.placed()
		b.confirmed(2)
		b.parcels(24, 25, 26, 40)
	}},
	{"opted_out", func(b *story) {
		for _, c := range []string{care.ChannelSMS, care.ChannelViber} {
			b.State.Reach[c] = Reach{Why: "opted_out"}
		}
		b.placed()
		b.paid(1)
		b.confirmed(2)
		b.parcels(22, 30, 46, 60)
	}},
	{"lost_messenger", func(b *story) {
		b.Lost = []string{care.ChannelViber}
		b.placed()
		b.confirmed(2)
		b.parcels(22, 30, 46, 60)
	}},
	{"electronic", func(b *story) {
		b.electronic()
		b.placed()
		b.paid(0.2)
		b.step(0.2, func(s *State) { s.gives(goodsDelivered, b.start.Add(12*time.Minute)) }, care.EventGoodsDelivered)
	}},
	{"electronic_short", func(b *story) {
		b.electronic()
		b.placed()
		b.paid(0.2)
		b.step(0.2, func(s *State) { s.gives(goodsShort, b.start.Add(12*time.Minute)) }, care.EventGoodsShort)
		b.step(5, func(s *State) { s.gives(goodsDelivered, b.start.Add(5*time.Hour)) }, care.EventGoodsDelivered)
	}},
	{"coalesced", func(b *story) {
		b.step(0, func(s *State) {
			s.Payment, s.Order.PaymentAs = b.payment(0), string(care.PaymentPaid)
			s.Order.State = string(care.OrderProcessing)
			s.move(b.start, care.ShipmentAtPickupPoint)
		}, care.EventOrderCreated, care.EventPaymentCaptured, care.EventShipmentCreated, care.EventShipmentStatusChanged, care.EventShipmentAtPickupPoint)
		b.parcel(20, care.ShipmentDelivered)
	}},
}

// electronic makes the story's order one of a key alone.
func (b *story) electronic() {
	name := b.key
	b.State.Order.Lines = []LineFacts{{Name: name, SKU: "GIFT-1", Quantity: 1, Total: b.State.Order.Money, Electronic: true}}
	b.State.Order.Items, b.State.Order.Pickup, b.State.Goods.All = 1, false, true
	b.State.Goods.Link = "https://example.com/g/sample"
}

// gives says what has become of the story's key.
func (s *State) gives(state string, at time.Time) {
	i := GoodsItem{Name: s.Order.Lines[0].Name, State: state, At: at}
	s.Goods.Count, s.Goods.Missing = 0, state != goodsDelivered
	if state == goodsDelivered {
		i.Batch, i.Key, s.Goods.Count = "1", "••••-7F2K", 1
	}
	s.Goods.Items = []GoodsItem{i}
}

// restage derives the stage from the axes, as the mirror does.
func (s *State) restage() {
	shipment := ""
	if len(s.Shipments) > 0 {
		shipment = s.Shipments[len(s.Shipments)-1].State
	}
	s.Order.Stage = string(care.StageOf(care.OrderState(s.Order.State), care.PaymentState(s.Order.PaymentAs), care.FulfilmentState(s.Order.Fulfilment), care.ShipmentState(shipment)))
	switch care.Stage(s.Order.Stage) {
	case care.StageDelivered, care.StageCompleted, care.StageReturning, care.StageReturned:
		s.Payment.Prepaid = false
	}
}

func (s *State) end(o care.OrderState) {
	s.Order.State = string(o)
	s.restage()
}

// move takes the one parcel of the story to a state.
func (s *State) move(at time.Time, state care.ShipmentState) {
	p := s.Shipment
	p.State, p.MovedAt = string(state), at
	if state == care.ShipmentAtPickupPoint {
		p.ArrivedAt, p.KeptUntil = at, at.AddDate(0, 0, 7)
		p.Early = !s.Order.PromisedAt.IsZero() && s.Order.PromisedAt.Sub(at) >= 24*time.Hour
	}
	s.Shipment, s.Shipments = p, []ShipmentFacts{p}
	s.Order.Fulfilment = string(care.FulfilmentShipped)
	if state == care.ShipmentDelivered {
		s.Order.Fulfilment = string(care.FulfilmentDelivered)
	}
	s.restage()
}

func (b *story) step(hours float64, change func(*State), events ...string) {
	at := b.start.Add(time.Duration(hours * float64(time.Hour)))
	st := ScriptStep{At: at, Change: func(s *State) { s.Order.ChangedAt = at; change(s) }}
	for _, e := range events {
		part := ""
		switch e {
		case care.EventShipmentCreated, care.EventShipmentStatusChanged, care.EventShipmentAtPickupPoint, care.EventShipmentDelivered, care.EventShipmentReturning, care.EventShipmentException:
			part = "s1"
		case care.EventRefundSettled, care.EventRefundCreated, care.EventReturnApproved, care.EventReturnReceived:
			part = "r1"
		}
		st.Events = append(st.Events, Trigger{Event: e, Part: part})
	}
	b.Steps = append(b.Steps, st)
}

func (b *story) placed() { b.step(0, (*State).restage, care.EventOrderCreated) }

func (b *story) payment(hours float64) PaymentFacts {
	m := b.State.Order.Money
	return PaymentFacts{State: string(care.PaymentPaid), Prepaid: true, Received: m, Paid: whole(m), At: b.start.Add(time.Duration(hours * float64(time.Hour))), MinutesAfterOrder: int(hours * 60)}
}

func (b *story) paid(hours float64) {
	b.step(hours, func(s *State) {
		s.Payment, s.Order.PaymentAs = b.payment(hours), string(care.PaymentPaid)
		s.restage()
	}, care.EventPaymentCaptured)
}

func (b *story) confirmed(hours float64) {
	b.step(hours, func(s *State) { s.Order.State = string(care.OrderProcessing); s.restage() }, care.EventOrderStatusChanged)
}

func (b *story) packed(hours float64) {
	b.step(hours, func(s *State) { s.Order.Fulfilment = string(care.FulfilmentPacked); s.restage() }, care.EventOrderStatusChanged)
}

func (b *story) parcel(hours float64, state care.ShipmentState) {
	at := b.start.Add(time.Duration(hours * float64(time.Hour)))
	events := []string{care.EventShipmentStatusChanged}
	switch state {
	case care.ShipmentAtPickupPoint:
		events = append(events, care.EventShipmentAtPickupPoint)
	case care.ShipmentDelivered:
		events = append(events, care.EventShipmentDelivered)
	case care.ShipmentReturning:
		events = append(events, care.EventShipmentReturning)
	case care.ShipmentAttemptFailed, care.ShipmentException:
		events = append(events, care.EventShipmentException)
	}
	b.step(hours, func(s *State) { s.move(at, state) }, events...)
}

// parcels is a parcel's way to a pickup point: handed over, under way, there, and fetched.
func (b *story) parcels(hours ...float64) {
	for i, state := range []care.ShipmentState{care.ShipmentHandedOver, care.ShipmentInTransit, care.ShipmentAtPickupPoint, care.ShipmentDelivered} {
		if i < len(hours) {
			b.parcel(hours[i], state)
		}
	}
}

func (b *story) giveBack(hours float64, state care.ReturnState, event string) {
	at := b.start.Add(time.Duration(hours * float64(time.Hour)))
	b.step(hours, func(s *State) { s.Returns = []ReturnFacts{{ID: "r1", State: string(state), At: at}} }, event)
}

func (b *story) refund(hours float64, state string) {
	at := b.start.Add(time.Duration(hours * float64(time.Hour)))
	b.step(hours, func(s *State) {
		r := RefundFacts{ID: "r1", State: state, Amount: s.Order.Total, Money: s.Order.Money, At: at, Whole: true}
		s.Refund, s.Refunds = r, []RefundFacts{r}
		s.Order.PaymentAs = string(care.PaymentRefunded)
		if s.Order.State != string(care.OrderCancelled) {
			s.restage()
		}
	}, care.EventRefundCreated, care.EventRefundSettled)
}

// caseScript makes a case, begun at ten in the morning of the store's next Monday.
func caseScript(key string, f StoreFacts, lang string, now time.Time) (Script, bool) {
	i := slices.IndexFunc(cases, func(c playCase) bool { return c.key == key })
	if i < 0 {
		return Script{}, false
	}
	local := now.In(f.Zone)
	start := time.Date(local.Year(), local.Month(), local.Day()+(8-int(local.Weekday()))%7, 10, 0, 0, 0, f.Zone)
	v := Sample(lang)
	facts := v.Facts
	facts.Refund, facts.Refunds, facts.Shipments = RefundFacts{}, nil, nil
	facts.Payment = PaymentFacts{State: string(care.PaymentUnpaid), Received: care.Money{Currency: facts.Order.Currency}}
	facts.Stock.Missing, facts.Goods = nil, GoodsFacts{}
	facts.Order.State, facts.Order.PaymentAs, facts.Order.Fulfilment = string(care.OrderPlaced), string(care.PaymentUnpaid), string(care.FulfilmentUnfulfilled)
	facts.Order.PlacedAt, facts.Order.ChangedAt, facts.Order.PromisedAt, facts.Order.Pickup = start, start, time.Time{}, true
	facts.Shipment.Early, facts.Shipment.ArrivedAt, facts.Shipment.KeptUntil = false, time.Time{}, time.Time{}
	facts.Shipment.ETA = start.AddDate(0, 0, 3)
	facts.Customer.Orders, facts.Customer.OpenOrders = 1, 1
	b := &story{start: start, key: v.Facts.Goods.Items[0].Name}
	b.Until = 21 * 24 * time.Hour
	b.State = State{Facts: facts, Store: f, Reach: map[string]Reach{
		care.ChannelEmail: {Address: "anna@example.com"}, care.ChannelSMS: {Address: "+380671234567", Reports: true}, care.ChannelViber: {Address: "+380671234567", Reports: true},
		care.ChannelTelegram: {Why: "no_address"}, care.ChannelWhatsApp: {Why: "window_closed"}, care.ChannelMessenger: {Why: "not_connected"},
	}}
	cases[i].build(b)
	return b.Script, true
}

// PlayInput says what to play: a case, or a real order by its number; and against which policies. Without one it is the policy in force.
type PlayInput struct {
	Case     string  `json:"case,omitempty" maxLength:"40"`
	Order    string  `json:"order_number,omitempty" maxLength:"100"`
	Language string  `json:"language,omitempty" enum:"en,uk,ru,pl"`
	Policy   *Policy `json:"policy,omitempty"`
	Version  *int64  `json:"version,omitempty" doc:"A kept version instead; 0: the policy that ships"`
	// Against is a second policy, to be compared.
	Against        *Policy `json:"against,omitempty"`
	AgainstVersion *int64  `json:"against_version,omitempty"`
}

// Played is what the policies make of it.
type Played struct {
	Entries []Entry `json:"entries"`
	Against []Entry `json:"against,omitempty"`
}

// Play shows what a customer would get: "buy from yourself".
func (n *Notify) Play(ctx context.Context, s care.Scope, store int64, in PlayInput) (out Played, err error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return out, err
	}
	facts, err := n.storeFacts(ctx, store)
	if err != nil {
		return out, err
	}
	var script Script
	if in.Order != "" {
		if err := s.Check(store, care.PermCommerceRead); err != nil {
			return out, err
		}
		if script, err = n.orderScript(ctx, store, in.Order); err != nil {
			return out, err
		}
	} else {
		var ok bool
		if script, ok = caseScript(cmp.Or(in.Case, "pickup"), facts, cmp.Or(in.Language, facts.Language), n.db.Now()); !ok {
			return out, care.Invalid("case", "case_unknown")
		}
	}
	words := func(moment, lang string) Template {
		t, err := n.Words(ctx, n.db.Read(), store, moment, lang)
		if err != nil {
			return Shipped(moment, lang)
		}
		return t
	}
	play := func(p *Policy, version *int64) ([]Entry, error) {
		c, err := n.chosen(ctx, store, facts.Zone, p, version)
		if err != nil {
			return nil, err
		}
		return Simulate(script, c, words), nil
	}
	if out.Entries, err = play(in.Policy, in.Version); err != nil {
		return out, err
	}
	if in.Against != nil || in.AgainstVersion != nil {
		out.Against, err = play(in.Against, in.AgainstVersion)
	}
	return out, err
}

func (n *Notify) chosen(ctx context.Context, store int64, zone *time.Location, p *Policy, version *int64) (*Compiled, error) {
	switch {
	case p != nil:
		return Compile(*p, 0, zone)
	case version == nil:
		return n.policy(ctx, n.db.Read(), store, zone)
	case *version == 0:
		return Compile(DefaultPolicy(), 0, zone)
	}
	kept, err := readPolicy(ctx, n.db.Read(), store, *version)
	if err != nil {
		return nil, err
	}
	return Compile(kept, *version, zone)
}

// orderScript plays a real order again, at the shop's own times.
func (n *Notify) orderScript(ctx context.Context, store int64, number string) (Script, error) {
	id, err := n.orderByNumber(ctx, store, number)
	if err != nil {
		return Script{}, err
	}
	q := n.db.Read()
	l, err := n.load(ctx, q, id, n.db.Now())
	if err != nil {
		return Script{}, err
	}
	final := l.State
	begin := final
	begin.Told, begin.Recent = map[string]Told{}, map[string][]time.Time{}
	begin.Shipments, begin.Refunds, begin.Returns, begin.Shipment = nil, nil, nil, ShipmentFacts{}
	begin.Payment = PaymentFacts{State: string(care.PaymentUnpaid), Received: care.Money{Currency: final.Order.Currency}}
	begin.Order.PaymentAs, begin.Order.Fulfilment, begin.Order.State = string(care.PaymentUnpaid), string(care.FulfilmentUnfulfilled), string(care.OrderPlaced)
	if final.Order.State == string(care.OrderAwaitingPayment) {
		begin.Order.State = final.Order.State
	}
	sc := Script{State: begin, Until: 14 * 24 * time.Hour}
	add := func(at time.Time, change func(*State), events ...Trigger) {
		if at.IsZero() {
			at = final.Order.ChangedAt
		}
		sc.Steps = append(sc.Steps, ScriptStep{At: at, Events: events, Change: func(s *State) { s.Order.ChangedAt = at; change(s); s.restage() }})
	}
	add(final.Order.PlacedAt, func(*State) {}, Trigger{Event: care.EventOrderCreated})
	if final.Payment.Paid > 0 {
		add(final.Payment.At, func(s *State) {
			s.Payment, s.Order.PaymentAs = final.Payment, string(care.PaymentPaid)
			s.Payment.Prepaid = true
		}, Trigger{Event: care.EventPaymentCaptured})
	}
	for _, p := range final.Shipments {
		if err := n.parcelSteps(ctx, q, id, p, add); err != nil {
			return sc, err
		}
	}
	for _, r := range final.Returns {
		add(r.At, func(s *State) { s.Returns = append(slices.Clone(s.Returns), r) }, Trigger{Event: "return." + r.State, Part: r.ID})
	}
	for _, r := range final.Refunds {
		add(r.At, func(s *State) { s.Refunds, s.Refund = append(slices.Clone(s.Refunds), r), r }, Trigger{Event: care.EventRefundCreated, Part: r.ID}, Trigger{Event: care.EventRefundSettled, Part: r.ID})
	}
	last := []Trigger{{Event: care.EventOrderStatusChanged}}
	if final.Order.State == string(care.OrderCancelled) {
		last = append(last, Trigger{Event: care.EventOrderCancelled})
	}
	add(final.Order.ChangedAt, func(s *State) {
		s.Order.State, s.Order.PaymentAs, s.Order.Fulfilment = final.Order.State, final.Order.PaymentAs, final.Order.Fulfilment
	}, last...)
	return sc, nil
}

func (n *Notify) parcelSteps(ctx context.Context, q db.Querier, order int64, p ShipmentFacts, add func(time.Time, func(*State), ...Trigger)) error {
	seen := ""
	step := func(at time.Time, state string) {
		if state == seen {
			return
		}
		seen = state
		events := []Trigger{{Event: care.EventShipmentStatusChanged, Part: p.ID}}
		switch care.ShipmentState(state) {
		case care.ShipmentAtPickupPoint:
			events = append(events, Trigger{Event: care.EventShipmentAtPickupPoint, Part: p.ID})
		case care.ShipmentDelivered:
			events = append(events, Trigger{Event: care.EventShipmentDelivered, Part: p.ID})
		case care.ShipmentReturning:
			events = append(events, Trigger{Event: care.EventShipmentReturning, Part: p.ID})
		}
		add(at, func(s *State) {
			now := p
			now.State, now.MovedAt = state, at
			s.Shipments = append(slices.DeleteFunc(slices.Clone(s.Shipments), func(o ShipmentFacts) bool { return o.ID == p.ID }), now)
			s.Shipment = now
			s.Order.Fulfilment = string(care.FulfilmentShipped)
			if state == string(care.ShipmentDelivered) {
				s.Order.Fulfilment = string(care.FulfilmentDelivered)
			}
		}, events...)
	}
	err := each(ctx, q, `SELECT c.at, c.state FROM shipments s JOIN checkpoints c ON c.shipment_id = s.id WHERE s.order_id = $1 AND s.external_id = $2 ORDER BY c.at`, []any{order, p.ID}, func(rows pgx.Rows) error {
		var at db.Time
		var state string
		if err := rows.Scan(&at, &state); err != nil {
			return err
		}
		step(at.Time(), state)
		return nil
	})
	if err == nil && p.State != "" {
		step(p.MovedAt, p.State)
	}
	return err
}
