package find

import (
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"opeka/internal/db"
	"opeka/internal/job"
)

// Source reads the things of one kind from the room that owns them, a page at a time by id, so
// that the index can be made again from what it was made of.
type Source struct {
	Kind Kind
	// Page gives the things with ids after the given one, and the id up to which that is all; 0 when it is the end.
	Page func(ctx context.Context, q db.Querier, store, after int64, limit int) (things []Thing, upto int64, err error)
}

// AddSource names where the things of a kind come from. Call it before jobs run.
func (f *Finder) AddSource(s Source) { f.sources = append(f.sources, s) }

const (
	jobRebuild  = "find.rebuild"
	rebuildPage = 200
)

// rebuildStep is how far a rebuilding has come.
type rebuildStep struct {
	Source int   `json:"source"`
	After  int64 `json:"after"`
}

// Jobs registers the handlers of this room.
func (f *Finder) Jobs(r *job.Runner) { r.Handle(jobRebuild, job.InTx(f.rebuildPage)) }

// Rebuild makes the index of a store again in the background: what is in it and shouldn't be goes,
// what is missing comes. One that waits to begin isn't doubled.
func (f *Finder) Rebuild(tx *db.Tx, store int64) {
	tx.Enqueue(db.Job{Store: store, Kind: jobRebuild, Key: strconv.FormatInt(store, 10), Payload: rebuildStep{}})
}

func (f *Finder) rebuildPage(ctx context.Context, tx *db.Tx, j job.Job) error {
	var step rebuildStep
	if err := j.Decode(&step); err != nil {
		return err
	}
	if step.Source >= len(f.sources) {
		return nil
	}
	source := f.sources[step.Source]
	things, upto, err := source.Page(ctx, tx, j.Store, step.After, rebuildPage)
	if err != nil {
		return err
	}
	next := rebuildStep{Source: step.Source, After: upto}
	if upto == 0 {
		next, upto = rebuildStep{Source: step.Source + 1}, math.MaxInt64
	}
	if err := f.sweep(ctx, tx, j.Store, source.Kind, step.After, upto, things); err != nil {
		return err
	}
	if err := f.PutAll(ctx, tx, things); err != nil {
		return err
	}
	tx.Enqueue(db.Job{Store: j.Store, Kind: jobRebuild, Payload: next})
	return nil
}

// sweep removes what the index has between two ids and its room no longer has.
func (f *Finder) sweep(ctx context.Context, tx *db.Tx, store int64, kind Kind, after, upto int64, things []Thing) error {
	rows, err := tx.Query(ctx, `SELECT ref FROM find_things WHERE store_id = $1 AND kind = $2 AND ref > $3 AND ref <= $4`, store, kindNumbers[kind], after, upto)
	if err != nil {
		return err
	}
	refs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if slices.ContainsFunc(things, func(t Thing) bool { return t.Ref == ref }) {
			continue
		}
		if err := f.Remove(ctx, tx, store, kind, ref); err != nil {
			return err
		}
	}
	return nil
}
