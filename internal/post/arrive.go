package post

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// inlineRaw is up to which size what came is kept in its row; larger is kept in a file.
const inlineRaw = 64 << 10

// Kinds of arrivals.
const (
	arrivedMessage = "message"
	arrivedReport  = "report"
	arrivedOpted   = "opted"
	arrivedRaw     = "raw" // not looked into yet
)

// States of arrivals.
const (
	arrivalWaiting = "waiting"
	arrivalDone    = "done"
	arrivalIgnored = "ignored" // a report of what we haven't sent, a message that was no matter for anybody
	arrivalDead    = "dead"    // it couldn't be taken, and is shown
)

// Pushed is what became of a push, and what the service is to be answered.
type Pushed struct {
	Verdict   string // accepted, empty, ignored
	Duplicate bool
	Responded bool
	Answer    []byte
	Type      string
}

// Speaks tells whether the address with the token is a written channel's.
func (p *Post) Speaks(ctx context.Context, token string) (bool, error) {
	c, err := p.connections.ConnectionByHook(ctx, token)
	if err != nil {
		return false, err
	}
	return p.plugs[c.Plug] != nil, nil
}

// ReceivePush checks what was pushed to the address with the token and keeps it as it came, in one transaction with the job that looks
// into it. A wrong signature is KindUnauthorised, an unknown token not found. What comes to a paused connection is kept and ignored.
func (p *Post) ReceivePush(ctx context.Context, token string, push care.Push) (Pushed, error) {
	c, err := p.connections.ConnectionByHook(ctx, token)
	if err != nil {
		return Pushed{}, err
	}
	s, err := p.session(c)
	if err != nil {
		return Pushed{}, err
	}
	receiver, ok := s.channel.(care.PushReceiver)
	if !ok {
		return Pushed{}, care.NotFound("connection")
	}
	a, delivery, err := receiver.ReceivePush(push)
	if err != nil {
		var known *care.Error
		if errors.As(err, &known) {
			return Pushed{}, err
		}
		return Pushed{}, &care.Error{Code: "hook.signature", Kind: care.KindUnauthorised, Cause: err}
	}
	out := Pushed{Responded: a.Responded, Answer: a.Answer, Type: a.Type, Verdict: "empty"}
	if a.Responded && len(a.Messages)+len(a.Reports)+len(a.Opted) == 0 {
		return out, nil // a question of the service about itself, such as a challenge
	}
	k, err := p.keep(ctx, live{c, s}, push.Body, a, delivery)
	out.Verdict, out.Duplicate = k.verdict, k.duplicate
	return out, err
}

type kept struct {
	verdict   string
	duplicate bool
}

// keep writes down what a connection brought, once.
func (p *Post) keep(ctx context.Context, l live, raw []byte, a care.Arrivals, delivery string) (kept, error) {
	items, err := itemsOf(a)
	if err != nil {
		return kept{}, err
	}
	return p.keepItems(ctx, l, raw, items, delivery, "")
}

// keepItems is keep for what is in raw, and for how far the listener has read with it.
func (p *Post) keepItems(ctx context.Context, l live, raw []byte, items []item, delivery, cursor string) (kept, error) {
	if delivery == "" || len(delivery) > 200 {
		sum := sha256.Sum256(raw)
		delivery = "sha256:" + hex.EncodeToString(sum[:])
	}
	k := kept{verdict: "accepted"}
	switch {
	case l.State == account.StatePaused:
		k.verdict = "ignored"
	case len(items) == 0:
		k.verdict = "empty"
	}
	id, key := p.db.ID(), ""
	inline := raw
	if len(raw) > inlineRaw {
		// Most of what comes again is small or rare; looking first saves the writing of a large file.
		var known bool
		if err := p.db.Read().QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM post_pushes WHERE connection_id = $1 AND delivery = $2)`, l.ID, delivery).Scan(&known); err != nil || known {
			k.duplicate = known
			return k, err
		}
		key, inline = "post/"+p.db.Now().Format("2006/01/")+strconv.FormatInt(id, 10), []byte{}
		if err := p.o.Files.Put(ctx, key, bytes.NewReader(raw), int64(len(raw)), "application/octet-stream"); err != nil {
			return k, fmt.Errorf("post: keep: %w", err)
		}
	}
	if inline == nil {
		inline = []byte{}
	}
	err := p.db.Write(ctx, db.Actor{Kind: care.ActorPlug, ID: l.ID}, func(tx *db.Tx) error {
		if cursor != "" {
			tx.Defer(setCursor, l.ID, l.Store, cursor)
		}
		tag, err := tx.Exec(ctx, `INSERT INTO post_pushes (id, store_id, connection_id, channel, delivery, verdict, raw, raw_key, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (connection_id, delivery) DO NOTHING`, id, l.Store, l.ID, l.name, delivery, k.verdict, inline, key, db.At(tx.Now))
		if err != nil {
			return err
		}
		if k.duplicate = tag.RowsAffected() == 0; k.duplicate || k.verdict != "accepted" {
			return nil
		}
		for _, it := range items {
			tx.Defer(`INSERT INTO post_arrivals (id, push_id, store_id, connection_id, kind, thread, body, state, next_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $8)`, tx.ID(), id, l.Store, l.ID, it.kind, it.thread, it.body, db.At(tx.Now))
		}
		now := work(jobSort, l.Store, l.ID, tx.Now)
		now.Move = true // one that waits for something that failed before mustn't hold this up
		tx.Enqueue(now)
		return nil
	})
	if key != "" && (err != nil || k.duplicate) {
		_ = p.o.Files.Delete(context.WithoutCancel(ctx), key) // a file without a row is only waste
	}
	return k, err
}

type item struct {
	kind, thread string
	body         json.RawMessage
}

func itemsOf(a care.Arrivals) (out []item, err error) {
	add := func(kind, thread string, v any) {
		b, e := json.Marshal(v)
		err = errors.Join(err, e)
		out = append(out, item{kind, thread, b})
	}
	for _, m := range a.Messages {
		add(arrivedMessage, m.Thread, m)
	}
	for _, r := range a.Reports {
		add(arrivedReport, "", r)
	}
	for _, o := range a.Opted {
		add(arrivedOpted, "", o)
	}
	return out, err
}

// Raw gives what came as it came: a letter with all of its headers, a push. It knows no scope.
func (p *Post) Raw(ctx context.Context, push int64) (io.ReadCloser, error) {
	var raw []byte
	var key string
	err := p.db.Read().QueryRow(ctx, `SELECT raw, raw_key FROM post_pushes WHERE id = $1`, push).Scan(&raw, &key)
	if errors.Is(err, db.ErrNoRows) {
		return nil, care.NotFound("push")
	}
	if err != nil {
		return nil, err
	}
	if key != "" {
		return p.o.Files.Get(ctx, key)
	}
	return io.NopCloser(bytes.NewReader(raw)), nil
}

// RawOfMessage is Raw for a message that came by a channel; NotFound when it came otherwise or its raw form is no longer kept.
func (p *Post) RawOfMessage(ctx context.Context, message int64) (io.ReadCloser, error) {
	var push int64
	err := p.db.Read().QueryRow(ctx, `SELECT push_id FROM post_arrivals WHERE message_id = $1 AND message_id > 0 ORDER BY id LIMIT 1`, message).Scan(&push)
	if errors.Is(err, db.ErrNoRows) {
		return nil, care.NotFound("push")
	}
	if err != nil {
		return nil, err
	}
	return p.Raw(ctx, push)
}
