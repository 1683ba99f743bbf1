package notify

import (
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
)

// A cause is what an exception comes from: as long as it holds the exception stands, once it is gone it closes by itself.
type cause struct {
	part  string
	holds func(s *State, part string) bool
	// since is when it began to hold; the policy's patience counts from there.
	since func(s *State, part string) time.Time
	// promised tells that since is what the shop promised, so that there is no patience on top of it.
	promised func(s *State) bool
	// placing tells that it is about how the order was taken: of orders that are older than the connection nothing is known of that.
	placing bool
}

// causes are filled by init, since the moments of exceptions look back here.
var causes map[care.ExceptionKind]cause

func init() {
	causes = map[care.ExceptionKind]cause{
		care.ExceptionPaymentMissing:    {holds: awaitsPayment, since: wasPlaced, placing: true},
		care.ExceptionReservationFailed: {holds: isShort, since: justNow, placing: true},
		care.ExceptionNotConfirmed:      {holds: isUnconfirmed, since: wasPlaced, placing: true},
		care.ExceptionNotShipped:        {holds: isUnshipped, since: shouldHaveLeft, placing: true, promised: func(s *State) bool { return !s.Order.PromisedAt.IsZero() }},
		care.ExceptionParcelStuck:       {part: partShipment, holds: isUnderWay, since: hasMoved},
		care.ExceptionAttemptFailed:     {part: partShipment, holds: parcelIn(care.ShipmentAttemptFailed), since: hasMoved},
		care.ExceptionParcelTrouble:     {part: partShipment, holds: parcelIn(care.ShipmentException), since: hasMoved},
		care.ExceptionStorageEnding:     {part: partShipment, holds: parcelIn(care.ShipmentAtPickupPoint), since: hasArrived},
		care.ExceptionRefundOverdue:     {holds: owesMoney, since: owesSince},
		care.ExceptionGoodsMissing:      {holds: lacksGoods, since: lacksSince},
	}
}

// Exceptions lists the kinds that can be watched for.
func Exceptions() []care.ExceptionKind {
	return []care.ExceptionKind{
		care.ExceptionPaymentMissing, care.ExceptionReservationFailed, care.ExceptionNotConfirmed, care.ExceptionNotShipped, care.ExceptionParcelStuck,
		care.ExceptionAttemptFailed, care.ExceptionParcelTrouble, care.ExceptionStorageEnding, care.ExceptionRefundOverdue, care.ExceptionGoodsMissing,
	}
}

// Exception is something that isn't as it should be with an order, or will be if nothing happens until Due.
type Exception struct {
	Kind     care.ExceptionKind
	Part     string
	Due      time.Time // from when on it is one
	Open     bool      // Due has come
	Detector Detector  // the policy's values, which go with it
}

// Detect looks for exceptions. next is when to look again if nothing happens until then; zero: no need to.
func Detect(s *State, p *Policy, now time.Time) (found []Exception, next time.Time) {
	if s.Order.Deleted {
		return nil, next
	}
	for _, d := range p.Detectors {
		c, known := causes[d.Kind]
		if !d.On || !known {
			continue
		}
		if d.Kind == care.ExceptionReservationFailed && s.Stock.Reservation == ReservationWaiting && !over(s) {
			// Until the shop has told its stock nobody knows; then somebody has to ask.
			if at := s.Order.PlacedAt.Add(time.Duration(p.ReservationS) * time.Second); at.After(now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		m := moment{part: c.part}
		for _, part := range m.parts(s) {
			if !c.holds(s, part) {
				continue
			}
			since := c.since(s, part)
			if since.IsZero() {
				since = now
			}
			if since.Before(s.Store.ConnectedAt) || c.placing && s.Order.PlacedAt.Before(s.Store.ConnectedAt) {
				continue
			}
			due := d.due(s, since)
			if c.promised != nil && c.promised(s) {
				due = since // a promise has no grace
			}
			e := Exception{Kind: d.Kind, Part: part, Due: due, Open: !due.After(now), Detector: d}
			found = append(found, e)
			if !e.Open && (next.IsZero() || due.Before(next)) {
				next = due
			}
		}
	}
	return found, next
}

// due is when the patience ends that began at since.
func (d Detector) due(s *State, since time.Time) time.Time {
	after := time.Duration(d.AfterS) * time.Second
	if d.Working && s.Store.Calendar != nil {
		if at, err := s.Store.Calendar.Add(since, after); err == nil {
			return at
		}
	}
	return since.Add(after)
}

// awaitsPayment is an order that the customer was to pay before anything happens; cash on delivery isn't one.
func awaitsPayment(s *State, _ string) bool {
	if over(s) {
		return false
	}
	switch care.PaymentState(s.Order.PaymentAs) {
	case care.PaymentUnpaid, care.PaymentPending, care.PaymentFailed, care.PaymentVoided:
	default:
		return false
	}
	return s.stage() == care.StageAwaitingPayment
}

func isShort(s *State, _ string) bool {
	switch s.stage() {
	case care.StagePlaced, care.StageAwaitingPayment, care.StagePaid, care.StageProcessing, care.StageOnHold:
		return !s.Order.Deleted && s.Stock.Reservation == ReservationShort
	}
	return false
}

func isUnconfirmed(s *State, _ string) bool {
	if s.Goods.All && s.isPaid() { // given already: there is nothing to confirm
		return false
	}
	switch s.stage() {
	case care.StagePlaced, care.StagePaid:
		return !s.Order.Deleted && care.OrderState(s.Order.State) == care.OrderPlaced
	}
	return false
}

func isUnshipped(s *State, _ string) bool {
	if s.Goods.All {
		return false
	}
	switch s.stage() {
	case care.StagePaid, care.StageProcessing, care.StagePacked:
		return !s.Order.Deleted
	case care.StagePlaced: // without a promise it is for not_confirmed to say something
		return !s.Order.Deleted && !s.Order.PromisedAt.IsZero()
	}
	return false
}

// shouldHaveLeft is the promise; where the shop makes none, patience counts from when the order could go.
func shouldHaveLeft(s *State, _ string) time.Time {
	if !s.Order.PromisedAt.IsZero() {
		return s.Order.PromisedAt
	}
	if s.Payment.At.After(s.Order.PlacedAt) {
		return s.Payment.At
	}
	return s.Order.PlacedAt
}

func isUnderWay(s *State, part string) bool {
	return parcelIn(care.ShipmentHandedOver, care.ShipmentInTransit, care.ShipmentOutForDelivery)(s, part)
}

func hasArrived(s *State, part string) time.Time {
	p, _ := s.parcel(part)
	return p.ArrivedAt
}

// owesMoney tells that the shop has the customer's money for what he won't get or has given back.
func owesMoney(s *State, _ string) bool {
	for _, r := range s.Refunds {
		if r.State == "pending" {
			return true
		}
	}
	if s.Payment.Paid <= 0 || len(s.Refunds) > 0 {
		return false
	}
	paid := []care.PaymentState{care.PaymentPaid, care.PaymentPartiallyPaid}
	if !slices.Contains(paid, care.PaymentState(s.Order.PaymentAs)) {
		return false
	}
	if s.stage() == care.StageCancelled {
		return true
	}
	for _, r := range s.Returns {
		if r.State == string(care.ReturnReceived) {
			return true
		}
	}
	return false
}

func owesSince(s *State, _ string) time.Time {
	for _, r := range s.Refunds {
		if r.State == "pending" {
			return r.At
		}
	}
	if !s.Order.OwedSince.IsZero() {
		return s.Order.OwedSince
	}
	return s.Order.ChangedAt
}

// Reserve tells whether the goods of an order are put aside, from what the shop says of their stock.
func Reserve(lines []StockLine, asked string, placed, now time.Time, patience time.Duration) StockFacts {
	switch asked { // the shop was asked to reserve, and answered
	case "done":
		return StockFacts{Reservation: ReservationHeld, Held: true}
	case "refused", "failed":
		return StockFacts{Reservation: ReservationShort, Missing: names(lines, func(StockLine) bool { return true })}
	case "queued", "sent", "pending":
		return StockFacts{Reservation: ReservationWaiting}
	}
	short := func(l StockLine) bool {
		if l.Free || !l.Known {
			return false
		}
		if l.AsOf.Before(placed) { // the count doesn't know of the order yet
			return l.Available < l.Quantity && now.Sub(placed) >= patience
		}
		return l.Available < 0
	}
	waits := func(l StockLine) bool {
		return !l.Free && l.Known && l.AsOf.Before(placed) && l.Available < l.Quantity && now.Sub(placed) < patience
	}
	if missing := names(lines, short); len(missing) > 0 {
		return StockFacts{Reservation: ReservationShort, Missing: missing}
	}
	if slices.ContainsFunc(lines, waits) {
		return StockFacts{Reservation: ReservationWaiting}
	}
	if len(lines) == 0 || slices.ContainsFunc(lines, func(l StockLine) bool { return !l.Free && !l.Known }) {
		return StockFacts{Reservation: ReservationUnknown}
	}
	return StockFacts{Reservation: ReservationHeld, Held: true}
}

// StockLine is a line of an order beside the stock of its variant, over all places.
type StockLine struct {
	Name      string
	Quantity  int64
	Available int64
	AsOf      time.Time
	Known     bool // the shop tells of its stock
	Free      bool // not counted, virtual, or sold before it is there
}

func names(lines []StockLine, which func(StockLine) bool) []string {
	var out []string
	for _, l := range lines {
		if which(l) {
			out = append(out, strings.TrimSpace(l.Name))
		}
	}
	return out
}
