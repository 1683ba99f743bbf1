package inbox

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"opeka/internal/db"
	"opeka/internal/text"
)

// Messages become searchable a moment after they are stored: analysing them within their own
// transaction would hold up every other writer. What is still to do is in messages_unindexed; the indexer's
// channel only wakes it.

// indexer makes messages searchable, batch by batch.
type indexer struct {
	inbox *Inbox
	wake  chan struct{}
	quit  context.CancelFunc
	done  sync.WaitGroup
}

const (
	indexBatch = 200
	indexPause = 100 * time.Millisecond // between batches, for those who write messages
	indexRound = 30 * time.Second       // looks for what a crash or another node has left
)

func newIndexer(i *Inbox) *indexer { return &indexer{inbox: i, wake: make(chan struct{}, 1)} }

func (x *indexer) start() {
	var ctx context.Context
	ctx, x.quit = context.WithCancel(context.Background())
	x.done.Go(func() { x.loop(ctx) })
}

func (x *indexer) stop() {
	if x.quit != nil {
		x.quit()
		x.done.Wait()
	}
}

func (x *indexer) nudge() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *indexer) loop(ctx context.Context) {
	round := time.NewTicker(indexRound)
	defer round.Stop()
	for {
		n, err := x.inbox.Index(ctx)
		if err != nil && ctx.Err() == nil {
			x.inbox.log.Error("messages not indexed", "err", err)
		}
		if n == indexBatch {
			x.nudge()
		}
		pause := time.NewTimer(indexPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		select {
		case <-x.wake:
		case <-round.C:
		case <-ctx.Done():
			return
		}
	}
}

// Index makes the next messages searchable and tells how many there were; 0 when all are.
func (i *Inbox) Index(ctx context.Context) (int, error) {
	type entry struct {
		id    int64
		terms []string
	}
	rows, err := i.db.Read().Query(ctx, `SELECT m.id, m.store_id, m.body, c.language FROM messages_unindexed u JOIN messages m ON m.id = u.message_id
JOIN conversations c ON c.id = m.conversation_id ORDER BY u.message_id LIMIT $1`, int64(indexBatch))
	if err != nil {
		return 0, err
	}
	var batch []entry
	for rows.Next() {
		var id, store int64
		var body, language string
		if err := rows.Scan(&id, &store, &body, &language); err != nil {
			rows.Close()
			return 0, err
		}
		terms := text.Analyse(body, language)
		for n := range terms {
			terms[n] = searchTerm(terms[n])
		}
		batch = append(batch, entry{id, append(terms, storeMark(store))})
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(batch) == 0 {
		return 0, err
	}
	err = i.db.Write(ctx, db.System, func(tx *db.Tx) error {
		var last int64
		if i.db.Engine == db.Postgres {
			if err := tx.QueryRow(ctx, `UPDATE message_search_head SET last = last + $1 WHERE id = 1 RETURNING last`, int64(len(batch))).Scan(&last); err != nil {
				return err
			}
		}
		for n, e := range batch {
			if i.db.Engine == db.SQLite {
				tx.Defer(`INSERT INTO message_search (rowid, terms) VALUES ($1, $2)`, e.id, strings.Join(e.terms, " "))
			} else {
				position := last - int64(len(batch)-1-n)
				terms := append(append(make([]string, 0, len(e.terms)+len(stretches)), e.terms...), stretchMarks(position)...)
				tx.Defer(`INSERT INTO message_search (message_id, position, terms) VALUES ($1, $2, array_to_tsvector($3::text[])) ON CONFLICT (message_id) DO NOTHING`, e.id, position, terms)
			}
			tx.Defer(`DELETE FROM messages_unindexed WHERE message_id = $1`, e.id)
		}
		return nil
	})
	return len(batch), err
}

// Reindex has every message made searchable anew, by whichever node runs next: after a copy to another engine, whose index is of another make.
func Reindex(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO messages_unindexed (message_id) SELECT id FROM messages WHERE kind <> 'system' AND body <> '' AND id NOT IN (SELECT message_id FROM messages_unindexed)`)
	return err
}

// searchTerm puts a term into the form in which both engines keep it whole: their own tokenisers must find no punctuation in it.
func searchTerm(s string) string {
	for n := range len(s) {
		if c := s[n]; c < 0x80 && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return strings.Map(func(r rune) rune {
				if r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
					return '·'
				}
				return r
			}, s)
		}
	}
	return s
}

// storeMark is a term that no text contains: the store of the message.
func storeMark(store int64) string { return "§s" + strconv.FormatInt(store, 36) }

// stretches are the lengths, in bits, of the stretches of messages that PostgreSQL's index marks.
var stretches = [...]uint{11, 14, 17, 20}

func stretchMarks(position int64) []string {
	out := make([]string, len(stretches))
	for n, bits := range stretches {
		out[n] = stretchMark(n, position>>bits)
	}
	return out
}

func stretchMark(level int, number int64) string {
	return "§" + strconv.Itoa(level) + "x" + strconv.FormatInt(number, 36)
}
