// Package customer owns the customers of the stores: by what they are recognised, which of them are one
// person, what they allow, how they want to be reached, and the timeline of all that happened with them.
// It never decides about their orders or conversations, and nobody else writes its tables.
package customer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"opeka/internal/care"
	"opeka/internal/customer/query"
	"opeka/internal/db"
	"opeka/internal/find"
)

// Bus carries hints to open screens after a commit.
type Bus interface {
	Publish(topic string, data []byte)
}

// Index is where a customer can be found by anything: find.Finder. It runs in the transaction of the change.
type Index interface {
	Put(ctx context.Context, tx *db.Tx, store int64, kind find.Kind, ref int64, e find.Entry) error
	Add(tx *db.Tx, t find.Thing) error
	Rehome(tx *db.Tx, store int64, kind find.Kind, refs []int64, customer int64)
	Remove(ctx context.Context, tx *db.Tx, store int64, kind find.Kind, ref int64) error
}

// Customers is the room.
type Customers struct {
	db    *db.DB
	bus   Bus
	index Index
}

// New makes the room; bus and index may be nil.
func New(d *db.DB, bus Bus, index Index) *Customers {
	return &Customers{db: d, bus: bus, index: index}
}

// Hint is what a channel or shop tells of a customer beside the identities.
type Hint struct {
	Name     string
	Language string
	Birthday string
	// Vouched tells that the identities come from a shop's records: those that aren't verified count as vouched for, not merely claimed.
	Vouched bool
	// Unread tells that the caller reads nothing of the customer before the commit: then a new one is written with it, in the same round trip.
	Unread bool
	// Stranger tells that AskUnknown has just said so: nothing is asked any more, and all is written with the commit, which fails (db.Conflicts)
	// when somebody else has made the customer in the meantime.
	Stranger bool
}

// Who gave a customer's name; a later one wins over an earlier one.
var namers = map[string]int{"": 0, "hint": 1, "shop": 2, "agent": 3}

const maxName = 200

// Recognised is whom identities belong to.
type Recognised struct {
	// Customer is who is meant: the one that the found one has been merged into, if it has.
	Customer int64
	// Owner holds the identity by which he was recognised: Customer himself, or a part of him. Rows of other rooms belong to the
	// owner, so that they are where they belong when the merge is undone.
	Owner   int64
	Created bool
}

// Resolve finds the customer whom the identities belong to, as Recognise does.
func (c *Customers) Resolve(ctx context.Context, tx *db.Tx, store int64, ids []care.Identity, h Hint) (id int64, created bool, err error) {
	r, err := c.Recognise(ctx, tx, store, ids, h)
	return r.Customer, r.Created, err
}

// Recognise finds the customer whom the identities belong to, by the rules of decide, or makes one. What is
// new among the identities is attached.
func (c *Customers) Recognise(ctx context.Context, tx *db.Tx, store int64, ids []care.Identity, h Hint) (Recognised, error) {
	given := claimsOf(ids, h.Vouched)
	q := query.New(tx)
	if h.Stranger {
		id := tx.ID()
		for _, g := range given {
			tx.Defer(insertIdentity, tx.ID(), store, id, string(g.Kind), g.Value, g.Display, int64(g.Trust), db.At(tx.Now))
		}
		return Recognised{id, id, true}, c.create(ctx, tx, q, store, id, h, given)
	}
	alone := false
	for range 4 {
		holders, err := holdersOf(ctx, q, store, given)
		if err != nil {
			return Recognised{}, err
		}
		p := decide(given, holders)
		if p.Found == 0 {
			// Proven identities have one holder, an index sees to it. Of what isn't proven two changes might each make a customer.
			if names := unproven(store, given); len(names) > 0 && !alone {
				alone = true
				switch again, err := tx.Alone(ctx, names...); {
				case err != nil:
					return Recognised{}, err
				case again:
					continue
				}
			}
			id := tx.ID()
			taken, err := c.attach(ctx, tx, q, store, id, p)
			if err != nil {
				return Recognised{}, err
			}
			if taken { // another transaction has just made this customer: look again
				if err := q.RemoveIdentitiesOf(ctx, id); err != nil {
					return Recognised{}, err
				}
				continue
			}
			return Recognised{id, id, true}, c.create(ctx, tx, q, store, id, h, p.Attach)
		}
		for _, loser := range p.Merge {
			if _, err := c.merge(ctx, tx, q, p.Found, loser, true, p.Reason); err != nil {
				return Recognised{}, err
			}
		}
		taken, err := c.attach(ctx, tx, q, store, p.Owner, p)
		if err != nil {
			return Recognised{}, err
		}
		if taken {
			continue
		}
		return Recognised{p.Found, p.Owner, false}, c.learn(ctx, tx, q, p, h)
	}
	return Recognised{}, errors.New("customer: identities kept changing hands")
}

// AskUnknown asks whether nobody holds any of the identities; it asks nothing unless all of them are proven, for then the index on
// proven ones alone keeps two changes from making the same customer.
func (c *Customers) AskUnknown(unknown *bool, store int64, ids []care.Identity) []db.Ask {
	*unknown = false
	given := claimsOf(ids, false)
	if len(given) == 0 || len(unproven(store, given)) > 0 {
		return nil
	}
	values := make([]string, len(given))
	for n, g := range given {
		values[n] = g.Value
	}
	return []db.Ask{db.AskRow(func(row interface{ Scan(...any) error }) error { return row.Scan(unknown) },
		`SELECT NOT EXISTS (SELECT 1 FROM identities WHERE store_id = $1 AND value = ANY($2::text[]))`, store, values)}
}

func unproven(store int64, given []claim) (names []string) {
	for _, g := range given {
		if g.Trust != proven {
			names = append(names, fmt.Sprintf("identity %d %s %s", store, g.Kind, g.Value))
		}
	}
	return names
}

func (c *Customers) create(ctx context.Context, tx *db.Tx, q *query.Queries, store, id int64, h Hint, known []claim) error {
	row := query.AddCustomerParams{ID: id, StoreID: store, Name: clip(h.Name, maxName), Language: h.Language, NamedBy: namedBy(h), CreatedAt: db.At(tx.Now)}
	tx.Emit(db.Event{Store: store, Type: care.EventCustomerCreated, Subject: id, Payload: care.CustomerEvent{Name: row.Name, Language: h.Language}})
	if !h.Unread {
		if err := q.AddCustomer(ctx, row); err != nil {
			return err
		}
		return c.reindex(ctx, tx, q, store, id)
	}
	tx.Defer(insertCustomer, row.ID, row.StoreID, row.Name, row.Language, row.NamedBy, row.CreatedAt)
	if c.index == nil {
		return nil
	}
	ids := make([]query.IdentitiesOfFamiliesRow, len(known))
	for n, k := range known {
		ids[n] = query.IdentitiesOfFamiliesRow{Kind: string(k.Kind), Value: k.Value}
	}
	return c.index.Add(tx, find.Thing{Store: store, Kind: find.Customer, Ref: id, Entry: entryOf(query.Customer{ID: id, Name: row.Name, CreatedAt: row.CreatedAt}, ids)})
}

const insertIdentity = `INSERT INTO identities (id, store_id, customer_id, kind, value, display, trust, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

const insertCustomer = `INSERT INTO customers (id, store_id, name, language, named_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`

// attach adds what is new of the identities. taken tells that a proven one has been taken by somebody else meanwhile.
func (c *Customers) attach(ctx context.Context, tx *db.Tx, q *query.Queries, store, id int64, p plan) (taken bool, err error) {
	for _, move := range p.Move {
		if err := q.MoveIdentity(ctx, query.MoveIdentityParams{ID: move, CustomerID: id}); err != nil {
			return false, err
		}
	}
	for _, raise := range p.Raise {
		if err := q.RaiseTrust(ctx, query.RaiseTrustParams{ID: raise.id, Trust: int64(raise.Trust)}); err != nil {
			return false, err
		}
	}
	for _, a := range p.Attach {
		n, err := q.AddIdentity(ctx, query.AddIdentityParams{ID: tx.ID(), StoreID: store, CustomerID: id, Kind: string(a.Kind), Value: a.Value, Display: a.Display, Trust: int64(a.Trust), CreatedAt: db.At(tx.Now)})
		if err != nil {
			return false, err
		}
		if n == 0 && a.Trust == proven {
			return true, nil
		}
	}
	return false, nil
}

// learn takes over what is newly told of a known customer.
func (c *Customers) learn(ctx context.Context, tx *db.Tx, q *query.Queries, p plan, h Hint) error {
	if h.Name == "" && h.Language == "" && h.Birthday == "" && !p.changes() {
		return nil
	}
	row, err := q.Customer(ctx, p.Found)
	if err != nil {
		return err
	}
	before := row
	name := clip(h.Name, maxName)
	if name != "" && (row.Name == "" || namers[namedBy(h)] >= namers[row.NamedBy] && namedBy(h) == "shop") {
		row.Name, row.NamedBy = name, namedBy(h)
	}
	if h.Language != "" && (row.Language == "" || h.Vouched && row.NamedBy != "agent") {
		row.Language = h.Language
	}
	if row.Birthday == "" {
		row.Birthday = h.Birthday
	}
	if row == before && !p.changes() {
		return nil
	}
	return c.save(ctx, tx, q, row)
}

func (c *Customers) save(ctx context.Context, tx *db.Tx, q *query.Queries, row query.Customer) error {
	err := q.SaveCustomer(ctx, query.SaveCustomerParams{
		ID: row.ID, Name: row.Name, Language: row.Language, Birthday: row.Birthday, Note: row.Note, NamedBy: row.NamedBy,
		PreferredChannel: row.PreferredChannel, QuietFrom: row.QuietFrom, QuietTo: row.QuietTo, UpdatedAt: db.At(tx.Now),
	})
	if err != nil {
		return err
	}
	tx.Emit(db.Event{Store: row.StoreID, Type: care.EventCustomerUpdated, Subject: row.ID, Payload: care.CustomerEvent{Name: row.Name, Language: row.Language}})
	c.hint(tx, row.StoreID, row.ID)
	return c.reindex(ctx, tx, q, row.StoreID, row.ID)
}

// hint tells open screens to read the customer again.
func (c *Customers) hint(tx *db.Tx, store, id int64) {
	if c.bus == nil {
		return
	}
	tx.AfterCommit(func() {
		data, _ := json.Marshal(map[string]any{"t": "customer", "customer_id": id})
		c.bus.Publish(fmt.Sprintf("live.agents.%d", store), data)
	})
}

func (c *Customers) reindex(ctx context.Context, tx *db.Tx, q *query.Queries, store, id int64) error {
	if c.index == nil {
		return nil
	}
	row, err := q.Customer(ctx, id)
	if err != nil {
		return err
	}
	ids, err := q.IdentitiesOfFamilies(ctx, []int64{id})
	if err != nil {
		return err
	}
	return c.index.Put(ctx, tx, store, find.Customer, id, entryOf(row, ids))
}

// entryOf is what a customer is found by: his name, and every phone and e-mail that he is known with.
func entryOf(row query.Customer, ids []query.IdentitiesOfFamiliesRow) find.Entry {
	e := find.Entry{Title: row.Name, Customer: row.ID, Names: []string{row.Name}, Recency: row.CreatedAt}
	for _, i := range ids {
		switch care.IdentityKind(i.Kind) {
		case care.IdentityPhone:
			e.Phones = append(e.Phones, i.Value)
		case care.IdentityEmail:
			e.Emails = append(e.Emails, i.Value)
		}
		if e.Subtitle == "" && (i.Kind == string(care.IdentityPhone) || i.Kind == string(care.IdentityEmail)) {
			e.Subtitle = i.Value
		}
	}
	if e.Title == "" {
		e.Title = e.Subtitle
	}
	return e
}

// Source gives the customers to whoever makes the index again.
func (c *Customers) Source() find.Source {
	return find.Source{Kind: find.Customer, Page: func(ctx context.Context, r db.Querier, store, after int64, limit int) ([]find.Thing, int64, error) {
		q := query.New(r)
		rows, err := q.CustomersAfter(ctx, query.CustomersAfterParams{StoreID: store, ID: after, Limit: int32(limit)})
		if err != nil {
			return nil, 0, err
		}
		heads := make([]int64, len(rows))
		for i, row := range rows {
			heads[i] = row.ID
		}
		all, err := q.IdentitiesOfFamilies(ctx, heads)
		if err != nil {
			return nil, 0, err
		}
		byHead := map[int64][]query.IdentitiesOfFamiliesRow{}
		for _, i := range all {
			h := head(i.CustomerID, i.MergedInto)
			byHead[h] = append(byHead[h], i)
		}
		var things []find.Thing
		upto := int64(0)
		for _, row := range rows {
			things = append(things, find.Thing{Store: store, Kind: find.Customer, Ref: row.ID, Entry: entryOf(row, byHead[row.ID])})
			upto = row.ID
		}
		if len(rows) < limit {
			upto = 0
		}
		return things, upto, nil
	}}
}

func namedBy(h Hint) string {
	if h.Vouched {
		return "shop"
	}
	if h.Name == "" {
		return ""
	}
	return "hint"
}

// clip cuts s to at most n characters.
func clip(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// missing turns "no row" into NotFound.
func missing(err error, what string) error {
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound(what)
	}
	return err
}

// allow checks a store's row against the scope: another store's row doesn't exist for the caller.
func allow(s care.Scope, store int64, p care.Permission, what string) error {
	if !s.In(store) {
		return care.NotFound(what)
	}
	if !s.May(store, p) {
		return care.Forbidden(p)
	}
	return nil
}

func actorOf(s care.Scope) db.Actor {
	switch {
	case s.Agent != 0:
		return db.Actor{Kind: care.ActorAgent, ID: s.Agent}
	case s.Key != 0:
		return db.Actor{Kind: care.ActorKey, ID: s.Key}
	}
	return db.System
}
