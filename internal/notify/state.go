package notify

import (
	"time"

	"opeka/internal/cal"
	"opeka/internal/care"
)

// State is all that a decision looks at, as it stands at one moment. Everything in Facts can be named in a condition and, in another
// dress, in a template.
type State struct {
	Facts
	Store   StoreFacts
	Trigger Trigger
	// Told is what this order's customer has been told or is about to be: by once-only key.
	Told map[string]Told
	// Recent are the times of what went to this customer lately, over all of his orders, by channel: for the caps.
	Recent map[string][]time.Time
	// Reach says by which channels the customer can be written to, and why not by the others.
	Reach map[string]Reach
	// Preferred is the channel that he likes best, if he said.
	Preferred string
	// Quiet are his own quiet hours, in the store's zone; nil if he has none.
	Quiet *cal.Quiet
}

// Trigger is what has just happened.
type Trigger struct {
	Event    string // of package care, or exception.<kind>
	Part     string // external id of the parcel, payment, refund or return
	Backfill bool
}

// Told is something already said about an order.
type Told struct {
	Moment  string
	Part    string
	Channel string // by which, as far as is known
	At      time.Time
}

// Reach is whether a channel leads to the customer.
type Reach struct {
	Address string
	Thread  string // the channel's own key of an exchange that exists
	// Why it doesn't: no_address, not_connected, opted_out, suppressed; empty when it does.
	Why string
	// Reports tells that the channel says whether a message was delivered: without that, waiting for it would mean writing twice.
	Reports bool
}

// StoreFacts are what the wording and the clock of a store need.
type StoreFacts struct {
	ID       int64
	Name     string
	Language string
	Color    string
	Zone     *time.Location
	Calendar *cal.Calendar // opening hours; nil: always open
	URL      string
	Phone    string
	// ConnectedAt is when the shop was connected: what was wrong with its orders before is for nobody to hear of now.
	ConnectedAt time.Time
}

// Facts are what conditions see.
type Facts struct {
	Order    OrderFacts    `expr:"order"`
	Customer CustomerFacts `expr:"customer"`
	Stock    StockFacts    `expr:"stock"`
	Shipment ShipmentFacts `expr:"shipment"` // the parcel in question
	Payment  PaymentFacts  `expr:"payment"`
	Refund   RefundFacts   `expr:"refund"`
	Goods    GoodsFacts    `expr:"goods"` // electronic ones

	// Parts that the facts above are chosen from.
	Shipments []ShipmentFacts `expr:"shipments"`
	Refunds   []RefundFacts   `expr:"refunds"`
	Returns   []ReturnFacts   `expr:"returns"`
}

// OrderFacts is an order as conditions and templates know it.
type OrderFacts struct {
	ID         int64             `expr:"-"`
	Connection int64             `expr:"-"`
	Number     string            `expr:"number"`
	Stage      string            `expr:"stage"`
	State      string            `expr:"state"`
	PaymentAs  string            `expr:"payment"`
	Fulfilment string            `expr:"fulfilment"`
	Status     string            `expr:"status"` // as the shop names it
	Currency   string            `expr:"currency"`
	Total      float64           `expr:"total"` // in whole units
	Items      int               `expr:"items"`
	PayMethod  string            `expr:"pay_method"`
	ShipMethod string            `expr:"ship_method"`
	Country    string            `expr:"country"`
	City       string            `expr:"city"`
	Tags       []string          `expr:"tags"`
	Custom     map[string]string `expr:"custom"`
	DoNotCall  bool              `expr:"do_not_call"`
	Pickup     bool              `expr:"pickup"` // he fetches it himself
	Weekday    string            `expr:"weekday"`
	PlacedAt   time.Time         `expr:"placed_at"`
	PromisedAt time.Time         `expr:"promised_at"`
	ChangedAt  time.Time         `expr:"changed_at"` // when it came to its state, as far as is known
	Money      care.Money        `expr:"-"`
	Lines      []LineFacts       `expr:"lines"`
	Deleted    bool              `expr:"deleted"`
	OwedSince  time.Time         `expr:"-"` // since when its money was to be given back, as first seen
}

// LineFacts is a line of the order.
type LineFacts struct {
	Name     string `expr:"name"`
	SKU      string `expr:"sku"`
	Quantity int    `expr:"quantity"`
	// Electronic lines are given as soon as they are paid for.
	Electronic bool       `expr:"electronic"`
	Total      care.Money `expr:"-"`
}

// CustomerFacts is whom it is about.
type CustomerFacts struct {
	ID         int64  `expr:"-"`
	Name       string `expr:"name"`
	FirstName  string `expr:"first_name"`
	Language   string `expr:"language"`
	DoNotCall  bool   `expr:"do_not_call"`
	Orders     int    `expr:"orders"`      // so far, this one included
	OpenOrders int    `expr:"open_orders"` // under way
}

// Reservation is whether the goods of an order are put aside for it.
type Reservation = string // of the same type as a word in a condition

const (
	ReservationHeld    Reservation = "held"
	ReservationShort   Reservation = "short"   // there are fewer than were sold
	ReservationWaiting Reservation = "waiting" // the shop hasn't told since the order was placed
	ReservationUnknown Reservation = "unknown" // the shop doesn't tell of the stock of these goods
)

// StockFacts is what is known of the goods of the order.
type StockFacts struct {
	Reservation Reservation `expr:"reservation"`
	Held        bool        `expr:"held"`
	Missing     []string    `expr:"missing"` // names of what isn't there
}

// ShipmentFacts is one parcel. An order whose shop tells no parcels has one without an ID once it is shipped.
type ShipmentFacts struct {
	ID          string    `expr:"-"` // external
	Number      string    `expr:"number"`
	Carrier     string    `expr:"carrier"`
	TrackingURL string    `expr:"tracking_url"`
	State       string    `expr:"state"`
	Early       bool      `expr:"early"` // it arrived a day or more before the promised date
	ETA         time.Time `expr:"eta"`
	MovedAt     time.Time `expr:"moved_at"`
	ArrivedAt   time.Time `expr:"arrived_at"` // at the pickup point
	KeptUntil   time.Time `expr:"kept_until"` // at the pickup point
	Place       string    `expr:"place"`
	Point       PointFacts
}

// PointFacts is a pickup point; what the directory doesn't know is empty.
type PointFacts struct {
	Name    string
	Address string
	Route   string
	Hours   string
	Phone   string
	Notice  string
}

// PaymentFacts sums up the money.
type PaymentFacts struct {
	State             string    `expr:"state"`
	Prepaid           bool      `expr:"prepaid"` // received, in whole or part, before the goods are handed out
	MinutesAfterOrder int       `expr:"minutes_after_order"`
	Paid              float64   `expr:"paid"`
	At                time.Time `expr:"at"`
	Received          care.Money
	Error             string
}

// RefundFacts is money going back.
type RefundFacts struct {
	ID      string    `expr:"-"`
	State   string    `expr:"state"`
	Amount  float64   `expr:"amount"`
	At      time.Time `expr:"at"`
	Money   care.Money
	Whole   bool   `expr:"whole"`
	Account string `expr:"-"`
}

// GoodsFacts is what of the order is delivered electronically.
type GoodsFacts struct {
	Count   int         `expr:"count"`   // pieces that the customer can have
	Missing bool        `expr:"missing"` // some are paid for, and there are none
	All     bool        `expr:"all"`     // nothing of the order goes by parcel
	Items   []GoodsItem `expr:"-"`
	Link    string      `expr:"-"` // to the customer's page
}

// GoodsItem is one piece.
type GoodsItem struct {
	Batch        string // those that came together
	Name         string
	State        string // as internal/digital says
	Key          string // its place in the words: the key itself is put in when they go out
	Instructions string
	At           time.Time // when it was given, or found short
}

// States of a piece that matter here.
const (
	goodsDelivered = "delivered"
	goodsShort     = "short"
	goodsFailed    = "failed"
)

// ReturnFacts is goods coming back.
type ReturnFacts struct {
	ID    string    `expr:"-"`
	State string    `expr:"state"`
	At    time.Time `expr:"at"`
}

// stage is the order's stage as the language knows it.
func (s *State) stage() care.Stage { return care.Stage(s.Order.Stage) }

// about returns the facts as they look from one part: its parcel or refund in the foreground.
func (f Facts) about(kind, part string) Facts {
	switch kind {
	case partShipment:
		for _, s := range f.Shipments {
			if s.ID == part {
				f.Shipment = s
			}
		}
	case partRefund:
		for _, r := range f.Refunds {
			if r.ID == part {
				f.Refund = r
			}
		}
	case partGoods:
		var own []GoodsItem
		for _, i := range f.Goods.Items {
			if i.Batch == part && i.State == goodsDelivered {
				own = append(own, i)
			}
		}
		f.Goods.Items = own
	}
	return f
}
