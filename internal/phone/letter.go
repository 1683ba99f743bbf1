package phone

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/post"
	"opeka/messages"
)

// Letters is the post room: by it customers are written to who have no conversation in writing.
type Letters interface {
	Speaker(ctx context.Context, q db.Querier, store int64, channel string) (connection int64, err error)
	OptedOut(ctx context.Context, q db.Querier, store int64, channel, address string) (reason string, err error)
	Send(ctx context.Context, tx *db.Tx, s post.Send) (id int64, err error)
}

// KindLetter names the sends of the telephone in the post room.
const KindLetter = "phone"

// letter is what a customer is told who is not rung any more, or whose goods are there.
type letter struct {
	store, customer, ref int64
	number, language     string
	key, words           string // words names phone.letter.<words>
	args                 map[string]any
}

// send writes to a customer by SMS, else by e-mail, whichever the store has and he hasn't forbidden. It tells whether a way was found.
func (p *Phone) send(ctx context.Context, tx *db.Tx, l letter) (bool, error) {
	if p.letters == nil {
		return false, nil
	}
	var name, slug string
	if err := tx.QueryRow(ctx, `SELECT name, slug FROM stores WHERE id = $1`, l.store).Scan(&name, &slug); err != nil {
		return false, missing(err, "store")
	}
	lang := p.language(ctx, l.store, l.language)
	args := map[string]any{"store": name}
	for k, v := range l.args {
		args[k] = v
	}
	body := messages.T(lang, "phone.letter."+l.words, args)
	if p.publicURL != "" {
		body += "\n" + p.publicURL + "/callback?store=" + url.QueryEscape(slug)
	}
	mail, err := mailOf(ctx, tx, l.customer)
	if err != nil {
		return false, err
	}
	for _, way := range []struct{ channel, to string }{{care.ChannelSMS, l.number}, {care.ChannelEmail, mail}} {
		if way.to == "" {
			continue
		}
		connection, err := p.letters.Speaker(ctx, tx, l.store, way.channel)
		if err != nil {
			return false, err
		}
		if connection == 0 {
			continue
		}
		if reason, err := p.letters.OptedOut(ctx, tx, l.store, way.channel, way.to); err != nil {
			return false, err
		} else if reason != "" {
			continue
		}
		_, err = p.letters.Send(ctx, tx, post.Send{Store: l.store, Connection: connection, Channel: way.channel, Class: post.ClassNotice, Kind: KindLetter, Ref: l.ref, Key: "phone/" + l.key, To: way.to,
			Body: post.Body{Subject: messages.T(lang, "phone.letter.subject", map[string]any{"store": name}), Text: body, Language: lang, Automatic: true}})
		return err == nil, err
	}
	return false, nil
}

// mailOf is the address by which a customer is written to: the most trusted, then the latest; empty: none is known.
func mailOf(ctx context.Context, q db.Querier, customer int64) (address string, err error) {
	if customer == 0 {
		return "", nil
	}
	family, err := familyOf(ctx, q, customer)
	if err != nil {
		return "", err
	}
	err = q.QueryRow(ctx, `SELECT value FROM identities WHERE customer_id = ANY($1::bigint[]) AND kind = 'email' ORDER BY trust DESC, id DESC LIMIT 1`, family).Scan(&address)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return strings.TrimSpace(address), err
}

// canWrite tells how a store can tell somebody that goods are there, beside a talk that he has with it.
func (p *Phone) canWrite(ctx context.Context, q db.Querier, store int64) (ways []string, err error) {
	ways = []string{}
	if p.letters == nil {
		return ways, nil
	}
	for _, channel := range []string{care.ChannelSMS, care.ChannelEmail} {
		connection, err := p.letters.Speaker(ctx, q, store, channel)
		if err != nil {
			return nil, err
		}
		if connection != 0 {
			ways = append(ways, channel)
		}
	}
	return ways, nil
}
