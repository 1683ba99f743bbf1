package bench

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/notify"
)

var noticeRow = row{name: "notice", what: "notices", measure: func(ctx context.Context, b *bench) (err error) {
	policy, err := notify.Compile(notify.DefaultPolicy(), 0, time.UTC)
	if err != nil {
		return err
	}
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	s := notify.State{Facts: notify.Sample("uk").Facts, Trigger: notify.Trigger{Event: care.EventOrderCreated}, Reach: map[string]notify.Reach{care.ChannelEmail: {Address: "a@example.com"}}}
	s.Order.Stage, s.Order.PlacedAt = string(care.StagePlaced), now
	n, began := b.smaller(200_000, 5_000), time.Now()
	for range n {
		if len(notify.Decide(&s, policy, now).Sends) != 1 {
			return errors.New("the letter about a new order isn't decided on")
		}
	}
	b.atLeast("decided per second", float64(n)/time.Since(began).Seconds(), "/s", 5000)

	d, err := db.Open(ctx, "sqlite:"+filepath.Join(b.dir, "notice.db"), db.Options{Log: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	for _, e := range notify.Events {
		d.RouteWhen(e, notify.JobEvent, notify.Wanted)
	}
	orders := b.smaller(100_000, 2_000)
	for from := 0; from < orders; from += 500 {
		err := d.Write(ctx, db.System, func(tx *db.Tx) error {
			for i := range 500 {
				tx.Emit(db.Event{Store: 1, Type: care.EventOrderCreated, Subject: int64(from + i + 1), Payload: care.OrderEvent{Order: int64(from + i + 1), Backfill: true}})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	var jobs int
	if err := d.Read().QueryRow(ctx, `SELECT (SELECT count(*) FROM jobs WHERE kind = $1) + (SELECT count(*) FROM notices)`, notify.JobEvent).Scan(&jobs); err != nil {
		return err
	}
	b.nothing("notices, and jobs for them, of a backfill", jobs)
	return nil
}}
