package inbox

import (
	"context"
	"slices"
	"time"

	"opeka/internal/cal"
	"opeka/internal/db"
)

const (
	replyDays   = 14
	replySample = 300 // of each status, the latest: enough to know, and always as quick
	fewReplies  = 5   // with fewer it would be a guess
	longReply   = 4 * time.Hour
)

// ReplyMinutes tells within how many minutes of opening hours three of four chats had their first answer in the last days; 0
// when too few were answered to say, or when it takes so long that minutes are no measure.
func (i *Inbox) ReplyMinutes(ctx context.Context, store int64) (int64, error) {
	q := i.db.Read()
	settings, err := i.store(ctx, q, store)
	if err != nil {
		return 0, err
	}
	now := i.db.Now()
	since := db.At(now.AddDate(0, 0, -replyDays))
	var took []time.Duration
	for _, status := range []string{Open, Pending, Resolved} {
		rows, err := q.Query(ctx, `SELECT created_at, first_response_at, channel FROM conversations
WHERE store_id = $1 AND status = $2 AND listed_at > $3 ORDER BY listed_at DESC, id DESC LIMIT $4`, store, status, since, int64(replySample))
		if err != nil {
			return 0, err
		}
		for rows.Next() {
			var asked, answered db.Time
			var channel string
			if err := rows.Scan(&asked, &answered, &channel); err != nil {
				rows.Close()
				return 0, err
			}
			switch {
			case channel != "chat" || asked < since:
			case answered != 0:
				took = append(took, between(settings.calendar, asked.Time(), answered.Time()))
			case status == Open: // who still waits counts with what he has waited
				took = append(took, between(settings.calendar, asked.Time(), now))
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return 0, err
		}
	}
	return usually(took), nil
}

// usually is what three of four keep below, in whole minutes, rounded so that it doesn't promise what it can't know.
func usually(took []time.Duration) int64 {
	if len(took) < fewReplies {
		return 0
	}
	slices.Sort(took)
	d := took[(len(took)*3+3)/4-1]
	if d > longReply {
		return 0
	}
	n := int64(d.Round(time.Minute) / time.Minute)
	step := int64(1)
	switch {
	case n > 60:
		step = 30
	case n > 20:
		step = 10
	case n > 5:
		step = 5
	}
	return max(1, (n+step-1)/step*step)
}

// between is the time of opening hours; a nil calendar never closes.
func between(c *cal.Calendar, a, b time.Time) time.Duration {
	if c == nil {
		return max(0, b.Sub(a))
	}
	return c.Between(a, b)
}
