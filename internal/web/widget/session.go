package widget

import (
	"cmp"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/post"
	"opeka/messages"
)

// identity is who the shop says its visitor is. Hash is the hex HMAC-SHA256, under the store's identity secret, of id, email
// and phone as they stand here, joined by line feeds; the name isn't signed.
type identity struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Phone string `json:"phone"`
	Name  string `json:"name"`
	Hash  string `json:"hash"`
}

type sessionInput struct {
	Store    string    `json:"store"` // slug, or id in digits
	Token    string    `json:"token"`
	Identity *identity `json:"identity"`
	Language string    `json:"language"`
	Page     care.Page `json:"page"`
}

type sessionOutput struct {
	talk
	Token        string  `json:"token"`
	Visitor      string  `json:"visitor"`
	Store        string  `json:"store"`
	Title        string  `json:"title"`
	Greeting     string  `json:"greeting"`
	Offline      string  `json:"offline"`
	Color        string  `json:"color"`
	Position     string  `json:"position"`
	TimeZone     string  `json:"time_zone"`
	Open         bool    `json:"open"`
	OpensAt      db.Time `json:"opens_at"`
	ReplyMinutes int64   `json:"reply_minutes"` // 0: too few conversations to say
	Verified     bool    `json:"verified"`
	// IdentityRefused tells the shop's developer, by way of the browser's console, that the signature is wrong. The visitor may write all the same.
	IdentityRefused bool  `json:"identity_refused,omitempty"`
	Unread          int64 `json:"unread"`
	MaxFile         int64 `json:"max_file"`
	// Messengers is the page of the store's bots: with links of his own for whom the shop has vouched, for everybody else the common ones.
	Messengers string `json:"messengers,omitempty"`
}

// session recognises a visitor, or takes in a new one, and says what his panel shows.
func (d *Door) session(_ http.ResponseWriter, r *request) (any, error) {
	var in sessionInput
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	ctx := r.Context()
	var err error
	if r.store, err = d.stores.find(ctx, in.Store, r.now); err != nil {
		return nil, err
	}
	if !r.store.serves(r.Header.Get("Origin")) {
		return nil, errOrigin
	}
	c, err := d.open(in.Token)
	returning := err == nil && c.Store == r.store.ID
	if !returning {
		c = claims{Store: r.store.ID, Visitor: newVisitor()}
	}
	refused := false
	if in.Identity != nil {
		who, ok, err := d.vouched(r, in.Identity)
		if err != nil {
			return nil, err
		}
		if refused = !ok; ok {
			// On a shared machine the next shopper mustn't find the talk of the one before.
			if c.Shop != "" && c.Shop != who.Shop || c.Shop == "" && c.Email != "" && c.Email != who.Email {
				who.Visitor, returning = newVisitor(), false
			} else {
				who.Visitor = c.Visitor
			}
			c = who
		}
	}
	c.At = r.now.Unix()
	lang := in.Language
	if lang = messages.Match(lang); lang == "" {
		lang = r.language
	}
	out := sessionOutput{
		Token: d.seal(c), Visitor: c.Visitor, Store: r.store.Name, Verified: c.verified(r.now), IdentityRefused: refused,
		Title: r.store.Widget.Title[lang], Greeting: r.store.Widget.Greeting[lang], Offline: r.store.Widget.Offline[lang],
		Color: r.store.Widget.Color, Position: r.store.Widget.Position, TimeZone: r.store.TimeZone, MaxFile: inbox.MaxFileSize,
		talk: emptyTalk(),
	}
	if out.Color == "" {
		out.Color = r.store.Color
	}
	var opens time.Time
	out.Open, opens = r.store.open(r.now)
	out.OpensAt = db.At(opens)
	if out.Open {
		out.ReplyMinutes = d.replyMinutes(ctx, r.store.ID, r.now)
	}
	if out.Messengers, err = d.messengers(r, c); err != nil {
		return nil, err
	}
	if !returning {
		return out, nil
	}
	t, err := d.o.Inbox.Talk(ctx, r.store.ID, care.ChannelChat, c.Visitor, inbox.TalkPart{})
	if err != nil {
		return nil, err
	}
	out.talk, out.Unread = talkOf(t), t.Unread
	return out, nil
}

// messengers is where the visitor can go on in a messenger; empty: nowhere. What a visitor says of himself gives him nobody's links.
func (d *Door) messengers(r *request, c claims) (string, error) {
	if d.o.Bots == nil || !d.o.Bots.HasBots(r.Context(), r.store.ID) {
		return "", nil
	}
	common := d.o.PublicURL + strings.TrimSuffix(post.BotsPath, "/") + "?store=" + url.QueryEscape(r.store.Slug)
	if !c.verified(r.now) {
		return common, nil
	}
	with := *r
	with.claims = c
	ids, err := d.family(&with)
	if err != nil || len(ids) == 0 {
		return common, err
	}
	return cmp.Or(d.o.Bots.BotsURL(r.Context(), r.store.ID, ids[0], 0, r.now), common), nil
}

// vouched checks a shop's word for its visitor; not ok is a wrong signature.
func (d *Door) vouched(r *request, who *identity) (c claims, ok bool, err error) {
	for field, v := range map[string]string{"id": who.ID, "email": who.Email, "phone": who.Phone, "name": who.Name} {
		if len(v) > 250 || strings.ContainsAny(v, "\n\r") {
			return c, false, care.Invalid("identity."+field, "value_invalid")
		}
	}
	if who.ID == "" && who.Email == "" && who.Phone == "" {
		return c, false, nil
	}
	ok, err = d.o.Accounts.VerifyIdentity(r.Context(), r.store.ID, who.ID+"\n"+who.Email+"\n"+who.Phone, who.Hash)
	if err != nil || !ok {
		return c, false, err
	}
	c = claims{Store: r.store.ID, Name: who.Name, Until: r.now.Add(verifiedFor).Unix()}
	if who.ID != "" {
		if c.Shop, err = d.shopAccount(r, who.ID); err != nil {
			return c, false, err
		}
	}
	// What the shop signed but nobody can dial or write to is left out; the rest counts.
	if id, err := customer.ContactOf(care.IdentityEmail, who.Email, ""); err == nil {
		c.Email = id.Value
	}
	if id, err := customer.ContactOf(care.IdentityPhone, who.Phone, r.store.region()); err == nil {
		c.Phone = id.Value
	}
	return c, true, nil
}

// shopAccount names an account of the store's shop as the rest of the house does: connection and id. A store with several
// shops connected says which one by writing "connection:id" itself.
func (d *Door) shopAccount(r *request, id string) (string, error) {
	rows, err := d.db.Read().Query(r.Context(), `SELECT CAST(id AS TEXT) FROM connections WHERE store_id = $1 ORDER BY id LIMIT 20`, r.store.ID)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var connections []string
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return "", err
		}
		connections = append(connections, c)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	for _, c := range connections {
		if strings.HasPrefix(id, c+":") {
			return id, nil
		}
	}
	if len(connections) == 1 {
		return connections[0] + ":" + id, nil
	}
	return "", nil // of no shop in particular: e-mail and phone remain
}

// region guesses the country of phone numbers that are written without one: that of the store's money.
func (s *store) region() string {
	if len(s.Currency) < 2 || s.Currency == "EUR" {
		return ""
	}
	return s.Currency[:2]
}

// contact is how a visitor says that he can be reached; nobody has checked it.
type contact struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// identities are what the contact claims; an address that can't be one is refused while the visitor can still correct it.
func (c *contact) identities(region string) ([]care.Identity, error) {
	var ids []care.Identity
	if v := strings.TrimSpace(c.Email); v != "" {
		id, err := customer.ContactOf(care.IdentityEmail, v, "")
		if _, bad := mail.ParseAddress(v); err != nil || bad != nil {
			return nil, care.Invalid("contact.email", "widget.contact_invalid")
		}
		ids = append(ids, id)
	}
	if v := strings.TrimSpace(c.Phone); v != "" {
		id, err := customer.ContactOf(care.IdentityPhone, v, region)
		if err != nil {
			return nil, care.Invalid("contact.phone", "widget.contact_invalid")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
