package journeys

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"opeka/internal/peer"
)

// On Friday evening a conversation is put aside until Monday; on Saturday the shop is closed, says so, and takes a message all the same.
func TestAWeekend(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		week := map[string]any{}
		for _, d := range []string{"mon", "tue", "wed", "thu", "fri"} {
			week[d] = []map[string]string{{"from": "09:00", "to": "18:00"}}
		}
		w.do(http.MethodPatch, fmt.Sprintf("/stores/%d", w.store), map[string]any{"calendar": map[string]any{"zone": "Europe/Kyiv", "week": week}}, nil)
		monday := time.Date(2026, 3, 9, 7, 0, 0, 0, time.UTC) // nine o'clock in Kyiv

		w.reach(time.Date(2026, 3, 6, 15, 30, 0, 0, time.UTC)) // Friday, half past five
		v := w.visitor(nil)
		said := w.says(v, "1", "Подзвоніть мені в понеділок")
		w.do(http.MethodPost, fmt.Sprintf("/conversations/%d/snooze", said.Conversation), map[string]any{"until": monday}, nil)
		if s := w.status(said.Conversation); s != "snoozed" {
			t.Fatalf("it is %s", s)
		}

		w.reach(time.Date(2026, 3, 7, 10, 0, 0, 0, time.UTC)) // Saturday noon
		other := &peer.Visitor{URL: w.server.URL, Store: w.slug, HTTP: peer.Client()}
		var hours struct {
			Token   string    `json:"token"`
			Open    bool      `json:"open"`
			OpensAt time.Time `json:"opens_at"`
		}
		if err := other.Do(t.Context(), http.MethodPost, "/session", map[string]string{"store": w.slug}, &hours); err != nil {
			t.Fatal(err)
		}
		if hours.Open || !hours.OpensAt.Equal(monday) {
			t.Errorf("on Saturday the widget says %+v", hours)
		}
		other.Token = hours.Token
		late := w.says(other, "1", "Ви працюєте у вихідні?")
		if s := w.status(said.Conversation); s != "snoozed" {
			t.Errorf("on Saturday it is %s", s)
		}
		var row struct {
			Conversation struct {
				Deadline time.Time `json:"deadline_at"`
			} `json:"conversation"`
		}
		w.do(http.MethodGet, fmt.Sprintf("/conversations/%d", late.Conversation), nil, &row)
		if !row.Conversation.Deadline.After(monday) {
			t.Errorf("the answer is due at %v, when nobody works", row.Conversation.Deadline)
		}

		w.reach(monday.Add(time.Second))
		w.until("its return on Monday", func() bool { return w.status(said.Conversation) == "open" })
	})
}

// reach moves the clock to a time; a session may have run out by then.
func (w *installation) reach(at time.Time) {
	w.t.Helper()
	w.clock.Move(at.Sub(w.clock.Now()))
	if err := w.office.SignIn(w.t.Context(), email, password); err != nil {
		w.t.Fatal(err)
	}
}

func (w *installation) status(conversation int64) string {
	w.t.Helper()
	var row struct {
		Conversation struct {
			Status string `json:"status"`
		} `json:"conversation"`
	}
	w.do(http.MethodGet, fmt.Sprintf("/conversations/%d", conversation), nil, &row)
	return row.Conversation.Status
}
