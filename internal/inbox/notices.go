package inbox

import (
	"context"
	"slices"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Told is a notice that the customer of a conversation was sent, as it stands between the messages. The notices' own room keeps it.
type Told struct {
	ID       int64   `json:"id"`
	Order    int64   `json:"order_id"`
	Number   string  `json:"order_number"`
	Moment   string  `json:"moment" doc:"moment.<moment> of the catalogue"`
	Channel  string  `json:"channel"`
	Address  string  `json:"address"`
	State    string  `json:"state" doc:"Of its delivery"`
	Code     string  `json:"code"`
	Subject  string  `json:"subject"`
	Body     string  `json:"body"`
	SentAt   db.Time `json:"sent_at"`
	NoticeID int64   `json:"notice_id"`
}

const (
	toldBefore = 14 * 24 * time.Hour // how long before the conversation a notice may have caused it
	maxTold    = 100
)

// Told returns the notices that a conversation's customer was sent about its time, the earliest first.
func (i *Inbox) Told(ctx context.Context, scope care.Scope, id int64) ([]Told, error) {
	q := i.db.Read()
	c, err := visible(ctx, q, false, scope, id, care.PermInboxRead)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, `SELECT s.id, n.order_id, coalesce(o.number, ''), n.moment, s.channel, s.address, s.state, s.code, s.subject, s.body, s.sent_at, n.id
FROM notice_sends s JOIN notices n ON n.id = s.notice_id LEFT JOIN orders o ON o.id = n.order_id
WHERE s.customer_id = $1 AND s.store_id = $2 AND s.sent_at > $3 ORDER BY s.sent_at DESC LIMIT $4`, c.Person, c.Store, c.CreatedAt.Add(-toldBefore), int64(maxTold))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Told{}
	for rows.Next() {
		var t Told
		if err := rows.Scan(&t.ID, &t.Order, &t.Number, &t.Moment, &t.Channel, &t.Address, &t.State, &t.Code, &t.Subject, &t.Body, &t.SentAt, &t.NoticeID); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	slices.Reverse(out)
	return out, rows.Err()
}
