package post

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// startLives is how long a link may be used; each is for one customer and one address.
const startLives = 30 * 24 * time.Hour

// StartLink opens a shop's bot for one customer.
type StartLink struct {
	Channel    string  `json:"channel"`
	Connection int64   `json:"connection_id"`
	URL        string  `json:"url"`
	ExpiresAt  db.Time `json:"expires_at"`
}

// StartLinks makes links to a store's bots for a customer, about an order if it isn't 0. The token in a link is a secret that is kept as
// its hash: whoever opens the bot with it is taken for the customer, once.
func (p *Post) StartLinks(ctx context.Context, actor db.Actor, store, customer, order int64) ([]StartLink, error) {
	all, err := p.connections.Connections(ctx)
	if err != nil {
		return nil, err
	}
	out := []StartLink{}
	hashes := []string{}
	for _, c := range all {
		if c.Store != store || p.plugs[c.Plug] == nil || c.State == account.StatePaused {
			continue
		}
		s, err := p.session(c)
		if err != nil {
			continue // its state tells the administrator
		}
		linker, ok := s.channel.(care.StartLinker)
		if !ok {
			continue
		}
		token := startToken()
		url, err := linker.StartLink(ctx, token)
		if err != nil {
			return nil, err
		}
		out, hashes = append(out, StartLink{Channel: s.name, Connection: c.ID, URL: url}), append(hashes, startHash(token))
	}
	if len(out) == 0 {
		return out, nil
	}
	err = p.db.Write(ctx, actor, func(tx *db.Tx) error {
		tx.Defer(`DELETE FROM post_starts WHERE expires_at < $1`, db.At(tx.Now))
		until := db.At(tx.Now.Add(startLives))
		for i := range out {
			out[i].ExpiresAt = until
			tx.Defer(`INSERT INTO post_starts (token, store_id, connection_id, customer_id, order_id, address, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0)`,
				hashes[i], store, out[i].Connection, customer, order, db.At(tx.Now), until)
		}
		return nil
	})
	return out, err
}

func startToken() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func startHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// startedBy is the customer for whom a link was made: 0 when it is none of ours, was used by somebody else, or is too old. It is the
// address's from now on.
func (p *Post) startedBy(ctx context.Context, l live, token, address string) (customer int64, err error) {
	if token == "" || len(token) > 128 {
		return 0, nil
	}
	err = p.db.Write(ctx, db.Actor{Kind: care.ActorPlug, ID: l.ID}, func(tx *db.Tx) error {
		customer = 0
		err := tx.QueryRow(ctx, `UPDATE post_starts SET address = $1, used_at = $2 WHERE token = $3 AND connection_id = $4 AND expires_at > $2 AND (used_at = 0 OR address = $1) RETURNING customer_id`,
			address, db.At(tx.Now), startHash(token), l.ID).Scan(&customer)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	})
	return customer, err
}
