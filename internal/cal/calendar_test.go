package cal

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func settings(t testing.TB, form string) Settings {
	t.Helper()
	var s Settings
	if err := json.Unmarshal([]byte(form), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func calendar(t testing.TB, form string) *Calendar {
	t.Helper()
	c, err := New(settings(t, form))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at reads a moment with its offset, so that both runs of a repeated hour can be
// named: "2026-10-25 03:30 +0300".
func at(t testing.TB, s string) time.Time {
	t.Helper()
	m, err := time.Parse("2006-01-02 15:04 -0700", s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	// Two shifts a day and a short Saturday, with holidays of each kind.
	kyivShop = `{"zone":"Europe/Kyiv","week":{
		"mon":[{"from":"09:00","to":"13:00"},{"from":"14:00","to":"18:00"}],
		"tue":[{"from":"09:00","to":"13:00"},{"from":"14:00","to":"18:00"}],
		"wed":[{"from":"14:00","to":"18:00"},{"from":"09:00","to":"13:00"}],
		"thu":[{"from":"09:00","to":"13:00"},{"from":"14:00","to":"18:00"}],
		"fri":[{"from":"09:00","to":"13:00"},{"from":"14:00","to":"18:00"}],
		"sat":[{"from":"10:00","to":"15:00"}]},
		"holidays":[{"date":"12-25","name":"Christmas"},{"date":"12-31","hours":[{"from":"09:00","to":"12:00"}]},
			{"date":"2026-12-31","until":"2027-01-03","name":"Inventory"},{"date":"2027-01-02","hours":[{"from":"11:00","to":"12:00"}]}]}`
	// Nights only, through the hours at which clocks change.
	warsawNight  = `{"zone":"Europe/Warsaw","week":{"sat":[{"from":"22:00","to":"06:00"}],"sun":[{"from":"22:00","to":"06:00"}]}}`
	newYorkEarly = `{"zone":"America/New_York","week":{"sun":[{"from":"01:00","to":"02:30"},{"from":"02:30","to":"05:00"}]}}`
	roundClock   = `{"zone":"Europe/Kyiv","always":true}`
	roundWeek    = `{"zone":"Europe/Kyiv","week":{"mon":[{"from":"00:00","to":"24:00"}],"tue":[{"from":"00:00","to":"24:00"}],"wed":[{"from":"00:00","to":"24:00"}],
		"thu":[{"from":"00:00","to":"12:00"},{"from":"12:00","to":"24:00"}],"fri":[{"from":"00:00","to":"24:00"}],"sat":[{"from":"00:00","to":"24:00"}],"sun":[{"from":"00:00","to":"24:00"}]}}`
	roundButChristmas = `{"zone":"Europe/Kyiv","always":true,"holidays":[{"date":"12-25"}]}`
	roundOnceClosed   = `{"zone":"Europe/Kyiv","always":true,"holidays":[{"date":"2026-08-24"}]}`
	leapDayOnly       = `{"zone":"UTC","holidays":[{"date":"02-29","hours":[{"from":"10:00","to":"11:00"}]}]}`
	never             = `{"zone":"Europe/Kyiv","week":{}}`
)

func TestOpenAndChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, form, at string
		open           bool
		nextOpen       string // "" for never
		nextChange     string // "" for never
	}{
		{"before the first shift", kyivShop, "2026-11-23 08:59 +0200", false, "2026-11-23 09:00 +0200", "2026-11-23 09:00 +0200"},
		{"opening moment", kyivShop, "2026-11-23 09:00 +0200", true, "2026-11-23 09:00 +0200", "2026-11-23 13:00 +0200"},
		{"closing moment", kyivShop, "2026-11-23 13:00 +0200", false, "2026-11-23 14:00 +0200", "2026-11-23 14:00 +0200"},
		{"spans given out of order", kyivShop, "2026-11-25 13:30 +0200", false, "2026-11-25 14:00 +0200", "2026-11-25 14:00 +0200"},
		{"asked from another zone", kyivShop, "2026-11-23 23:30 -0800", true, "2026-11-23 23:30 -0800", "2026-11-24 13:00 +0200"},
		{"over the week-end", kyivShop, "2026-11-21 15:00 +0200", false, "2026-11-23 09:00 +0200", "2026-11-23 09:00 +0200"},
		{"yearly holiday", kyivShop, "2026-12-25 10:00 +0200", false, "2026-12-26 10:00 +0200", "2026-12-26 10:00 +0200"},
		{"dated holiday wins over the yearly one", kyivShop, "2026-12-31 10:00 +0200", false, "2027-01-02 11:00 +0200", "2027-01-02 11:00 +0200"},
		{"yearly short day in another year", kyivShop, "2027-12-31 11:00 +0200", true, "2027-12-31 11:00 +0200", "2027-12-31 12:00 +0200"},
		{"past midnight", warsawNight, "2026-11-22 02:00 +0100", true, "2026-11-22 02:00 +0100", "2026-11-22 06:00 +0100"},
		{"day between two nights", warsawNight, "2026-11-22 12:00 +0100", false, "2026-11-22 22:00 +0100", "2026-11-22 22:00 +0100"},
		{"adjoining spans are one", newYorkEarly, "2026-11-22 01:30 -0500", true, "2026-11-22 01:30 -0500", "2026-11-22 05:00 -0500"},
		{"jump inside a span that ends in it", newYorkEarly, "2026-03-08 00:30 -0500", false, "2026-03-08 01:00 -0500", "2026-03-08 01:00 -0500"},
		{"after the jump", newYorkEarly, "2026-03-08 03:00 -0400", true, "2026-03-08 03:00 -0400", "2026-03-08 05:00 -0400"},
		{"second run of the repeated hour", newYorkEarly, "2026-11-01 01:00 -0500", true, "2026-11-01 01:00 -0500", "2026-11-01 05:00 -0500"},
		{"first run of the repeated hour opens", newYorkEarly, "2026-11-01 00:00 -0400", false, "2026-11-01 01:00 -0400", "2026-11-01 01:00 -0400"},
		{"round the clock", roundClock, "2026-11-23 03:00 +0200", true, "2026-11-23 03:00 +0200", ""},
		{"a week without a gap", roundWeek, "2026-11-23 03:00 +0200", true, "2026-11-23 03:00 +0200", ""},
		{"round the clock but one day a year", roundButChristmas, "2026-11-23 03:00 +0200", true, "2026-11-23 03:00 +0200", "2026-12-25 00:00 +0200"},
		{"the one day", roundButChristmas, "2026-12-25 03:00 +0200", false, "2026-12-26 00:00 +0200", "2026-12-26 00:00 +0200"},
		{"closed once, long ago", roundOnceClosed, "2026-11-23 03:00 +0200", true, "2026-11-23 03:00 +0200", ""},
		{"29 February across 2100", leapDayOnly, "2096-03-01 00:00 +0000", false, "2104-02-29 10:00 +0000", "2104-02-29 10:00 +0000"},
		{"never", never, "2026-11-23 03:00 +0200", false, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal, now := calendar(t, c.form), at(t, c.at)
			if got := cal.Open(now); got != c.open {
				t.Errorf("Open = %v", got)
			}
			opens, err := cal.NextOpen(now)
			if c.nextOpen == "" {
				if !errors.Is(err, ErrNeverOpen) {
					t.Errorf("NextOpen = %v, %v", opens, err)
				}
			} else if err != nil || !opens.Equal(at(t, c.nextOpen)) {
				t.Errorf("NextOpen = %v, %v", opens, err)
			}
			change, ok := cal.NextChange(now)
			if ok != (c.nextChange != "") || ok && !change.Equal(at(t, c.nextChange)) {
				t.Errorf("NextChange = %v, %v", change, ok)
			}
		})
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, form, from string
		d                time.Duration
		due              string
	}{
		{"within a shift", kyivShop, "2026-11-23 09:00 +0200", 2 * time.Hour, "2026-11-23 11:00 +0200"},
		{"over the break", kyivShop, "2026-11-23 12:00 +0200", 2 * time.Hour, "2026-11-23 15:00 +0200"},
		{"falls on closing, not on the next opening", kyivShop, "2026-11-23 12:00 +0200", time.Hour, "2026-11-23 13:00 +0200"},
		{"from a closed moment", kyivShop, "2026-11-22 03:00 +0200", 30 * time.Minute, "2026-11-23 09:30 +0200"},
		{"over Christmas", kyivShop, "2026-12-24 17:00 +0200", 2 * time.Hour, "2026-12-26 11:00 +0200"},
		{"nothing to wait", kyivShop, "2026-11-22 03:00 +0200", 0, "2026-11-22 03:00 +0200"},
		{"a short night when clocks go forward", warsawNight, "2026-03-28 22:00 +0100", 7 * time.Hour, "2026-03-29 06:00 +0200"},
		{"a long night when clocks go back", warsawNight, "2026-10-24 22:00 +0200", 9 * time.Hour, "2026-10-25 06:00 +0100"},
		{"the lost hour counts for nothing", newYorkEarly, "2026-03-08 01:00 -0500", 3 * time.Hour, "2026-03-08 05:00 -0400"},
		{"the repeated hour counts twice", newYorkEarly, "2026-11-01 01:00 -0400", 5 * time.Hour, "2026-11-01 05:00 -0500"},
		{"a Kyiv day of 25 hours", roundButChristmas, "2026-10-25 00:00 +0300", 25 * time.Hour, "2026-10-26 00:00 +0200"},
		{"round the clock", roundClock, "2026-03-29 00:00 +0200", 48 * time.Hour, "2026-03-31 01:00 +0300"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal, from := calendar(t, c.form), at(t, c.from)
			due, err := cal.Add(from, c.d)
			if err != nil || !due.Equal(at(t, c.due)) {
				t.Fatalf("Add = %v, %v", due, err)
			}
			if got := cal.Between(from, due); got != c.d {
				t.Errorf("Between = %v, want %v", got, c.d)
			}
			if got := cal.Between(due, from); got != -c.d {
				t.Errorf("Between backwards = %v, want %v", got, -c.d)
			}
		})
	}
}

func TestNeverOpenIsAnErrorAndNotALoop(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-23 03:00 +0200")
	for _, form := range []string{never, leapDayOnly} {
		if due, err := calendar(t, form).Add(now, 10*time.Hour); !errors.Is(err, ErrNeverOpen) {
			t.Errorf("Add = %v, %v", due, err)
		}
	}
	oneMinute := calendar(t, `{"zone":"UTC","week":{"mon":[{"from":"00:00","to":"00:01"}]}}`)
	if due, err := oneMinute.Add(now, 1<<62); !errors.Is(err, ErrNeverOpen) {
		t.Errorf("Add = %v, %v", due, err)
	}
	if got := calendar(t, never).Between(now, now.AddDate(1, 0, 0)); got != 0 {
		t.Errorf("Between = %v", got)
	}
}

// Whatever the calendar and the moment, business time that is added can be measured
// again, splits anywhere, and Open agrees with NextOpen and NextChange.
func TestAddAndBetweenAreInverse(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 11))
	zones := []string{"Europe/Kyiv", "Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"}
	begin := at(t, "2026-01-01 00:00 +0000")
	for range 400 {
		s := Settings{Zone: zones[rnd.IntN(len(zones))], Week: map[string][]Span{}}
		for _, day := range Days {
			minute := rnd.IntN(600)
			for minute < minutesOfDay-60 && rnd.IntN(3) > 0 {
				end := minute + 1 + rnd.IntN(400)
				if end >= minutesOfDay {
					end = minutesOfDay
				}
				s.Week[day] = append(s.Week[day], Span{stamp(minute), stamp(end)})
				minute = end + rnd.IntN(200)
			}
		}
		s.Week["sun"] = []Span{{"00:30", "03:30"}, {"23:00", "00:00"}}
		cal, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			from := begin.Add(time.Duration(rnd.Int64N(int64(400 * 24 * time.Hour))))
			d := time.Duration(rnd.Int64N(int64(60 * time.Hour)))
			due, err := cal.Add(from, d)
			if err != nil {
				t.Fatal(err)
			}
			if got := cal.Between(from, due); got != d {
				t.Fatalf("%+v: Between(%v, Add(%v)) = %v", s, from, d, got)
			}
			middle := from.Add(time.Duration(rnd.Int64N(int64(due.Sub(from)) + 1)))
			if got := cal.Between(from, middle) + cal.Between(middle, due); got != d {
				t.Fatalf("%+v: split at %v gives %v, want %v", s, middle, got, d)
			}
			change, ok := cal.NextChange(from)
			if !ok || cal.Open(change) == cal.Open(from) || cal.Open(change.Add(-1)) != cal.Open(from) {
				t.Fatalf("%+v: NextChange(%v) = %v", s, from, change)
			}
			if opens, err := cal.NextOpen(from); err != nil || !cal.Open(opens) || cal.Between(from, opens) != 0 {
				t.Fatalf("%+v: NextOpen(%v) = %v, %v", s, from, opens, err)
			}
		}
	}
}

func stamp(minute int) string {
	return time.Time{}.Add(time.Duration(minute) * time.Minute).Format("15:04")
}

func TestProblemsNameTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ form, field, code string }{
		{`{}`, "zone", CodeZoneUnknown},
		{`{"zone":"Local"}`, "zone", CodeZoneUnknown},
		{`{"zone":"Europe/Atlantis"}`, "zone", CodeZoneUnknown},
		{`{"zone":"../../etc/passwd"}`, "zone", CodeZoneUnknown},
		{`{"zone":"UTC","week":{"Monday":[]}}`, "week.Monday", CodeDayUnknown},
		{`{"zone":"UTC","week":{"mon":[{"from":"09:00","to":"18:00"},{"from":"24:00","to":"18:00"}]}}`, "week.mon[1].from", CodeTimeInvalid},
		{`{"zone":"UTC","week":{"mon":[{"from":"9.00","to":"18:00"}]}}`, "week.mon[0].from", CodeTimeInvalid},
		{`{"zone":"UTC","week":{"mon":[{"from":"+9:00","to":"18:00"}]}}`, "week.mon[0].from", CodeTimeInvalid},
		{`{"zone":"UTC","week":{"mon":[{"from":"09:00","to":"24:01"}]}}`, "week.mon[0].to", CodeTimeInvalid},
		{`{"zone":"UTC","week":{"mon":[{"from":"09:00","to":"09:00"}]}}`, "week.mon[0]", CodeSpanEmpty},
		{`{"zone":"UTC","week":{"mon":[{"from":"09:00","to":"13:00"},{"from":"12:59","to":"18:00"}]}}`, "week.mon[1]", CodeSpansOverlap},
		{`{"zone":"UTC","week":{"sun":[{"from":"22:00","to":"06:00"}],"mon":[{"from":"05:00","to":"18:00"}]}}`, "week.sun", CodeSpansOverlap},
		{`{"zone":"UTC","holidays":[{"date":"2026-02-29"}]}`, "holidays[0].date", CodeDateInvalid},
		{`{"zone":"UTC","holidays":[{"date":"01-01"},{"date":"31.12"}]}`, "holidays[1].date", CodeDateInvalid},
		{`{"zone":"UTC","holidays":[{"date":"2026-12-31","until":"01-02"}]}`, "holidays[0].until", CodeUntilInvalid},
		{`{"zone":"UTC","holidays":[{"date":"2026-12-31","until":"2026-12-30"}]}`, "holidays[0].until", CodeUntilInvalid},
		{`{"zone":"UTC","holidays":[{"date":"0001-12-31","until":"9999-12-30"}]}`, "holidays[0].until", CodeUntilInvalid},
		{`{"zone":"UTC","holidays":[{"date":"12-31","hours":[{"from":"10:00","to":"x"}]}]}`, "holidays[0].hours[0].to", CodeTimeInvalid},
	} {
		var problems Problems
		if err := settings(t, c.form).Validate(); !errors.As(err, &problems) || len(problems) != 1 ||
			problems[0].Field != c.field || problems[0].Code != c.code || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s: %v", c.form, err)
		}
	}
	for _, form := range []string{kyivShop, warsawNight, never, `{"zone":"UTC","holidays":[{"date":"12-31","until":"01-02"}]}`} {
		if err := settings(t, form).Validate(); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func TestYearlyHolidayOverNewYear(t *testing.T) {
	t.Parallel()
	c := calendar(t, `{"zone":"Europe/Warsaw","always":true,"holidays":[{"date":"12-31","until":"01-02"}]}`)
	for day, open := range map[string]bool{"2027-12-30": true, "2027-12-31": false, "2028-01-02": false, "2028-01-03": true} {
		if got := c.Open(at(t, day+" 12:00 +0100")); got != open {
			t.Errorf("%s open = %v", day, got)
		}
	}
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	q, err := NewQuiet(QuietSettings{Zone: "Europe/Kyiv", From: "21:00", To: "09:00"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ at, ends string }{
		{"2026-11-22 20:59 +0200", "2026-11-22 20:59 +0200"},
		{"2026-11-22 21:00 +0200", "2026-11-23 09:00 +0200"},
		{"2026-11-23 03:00 +0200", "2026-11-23 09:00 +0200"},
		{"2026-11-23 09:00 +0200", "2026-11-23 09:00 +0200"},
		{"2026-03-28 23:00 +0200", "2026-03-29 09:00 +0300"},
		{"2026-11-22 18:30 -0500", "2026-11-23 09:00 +0200"},
	} {
		now, want := at(t, c.at), at(t, c.ends)
		if got := q.Ends(now); !got.Equal(want) || q.Holds(now) != !now.Equal(want) {
			t.Errorf("%s: ends %v, holds %v", c.at, got, q.Holds(now))
		}
	}
	for _, bad := range []QuietSettings{
		{Zone: "Europe/Kyiv", From: "21:00", To: "21:00"},
		{Zone: "Europe/Kyiv", From: "00:00", To: "24:00"},
		{Zone: "Europe/Kyiv", From: "soon", To: "09:00"},
		{Zone: "Nowhere", From: "21:00", To: "09:00"},
		{Zone: "UTC", From: "21:00", To: "09:00", Days: []string{"someday"}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v accepted", bad)
		}
	}
}

func FuzzSettings(f *testing.F) {
	for _, form := range []string{kyivShop, warsawNight, newYorkEarly, roundButChristmas, never, leapDayOnly} {
		f.Add([]byte(form), int64(1_790_000_000))
	}
	f.Fuzz(func(t *testing.T, form []byte, unix int64) {
		var s Settings
		if json.Unmarshal(form, &s) != nil {
			return
		}
		c, err := New(s)
		if err != nil {
			return
		}
		now := time.Unix(unix%4_000_000_000, 0)
		if opens, err := c.NextOpen(now); err == nil && !c.Open(opens) {
			t.Fatalf("NextOpen(%v) = %v, where it is closed", now, opens)
		}
		if due, err := c.Add(now, time.Hour); err == nil && c.Between(now, due) != time.Hour {
			t.Fatalf("Between(%v, %v) = %v", now, due, c.Between(now, due))
		}
	})
}
