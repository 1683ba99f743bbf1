// Package find owns the index by which anything is found by any of its keys: customers, orders,
// conversations and products by number, phone, e-mail, tracking number, SKU or name, in any
// alphabet and with slips. The rooms put their things in, in the transaction of each change; it never reads theirs, and
// never decides who may see what: callers say which stores and kinds they may.
package find

import "opeka/internal/db"

// Kind is what a thing is.
type Kind string

const (
	Customer     Kind = "customer"
	Order        Kind = "order"
	Conversation Kind = "conversation"
	Product      Kind = "product"
	Shipment     Kind = "shipment"
)

// Kinds lists all that there are.
var Kinds = []Kind{Customer, Order, Conversation, Product, Shipment}

// The numbers of the kinds in the tables.
var kindNumbers = map[Kind]int64{Customer: 1, Order: 2, Conversation: 3, Product: 4, Shipment: 5}

var allKinds = []int64{1, 2, 3, 4, 5}

var kindsByNumber = map[int64]Kind{1: Customer, 2: Order, 3: Conversation, 4: Product, 5: Shipment}

// Entry is what a hit shows of a thing, and all that the thing is found by. Values go in as people write them.
type Entry struct {
	Title, Subtitle        string
	Customer, Conversation int64 // to open with the thing; 0: none

	Names    []string // of persons, products, subjects: every word of them
	Phones   []string // E.164 or as they were written
	Emails   []string
	Numbers  []string // of orders, conversations
	Tracking []string
	Codes    []string // SKU, barcode

	// Recency puts newer things first, to the day: a change within a day costs no keys.
	Recency db.Time
}

// Thing is an entry with what it is about.
type Thing struct {
	Store int64
	Kind  Kind
	Ref   int64
	Entry
}

// Hit is a thing that was found, and by what.
type Hit struct {
	Store        int64
	Kind         Kind
	ID           int64
	Title        string
	Subtitle     string
	Matched      string // phone, name, email, number, tracking, sku
	Customer     int64
	Conversation int64
	Recency      db.Time
}

// Within is a store that is searched, and the kinds that are looked for there.
type Within struct {
	Store int64
	Kinds []Kind
}

// Finder is the room.
type Finder struct {
	db      *db.DB
	known   *known
	sources []Source
}

// New makes the room.
func New(d *db.DB) *Finder { return &Finder{db: d, known: newKnown()} }
