package cal

import "time"

// date is a day of a zone's own calendar; year 0 stands for every year.
type date struct {
	year  int
	month time.Month
	dom   int
}

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

// leapYear lends yearly dates a year in which 29 February exists.
const leapYear = 2000

// parseDate reads "2026-12-25" or "12-25" and refuses days that don't exist.
func parseDate(s string) (date, bool) {
	switch len(s) {
	case len("2006-01-02"):
		t, err := time.Parse("2006-01-02", s)
		return dateOf(t), err == nil && t.Year() > 0
	case len("01-02"):
		t, err := time.Parse("2006-01-02", "2000-"+s)
		d := dateOf(t)
		d.year = 0
		return d, err == nil
	}
	return date{}, false
}

// day is the date as a UTC midnight: a scale on which days can be counted.
func (d date) day() time.Time {
	y := d.year
	if y == 0 {
		y = leapYear
	}
	return time.Date(y, d.month, d.dom, 0, 0, 0, 0, time.UTC)
}

func (d date) add(days int) date { return dateOf(d.day().AddDate(0, 0, days)) }

func (d date) nextIn(yearly bool) date {
	next := d.add(1)
	if yearly {
		next.year = 0
	}
	return next
}

// weekday counts from Monday as Days does.
func (d date) weekday() int { return (int(d.day().Weekday()) + 6) % 7 }

// instants returns the first and the last moment at which clocks in loc show the
// given minute of the date; minutes past 24:00 belong to the next day. They differ
// while clocks are put back. A time that is skipped when clocks are put forward
// stands for the moment of the jump.
func (d date) instants(minute int, loc *time.Location) (first, last time.Time) {
	wall := d.day().Add(time.Duration(minute) * time.Minute)
	before := wall.Add(-time.Duration(offset(wall.Add(-24*time.Hour), loc)) * time.Second)
	after := wall.Add(-time.Duration(offset(wall.Add(24*time.Hour), loc)) * time.Second)
	okBefore, okAfter := shows(before, wall, loc), shows(after, wall, loc)
	switch {
	case okBefore && okAfter:
		if after.Before(before) {
			before, after = after, before
		}
		return before, after
	case okBefore:
		return before, before
	case okAfter:
		return after, after
	}
	// Clocks jump over this time. Under the larger offset, the one after the jump,
	// it reads as a moment before the jump, whose zone period ends with the jump.
	_, jump := earlier(before, after).In(loc).ZoneBounds()
	return jump.UTC(), jump.UTC()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func offset(t time.Time, loc *time.Location) int {
	_, seconds := t.In(loc).Zone()
	return seconds
}

// shows tells whether clocks in loc read wall (a time whose UTC fields are meant
// literally) at the instant t.
func shows(t, wall time.Time, loc *time.Location) bool {
	return t.Add(time.Duration(offset(t, loc)) * time.Second).Equal(wall)
}
