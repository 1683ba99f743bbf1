package commerce

import (
	"context"
	"encoding/json"
	"time"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Begin starts the import of everything that a shop has, or begins it anew, and with it the whole upkeep of the
// connection. It only writes down that it has to be done.
func (s *Sync) Begin(ctx context.Context, actor db.Actor, connection int64) error {
	c, err := s.connections.Connection(ctx, connection)
	if err != nil {
		return err
	}
	ses, err := s.session(c)
	if err != nil {
		return err
	}
	kinds := ses.shop.Kinds()
	return s.db.Write(ctx, actor, func(tx *db.Tx) error {
		q := query.New(tx)
		if err := q.BeginSync(ctx, query.BeginSyncParams{ConnectionID: c.ID, StoreID: c.Store, ImportStartedAt: db.At(tx.Now)}); err != nil {
			return err
		}
		for i, kind := range kinds {
			if err := q.BeginKind(ctx, query.BeginKindParams{ConnectionID: c.ID, Kind: string(kind), Position: int64(i)}); err != nil {
				return err
			}
		}
		tx.Enqueue(work(jobHooks, c.Store, c.ID, time.Time{}))
		tx.Enqueue(work(jobImport, c.Store, c.ID, time.Time{}))
		return nil
	})
}

// runImport reads pages for a while, each kept and counted before the next, and comes back until all is read.
func (s *Sync) runImport(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofConnection
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	l, err := s.open(ctx, p.Connection)
	if err != nil {
		return s.idle(ctx, p.Connection, j.Store, jobImport, err)
	}
	if l.sync.Phase != phaseImporting {
		return nil, nil
	}
	began := time.Now() // of this run on this machine, whatever the clock of the business says
	for time.Since(began) < importFor {
		cursors, err := query.New(s.db.Read()).Cursors(ctx, l.ID)
		if err != nil {
			return nil, err
		}
		next := -1
		for i, c := range cursors {
			if !c.Imported {
				next = i
				break
			}
		}
		if next < 0 {
			return s.endImport(ctx, l), nil
		}
		if err := s.importPage(ctx, l, cursors[next]); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			return s.loop(ctx, l, jobImport, err, 5*time.Second, nil), nil
		}
	}
	return s.loop(ctx, l, jobImport, nil, 0, nil), nil
}

func (s *Sync) importPage(ctx context.Context, l live, c query.ShopCursor) error {
	kind := care.RecordKind(c.Kind)
	if counter, ok := l.shop.(care.ShopCounter); ok && c.Cursor == "" && c.Total == 0 {
		total, err := counter.Count(ctx, kind)
		if err != nil {
			return err
		}
		if err := s.db.Write(ctx, db.System, func(tx *db.Tx) error {
			return query.New(tx).CountKind(ctx, query.CountKindParams{Total: total, ConnectionID: l.ID, Kind: c.Kind})
		}); err != nil {
			return err
		}
	}
	records, cursor, more, err := l.shop.Changes(ctx, kind, c.Cursor)
	if err != nil {
		return err
	}
	if _, err := s.apply(ctx, l, records); err != nil {
		return err
	}
	return s.moveCursor(ctx, l, c, cursor, !more, len(records))
}

// moveCursor goes on, unless another run has: then that one's cursor stands, and this page is read again.
func (s *Sync) moveCursor(ctx context.Context, l live, c query.ShopCursor, cursor string, imported bool, records int) error {
	return s.db.Write(ctx, db.System, func(tx *db.Tx) error {
		_, err := query.New(tx).MoveCursor(ctx, query.MoveCursorParams{
			Cursor: cursor, Imported: imported, Records: int64(records), ReadAt: db.At(tx.Now),
			ConnectionID: l.ID, Kind: c.Kind, Cursor_2: c.Cursor,
		})
		s.hint(tx, l.Store, l.ID)
		return err
	})
}

func (s *Sync) endImport(ctx context.Context, l live) job.Done {
	return func(tx *db.Tx) error {
		q := query.New(tx)
		if _, err := s.note(ctx, tx, q, l, nil); err != nil {
			return err
		}
		if err := q.EndImport(ctx, query.EndImportParams{ImportEndedAt: db.At(tx.Now), ConnectionID: l.ID}); err != nil {
			return err
		}
		tx.Enqueue(work(jobPoll, l.Store, l.ID, tx.Now.Add(jitter(s.o.PollEvery))))
		tx.Enqueue(work(jobRescan, l.Store, l.ID, tx.Now.Add(jitter(rescanEvery))))
		s.hint(tx, l.Store, l.ID)
		return nil
	}
}

// hint tells open screens that the progress or state of a connection has changed.
func (s *Sync) hint(tx *db.Tx, store, connection int64) {
	if s.o.Bus == nil {
		return
	}
	tx.AfterCommit(func() {
		b, err := json.Marshal(map[string]any{"t": "connection", "connection_id": connection})
		if err == nil {
			s.o.Bus.Publish(topicAgents(store), b)
		}
	})
}
