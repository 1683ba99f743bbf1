package commerce

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// Limits of what one record may hold; a shop that sends more is mistaken.
const (
	maxLines    = 2000
	maxParts    = 500
	maxVariants = 2000
	maxText     = 20_000
)

// normalise gives every part of a record a key, fills in what follows from the rest, and refuses what can't be kept.
func normalise(v any) error {
	switch v := v.(type) {
	case *care.ShopOrder:
		return normaliseOrder(v)
	case *care.ShopProduct:
		return normaliseProduct(v)
	case *care.ShopStock:
		if v.Variant == "" {
			return care.Invalid("variant", "required")
		}
	case *care.ShopCustomer:
		v.Name = strings.TrimSpace(v.Name)
		if v.Name == "" {
			v.Name = strings.TrimSpace(v.FirstName + " " + v.LastName)
		}
		if len(v.Emails)+len(v.Phones) > maxParts {
			return care.Invalid("emails", "too_many_items", "max", maxParts)
		}
	case *care.ShopCart:
		if len(v.Lines) > maxLines {
			return care.Invalid("lines", "too_many_items", "max", maxLines)
		}
	case *care.ShopInvoice:
		if v.Order == "" {
			return care.Invalid("order", "required")
		}
	}
	return nil
}

func normaliseProduct(p *care.ShopProduct) error {
	if len(p.Variants) > maxVariants {
		return care.Invalid("variants", "too_many_items", "max", maxVariants)
	}
	seen := map[string]bool{}
	for i := range p.Variants {
		id := p.Variants[i].ExternalID
		switch {
		case id == "":
			return care.Invalid(fmt.Sprintf("variants[%d].external_id", i), "required")
		case len(id) > maxID:
			return care.Invalid(fmt.Sprintf("variants[%d].external_id", i), "too_long", "max", maxID)
		case seen[id]:
			return care.Invalid(fmt.Sprintf("variants[%d].external_id", i), "not_unique")
		}
		seen[id] = true
	}
	return nil
}

func normaliseOrder(o *care.ShopOrder) error {
	switch {
	case len(o.Lines) > maxLines:
		return care.Invalid("lines", "too_many_items", "max", maxLines)
	case len(o.Payments) > maxParts || len(o.Shipments) > maxParts || len(o.Refunds) > maxParts || len(o.Returns) > maxParts || len(o.History) > 10*maxParts:
		return care.Invalid("payments", "too_many_items", "max", maxParts)
	case !known(o.Order, orderStates):
		return care.Invalid("order_state", "value_invalid")
	case !known(o.Payment, paymentStates):
		return care.Invalid("payment_state", "value_invalid")
	case !known(o.Fulfilment, fulfilmentStates):
		return care.Invalid("fulfilment_state", "value_invalid")
	}
	if o.Currency == "" {
		o.Currency = o.Total.Currency
	}
	for _, m := range []*care.Money{&o.Total, &o.Shipping, &o.Discount, &o.Tax} {
		m.Currency = o.Currency
	}
	o.Note = cut(o.Note)
	keys := keyring{}
	for i := range o.Payments {
		p := &o.Payments[i]
		if !known(p.State, paymentStates) {
			return care.Invalid(fmt.Sprintf("payments[%d].state", i), "value_invalid")
		}
		if p.State == "" {
			p.State = care.PaymentUnpaid
		}
		p.ExternalID = keys.next(p.ExternalID, p.Reference)
	}
	keys = keyring{}
	for i := range o.Shipments {
		s := &o.Shipments[i]
		slices.SortStableFunc(s.Checkpoints, func(a, b care.ShopCheckpoint) int { return a.At.Compare(b.At) })
		for j := range s.Checkpoints {
			if !known(s.Checkpoints[j].State, shipmentStates) {
				s.Checkpoints[j].State = care.ShipmentUnknown
			}
		}
		if s.State == "" && len(s.Checkpoints) > 0 {
			s.State = s.Checkpoints[len(s.Checkpoints)-1].State
		}
		if s.State == "" {
			s.State = care.ShipmentCreated
		}
		if !known(s.State, shipmentStates) {
			return care.Invalid(fmt.Sprintf("shipments[%d].state", i), "value_invalid")
		}
		s.ExternalID = keys.next(s.ExternalID, s.Tracking)
	}
	keys = keyring{}
	for i := range o.Refunds {
		o.Refunds[i].ExternalID = keys.next(o.Refunds[i].ExternalID, "")
	}
	keys = keyring{}
	for i := range o.Returns {
		r := &o.Returns[i]
		if r.State == "" {
			r.State = care.ReturnRequested
		}
		if !known(r.State, returnStates) {
			return care.Invalid(fmt.Sprintf("returns[%d].state", i), "value_invalid")
		}
		r.ExternalID = keys.next(r.ExternalID, "")
	}
	slices.SortStableFunc(o.History, func(a, b care.ShopHistory) int { return a.At.Compare(b.At) })
	keys = keyring{}
	for i := range o.History {
		h := &o.History[i]
		h.Text = cut(h.Text)
		if h.ExternalID == "" {
			sum := sha256.Sum256([]byte(h.At.UTC().Format(time.RFC3339Nano) + "\x00" + h.Status + "\x00" + h.Text))
			h.ExternalID = "~" + hex.EncodeToString(sum[:8])
		}
		h.ExternalID = keys.next(h.ExternalID, "")
	}
	return nil
}

// keyring hands out keys of parts, none twice: the shop's own, else another mark of the part, else its place.
type keyring map[string]bool

func (k keyring) next(own, mark string) string {
	id := own
	if id == "" {
		id = mark
	}
	if len(id) > maxID {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	for n := len(k) + 1; id == "" || k[id]; n++ {
		id = "#" + strconv.Itoa(n)
	}
	k[id] = true
	return id
}

func known[S ~string](v S, of []S) bool { return v == "" || slices.Contains(of, v) }

var (
	orderStates = []care.OrderState{care.OrderDraft, care.OrderPlaced, care.OrderAwaitingPayment, care.OrderConfirmed, care.OrderProcessing, care.OrderOnHold,
		care.OrderCompleted, care.OrderCancelled, care.OrderFailed, care.OrderClosed, care.OrderUnknown}
	paymentStates = []care.PaymentState{care.PaymentUnpaid, care.PaymentPending, care.PaymentAuthorized, care.PaymentPartiallyPaid, care.PaymentPaid,
		care.PaymentPartiallyRefunded, care.PaymentRefunded, care.PaymentVoided, care.PaymentFailed, care.PaymentChargedBack}
	fulfilmentStates = []care.FulfilmentState{care.FulfilmentUnfulfilled, care.FulfilmentPartial, care.FulfilmentPacked, care.FulfilmentShipped,
		care.FulfilmentPartiallyDelivered, care.FulfilmentDelivered, care.FulfilmentReturned}
	shipmentStates = []care.ShipmentState{care.ShipmentCreated, care.ShipmentHandedOver, care.ShipmentInTransit, care.ShipmentOutForDelivery, care.ShipmentAtPickupPoint,
		care.ShipmentDelivered, care.ShipmentAttemptFailed, care.ShipmentException, care.ShipmentReturning, care.ShipmentReturned, care.ShipmentCancelled, care.ShipmentUnknown}
	returnStates = []care.ReturnState{care.ReturnRequested, care.ReturnApproved, care.ReturnInTransit, care.ReturnReceived, care.ReturnRejected, care.ReturnRefunded, care.ReturnClosed}
)

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}
