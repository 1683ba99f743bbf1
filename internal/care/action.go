package care

import (
	"context"
	"time"
)

// ActionKind names what a shop can be asked to do with an order.
type ActionKind string

const (
	ActionCancel  ActionKind = "cancel"
	ActionStatus  ActionKind = "status"
	ActionRefund  ActionKind = "refund"
	ActionNote    ActionKind = "note"
	ActionReserve ActionKind = "reserve"
)

// ActionState is what a shop answers.
type ActionState string

const (
	ActionDone    ActionState = "done"
	ActionRefused ActionState = "refused"
	ActionPending ActionState = "pending" // it will be known later: ask again
)

// Action is what a shop is asked to do. The same ID may come several times, and means the same one action.
type Action struct {
	ID    int64      `json:"action_id"`
	Kind  ActionKind `json:"kind"`
	Order string     `json:"order"` // external id
	ActionParams

	AskedAt time.Time `json:"-"` // by our clock
	Again   bool      `json:"-"` // the shop may have been asked before, and may have done it
}

// ActionParams is what an action of a kind needs beside the order.
type ActionParams struct {
	Status     string     `json:"status,omitempty" maxLength:"200" doc:"status: the shop's own word for it"`
	Amount     *Money     `json:"amount,omitempty" doc:"refund: how much; without it, what the lines and the delivery come to"`
	Lines      []Refunded `json:"lines,omitempty" maxItems:"200" doc:"refund: which lines it is for, where the shop can be told"`
	Delivery   bool       `json:"delivery,omitempty" doc:"refund: it is for the price of the delivery too"`
	Restock    bool       `json:"restock,omitempty" doc:"refund: the pieces of the lines go back on the shelf"`
	PayBack    bool       `json:"pay_back,omitempty" doc:"refund: the shop sends the money back through the payment service itself; otherwise it only records the refund"`
	Reason     string     `json:"reason,omitempty" maxLength:"1000" doc:"Why, for the shop's people"`
	Text       string     `json:"text,omitempty" maxLength:"10000" doc:"note: what it says"`
	ToCustomer bool       `json:"to_customer,omitempty" doc:"note: the shop shows it to the customer"`
	Until      *time.Time `json:"until,omitempty" doc:"reserve: how long"`
}

// Refunded is a line of an order, or a part of it, that money is given back for.
type Refunded struct {
	ID       int64  `json:"id" doc:"Of the order line"`
	Line     string `json:"line,omitempty" readOnly:"true" doc:"The shop's own id of it"`
	Quantity int64  `json:"quantity" minimum:"1"`
}

// RefundOptions says what beside an amount a shop can be told of a refund.
type RefundOptions struct {
	Lines    bool `json:"lines"`
	Delivery bool `json:"delivery"`
	Restock  bool `json:"restock"`
	PayBack  bool `json:"pay_back"`
}

// RefundTaker is an ActionTaker that can be told more of a refund than how much.
type RefundTaker interface {
	RefundOptions() RefundOptions
}

// ActionAnswer is what a shop says of an action.
type ActionAnswer struct {
	State  ActionState
	Reason string        // of a refusal, in the shop's words
	After  time.Duration // of a pending one: when to ask again; 0 if it didn't say
}

// ActionTaker is a shop that does what it is asked to.
type ActionTaker interface {
	// Actions lists the kinds that the connection is set up for.
	Actions() []ActionKind
	// Act asks for an action, or what became of it. The shop does an action once, however often it is asked.
	Act(ctx context.Context, a Action) (ActionAnswer, error)
}
