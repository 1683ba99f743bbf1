package phone_test

import (
	"container/heap"
	"slices"
	"strconv"
	"time"

	"opeka/internal/db"
	"opeka/internal/phone"
)

// allowed is the first moment at which the shop may ring somebody about what he is owed.
func (w *week) allowed(p *person, now, promised time.Time) time.Time {
	var name string
	w.look(`SELECT zone FROM callbacks WHERE store_id = $1 AND number = $2 ORDER BY id DESC LIMIT 1`, &name, w.store, p.number)
	zone, err := time.LoadLocation(name)
	if err != nil {
		w.t.Fatal(err)
	}
	s := phone.Situation{State: phone.Waiting, Asked: now, Earliest: now, Promised: promised, Late: now.Add(90 * weekDay), Expires: now.Add(60 * weekDay), MaxAttempts: 3, Zone: zone, QuietFrom: p.from, QuietTo: p.to}
	return phone.MakePlan(s, phone.DefaultPolicy, now).Due
}

// examine holds a telephone's ringing against what its owner allows. It judges by its own book-keeping and by its own reading of the clock.
func (w *week) examine(f rang) {
	w.t.Helper()
	number, p := f.line.Dialing.To, w.people[f.line.Dialing.To]
	wrong := func(what string) {
		w.t.Helper()
		w.t.Errorf("%s was rung %s, at %s (call %s)", number, what, f.at, f.line.Dialing.Key)
	}
	id, _ := strconv.ParseInt(f.line.Dialing.Key, 10, 64)
	var callback, agent int64
	var name string
	var promised, made db.Time
	err := w.db.Read().QueryRow(w.t.Context(), `SELECT b.id, b.zone, b.promised_at, k.agent_id, k.created_at FROM calls k JOIN callbacks b ON b.id = k.callback_id WHERE k.id = $1`, id).Scan(&callback, &name, &promised, &agent, &made)
	if err != nil {
		w.t.Fatal(err)
	}
	if agent == 0 {
		wrong("without an agent")
	}
	if w.onTheLine(number) {
		wrong("while he was on the line")
	}
	if !p.never.IsZero() && !p.asked.After(p.never) {
		wrong("although he doesn't want to be")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		w.t.Fatal(err)
	}
	local, named := f.at.In(zone).Format("15:04"), promised.Time()
	if promised == 0 || f.at.Before(named) || !f.at.Before(named.Add(time.Hour)) {
		if local < "08:00" || local >= "21:00" {
			wrong("outside of hours, by his clock " + local)
		}
		if p.from != "" && (p.from < p.to && local >= p.from && local < p.to || p.from > p.to && (local >= p.from || local < p.to)) {
			wrong("in his quiet hours, by his clock " + local)
		}
	}
	var n int // before this one: a program that was killed while it rang may have counted it already
	if w.look(`SELECT count(*) FROM calls WHERE store_id = $1 AND number = $2 AND created_at > $3 AND created_at < $4 AND direction = 'out' AND counts`, &n, w.store, number, db.At(f.at.Add(-weekDay)), made); n >= int(phone.DefaultPolicy.PerDay) {
		wrong("too often")
	}
	w.goods(callback, wrong)
}

// goods demands that a call about goods alone promises what is there, after all that is promised already.
func (w *week) goods(callback int64, wrong func(string)) {
	rows, err := w.db.Read().Query(w.t.Context(), `SELECT trigger, subject_id, quantity FROM callback_reasons WHERE callback_id = $1`, callback)
	if err != nil {
		w.t.Fatal(err)
	}
	var things, wanted []int64
	other := false
	for rows.Next() {
		var trigger string
		var thing, n int64
		if err := rows.Scan(&trigger, &thing, &n); err != nil {
			w.t.Fatal(err)
		}
		other = other || trigger != string(phone.TriggerStock)
		things, wanted = append(things, thing), append(wanted, n)
	}
	rows.Close()
	if other {
		return
	}
	there := false
	for i, thing := range things {
		var given int64
		w.look(`SELECT CAST(coalesce(sum(s.quantity), 0) AS BIGINT) FROM stock_subscriptions s LEFT JOIN callbacks b ON b.id = s.callback_id WHERE s.variant_id = $1 AND s.callback_id <> $2
AND (s.state = 'told' AND s.held_until_at > $3 OR s.state = 'allotted' AND b.state IN ('reserved', 'dialing', 'talking', 'wrapup'))`, &given, thing, callback, db.At(w.clock.Now()))
		there = there || given+wanted[i] <= w.pieces[thing]
	}
	if !there {
		wrong("about goods that are promised to others")
	}
}

const lastMove = `coalesce((SELECT max(m.created_at) FROM callback_decisions m WHERE m.callback_id = b.id AND CAST(m.reasons AS TEXT) LIKE '%"moved"%'), 0)`

// audit is the end of the week.
func (w *week) audit(triggers int) {
	t := w.t
	none := func(what, sql string) {
		t.Helper()
		var n int
		if w.look(sql, &n); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	none("callbacks are still open", `SELECT count(*) FROM callbacks WHERE closed_at = 0 OR state NOT IN ('done', 'declined', 'written', 'expired', 'cancelled')`)
	none("callbacks expired in silence", `SELECT count(*) FROM callbacks WHERE state IN ('expired', 'written') AND told_at = 0`)
	none("written notices don't match what expired", `SELECT abs((SELECT count(*) FROM messages WHERE code IN ('callback_expired', 'callback_written')) - (SELECT count(*) FROM callbacks WHERE state IN ('expired', 'written')))`)
	none("callbacks have no reason", `SELECT count(*) FROM callbacks b WHERE reason = '' OR NOT EXISTS (SELECT 1 FROM callback_reasons r WHERE r.callback_id = b.id)`)
	none("callbacks ended without a decision on record", `SELECT count(*) FROM callbacks b WHERE NOT EXISTS (SELECT 1 FROM callback_decisions d WHERE d.callback_id = b.id AND d.state = b.state)`)
	none("callbacks were late without a reason on record", `SELECT count(*) FROM callbacks b WHERE late = ''
AND coalesce((SELECT min(c.created_at) FROM calls c WHERE c.callback_id = b.id AND c.callback_id <> 0 AND c.counts AND c.created_at >= `+lastMove+`), b.closed_at) > b.late_at`)
	none("callbacks count other attempts than were made", `SELECT count(*) FROM callbacks b WHERE attempts <> (SELECT count(*) FROM calls c WHERE c.callback_id = b.id AND c.callback_id <> 0 AND c.counts AND c.created_at > `+lastMove+`)`)
	none("calls never ended", `SELECT count(*) FROM calls WHERE state <> 'ended'`)
	none("agents are kept for nobody", `SELECT count(*) FROM phone_agents WHERE state <> 'free'`)
	none("jobs are left running or dead", `SELECT count(*) FROM jobs WHERE state <> 'ready'`)
	none("wishes hang on callbacks that are over", `SELECT count(*) FROM stock_subscriptions s JOIN callbacks b ON b.id = s.callback_id WHERE s.state = 'allotted' AND b.closed_at > 0`)
	for key, id := range w.owed {
		if id == 0 {
			t.Errorf("%s made no callback", key)
			continue
		}
		var n int
		if w.look(`SELECT count(*) FROM callback_reasons WHERE store_id = $1 AND source = $2 AND callback_id = $3`, &n, w.store, key, id); n != 1 {
			t.Errorf("%s was acknowledged as callback %d, and is there %d times", key, id, n)
		}
	}
	var reasons, refused, callbacks, calls, lives int
	w.look(`SELECT count(*) FROM callback_reasons`, &reasons)
	w.look(`SELECT count(*) FROM callback_decisions WHERE callback_id = 0`, &refused)
	w.look(`SELECT count(*) FROM callbacks`, &callbacks)
	w.look(`SELECT count(*) FROM calls`, &calls)
	w.look(`SELECT count(*) FROM phone_lives`, &lives)
	if w.done != restarts || lives != 1 || reasons < triggers*3/4 {
		t.Errorf("too little was lived through to prove anything: %d restarts, %d lives left, %d reasons", w.done, lives, reasons)
	}
	states := map[string]int{}
	for _, s := range []phone.State{phone.Done, phone.Declined, phone.Written, phone.Expired, phone.Cancelled} {
		var n int
		w.look(`SELECT count(*) FROM callbacks WHERE state = $1`, &n, s)
		states[string(s)] = n
	}
	if states["done"] == 0 || states["declined"] == 0 || states["expired"] == 0 {
		t.Errorf("too little was lived through to prove anything: %v", states)
	}
	t.Logf("%d triggers, %d restarts: %d reasons in %d callbacks (%v), %d calls", triggers, w.done, reasons, callbacks, states, calls)
	w.compare()
}

const lateAfter = 10 * time.Minute

// compare holds what became of the shop's promises against agents with the same hours and the same customers, who keep a list by hand and forget a share.
// Late is what wasn't begun within ten minutes of the moment from which it was allowed, though somebody was at a desk then. Whom nobody may ring, or who is
// written to as he prefers, is left out of both.
func (w *week) compare() {
	var promises []deed
	late, untried := 0, 0
	for _, d := range w.deeds {
		var state string
		var tried db.Time
		id := w.owed[d.key]
		w.look(`SELECT state FROM callbacks WHERE id = $1`, &state, id)
		w.look(`SELECT coalesce(min(created_at), 0) FROM calls WHERE callback_id = $1 AND callback_id <> 0 AND counts AND created_at >= $2`, &tried, id, db.At(d.at))
		if tried == 0 && (state == string(phone.Declined) || state == string(phone.Written) || state == string(phone.Cancelled)) {
			continue
		}
		promises = append(promises, d)
		switch {
		case tried == 0:
			untried++
		case w.attended(d.due) && tried.Time().After(d.due.Add(lateAfter)):
			late++
		}
	}
	if len(promises) == 0 {
		w.t.Fatal("nothing was promised")
	}
	n := 0
	for _, d := range promises {
		if w.attended(d.due) {
			n++
		}
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(len(promises)) }
	w.t.Logf("%d promises, for %d of them somebody was at a desk in time", len(promises), n)
	w.t.Logf("by the system: %d late (%.1f %%), %d not rung but told in writing (%.1f %%), 0 forgotten", late, share(late), untried, share(untried))
	for _, f := range []int{5, 10, 20} {
		l, forgotten := w.byHand(promises, f)
		w.t.Logf("by hand, of which agents forget %d %%: %d late (%.1f %%), %d forgotten (%.1f %%); late or forgotten %.0f %% fewer by the system", f, l, share(l), forgotten, share(forgotten),
			100*(1-float64(late+untried)/float64(max(1, l+forgotten))))
	}
}

// attended tells whether an agent is at a desk all the time within which a call isn't late.
func (w *week) attended(due time.Time) bool {
	for _, c := range w.clerks[1:] {
		for _, x := range c.here {
			if !due.Before(x[0]) && due.Add(lateAfter).Before(x[1]) {
				return true
			}
		}
	}
	return false
}

// hands are the moments at which agents are free, the earliest first.
type hands []hand

type hand struct {
	free  time.Time
	clerk *clerk
}

func (h hands) Len() int           { return len(h) }
func (h hands) Less(i, j int) bool { return h[i].free.Before(h[j].free) }
func (h hands) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *hands) Push(x any)        { *h = append(*h, x.(hand)) }
func (h *hands) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// byHand is the manual way at its best: whoever is free takes what is next on the list, at once, and nothing but forgetting goes wrong: no trunk fails
// and no program is down. The agents have as many calls to make as by the system, three minutes each with what is written down after it.
func (w *week) byHand(promises []deed, percent int) (late, forgotten int) {
	var calls int
	w.look(`SELECT count(*) FROM calls WHERE counts`, &calls)
	each := 3 * time.Minute * time.Duration(calls) / time.Duration(len(promises))
	var h hands
	for _, c := range w.clerks[1:] {
		heap.Push(&h, hand{w.begun, c})
	}
	list := slices.Clone(promises)
	slices.SortFunc(list, func(a, b deed) int { return a.due.Compare(b.due) })
	for _, d := range list {
		if fate(d.key, percent).IntN(100) < percent {
			forgotten++
			continue
		}
		var who hand
		for {
			if len(h) == 0 {
				forgotten++ // nobody comes any more
				break
			}
			who = heap.Pop(&h).(hand)
			at := who.free
			if d.due.After(at) {
				at = d.due
			}
			start, ok := who.clerk.from(at)
			if !ok {
				continue
			}
			if start.After(at) && len(h) > 0 { // he is away: another may be here
				heap.Push(&h, hand{start, who.clerk})
				continue
			}
			if w.attended(d.due) && start.After(d.due.Add(lateAfter)) {
				late++
			}
			heap.Push(&h, hand{start.Add(each), who.clerk})
			break
		}
	}
	return late, forgotten
}

// from is the first moment from t on at which he is at his desk.
func (c *clerk) from(t time.Time) (time.Time, bool) {
	for _, x := range c.here {
		if t.Before(x[1]) {
			if t.Before(x[0]) {
				return x[0], true
			}
			return t, true
		}
	}
	return t, false
}
