package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/post"
)

// Shown is words put together for an editor.
type Shown struct {
	Letter   Rendered            `json:"letter"`
	Short    Rendered            `json:"short"`
	Channels map[string]Rendered `json:"channels" doc:"Of channels that have words of their own"`
	Order    string              `json:"order_number" doc:"Whose order it is; empty: nobody's"`
}

// ShowInput says what words to put together and what to fill them with: a real order, found by its number; the point of a case at which a
// moment comes; or, without either, something of everything.
type ShowInput struct {
	Language string   `json:"language" enum:"en,uk,ru,pl"`
	Order    string   `json:"order_number,omitempty" maxLength:"100" doc:"Of a real order"`
	Case     string   `json:"case,omitempty" maxLength:"40" doc:"A case of the catalogue, as it stands when the moment comes"`
	Moment   string   `json:"moment,omitempty" maxLength:"40"`
	Template Template `json:"template"`
}

// ShowWords puts words together.
func (n *Notify) ShowWords(ctx context.Context, s care.Scope, store int64, in ShowInput) (out Shown, err error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return out, err
	}
	if !oneOf(languages, in.Language) {
		return out, care.Invalid("language", "value_invalid")
	}
	t := in.Template
	if err := t.Check(in.Language); err != nil {
		return out, err
	}
	v, err := n.varsOf(ctx, s, store, in)
	if err != nil {
		return out, err
	}
	if in.Order != "" {
		out.Order = v.Facts.Order.Number
	}
	out.Channels = map[string]Rendered{}
	for _, channel := range written {
		if channel != care.ChannelEmail && t.own(channel) == "" {
			continue
		}
		r, err := t.Render(channel, in.Language, v)
		if err != nil {
			return out, err
		}
		if channel == care.ChannelEmail {
			out.Letter = r
		} else {
			out.Channels[channel] = r
		}
	}
	t.Channels = nil
	out.Short, err = t.Render(care.ChannelSMS, in.Language, v)
	return out, err
}

func (n *Notify) varsOf(ctx context.Context, s care.Scope, store int64, in ShowInput) (Vars, error) {
	facts, err := n.storeFacts(ctx, store)
	if err != nil {
		return Vars{}, err
	}
	v := Sample(in.Language)
	v.Store = facts
	switch {
	case in.Order != "":
		return n.varsOfOrder(ctx, s, store, in)
	case in.Case != "":
		found, ok := caseFacts(in.Case, in.Moment, facts, in.Language, n.db.Now())
		if !ok {
			return v, care.Invalid("case", "case_unknown")
		}
		v.Facts = found
	}
	return v, nil
}

func (n *Notify) varsOfOrder(ctx context.Context, s care.Scope, store int64, in ShowInput) (v Vars, err error) {
	if err := s.Check(store, care.PermCommerceRead); err != nil {
		return v, err
	}
	id, err := n.orderByNumber(ctx, store, in.Order)
	if err != nil {
		return v, err
	}
	l, err := n.load(ctx, n.db.Read(), id, n.db.Now())
	if err != nil {
		return v, err
	}
	if len(l.Refunds) > 0 {
		l.Refund = l.Refunds[len(l.Refunds)-1]
	}
	return Vars{Facts: l.Facts, Store: l.Store}, nil
}

// caseFacts is how a case stands when a moment comes in it, or at its end where it never does.
func caseFacts(key, moment string, f StoreFacts, lang string, now time.Time) (Facts, bool) {
	script, ok := caseScript(key, f, lang, now)
	if !ok {
		return Facts{}, false
	}
	s, m := script.State, momentOf(moment)
	steps := slices.Clone(script.Steps)
	slices.SortStableFunc(steps, func(a, b ScriptStep) int { return a.At.Compare(b.At) })
	for _, step := range steps {
		if step.Change != nil {
			step.Change(&s)
		}
		if m == nil {
			continue
		}
		for _, part := range m.parts(&s) {
			if m.holds(&s, part) {
				return s.Facts.about(m.part, part), true
			}
		}
	}
	return s.Facts, true
}

func (n *Notify) orderByNumber(ctx context.Context, store int64, number string) (id int64, err error) {
	err = n.db.Read().QueryRow(ctx, `SELECT id FROM orders WHERE store_id = $1 AND number = $2 ORDER BY placed_at DESC LIMIT 1`, store, number).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return 0, care.NotFound("order")
	}
	return id, err
}

// TestSend sends words to an address of the caller's choice.
func (n *Notify) TestSend(ctx context.Context, by account.By, store int64, channel, to string, in ShowInput) error {
	shown, err := n.ShowWords(ctx, by.Scope, store, in)
	if err != nil {
		return err
	}
	if n.post == nil {
		return care.Conflict("channel.none", "channel", channel)
	}
	r, own := shown.Channels[channel]
	switch {
	case channel == care.ChannelEmail:
		r = shown.Letter
	case !own:
		r = shown.Short
	}
	return n.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		id := tx.ID()
		_, err := n.post.Send(ctx, tx, post.Send{Store: store, Channel: channel, Class: post.ClassNotice, Kind: "notice_test", Ref: id, Key: fmt.Sprintf("notice_test/%d", id), To: to,
			Body: post.Body{Subject: r.Subject, Text: r.Text, HTML: r.HTML, Language: in.Language, Automatic: true}})
		if err == nil && n.o.Audit != nil {
			n.o.Audit(tx, by, store, "notify.test_sent", store, channel, nil, map[string]any{"to": to})
		}
		return err
	})
}
