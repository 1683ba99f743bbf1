package commerce

import (
	"time"

	"opeka/internal/care"
)

// mapping is what a raw status means, and who says so.
type mapping struct {
	Axes  care.Axes
	Known bool
	Admin bool // mapped by a person, which wins over what the plug reads
}

// axesOf places an order on its axes. A person's mapping wins over what the plug read, that over the plug's default
// map, and what none of them says follows from the parts: payments, refunds, parcels.
func axesOf(o *care.ShopOrder, m mapping) care.OrderAxes {
	a := care.OrderAxes{Order: o.Order, Payment: o.Payment, Fulfilment: o.Fulfilment, RawStatus: o.RawStatus, Shipment: shipmentOf(o.Shipments)}
	if m.Known {
		a.Order = pick(m.Admin, m.Axes.Order, a.Order)
		a.Payment = pick(m.Admin, m.Axes.Payment, a.Payment)
		a.Fulfilment = pick(m.Admin, m.Axes.Fulfilment, a.Fulfilment)
	}
	if a.Payment == "" {
		a.Payment = paymentOf(o)
	}
	if a.Fulfilment == "" {
		a.Fulfilment = fulfilmentOf(o.Shipments)
	}
	if a.Order == "" {
		a.Order = orderOf(o, a)
	}
	a.Stage = care.StageOf(a.Order, a.Payment, a.Fulfilment, a.Shipment)
	return a
}

// pick chooses between the mapped and the plug's value of an axis.
func pick[S ~string](admin bool, mapped, plug S) S {
	if mapped != "" && (admin || plug == "") {
		return mapped
	}
	return plug
}

func orderOf(o *care.ShopOrder, a care.OrderAxes) care.OrderState {
	switch {
	case o.RawStatus != "":
		return care.OrderUnknown
	case a.Payment == care.PaymentRefunded || a.Payment == care.PaymentChargedBack || a.Fulfilment == care.FulfilmentReturned:
		return care.OrderClosed
	case a.Fulfilment == care.FulfilmentDelivered && a.Payment == care.PaymentPaid:
		return care.OrderCompleted
	case a.Fulfilment != care.FulfilmentUnfulfilled:
		return care.OrderProcessing
	}
	return care.OrderPlaced
}

// paymentOf sums up the payments. A refund counts once it has gone out.
func paymentOf(o *care.ShopOrder) care.PaymentState {
	var received, back int64
	count := map[care.PaymentState]int{}
	for _, p := range o.Payments {
		count[p.State]++
		switch p.State {
		case care.PaymentPaid, care.PaymentPartiallyPaid, care.PaymentPartiallyRefunded:
			received += p.Amount.Amount
		case care.PaymentRefunded:
			received += p.Amount.Amount
			back += p.Amount.Amount
		}
	}
	var refunds int64
	for _, r := range o.Refunds {
		if r.Settled && !r.Failed {
			refunds += r.Amount.Amount
		}
	}
	back = max(back, refunds)
	switch {
	case count[care.PaymentChargedBack] > 0:
		return care.PaymentChargedBack
	case received > 0 && back >= received, len(o.Payments) == 0 && back > 0 && back >= o.Total.Amount:
		return care.PaymentRefunded
	case back > 0 || count[care.PaymentPartiallyRefunded] > 0:
		return care.PaymentPartiallyRefunded
	case received > 0 && received >= o.Total.Amount:
		return care.PaymentPaid
	case received > 0:
		return care.PaymentPartiallyPaid
	case count[care.PaymentAuthorized] > 0:
		return care.PaymentAuthorized
	case count[care.PaymentPending] > 0:
		return care.PaymentPending
	case count[care.PaymentUnpaid] == 0 && count[care.PaymentFailed] > 0:
		return care.PaymentFailed
	case count[care.PaymentUnpaid] == 0 && count[care.PaymentVoided] > 0:
		return care.PaymentVoided
	}
	return care.PaymentUnpaid
}

// fulfilmentOf sums up the parcels; those that were cancelled don't count.
func fulfilmentOf(shipments []care.ShopShipment) care.FulfilmentState {
	var all, labelled, delivered, returned int
	for _, s := range shipments {
		switch s.State {
		case care.ShipmentCancelled:
			continue
		case care.ShipmentCreated, care.ShipmentUnknown, "":
			labelled++
		case care.ShipmentDelivered:
			delivered++
		case care.ShipmentReturned:
			returned++
		}
		all++
	}
	switch {
	case all == 0:
		return care.FulfilmentUnfulfilled
	case returned == all:
		return care.FulfilmentReturned
	case delivered == all:
		return care.FulfilmentDelivered
	case delivered > 0:
		return care.FulfilmentPartiallyDelivered
	case labelled == all:
		return care.FulfilmentPacked
	case labelled > 0:
		return care.FulfilmentPartial
	}
	return care.FulfilmentShipped
}

// shipmentOf is the state of the order's latest parcel: the one that something happened to last.
func shipmentOf(shipments []care.ShopShipment) care.ShipmentState {
	var state care.ShipmentState
	var last time.Time
	for _, s := range shipments {
		at := s.ShippedAt
		for _, c := range s.Checkpoints {
			if c.At.After(at) {
				at = c.At
			}
		}
		if state == "" || state == care.ShipmentCancelled || s.State != care.ShipmentCancelled && !at.Before(last) {
			state, last = s.State, at
		}
	}
	return state
}
