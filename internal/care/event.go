package care

import "time"

// Event types. The subject of an event is the id of the noun before the dot.
const (
	EventCustomerCreated  = "customer.created"
	EventCustomerUpdated  = "customer.updated"
	EventCustomerMerged   = "customer.merged"
	EventCustomerUnmerged = "customer.unmerged"

	EventCartUpdated   = "cart.updated"
	EventCartAbandoned = "cart.abandoned"
	EventCartRecovered = "cart.recovered"

	EventOrderCreated       = "order.created"
	EventOrderUpdated       = "order.updated"
	EventOrderStatusChanged = "order.status_changed"
	EventOrderCancelled     = "order.cancelled"
	EventOrderCompleted     = "order.completed"

	EventPaymentPending     = "payment.pending"
	EventPaymentAuthorized  = "payment.authorized"
	EventPaymentCaptured    = "payment.captured"
	EventPaymentFailed      = "payment.failed"
	EventPaymentRefunded    = "payment.refunded"
	EventPaymentChargedBack = "payment.charged_back"

	EventShipmentCreated       = "shipment.created"
	EventShipmentStatusChanged = "shipment.status_changed"
	EventShipmentAtPickupPoint = "shipment.at_pickup_point"
	EventShipmentDelivered     = "shipment.delivered"
	EventShipmentException     = "shipment.exception"
	EventShipmentReturning     = "shipment.returning"

	EventReturnRequested = "return.requested"
	EventReturnApproved  = "return.approved"
	EventReturnReceived  = "return.received"
	EventReturnClosed    = "return.closed"

	EventRefundCreated = "refund.created"
	EventRefundSettled = "refund.settled"
	EventRefundFailed  = "refund.failed"

	EventInvoiceIssued    = "invoice.issued"
	EventInvoiceCancelled = "invoice.cancelled"

	EventStockChanged = "stock.changed"
	EventStockOut     = "stock.out"
	EventStockBackIn  = "stock.back_in"

	EventProductCreated  = "product.created"
	EventProductUpdated  = "product.updated"
	EventProductArchived = "product.archived"

	EventConnectionDegraded   = "connection.degraded"
	EventConnectionRestored   = "connection.restored"
	EventConnectionAuthFailed = "connection.auth_failed"

	EventConversationCreated  = "conversation.created"
	EventConversationAssigned = "conversation.assigned"
	EventConversationResolved = "conversation.resolved"
	EventConversationReopened = "conversation.reopened"
	EventConversationSnoozed  = "conversation.snoozed"
	EventMessageReceived      = "message.received" // from a customer
	EventMessageSent          = "message.sent"     // to a customer
	EventNoteAdded            = "message.noted"

	EventInquiryAsked     = "inquiry.asked"
	EventInquiryAnswered  = "inquiry.answered" // the warehouse, or another department, answered a question
	EventInquiryOverdue   = "inquiry.overdue"  // its deadline passed; Level says how often that was told
	EventInquiryCancelled = "inquiry.cancelled"

	EventScriptEnded = "script.ended" // a call script reached one of its ends

	EventStoreCreated = "store.created"
	EventStoreUpdated = "store.updated" // name, calendar, widget or other settings

	EventConnectionCreated = "connection.created"
	EventConnectionUpdated = "connection.updated" // settings, secrets, or paused and resumed
	EventConnectionDeleted = "connection.deleted"

	EventAgentPresence = "agent.presence_changed"

	EventDeliveryChanged = "post.delivery_changed" // of a send

	EventNoticeSent      = "notice.sent" // handed to a channel
	EventNoticeFailed    = "notice.failed"
	EventExceptionRaised = "exception.raised" // something about an order isn't as it should be
	EventExceptionClosed = "exception.closed" // its cause is gone

	EventGoodsDelivered = "goods.delivered" // electronic goods: the customer can have them; Part names those that came together
	EventGoodsShort     = "goods.short"     // they are paid for, and there are none
	EventGoodsWithdrawn = "goods.withdrawn" // taken back with the order's money
	EventKeysLow        = "goods.keys_low"  // few keys are left

	EventTaskCreated   = "task.created"
	EventTaskDone      = "task.done"
	EventTaskEscalated = "task.escalated" // its deadline passed
	EventTaskReopened  = "task.reopened"
)

// OrderEvent is the payload of the order.*, payment.*, shipment.*, return.* and refund.* events: the state before and after.
type OrderEvent struct {
	Order      int64     `json:"order_id"`
	Customer   int64     `json:"customer_id"`
	Connection int64     `json:"connection_id"`
	Number     string    `json:"number"`
	Part       string    `json:"part,omitempty"` // external id of the payment, shipment, return or refund
	Before     OrderAxes `json:"before"`
	After      OrderAxes `json:"after"`
	// Backfill marks what happened before the shop was connected: listeners that tell customers ignore it.
	Backfill bool `json:"backfill,omitempty"`
}

// OrderAxes is where an order stood.
type OrderAxes struct {
	Order      OrderState      `json:"order"`
	Payment    PaymentState    `json:"payment"`
	Fulfilment FulfilmentState `json:"fulfilment"`
	Shipment   ShipmentState   `json:"shipment,omitempty"`
	Stage      Stage           `json:"stage"`
	RawStatus  string          `json:"raw_status,omitempty"`
}

// StockEvent is the payload of stock.*; quantities are what can be sold.
type StockEvent struct {
	Variant  int64 `json:"variant_id"`
	Location int64 `json:"location_id"`
	Before   int64 `json:"before"`
	After    int64 `json:"after"`
	// Total is what can be sold over all locations: stock.out and stock.back_in go by it.
	Total    int64 `json:"total"`
	Backfill bool  `json:"backfill,omitempty"`
}

// MessageEvent is the payload of message.*.
type MessageEvent struct {
	Conversation int64  `json:"conversation_id"`
	Customer     int64  `json:"customer_id"`
	Channel      string `json:"channel"`
	Seq          int64  `json:"seq"`
}

// ConversationEvent is the payload of conversation.*.
type ConversationEvent struct {
	Conversation int64  `json:"conversation_id"`
	Customer     int64  `json:"customer_id"`
	Channel      string `json:"channel"`
	Queue        int64  `json:"queue_id"`
	Assignee     int64  `json:"assignee_id"`
	Status       string `json:"status"`
}

// ConnectionEvent is the payload of connection.*.
type ConnectionEvent struct {
	Connection int64  `json:"connection_id"`
	Plug       string `json:"plug"`
	Reason     string `json:"reason,omitempty"`
}

// MergeEvent is the payload of customer.merged and customer.unmerged. Rows of other rooms needn't move: a merged customer points at the one it became part of.
type MergeEvent struct {
	Merge  int64 `json:"merge_id"`
	Winner int64 `json:"winner_id"`
	Loser  int64 `json:"loser_id"`
}

// CartEvent is the payload of cart.*.
type CartEvent struct {
	Cart       int64 `json:"cart_id"`
	Customer   int64 `json:"customer_id"`
	Connection int64 `json:"connection_id"`
	Total      Money `json:"total"`
	Backfill   bool  `json:"backfill,omitempty"`
}

// ProductEvent is the payload of product.*.
type ProductEvent struct {
	Product    int64  `json:"product_id"`
	Connection int64  `json:"connection_id"`
	Name       string `json:"name"`
	Backfill   bool   `json:"backfill,omitempty"`
}

// InvoiceEvent is the payload of invoice.*.
type InvoiceEvent struct {
	Order    int64  `json:"order_id"`
	Customer int64  `json:"customer_id"`
	Number   string `json:"number"`
	Total    Money  `json:"total"`
	URL      string `json:"url,omitempty"`
	Backfill bool   `json:"backfill,omitempty"`
}

// CustomerEvent is the payload of customer.created and customer.updated.
type CustomerEvent struct {
	Name     string `json:"name"`
	Language string `json:"language,omitempty"`
}

// PresenceEvent is the payload of agent.presence_changed; there is one event for each store of the agent.
type PresenceEvent struct {
	Agent  int64  `json:"agent_id"`
	Before string `json:"before"`
	State  string `json:"state"`
}

// DeliveryEvent is the payload of post.delivery_changed; its subject is the send.
type DeliveryEvent struct {
	Kind       string `json:"kind"` // of what was sent: message, notice, ...
	Ref        int64  `json:"ref"`  // its id
	Channel    string `json:"channel"`
	Connection int64  `json:"connection_id"`
	// State is a DeliveryState, or cancelled, or unknown: the program died between handing it over and the answer.
	State  string `json:"state"`
	Code   string `json:"code,omitempty"` // delivery.<code>
	Detail string `json:"detail,omitempty"`
}

// NoticeEvent is the payload of notice.*.
type NoticeEvent struct {
	Notice   int64  `json:"notice_id"`
	Key      string `json:"key"` // of the policy's notice
	Order    int64  `json:"order_id"`
	Customer int64  `json:"customer_id"`
	Channel  string `json:"channel"`
	Reason   string `json:"reason,omitempty"`
}

// ExceptionKind names what can be wrong with an order.
type ExceptionKind string

const (
	ExceptionPaymentMissing    ExceptionKind = "payment_missing"
	ExceptionReservationFailed ExceptionKind = "reservation_failed" // the goods aren't there after the order was taken
	ExceptionNotConfirmed      ExceptionKind = "not_confirmed"
	ExceptionNotShipped        ExceptionKind = "not_shipped" // by the time that was promised
	ExceptionParcelStuck       ExceptionKind = "parcel_stuck"
	ExceptionAttemptFailed     ExceptionKind = "attempt_failed"
	ExceptionParcelTrouble     ExceptionKind = "parcel_trouble" // lost, damaged, held
	ExceptionStorageEnding     ExceptionKind = "storage_ending" // it waits at the point and is soon sent back
	ExceptionRefundOverdue     ExceptionKind = "refund_overdue"
	ExceptionGoodsMissing      ExceptionKind = "goods_missing" // electronic goods that are paid for, and there are none
)

// ExceptionEvent is the payload of exception.*. Work says what is to be made of it: a task for the department, a callback, or nothing;
// a callback is only asked for where the customer may be called.
type ExceptionEvent struct {
	Exception  int64         `json:"exception_id"`
	Kind       ExceptionKind `json:"kind"`
	Order      int64         `json:"order_id"`
	Customer   int64         `json:"customer_id"`
	Connection int64         `json:"connection_id"`
	Number     string        `json:"number"`
	Part       string        `json:"part,omitempty"` // external id of the parcel or refund
	Work       string        `json:"work"`           // task, callback, none
	Department int64         `json:"department_id"`
	Deadline   time.Time     `json:"deadline_at"`       // of the work
	Told       bool          `json:"told"`              // the customer is told by a notice
	NoCall     bool          `json:"no_call,omitempty"` // he doesn't want to be rung, or not about this order
}

// KeysEvent is the payload of goods.keys_low; its subject are the goods.
type KeysEvent struct {
	Goods   int64 `json:"goods_id"`
	Variant int64 `json:"variant_id"`
	Free    int64 `json:"free"`
}

// What is made of an exception.
const (
	WorkTask     = "task"
	WorkCallback = "callback"
	WorkNone     = "none"
)

// TaskEvent is the payload of task.*.
type TaskEvent struct {
	Task       int64  `json:"task_id"`
	Kind       string `json:"kind"`
	Order      int64  `json:"order_id"`
	Customer   int64  `json:"customer_id"`
	Department int64  `json:"department_id"`
	Assignee   int64  `json:"assignee_id"`
}

// The telephone's events. A call's and a callback's row hold the rest.
const (
	EventCallStarted   = "call.started"   // it rings in, or we ring out
	EventCallQueued    = "call.queued"    // it waits for an agent
	EventCallOffered   = "call.offered"   // to an agent
	EventCallAnswered  = "call.answered"  // an agent talks with the customer
	EventCallHeld      = "call.held"      // or resumed: State says which
	EventCallMoved     = "call.moved"     // to another agent, queue or number
	EventCallEnded     = "call.ended"     // with its result
	EventCallAbandoned = "call.abandoned" // the caller hung up before anybody answered
	EventCallMissed    = "call.missed"    // nobody could answer: closed, or the queue was full
	EventCallDropped   = "call.dropped"   // it broke off: by the network, or the node that held it is gone
	EventCallVoicemail = "call.voicemail" // the caller left a message
	EventCallRecorded  = "call.recorded"  // its recording is kept
	EventCallRecording = "call.recording" // its recording began, paused, went on, ended, was deleted or lost: State says which
	EventCallWrapped   = "call.wrapped"   // the agent said what came of it

	EventCallbackCreated   = "callback.created"
	EventCallbackMerged    = "callback.merged" // another reason for a call that is owed already
	EventCallbackMoved     = "callback.moved"  // to another time, by a person
	EventCallbackTried     = "callback.tried"  // an attempt ended; Result says how
	EventCallbackLate      = "callback.late"   // the promised time passed; Reason says why
	EventCallbackDone      = "callback.done"
	EventCallbackDeclined  = "callback.declined"  // the customer doesn't want it, or can't be rung
	EventCallbackWritten   = "callback.written"   // the customer prefers to be written to: whoever listens writes
	EventCallbackExpired   = "callback.expired"   // its time ran out: whoever listens tells the customer in writing
	EventCallbackCancelled = "callback.cancelled" // by a person

	EventStockTold = "subscription.told" // a customer who wished to be written to: what he waited for is there; whoever listens writes

)

// CallEvent is the payload of call.*.
type CallEvent struct {
	Call         int64  `json:"call_id"`
	Direction    string `json:"direction"` // in, out
	Number       string `json:"number"`    // the customer's
	Customer     int64  `json:"customer_id"`
	Conversation int64  `json:"conversation_id"`
	Queue        int64  `json:"queue_id"`
	Agent        int64  `json:"agent_id"`
	Callback     int64  `json:"callback_id,omitempty"`
	State        string `json:"state"`
	Result       string `json:"result,omitempty"`
	WaitMS       int64  `json:"wait_ms,omitempty"` // in the queue
	TalkMS       int64  `json:"talk_ms,omitempty"`
	HoldMS       int64  `json:"hold_ms,omitempty"`
	WrapMS       int64  `json:"wrap_ms,omitempty"`
}

// RecordingEvent is the payload of call.recording and call.recorded.
type RecordingEvent struct {
	Call      int64  `json:"call_id"`
	Recording int64  `json:"recording_id"`
	State     string `json:"state"`           // recording, paused, ended, stored, deleted, lost
	AtMS      int64  `json:"at_ms,omitempty"` // where in the recording
}

// CallbackEvent is the payload of callback.*.
type CallbackEvent struct {
	Callback     int64    `json:"callback_id"`
	Customer     int64    `json:"customer_id"`
	Conversation int64    `json:"conversation_id"`
	Number       string   `json:"number"`
	Language     string   `json:"language"`
	Triggers     []string `json:"triggers"` // why the call is owed
	State        string   `json:"state"`
	Reason       string   `json:"reason"`
	Result       string   `json:"result,omitempty"`
	Attempts     int64    `json:"attempts"`
	Agent        int64    `json:"agent_id,omitempty"`
	Call         int64    `json:"call_id,omitempty"`
}

// ScriptEvent is the payload of script.ended: what a walk through a call script came to. What it was about is 0 where it was about none.
type ScriptEvent struct {
	Run          int64  `json:"run_id"`
	Script       int64  `json:"script_id"`
	Customer     int64  `json:"customer_id"`
	Order        int64  `json:"order_id"`
	Conversation int64  `json:"conversation_id"`
	Call         int64  `json:"call_id"`
	Callback     int64  `json:"callback_id"`
	Outcome      string `json:"outcome"`
}

// InquiryEvent is the payload of inquiry.*; its subject is the inquiry.
type InquiryEvent struct {
	Inquiry      int64  `json:"inquiry_id"`
	Conversation int64  `json:"conversation_id"`
	Customer     int64  `json:"customer_id"`
	Order        int64  `json:"order_id"`
	Variant      int64  `json:"variant_id"`
	Agent        int64  `json:"agent_id"` // who asked
	Department   string `json:"department"`
	Question     string `json:"question"`
	Verdict      string `json:"verdict"` // yes, no, later, other
	Answer       string `json:"answer"`
	Quantity     int64  `json:"quantity,omitempty"`
	ExpectedOn   string `json:"expected_on,omitempty"`
	Level        int64  `json:"level"`
	// Call asks for a callback with the answer; false: the answer is sent as a message.
	Call bool `json:"call"`
}

// SubscriptionEvent is the payload of subscription.told; its subject is the subscription.
type SubscriptionEvent struct {
	Subscription int64  `json:"subscription_id"`
	Variant      int64  `json:"variant_id"`
	Customer     int64  `json:"customer_id"`
	Quantity     int64  `json:"quantity"`
	Number       string `json:"number"`
	Language     string `json:"language"`
}
