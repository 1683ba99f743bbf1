package commerce

import (
	"reflect"

	"opeka/internal/care"
)

// orderState is an order as it was seen once: what the shop told, and where that puts it.
type orderState struct {
	Order care.ShopOrder
	Axes  care.OrderAxes
}

// change is one thing that happened to an order between two looks at it.
type change struct {
	Type string
	Part string // external id of the payment, parcel, refund or return; empty: the order itself
}

// diffOrder tells what happened between two looks at an order, in the order in which to tell it; before is nil at the first
// look. Each transition of each part is told once; looking twice at the same state tells nothing.
func diffOrder(before *orderState, after orderState) []change {
	var out []change
	say := func(kind, part string) { out = append(out, change{kind, part}) }
	var old orderState
	if before == nil {
		say(care.EventOrderCreated, "")
	} else {
		old = *before
	}
	diffPayments(old, after, say)
	diffShipments(old.Order.Shipments, after.Order.Shipments, say)
	diffRefunds(old.Order.Refunds, after.Order.Refunds, say)
	diffReturns(old.Order.Returns, after.Order.Returns, say)
	if before != nil {
		if old.Axes != after.Axes {
			say(care.EventOrderStatusChanged, "")
		}
		// What no other event tells of, such as a new note, is an update too.
		if !sameContent(old.Order, after.Order) || len(out) == 0 && !reflect.DeepEqual(old.Order, after.Order) {
			say(care.EventOrderUpdated, "")
		}
	}
	if old.Axes.Order != after.Axes.Order {
		switch after.Axes.Order {
		case care.OrderCancelled:
			say(care.EventOrderCancelled, "")
		case care.OrderCompleted:
			say(care.EventOrderCompleted, "")
		}
	}
	return out
}

// diffPayments goes by the payments; by the order's payment axis where a shop tells no payments, and for what concerns the
// order as a whole: money back.
func diffPayments(old, now orderState, say func(kind, part string)) {
	for _, p := range now.Order.Payments {
		was := care.PaymentState("")
		for _, o := range old.Order.Payments {
			if o.ExternalID == p.ExternalID {
				was = o.State
			}
		}
		if was == p.State {
			continue
		}
		switch p.State {
		case care.PaymentPending:
			say(care.EventPaymentPending, p.ExternalID)
		case care.PaymentAuthorized:
			say(care.EventPaymentAuthorized, p.ExternalID)
		case care.PaymentPaid, care.PaymentPartiallyPaid:
			if was != care.PaymentPartiallyRefunded && was != care.PaymentRefunded {
				say(care.EventPaymentCaptured, p.ExternalID)
			}
		case care.PaymentFailed:
			say(care.EventPaymentFailed, p.ExternalID)
		}
	}
	was, is := old.Axes.Payment, now.Axes.Payment
	if was == is {
		return
	}
	switch is {
	case care.PaymentPartiallyRefunded, care.PaymentRefunded:
		say(care.EventPaymentRefunded, "")
		return
	case care.PaymentChargedBack:
		say(care.EventPaymentChargedBack, "")
		return
	}
	if len(old.Order.Payments)+len(now.Order.Payments) > 0 {
		return
	}
	switch is {
	case care.PaymentPending:
		say(care.EventPaymentPending, "")
	case care.PaymentAuthorized:
		say(care.EventPaymentAuthorized, "")
	case care.PaymentPaid, care.PaymentPartiallyPaid:
		if was != care.PaymentPartiallyRefunded && was != care.PaymentRefunded {
			say(care.EventPaymentCaptured, "")
		}
	case care.PaymentFailed:
		say(care.EventPaymentFailed, "")
	}
}

func diffShipments(old, now []care.ShopShipment, say func(kind, part string)) {
	for _, s := range now {
		was, known := care.ShipmentCreated, false
		for _, o := range old {
			if o.ExternalID == s.ExternalID {
				was, known = o.State, true
			}
		}
		if !known {
			say(care.EventShipmentCreated, s.ExternalID)
		}
		if was == s.State {
			continue
		}
		say(care.EventShipmentStatusChanged, s.ExternalID)
		switch s.State {
		case care.ShipmentAtPickupPoint:
			say(care.EventShipmentAtPickupPoint, s.ExternalID)
		case care.ShipmentDelivered:
			say(care.EventShipmentDelivered, s.ExternalID)
		case care.ShipmentException, care.ShipmentAttemptFailed:
			say(care.EventShipmentException, s.ExternalID)
		case care.ShipmentReturning:
			say(care.EventShipmentReturning, s.ExternalID)
		}
	}
}

func diffRefunds(old, now []care.ShopRefund, say func(kind, part string)) {
	for _, r := range now {
		var was care.ShopRefund
		known := false
		for _, o := range old {
			if o.ExternalID == r.ExternalID {
				was, known = o, true
			}
		}
		if !known {
			say(care.EventRefundCreated, r.ExternalID)
		}
		if r.Settled && !was.Settled {
			say(care.EventRefundSettled, r.ExternalID)
		}
		if r.Failed && !was.Failed {
			say(care.EventRefundFailed, r.ExternalID)
		}
	}
}

func diffReturns(old, now []care.ShopReturn, say func(kind, part string)) {
	for _, r := range now {
		was := care.ReturnState("")
		for _, o := range old {
			if o.ExternalID == r.ExternalID {
				was = o.State
			}
		}
		if was == r.State {
			continue
		}
		switch r.State {
		case care.ReturnRequested:
			say(care.EventReturnRequested, r.ExternalID)
		case care.ReturnApproved, care.ReturnInTransit:
			if was != care.ReturnApproved && was != care.ReturnInTransit {
				say(care.EventReturnApproved, r.ExternalID)
			}
		case care.ReturnReceived:
			say(care.EventReturnReceived, r.ExternalID)
		case care.ReturnRejected, care.ReturnRefunded, care.ReturnClosed:
			if was != care.ReturnRejected && was != care.ReturnRefunded && was != care.ReturnClosed {
				say(care.EventReturnClosed, r.ExternalID)
			}
		}
	}
}

// sameContent compares what isn't a state or a part with events of its own.
func sameContent(a, b care.ShopOrder) bool {
	for _, o := range []*care.ShopOrder{&a, &b} {
		o.RawStatus, o.Order, o.Payment, o.Fulfilment = "", "", "", ""
		o.Payments, o.Shipments, o.Refunds, o.Returns, o.History = nil, nil, nil, nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// level is the stock of a variant at a place.
type level struct {
	Location  int64
	OnHand    int64
	Reserved  int64
	Available int64
	Incoming  int64
	// IncomingAt is when it is expected, in microseconds; 0: not said.
	IncomingAt int64
}

// stockChange is one event of a variant's stock.
type stockChange struct {
	Type  string
	Event care.StockEvent
}

// diffStock tells what changed for whoever sells: the quantity available at places, and whether the variant can be had at all.
// A variant whose stock was never known before doesn't come back in.
func diffStock(variant int64, before, after []level) []stockChange {
	var out []stockChange
	sum := func(levels []level) (total int64) {
		for _, l := range levels {
			total += l.Available
		}
		return total
	}
	at := func(levels []level, location int64) int64 {
		for _, l := range levels {
			if l.Location == location {
				return l.Available
			}
		}
		return 0
	}
	was, is := sum(before), sum(after)
	places := append(append([]level{}, after...), before...)
	seen := map[int64]bool{}
	var last care.StockEvent
	for _, p := range places {
		b, a := at(before, p.Location), at(after, p.Location)
		if seen[p.Location] || a == b {
			seen[p.Location] = true
			continue
		}
		seen[p.Location] = true
		last = care.StockEvent{Variant: variant, Location: p.Location, Before: b, After: a, Total: is}
		out = append(out, stockChange{care.EventStockChanged, last})
	}
	if len(before) == 0 || len(out) == 0 {
		return out
	}
	whole := care.StockEvent{Variant: variant, Location: last.Location, Before: was, After: is, Total: is}
	switch {
	case was > 0 && is <= 0:
		out = append(out, stockChange{care.EventStockOut, whole})
	case was <= 0 && is > 0:
		out = append(out, stockChange{care.EventStockBackIn, whole})
	}
	return out
}
