package customer

import (
	"context"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer/query"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Profile is all that is kept of a customer himself.
type Profile struct {
	ID         int64      `json:"id"`
	Store      int64      `json:"store_id"`
	Name       string     `json:"name"`
	Language   string     `json:"language"`
	Birthday   string     `json:"birthday,omitempty"`
	Note       string     `json:"note"`
	Identities []Identity `json:"identities"`
	Consent    Consent    `json:"consent"`
	Version    int64      `json:"version"`
	CreatedAt  db.Time    `json:"created_at"`
	Merged     []Merged   `json:"merged,omitempty" doc:"Customers that have been merged into this one and can be taken out again."`
}

// Identity is one way in which the customer is recognised.
type Identity struct {
	ID       int64  `json:"id"`
	Kind     string `json:"kind" enum:"phone,email,shop,visitor"`
	Value    string `json:"value"`
	Display  string `json:"display"`
	Verified bool   `json:"verified"`
}

// Consent is what the customer allows and how he wants to be reached. A channel that he was never asked about is null.
type Consent struct {
	DoNotCall        bool     `json:"do_not_call"`
	Email            *bool    `json:"email"`
	SMS              *bool    `json:"sms"`
	Messenger        *bool    `json:"messenger"`
	PreferredChannel string   `json:"preferred_channel"`
	QuietFrom        string   `json:"quiet_from"`
	QuietTo          string   `json:"quiet_to"`
	Answers          []Answer `json:"answers" doc:"Who said what and when, the latest first."`
}

// Answer is one answer to "may we?".
type Answer struct {
	Subject string  `json:"subject"`
	Given   bool    `json:"given"`
	Source  string  `json:"source"`
	At      db.Time `json:"at"`
}

// Merged is a customer that became part of this one.
type Merged struct {
	Merge     int64   `json:"merge_id"`
	Customer  int64   `json:"customer_id"`
	Name      string  `json:"name"`
	Automatic bool    `json:"automatic"`
	At        db.Time `json:"at"`
}

// What a customer can be asked about.
const (
	SubjectDoNotCall = "do_not_call"
	SubjectEmail     = "email"
	SubjectSMS       = "sms"
	SubjectMessenger = "messenger"
)

// Get returns a customer; asked for a merged one, the one that it became part of.
func (c *Customers) Get(ctx context.Context, s care.Scope, id int64) (Profile, error) {
	q := query.New(c.db.Read())
	row, err := c.current(ctx, q, s, id, care.PermCustomerRead)
	if err != nil {
		return Profile{}, err
	}
	return c.profile(ctx, q, row)
}

func (c *Customers) profile(ctx context.Context, q *query.Queries, row query.Customer) (Profile, error) {
	p := Profile{ID: row.ID, Store: row.StoreID, Name: row.Name, Language: row.Language, Birthday: row.Birthday, Note: row.Note, Version: row.Version, CreatedAt: row.CreatedAt, Identities: []Identity{}}
	ids, err := q.IdentitiesOfFamilies(ctx, []int64{row.ID})
	if err != nil {
		return p, err
	}
	family := []int64{row.ID}
	for _, i := range ids {
		if !slices.Contains(family, i.CustomerID) {
			family = append(family, i.CustomerID)
		}
		shown := Identity{ID: i.ID, Kind: i.Kind, Value: i.Value, Display: i.Display, Verified: i.Trust == proven}
		if shown.Display == "" {
			shown.Display = i.Value
		}
		at := slices.IndexFunc(p.Identities, func(o Identity) bool { return o.Kind == i.Kind && o.Value == i.Value })
		switch {
		case at < 0:
			p.Identities = append(p.Identities, shown)
		case shown.Verified:
			p.Identities[at] = shown
		}
	}
	answers, err := q.ConsentsOfFamily(ctx, row.ID)
	if err != nil {
		return p, err
	}
	p.Consent = consentOf(row, answers)
	if len(family) > 1 {
		merges, err := q.MergesInto(ctx, family)
		if err != nil {
			return p, err
		}
		for _, m := range merges {
			p.Merged = append(p.Merged, Merged{m.ID, m.LoserID, m.LoserName, m.Automatic, m.CreatedAt})
		}
	}
	return p, nil
}

// consentOf folds the answers: of each subject the person's latest one counts, whichever of his merged selves gave it.
func consentOf(row query.Customer, answers []query.ConsentsOfFamilyRow) Consent {
	k := Consent{PreferredChannel: row.PreferredChannel, QuietFrom: row.QuietFrom, QuietTo: row.QuietTo, Answers: []Answer{}}
	for _, a := range answers {
		given := a.Given
		switch a.Subject {
		case SubjectDoNotCall:
			k.DoNotCall = given
		case SubjectEmail:
			k.Email = &given
		case SubjectSMS:
			k.SMS = &given
		case SubjectMessenger:
			k.Messenger = &given
		}
		k.Answers = append(k.Answers, Answer{a.Subject, a.Given, a.Source, a.CreatedAt})
	}
	slices.Reverse(k.Answers)
	return k
}

// Change is what an agent may change; nil leaves a thing as it is.
type Change struct {
	Name             *string
	Language         *string
	Birthday         *string
	Note             *string
	PreferredChannel *string
	QuietFrom        *string
	QuietTo          *string
	// Answers the customer gave, by subject.
	Consents map[string]bool
	Source   string // of the answers: agent, customer, shop, import
}

const maxNote = 10_000

// Update changes a customer on behalf of the caller.
func (c *Customers) Update(ctx context.Context, s care.Scope, id int64, ch Change) (out Profile, err error) {
	if err := ch.check(); err != nil {
		return out, err
	}
	err = c.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		q := query.New(tx)
		row, err := c.current(ctx, q, s, id, care.PermCustomerWrite)
		if err != nil {
			return err
		}
		if ch.Name != nil {
			row.Name, row.NamedBy = strings.TrimSpace(*ch.Name), "agent"
		}
		set(&row.Language, ch.Language)
		set(&row.Birthday, ch.Birthday)
		set(&row.Note, ch.Note)
		set(&row.PreferredChannel, ch.PreferredChannel)
		set(&row.QuietFrom, ch.QuietFrom)
		set(&row.QuietTo, ch.QuietTo)
		for subject, given := range ch.Consents {
			if err := c.answer(ctx, tx, q, row, subject, given, ch.Source); err != nil {
				return err
			}
		}
		if err := c.save(ctx, tx, q, row); err != nil {
			return err
		}
		if row, err = q.Customer(ctx, row.ID); err != nil {
			return err
		}
		out, err = c.profile(ctx, q, row)
		return err
	})
	return out, err
}

// Consent records what a customer answered elsewhere: to a shop's form, in a chat, in an import.
func (c *Customers) Consent(ctx context.Context, tx *db.Tx, id int64, subject string, given bool, source string) error {
	q := query.New(tx)
	row, err := q.Customer(ctx, id)
	if err != nil {
		return missing(err, "customer")
	}
	if err := c.answer(ctx, tx, q, row, subject, given, source); err != nil {
		return err
	}
	return c.save(ctx, tx, q, row)
}

func (c *Customers) answer(ctx context.Context, tx *db.Tx, q *query.Queries, row query.Customer, subject string, given bool, source string) error {
	return q.AddConsent(ctx, query.AddConsentParams{
		ID: tx.ID(), StoreID: row.StoreID, CustomerID: row.ID, Subject: subject, Given: given, Source: source,
		ActorKind: tx.Actor.Kind, ActorID: tx.Actor.ID, CreatedAt: db.At(tx.Now),
	})
}

func (ch Change) check() error {
	for subject := range ch.Consents {
		if !slices.Contains([]string{SubjectDoNotCall, SubjectEmail, SubjectSMS, SubjectMessenger}, subject) {
			return care.Invalid("consent", "value_invalid")
		}
	}
	for field, p := range map[string]*string{"quiet_from": ch.QuietFrom, "quiet_to": ch.QuietTo} {
		if p != nil && *p != "" {
			if _, err := time.Parse("15:04", *p); err != nil {
				return care.Invalid(field, "calendar.time_invalid")
			}
		}
	}
	if ch.Name != nil && len([]rune(*ch.Name)) > maxName {
		return care.Invalid("name", "too_long", "max", maxName)
	}
	if ch.Note != nil && len([]rune(*ch.Note)) > maxNote {
		return care.Invalid("note", "too_long", "max", maxNote)
	}
	return nil
}

// AddIdentity notes a phone number or e-mail address that the customer told an agent. region reads national numbers.
func (c *Customers) AddIdentity(ctx context.Context, s care.Scope, id int64, kind care.IdentityKind, value, region string) (out Profile, err error) {
	given, err := ContactOf(kind, value, region)
	if err != nil {
		return out, err
	}
	err = c.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		q := query.New(tx)
		row, err := c.current(ctx, q, s, id, care.PermCustomerWrite)
		if err != nil {
			return err
		}
		_, err = q.AddIdentity(ctx, query.AddIdentityParams{
			ID: tx.ID(), StoreID: row.StoreID, CustomerID: row.ID, Kind: string(given.Kind), Value: given.Value, Display: given.Display, Trust: vouched, CreatedAt: db.At(tx.Now),
		})
		if err != nil {
			return err
		}
		if err := c.save(ctx, tx, q, row); err != nil {
			return err
		}
		out, err = c.profile(ctx, q, row)
		return err
	})
	return out, err
}

// RemoveIdentity forgets a phone number or e-mail address. Accounts and browsers can't be removed: merges and shops own them.
func (c *Customers) RemoveIdentity(ctx context.Context, s care.Scope, id, identity int64) error {
	return c.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		q := query.New(tx)
		row, err := c.current(ctx, q, s, id, care.PermCustomerWrite)
		if err != nil {
			return err
		}
		i, err := q.Identity(ctx, identity)
		if err != nil {
			return missing(err, "identity")
		}
		family, err := q.FamilyOf(ctx, row.ID)
		if err != nil {
			return err
		}
		if !slices.Contains(family, i.CustomerID) || i.Kind != string(care.IdentityPhone) && i.Kind != string(care.IdentityEmail) {
			return care.NotFound("identity")
		}
		if err := q.RemoveIdentity(ctx, identity); err != nil {
			return err
		}
		return c.save(ctx, tx, q, row)
	})
}

// ContactOf makes the identity of a phone number or e-mail address as people write them.
func ContactOf(kind care.IdentityKind, value, region string) (care.Identity, error) {
	value = strings.TrimSpace(value)
	switch kind {
	case care.IdentityPhone:
		p := text.ParsePhone(value, region)
		if !p.Resolved() {
			return care.Identity{}, care.Invalid("value", "phone_invalid")
		}
		return care.Identity{Kind: kind, Value: p.E164, Display: value}, nil
	case care.IdentityEmail:
		at := strings.LastIndexByte(value, '@')
		if at < 1 || at == len(value)-1 || strings.ContainsAny(value, " \t\r\n<>,;") || len(value) > 320 {
			return care.Identity{}, care.Invalid("value", "email_invalid")
		}
		return care.Identity{Kind: kind, Value: strings.ToLower(value), Display: value}, nil
	}
	return care.Identity{}, care.Invalid("kind", "value_invalid")
}

// List returns customers of the stores, the newest first; before is the id to go on from.
func (c *Customers) List(ctx context.Context, s care.Scope, store, before int64, limit int) ([]Row, error) {
	if before == 0 {
		before = 1 << 62
	}
	q := query.New(c.db.Read())
	rows, err := q.ListCustomers(ctx, query.ListCustomersParams{Column1: s.StoresWith(care.PermCustomerRead, store), ID: before, Limit: int32(limit)})
	if err != nil {
		return nil, err
	}
	out, heads := make([]Row, len(rows)), make([]int64, len(rows))
	for i, r := range rows {
		out[i] = Row{ID: r.ID, Store: r.StoreID, Name: r.Name, Language: r.Language, CreatedAt: r.CreatedAt}
		heads[i] = r.ID
	}
	ids, err := q.IdentitiesOfFamilies(ctx, heads)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		head := id.CustomerID
		if id.MergedInto != 0 {
			head = id.MergedInto
		}
		i := slices.Index(heads, head)
		if i < 0 {
			continue
		}
		switch kind := care.IdentityKind(id.Kind); {
		case kind == care.IdentityPhone && out[i].Phone == "":
			out[i].Phone = id.Value
		case kind == care.IdentityEmail && out[i].Email == "":
			out[i].Email = id.Value
		}
	}
	return out, nil
}

// Row is a customer in a list, with the first known number and address.
type Row struct {
	ID        int64   `json:"id"`
	Store     int64   `json:"store_id"`
	Name      string  `json:"name"`
	Language  string  `json:"language"`
	Phone     string  `json:"phone" doc:"E.164; empty if none is known"`
	Email     string  `json:"email"`
	CreatedAt db.Time `json:"created_at"`
}

// Create makes a customer by hand, or finds the one whom a shop's records know by the same phone or e-mail.
func (c *Customers) Create(ctx context.Context, s care.Scope, store int64, ids []care.Identity, h Hint) (id int64, created bool, err error) {
	if err := allow(s, store, care.PermCustomerWrite, "store"); err != nil {
		return 0, false, err
	}
	h.Vouched = true
	err = c.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		id, created, err = c.Resolve(ctx, tx, store, ids, h)
		return err
	})
	return id, created, err
}

func set(field *string, v *string) {
	if v != nil {
		*field = strings.TrimSpace(*v)
	}
}
