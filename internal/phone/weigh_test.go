package phone_test

import (
	"testing"

	"opeka/internal/care"
	"opeka/internal/phone"
)

func TestWhoIsTakenFirstAndWhy(t *testing.T) {
	w := phone.DefaultWeights
	for name, c := range map[string]struct {
		s        phone.Standing
		priority int64
		why      []string
	}{
		"a stranger":          {phone.Standing{}, 0, nil},
		"an important one":    {phone.Standing{Tags: []string{"new", "VIP", "vip"}}, 30, []string{"vip"}},
		"one who rang before": {phone.Standing{InVain: 2}, 20, []string{"repeated"}},
		"who rang all day":    {phone.Standing{InVain: 17}, 30, []string{"repeated"}},
		"one with a problem":  {phone.Standing{Problems: []string{"parcel_stuck", "late"}}, 20, []string{"problem"}},
		"one with everything": {phone.Standing{Tags: []string{"vip"}, InVain: 1, Problems: []string{"late"}}, 60, []string{"vip", "repeated", "problem"}},
	} {
		t.Run(name, func(t *testing.T) {
			n, why := phone.Weigh(w, c.s)
			if n != c.priority || len(why) != len(c.why) {
				t.Fatalf("%d because of %+v", n, why)
			}
			for i := range why {
				if why[i].Code != c.why[i] || why[i].Params["weight"] == nil {
					t.Errorf("%+v, want %s", why[i], c.why[i])
				}
			}
		})
	}
	w.VIP, w.Repeated, w.Problem = 0, 0, 0
	if n, why := phone.Weigh(w, phone.Standing{Tags: []string{"vip"}, InVain: 3, Problems: []string{"late"}}); n != 0 || len(why) != 0 {
		t.Errorf("what a store gives no weight has some: %d %+v", n, why)
	}
}

// A customer with an open problem comes before one who rang earlier; that and why stands in the call.
func TestAProblemComesFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", false)
		if _, err := h.phone.SaveQueue(t.Context(), olena, phone.Queue{Store: h.store, Name: "Shop"}); err != nil {
			t.Fatal(err)
		}
		h.rings("+380671112233", olena)
		h.calls(olena, "waiting", func(c phone.Call) bool { return c.State == phone.CallWaiting })
		l := h.rings("+380671112244", olena)
		second := h.calls(olena, "waiting too", func(c phone.Call) bool { return c.Number == "+380671112244" && c.State == phone.CallWaiting })
		if second.Priority != 0 || len(second.PriorityWhy) != 0 {
			t.Fatalf("%+v", second)
		}
		l.Ends(care.CauseHangup)
		h.calls(olena, "gone", func(c phone.Call) bool { return c.State == phone.CallEnded })
		h.exec(`INSERT INTO exceptions (id, store_id, order_id, customer_id, kind, part, work, department_id, detector, due_at, raised_at, closed_at) VALUES ($1, $2, 1, $3, 'parcel_stuck', '', 'none', 0, '{}', 1, 1, 0)`,
			h.db.ID(), h.store, second.Customer)
		h.rings("+380671112244", olena)
		second = h.calls(olena, "waiting again", func(c phone.Call) bool { return c.Number == "+380671112244" && c.State == phone.CallWaiting })
		if second.Priority != 30 || len(second.PriorityWhy) != 2 || second.PriorityWhy[0].Code != "repeated" || second.PriorityWhy[1].Code != "problem" {
			t.Fatalf("%+v", second)
		}
		if _, err := h.phone.Reachable(t.Context(), olena, true, ""); err != nil {
			t.Fatal(err)
		}
		h.calls(olena, "offered first", func(c phone.Call) bool { return c.Number == "+380671112244" && c.State == phone.CallOffered })
	})
}

// A queue's own agents come first; after a while the others take its callers too.
func TestAQueuesCallersGoToOthersWhenItsOwnAreBusy(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		olena := h.agent("Olena", true)
		team := h.db.ID()
		h.exec(`INSERT INTO teams (id, store_id, name, created_at) VALUES ($1, $2, 'Own', 1)`, team, h.store)
		if _, err := h.phone.SaveQueue(t.Context(), olena, phone.Queue{Store: h.store, Name: "Shop", Team: team, Widen: 60}); err != nil {
			t.Fatal(err)
		}
		h.rings("+380671112233", olena)
		h.calls(olena, "waiting", func(c phone.Call) bool { return c.State == phone.CallWaiting })
		h.clock.Move(50 * 1e9)
		h.calls(olena, "still waiting", func(c phone.Call) bool { return c.State == phone.CallWaiting })
		h.clock.Move(11 * 1e9)
		h.calls(olena, "offered to somebody else", func(c phone.Call) bool { return c.State == phone.CallOffered && c.Agent == olena.Agent })
	})
}
