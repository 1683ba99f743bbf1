package post_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
	"opeka/internal/post"
)

// service is a channel whose other side the test plays.
type service struct {
	mu      sync.Mutex
	can     care.ChannelAbilities
	answers []error // of the next sends; then they are taken
	sent    []care.Outbound
	files   map[string]string
	hold    chan struct{} // Send waits for it, if set
	listen  chan push     // what a listener reads
	opened  int
}

type push struct {
	raw  string
	a    care.Arrivals
	name string
}

func (s *service) Name() string                                { return "pigeon" }
func (s *service) Fields() []care.Field                        { return nil }
func (s *service) Channel() string                             { return care.ChannelSMS }
func (s *service) Test(context.Context) (care.PeerInfo, error) { return care.PeerInfo{}, nil }
func (s *service) RegisterPush(context.Context, string) error  { return care.ErrManual }
func (s *service) UnregisterPush(context.Context) error        { return nil }
func (s *service) OpenChannel(care.Connection, *http.Client) (care.Channel, error) {
	return s, nil
}

func (s *service) Can() care.ChannelAbilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.can
}

func (s *service) Send(ctx context.Context, m care.Outbound) (care.Receipt, error) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) > 0 {
		err := s.answers[0]
		s.answers = s.answers[1:]
		if err != nil {
			return care.Receipt{}, err
		}
	}
	s.sent = append(s.sent, m)
	if strings.HasPrefix(m.Body, "long") {
		return care.Receipt{ExternalID: "x" + m.Key + "a", Parts: 2, PartIDs: []string{"x" + m.Key + "a", "x" + m.Key + "b"}}, nil
	}
	return care.Receipt{ExternalID: "x" + m.Key, Parts: 1}, nil
}

func (s *service) ReceivePush(r care.Push) (care.Arrivals, string, error) {
	if r.Header.Get("Signature") != "good" {
		return care.Arrivals{}, "", errors.New("wrong signature")
	}
	var a care.Arrivals
	if err := json.Unmarshal(r.Body, &a); err != nil {
		return a, "", care.Invalid("body", "value_invalid")
	}
	return a, r.Header.Get("Delivery"), nil
}

func (s *service) Listen(ctx context.Context, take func(context.Context, []byte, care.Arrivals, string) error) error {
	s.mu.Lock()
	s.opened++
	in := s.listen
	s.mu.Unlock()
	if in == nil {
		return care.ErrPushed
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-in:
			if err := take(ctx, []byte(p.raw), p.a, p.name); err != nil {
				return err
			}
		}
	}
}

func (s *service) FetchFile(_ context.Context, ref care.FileRef) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.files[ref.Ref]
	if !ok {
		return nil, &care.TemporaryError{Cause: errors.New("try later")}
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

func (s *service) bodies() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		out = append(out, m.Body)
	}
	return out
}

// connections are one connection in the table of connections.
type connections struct {
	d     *db.DB
	mu    sync.Mutex
	c     account.LiveConnection
	notes []string
}

func (c *connections) Connection(_ context.Context, id int64) (account.LiveConnection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != c.c.ID {
		return account.LiveConnection{}, care.NotFound("connection")
	}
	return c.c, nil
}

func (c *connections) ConnectionByHook(ctx context.Context, token string) (account.LiveConnection, error) {
	if token != c.c.HookToken {
		return account.LiveConnection{}, care.NotFound("connection")
	}
	return c.Connection(ctx, c.c.ID)
}

func (c *connections) Connections(context.Context) ([]account.LiveConnection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []account.LiveConnection{c.c}, nil
}

func (c *connections) SetConnectionState(_ context.Context, tx *db.Tx, _ int64, state, reason string) error {
	tx.AfterCommit(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.c.State != account.StatePaused && c.c.State != state {
			c.c.State = state
			c.notes = append(c.notes, state)
		}
	})
	return nil
}

func (c *connections) set(state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.c.State = state
}

// reader keeps what it is handed.
type reader struct {
	mu    sync.Mutex
	taken []post.Incoming
	files []string
	fail  error
	fails int
}

func (r *reader) KeepFile(_ context.Context, _ post.Incoming, name string, content io.Reader) (int64, error) {
	b, err := io.ReadAll(content)
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.HasSuffix(name, ".exe") {
		return 0, care.Invalid("file", "file.type_refused")
	}
	r.files = append(r.files, name+":"+string(b))
	return int64(len(r.files)), err
}

func (r *reader) Take(_ context.Context, in post.Incoming) (post.Taken, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails > 0 {
		r.fails--
		return post.Taken{}, r.fail
	}
	for _, t := range r.taken {
		if t.Thread == in.Thread && t.ClientID == in.ClientID {
			return post.Taken{Conversation: 1, Message: 2}, nil
		}
	}
	r.taken = append(r.taken, in)
	return post.Taken{Conversation: 1, Message: int64(len(r.taken)), Customer: 9}, nil
}

func (r *reader) bodies() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.taken {
		out = append(out, t.Body)
	}
	return out
}

const token = "0123456789abcdef"

type house struct {
	*testing.T
	db      *db.DB
	clock   *db.MovableClock
	post    *post.Post
	service *service
	conns   *connections
	reader  *reader
	jobs    *job.Runner
	done    chan struct{}
}

func each(t *testing.T, f func(h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		h := open(t, d, clock, &service{can: care.ChannelAbilities{Inbound: true, Delivery: true, Unprompted: true}})
		f(h)
	})
}

func open(t *testing.T, d *db.DB, clock *db.MovableClock, s *service) *house {
	t.Helper()
	files, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, db: d, clock: clock, service: s, reader: &reader{}}
	h.conns = &connections{d: d, c: account.LiveConnection{Connection: care.Connection{ID: 7, Store: 1, Plug: "pigeon"}, HookToken: token, State: account.StateOK, Version: 1}}
	err = d.Write(t.Context(), db.System, func(tx *db.Tx) error {
		tx.Defer(`INSERT INTO connections (id, store_id, plug, name, settings, secrets, hook_token, state_at, created_at, updated_at) VALUES (7, 1, 'pigeon', 'Pigeon', $1, $2, $3, 1, 1, 1)
ON CONFLICT (id) DO NOTHING`, json.RawMessage(`{}`), []byte{}, token)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	h.post = post.New(d, h.conns, []care.ChannelPlug{s}, post.Options{Bus: bus.NewLocal(), Files: files, Log: log})
	h.post.TakeTo(h.reader)
	d.Route(care.EventDeliveryChanged, "test.told")
	h.jobs = job.New(d, log)
	h.post.Jobs(h.jobs)
	h.jobs.Handle("test.told", func(context.Context, job.Job) (job.Done, error) { return nil, nil })
	if err := h.jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	return h
}

func (h *house) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	h.jobs.Stop(ctx)
	h.post.Close()
}

// until waits for what is going to be, moving the clock while nothing is due.
func (h *house) until(what string, f func() bool) {
	h.Helper()
	h.within(300*time.Millisecond, what, f)
}

// within is until in steps of the clock. It stands still while a job is due or running: on a loaded machine it would run away from it, and the job's lease run out.
func (h *house) within(step time.Duration, what string, f func() bool) {
	h.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !f() {
		if time.Now().After(deadline) {
			h.Fatalf("waited in vain for: %s", what)
		}
		var busy int64
		if err := h.db.Read().QueryRow(h.Context(), `SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'ready' AND run_at <= $1`, db.At(h.clock.Now())).Scan(&busy); err != nil {
			h.Fatal(err)
		}
		if busy == 0 {
			h.clock.Move(step)
		}
		h.jobs.Wake("")
		time.Sleep(2 * time.Millisecond)
	}
}

func (h *house) send(s post.Send) (id int64) {
	h.Helper()
	if s.Store == 0 {
		s.Store = 1
	}
	if s.Channel == "" {
		s.Channel = care.ChannelSMS
	}
	if s.Class == "" {
		s.Class = post.ClassReply
	}
	if s.To == "" {
		s.To = "+380501112233"
	}
	err := h.db.Write(h.Context(), db.System, func(tx *db.Tx) (err error) {
		id, err = h.post.Send(h.Context(), tx, s)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return id
}

func (h *house) status(id int64) post.Status {
	h.Helper()
	s, err := h.post.Status(h.Context(), h.db.Read(), id)
	if err != nil {
		h.Fatal(err)
	}
	return s
}

func (h *house) state(id int64, want string) post.Status {
	h.Helper()
	h.until("send in state "+want, func() bool { return h.status(id).State == want })
	return h.status(id)
}

func (h *house) push(a care.Arrivals, delivery string) post.Pushed {
	h.Helper()
	b, err := json.Marshal(a)
	if err != nil {
		h.Fatal(err)
	}
	p, err := h.post.ReceivePush(h.Context(), token, care.Push{Method: "POST", Header: http.Header{"Signature": {"good"}, "Delivery": {delivery}}, Body: b})
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func message(thread, id, body string) care.Arrival {
	return care.Arrival{Inbound: care.Inbound{Thread: thread, ClientID: id, Body: body, From: []care.Identity{{Kind: care.IdentityPhone, Value: thread, Verified: true}}}}
}

func text(body string) post.Body { return post.Body{Text: body} }

func TestSendGoesOutOnceAndReportsOnlyGoForward(t *testing.T) {
	each(t, func(h *house) {
		id := h.send(post.Send{Body: text("hello"), Key: "k"})
		if again := h.send(post.Send{Body: text("hello again"), Key: "k"}); again != id {
			h.Errorf("the same key gave another send")
		}
		h.state(id, "sent")
		external := "x" + h.service.sent[0].Key
		h.push(care.Arrivals{Reports: []care.DeliveryReport{{ExternalID: external, State: care.DeliveryRead, At: h.clock.Now()}}}, "r1")
		s := h.state(id, "read")
		if s.DeliveredAt == 0 {
			h.Error("what is read was delivered")
		}
		h.push(care.Arrivals{Reports: []care.DeliveryReport{{ExternalID: external, State: care.DeliveryDelivered}, {ExternalID: external, State: care.DeliveryFailed}}}, "r2")
		h.settled()
		if got := h.status(id).State; got != "read" {
			h.Errorf("a late report moved it back to %s", got)
		}
		if got := h.service.bodies(); !slices.Equal(got, []string{"hello"}) {
			h.Errorf("sent %q", got)
		}
	})
}

// settled waits until nothing that arrived waits to be looked at.
func (h *house) settled() {
	h.Helper()
	h.until("arrivals looked at", func() bool {
		var n int64
		if err := h.db.Read().QueryRow(h.Context(), `SELECT count(*) FROM post_arrivals WHERE state = 'waiting'`).Scan(&n); err != nil {
			h.Fatal(err)
		}
		return n == 0
	})
}

func TestPartsOfALongMessageCountTogether(t *testing.T) {
	each(t, func(h *house) {
		id := h.send(post.Send{Body: text("long one")})
		h.state(id, "sent")
		key := h.service.sent[0].Key
		h.push(care.Arrivals{Reports: []care.DeliveryReport{{ExternalID: "x" + key + "a", State: care.DeliveryDelivered}}}, "")
		h.settled()
		if s := h.status(id); s.State != "sent" || s.Parts != 2 {
			h.Errorf("half of it has arrived: %+v", s)
		}
		h.push(care.Arrivals{Reports: []care.DeliveryReport{{ExternalID: "x" + key + "b", State: care.DeliveryDelivered}}}, "")
		h.state(id, "delivered")
	})
}

func TestFailuresOfASend(t *testing.T) {
	each(t, func(h *house) {
		temporary := &care.TemporaryError{Cause: errors.New("busy"), After: 3 * time.Second}
		h.service.answers = []error{temporary, &care.RejectedError{Code: "blocked", Detail: "he left"}, &care.UncertainError{Cause: errors.New("timeout")}}
		began := h.clock.Now()
		first := h.send(post.Send{To: "+1", Body: text("one")})
		h.until("the service being left alone", func() bool { return h.status(first).Attempts == 1 && h.status(first).State == "queued" })
		s := h.state(first, "failed")
		if s.Code != "blocked" || s.Detail != "he left" || s.Attempts != 2 {
			h.Errorf("rejected: %+v", s)
		}
		if h.clock.Now().Sub(began) < 3*time.Second {
			h.Error("the service asked for three seconds of peace")
		}
		if why, err := h.post.OptedOut(h.Context(), h.db.Read(), 1, care.ChannelSMS, "+1"); err != nil || why != "blocked" {
			h.Errorf("who has blocked us is known: %q %v", why, err)
		}
		unsure := h.send(post.Send{To: "+2", Body: text("two")})
		if s := h.state(unsure, "unknown"); s.Attempts != 1 {
			h.Errorf("%+v", s)
		}
		if got := h.service.bodies(); len(got) != 0 {
			h.Errorf("sent %q", got)
		}
		// A notice to who has blocked us isn't even tried; when he writes he can be reached again.
		notice := h.send(post.Send{To: "+1", Class: post.ClassNotice, Body: text("three")})
		if s := h.state(notice, "failed"); s.Code != "opted_out" {
			h.Errorf("%+v", s)
		}
		h.push(care.Arrivals{Messages: []care.Arrival{message("+1", "m1", "hi")}}, "")
		h.settled()
		h.state(h.send(post.Send{To: "+1", Class: post.ClassNotice, Body: text("four")}), "sent")
	})
}

func TestRefusedKeysShowAndTheMessageWaits(t *testing.T) {
	each(t, func(h *house) {
		h.service.answers = []error{&care.AuthError{Cause: errors.New("wrong token")}}
		id := h.send(post.Send{Body: text("wait for me")})
		h.until("refused keys shown", func() bool {
			h.conns.mu.Lock()
			defer h.conns.mu.Unlock()
			return h.conns.c.State == account.StateAuthFailed
		})
		s := h.state(id, "sent")
		if s.Attempts != 2 {
			h.Errorf("%+v", s)
		}
		h.until("restored", func() bool { h.conns.mu.Lock(); defer h.conns.mu.Unlock(); return h.conns.c.State == account.StateOK })
	})
}

func TestUnknownOutcomeAfterACrash(t *testing.T) {
	for name, deduplicates := range map[string]bool{"blind": false, "deduplicates": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *house) {
				h.service.mu.Lock()
				h.service.can.Deduplicates = deduplicates
				h.service.mu.Unlock()
				h.conns.set(account.StatePaused) // so that nothing goes out yet
				id := h.send(post.Send{Body: text("did it arrive?")})
				// The process died between the attempt and the receipt: that is how its row looks.
				err := h.db.Write(h.Context(), db.System, func(tx *db.Tx) error {
					tx.Defer(`UPDATE post_sends SET state = 'sending', attempts = 1, attempted_at = $1 WHERE id = $2`, db.At(tx.Now), id)
					return nil
				})
				if err != nil {
					h.Fatal(err)
				}
				h.conns.set(account.StateOK)
				want := "unknown"
				if deduplicates {
					want = "sent"
				}
				s := h.until2(id, want)
				if n := len(h.service.bodies()); deduplicates != (n == 1) {
					h.Errorf("deduplicates %v: sent %d times, %+v", deduplicates, n, s)
				}
				if deduplicates && h.service.sent[0].Key == "" {
					h.Error("no key")
				}
			})
		})
	}
}

func (h *house) until2(id int64, want string) post.Status {
	h.Helper()
	h.within(time.Minute, "send in state "+want, func() bool { return h.status(id).State == want })
	return h.status(id)
}

// The end of one message wakes the next to the same address; where that is being sent already, the job that comes too many isn't to think that its attempt broke off.
func TestAnAttemptUnderWayIsNoBrokenOne(t *testing.T) {
	each(t, func(h *house) {
		hold := make(chan struct{})
		h.service.mu.Lock()
		h.service.hold = hold
		h.service.mu.Unlock()
		id := h.send(post.Send{Body: text("only once")})
		h.until("it is under way", func() bool { return h.status(id).State == post.StateSending })
		err := h.db.Write(h.Context(), db.System, func(tx *db.Tx) error {
			tx.Enqueue(db.Job{Store: 1, Kind: "post.send", Key: strconv.FormatInt(id, 10), Payload: map[string]int64{"send_id": id}})
			return nil
		})
		if err != nil {
			h.Fatal(err)
		}
		h.until("the other job was here", func() bool {
			var put int64
			_ = h.db.Read().QueryRow(h.Context(), `SELECT count(*) FROM jobs WHERE kind = 'post.send' AND state = 'ready' AND run_at > $1`, db.At(h.clock.Now())).Scan(&put)
			return put == 1 || h.status(id).State != post.StateSending
		})
		close(hold)
		if s := h.state(id, "sent"); s.Attempts != 1 || len(h.service.bodies()) != 1 {
			h.Errorf("%+v, sent %q", s, h.service.bodies())
		}
	})
}

func TestOrderCancelAndTime(t *testing.T) {
	each(t, func(h *house) {
		hold := make(chan struct{})
		h.service.hold = hold
		a := h.send(post.Send{Body: text("first")})
		b := h.send(post.Send{Body: text("second")})
		later := h.send(post.Send{To: "+3", Body: text("later"), RunAt: h.clock.Now().Add(time.Hour)})
		h.until("first under way", func() bool { return h.status(a).State == post.StateSending })
		h.until("second waiting", func() bool { return h.status(b).State == "queued" })
		for _, want := range []bool{true, false} {
			var got bool
			err := h.db.Write(h.Context(), db.System, func(tx *db.Tx) (err error) {
				got, err = h.post.Cancel(h.Context(), tx, later)
				return err
			})
			if err != nil || got != want {
				h.Errorf("cancel: %v %v, want %v", got, err, want)
			}
		}
		close(hold)
		h.state(b, "sent")
		h.clock.Move(2 * time.Hour)
		if got := h.service.bodies(); !slices.Equal(got, []string{"first", "second"}) {
			h.Errorf("sent %q", got)
		}
		if s := h.status(later); s.State != post.StateCancelled || s.Attempts != 0 {
			h.Errorf("%+v", s)
		}
	})
}

func TestWindowAndPace(t *testing.T) {
	each(t, func(h *house) {
		h.service.mu.Lock()
		h.service.can.Window, h.service.can.PerSecond = 24*time.Hour, 2
		h.service.mu.Unlock()
		if s := h.state(h.send(post.Send{To: "+5", Body: text("out of the blue")}), "failed"); s.Code != "window_closed" {
			h.Errorf("%+v", s)
		}
		withTemplate := h.send(post.Send{To: "+5", Body: post.Body{Text: "t", Template: &care.ServiceTemplate{Name: "hello"}}})
		h.state(withTemplate, "sent")
		h.push(care.Arrivals{Messages: []care.Arrival{message("+5", "m1", "question")}}, "")
		h.settled()
		began := h.clock.Now()
		var last int64
		for range 6 {
			last = h.send(post.Send{To: "+5", Body: text("answer")})
		}
		h.state(last, "sent")
		if took := h.clock.Now().Sub(began); took < 2*time.Second {
			h.Errorf("six messages took %s at two a second", took)
		}
		ways, err := h.post.Ways(h.Context(), 1, []post.Address{{Channel: care.ChannelSMS, Address: "+5"}, {Channel: care.ChannelTelegram, Address: "1"}})
		if err != nil || len(ways) != 1 || !ways[0].WindowUntil.Time().After(h.clock.Now()) {
			h.Errorf("%+v %v", ways, err)
		}
	})
}

func TestArrivals(t *testing.T) {
	each(t, func(h *house) {
		h.service.files = map[string]string{"f1": "picture"}
		m := message("+7", "m1", "look")
		m.Files = []care.FileRef{{Ref: "f1", Name: "a.jpg"}, {Ref: "f1", Name: "virus.exe"}, {Ref: "gone", Name: "b.jpg"}, {Ref: "f1", Name: "c.jpg", Size: 1 << 30}}
		first := h.push(care.Arrivals{Messages: []care.Arrival{m}}, "d1")
		again := h.push(care.Arrivals{Messages: []care.Arrival{m}}, "d1")
		if first.Duplicate || !again.Duplicate {
			h.Errorf("%+v %+v", first, again)
		}
		h.until("taken", func() bool { return len(h.reader.bodies()) == 1 })
		in := h.reader.taken[0]
		if in.Thread != "7:+7" || in.Store != 1 || in.Channel != care.ChannelSMS || len(in.Attachments) != 1 || len(in.Missing) != 3 {
			h.Errorf("%+v", in)
		}
		raw, err := h.post.Raw(h.Context(), in.Push)
		if err != nil {
			h.Fatal(err)
		}
		b, _ := io.ReadAll(raw)
		if !strings.Contains(string(b), "look") {
			h.Errorf("raw %q", b)
		}
		_, err = h.post.ReceivePush(h.Context(), token, care.Push{Header: http.Header{"Signature": {"bad"}}, Body: []byte("{}")})
		var refused *care.Error
		if !errors.As(err, &refused) || refused.Kind != care.KindUnauthorised {
			h.Errorf("bad signature: %v", err)
		}
		if _, err = h.post.ReceivePush(h.Context(), "unknown", care.Push{}); !errors.Is(err, care.NotFound("")) {
			h.Errorf("unknown token: %v", err)
		}
	})
}

func TestNothingThatArrivesIsLost(t *testing.T) {
	each(t, func(h *house) {
		h.reader.fail, h.reader.fails = errors.New("the database is away"), 3
		big := strings.Repeat("я", 50_000) // its raw form goes to a file
		h.push(care.Arrivals{Messages: []care.Arrival{message("+8", "m1", "one"), message("+8", "m2", "two"), message("+9", "m1", big)}}, "")
		h.until("all taken", func() bool { return len(h.reader.bodies()) == 3 })
		// What nobody can take is put aside where it is seen.
		h.reader.mu.Lock()
		h.reader.fail, h.reader.fails = care.Invalid("body", "required"), 1
		h.reader.mu.Unlock()
		h.push(care.Arrivals{Messages: []care.Arrival{message("+8", "m3", "")}}, "")
		h.settled()
		dead, err := h.post.Dead(h.Context(), []int64{1}, 0, 10)
		if err != nil || len(dead) != 1 || !strings.Contains(dead[0].Error, "required") {
			h.Fatalf("%+v %v", dead, err)
		}
		if err := h.post.Retry(h.Context(), db.System, []int64{1}, dead[0].ID); err != nil {
			h.Fatal(err)
		}
		h.until("taken after all", func() bool { return len(h.reader.bodies()) == 4 })
	})
}

func TestStopAndStart(t *testing.T) {
	each(t, func(h *house) {
		h.push(care.Arrivals{Opted: []care.OptChange{{Address: "+1"}}}, "a")
		h.settled()
		if s := h.state(h.send(post.Send{To: "+1", Class: post.ClassMarketing, Body: text("buy")}), "failed"); s.Code != "opted_out" {
			h.Errorf("%+v", s)
		}
		h.state(h.send(post.Send{To: "+1", Body: text("an answer all the same")}), "sent")
		h.push(care.Arrivals{Opted: []care.OptChange{{Address: "+1", Allowed: true}}}, "b")
		h.settled()
		h.state(h.send(post.Send{To: "+1", Class: post.ClassNotice, Body: text("your parcel")}), "sent")
	})
}

func TestOneNodeListens(t *testing.T) {
	each(t, func(h *house) {
		h.service.listen = make(chan push)
		h.post.Start()
		// Another process over the same database, with its own node number.
		h.service.listen <- push{"raw", care.Arrivals{Messages: []care.Arrival{message("+1", "m1", "by the listener")}}, "n1"}
		h.service.listen <- push{"raw", care.Arrivals{Messages: []care.Arrival{message("+1", "m1", "by the listener")}}, "n1"}
		h.until("taken", func() bool { return len(h.reader.bodies()) == 1 })
		var node int64
		if err := h.db.Read().QueryRow(h.Context(), `SELECT listener_node FROM post_channels WHERE connection_id = 7 AND listener_until_at > 0`).Scan(&node); err != nil || node != h.db.Node() {
			h.Errorf("lease: node %d, %v", node, err)
		}
		h.conns.set(account.StatePaused)
		h.within(20*time.Second, "lease given up when paused", func() bool {
			var until db.Time
			_ = h.db.Read().QueryRow(h.Context(), `SELECT listener_until_at FROM post_channels WHERE connection_id = 7`).Scan(&until)
			return until == 0
		})
	})
}
