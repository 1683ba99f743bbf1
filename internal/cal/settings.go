package cal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must resolve on machines that carry no zone database
)

// Settings is a calendar as people edit and store it. Week is keyed by mon, tue,
// wed, thu, fri, sat, sun; a day that is absent is closed. With Always the week is
// ignored and only holidays can close the calendar.
type Settings struct {
	Zone     string            `json:"zone"`
	Always   bool              `json:"always,omitempty"`
	Week     map[string][]Span `json:"week,omitempty"`
	Holidays []Holiday         `json:"holidays,omitempty"`
}

// Span is one stretch of opening in local time, "09:00" to "18:00". A To earlier
// than From ends on the next day; "24:00" is the midnight that ends the day. A span
// belongs to the day on which it begins.
type Span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Holiday replaces the week's hours on its dates; without Hours it is closed. Date
// is "2026-12-25", or "12-25" for every year. Until, in the same form as Date and
// not before it, makes the holiday last several days. Of holidays that cover one
// date a dated one wins over a yearly one, then the later in the list.
type Holiday struct {
	Date  string `json:"date"`
	Until string `json:"until,omitempty"`
	Name  string `json:"name,omitempty"`
	Hours []Span `json:"hours,omitempty"`
}

// Problem is one thing wrong with settings. Field is the path of the faulty value
// ("week.mon[1].to"), Code is stable and meant for translation, Detail is for logs.
type Problem struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Problem codes.
const (
	CodeZoneUnknown  = "calendar.zone_unknown"
	CodeDayUnknown   = "calendar.day_unknown"
	CodeTimeInvalid  = "calendar.time_invalid"
	CodeSpanEmpty    = "calendar.span_empty"
	CodeSpansOverlap = "calendar.spans_overlap"
	CodeDateInvalid  = "calendar.date_invalid"
	CodeUntilInvalid = "calendar.until_invalid"
	CodeTooMany      = "calendar.too_many"
	CodeTooLong      = "calendar.too_long"
)

// Problems is the error returned for settings that can't be used.
type Problems []Problem

func (p Problems) Error() string {
	parts := make([]string, len(p))
	for i, one := range p {
		parts[i] = one.Field + ": " + one.Detail
	}
	return "calendar: " + strings.Join(parts, "; ")
}

const (
	maxSpans     = 12
	maxHolidays  = 500
	maxName      = 200
	maxDaysUntil = 366
	minutesOfDay = 24 * 60
)

// Days names the days of the week as Settings does, Monday first.
var Days = [7]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// Validate returns nil or Problems naming every faulty field.
func (s Settings) Validate() error {
	_, err := New(s)
	return err
}

// checker compiles settings and gathers what is wrong with them on the way.
type checker struct{ problems Problems }

func (c *checker) report(field, code, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: field, Code: code, Detail: fmt.Sprintf(format, args...)})
}

// zone resolves an IANA name. "" and "Local" are refused: both would make a
// deadline depend on the machine it is computed on.
func (c *checker) zone(field, name string) *time.Location {
	if name == "" || name == "Local" {
		c.report(field, CodeZoneUnknown, "a time zone such as Europe/Kyiv is required")
		return time.UTC
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		c.report(field, CodeZoneUnknown, "unknown time zone %q", name)
		return time.UTC
	}
	return loc
}

func (c *checker) week(days map[string][]Span) (week [7][]minutes) {
	for name := range days {
		if dayIndex(name) < 0 {
			c.report("week."+name, CodeDayUnknown, "unknown day %q, expected one of %s", name, strings.Join(Days[:], ", "))
		}
	}
	for i, name := range Days {
		week[i] = c.spans("week."+name, days[name])
	}
	for i := range week {
		next := week[(i+1)%7]
		if len(week[i]) == 0 || len(next) == 0 {
			continue
		}
		if last := week[i][len(week[i])-1]; last.to-minutesOfDay > next[0].from {
			c.report("week."+Days[i], CodeSpansOverlap, "hours of %s last into those of %s", Days[i], Days[(i+1)%7])
		}
	}
	return week
}

// spans compiles the hours of one day, sorted by start.
func (c *checker) spans(field string, spans []Span) []minutes {
	if len(spans) > maxSpans {
		c.report(field, CodeTooMany, "%d spans, at most %d are allowed", len(spans), maxSpans)
		return nil
	}
	var out []minutes
	for i, s := range spans {
		at := fmt.Sprintf("%s[%d]", field, i)
		m, ok := c.span(at, s)
		if !ok {
			continue
		}
		place := len(out)
		for place > 0 && out[place-1].from > m.from {
			place--
		}
		if place > 0 && out[place-1].to > m.from || place < len(out) && m.to > out[place].from {
			c.report(at, CodeSpansOverlap, "%s-%s overlaps another span of the day", s.From, s.To)
			continue
		}
		out = append(out[:place], append([]minutes{m}, out[place:]...)...)
	}
	return out
}

func (c *checker) span(field string, s Span) (minutes, bool) {
	from, okFrom := clock(s.From)
	if !okFrom || from == minutesOfDay {
		okFrom = false
		c.report(field+".from", CodeTimeInvalid, "%q is not a time between 00:00 and 23:59", s.From)
	}
	to, okTo := clock(s.To)
	if !okTo {
		c.report(field+".to", CodeTimeInvalid, "%q is not a time between 00:00 and 24:00", s.To)
	}
	if !okFrom || !okTo {
		return minutes{}, false
	}
	if from == to {
		c.report(field, CodeSpanEmpty, "%s-%s is empty; a whole day is 00:00-24:00", s.From, s.To)
		return minutes{}, false
	}
	if to < from {
		to += minutesOfDay
	}
	return minutes{from, to}, true
}

func (c *checker) holidays(list []Holiday) (dated map[date][]minutes, yearly map[date][]minutes) {
	dated, yearly = map[date][]minutes{}, map[date][]minutes{}
	if len(list) > maxHolidays {
		c.report("holidays", CodeTooMany, "%d holidays, at most %d are allowed", len(list), maxHolidays)
		return dated, yearly
	}
	for i, h := range list {
		at := fmt.Sprintf("holidays[%d]", i)
		if len(h.Name) > maxName {
			c.report(at+".name", CodeTooLong, "longer than %d bytes", maxName)
		}
		first, ok := parseDate(h.Date)
		if !ok {
			c.report(at+".date", CodeDateInvalid, "%q is neither a date like 2026-12-25 nor a yearly one like 12-25", h.Date)
		}
		hours := c.spans(at+".hours", h.Hours)
		if !ok {
			continue
		}
		last := first
		if h.Until != "" {
			if last, ok = c.until(at+".until", h.Until, first); !ok {
				continue
			}
		}
		into := dated
		if first.year == 0 {
			into = yearly
		}
		for d := first; ; d = d.nextIn(first.year == 0) {
			into[d] = hours
			if d == last {
				break
			}
		}
	}
	return dated, yearly
}

func (c *checker) until(field, value string, first date) (date, bool) {
	last, ok := parseDate(value)
	if !ok || (last.year == 0) != (first.year == 0) {
		c.report(field, CodeUntilInvalid, "%q must be a date in the same form as the first day", value)
		return date{}, false
	}
	// A yearly holiday may run over New Year: 12-31 until 01-02.
	if days := last.day().Sub(first.day()) / (24 * time.Hour); first.year != 0 && (days < 0 || days > maxDaysUntil) {
		c.report(field, CodeUntilInvalid, "%q must lie within %d days after the first day", value, maxDaysUntil)
		return date{}, false
	}
	return last, true
}

// clock reads "H:MM" or "HH:MM" up to 24:00 as minutes of the day.
func clock(s string) (int, bool) {
	hour, minute, ok := strings.Cut(s, ":")
	if !ok || len(hour) < 1 || len(hour) > 2 || len(minute) != 2 || !digits(hour) || !digits(minute) {
		return 0, false
	}
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	if m > 59 || h*60+m > minutesOfDay {
		return 0, false
	}
	return h*60 + m, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func dayIndex(name string) int {
	for i, d := range Days {
		if d == name {
			return i
		}
	}
	return -1
}
