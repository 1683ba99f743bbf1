package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/inbox"
	"opeka/internal/job"
)

// house is an inbox with a store, and agents made as a test needs them.
type house struct {
	t     testing.TB
	db    *db.DB
	clock *db.MovableClock
	inbox *inbox.Inbox
	bus   *bus.Local
	store int64
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) { f(t, newHouse(t, d, clock)) })
}

func newHouse(t testing.TB, d *db.DB, clock *db.MovableClock) *house {
	t.Helper()
	files, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	hints := bus.NewLocal()
	h := &house{t: t, db: d, clock: clock, bus: hints, inbox: inbox.New(d, customer.New(d, hints, nil), files, hints, inbox.Options{Secret: []byte("secret")})}
	t.Cleanup(h.inbox.Close)
	h.store = h.addStore("shop")
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	err := h.db.Write(context.Background(), db.System, func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), sql, args...)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) addStore(name string) int64 {
	h.t.Helper()
	id := h.db.ID()
	h.exec(`INSERT INTO stores (id, name, slug, language, currency, time_zone, calendar, widget, identity_secret, identity_secret_old, created_at, updated_at)
VALUES ($1, $2, $2, 'uk', 'UAH', 'Europe/Kyiv', '{"zone":"Europe/Kyiv","always":true}', '{}', $3, $3, 1, 1)`, id, name, []byte{})
	return id
}

// agent makes an agent of the store, present as state says.
func (h *house) agent(name, state string) care.Scope {
	h.t.Helper()
	id := h.db.ID()
	h.exec(`INSERT INTO agents (id, name, email, language, keymap, created_at, updated_at) VALUES ($1, $2, $3, 'uk', '{}', 1, 1)`, id, name, fmt.Sprint(id, "@shop.test"))
	h.exec(`INSERT INTO memberships (agent_id, store_id, role) VALUES ($1, $2, 'agent')`, id, h.store)
	h.exec(`INSERT INTO presences (agent_id, state, since_at, seen_at) VALUES ($1, $2, $3, $3)`, id, state, db.At(h.clock.Now()))
	return h.scopeOf(id)
}

func (h *house) scopeOf(agent int64) care.Scope {
	all := []care.Permission{care.PermInboxRead, care.PermInboxWrite, care.PermSettings}
	return care.Scope{Agent: agent, Stores: []int64{h.store}, Permissions: map[int64][]care.Permission{h.store: all}, Language: "en"}
}

func (h *house) presence(agent int64, state string) {
	h.t.Helper()
	h.exec(`UPDATE presences SET state = $1, since_at = $2 WHERE agent_id = $3`, state, db.At(h.clock.Now()), agent)
}

func (h *house) capacity(agent int64, channel string, n int64) {
	h.t.Helper()
	h.exec(`INSERT INTO capacities (agent_id, channel, max_open) VALUES ($1, $2, $3)`, agent, channel, n)
}

// from is a chat message of a visitor.
func (h *house) from(visitor, body string) care.Inbound {
	return care.Inbound{Store: h.store, Channel: care.ChannelChat, Thread: visitor, ClientID: fmt.Sprint(h.db.ID()), Body: body, Name: "Олена Коваль",
		From: []care.Identity{{Kind: care.IdentityVisitor, Value: visitor, Verified: true}}}
}

func (h *house) receive(in care.Inbound) inbox.Received {
	h.t.Helper()
	r, err := h.inbox.Receive(context.Background(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) say(s care.Scope, id int64, body string) inbox.Message {
	h.t.Helper()
	m, err := h.inbox.Say(context.Background(), s, id, inbox.Answer{Kind: inbox.KindReply, Body: body})
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

func (h *house) show(s care.Scope, id int64) inbox.Detail {
	h.t.Helper()
	d, err := h.inbox.Show(context.Background(), s, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

// course is the thread as the sequence of what is in it.
func course(d inbox.Detail) string {
	var out []string
	for n, m := range d.Messages {
		if m.Seq != d.Messages[0].Seq+int64(n) {
			return fmt.Sprintf("gap at %d", m.Seq)
		}
		if m.System != nil {
			out = append(out, m.System.Code)
		} else {
			out = append(out, m.From+":"+m.Body)
		}
	}
	return strings.Join(out, " ")
}

// check proves the counters and loads against the conversations.
func (h *house) check() {
	h.t.Helper()
	ctx := context.Background()
	wrong, err := inbox.Recount(ctx, h.db.Read())
	if err != nil || wrong != 0 {
		h.t.Fatalf("counters differ in %d places, %v", wrong, err)
	}
	err = h.db.Read().QueryRow(ctx, `SELECT count(*) FROM (SELECT agent_id, channel, sum(n) AS n FROM (SELECT agent_id, channel, n FROM agent_loads
UNION ALL SELECT assignee_id, channel, -count(*) FROM conversations WHERE assignee_id <> 0 AND status = 'open' GROUP BY assignee_id, channel) AS parts
GROUP BY agent_id, channel HAVING sum(n) <> 0) AS differing`).Scan(&wrong)
	if err != nil || wrong != 0 {
		h.t.Fatalf("loads differ in %d places, %v", wrong, err)
	}
}

func (h *house) events(subject int64) string {
	h.t.Helper()
	rows, err := h.db.Read().Query(context.Background(), `SELECT type FROM events WHERE subject_id = $1 ORDER BY id`, subject)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			h.t.Fatal(err)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// jobs runs what is due until nothing is.
func (h *house) jobs() (stop func()) {
	h.t.Helper()
	r := job.New(h.db, quiet)
	h.inbox.Jobs(r)
	if err := r.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	return func() { r.Stop(context.Background()) }
}

var quiet = slog.New(slog.DiscardHandler)

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestChatFromFirstMessageToReopening(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		olha := h.agent("Ольга", "ready")
		r := h.receive(h.from("v1", "Де моє замовлення? Картка 4111 1111 1111 1111"))
		if !r.Created || r.Seq != 1 || r.Customer == 0 {
			t.Fatalf("%+v", r)
		}
		d := h.show(olha, r.Conversation)
		if got := course(d); !strings.HasPrefix(got, "customer:Де моє замовлення?") || strings.Contains(got, "4111 1111 1111 1111") || !strings.HasSuffix(got, " claimed") {
			t.Fatal(got)
		}
		row := d.Conversation.Row
		if row.Number != 1 || row.Assignee == nil || row.Assignee.ID != olha.Agent || row.Customer.Initials != "ОК" || row.Unread != 1 || row.WaitingSince == 0 || row.Deadline != row.CreatedAt.Add(10*time.Minute) {
			t.Fatalf("%+v", row)
		}
		again := h.from("v1", "ще раз")
		first := h.receive(again)
		if dup := h.receive(again); !dup.Duplicate || dup.Message != first.Message || dup.Seq != 3 {
			t.Fatalf("%+v after %+v", dup, first)
		}
		m := h.say(olha, r.Conversation, "Вже їде")
		if m.Seq != 4 || m.Delivery.State != inbox.DeliverySent || m.Author.Name != "Ольга" {
			t.Fatalf("%+v", m)
		}
		if row := h.show(olha, r.Conversation).Conversation.Row; row.Unread != 0 || row.WaitingSince != 0 || row.Deadline != 0 || row.Preview != "Вже їде" || row.PreviewFrom != "agent" {
			t.Fatalf("%+v", row)
		}
		if _, err := h.inbox.Resolve(t.Context(), olha, r.Conversation); err != nil {
			t.Fatal(err)
		}
		h.clock.Move(47 * time.Hour)
		if back := h.receive(h.from("v1", "Дякую!")); back.Conversation != r.Conversation || back.Created {
			t.Fatalf("%+v", back)
		}
		if got := h.show(olha, r.Conversation); got.Conversation.Status != inbox.Open || !strings.HasSuffix(course(got), "resolved customer:Дякую! reopened") {
			t.Fatal(course(got))
		}
		if _, err := h.inbox.Resolve(t.Context(), olha, r.Conversation); err != nil {
			t.Fatal(err)
		}
		h.clock.Move(49 * time.Hour)
		next := h.from("v1", "Нове питання")
		fresh := h.receive(next)
		if fresh.Conversation == r.Conversation || !fresh.Created || fresh.Customer != r.Customer {
			t.Fatalf("%+v", fresh)
		}
		if dup := h.receive(again); !dup.Duplicate || dup.Conversation != r.Conversation {
			t.Fatalf("a message of the earlier conversation came again: %+v", dup)
		}
		if _, err := h.inbox.Reopen(t.Context(), olha, r.Conversation); !errors.Is(err, care.Conflict("conversation.superseded")) {
			t.Fatal(err)
		}
		if got := h.events(r.Conversation); got != "conversation.created conversation.assigned conversation.resolved conversation.reopened conversation.resolved" {
			t.Fatal(got)
		}
		h.check()
	})
}

func TestRefusesWhatCantBeKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		for name, in := range map[string]care.Inbound{
			"empty":      h.from("v", "  \n "),
			"not UTF-8":  h.from("v", "a\xffb"),
			"NUL":        h.from("v", "a\x00b"),
			"too long":   h.from("v", strings.Repeat("я", inbox.MaxBody+1)),
			"long title": func() care.Inbound { in := h.from("v", "x"); in.Subject = strings.Repeat("s", 501); return in }(),
		} {
			var e *care.Error
			if _, err := h.inbox.Receive(t.Context(), in); !errors.As(err, &e) || e.Kind != care.KindInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		in := h.from("v", "x")
		in.Attachments = []int64{12345}
		if _, err := h.inbox.Receive(t.Context(), in); !errors.Is(err, care.NotFound("attachment")) {
			t.Error(err)
		}
	})
}

func TestOnceUnderConcurrency(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		olha := h.agent("Ольга", "offline")
		var wg sync.WaitGroup
		const writers, messages = 6, 8
		for w := range writers {
			wg.Go(func() {
				for m := range messages {
					in := h.from("v1", fmt.Sprintf("message %d", m))
					in.ClientID = fmt.Sprint("m", m) // every writer sends the same ones
					if _, err := h.inbox.Receive(context.Background(), in); err != nil {
						t.Errorf("writer %d: %v", w, err)
					}
				}
			})
		}
		wg.Wait()
		c, err := h.inbox.List(t.Context(), olha, inbox.Filter{})
		if err != nil || len(c.Items) != 1 {
			t.Fatalf("%d conversations, %v", len(c.Items), err)
		}
		if d := h.show(olha, c.Items[0].ID); len(d.Messages) != messages || c.Items[0].Unread != messages || c.Items[0].LastSeq != messages {
			t.Fatalf("%s %+v", course(d), c.Items[0])
		}
		h.check()
	})
}

func TestStaleReplyIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		olha := h.agent("Ольга", "ready")
		r := h.receive(h.from("v1", "раз"))
		h.receive(h.from("v1", "два"))
		a := inbox.Answer{Kind: inbox.KindReply, Body: "відповідь", ExpectedSeq: r.Seq, ClientID: "c1"}
		if _, err := h.inbox.Say(t.Context(), olha, r.Conversation, a); !errors.Is(err, care.Conflict("conversation.stale")) {
			t.Fatal(err)
		}
		a.ExpectedSeq = 0
		m, err := h.inbox.Say(t.Context(), olha, r.Conversation, a)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := h.inbox.Say(t.Context(), olha, r.Conversation, a); err != nil || again.ID != m.ID {
			t.Fatalf("%+v %v", again, err)
		}
	})
}

func TestAnotherStoreIsNotFound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		h.agent("Ольга", "ready")
		r := h.receive(h.from("v1", "раз"))
		other := *h
		other.store = h.addStore("other")
		stranger := other.agent("Stranger", "ready")
		ctx, id, i := t.Context(), r.Conversation, h.inbox
		for name, err := range map[string]error{
			"show":     second(i.Show(ctx, stranger, id)),
			"say":      second(i.Say(ctx, stranger, id, inbox.Answer{Kind: "reply", Body: "x"})),
			"resolve":  second(i.Resolve(ctx, stranger, id)),
			"snooze":   second(i.Snooze(ctx, stranger, id, h.clock.Now().Add(time.Hour))),
			"assign":   second(i.Assign(ctx, stranger, id, inbox.Assignment{Agent: &stranger.Agent})),
			"tags":     second(i.SetTags(ctx, stranger, id, []string{"x"})),
			"topic":    second(i.SetTopic(ctx, stranger, id, "x")),
			"read":     i.Read(ctx, stranger, id, 1),
			"typing":   i.Typing(ctx, stranger, id, true),
			"draft":    i.SaveDraft(ctx, stranger, id, "x", "reply"),
			"list":     second(i.List(ctx, stranger, inbox.Filter{Store: h.store})),
			"counts":   second(i.Counts(ctx, stranger, h.store)),
			"addqueue": second(i.AddQueue(ctx, stranger, inbox.Queue{Store: h.store, Name: "q"})),
		} {
			if !errors.Is(err, care.NotFound("")) {
				t.Errorf("%s: %v", name, err)
			}
		}
		mine := h.agent("Mine", "ready")
		if _, err := i.Assign(ctx, mine, id, inbox.Assignment{Agent: &stranger.Agent}); !errors.Is(err, care.NotFound("")) {
			t.Errorf("assigned to another store's agent: %v", err)
		}
		if p, err := i.List(ctx, stranger, inbox.Filter{View: inbox.ViewAll}); err != nil || len(p.Items) != 0 {
			t.Errorf("%v %v", p.Items, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSnoozeWakesByTimeAndByCustomer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		olha := h.agent("Ольга", "ready")
		stop := h.jobs()
		defer stop()
		a, b := h.receive(h.from("v1", "раз")), h.receive(h.from("v2", "два"))
		for _, id := range []int64{a.Conversation, b.Conversation} {
			h.say(olha, id, "чекайте")
			if row, err := h.inbox.Snooze(t.Context(), olha, id, h.clock.Now().Add(time.Hour)); err != nil || row.Status != inbox.Snoozed || row.SnoozedUntil == 0 {
				t.Fatalf("%+v %v", row, err)
			}
		}
		h.receive(h.from("v2", "ну?"))
		if s := h.show(olha, b.Conversation).Conversation; s.Status != inbox.Open || s.SnoozedUntil != 0 {
			t.Fatalf("%+v", s.Row)
		}
		h.clock.Move(61 * time.Minute)
		eventually(t, "woken", func() bool { return h.show(olha, a.Conversation).Conversation.Status == inbox.Open })
		if got := course(h.show(olha, a.Conversation)); !strings.HasSuffix(got, "snoozed woken") {
			t.Fatal(got)
		}
		if got := course(h.show(olha, b.Conversation)); strings.Contains(got, "woken") {
			t.Fatal(got)
		}
		h.check()
	})
}
