package phone

import (
	"testing"
	"time"
)

// What is promised is what those who will be there can keep: one after the other, not all at eight.
func TestPromisesThatCanBeKept(t *testing.T) {
	noon := at("2026-03-02 12:00")
	in := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	there := func(from, to int) span { return span{in(from), in(to)} }
	same := func(n, m int) (out []time.Time) {
		for range n {
			out = append(out, in(m))
		}
		return out
	}
	for _, c := range []struct {
		name string
		d    desk
		due  int
		want int // minutes after noon
	}{
		{"nothing is known", desk{}, 0, 10},
		{"somebody is free", desk{There: []span{there(-60, 60)}, Each: 4 * time.Minute}, 0, 10},
		{"nine before him, one agent", desk{There: []span{there(-60, 200)}, Before: same(9, 0), Each: 4 * time.Minute}, 0, 50},
		{"nine before him, three agents", desk{There: []span{there(-60, 200), there(-60, 200), there(-60, 200)}, Before: same(9, 0), Each: 4 * time.Minute}, 0, 25},
		{"those who may be rung only later aren't before him", desk{There: []span{there(-60, 200)}, Before: same(9, 30), Each: 4 * time.Minute}, 0, 10},
		{"those before him are done by then", desk{There: []span{there(-60, 200)}, Before: same(9, 0), Each: 4 * time.Minute}, 40, 50},
		{"the next agent comes in an hour", desk{There: []span{there(60, 200)}, Each: 4 * time.Minute}, 0, 70},
		{"one leaves, and another comes", desk{There: []span{there(-60, 8), there(60, 200)}, Before: same(3, 0), Each: 4 * time.Minute}, 0, 80},
		{"nobody comes", desk{There: []span{there(-60, -1)}, Each: 4 * time.Minute}, 0, 10},
		{"more than they can do before they leave", desk{There: []span{there(-60, 30)}, Before: same(9, 0), Each: 4 * time.Minute}, 0, 10},
	} {
		s := fresh()
		s.Zone = time.UTC
		if got := s.until(in(c.due), DefaultPolicy, c.d); !got.Equal(in(c.want)) {
			t.Errorf("%s: until %s, want %s", c.name, got.Format("15:04"), in(c.want).Format("15:04"))
		}
	}
	s := fresh()
	s.Promised = in(60)
	if got := s.until(in(60), DefaultPolicy, desk{There: []span{there(0, 200)}, Before: same(30, 0), Each: 4 * time.Minute}); !got.Equal(in(70)) {
		t.Errorf("the time that he named himself: until %s", got)
	}
	s = fresh() // by when those before him are done it is night
	if got := s.until(in(500), DefaultPolicy, desk{There: []span{there(400, 2000)}, Before: same(30, 480), Each: 4 * time.Minute}); got.Before(at("2026-03-03 08:00")) {
		t.Errorf("at night: until %s", got)
	}
}

// Whose time is almost over comes first, the earliest before the others; who is late already doesn't make others late too, and callers on the line wait for nobody.
func TestInTimeWhileItCanBe(t *testing.T) {
	now := at("2026-03-02 12:00")
	in := func(m int) time.Time { return now.Add(time.Duration(m) * time.Minute) }
	order := []ready{
		{ID: 1, Store: 7, Priority: 90, Due: now, Until: in(40)},
		{ID: 2, Store: 7, Priority: 10, Due: in(-5), Until: in(5)},
		{ID: 3, Store: 7, Priority: 10, Due: in(-8), Until: in(2)},
		{ID: 4, Store: 7, Priority: 60, Due: in(-60), Until: in(-50)},
		{ID: 5, Store: 7, Caller: true, Due: now},
		{ID: 6, Store: 7, Priority: 60, Due: now},
	}
	agent := []idle{{Agent: 1, Stores: []int64{7}, Since: in(-1)}}
	for _, want := range []int64{5, 3, 2, 1, 4, 6} {
		pairs, _ := match(order, agent, 0, now)
		if pairs[0].ID != want {
			t.Fatalf("%d before %d", pairs[0].ID, want)
		}
		for i := range order {
			if order[i].ID == want {
				order = append(order[:i], order[i+1:]...)
				break
			}
		}
	}
}

// Where a week ago isn't known, the day of the middle says who will be there: neither the Sunday nor the day without power.
func TestAnOrdinaryDay(t *testing.T) {
	noon := at("2026-03-02 12:00")
	day := func(hours ...int) (out []span) {
		for _, h := range hours {
			out = append(out, span{noon, noon.Add(time.Duration(h) * time.Hour)})
		}
		return out
	}
	whole := func(hours ...int) past { return past{day(hours...), true} }
	if got := ordinary([]past{whole(1), whole(8, 8), whole(8, 7), whole(9, 8), {day(11, 11, 11), false}, whole(4)}, noon); len(got) != 2 || got[1] != day(7)[0] {
		t.Errorf("%v", got)
	}
	if got := ordinary([]past{{day(3), false}, {day(5), false}}, noon); len(got) != 1 || got[0] != day(3)[0] {
		t.Errorf("only in part: %v", got)
	}
	if ordinary(nil, noon) != nil {
		t.Error("nobody was ever there")
	}
}
