package post

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

const (
	sortBatch = 100
	sorters   = 8  // threads that are read at the same time
	takeTries = 12 // of a message that nobody could take; then a person looks
	fileTries = 4  // of a file that couldn't be fetched; then the message goes without it
	reportFor = 6  // looks for the send that a report speaks of
	maxFile   = 20 << 20
)

// arrival is a row of post_arrivals.
type arrival struct {
	id, push, attempts int64
	kind, thread       string
	body               json.RawMessage
}

// runSort hands over what a connection brought: in order within a thread, threads side by side. What fails is tried again by itself.
func (p *Post) runSort(ctx context.Context, j job.Job) (job.Done, error) {
	var w ofConnection
	if err := j.Decode(&w); err != nil {
		return nil, err
	}
	l, err := p.open(ctx, w.Connection)
	if err != nil {
		return p.closed(ctx, w.Connection, err) // the watch comes back to it
	}
	if !l.sorting.enter() {
		return nil, nil // whoever is at it goes round again
	}
	for {
		more, err := p.sortSome(ctx, l)
		if err != nil || ctx.Err() != nil {
			l.sorting.leave()
			return nil, errors.Join(err, ctx.Err())
		}
		if !more && !l.sorting.leave() {
			break
		}
	}
	return func(tx *db.Tx) error {
		var next db.Time
		err := tx.QueryRow(ctx, `SELECT coalesce(min(next_at), 0) FROM post_arrivals WHERE connection_id = $1 AND state = 'waiting'`, l.ID).Scan(&next)
		if err == nil && next != 0 {
			tx.Enqueue(work(jobSort, l.Store, l.ID, next.Time()))
		}
		return err
	}, nil
}

// sortSome reads one batch; more tells that there may be another.
func (p *Post) sortSome(ctx context.Context, l live) (more bool, err error) {
	rows, err := p.db.Read().Query(ctx, `SELECT id, push_id, attempts, kind, thread, body FROM post_arrivals
WHERE connection_id = $1 AND state = 'waiting' AND next_at <= $2 ORDER BY id LIMIT $3`, l.ID, db.At(p.db.Now()), int64(sortBatch))
	if err != nil {
		return false, err
	}
	var all []arrival
	for rows.Next() {
		var a arrival
		if err := rows.Scan(&a.id, &a.push, &a.attempts, &a.kind, &a.thread, &a.body); err != nil {
			rows.Close()
			return false, err
		}
		all = append(all, a)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(all) == 0 {
		return false, err
	}
	lines := map[string][]arrival{}
	var order []string
	for _, a := range all {
		key := a.kind + a.thread
		if len(lines[key]) == 0 {
			order = append(order, key)
		}
		lines[key] = append(lines[key], a)
	}
	var (
		group  sync.WaitGroup
		places = make(chan struct{}, sorters)
		mu     sync.Mutex
		failed error
	)
	for _, key := range order {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			for _, a := range lines[key] {
				if err := p.sortOne(ctx, l, a); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	group.Wait()
	return len(all) == sortBatch, failed
}

// errUnknownSend is the failure of a report that came before its receipt, or that isn't of ours.
var errUnknownSend = errors.New("no such send is known yet")

// sortOne hands over one arrival. Its error is the database's; what is wrong with the arrival is written down with it.
func (p *Post) sortOne(ctx context.Context, l live, a arrival) error {
	var cause error
	switch a.kind {
	case arrivedMessage:
		cause = p.takeMessage(ctx, l, a)
	case arrivedRaw:
		cause = p.takeRaw(ctx, l, a)
	case arrivedReport:
		cause = p.takeReport(ctx, l, a)
	case arrivedOpted:
		cause = p.takeOpted(ctx, l, a)
	}
	if cause == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err() // we are stopping: it waits as it did
	}
	return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		state, tries := arrivalWaiting, a.attempts+1
		var refused *care.Error
		switch {
		case errors.Is(cause, errUnknownSend):
			if tries >= reportFor {
				state = arrivalIgnored
			}
		case errors.As(cause, &refused) && refused.Kind == care.KindInvalid, tries >= takeTries:
			state = arrivalDead
			p.o.Log.Error("something that arrived couldn't be taken", "connection", l.ID, "arrival", a.id, "err", cause)
		}
		text := cause.Error()
		if len(text) > 1000 {
			text = text[:1000]
		}
		tx.Defer(`UPDATE post_arrivals SET state = $1, attempts = $2, error = $3, next_at = $4 WHERE id = $5 AND state = 'waiting'`,
			state, tries, validUTF8(text), db.At(tx.Now.Add(backoff(a.attempts))), a.id)
		return nil
	})
}

// threadOf is a thread's name for the rooms above, unique over the connections of a channel.
func threadOf(connection int64, thread string) string {
	return strconv.FormatInt(connection, 10) + ":" + thread
}

func (p *Post) takeMessage(ctx context.Context, l live, a arrival) error {
	var m care.Arrival
	if err := json.Unmarshal(a.body, &m); err != nil {
		return care.Invalid("body", "value_invalid")
	}
	return p.hand(ctx, l, a, m, nil)
}

// hand gives a message to the taker, with its files: those in have, the others from the service.
func (p *Post) hand(ctx context.Context, l live, a arrival, m care.Arrival, have map[string][]byte) error {
	in := Incoming{Connection: l.Connection, Push: a.push, Arrival: m}
	if in.Address == "" {
		in.Address = in.Thread
	}
	bare := in.Thread
	in.Store, in.Channel, in.Thread = l.Store, l.name, threadOf(l.ID, bare)
	if err := p.db.Read().QueryRow(ctx, `SELECT conversation_id FROM post_threads WHERE connection_id = $1 AND thread = $2`, l.ID, bare).Scan(&in.Conversation); err != nil && !errors.Is(err, db.ErrNoRows) {
		return err
	}
	var err error
	if in.Customer, err = p.startedBy(ctx, l, in.Link, in.Address); err != nil {
		return err
	}
	for _, f := range in.Files {
		id, err := p.fetch(ctx, l, in, f, have)
		var refused *care.Error
		var rejected *care.RejectedError
		switch {
		case err == nil:
			in.Attachments = append(in.Attachments, id)
			if f.ContentID != "" {
				if in.Inline == nil {
					in.Inline = map[string]int64{}
				}
				in.Inline[f.ContentID] = id
			}
		case errors.As(err, &refused):
			in.Missing = append(in.Missing, MissingFile{f.Name, refused.Code})
		case errors.As(err, &rejected) || a.attempts+1 >= fileTries:
			in.Missing = append(in.Missing, MissingFile{f.Name, "file.unavailable"})
		default:
			return err
		}
	}
	taken, err := p.taker.Take(ctx, in)
	if err != nil {
		return err
	}
	at := in.At
	return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		if at.IsZero() || at.After(tx.Now) {
			at = tx.Now
		}
		state := arrivalDone
		if taken == (Taken{}) && !in.Started {
			state = arrivalIgnored
		}
		tx.Defer(`UPDATE post_arrivals SET state = $1, error = '', conversation_id = $2, message_id = $3 WHERE id = $4`, state, taken.Conversation, taken.Message, a.id)
		tx.Defer(`INSERT INTO post_threads (connection_id, thread, store_id, address, name, customer_id, external_id, conversation_id, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8) ON CONFLICT (connection_id, thread) DO UPDATE SET address = excluded.address,
name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE post_threads.name END,
customer_id = CASE WHEN excluded.customer_id > 0 THEN excluded.customer_id ELSE post_threads.customer_id END,
external_id = CASE WHEN excluded.external_id <> '' THEN excluded.external_id ELSE post_threads.external_id END,
received_at = greatest(post_threads.received_at, excluded.received_at)`, l.ID, bare, l.Store, in.Address, in.Name, taken.Customer, in.ClientID, db.At(at))
		if in.Unsubscribed {
			return nil
		}
		// Who writes can be reached again.
		tx.Defer(`DELETE FROM post_optouts WHERE store_id = $1 AND channel = $2 AND address = $3 AND reason = 'blocked'`, l.Store, l.name, in.Address)
		return p.greet(ctx, tx, l, in)
	})
}

// fetch reads a file from the service and keeps it.
func (p *Post) fetch(ctx context.Context, l live, in Incoming, f care.FileRef, have map[string][]byte) (int64, error) {
	if b, ok := have[f.Ref]; ok {
		return p.taker.KeepFile(ctx, in, f.Name, bytes.NewReader(b))
	}
	fetcher, ok := l.channel.(care.FileFetcher)
	if !ok {
		return 0, care.Invalid("file", "file.unavailable")
	}
	if f.Size > maxFile {
		return 0, &care.Error{Code: "file.too_large", Kind: care.KindTooLarge, Field: "file", Args: map[string]any{"limit": maxFile}}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	r, err := fetcher.FetchFile(ctx, f)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return p.taker.KeepFile(ctx, in, f.Name, io.LimitReader(r, maxFile+1))
}

func validUTF8(s string) string {
	b, _ := json.Marshal(s) // replaces what PostgreSQL would refuse
	var out string
	_ = json.Unmarshal(b, &out)
	return out
}
