package commerce

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"opeka/internal/care"
)

func uah(n int64) care.Money { return care.Money{Amount: n, Currency: "UAH"} }

func TestAxes(t *testing.T) {
	paid := care.ShopPayment{ExternalID: "p", State: care.PaymentPaid, Amount: uah(100)}
	for name, c := range map[string]struct {
		o    care.ShopOrder
		m    mapping
		want string // order/payment/fulfilment/stage
	}{
		"nothing told":              {o: care.ShopOrder{Total: uah(100)}, want: "placed/unpaid/unfulfilled/placed"},
		"paid":                      {o: care.ShopOrder{Total: uah(100), Payments: []care.ShopPayment{paid}}, want: "placed/paid/unfulfilled/paid"},
		"paid in part":              {o: care.ShopOrder{Total: uah(150), Payments: []care.ShopPayment{paid}}, want: "placed/partially_paid/unfulfilled/placed"},
		"failed, then paid":         {o: care.ShopOrder{Total: uah(100), Payments: []care.ShopPayment{{State: care.PaymentFailed}, paid}}, want: "placed/paid/unfulfilled/paid"},
		"a refund not yet out":      {o: care.ShopOrder{Total: uah(100), Payments: []care.ShopPayment{paid}, Refunds: []care.ShopRefund{{Amount: uah(100)}}}, want: "placed/paid/unfulfilled/paid"},
		"refunded in part":          {o: care.ShopOrder{Total: uah(100), Payments: []care.ShopPayment{paid}, Refunds: []care.ShopRefund{{Amount: uah(40), Settled: true}}}, want: "placed/partially_refunded/unfulfilled/placed"},
		"refunded":                  {o: care.ShopOrder{Total: uah(100), Payments: []care.ShopPayment{paid}, Refunds: []care.ShopRefund{{Amount: uah(100), Settled: true}}}, want: "closed/refunded/unfulfilled/refunded"},
		"refunded, total shrunk":    {o: care.ShopOrder{Total: uah(60), Payments: []care.ShopPayment{paid}, Refunds: []care.ShopRefund{{Amount: uah(40), Settled: true}}}, want: "placed/partially_refunded/unfulfilled/placed"},
		"one of two parcels there":  {o: care.ShopOrder{Shipments: []care.ShopShipment{{State: care.ShipmentDelivered}, {State: care.ShipmentInTransit}}}, want: "processing/unpaid/partially_delivered/shipped"},
		"a cancelled parcel":        {o: care.ShopOrder{Shipments: []care.ShopShipment{{State: care.ShipmentInTransit}, {State: care.ShipmentCancelled}}}, want: "processing/unpaid/shipped/shipped"},
		"waiting at the point":      {o: care.ShopOrder{Shipments: []care.ShopShipment{{State: care.ShipmentAtPickupPoint}}}, want: "processing/unpaid/shipped/at_pickup_point"},
		"delivered and paid":        {o: care.ShopOrder{Total: uah(100), Payments: []care.ShopPayment{paid}, Shipments: []care.ShopShipment{{State: care.ShipmentDelivered}}}, want: "completed/paid/delivered/delivered"},
		"a status nobody knows":     {o: care.ShopOrder{RawStatus: "zzz"}, want: "unknown/unpaid/unfulfilled/unknown"},
		"a known status":            {o: care.ShopOrder{RawStatus: "x"}, m: mapping{Known: true, Axes: care.Axes{Order: care.OrderProcessing, Payment: care.PaymentPaid}}, want: "processing/paid/unfulfilled/processing"},
		"the plug read it better":   {o: care.ShopOrder{RawStatus: "x", Order: care.OrderOnHold}, m: mapping{Known: true, Axes: care.Axes{Order: care.OrderProcessing}}, want: "on_hold/unpaid/unfulfilled/on_hold"},
		"a person knows best":       {o: care.ShopOrder{RawStatus: "x", Order: care.OrderOnHold}, m: mapping{Known: true, Admin: true, Axes: care.Axes{Order: care.OrderProcessing}}, want: "processing/unpaid/unfulfilled/processing"},
		"all authorised, none paid": {o: care.ShopOrder{Total: uah(5), Payments: []care.ShopPayment{{State: care.PaymentAuthorized, Amount: uah(5)}}}, want: "placed/authorized/unfulfilled/paid"},
	} {
		t.Run(name, func(t *testing.T) {
			a := axesOf(&c.o, c.m)
			if got := fmt.Sprintf("%s/%s/%s/%s", a.Order, a.Payment, a.Fulfilment, a.Stage); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func state(f func(o *care.ShopOrder)) orderState {
	o := care.ShopOrder{Number: "1", Total: uah(100), Lines: []care.ShopLine{{Name: "Mug", Quantity: 1}}}
	f(&o)
	return orderState{Order: o, Axes: axesOf(&o, mapping{})}
}

func TestWhatHappenedToAnOrder(t *testing.T) {
	plain := state(func(*care.ShopOrder) {})
	pay := func(s care.PaymentState) orderState {
		return state(func(o *care.ShopOrder) {
			o.Payments = []care.ShopPayment{{ExternalID: "p", State: s, Amount: uah(100)}}
		})
	}
	parcel := func(s care.ShipmentState) orderState {
		return state(func(o *care.ShopOrder) { o.Shipments = []care.ShopShipment{{ExternalID: "s", State: s}} })
	}
	for name, c := range map[string]struct {
		before *orderState
		after  orderState
		want   []string
	}{
		"first seen":            {nil, plain, []string{"order.created"}},
		"first seen when paid":  {nil, pay(care.PaymentPaid), []string{"order.created", "payment.captured p"}},
		"the same again":        {&plain, plain, nil},
		"paid":                  {&plain, pay(care.PaymentPaid), []string{"payment.captured p", "order.status_changed"}},
		"failed":                {&plain, pay(care.PaymentFailed), []string{"payment.failed p", "order.status_changed"}},
		"a note":                {&plain, state(func(o *care.ShopOrder) { o.History = []care.ShopHistory{{ExternalID: "n", Text: "hi"}} }), []string{"order.updated"}},
		"another address":       {&plain, state(func(o *care.ShopOrder) { o.ShipTo.City = "Lviv" }), []string{"order.updated"}},
		"cancelled":             {&plain, state(func(o *care.ShopOrder) { o.Order = care.OrderCancelled }), []string{"order.status_changed", "order.cancelled"}},
		"a parcel on its way":   {&plain, parcel(care.ShipmentInTransit), []string{"shipment.created s", "shipment.status_changed s", "order.status_changed"}},
		"it waits at the point": {ptr(parcel(care.ShipmentInTransit)), parcel(care.ShipmentAtPickupPoint), []string{"shipment.status_changed s", "shipment.at_pickup_point s", "order.status_changed"}},
		"a refund": {ptr(pay(care.PaymentPaid)), state(func(o *care.ShopOrder) {
			o.Payments = pay(care.PaymentPaid).Order.Payments
			o.Refunds = []care.ShopRefund{{ExternalID: "r", Amount: uah(10), Settled: true}}
		}), []string{"payment.refunded", "refund.created r", "refund.settled r", "order.status_changed"}},
		"a return": {&plain, state(func(o *care.ShopOrder) {
			o.Returns = []care.ShopReturn{{ExternalID: "t", State: care.ReturnApproved}}
		}), []string{"return.approved t"}},
		"paid, by the status alone": {&plain, state(func(o *care.ShopOrder) { o.Payment = care.PaymentPaid }), []string{"payment.captured", "order.status_changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := told(diffOrder(c.before, c.after)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func told(changes []change) (out []string) {
	for _, c := range changes {
		s := c.Type
		if c.Part != "" {
			s += " " + c.Part
		}
		out = append(out, s)
	}
	return out
}

func TestWhatHappenedToStock(t *testing.T) {
	here := func(available int64) []level { return []level{{Location: 1, Available: available}} }
	for name, c := range map[string]struct {
		before, after []level
		want          []string
	}{
		"never known":         {nil, here(5), []string{"stock.changed"}},
		"sold":                {here(5), here(4), []string{"stock.changed"}},
		"sold out":            {here(1), here(0), []string{"stock.changed", "stock.out"}},
		"back":                {here(-2), here(3), []string{"stock.changed", "stock.back_in"}},
		"the same":            {here(3), here(3), nil},
		"moved between shops": {[]level{{Location: 1, Available: 3}, {Location: 2}}, []level{{Location: 1}, {Location: 2, Available: 3}}, []string{"stock.changed", "stock.changed"}},
		"out here, not there": {[]level{{Location: 1, Available: 3}, {Location: 2, Available: 1}}, []level{{Location: 1}, {Location: 2, Available: 1}}, []string{"stock.changed"}},
		"a place closed":      {here(3), nil, []string{"stock.changed", "stock.out"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range diffStock(1, c.before, c.after) {
				got = append(got, s.Type)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// story is a random course of an order, each state with a later time.
func story(r *rand.Rand) []care.ShopOrder {
	o := care.ShopOrder{Number: "7", Currency: "UAH", Total: uah(300), Customer: care.CustomerRef{Email: "a@x.ua", Name: "A"}, Lines: []care.ShopLine{{Variant: "v1", SKU: "S", Name: "Mug", Quantity: 2}}}
	out := []care.ShopOrder{o}
	for range 3 + r.IntN(8) {
		o.Payments, o.Shipments, o.Refunds = slices.Clone(o.Payments), slices.Clone(o.Shipments), slices.Clone(o.Refunds)
		switch r.IntN(7) {
		case 0:
			o.Payments = append(o.Payments, care.ShopPayment{State: paymentStates[r.IntN(len(paymentStates))], Amount: uah(300)})
		case 1:
			if len(o.Payments) > 0 {
				o.Payments[0].State = paymentStates[r.IntN(len(paymentStates))]
			}
		case 2:
			o.Shipments = append(o.Shipments, care.ShopShipment{State: shipmentStates[r.IntN(len(shipmentStates))], Tracking: fmt.Sprint(len(o.Shipments))})
		case 3:
			if len(o.Shipments) > 0 {
				o.Shipments[0].State = shipmentStates[r.IntN(len(shipmentStates))]
			}
		case 4:
			o.Refunds = append(o.Refunds, care.ShopRefund{Amount: uah(int64(r.IntN(200))), Settled: r.IntN(2) == 0})
		case 5:
			o.RawStatus = []string{"new", "packed", "gone", "zzz"}[r.IntN(4)]
		case 6:
			o.Note += "!"
		}
		out = append(out, o)
	}
	return out
}

func at(minute int) time.Time {
	return time.Date(2026, 3, 1, 9, minute, 0, 0, time.UTC)
}
