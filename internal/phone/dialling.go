package phone

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Dialling says which numbers a store lets be rung: whoever could have us dial what he likes would telephone at the shop's expense, and be paid for it by the
// owner of the number. What isn't allowed is denied.
type Dialling struct {
	Allowed   []string `json:"allowed_prefixes" maxItems:"300" doc:"E.164 beginnings such as +380; empty: the store's own country, by its numbers and its time zone"`
	Denied    []string `json:"denied_prefixes" maxItems:"300" doc:"Within these; numbers that cost extra are always denied"`
	PerMinute int64    `json:"per_minute" minimum:"0" maximum:"600" doc:"Calls that one agent may begin in a minute; 0: 10"`
}

// perMinute is how many calls an agent may begin where the store says nothing.
const perMinute = 10

// dialling is a store's rules as they are asked of a number.
type dialling struct {
	Dialling
	country   string // by which a national number is read
	countries []string
}

func (p *Phone) dialling(ctx context.Context, q db.Querier, store int64) (dialling, error) {
	set, err := settings(ctx, q, store)
	if err != nil {
		return dialling{}, err
	}
	return p.diallingBy(ctx, q, store, set.Policy)
}

// diallingBy is dialling by a policy that isn't kept yet, perhaps.
func (p *Phone) diallingBy(ctx context.Context, q db.Querier, store int64, policy Policy) (d dialling, err error) {
	d.Dialling = policy.Dialling
	if facts, err := p.store(ctx, q, store); err != nil {
		return d, err
	} else if c := text.ZoneCountry(facts.Zone); c != "" {
		d.countries = append(d.countries, c)
	}
	if len(d.Allowed) > 0 && len(d.countries) > 0 {
		d.country = d.countries[0]
		return d, nil
	}
	own := []string{policy.CallerID}
	queues, err := queuesOf(ctx, q, []int64{store})
	if err != nil {
		return d, err
	}
	for _, x := range queues {
		own = append(own, x.Numbers...)
	}
	rows, err := q.Query(ctx, `SELECT settings FROM connections WHERE store_id = $1 AND plug = 'sip' ORDER BY id`, store)
	if err != nil {
		return d, err
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return d, err
		}
		var of struct {
			CallerID string `json:"caller_id"`
		}
		if json.Unmarshal(raw, &of) == nil {
			own = append(own, of.CallerID)
		}
	}
	if err := rows.Err(); err != nil {
		return d, err
	}
	var countries []string
	for _, n := range own {
		if len(n) > 1 && n[0] == '+' {
			countries = append(countries, text.ParsePhone(n, "").Region)
		}
	}
	for _, c := range countries {
		if c != "" && !slices.Contains(d.countries, c) {
			d.countries = append(d.countries, c)
		}
	}
	if len(d.countries) > 0 {
		d.country = d.countries[0]
	}
	return d, nil
}

// Why a number isn't rung.
const (
	deniedUnreadable = "unreadable"
	deniedCostly     = "costly"  // whatever the store allows
	deniedPrefix     = "denied"  // by the store
	deniedForeign    = "foreign" // not among what the store allows
)

// refuses tells why a number (E.164) may not be rung; empty: it may.
func (d dialling) refuses(number string) string {
	begins := func(p string) bool { return p != "" && strings.HasPrefix(number, p) }
	ok := slices.ContainsFunc(d.Allowed, begins)
	if len(d.Allowed) == 0 {
		region := text.ParsePhone(number, "").Region
		ok = slices.Contains(d.countries, region) ||
			region == "" && slices.ContainsFunc(d.countries, func(c string) bool { return begins(text.CountryPrefix(c)) }) // of a range that is newer than our tables
	}
	switch {
	case text.CostsExtra(number):
		return deniedCostly
	case slices.ContainsFunc(d.Denied, begins):
		return deniedPrefix
	case !ok:
		return deniedForeign
	}
	return ""
}

// allows tells whether a number (E.164) may be rung; else the error says why.
func (d dialling) allows(number string) error {
	if d.refuses(number) != "" {
		return &care.Error{Code: "phone.number_denied", Kind: care.KindForbidden, Args: map[string]any{"number": number}}
	}
	return nil
}

// mayBegin bounds how many calls an agent begins by himself.
func (d dialling) mayBegin(ctx context.Context, q db.Querier, store, agent int64, now time.Time) error {
	most := d.PerMinute
	if most == 0 {
		most = perMinute
	}
	var n int64
	err := q.QueryRow(ctx, `SELECT count(*) FROM calls WHERE store_id = $1 AND created_at > $2 AND direction = 'out' AND callback_id = 0 AND agent_id = $3`, store, db.At(now.Add(-time.Minute)), agent).Scan(&n)
	if err == nil && n >= most {
		return &care.Error{Code: "phone.too_many_calls", Kind: care.KindTooMany, Args: map[string]any{"n": most}}
	}
	return err
}
