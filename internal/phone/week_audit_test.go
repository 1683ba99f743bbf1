package phone_test

import (
	"cmp"
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
	w.look(`SELECT coalesce((SELECT zone FROM callbacks WHERE store_id = $1 AND number = $2 ORDER BY id DESC LIMIT 1), 'UTC')`, &name, w.store, p.number)
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
	none("callbacks were late without a reason on record", `SELECT count(*) FROM callbacks b WHERE late = '' AND late_at > 0
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

// dark is a time in which nobody could be rung: by the trunk's fault, or by the program's.
type dark struct {
	what     string
	from, to time.Time
}

const lateAfter = 10 * time.Minute

// told is what the shop promised when it came to owe a call: the customer hears it, in the same words whoever keeps it. If he names a time of his own later, that
// counts for what he was owed before.
func (w *week) told(d *deed) {
	var due, until, promised db.Time
	id := w.owed[d.key]
	w.look(`SELECT due_at FROM callbacks WHERE id = $1`, &due, id)
	w.look(`SELECT late_at FROM callbacks WHERE id = $1`, &until, id)
	w.look(`SELECT promised_at FROM callbacks WHERE id = $1`, &promised, id)
	d.due = due.Time()
	if d.due.Before(d.at) {
		d.due = d.at
	}
	d.until = until.Time()
	if t := d.due.Add(lateAfter); d.until.Before(t) {
		d.until = t
	}
	if promised.Time().Before(d.at) {
		return
	}
	for i := range w.deeds {
		if x := &w.deeds[i]; x.key != d.key && w.owed[x.key] == id && x.due.Before(d.due) && w.firstTry(*x) == 0 {
			x.due, x.until = d.due, d.until
		}
	}
}

func (w *week) firstTry(d deed) (tried db.Time) {
	w.look(`SELECT coalesce(min(created_at), 0) FROM calls WHERE callback_id = $1 AND callback_id <> 0 AND counts AND created_at >= $2`, &tried, w.owed[d.key], db.At(d.at))
	return tried
}

// failed tells what failed within a promise's time.
func (w *week) failed(d deed) string {
	for _, x := range w.dark {
		if d.due.Before(x.to) && d.until.After(x.from) {
			return x.what
		}
	}
	return ""
}

// cut tells whether the shop's electricity failed within a promise's time: for hours, and with everything that people ring by.
func (w *week) cut(d deed) bool {
	return slices.ContainsFunc(w.dark, func(x dark) bool {
		return x.what == "program" && x.to.Sub(x.from) >= time.Hour && d.due.Before(x.to) && d.until.After(x.from)
	})
}

// compare holds what became of the shop's promises against agents with the same hours, the same customers, the same promises and the same trunk, who keep a list by
// hand and forget a share. Late is what wasn't begun within the time that the customer was told, though somebody was at a desk in it. Whom nobody may ring,
// or who is written to as he prefers, is left out of both; so is what fell into the two long cuts, which nobody can ring through: it is told beside.
func (w *week) compare() {
	var promises []deed
	late, untried, lateInCut, cut := 0, 0, 0, 0
	why := map[string]int{}
	for i := range w.deeds {
		d := &w.deeds[i]
		var state, note string
		id := w.owed[d.key]
		w.look(`SELECT state FROM callbacks WHERE id = $1`, &state, id)
		w.look(`SELECT late FROM callbacks WHERE id = $1`, &note, id)
		tried := w.firstTry(*d)
		if tried == 0 && (state == string(phone.Declined) || state == string(phone.Written) || state == string(phone.Cancelled)) {
			continue
		}
		bad := tried == 0 || w.attended(*d) && tried.Time().After(d.until)
		if w.cut(*d) {
			d.cut = true
			cut++
			if bad {
				lateInCut++
			}
			continue
		}
		d.counted = true
		promises = append(promises, *d)
		if f := w.failed(*d); f != "" {
			note = "the " + f + " was down"
		}
		switch {
		case tried == 0:
			untried++
		case bad:
			late++
			why[note]++
		}
		if bad {
			w.t.Logf("%s: owed at %s, allowed at %s, due at %s, until %s, tried at %s; %s, %s", d.key, d.at.Format("Mon 15:04"), d.allowed.Format("Mon 15:04"), d.due.Format("Mon 15:04"), d.until.Format("Mon 15:04"), tried.Time().Format("Mon 15:04"), state, note)
		}
	}
	if len(promises) == 0 {
		w.t.Fatal("nothing was promised")
	}
	n, after := 0, []time.Duration{}
	for _, d := range promises {
		if w.attended(d) {
			n++
		}
		if from, ok := w.someone(d.allowed); ok {
			after = append(after, d.until.Sub(later(from, d.due)).Round(time.Minute))
		}
	}
	slices.Sort(after)
	share := func(n int) float64 { return 100 * float64(n) / float64(len(promises)) }
	w.t.Logf("%d promises, for %d of them somebody was at a desk in time; told to the customer: within %s of the first moment at which he may be rung and somebody is there for half of them, %s for 90 %%, %s for 95 %%, %s at most",
		len(promises), n, after[len(after)/2], after[len(after)*90/100], after[len(after)*95/100], after[len(after)-1])
	w.t.Logf("by the system: %d late (%.1f %%: %v), %d not rung but told in writing (%.1f %%), 0 forgotten; of %d more that fell into a cut %d are late or told in writing", late, share(late), why, untried, share(untried), cut, lateInCut)
	for _, f := range []int{5, 10, 20} {
		l, forgotten := w.byHand(f)
		fewer := func(n int) float64 { return 100 * (1 - float64(n)/float64(max(1, l+forgotten))) }
		w.t.Logf("by hand, of which agents forget %d %%: %d late (%.1f %%), %d forgotten (%.1f %%); late or forgotten %.0f %% fewer by the system (%.0f %% if by hand nothing is lost by the cuts)", f, l, share(l), forgotten, share(forgotten),
			fewer(late+untried), fewer(late+untried+lateInCut))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// attended tells whether an agent is at a desk for ten minutes of the time within which a call isn't late.
func (w *week) attended(d deed) bool {
	for _, c := range w.clerks[1:] {
		for _, x := range c.here {
			from, to := x[0], x[1]
			if d.due.After(from) {
				from = d.due
			}
			if d.until.Before(to) {
				to = d.until
			}
			if to.Sub(from) >= lateAfter {
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

// byHand is the manual way at its best: whoever is free takes what is next on the list, at once, and nothing goes wrong but forgetting and the trunk: no program
// is down, and no agent dawdles. The agents have as much to do as by the system: calls of the same length, half a minute apart, and all the other calls that were made: those of
// which nobody was promised anything when they were to be made, second attempts when they were.
func (w *week) byHand(percent int) (late, forgotten int) {
	var calls, spent int64
	w.look(`SELECT count(*) FROM calls WHERE counts`, &calls)
	w.look(`SELECT sum(ended_at - created_at + wrap_ms * 1000) FROM calls WHERE counts`, &spent)
	each := time.Duration(spent/calls)*time.Microsecond + 30*time.Second
	list := w.otherCalls()
	for _, d := range w.deeds {
		if d.counted || d.cut {
			list = append(list, d)
		}
	}
	var h hands
	for _, c := range w.clerks[1:] {
		heap.Push(&h, hand{w.begun, c})
	}
	slices.SortStableFunc(list, func(a, b deed) int { return cmp.Or(a.due.Compare(b.due), a.until.Compare(b.until)) })
	for _, d := range list {
		counts := d.counted
		if counts && fate(d.key, percent).IntN(100) < percent {
			forgotten++
			continue
		}
		var who hand
		for {
			if len(h) == 0 {
				if counts {
					forgotten++ // nobody comes any more
				}
				break
			}
			who = heap.Pop(&h).(hand)
			at := who.free
			if d.due.After(at) {
				at = d.due
			}
			start, ok := who.clerk.from(w.connected(at))
			if !ok {
				continue
			}
			if start.After(at) && len(h) > 0 { // he is away: another may be here
				heap.Push(&h, hand{start, who.clerk})
				continue
			}
			if counts && w.attended(d) && start.After(d.until) {
				late++
			}
			heap.Push(&h, hand{start.Add(each), who.clerk})
			break
		}
	}
	return late, forgotten
}

// otherCalls are those that the agents made beside the first ones of what was promised.
func (w *week) otherCalls() (list []deed) {
	promised := map[int64]bool{}
	for _, d := range w.deeds {
		promised[w.owed[d.key]] = true
	}
	rows, err := w.db.Read().Query(w.t.Context(), `SELECT c.created_at, c.callback_id, coalesce(b.late_at, 0) FROM calls c LEFT JOIN callbacks b ON b.id = c.callback_id WHERE c.counts ORDER BY c.created_at`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	seen := map[int64]bool{}
	for rows.Next() {
		var at, until db.Time
		var id int64
		if err := rows.Scan(&at, &id, &until); err != nil {
			w.t.Fatal(err)
		}
		first := !seen[id]
		seen[id] = true
		due := at.Time()
		if first && promised[id] {
			continue
		}
		if planned := until.Time().Add(-lateAfter); first && until != 0 && planned.Before(due) {
			due = planned // it may have waited for the program
		}
		list = append(list, deed{due: due, until: due.Add(lateAfter)})
	}
	return list
}

// connected is the first moment from t on at which the trunk works.
func (w *week) connected(t time.Time) time.Time {
	for _, x := range w.dark {
		if x.what == "trunk" && !t.Before(x.from) && t.Before(x.to) {
			t = x.to
		}
	}
	return t
}

// someone is the first moment from t on at which anybody is at a desk.
func (w *week) someone(t time.Time) (first time.Time, ok bool) {
	for _, c := range w.clerks[1:] {
		if at, here := c.from(t); here && (!ok || at.Before(first)) {
			first, ok = at, true
		}
	}
	return first, ok
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
