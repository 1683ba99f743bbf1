package cal

import "time"

// QuietSettings are the hours in which a person must not be disturbed, in that
// person's own zone. To earlier than From lasts into the next day. Days (mon..sun)
// are those on which the quiet begins; without them it is every day.
type QuietSettings struct {
	Zone string   `json:"zone"`
	From string   `json:"from"`
	To   string   `json:"to"`
	Days []string `json:"days,omitempty"`
}

// Quiet is compiled QuietSettings, safe for concurrent use.
type Quiet struct{ hours *Calendar }

// Validate returns nil or Problems naming every faulty field.
func (q QuietSettings) Validate() error {
	_, err := NewQuiet(q)
	return err
}

// NewQuiet compiles settings; the error is Problems.
func NewQuiet(q QuietSettings) (*Quiet, error) {
	var c checker
	hours := &Calendar{loc: c.zone("zone", q.Zone), weekly: true}
	span, _ := c.span("hours", Span{From: q.From, To: q.To})
	if span.to-span.from >= minutesOfDay {
		c.report("hours", CodeSpanEmpty, "quiet all day long would never end")
	}
	days := q.Days
	if len(days) == 0 {
		days = Days[:]
	}
	for _, name := range days {
		i := dayIndex(name)
		if i < 0 {
			c.report("days", CodeDayUnknown, "unknown day %q", name)
			continue
		}
		hours.week[i] = []minutes{span}
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return &Quiet{hours}, nil
}

// Holds tells whether at lies in the quiet hours.
func (q *Quiet) Holds(at time.Time) bool { return q.hours.Open(at) }

// Ends returns at itself outside the quiet hours, else the moment they end.
func (q *Quiet) Ends(at time.Time) time.Time {
	if !q.hours.Open(at) {
		return at
	}
	end, _ := q.hours.NextChange(at)
	return end
}
