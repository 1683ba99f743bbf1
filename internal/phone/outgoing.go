package phone

import (
	"context"
	"encoding/json"
	"slices"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// StoreTrunk is a trunk by which a store rings.
type StoreTrunk struct {
	ID       int64  `json:"id" doc:"The connection's"`
	Name     string `json:"name"`
	State    string `json:"state" enum:"ok,degraded,auth_failed,paused"`
	Reason   string `json:"state_reason"`
	CallerID string `json:"caller_id" doc:"Shown where the store names none"`
}

// Country is a country with the beginning of its numbers.
type Country struct {
	Code   string `json:"code" doc:"ISO 3166"`
	Prefix string `json:"prefix" doc:"Such as +380; some countries share one"`
}

// Outgoing is how a store rings others.
type Outgoing struct {
	Trunks    []StoreTrunk `json:"trunks" doc:"In the order in which they are tried; those that don't work come last then"`
	Own       []string     `json:"own_countries" doc:"That may be rung where the store names none, by its numbers and its time zone"`
	Countries []Country    `json:"countries"`
}

// OutgoingOf tells by which trunks a store rings, and which countries there are to allow.
func (p *Phone) OutgoingOf(ctx context.Context, s care.Scope, store int64) (out Outgoing, err error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return out, err
	}
	q := p.db.Read()
	set, err := settings(ctx, q, store)
	if err != nil {
		return out, err
	}
	none := set.Policy
	none.Dialling = Dialling{}
	d, err := p.diallingBy(ctx, q, store, none)
	if err != nil {
		return out, err
	}
	out.Own, out.Trunks = append([]string{}, d.countries...), []StoreTrunk{}
	for _, c := range text.Countries() {
		out.Countries = append(out.Countries, Country{c, text.CountryPrefix(c)})
	}
	rows, err := q.Query(ctx, `SELECT id, name, state, state_reason, settings FROM connections WHERE store_id = $1 AND plug = 'sip' ORDER BY id`, store)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var t StoreTrunk
		var raw []byte
		if err := rows.Scan(&t.ID, &t.Name, &t.State, &t.Reason, &raw); err != nil {
			return out, err
		}
		var of struct {
			CallerID string `json:"caller_id"`
		}
		if json.Unmarshal(raw, &of) == nil {
			t.CallerID = of.CallerID
		}
		out.Trunks = append(out.Trunks, t)
	}
	slices.SortStableFunc(out.Trunks, func(a, b StoreTrunk) int { return place(set.Policy.Trunks, a.ID) - place(set.Policy.Trunks, b.ID) })
	return out, rows.Err()
}

// place is where something stands in an order; what isn't named comes last.
func place(order []int64, id int64) int {
	if i := slices.Index(order, id); i >= 0 {
		return i
	}
	return len(order)
}

// NumberCheck tells what rules of dialling make of a number.
type NumberCheck struct {
	Number  string `json:"number" doc:"E.164; empty: it can't be read"`
	Country string `json:"country" doc:"ISO 3166"`
	Refused string `json:"refused" enum:",unreadable,costly,denied,foreign" doc:"Why it isn't rung; empty: it is. Numbers that cost extra never are"`
}

// CheckNumber tells whether a number as people write it would be rung, by the store's rules or by others that aren't kept yet.
func (p *Phone) CheckNumber(ctx context.Context, s care.Scope, store int64, number string, by *Dialling) (out NumberCheck, err error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return out, err
	}
	q := p.db.Read()
	set, err := settings(ctx, q, store)
	if err != nil {
		return out, err
	}
	if by != nil {
		if err := by.check(); err != nil {
			return out, err
		}
		set.Policy.Dialling = *by
	}
	d, err := p.diallingBy(ctx, q, store, set.Policy)
	if err != nil {
		return out, err
	}
	n := text.ParsePhone(number, d.country)
	if !n.Resolved() {
		return NumberCheck{Refused: deniedUnreadable}, nil
	}
	return NumberCheck{Number: n.E164, Country: n.Region, Refused: d.refuses(n.E164)}, nil
}

// trunkOrder is in which order a store's trunks are tried.
func trunkOrder(ctx context.Context, q db.Querier, store int64) ([]int64, error) {
	set, err := settings(ctx, q, store)
	return set.Policy.Trunks, err
}

// SetSettings changes a store's policy and the rules that are given. Callbacks that are owed already keep what they were made with.
func (p *Phone) SetSettings(ctx context.Context, by account.By, store int64, in Settings) (Settings, error) {
	if err := by.Check(store, care.PermSettings); err != nil {
		return in, err
	}
	if err := in.check(); err != nil {
		return in, err
	}
	var out Settings
	err := p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		before, err := settings(ctx, tx, store)
		if err != nil {
			return err
		}
		now := Settings{Policy: in.Policy, Rules: slices.Clone(before.Rules)}
		if now.Policy.Days == nil {
			now.Policy.Days = []string{}
		}
		if now.Policy.Countries == nil {
			now.Policy.Countries = []string{}
		}
		if now.Policy.Trunks == nil {
			now.Policy.Trunks = []int64{}
		}
		for _, r := range in.Rules {
			i := slices.IndexFunc(now.Rules, func(x Rule) bool { return x.Trigger == r.Trigger })
			now.Rules[i] = r
		}
		_, err = tx.Exec(ctx, `INSERT INTO phone_policies (store_id, policy, rules, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (store_id) DO UPDATE SET policy = excluded.policy, rules = excluded.rules, updated_at = excluded.updated_at`, store, asJSON(now.Policy), asJSON(now.Rules), db.At(tx.Now))
		p.audited(tx, by, store, "phone.policy_set", store, "", before, now) // who may be rung is a matter of money
		out = now
		return err
	})
	return out, err
}
