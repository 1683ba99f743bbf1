package work

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/post"
	"opeka/internal/text"
	"opeka/messages"
)

// An inquiry that isn't answered in time is told to its department again, with whoever asked, and then, half as long again after that, to
// the supervisors.
const maxLevel = 2

type ofInquiry struct {
	Inquiry int64 `json:"inquiry_id"`
}

// watch sets the timer.
func (w *Work) watch(tx *db.Tx, i Inquiry, at time.Time) {
	tx.Enqueue(db.Job{Store: i.Store, Kind: jobLate, Key: strconv.FormatInt(i.ID, 10), Move: true, RunAt: at, Payload: ofInquiry{i.ID}})
}

// next is when the lateness is told again.
func next(i Inquiry, now time.Time) time.Time {
	half := i.DeadlineAt.Time().Sub(i.AskedAt.Time()) / 2
	return now.Add(max(half, 15*time.Minute))
}

func (w *Work) late(ctx context.Context, tx *db.Tx, j job.Job) error {
	var p ofInquiry
	if err := j.Decode(&p); err != nil {
		return err
	}
	i, err := scanInquiry(tx.QueryRow(ctx, `SELECT `+inquiryColumns+` WHERE i.id = $1`, p.Inquiry))
	if errors.Is(err, db.ErrNoRows) || err == nil && (i.State != Open || i.Level >= maxLevel) {
		return nil
	}
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `UPDATE inquiries SET level = level + 1, version = version + 1 WHERE id = $1 AND state = 'open' AND level = $2`, i.ID, i.Level)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	i.Level++
	w.tell(tx, i, care.EventInquiryOverdue)
	if i.Level < maxLevel {
		w.watch(tx, i, next(i, tx.Now))
	}
	s, err := w.settings(ctx, i.Store, i.Department)
	if err != nil {
		return err
	}
	return w.write(ctx, tx, i, s)
}

// deadline counts minutes in the store's opening hours.
func (w *Work) deadline(ctx context.Context, store int64, from time.Time, minutes int64) (time.Time, error) {
	var raw []byte
	if err := w.db.Read().QueryRow(ctx, `SELECT calendar FROM stores WHERE id = $1`, store).Scan(&raw); err != nil {
		return from, missing(err, "store")
	}
	span := time.Duration(minutes) * time.Minute
	var settings cal.Settings
	if err := json.Unmarshal(raw, &settings); err != nil {
		return from, err
	}
	calendar, err := cal.New(settings)
	if err != nil { // none is set
		return from.Add(span), nil
	}
	at, err := calendar.Add(from, span)
	if err != nil { // it never opens
		return from.Add(span), nil
	}
	return at, nil
}

// zone is the store's.
func (w *Work) zone(ctx context.Context, store int64) (*time.Location, error) {
	var name string
	if err := w.db.Read().QueryRow(ctx, `SELECT time_zone FROM stores WHERE id = $1`, store).Scan(&name); err != nil {
		return nil, missing(err, "store")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC, nil
	}
	return zone, nil
}

// write sends the department a letter with the link, if it has an address and the store a mailbox.
func (w *Work) write(ctx context.Context, tx *db.Tx, i Inquiry, s Settings) error {
	if w.o.Post == nil || s.Email == "" {
		return nil
	}
	say := func(key string, args map[string]any) string { return messages.T(s.Language, key, args) }
	about := ""
	for _, fact := range [][2]string{{"product", i.Product}, {"place", i.Place}, {"order", i.OrderNumber}} {
		if fact[1] != "" {
			about += say("inquiry.page."+fact[0], nil) + ": " + fact[1] + "\n"
		}
	}
	subject := "inquiry.letter.subject"
	if i.Level > 0 {
		subject = "inquiry.letter.overdue"
	}
	zone, err := w.zone(ctx, i.Store)
	if err != nil {
		return err
	}
	_, err = w.o.Post.Send(ctx, tx, post.Send{Store: i.Store, Channel: care.ChannelEmail, Class: post.ClassNotice, Kind: "inquiry", Ref: i.ID,
		Key: "inquiry:" + strconv.FormatInt(i.ID, 10) + ":" + strconv.FormatInt(i.Level, 10), To: s.Email, Expires: tx.Now.Add(24 * time.Hour),
		Body: post.Body{Automatic: true, Language: s.Language, Subject: say(subject, map[string]any{"department": i.Departments, "about": text.Preview(cmp.Or(i.Product, i.Question), 80)}),
			Text: say("inquiry.letter.body", map[string]any{"asker": i.AskerName, "question": i.Question, "about": about,
				"deadline": i.DeadlineAt.Time().In(zone).Format("02.01.2006 15:04"), "link": w.link(i.ID)})}})
	if errors.Is(err, &care.Error{Code: "channel.none"}) {
		return nil // no mailbox: the department's screen shows the question all the same
	}
	return err
}
