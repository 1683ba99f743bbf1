package post

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// rank orders the states that reports tell; a message only goes forward.
var rank = map[string]int{string(care.DeliverySent): 1, string(care.DeliveryDelivered): 2, string(care.DeliveryRead): 3}

// advance decides what a report means for a part or a message: the new state, or "" when it is no news. A failure counts
// only until the message has arrived; one whose outcome was unknown has arrived, as it turns out.
func advance(now, reported string) string {
	switch {
	case reported == string(care.DeliveryFailed):
		if now == string(care.DeliveryQueued) || now == StateSending || now == string(care.DeliverySent) || now == StateUnknown {
			return reported
		}
	case rank[reported] == 0 || now == string(care.DeliveryFailed) || now == StateCancelled:
	case rank[reported] > rank[now]:
		return reported
	}
	return ""
}

// whole is how far a message of several parts has come: as far as the last of them, and failed when one is lost.
func whole(parts []string) string {
	least := string(care.DeliveryRead)
	for _, s := range parts {
		if s == string(care.DeliveryFailed) {
			return s
		}
		if rank[s] < rank[least] {
			least = s
		}
	}
	return least
}

func (p *Post) takeReport(ctx context.Context, l live, a arrival) error {
	var r care.DeliveryReport
	if err := json.Unmarshal(a.body, &r); err != nil {
		return care.Invalid("body", "value_invalid")
	}
	return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		if err := p.report(ctx, tx, l, r); err != nil {
			return err
		}
		tx.Defer(`UPDATE post_arrivals SET state = 'done', error = '' WHERE id = $1`, a.id)
		return nil
	})
}

// reportedFor is how long after it was sent a message may be found by its address alone.
const reportedFor = 5 * 24 * time.Hour

// report applies what became of a message; errUnknownSend when none is known by it.
func (p *Post) report(ctx context.Context, tx *db.Tx, l live, r care.DeliveryReport) error {
	var id int64
	var was string
	err := tx.QueryRow(ctx, `SELECT send_id, state FROM post_receipts WHERE connection_id = $1 AND external_id = $2`, l.ID, r.ExternalID).Scan(&id, &was)
	if errors.Is(err, db.ErrNoRows) && r.Address != "" {
		err = tx.QueryRow(ctx, `SELECT s.id, t.state, t.external_id FROM post_sends s JOIN post_receipts t ON t.send_id = s.id
WHERE s.connection_id = $1 AND s.address = $2 AND s.sent_at > $3 ORDER BY s.id DESC LIMIT 1`, l.ID, r.Address, db.At(tx.Now.Add(-reportedFor))).Scan(&id, &was, &r.ExternalID)
	}
	if errors.Is(err, db.ErrNoRows) {
		return errUnknownSend
	}
	if err != nil {
		return err
	}
	part := advance(was, string(r.State))
	if part == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, `UPDATE post_receipts SET state = $1 WHERE connection_id = $2 AND external_id = $3`, part, l.ID, r.ExternalID); err != nil {
		return err
	}
	return p.recount(ctx, tx, id, r)
}

// recount brings a send to where its parts are.
func (p *Post) recount(ctx context.Context, tx *db.Tx, id int64, r care.DeliveryReport) error {
	rows, err := tx.Query(ctx, `SELECT state FROM post_receipts WHERE send_id = $1`, id)
	if err != nil {
		return err
	}
	var parts []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			rows.Close()
			return err
		}
		parts = append(parts, s)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	s, err := loadSend(ctx, tx, id)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	state := advance(s.State, whole(parts))
	if state == "" {
		return nil
	}
	at := db.At(r.At)
	if at == 0 || at > db.At(tx.Now) {
		at = db.At(tx.Now)
	}
	s.State, s.Code, s.Detail = state, "", ""
	switch care.DeliveryState(state) {
	case care.DeliveryFailed:
		s.Code, s.Detail, s.EndedAt = r.Code, clip(r.Detail), at
		if s.Code == "" {
			s.Code = "other"
		}
		if r.Code == "blocked" {
			if err := p.OptOut(ctx, tx, s.Store, s.Channel, s.Address, "blocked"); err != nil {
				return err
			}
		}
	case care.DeliveryRead:
		s.ReadAt = at
		if s.DeliveredAt == 0 {
			s.DeliveredAt = at
		}
	case care.DeliveryDelivered:
		s.DeliveredAt = at
	}
	tx.Defer(`UPDATE post_sends SET state = $1, code = $2, detail = $3, delivered_at = $4, read_at = $5, ended_at = $6 WHERE id = $7`,
		s.State, s.Code, s.Detail, s.DeliveredAt, s.ReadAt, s.EndedAt, s.ID)
	s.tell(tx)
	return nil
}
