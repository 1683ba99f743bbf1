package phone_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/phone"
	"opeka/test/world/phones"
)

// weekOf is how many triggers the week has. The whole proof takes minutes: OPEKA_WEEK=2000 go test -run TestAWeekOfAShop -timeout 30m ./internal/phone/
func weekOf(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("OPEKA_WEEK")); err == nil {
		return n
	}
	if testing.Short() {
		return 60
	}
	return 150
}

const (
	weekSeed  = 20260302
	weekDay   = 24 * time.Hour
	restarts  = 20
	tick      = 20 * time.Second // the least that the clock is moved
	graceFull = 60 * time.Second
)

// A week of a shop: triggers of every kind by day and by night, customers who answer or don't, agents who come and go, a trunk that fails, and a
// program that is stopped or killed twenty times. In the end nobody was forgotten, and nobody was rung who shouldn't have been.
func TestAWeekOfAShop(t *testing.T) {
	d, clock := dbtest.Open(t, db.SQLite)
	liveThroughAWeek(t, d, clock, weekOf(t))
}

func TestAWeekOfAShopOnPostgres(t *testing.T) {
	if os.Getenv("OPEKA_WEEK") == "" {
		t.Skip("it takes a minute: set OPEKA_WEEK to a number of triggers")
	}
	d, clock := dbtest.Open(t, db.Postgres)
	liveThroughAWeek(t, d, clock, max(60, weekOf(t)/4))
}

func liveThroughAWeek(t *testing.T, d *db.DB, clock *db.MovableClock, triggers int) {
	w := &week{r: rand.New(rand.NewPCG(weekSeed, uint64(triggers))), people: map[string]*person{}, rung: map[string]int{}, pieces: map[int64]int64{}, acted: map[int64]string{}, owed: map[string]int64{}}
	w.house = newHouse(t, d, clock, nil)
	w.begun = clock.Now()
	w.write(triggers)
	w.run()
	w.audit(triggers)
}

// week is the shop and everything around it.
type week struct {
	*house
	r     *rand.Rand
	begun time.Time
	plans []plan
	next  int64

	fresh []rang // telephones that have begun to ring, and were not looked at
	heard int    // how many telephones have been noted so

	people  map[string]*person // by number
	numbers []string
	clerks  []*clerk
	things  []int64
	pieces  map[int64]int64  // that the shop still has
	live    []*phones.Line   // on which somebody is
	rung    map[string]int   // how often each was rung
	acted   map[int64]string // the state in which each agent was dealt with last
	owed    map[string]int64 // what was acknowledged: the callback, by the trigger's key
	deeds   []deed           // what the shop owed, for the manual way
	refused int
	done    int // restarts
	wishes  []int64
	talked  time.Duration
	dark    []dark
}

// plan is something that will happen.
type plan struct {
	at    time.Time
	order int64
	do    func()
}

type rang struct {
	line *phones.Line
	at   time.Time
}

type person struct {
	number, from, to string
	id               int64
	asked, never     time.Time // asked for a call himself, and forbade calls, the latest
}

type clerk struct {
	scope care.Scope
	here  [][2]time.Time
}

// deed is a call that the shop owes, and from when it may be made.
type deed struct {
	key, number string
	at, due     time.Time
	until       time.Time // as he was told
	counted     bool      // in the comparison
	cut         bool      // a long failure fell into its time
	allowed     time.Time // from when his hours and ours allow it, by the test's own reckoning
}

func (w *week) at(t time.Time, do func()) {
	w.next++
	i, _ := slices.BinarySearchFunc(w.plans, t, func(p plan, t time.Time) int {
		if p.at.After(t) {
			return 1
		}
		return -1
	})
	w.plans = slices.Insert(w.plans, i, plan{t, w.next, do})
}

func (w *week) in(d time.Duration, do func()) { w.at(w.clock.Now().Add(d), do) }

// write writes down what the world will do.
func (w *week) write(triggers int) {
	desk := w.agent("desk", false)
	w.clerks = []*clerk{{scope: desk}}
	set, err := w.phone.Settings(w.t.Context(), desk, w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	set.Policy.Offer = 120
	for i := range set.Rules {
		set.Rules[i].Active = true
	}
	set.Policy.Dialling.Allowed = []string{"+380", "+48", "+1"}
	if _, err := w.phone.SetSettings(w.t.Context(), account.By{Scope: desk}, w.store, set); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.phone.SaveQueue(w.t.Context(), desk, phone.Queue{Store: w.store, Name: "Sales"}); err != nil {
		w.t.Fatal(err)
	}
	customers := customer.New(w.db, bus.NewLocal(), nil)
	for i := range max(20, triggers*2/3) {
		p := &person{number: fmt.Sprintf("+38067%07d", 1000000+i)}
		switch i % 8 {
		case 5:
			p.number = fmt.Sprintf("+48512%06d", 100000+i)
		case 6:
			p.number = fmt.Sprintf("+1212555%04d", 1000+i)
		}
		w.change(func(tx *db.Tx) (err error) {
			p.id, _, err = customers.Resolve(w.t.Context(), tx, w.store, []care.Identity{{Kind: care.IdentityPhone, Value: p.number, Verified: true}}, customer.Hint{})
			return err
		})
		switch i % 10 {
		case 3:
			p.from, p.to = "12:00", "15:30"
		case 7:
			p.from, p.to = "19:00", "10:00"
		case 9:
			if i%20 == 9 {
				w.exec(`UPDATE customers SET preferred_channel = 'email' WHERE id = $1`, p.id)
			}
		}
		if p.from != "" {
			w.exec(`UPDATE customers SET quiet_from = $1, quiet_to = $2 WHERE id = $3`, p.from, p.to, p.id)
		}
		w.people[p.number] = p
		w.numbers = append(w.numbers, p.number)
	}
	for i := range 8 {
		w.things = append(w.things, w.variant(fmt.Sprint("thing ", i)))
	}
	w.staff(max(2, triggers/330))
	for i := range triggers {
		at := w.begun.Add(time.Duration(w.r.Int64N(int64(7 * weekDay))))
		if h := at.Hour(); h < 6 && i%3 != 0 { // the nights are quieter, not silent
			at = at.Add(8 * time.Hour)
		}
		w.trigger(i, at)
	}
	for range max(4, triggers/60) {
		p := w.people[w.numbers[w.r.IntN(len(w.numbers))]]
		w.at(w.begun.Add(time.Duration(w.r.Int64N(int64(7*weekDay)))), func() { // says it in a chat, or a form
			w.change(func(tx *db.Tx) error {
				return customers.Consent(w.t.Context(), tx, p.id, customer.SubjectDoNotCall, true, "customer")
			})
			p.never = w.clock.Now()
		})
	}
	for i := range 5 {
		at := w.begun.Add(time.Duration(i)*weekDay + time.Duration(w.r.IntN(8))*time.Hour)
		up := at.Add(time.Duration(10+w.r.IntN(40)) * time.Minute)
		w.dark = append(w.dark, dark{"trunk", at, up})
		w.at(at, func() { w.world.Down(true) })
		w.at(up, func() { w.world.Down(false) })
	}
	for i := range restarts {
		at := w.begun.Add(time.Duration(i)*7*weekDay/restarts + time.Duration(w.r.Int64N(int64(2*time.Hour))))
		w.at(at, func() { w.restart(i, 0) })
	}
}

// staff writes the agents' week: shifts with a pause, fewer at the weekend, nobody at night.
func (w *week) staff(n int) {
	for i := range n {
		c := &clerk{scope: w.agent(fmt.Sprint("agent ", i), false)}
		w.present(c.scope.Agent, "offline")
		w.clerks = append(w.clerks, c)
		for day := range 10 { // what was promised in the week must find somebody after it
			if day >= 5 && day <= 6 && i%2 == 1 {
				continue
			}
			start := w.begun.Truncate(weekDay).Add(time.Duration(day)*weekDay + 6*time.Hour + time.Duration(w.r.IntN(90))*time.Minute)
			pause := start.Add(4*time.Hour + time.Duration(w.r.IntN(120))*time.Minute)
			back := pause.Add(time.Duration(20+w.r.IntN(30)) * time.Minute)
			end := start.Add(10*time.Hour + time.Duration(w.r.IntN(120))*time.Minute)
			c.here = append(c.here, [2]time.Time{start, pause}, [2]time.Time{back, end})
			w.at(start, func() { w.comes(c) })
			w.at(pause, func() { w.present(c.scope.Agent, "away") })
			w.at(back, func() { w.comes(c) })
			w.at(end, func() { w.present(c.scope.Agent, "offline") })
		}
	}
}

func (w *week) comes(c *clerk) {
	w.present(c.scope.Agent, "ready")
	if _, err := w.phone.Reachable(w.t.Context(), c.scope, true, ""); err != nil {
		w.t.Fatal(err)
	}
}

func (w *week) change(f func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.System, f); err != nil {
		w.t.Fatal(err)
	}
}

// run lets it happen: the clock is moved from one thing to the next, and all work is finished before it moves on.
func (w *week) run() {
	end := w.begun.Add(60 * weekDay)
	for w.clock.Now().Before(end) {
		w.settle()
		w.meet()
		w.attend()
		now := w.clock.Now()
		if len(w.plans) > 0 && !w.plans[0].at.After(now) {
			p := w.plans[0]
			w.plans = w.plans[1:]
			p.do()
			continue
		}
		next := end
		if len(w.plans) > 0 {
			next = w.plans[0].at
		}
		var job db.Time
		w.look(`SELECT coalesce(min(run_at), 0) FROM jobs WHERE state = 'ready' AND kind LIKE 'phone.%' AND kind <> 'phone.tidy'`, &job)
		if job != 0 && job.Time().Before(next) {
			next = job.Time()
		}
		if next.Equal(end) {
			var open int
			if w.look(`SELECT count(*) FROM callbacks WHERE closed_at = 0`, &open); open == 0 {
				return
			}
		}
		w.clock.Move(max(next.Sub(now), tick))
	}
}

func (w *week) look(sql string, into any, args ...any) {
	w.t.Helper()
	if err := w.db.Read().QueryRow(w.t.Context(), sql, args...).Scan(into); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// settle waits until nothing is to be done at this moment.
func (w *week) settle() {
	w.t.Helper()
	w.eventually("the end of the work", func() bool {
		var n int
		w.look(`SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'ready' AND run_at <= $1`, &n, db.At(w.clock.Now()))
		return n == 0
	})
}

func (w *week) eventually(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(graceFull); !ok(); pause(w.t.Context()) {
		if time.Now().After(end) {
			w.t.Fatalf("never came %s, %s into the week", what, w.clock.Now().Sub(w.begun))
		}
	}
}

// fate is what becomes of the nth call to somebody: the same in every run.
func fate(number string, nth int) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(number))
	return rand.New(rand.NewPCG(weekSeed^h.Sum64(), uint64(nth)))
}
