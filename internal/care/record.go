package care

import "time"

// RecordKind names what a shop keeps; with the connection and the external id it is the key of a record.
type RecordKind string

const (
	KindCustomer RecordKind = "customer"
	KindProduct  RecordKind = "product" // with its variants
	KindStock    RecordKind = "stock"   // one level: external id is "variant@location"
	KindLocation RecordKind = "location"
	KindPickup   RecordKind = "pickup_point"
	KindCart     RecordKind = "cart"
	KindOrder    RecordKind = "order" // with lines, payments, shipments, refunds, returns and history
	KindInvoice  RecordKind = "invoice"
)

// Record is one thing as the shop now has it. Data is the struct of its kind (ShopOrder, ShopProduct, ...) or nil when Deleted.
// Records are whole snapshots from a plug; the generic API merges partial ones before they become a Record.
type Record struct {
	Kind       RecordKind
	ExternalID string
	UpdatedAt  time.Time // the shop's time of change, UTC; zero if it tells none
	Deleted    bool
	Data       any
	Raw        []byte // what the shop sent, for "show the original"; at most 256 KiB, may be nil
}

// ShopCustomer is an account or the person behind a guest order.
type ShopCustomer struct {
	Name      string    `json:"name"`
	FirstName string    `json:"first_name,omitempty"`
	LastName  string    `json:"last_name,omitempty"`
	Emails    []string  `json:"emails,omitempty"`
	Phones    []string  `json:"phones,omitempty"` // as the shop has them; country tells how to read national ones
	Country   string    `json:"country,omitempty"`
	Language  string    `json:"language,omitempty"`
	Birthday  string    `json:"birthday,omitempty"` // YYYY-MM-DD
	Groups    []string  `json:"groups,omitempty"`
	Addresses []Address `json:"addresses,omitempty"`
	Guest     bool      `json:"guest,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Address is where something goes, or who pays.
type Address struct {
	Name     string `json:"name,omitempty"`
	Company  string `json:"company,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Email    string `json:"email,omitempty"`
	Line1    string `json:"line1,omitempty"`
	Line2    string `json:"line2,omitempty"`
	City     string `json:"city,omitempty"`
	Region   string `json:"region,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"country,omitempty"`
}

// ShopProduct is a product with all of its variants; a simple product has one, with an empty name.
type ShopProduct struct {
	Name       string        `json:"name"`
	URL        string        `json:"url,omitempty"`
	ImageURL   string        `json:"image_url,omitempty"`
	Categories []string      `json:"categories,omitempty"`
	Archived   bool          `json:"archived,omitempty"` // draft, hidden or no longer sold
	Virtual    bool          `json:"virtual,omitempty"`
	Variants   []ShopVariant `json:"variants"`
}

// ShopVariant is what is bought: one SKU. Stock given here is that of the connection's default
// location; shops with several locations send KindStock records instead and leave Stock nil.
type ShopVariant struct {
	ExternalID string            `json:"external_id"`
	SKU        string            `json:"sku,omitempty"`
	Barcode    string            `json:"barcode,omitempty"`
	Name       string            `json:"name,omitempty"`
	Options    map[string]string `json:"options,omitempty"`
	Price      Money             `json:"price"`
	OldPrice   *Money            `json:"old_price,omitempty"` // before a sale
	Backorder  bool              `json:"backorder,omitempty"`
	Untracked  bool              `json:"untracked,omitempty"` // the shop doesn't count it
	Stock      *ShopStock        `json:"stock,omitempty"`
}

// ShopStock is the stock of a variant at a location, in pieces. Available is on hand less reserved unless the shop says otherwise.
type ShopStock struct {
	Variant    string    `json:"variant"`            // external id of the variant, or its SKU
	Location   string    `json:"location,omitempty"` // external id; empty: the default location
	OnHand     int64     `json:"on_hand"`
	Reserved   int64     `json:"reserved"`
	Available  *int64    `json:"available,omitempty"`
	Incoming   int64     `json:"incoming"`
	IncomingAt time.Time `json:"incoming_at,omitzero"`
}

// ShopLocation is a place that holds stock.
type ShopLocation struct {
	Name    string  `json:"name"`
	Address Address `json:"address,omitzero"`
	Default bool    `json:"default,omitempty"`
}

// ShopPickupPoint is a place where customers fetch orders.
type ShopPickupPoint struct {
	Name     string  `json:"name"`
	Address  Address `json:"address,omitzero"`
	Phone    string  `json:"phone,omitempty"`
	Hours    string  `json:"hours,omitempty"`
	Route    string  `json:"route,omitempty"`
	Lat      float64 `json:"lat,omitempty"`
	Lon      float64 `json:"lon,omitempty"`
	Notice   string  `json:"notice,omitempty"`
	Location string  `json:"location,omitempty"` // external id of the stock location it is, if it is one
}

// ShopCart is a cart that may yet become an order.
type ShopCart struct {
	Customer  CustomerRef `json:"customer,omitzero"`
	Lines     []ShopLine  `json:"lines"`
	Total     Money       `json:"total"`
	URL       string      `json:"url,omitempty"`
	Order     string      `json:"order,omitempty"` // external id of the order that it became
	UpdatedAt time.Time   `json:"updated_at,omitzero"`
}

// CustomerRef is what a record tells of the person whom it concerns; any of it may be missing.
type CustomerRef struct {
	ExternalID string `json:"external_id,omitempty"`
	Name       string `json:"name,omitempty"`
	Email      string `json:"email,omitempty"`
	Phone      string `json:"phone,omitempty"`
	Visitor    string `json:"visitor,omitempty"` // the widget's visitor id
	Language   string `json:"language,omitempty"`
}

// ShopOrder is an order with its whole course.
type ShopOrder struct {
	Number    string      `json:"number"`
	URL       string      `json:"url,omitempty"` // in the shop's back office
	Customer  CustomerRef `json:"customer"`
	RawStatus string      `json:"status"` // as the shop names it; the connection's map turns it into the axes
	// The axes as the plug read them. An empty one is taken from the status map, then from the parts below.
	Order      OrderState      `json:"order_state,omitempty"`
	Payment    PaymentState    `json:"payment_state,omitempty"`
	Fulfilment FulfilmentState `json:"fulfilment_state,omitempty"`

	Currency   string            `json:"currency"`
	Total      Money             `json:"total"`
	Shipping   Money             `json:"shipping_total,omitzero"`
	Discount   Money             `json:"discount_total,omitzero"`
	Tax        Money             `json:"tax_total,omitzero"`
	Lines      []ShopLine        `json:"lines"`
	Payments   []ShopPayment     `json:"payments,omitempty"`
	Shipments  []ShopShipment    `json:"shipments,omitempty"`
	Refunds    []ShopRefund      `json:"refunds,omitempty"`
	Returns    []ShopReturn      `json:"returns,omitempty"`
	History    []ShopHistory     `json:"history,omitempty"`
	ShipTo     Address           `json:"shipping_address,omitzero"`
	BillTo     Address           `json:"billing_address,omitzero"`
	ShipMethod string            `json:"shipping_method,omitempty"`
	PayMethod  string            `json:"payment_method,omitempty"`
	Note       string            `json:"note,omitempty"` // of the customer
	PickupID   string            `json:"pickup_point,omitempty"`
	PlacedAt   time.Time         `json:"placed_at,omitzero"`
	PromisedAt time.Time         `json:"promised_at,omitzero"`
	Tags       []string          `json:"tags,omitempty"`
	Custom     map[string]string `json:"custom,omitempty"`
}

// ShopLine is a line of an order or cart. Total is after discounts, with tax.
type ShopLine struct {
	ExternalID string `json:"external_id,omitempty"`
	Variant    string `json:"variant,omitempty"` // external id, may be unknown
	SKU        string `json:"sku,omitempty"`
	Name       string `json:"name"`
	Quantity   int64  `json:"quantity"`
	Price      Money  `json:"price"`
	Total      Money  `json:"total"`
}

// ShopPayment is one payment with its course.
type ShopPayment struct {
	ExternalID string       `json:"external_id,omitempty"`
	Method     string       `json:"method,omitempty"`
	State      PaymentState `json:"state"`
	Amount     Money        `json:"amount"`
	Reference  string       `json:"reference,omitempty"` // of the gateway
	Error      string       `json:"error,omitempty"`
	At         time.Time    `json:"at,omitzero"`
	// Course is what the shop or gateway tells of how it came to its state, if it does; states met are kept anyway.
	Course []ShopPaymentStep `json:"course,omitempty"`
}

// ShopPaymentStep is one state that a payment went through.
type ShopPaymentStep struct {
	State PaymentState `json:"state"`
	At    time.Time    `json:"at"`
	Note  string       `json:"note,omitempty"`
}

// ShopShipment is one parcel.
type ShopShipment struct {
	ExternalID  string           `json:"external_id,omitempty"`
	Carrier     string           `json:"carrier,omitempty"`
	Tracking    string           `json:"tracking_number,omitempty"`
	TrackingURL string           `json:"tracking_url,omitempty"`
	State       ShipmentState    `json:"state"`
	PickupPoint string           `json:"pickup_point,omitempty"`
	ETA         time.Time        `json:"eta_at,omitzero"`
	ShippedAt   time.Time        `json:"shipped_at,omitzero"`
	Checkpoints []ShopCheckpoint `json:"checkpoints,omitempty"`
}

// ShopCheckpoint is one step of a parcel.
type ShopCheckpoint struct {
	At    time.Time     `json:"at"`
	State ShipmentState `json:"state"`
	Text  string        `json:"text,omitempty"`
	Place string        `json:"place,omitempty"`
}

// ShopRefund is money given back. Settled tells whether it has gone out.
type ShopRefund struct {
	ExternalID string    `json:"external_id"`
	Amount     Money     `json:"amount"`
	Reason     string    `json:"reason,omitempty"`
	Settled    bool      `json:"settled"`
	Failed     bool      `json:"failed,omitempty"`
	At         time.Time `json:"at,omitzero"`
}

// ShopReturn is goods given back.
type ShopReturn struct {
	ExternalID string      `json:"external_id"`
	State      ReturnState `json:"state"`
	Reason     string      `json:"reason,omitempty"`
	At         time.Time   `json:"at,omitzero"`
}

// ShopHistory is a line of the shop's own journal of the order: a status change or a note.
type ShopHistory struct {
	ExternalID string    `json:"external_id,omitempty"`
	At         time.Time `json:"at"`
	Status     string    `json:"status,omitempty"` // raw, when the line is a change of status
	Text       string    `json:"text,omitempty"`
	Author     string    `json:"author,omitempty"`
	ToCustomer bool      `json:"to_customer,omitempty"`
}

// ShopInvoice is a bill or a credit note.
type ShopInvoice struct {
	Number    string    `json:"number"`
	Order     string    `json:"order"` // external id
	Total     Money     `json:"total"`
	URL       string    `json:"url,omitempty"`
	Cancelled bool      `json:"cancelled,omitempty"`
	IssuedAt  time.Time `json:"issued_at,omitzero"`
}
