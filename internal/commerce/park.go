package commerce

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/job"
)

// A record may refer to what hasn't come yet: stock of an unknown variant, an invoice of an unknown order. It is
// parked, and applied by a job once the other has come. Order lines wait by themselves: their variant is filled in.

const jobUnpark = "commerce.unpark"

// arrival is the payload of jobUnpark: what has come.
type arrival struct {
	Connection int64           `json:"connection_id"`
	Plug       string          `json:"plug"`
	Kind       care.RecordKind `json:"kind"`
	Refs       []string        `json:"refs"`
	Backfill   bool            `json:"backfill,omitempty"`
}

func (a *applier) park(ctx context.Context, it item, wants care.RecordKind, ref string) error {
	return a.q.Park(ctx, query.ParkParams{
		ConnectionID: a.conn.ID, Kind: string(it.Kind), ExternalID: it.ExternalID, StoreID: a.conn.Store, WantsKind: string(wants), WantsRef: ref,
		Data: it.data, SourceAt: db.At(it.UpdatedAt), CreatedAt: db.At(a.tx.Now),
	})
}

// arrived looks whether something waits for what has just come.
func (a *applier) arrived(ctx context.Context, kind care.RecordKind, refs []string) error {
	if len(refs) == 0 {
		return nil
	}
	waiting, err := a.q.Waiting(ctx, query.WaitingParams{ConnectionID: a.conn.ID, WantsKind: string(kind), Column3: refs})
	if err != nil || len(waiting) == 0 {
		return err
	}
	a.tx.Enqueue(db.Job{Store: a.conn.Store, Kind: jobUnpark, Payload: arrival{a.conn.ID, a.conn.Plug, kind, refs, a.o.Backfill}})
	return nil
}

// unpark applies what waited. Applying is idempotent, so a job that is cut short is simply done again.
func (m *Commerce) unpark(ctx context.Context, j job.Job) (job.Done, error) {
	var p arrival
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	rows, err := query.New(m.db.Read()).Waiting(ctx, query.WaitingParams{ConnectionID: p.Connection, WantsKind: string(p.Kind), Column3: p.Refs})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	records := make([]care.Record, 0, len(rows))
	for _, r := range rows {
		data, err := decode(care.RecordKind(r.Kind), r.Data)
		if err != nil {
			return nil, job.Discard(err)
		}
		records = append(records, care.Record{Kind: care.RecordKind(r.Kind), ExternalID: r.ExternalID, UpdatedAt: r.SourceAt.Time(), Data: data})
	}
	conn := care.Connection{ID: p.Connection, Store: j.Store, Plug: p.Plug}
	results, err := m.applyAll(ctx, conn, records, ApplyOptions{Backfill: p.Backfill})
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		q := query.New(tx)
		for i, r := range rows {
			if results[i].outcome == parkedNow {
				continue
			}
			if err := q.Unpark(ctx, query.UnparkParams{ConnectionID: r.ConnectionID, Kind: r.Kind, ExternalID: r.ExternalID, SourceAt: r.SourceAt}); err != nil {
				return err
			}
		}
		if len(rows) == 500 { // as many as one look gives
			tx.Enqueue(db.Job{Store: j.Store, Kind: jobUnpark, Payload: p})
		}
		return nil
	}, nil
}
