package post

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text/qr"
	"opeka/messages"
)

// startLives is how long a link may be used; each is for one customer and one address.
const startLives = 30 * 24 * time.Hour

// StartLink opens a shop's bot for one customer.
type StartLink struct {
	Channel    string  `json:"channel"`
	Connection int64   `json:"connection_id"`
	URL        string  `json:"url"`
	ExpiresAt  db.Time `json:"expires_at"`
	QR         qr.Code `json:"qr" doc:"The address as a square for a telephone's camera"`
	token      string  // its hash
}

// StartLinks makes links to a store's bots for a customer, about an order if it isn't 0. The token in a link is a secret that is kept as
// its hash: whoever opens the bot with it is taken for the customer, once.
func (p *Post) StartLinks(ctx context.Context, actor db.Actor, store, customer, order int64) ([]StartLink, error) {
	list, err := p.linkers(ctx, store)
	if err != nil {
		return nil, err
	}
	out := []StartLink{}
	for _, l := range list {
		token := startToken()
		link, err := l.link(ctx, token, p.db.Now().Add(startLives))
		if err != nil {
			return nil, err
		}
		link.token = startHash(token)
		out = append(out, link)
	}
	return out, p.keepLinks(ctx, actor, store, customer, order, out)
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

// greet says hello, once, to whoever has opened the bot.
func (p *Post) greet(ctx context.Context, tx *db.Tx, l live, in Incoming) error {
	greeter, ok := l.channel.(care.Greeter)
	if !ok || !in.Started || greeter.Welcome() == care.NoWelcome {
		return nil
	}
	var store, home string
	if err := tx.QueryRow(ctx, `SELECT name, language FROM stores WHERE id = $1`, l.Store).Scan(&store, &home); err != nil {
		return err
	}
	words, key := greeter.Welcome(), "welcome"
	if in.Customer != 0 {
		key = "welcome known"
	}
	if words == "" {
		name := "channel.welcome"
		if in.Customer != 0 {
			name = "channel.welcome_known"
		}
		words = messages.T(cmp.Or(in.Language, home), name, map[string]any{"store": store})
	}
	_, bare, _ := split(in.Thread)
	_, err := p.write(ctx, tx, Send{Store: l.Store, Connection: l.ID, Channel: l.name, Class: ClassReply, Kind: "welcome", Key: key + "/" + strconv.FormatInt(l.ID, 10) + "/" + in.Address,
		To: in.Address, Body: Body{Text: words, Language: cmp.Or(in.Language, home), Automatic: true}}, bare)
	return err
}
