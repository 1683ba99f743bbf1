package post

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text/qr"
)

// BotsPath is where the portal shows a store's bots: to everybody by the store's short name, to a customer by a token of his own.
const BotsPath = "/m/"

// linker is a connection to which a link leads.
type linker struct {
	connection int64
	channel    string
	care.StartLinker
}

// linkers are the bots of a store that are in service.
func (p *Post) linkers(ctx context.Context, store int64) (out []linker, err error) {
	all, err := p.connections.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Store != store || p.plugs[c.Plug] == nil || c.State == account.StatePaused {
			continue
		}
		s, err := p.session(c)
		if err != nil {
			continue // its state tells the administrator
		}
		if l, ok := s.channel.(care.StartLinker); ok {
			out = append(out, linker{c.ID, s.name, l})
		}
	}
	return out, nil
}

// HasBots tells whether a store can be written to in messengers. It is asked with every letter and every visitor, so it is believed for a minute.
func (p *Post) HasBots(ctx context.Context, store int64) bool {
	now := p.db.Now()
	p.mu.Lock()
	known, ok := p.bots[store]
	p.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.any
	}
	list, err := p.linkers(ctx, store)
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bots[store] = hasBots{len(list) > 0, now.Add(time.Minute)}
	return len(list) > 0
}

type hasBots struct {
	any   bool
	until time.Time
}

// BotsURL is the page on which a customer finds links of his own to the store's bots, about an order if it isn't 0; empty where there are none. The
// address is signed, so that it can stand in any number of letters and costs nothing until somebody opens it.
func (p *Post) BotsURL(ctx context.Context, store, customer, order int64, now time.Time) string {
	if p.o.PublicURL == "" || len(p.o.Key) == 0 || customer == 0 || !p.HasBots(ctx, store) {
		return ""
	}
	return p.o.PublicURL + BotsPath + p.pageToken(store, customer, order, now)
}

const pageSum = 16

// pageToken names the customer, and the day from which it is worth nothing.
func (p *Post) pageToken(store, customer, order int64, now time.Time) string {
	b := make([]byte, 0, 28+pageSum)
	for _, id := range []int64{store, customer, order} {
		b = binary.BigEndian.AppendUint64(b, uint64(id))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(now.Add(startLives+24*time.Hour).Unix()/(24*3600)))
	return base64.RawURLEncoding.EncodeToString(append(b, p.sum("page", b)...))
}

func (p *Post) sum(what string, b []byte) []byte {
	m := hmac.New(sha256.New, p.o.Key)
	_, _ = m.Write([]byte(what + "\n"))
	_, _ = m.Write(b)
	return m.Sum(nil)[:pageSum]
}

// Page shows the links behind such an address: each leads one person in, whoever uses it first, so that a letter passed on makes nobody else the customer.
func (p *Post) Page(ctx context.Context, token string) (store int64, links []StartLink, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 28+pageSum || len(p.o.Key) == 0 || !hmac.Equal(raw[28:], p.sum("page", raw[:28])) {
		return 0, nil, care.NotFound("page")
	}
	id := func(at int) int64 { return int64(binary.BigEndian.Uint64(raw[at:])) }
	store = id(0)
	until := time.Unix(int64(binary.BigEndian.Uint32(raw[24:]))*24*3600, 0)
	if !p.db.Now().Before(until) {
		return store, nil, care.NotFound("page")
	}
	list, err := p.linkers(ctx, store)
	if err != nil {
		return store, nil, err
	}
	links = []StartLink{}
	for _, l := range list {
		own := base64.RawURLEncoding.EncodeToString(append(p.sum("start "+strconv.FormatInt(l.connection, 10), raw), p.sum("more "+strconv.FormatInt(l.connection, 10), raw)...))
		link, err := l.link(ctx, own, until)
		if err != nil {
			p.o.Log.WarnContext(ctx, "a link to a bot couldn't be made", "connection", l.connection, "err", err)
			continue // the others lead somewhere
		}
		link.token = startHash(own)
		links = append(links, link)
	}
	return store, links, p.keepLinks(ctx, db.System, store, id(8), id(16), links)
}

// Bots lists a store's bots for anybody: who comes by these is whoever he is.
func (p *Post) Bots(ctx context.Context, store int64) ([]StartLink, error) {
	list, err := p.linkers(ctx, store)
	if err != nil {
		return nil, err
	}
	links := []StartLink{}
	for _, l := range list {
		link, err := l.link(ctx, "", time.Time{})
		if err != nil {
			p.o.Log.WarnContext(ctx, "a link to a bot couldn't be made", "connection", l.connection, "err", err)
			continue
		}
		links = append(links, link)
	}
	return links, nil
}

func (l linker) link(ctx context.Context, token string, until time.Time) (StartLink, error) {
	url, err := l.StartLink(ctx, token)
	if err != nil {
		return StartLink{}, err
	}
	return StartLink{Channel: l.channel, Connection: l.connection, URL: url, ExpiresAt: db.At(until), QR: qr.Of(url)}, nil
}

// keepLinks writes down whom links lead to.
func (p *Post) keepLinks(ctx context.Context, actor db.Actor, store, customer, order int64, links []StartLink) error {
	if len(links) == 0 {
		return nil
	}
	return p.db.Write(ctx, actor, func(tx *db.Tx) error {
		tx.Defer(`DELETE FROM post_starts WHERE expires_at < $1`, db.At(tx.Now))
		for _, l := range links {
			tx.Defer(`INSERT INTO post_starts (token, store_id, connection_id, customer_id, order_id, address, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0)
ON CONFLICT (token) DO NOTHING`, l.token, store, l.Connection, customer, order, db.At(tx.Now), l.ExpiresAt)
		}
		return nil
	})
}
