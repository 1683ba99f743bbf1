package care

import (
	"slices"
	"strings"
)

// An order's state is four independent axes; the stage that people see is derived from them.
// The values are those of reference models of many shops; what a shop says itself is kept raw beside them.
type (
	OrderState      string
	PaymentState    string
	FulfilmentState string
	ShipmentState   string
	ReturnState     string
	Stage           string
)

const (
	OrderDraft           OrderState = "draft"
	OrderPlaced          OrderState = "placed"
	OrderAwaitingPayment OrderState = "awaiting_payment"
	OrderConfirmed       OrderState = "confirmed"
	OrderProcessing      OrderState = "processing"
	OrderOnHold          OrderState = "on_hold"
	OrderCompleted       OrderState = "completed"
	OrderCancelled       OrderState = "cancelled"
	OrderFailed          OrderState = "failed"
	OrderClosed          OrderState = "closed"
	OrderUnknown         OrderState = "unknown" // a status nobody has mapped yet

	PaymentUnpaid            PaymentState = "unpaid"
	PaymentPending           PaymentState = "pending"
	PaymentAuthorized        PaymentState = "authorized"
	PaymentPartiallyPaid     PaymentState = "partially_paid"
	PaymentPaid              PaymentState = "paid"
	PaymentPartiallyRefunded PaymentState = "partially_refunded"
	PaymentRefunded          PaymentState = "refunded"
	PaymentVoided            PaymentState = "voided"
	PaymentFailed            PaymentState = "failed"
	PaymentChargedBack       PaymentState = "charged_back"

	FulfilmentUnfulfilled        FulfilmentState = "unfulfilled"
	FulfilmentPartial            FulfilmentState = "partial"
	FulfilmentPacked             FulfilmentState = "packed"
	FulfilmentShipped            FulfilmentState = "shipped"
	FulfilmentPartiallyDelivered FulfilmentState = "partially_delivered"
	FulfilmentDelivered          FulfilmentState = "delivered"
	FulfilmentReturned           FulfilmentState = "returned"

	ShipmentCreated        ShipmentState = "created"
	ShipmentHandedOver     ShipmentState = "handed_over"
	ShipmentInTransit      ShipmentState = "in_transit"
	ShipmentOutForDelivery ShipmentState = "out_for_delivery"
	ShipmentAtPickupPoint  ShipmentState = "at_pickup_point"
	ShipmentDelivered      ShipmentState = "delivered"
	ShipmentAttemptFailed  ShipmentState = "attempt_failed"
	ShipmentException      ShipmentState = "exception"
	ShipmentReturning      ShipmentState = "returning"
	ShipmentReturned       ShipmentState = "returned"
	ShipmentCancelled      ShipmentState = "cancelled"
	ShipmentUnknown        ShipmentState = "unknown"

	ReturnRequested ReturnState = "requested"
	ReturnApproved  ReturnState = "approved"
	ReturnInTransit ReturnState = "in_transit"
	ReturnReceived  ReturnState = "received"
	ReturnRejected  ReturnState = "rejected"
	ReturnRefunded  ReturnState = "refunded"
	ReturnClosed    ReturnState = "closed"
)

const (
	StageDraft           Stage = "draft"
	StagePlaced          Stage = "placed"
	StageAwaitingPayment Stage = "awaiting_payment"
	StagePaid            Stage = "paid"
	StageProcessing      Stage = "processing"
	StageOnHold          Stage = "on_hold"
	StagePacked          Stage = "packed"
	StageShipped         Stage = "shipped"
	StageOutForDelivery  Stage = "out_for_delivery"
	StageAtPickupPoint   Stage = "at_pickup_point"
	StageAttemptFailed   Stage = "attempt_failed"
	StageReturning       Stage = "returning"
	StageDelivered       Stage = "delivered"
	StageCompleted       Stage = "completed"
	StageCancelled       Stage = "cancelled"
	StageRefunded        Stage = "refunded"
	StageReturned        Stage = "returned"
	StageFailed          Stage = "failed"
	StageUnknown         Stage = "unknown"
)

// StageOf derives the one stage that people see. shipment is the state of the order's latest
// shipment, empty when there is none. What ended the order wins over where the parcel is, the parcel over the payment.
func StageOf(o OrderState, p PaymentState, f FulfilmentState, shipment ShipmentState) Stage {
	switch o {
	case OrderDraft:
		return StageDraft
	case OrderCancelled:
		return StageCancelled
	case OrderFailed:
		return StageFailed
	}
	if p == PaymentRefunded || p == PaymentChargedBack {
		return StageRefunded
	}
	switch shipment {
	case ShipmentReturning:
		return StageReturning
	case ShipmentReturned:
		return StageReturned
	case ShipmentAttemptFailed, ShipmentException:
		return StageAttemptFailed
	case ShipmentAtPickupPoint:
		return StageAtPickupPoint
	case ShipmentOutForDelivery:
		return StageOutForDelivery
	case ShipmentDelivered:
		return StageDelivered
	}
	switch f {
	case FulfilmentReturned:
		return StageReturned
	case FulfilmentDelivered:
		return StageDelivered
	}
	if o == OrderCompleted {
		return StageCompleted
	}
	switch {
	case f == FulfilmentShipped || f == FulfilmentPartial || f == FulfilmentPartiallyDelivered,
		shipment == ShipmentHandedOver || shipment == ShipmentInTransit:
		return StageShipped
	case f == FulfilmentPacked:
		return StagePacked
	}
	switch o {
	case OrderOnHold:
		return StageOnHold
	case OrderClosed:
		return StageCompleted
	case OrderUnknown:
		return StageUnknown
	case OrderAwaitingPayment:
		return StageAwaitingPayment
	case OrderProcessing, OrderConfirmed:
		return StageProcessing
	}
	switch p {
	case PaymentPaid, PaymentAuthorized:
		return StagePaid
	case PaymentFailed:
		return StageAwaitingPayment
	}
	return StagePlaced
}

// Open tells whether something may still happen to the order, so that it is worth asking the shop again.
func (s Stage) Open() bool {
	switch s {
	case StageDelivered, StageCompleted, StageCancelled, StageRefunded, StageReturned, StageFailed:
		return false
	}
	return true
}

// SaysNoCall reads the box "don't call me" that shops put among an order's tags or own fields.
func SaysNoCall(tags []string, custom map[string]string) bool {
	no := func(s string) bool {
		s = strings.NewReplacer("_", "", "-", "", " ", "", "'", "", "’", "").Replace(strings.ToLower(s))
		switch s {
		case "donotcall", "dontcall", "dontcallme", "nocall", "nocalls", "недзвонити", "незвонить", "nieczwonic", "niedzwonic", "niedzwonić", "недзвонітьмені":
			return true
		}
		return false
	}
	if slices.ContainsFunc(tags, no) {
		return true
	}
	for k, v := range custom {
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "", "0", "no", "false", "ні", "нет", "nie":
		default:
			if no(k) {
				return true
			}
		}
	}
	return false
}
