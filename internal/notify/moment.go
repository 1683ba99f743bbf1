package notify

import (
	"slices"
	"time"

	"opeka/internal/care"
)

// A moment is a point of an order's life at which its customer may be told something. Which moments there are, and when each is true, is
// fixed here: a policy chooses among them and narrows them down, but can't make the house say what isn't so.
type moment struct {
	key string
	// brings are the events that are the moment itself: when one comes and the moment isn't true any more, that is worth a line in the log.
	brings []string
	// mayBring are events after which the moment may have become true.
	mayBring []string
	part     string
	// holds tells whether it is true now; happened is when it came to be so, as far as the shop tells.
	holds    func(s *State, part string) bool
	happened func(s *State, part string) time.Time
	// rank is how far the parcel has come: nobody is told that it has left who knows that it has arrived.
	rank int
	// awaitsStock tells that it waits for the reservation.
	awaitsStock bool
	// exception is what is wrong, for the moments of detectors.
	exception care.ExceptionKind
}

// Parts of an order that a moment may be about.
const (
	partShipment = "shipment"
	partRefund   = "refund"
	partReturn   = "return"
	partGoods    = "goods" // electronic ones that came together
)

// ExceptionEvent is the trigger of an exception's notices.
func exceptionEvent(k care.ExceptionKind) string { return "exception." + string(k) }

var moments = []moment{
	{key: "accepted", brings: []string{care.EventOrderCreated}, mayBring: []string{care.EventOrderStatusChanged, care.EventOrderUpdated}, holds: isAccepted, happened: wasPlaced, awaitsStock: true},
	{key: "payment_received", brings: []string{care.EventPaymentCaptured}, holds: isPrepaid, happened: wasPaid},
	{key: "payment_failed", brings: []string{care.EventPaymentFailed}, holds: hasPaymentFailed, happened: justNow},
	{key: "goods_ready", brings: []string{care.EventGoodsDelivered}, part: partGoods, holds: isReady, happened: wasGiven},
	{key: "confirmed", mayBring: []string{care.EventOrderStatusChanged}, holds: isConfirmed, happened: wasChanged},
	{key: "packed", mayBring: []string{care.EventOrderStatusChanged}, holds: isPacked, happened: wasChanged},
	{key: "handed_over", mayBring: []string{care.EventShipmentCreated, care.EventShipmentStatusChanged, care.EventOrderStatusChanged}, part: partShipment, holds: parcelIn(care.ShipmentHandedOver, care.ShipmentInTransit), happened: hasMoved, rank: 1},
	{key: "out_for_delivery", mayBring: []string{care.EventShipmentStatusChanged}, part: partShipment, holds: parcelIn(care.ShipmentOutForDelivery), happened: hasMoved, rank: 2},
	{key: "at_pickup_point", brings: []string{care.EventShipmentAtPickupPoint}, part: partShipment, holds: parcelIn(care.ShipmentAtPickupPoint), happened: hasMoved, rank: 3},
	{key: "arrived_early", mayBring: []string{care.EventShipmentAtPickupPoint}, part: partShipment, holds: isEarly, happened: hasMoved, rank: 3},
	{key: "delivered", brings: []string{care.EventShipmentDelivered}, mayBring: []string{care.EventOrderStatusChanged}, part: partShipment, holds: parcelIn(care.ShipmentDelivered), happened: hasMoved, rank: 5},
	{key: "review", brings: []string{care.EventShipmentDelivered}, mayBring: []string{care.EventOrderStatusChanged}, holds: isContent, happened: wasDelivered},
	{key: "cancelled", brings: []string{care.EventOrderCancelled}, holds: isCancelled, happened: wasChanged},
	{key: "refunded", brings: []string{care.EventRefundSettled}, mayBring: []string{care.EventPaymentRefunded}, part: partRefund, holds: isRefunded, happened: wasRefunded},
	{key: "return_approved", brings: []string{care.EventReturnApproved}, part: partReturn, holds: returnIn(care.ReturnApproved), happened: wasReturned},
	{key: "return_received", brings: []string{care.EventReturnReceived}, part: partReturn, holds: returnIn(care.ReturnReceived), happened: wasReturned},
	{key: "returning", brings: []string{care.EventShipmentReturning}, part: partShipment, holds: parcelIn(care.ShipmentReturning), happened: hasMoved, rank: 6},

	trouble(care.ExceptionPaymentMissing, ""),
	trouble(care.ExceptionReservationFailed, ""),
	trouble(care.ExceptionNotConfirmed, ""),
	trouble(care.ExceptionNotShipped, ""),
	trouble(care.ExceptionParcelStuck, partShipment),
	trouble(care.ExceptionAttemptFailed, partShipment),
	trouble(care.ExceptionParcelTrouble, partShipment),
	trouble(care.ExceptionStorageEnding, partShipment),
	trouble(care.ExceptionRefundOverdue, ""),
	trouble(care.ExceptionGoodsMissing, ""),
}

// trouble is the moment of an exception: true while its cause is there.
func trouble(k care.ExceptionKind, part string) moment {
	return moment{key: string(k), brings: []string{exceptionEvent(k)}, part: part, happened: justNow, exception: k,
		holds: func(s *State, part string) bool { return causes[k].holds(s, part) }}
}

// Moments lists the keys of all moments, in the order of an order's life.
func Moments() []string {
	out := make([]string, len(moments))
	for i := range moments {
		out[i] = moments[i].key
	}
	return out
}

func momentOf(key string) *moment {
	for i := range moments {
		if moments[i].key == key {
			return &moments[i]
		}
	}
	return nil
}

// parts lists what of the order the moment could be about.
func (m *moment) parts(s *State) []string {
	var out []string
	switch m.part {
	case partShipment:
		for _, p := range s.Shipments {
			out = append(out, p.ID)
		}
	case partRefund:
		for _, r := range s.Refunds {
			out = append(out, r.ID)
		}
	case partGoods:
		for _, i := range s.Goods.Items {
			if i.State == goodsDelivered && i.Batch != "" && !slices.Contains(out, i.Batch) {
				out = append(out, i.Batch)
			}
		}
	case partReturn:
		for _, r := range s.Returns {
			out = append(out, r.ID)
		}
	default:
		return []string{""}
	}
	return out
}

func (m *moment) broughtBy(event string) (itself, perhaps bool) {
	return slices.Contains(m.brings, event), slices.Contains(m.mayBring, event)
}

// over tells that the order has come to an end which takes back what was said before.
func over(s *State) bool {
	switch s.stage() {
	case care.StageCancelled, care.StageFailed, care.StageRefunded, care.StageReturned, care.StageDraft:
		return true
	}
	return s.Order.Deleted
}

func isAccepted(s *State, _ string) bool {
	return stillHere(s) && s.Stock.Reservation != ReservationShort
}

// isConfirmed and isPacked are of orders that haven't left yet.
func isConfirmed(s *State, _ string) bool {
	return !s.Order.Deleted && s.stage() == care.StageProcessing && s.Stock.Reservation != ReservationShort && !s.Goods.All
}

// isReady is electronic goods that the customer can have, and keeps.
func isReady(s *State, part string) bool {
	return !over(s) && s.isPaid() && slices.ContainsFunc(s.Goods.Items, func(i GoodsItem) bool { return i.Batch == part && i.State == goodsDelivered })
}

func (s *State) isPaid() bool {
	p := care.PaymentState(s.Order.PaymentAs)
	return p == care.PaymentPaid || p == care.PaymentPartiallyRefunded
}

func wasGiven(s *State, part string) (at time.Time) {
	for _, i := range s.Goods.Items {
		if i.Batch == part && i.At.After(at) {
			at = i.At
		}
	}
	return at
}

// lacksGoods is an order that is paid for and has got nothing for it.
func lacksGoods(s *State, _ string) bool {
	return !over(s) && s.isPaid() && s.Goods.Missing
}

func lacksSince(s *State, _ string) (since time.Time) {
	for _, i := range s.Goods.Items {
		if (i.State == goodsShort || i.State == goodsFailed) && (since.IsZero() || i.At.Before(since)) {
			since = i.At
		}
	}
	return since
}

func isPacked(s *State, _ string) bool { return !s.Order.Deleted && s.stage() == care.StagePacked }

// isPrepaid is money that has come before the goods have left: the words say that the order is being made ready.
func isPrepaid(s *State, _ string) bool { return s.Payment.Prepaid && stillHere(s) }

func stillHere(s *State) bool {
	switch s.stage() {
	case care.StagePlaced, care.StageAwaitingPayment, care.StagePaid, care.StageProcessing, care.StageOnHold, care.StagePacked:
		return !s.Order.Deleted
	}
	return false
}

func hasPaymentFailed(s *State, _ string) bool {
	return stillHere(s) && s.Order.PaymentAs == string(care.PaymentFailed)
}

func parcelIn(states ...care.ShipmentState) func(*State, string) bool {
	return func(s *State, part string) bool {
		p, ok := s.parcel(part)
		return ok && !over(s) && slices.Contains(states, care.ShipmentState(p.State))
	}
}

func (s *State) parcel(id string) (ShipmentFacts, bool) {
	for _, p := range s.Shipments {
		if p.ID == id {
			return p, true
		}
	}
	return ShipmentFacts{}, false
}

func isEarly(s *State, part string) bool {
	p, ok := s.parcel(part)
	return ok && !over(s) && p.Early && p.State == string(care.ShipmentAtPickupPoint)
}

// isContent is a delivered order of which nothing comes back.
func isContent(s *State, _ string) bool {
	switch s.stage() {
	case care.StageDelivered:
		return !s.Order.Deleted && len(s.Returns) == 0 && len(s.Refunds) == 0
	}
	return false
}

func isCancelled(s *State, _ string) bool { return s.stage() == care.StageCancelled }

func isRefunded(s *State, part string) bool {
	for _, r := range s.Refunds {
		if r.ID == part {
			return r.State == "settled"
		}
	}
	return false
}

func returnIn(state care.ReturnState) func(*State, string) bool {
	return func(s *State, part string) bool {
		for _, r := range s.Returns {
			if r.ID == part {
				return r.State == string(state)
			}
		}
		return false
	}
}

func wasPlaced(s *State, _ string) time.Time  { return s.Order.PlacedAt }
func wasChanged(s *State, _ string) time.Time { return s.Order.ChangedAt }
func wasPaid(s *State, _ string) time.Time    { return s.Payment.At }
func justNow(*State, string) time.Time        { return time.Time{} }

func hasMoved(s *State, part string) time.Time {
	p, _ := s.parcel(part)
	return p.MovedAt
}

func wasDelivered(s *State, _ string) time.Time {
	var last time.Time
	for _, p := range s.Shipments {
		if p.MovedAt.After(last) {
			last = p.MovedAt
		}
	}
	return last
}

func wasRefunded(s *State, part string) time.Time {
	for _, r := range s.Refunds {
		if r.ID == part {
			return r.At
		}
	}
	return time.Time{}
}

func wasReturned(s *State, part string) time.Time {
	for _, r := range s.Returns {
		if r.ID == part {
			return r.At
		}
	}
	return time.Time{}
}
