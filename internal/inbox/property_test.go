package inbox_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox"
)

// Whatever agents and customers do at once: nobody gets more than he takes, nobody who isn't ready gets anything, and the counters stay exact.
func TestClaimsNeverOvershoot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		const agents, capacity = 4, 3
		var crew []care.Scope
		for n := range agents {
			s := h.agent(fmt.Sprint("Agent ", n), []string{"ready", "offline", "ready", "away"}[n])
			h.capacity(s.Agent, care.ChannelChat, capacity)
			crew = append(crew, s)
		}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for m := range 8 {
					if _, err := h.inbox.Receive(ctx, h.from(fmt.Sprintf("w%dm%d", w, m), "питання")); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for range 3 {
					if err := h.inbox.Drain(ctx, h.store); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := h.inbox.Drain(ctx, h.store); err != nil {
			t.Fatal(err)
		}
		for n, want := range []int{capacity, 0, capacity, 0} {
			p, err := h.inbox.List(ctx, h.scopeOf(crew[n].Agent), inbox.Filter{View: inbox.ViewMine})
			if err != nil || len(p.Items) != want {
				t.Errorf("agent %d has %d, wants %d (%v)", n, len(p.Items), want, err)
			}
		}
		h.check()
	})
}

// When an agent comes, those who wait longest are his first; when he goes, the unanswered ones go back.
func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.db.Route(care.EventAgentPresence, inbox.JobPresence)
		defer h.jobs()()
		olha := h.agent("Ольга", "offline")
		h.capacity(olha.Agent, care.ChannelChat, 2)
		var waiting []int64
		for n := range 4 {
			waiting = append(waiting, h.receive(h.from(fmt.Sprint("v", n), "питання")).Conversation)
			h.clock.Move(time.Minute)
		}
		comes := func(state string) {
			err := h.db.Write(ctx, db.System, func(tx *db.Tx) error {
				tx.Emit(db.Event{Store: h.store, Type: care.EventAgentPresence, Subject: olha.Agent})
				_, err := tx.Exec(ctx, `UPDATE presences SET state = $1, since_at = $2 WHERE agent_id = $3`, state, db.At(tx.Now), olha.Agent)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		mine := func() []int64 {
			p, err := h.inbox.List(ctx, olha, inbox.Filter{View: inbox.ViewMine, Sort: inbox.SortOldest})
			if err != nil {
				t.Fatal(err)
			}
			out := []int64{}
			for _, r := range p.Items {
				out = append(out, r.ID)
			}
			slices.Sort(out) // by when they began
			return out
		}
		comes("ready")
		eventually(t, "the two oldest", func() bool { return slices.Equal(mine(), waiting[:2]) })
		h.say(olha, waiting[0], "відповідь")
		if _, err := h.inbox.Resolve(ctx, olha, waiting[0]); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the third in the free place", func() bool { return slices.Equal(mine(), waiting[1:3]) })
		h.say(olha, waiting[1], "відповідь")
		comes("offline")
		h.clock.Move(4 * time.Minute)
		h.receive(h.from("v9", "ще"))
		if got := mine(); !slices.Equal(got, waiting[1:3]) {
			t.Fatalf("gone for a moment only, but %v", got)
		}
		h.clock.Move(2 * time.Minute)
		eventually(t, "the unanswered one back", func() bool { return slices.Equal(mine(), waiting[1:2]) })
		h.receive(h.from("v1", "ви тут?"))
		eventually(t, "a customer of an absent agent back", func() bool { return len(mine()) == 0 })
		h.check()
	})
}

// Random business keeps the counters equal to a recount, and every list equal to a plain reading of the table.
func TestCountsAndListsStayExact(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		r := rand.New(rand.NewPCG(7, 7))
		a, b := h.agent("Анна", "ready"), h.agent("Богдан", "ready")
		q, err := h.inbox.AddQueue(ctx, a, inbox.Queue{Store: h.store, Name: "Пошта", Channels: []string{"email"}, FirstResponse: 3600})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.inbox.AddQueue(ctx, a, inbox.Queue{Store: h.store, Name: "Пошта"}); err == nil {
			t.Fatal("two queues of one name")
		}
		if _, err := h.inbox.AddTopic(ctx, a, inbox.Topic{Store: h.store, Name: "Доставка"}); err != nil {
			t.Fatal(err)
		}
		var all []int64
		for n := range 25 {
			in := h.from(fmt.Sprint("v", n), "слово")
			if n%3 == 0 {
				in.Channel = care.ChannelEmail
			}
			all = append(all, h.receive(in).Conversation)
			h.clock.Move(time.Second)
		}
		nobody := int64(0)
		for range 120 {
			id, who := all[r.IntN(len(all))], []care.Scope{a, b}[r.IntN(2)]
			var err error
			switch r.IntN(10) {
			case 0:
				_, err = h.inbox.Resolve(ctx, who, id)
			case 1:
				_, err = h.inbox.Reopen(ctx, who, id)
			case 2:
				_, err = h.inbox.Pend(ctx, who, id)
			case 3:
				_, err = h.inbox.Snooze(ctx, who, id, h.clock.Now().Add(time.Hour))
			case 4:
				_, err = h.inbox.Assign(ctx, who, id, inbox.Assignment{Agent: &who.Agent})
			case 5:
				_, err = h.inbox.Assign(ctx, who, id, inbox.Assignment{Agent: &nobody})
			case 6:
				_, err = h.inbox.Assign(ctx, who, id, inbox.Assignment{Queue: &q.ID})
			case 7:
				_, err = h.inbox.SetTags(ctx, who, id, []string{"b", "a", "a"}[:r.IntN(4)])
			case 9:
				_, err = h.inbox.SetTopic(ctx, who, id, []string{"Доставка", ""}[r.IntN(2)])
			case 8:
				_, err = h.inbox.Say(ctx, who, id, inbox.Answer{Kind: inbox.KindReply, Body: "так", Resolve: r.IntN(3) == 0})
			}
			if err != nil {
				t.Fatal(err)
			}
			h.clock.Move(time.Second)
		}
		h.check()
		counts, err := h.inbox.Counts(ctx, a, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range counts.Views {
			if got := h.walk(a, inbox.Filter{View: v.Key, Limit: 4}); int64(len(got)) != v.Count {
				t.Errorf("%s lists %d, counts %d", v.Key, len(got), v.Count)
			}
		}
		for _, f := range []struct {
			filter inbox.Filter
			where  string
			args   []any
		}{
			{inbox.Filter{View: inbox.ViewAll}, `TRUE ORDER BY last_message_at DESC, id DESC`, nil},
			{inbox.Filter{View: inbox.ViewOpen, Sort: inbox.SortOldest}, `status = 'open' ORDER BY last_message_at, id`, nil},
			{inbox.Filter{View: inbox.ViewAll, Queue: q.ID}, `queue_id = $1 ORDER BY last_message_at DESC, id DESC`, []any{q.ID}},
			{inbox.Filter{View: inbox.ViewAll, Assignee: b.Agent}, `assignee_id = $1 ORDER BY last_message_at DESC, id DESC`, []any{b.Agent}},
			{inbox.Filter{View: inbox.ViewAll, Channel: "email"}, `channel = 'email' ORDER BY last_message_at DESC, id DESC`, nil},
			{inbox.Filter{View: inbox.ViewAll, Sort: inbox.SortWaiting}, `waiting_since_at > 0 ORDER BY waiting_since_at, id`, nil},
			{inbox.Filter{View: inbox.ViewAll, Tag: "a"}, `id IN (SELECT conversation_id FROM conversation_tags x JOIN tags g ON g.id = x.tag_id WHERE g.name = 'a') ORDER BY last_message_at DESC, id DESC`, nil},
			{inbox.Filter{View: inbox.ViewAll, Topic: "Доставка"}, `topic_id <> 0 ORDER BY last_message_at DESC, id DESC`, nil},
			{inbox.Filter{View: inbox.ViewAll, Topic: "Повернення"}, `FALSE`, nil},
		} {
			f.filter.Limit = 3
			if got, want := h.walk(a, f.filter), h.ids(`SELECT id FROM conversations WHERE `+f.where, f.args...); !slices.Equal(got, want) {
				t.Errorf("%+v: %v, want %v", f.filter, got, want)
			}
		}
	})
}

// walk reads all pages of a list.
func (h *house) walk(s care.Scope, f inbox.Filter) []int64 {
	h.t.Helper()
	out := []int64{}
	for {
		p, err := h.inbox.List(context.Background(), s, f)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, r := range p.Items {
			out = append(out, r.ID)
		}
		if f.Cursor = p.Next; f.Cursor == "" {
			return out
		}
	}
}

func (h *house) ids(sql string, args ...any) []int64 {
	h.t.Helper()
	rows, err := h.db.Read().Query(context.Background(), sql, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	out := []int64{}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			h.t.Fatal(err)
		}
		out = append(out, id)
	}
	return out
}

func TestSearchFindsFormsNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		s := h.agent("Ольга", "offline")
		a := h.receive(h.from("v1", "Де моє замовлення A-1234/56?")).Conversation
		b := h.receive(h.from("v2", "Замовленням задоволена, дякую")).Conversation
		c := h.receive(h.from("v3", "Czy buty są dostępne?")).Conversation
		if _, err := h.inbox.Resolve(ctx, s, b); err != nil {
			t.Fatal(err)
		}
		other := *h
		other.store = h.addStore("other")
		other.receive(other.from("v1", "замовлення іншої крамниці"))
		for {
			n, err := h.inbox.Index(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		for q, want := range map[string][]int64{
			"замовлення": {b, a}, "замовлень дякую": {b}, "A-1234/56": {a}, "1234": {a}, "but": {c}, "ксилофон": {}, "' OR 1=1 --": {}, `"`: {},
		} {
			if got := h.walk(s, inbox.Filter{View: inbox.ViewAll, Text: q, Limit: 1}); !slices.Equal(got, want) {
				t.Errorf("%q: %v, want %v", q, got, want)
			}
		}
		if got := h.walk(s, inbox.Filter{View: inbox.ViewOpen, Text: "замовлення"}); !slices.Equal(got, []int64{a}) {
			t.Errorf("open: %v", got)
		}
	})
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		s := h.agent("Ольга", "ready")
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 640, 400))); err != nil {
			t.Fatal(err)
		}
		up, err := h.inbox.Upload(ctx, inbox.Upload{Store: h.store, OwnerKind: care.ActorCustomer, Owner: "v1", Name: "чек.png", Content: &b})
		if err != nil || up.Width != 640 || up.Height != 400 || up.ThumbURL == "" || up.ContentType != "image/png" {
			t.Fatalf("%+v %v", up, err)
		}
		stolen := h.from("v2", "не моє")
		stolen.Attachments = []int64{up.ID}
		if _, err := h.inbox.Receive(ctx, stolen); err == nil {
			t.Fatal("sent another visitor's file")
		}
		if _, err := h.inbox.Open(ctx, s, up.ID, false); err == nil {
			t.Fatal("an agent opened what wasn't sent")
		}
		in := h.from("v1", "")
		in.Attachments = []int64{up.ID}
		r := h.receive(in)
		m := h.show(s, r.Conversation).Messages[0]
		if len(m.Attachments) != 1 || m.Attachments[0].Name != "чек.png" {
			t.Fatalf("%+v", m)
		}
		f, err := h.inbox.Open(ctx, s, up.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		small, _, err := image.DecodeConfig(f)
		_ = f.Close()
		if err != nil || small.Width != 320 || small.Height != 200 {
			t.Fatalf("%+v %v", small, err)
		}
		th, err := h.inbox.ThreadOf(ctx, h.store, care.ChannelChat, "v1", 0, 0)
		if err != nil || len(th.Messages) != 1 {
			t.Fatalf("%+v %v", th, err)
		}
		var id, expires int64
		var sig string
		if _, err := fmt.Sscanf(th.Messages[0].Attachments[0].URL, "/api/v1/files/%d?expires=%d&signature=%s", &id, &expires, &sig); err != nil {
			t.Fatal(err)
		}
		g, err := h.inbox.OpenSigned(ctx, id, expires, sig, false)
		if err != nil || !g.Inline {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, g)
		_ = g.Close()
		for _, bad := range []struct {
			id, expires int64
			sig         string
		}{{id, expires + 1, sig}, {id + 1, expires, sig}, {id, expires, "x"}} {
			if _, err := h.inbox.OpenSigned(ctx, bad.id, bad.expires, bad.sig, false); err == nil {
				t.Error("opened with a wrong signature")
			}
		}
		h.clock.Move(9 * 24 * time.Hour)
		if _, err := h.inbox.OpenSigned(ctx, id, expires, sig, false); err == nil {
			t.Error("opened after the address had expired")
		}
	})
}

func TestDraftsReadMarksAndTopics(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		s, o := h.agent("Ольга", "ready"), h.agent("Петро", "ready")
		r := h.receive(h.from("v1", "раз"))
		h.receive(h.from("v1", "два"))
		if err := h.inbox.SaveDraft(ctx, s, r.Conversation, "пишу", "reply"); err != nil {
			t.Fatal(err)
		}
		if d := h.show(s, r.Conversation); d.Draft == nil || d.Draft.Body != "пишу" {
			t.Fatalf("%+v", d.Draft)
		}
		if d := h.show(o, r.Conversation); d.Draft != nil || len(d.Viewers) != 1 || d.Viewers[0].ID != s.Agent {
			t.Fatalf("%+v %+v", d.Draft, d.Viewers)
		}
		if err := h.inbox.Read(ctx, s, r.Conversation, 1); err != nil {
			t.Fatal(err)
		}
		if u := h.show(s, r.Conversation).Conversation.Unread; u != 1 {
			t.Fatalf("%d unread", u)
		}
		m := h.say(s, r.Conversation, "відповідь")
		if err := h.inbox.ReadByCustomer(ctx, h.store, care.ChannelChat, "v1", 999); err != nil {
			t.Fatal(err)
		}
		d := h.show(s, r.Conversation)
		if d.Draft != nil || d.Messages[len(d.Messages)-1].Delivery.State != inbox.DeliveryRead || d.Conversation.ReadCustomer != m.Seq {
			t.Fatalf("%+v %+v", d.Draft, d.Messages[len(d.Messages)-1])
		}
		if _, err := h.inbox.SetTopic(ctx, s, r.Conversation, "Доставка"); err == nil {
			t.Fatal("a topic that doesn't exist")
		}
		topic, err := h.inbox.AddTopic(ctx, s, inbox.Topic{Store: h.store, Name: "Доставка"})
		if err != nil {
			t.Fatal(err)
		}
		if row, err := h.inbox.SetTopic(ctx, s, r.Conversation, "Доставка"); err != nil || row.Topic != "Доставка" {
			t.Fatalf("%+v %v", row, err)
		}
		if _, err := h.inbox.ChangeTopic(ctx, s, topic.ID, func(t *inbox.Topic) { t.Name = "Дорога" }); err != nil {
			t.Fatal(err)
		}
		if got := h.show(s, r.Conversation).Conversation.Topic; got != "Дорога" {
			t.Fatal(got)
		}
		msgs, more, err := h.inbox.History(ctx, s, r.Conversation, 0, 2, 1)
		if err != nil || len(msgs) != 1 || !more || msgs[0].Seq != 3 {
			t.Fatalf("%v %v %v", msgs, more, err)
		}
	})
}
