package cal

import (
	"errors"
	"time"
)

// ErrNeverOpen is returned when a calendar doesn't open, or doesn't open long
// enough, within the years that are looked at.
var ErrNeverOpen = errors.New("calendar: never open")

// horizon bounds every search: eight years and some contain any yearly holiday,
// 29 February across a century included.
const horizon = 9 * 366

// reach bounds deadlines instead where the week opens at all: a century.
const reach = 100 * 366

// Calendar is compiled Settings, safe for concurrent use.
type Calendar struct {
	loc    *time.Location
	week   [7][]minutes
	dated  map[date][]minutes
	yearly map[date][]minutes
	// always: no moment is ever closed, so there is nothing to search.
	always bool
	// weekly: some day of the week opens, so business time never runs out.
	weekly bool
}

// minutes is a span in minutes from the beginning of its day; to may pass 24:00.
type minutes struct{ from, to int }

// interval is a span as moments in time, [start, end).
type interval struct{ start, end time.Time }

// New compiles settings; the error is Problems.
func New(s Settings) (*Calendar, error) {
	var c checker
	out := &Calendar{loc: c.zone("zone", s.Zone)}
	out.week = c.week(s.Week)
	out.dated, out.yearly = c.holidays(s.Holidays)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	if s.Always {
		for i := range out.week {
			out.week[i] = []minutes{{0, minutesOfDay}}
		}
	}
	out.always = len(s.Holidays) == 0
	for i, day := range out.week {
		out.weekly = out.weekly || len(day) > 0
		out.always = out.always && covers(day, out.week[(i+6)%7])
	}
	return out, nil
}

// covers tells whether a day's spans, with what lasts over from the day before,
// leave no minute closed.
func covers(day, before []minutes) bool {
	reached := 0
	if n := len(before); n > 0 {
		reached = max(0, before[n-1].to-minutesOfDay)
	}
	for _, m := range day {
		if m.from > reached {
			return false
		}
		reached = max(reached, m.to)
	}
	return reached >= minutesOfDay
}

// Zone is the time zone whose clocks the calendar follows.
func (c *Calendar) Zone() *time.Location { return c.loc }

// Always tells whether the calendar never closes.
func (c *Calendar) Always() bool { return c.always }

// Open tells whether at lies within opening hours; the closing moment doesn't.
func (c *Calendar) Open(at time.Time) bool {
	if c.always {
		return true
	}
	open := false
	c.walk(at, 2, func(i interval) bool {
		open = !i.start.After(at)
		return false
	})
	return open
}

// NextOpen returns at itself when open, else the next moment of opening, else
// ErrNeverOpen.
func (c *Calendar) NextOpen(at time.Time) (time.Time, error) {
	if c.always {
		return at, nil
	}
	opens, err := at, ErrNeverOpen
	c.walk(at, horizon, func(i interval) bool {
		opens, err = later(i.start, at), nil
		return false
	})
	return opens, err
}

// NextChange returns the first moment after at at which open turns to closed or the
// reverse, and false when that never happens.
func (c *Calendar) NextChange(at time.Time) (time.Time, bool) {
	if c.always {
		return time.Time{}, false
	}
	var change time.Time
	found := false
	open := false
	c.walk(at, horizon, func(i interval) bool {
		switch {
		case !open && i.start.After(at):
			change, found = i.start, true
			return false
		case !open:
			open, change, found = true, i.end, true
		case i.start.After(change):
			return false
		default:
			change = later(change, i.end)
		}
		return true
	})
	if open && c.Open(change) {
		// The run of opening was followed to the limit of the search without an end.
		return time.Time{}, false
	}
	return change, found
}

// Add returns the moment at which d of business time has passed since at: the
// deadline. It falls on the closing moment rather than on the next opening. With d
// zero or less it is at itself. The error is ErrNeverOpen.
func (c *Calendar) Add(at time.Time, d time.Duration) (time.Time, error) {
	if d <= 0 || c.always {
		return at.Add(max(d, 0)), nil
	}
	days := horizon
	if c.weekly {
		days = reach
	}
	left, reached := d, at
	var due time.Time
	err := ErrNeverOpen
	c.walk(at, days, func(i interval) bool {
		start := later(i.start, reached)
		if open := i.end.Sub(start); open < left {
			if open > 0 {
				left -= open
				reached = i.end
			}
			return true
		}
		due, err = start.Add(left), nil
		return false
	})
	return due, err
}

// Between returns the business time from a to b; it is negative when b is before a.
func (c *Calendar) Between(a, b time.Time) time.Duration {
	if b.Before(a) {
		return -c.Between(b, a)
	}
	if c.always {
		return b.Sub(a)
	}
	var sum time.Duration
	reached := a
	days := int(b.Sub(a)/(24*time.Hour)) + 3
	c.walk(a, days, func(i interval) bool {
		if !i.start.Before(b) {
			return false
		}
		start, end := later(i.start, reached), earlier(i.end, b)
		if end.After(start) {
			sum += end.Sub(start)
			reached = end
		}
		return true
	})
	return sum
}

// walk gives visit the intervals that end after at, by start, over at most that
// many days, until it returns false. Intervals touch or overlap where a span lasts
// into the next day's; callers join them.
func (c *Calendar) walk(at time.Time, days int, visit func(interval) bool) {
	// Two days back, because a span can begin late on one day and last a whole day.
	day := dateOf(at.In(c.loc)).add(-2)
	for range days + 3 {
		for _, m := range c.hours(day) {
			start, _ := day.instants(m.from, c.loc)
			_, end := day.instants(m.to, c.loc)
			if end.After(at) && end.After(start) && !visit(interval{start, end}) {
				return
			}
		}
		day = day.add(1)
	}
}

// hours are the spans that begin on the date: the holiday's if it is one.
func (c *Calendar) hours(d date) []minutes {
	if len(c.dated) > 0 {
		if h, ok := c.dated[d]; ok {
			return h
		}
	}
	if len(c.yearly) > 0 {
		if h, ok := c.yearly[date{0, d.month, d.dom}]; ok {
			return h
		}
	}
	return c.week[d.weekday()]
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
