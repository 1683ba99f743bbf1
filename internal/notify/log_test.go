package notify_test

import (
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/notify"
)

// The log is narrowed by what was told, how, when and to whom.
func TestTheLogIsNarrowed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := begin(t, d, clock)
		scope := care.Scope{Agent: 1, Stores: []int64{store}, Permissions: map[int64][]care.Permission{store: {care.PermSettings, care.PermCommerceRead}}}
		start := clock.Now()
		o := w.bought("L-1")
		w.tell(w.order(o))
		w.pass(time.Hour)
		o.Order = care.OrderProcessing
		w.tell(w.order(o))
		read := func(f notify.LogFilter) (moments []string) {
			t.Helper()
			f.Store = store
			list, err := w.Log(t.Context(), scope, f, 0, 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range list {
				if l.Number != "L-1" || l.Name == "" {
					t.Fatalf("whose is it? %+v", l)
				}
				moments = append(moments, l.Moment)
			}
			return moments
		}
		for name, c := range map[string]struct {
			f    notify.LogFilter
			want int
		}{
			"moment":  {notify.LogFilter{Moment: "accepted", Outcome: notify.Sent}, 1},
			"key":     {notify.LogFilter{Key: "confirmed.email"}, 1},
			"channel": {notify.LogFilter{Channel: care.ChannelEmail}, 2},
			"other":   {notify.LogFilter{Channel: care.ChannelViber}, 0},
			"reason":  {notify.LogFilter{Reason: string(notify.ReasonMoment)}, 2},
			"since":   {notify.LogFilter{From: start.Add(30 * time.Minute)}, 1},
			"until":   {notify.LogFilter{To: start.Add(30 * time.Minute), Outcome: notify.Sent}, 1},
		} {
			if got := read(c.f); len(got) != c.want {
				t.Errorf("%s: %v, want %d", name, got, c.want)
			}
		}
		if other, err := w.Log(t.Context(), care.Scope{Agent: 2, Stores: []int64{store + 1}}, notify.LogFilter{}, 0, 50); err != nil || len(other) > 0 {
			t.Errorf("a stranger reads %v %v", other, err)
		}
		by := scope
		quiet := notify.DefaultPolicy()
		for i := range quiet.Notices {
			quiet.Notices[i].On = false
		}
		list, err := w.Compare(t.Context(), by, store, notify.CompareInput{Against: &quiet})
		if err != nil || len(list) != len(notify.Cases()) {
			t.Fatal(err, len(list))
		}
		for _, c := range list {
			if c.Against != 0 || (c.Sent > 0) != c.Differs {
				t.Errorf("%+v", c)
			}
		}
		same, err := w.Compare(t.Context(), by, store, notify.CompareInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range same {
			if c.Differs || c.Sent != c.Against || c.Work != c.Worked {
				t.Errorf("the same policy differs from itself: %+v", c)
			}
		}
	})
}
