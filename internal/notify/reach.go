package notify

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/post"
)

// whom reads who the customer is: his name, language, what he allows, and how he can be reached.
func (l *loaded) whom(ctx context.Context, q db.Querier) error {
	if l.head == 0 {
		return nil
	}
	head, err := customer.Head(ctx, q, l.head)
	if err != nil {
		return err
	}
	l.head = head
	l.Customer.ID = head
	var name, from, to string
	err = q.QueryRow(ctx, `SELECT name, language, preferred_channel, quiet_from, quiet_to FROM customers WHERE id = $1`, head).Scan(&name, &l.Customer.Language, &l.Preferred, &from, &to)
	if err != nil {
		return err
	}
	if name != "" {
		l.Customer.Name = name
	}
	if from != "" && to != "" {
		if quiet, err := cal.NewQuiet(cal.QuietSettings{Zone: l.Store.Zone.String(), From: from, To: to}); err == nil {
			l.Quiet = quiet
		}
	}
	family, err := customer.Family(ctx, q, head)
	if err != nil {
		return err
	}
	l.family = family
	err = q.QueryRow(ctx, `SELECT count(*), coalesce(sum(CASE WHEN open THEN 1 ELSE 0 END), 0) FROM orders WHERE customer_id = ANY($1::bigint[]) AND NOT deleted`, family).Scan(&l.Customer.Orders, &l.Customer.OpenOrders)
	if err != nil {
		return err
	}
	l.handles = map[string][]string{}
	err = each(ctx, q, `SELECT kind, value FROM identities WHERE customer_id = ANY($1::bigint[]) ORDER BY trust DESC, id`, []any{family}, func(rows pgx.Rows) error {
		var kind, value string
		if err := rows.Scan(&kind, &value); err != nil {
			return err
		}
		l.handles[kind] = append(l.handles[kind], value)
		return nil
	})
	if err != nil {
		return err
	}
	l.forbidden = map[string]bool{}
	err = each(ctx, q, `SELECT subject, given FROM consents WHERE customer_id = ANY($1::bigint[]) ORDER BY id`, []any{family}, func(rows pgx.Rows) error {
		var subject string
		var given bool
		if err := rows.Scan(&subject, &given); err != nil {
			return err
		}
		if subject == customer.SubjectDoNotCall {
			l.Customer.DoNotCall = given
			return nil
		}
		l.forbidden[subject] = !given
		return nil
	})
	l.Customer.FirstName = firstName(l.Customer.Name)
	return err
}

// firstName is how somebody is addressed: the first of two or three words; one word alone may as well be a surname.
func firstName(name string) string {
	words := strings.Fields(name)
	if len(words) < 2 || len(words) > 3 {
		return ""
	}
	for _, w := range words {
		if strings.ContainsAny(w, "0123456789@.") {
			return ""
		}
	}
	return words[0]
}

// reach tells by which channels the customer can be written to.
func (n *Notify) reach(ctx context.Context, q db.Querier, l *loaded) error {
	for _, channel := range written {
		l.Reach[channel] = Reach{Why: "not_connected"}
	}
	if n.post == nil {
		return nil
	}
	channels, err := n.post.Channels(ctx, l.storeID)
	if err != nil {
		return err
	}
	var ask []post.Address
	for channel, can := range channels {
		if !slices.Contains(written, channel) {
			continue
		}
		address, why := l.address(channel, can)
		if why == "" {
			ask = append(ask, post.Address{Channel: channel, Address: address})
		}
		l.Reach[channel] = Reach{Why: why}
	}
	if len(ask) == 0 {
		return nil
	}
	ways, err := n.post.Ways(ctx, l.storeID, ask)
	if err != nil {
		return err
	}
	for _, w := range ways {
		r := Reach{Address: w.Address, Reports: w.Abilities.Delivery}
		switch {
		case w.OptedOut != "":
			r.Why = "suppressed"
		case w.Abilities.Window > 0 && w.WindowUntil.Time().Before(n.db.Now()):
			r.Why = "window_closed"
		}
		l.Reach[w.Channel] = r
	}
	return nil
}

// address is where the customer is written to on a channel, or why he isn't.
func (l *loaded) address(channel string, can care.ChannelAbilities) (address, why string) {
	consent := channel
	phones := append(slices.Clone(l.phones), l.handles[string(care.IdentityPhone)]...)
	switch channel {
	case care.ChannelEmail:
		for _, e := range append(slices.Clone(l.emails), l.handles[string(care.IdentityEmail)]...) {
			if at := strings.LastIndexByte(e, '@'); at > 0 && strings.Contains(e[at:], ".") && !strings.ContainsAny(e, " ,;<>\r\n") {
				address = strings.ToLower(e)
				break
			}
		}
	case care.ChannelSMS:
		address = firstOf(phones...)
	default:
		consent = customer.SubjectMessenger
		address = firstOf(l.handles[channel]...)
		if address == "" && can.Unprompted {
			address = firstOf(phones...)
		}
	}
	switch {
	case l.forbidden[consent]:
		return "", "opted_out"
	case address == "":
		return "", "no_address"
	}
	return address, ""
}

// told reads what this order's customer has been told, and how much he has had lately.
func (l *loaded) told(ctx context.Context, q db.Querier, now time.Time) error {
	err := each(ctx, q, `SELECT once, moment, part, channel, created_at FROM notices WHERE order_id = $1 AND outcome <> 'withheld'`, []any{l.Order.ID}, l.hear)
	if err != nil || l.head == 0 {
		return err
	}
	err = each(ctx, q, `SELECT once, moment, part, channel, created_at FROM notices WHERE customer_id = ANY($1::bigint[]) AND outcome <> 'withheld' AND once LIKE '%/customer'`, []any{l.family}, l.hear)
	if err != nil {
		return err
	}
	return each(ctx, q, `SELECT channel, sent_at FROM notice_sends WHERE customer_id = ANY($1::bigint[]) AND sent_at > $2`, []any{l.family, db.At(now.AddDate(0, 0, -30))}, func(rows pgx.Rows) error {
		var channel string
		var at db.Time
		if err := rows.Scan(&channel, &at); err != nil {
			return err
		}
		l.Recent[channel] = append(l.Recent[channel], at.Time())
		return nil
	})
}

func (l *loaded) hear(rows pgx.Rows) error {
	var once string
	var t Told
	var at db.Time
	if err := rows.Scan(&once, &t.Moment, &t.Part, &t.Channel, &at); err != nil {
		return err
	}
	t.At = at.Time()
	if _, bare, ok := strings.Cut(once, ":"); ok {
		l.Told[bare] = t
	}
	return nil
}
