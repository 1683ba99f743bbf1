package phone

import (
	"context"
	"errors"
	"time"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
)

// situation reads all that planning looks at.
func (p *Phone) situation(ctx context.Context, q db.Querier, c *callback, now time.Time) (s Situation, pol Policy, err error) {
	set, err := settings(ctx, q, c.Store)
	if err != nil {
		return s, pol, err
	}
	facts, err := p.store(ctx, q, c.Store)
	if err != nil {
		return s, pol, err
	}
	s = Situation{State: c.State, Earliest: c.Earliest.Time(), Promised: c.Promised.Time(), Retry: c.Retry.Time(), Late: c.LateAt.Time(), LateNoted: c.Late != "",
		Expires: c.Expires.Time(), Attempts: c.Attempts, MaxAttempts: c.MaxAttempts, LastResult: c.LastResult, Opening: facts.Calendar}
	if s.Zone, err = time.LoadLocation(c.Zone); err != nil {
		s.Zone = time.UTC
	}
	if err := s.reasons(ctx, q, c, now); err != nil {
		return s, pol, err
	}
	if err := s.person(ctx, q, c); err != nil {
		return s, pol, err
	}
	return s, set.Policy, s.calls(ctx, q, c, now)
}

func (s *Situation) reasons(ctx context.Context, q db.Querier, c *callback, now time.Time) error {
	rows, err := q.Query(ctx, `SELECT r.trigger, r.subject_kind, r.subject_id, r.quantity, r.asked_at, r.created_at, r.gone_at, coalesce(o.payment_state, ''), coalesce(o.shipment_state, ''), coalesce(o.deleted, FALSE)
FROM callback_reasons r LEFT JOIN orders o ON r.subject_kind = 'order' AND o.id = r.subject_id WHERE r.callback_id = $1 ORDER BY r.id`, c.ID)
	if err != nil {
		return err
	}
	type want struct {
		Want
		asked db.Time
	}
	var wants []want
	for rows.Next() {
		var t Trigger
		var kind, paid, parcel string
		var deleted bool
		var subject, quantity int64
		var asked, made, gone db.Time
		if err := rows.Scan(&t, &kind, &subject, &quantity, &asked, &made, &gone, &paid, &parcel, &deleted); err != nil {
			rows.Close()
			return err
		}
		if gone != 0 || deleted || settledBy(t, care.PaymentState(paid), care.ShipmentState(parcel)) {
			s.Gone++
			continue
		}
		s.Triggers = append(s.Triggers, t)
		// A subscription's goods came later than it was asked for; the wish is as old as the subscription.
		if t.requested() && asked.Time().After(s.Asked) {
			s.Asked = asked.Time()
		}
		if t == TriggerStock && kind == "variant" {
			wants = append(wants, want{Want{Variant: subject, Quantity: quantity}, asked})
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, w := range wants {
		if w.Available, err = available(ctx, q, w.Variant); err != nil {
			return err
		}
		err := q.QueryRow(ctx, `SELECT CAST(coalesce(sum(quantity), 0) AS BIGINT) FROM stock_subscriptions WHERE variant_id = $1 AND callback_id <> $2
AND (state = 'allotted' AND asked_at < $3 OR state = 'told' AND held_until_at > $4)`, w.Variant, c.ID, w.asked, db.At(now)).Scan(&w.Ahead)
		if err != nil {
			return err
		}
		s.Wants = append(s.Wants, w.Want)
	}
	return nil
}

// settledBy tells whether what an order's call was to be about is so no more, as the order stands now: he has paid, he has his parcel.
func settledBy(t Trigger, paid care.PaymentState, parcel care.ShipmentState) bool {
	switch t {
	case TriggerPayment:
		return paid == care.PaymentPaid || paid == care.PaymentAuthorized
	case TriggerParcel:
		return parcel == care.ShipmentDelivered
	}
	return false
}

// plenty is what a variant has that the shop doesn't count.
const plenty = 1 << 40

// available is how many pieces of a variant can be sold, over all places.
func available(ctx context.Context, q db.Querier, variant int64) (n int64, err error) {
	err = q.QueryRow(ctx, `SELECT CASE WHEN v.untracked OR v.backorder THEN CAST($1 AS BIGINT) ELSE CAST(coalesce((SELECT sum(l.available) FROM stock_levels l WHERE l.variant_id = v.id), 0) AS BIGINT) END
FROM variants v WHERE v.id = $2 AND NOT v.archived`, int64(plenty), variant).Scan(&n)
	if err = missing(err, "variant"); err != nil {
		if e, ok := err.(*care.Error); ok && e.Kind == care.KindNotFound {
			return 0, nil
		}
	}
	return n, err
}

// person reads what the customer allows and how he wants to be reached, whichever of his merged selves said so. A number that was only named doesn't
// make two customers one, but it is one telephone: what any customer who has it said about being rung counts for it.
func (s *Situation) person(ctx context.Context, q db.Querier, c *callback) error {
	var all []int64
	if c.Customer != 0 {
		var prefers string
		err := q.QueryRow(ctx, `SELECT h.preferred_channel, h.quiet_from, h.quiet_to FROM customers k JOIN customers h ON h.id = CASE WHEN k.merged_into = 0 THEN k.id ELSE k.merged_into END
WHERE k.id = $1`, c.Customer).Scan(&prefers, &s.QuietFrom, &s.QuietTo)
		if err != nil && !errors.Is(err, db.ErrNoRows) { // made in this transaction: nothing is known of him yet
			return err
		}
		s.PrefersWriting = prefers != "" && prefers != care.ChannelPhone
		if all, err = familyOf(ctx, q, c.Customer); err != nil {
			return err
		}
	}
	rows, err := q.Query(ctx, `SELECT h.id, i.customer_id, h.quiet_from, h.quiet_to FROM identities i JOIN customers k ON k.id = i.customer_id
JOIN customers h ON h.id = CASE WHEN k.merged_into = 0 THEN k.id ELSE k.merged_into END WHERE i.store_id = $1 AND i.kind = 'phone' AND i.value = $2 ORDER BY i.trust DESC, i.id LIMIT 50`, c.Store, c.Number)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var head, holder int64
		var from, to string
		if err := rows.Scan(&head, &holder, &from, &to); err != nil {
			return err
		}
		all = append(all, head, holder)
		if s.QuietFrom == "" {
			s.QuietFrom, s.QuietTo = from, to
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	return s.doNotCall(ctx, q, all)
}

func (s *Situation) doNotCall(ctx context.Context, q db.Querier, customers []int64) error {
	rows, err := q.Query(ctx, `SELECT given, created_at FROM consents WHERE customer_id = ANY($1::bigint[]) AND subject = $2 ORDER BY id DESC LIMIT 1`, customers, customer.SubjectDoNotCall)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		var at db.Time
		if err := rows.Scan(&s.DoNotCall, &at); err != nil {
			return err
		}
		s.DoNotCallAt = at.Time()
	}
	return rows.Err()
}

func familyOf(ctx context.Context, q db.Querier, id int64) (out []int64, err error) {
	var head int64
	err = q.QueryRow(ctx, `SELECT CASE WHEN merged_into = 0 THEN id ELSE merged_into END FROM customers WHERE id = $1`, id).Scan(&head)
	if errors.Is(err, db.ErrNoRows) { // made in this transaction
		return []int64{id}, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, `SELECT id FROM customers WHERE id = $1 OR merged_into = $1 AND merged_into <> 0`, head)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// calls reads how often his number was rung of late, and whether he is on the line now. The call that is written for this very callback isn't in its way.
func (s *Situation) calls(ctx context.Context, q db.Querier, c *callback, now time.Time) error {
	rows, err := q.Query(ctx, `SELECT id, state, direction, counts, created_at FROM calls WHERE store_id = $1 AND number = $2 AND created_at > $3`, c.Store, c.Number, db.At(now.Add(-24*time.Hour)))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var state, direction string
		var counts bool
		var at db.Time
		if err := rows.Scan(&id, &state, &direction, &counts, &at); err != nil {
			return err
		}
		if state != "ended" && state != "wrapup" && id != c.Call {
			s.InCall = true
		}
		if direction == "out" && counts {
			s.Calls = append(s.Calls, at.Time())
		}
	}
	return rows.Err()
}
