package work_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
	"opeka/internal/post"
	"opeka/internal/web/portal"
	"opeka/internal/work"
)

const (
	store     = int64(7)
	elsewhere = int64(8)
	warehouse = int64(90)
	buyer     = int64(70)
)

var by = account.By{Scope: care.Scope{Agent: 3, Stores: []int64{store}, Permissions: map[int64][]care.Permission{
	store: {care.PermInboxRead, care.PermInboxWrite, care.PermWork, care.PermSettings}}}}

// letters keeps what would be sent.
type letters struct {
	mu   sync.Mutex
	sent []post.Send
}

func (l *letters) Send(_ context.Context, _ *db.Tx, s post.Send) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, had := range l.sent {
		if had.Key == s.Key {
			return 1, nil
		}
	}
	l.sent = append(l.sent, s)
	return int64(len(l.sent)), nil
}

type world struct {
	*work.Work
	db      *db.DB
	clock   *db.MovableClock
	letters *letters
	jobs    *job.Runner
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := &world{db: d, clock: clock, letters: &letters{}}
		w.Work = work.New(d, work.Options{Post: w.letters, Key: []byte("0123456789abcdef0123456789abcdef"), PublicURL: "https://care.example"})
		w.jobs = job.New(d, slog.New(slog.NewTextHandler(io.Discard, nil)))
		w.Jobs(w.jobs)
		calendar := `{"zone":"Europe/Kyiv","week":{"mon":[{"from":"09:00","to":"18:00"}],"tue":[{"from":"09:00","to":"18:00"}]}}`
		if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			for _, id := range []int64{store, elsewhere} {
				tx.Defer(`INSERT INTO stores (id, name, slug, language, currency, time_zone, calendar, widget, identity_secret, identity_secret_old, created_at, updated_at) VALUES ($1, 'S', $2, 'uk', 'UAH', 'Europe/Kyiv', $3, '{}', $4, $4, 0, 0)`,
					id, fmt.Sprint("s", id), calendar, []byte{})
			}
			tx.Defer(`INSERT INTO departments (id, store_id, name, created_at) VALUES ($1, $2, 'Склад', 0)`, warehouse, store)
			tx.Defer(`INSERT INTO agents (id, name, email, language, keymap, created_at, updated_at) VALUES (3, 'Ірина', 'i@x.ua', 'uk', '{}', 0, 0)`)
			tx.Defer(`INSERT INTO customers (id, store_id, name, named_by, language, birthday, note, preferred_channel, quiet_from, quiet_to, merged_into, version, created_at, updated_at) VALUES ($1, $2, 'Тарас Шевченко', '', '', '', '', '', '', '', 0, 1, 0, 0)`, buyer, store)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		f(t, w)
	})
}

func (w *world) ask(t *testing.T, q work.Question) work.Inquiry {
	t.Helper()
	q.Store, q.Department, q.Customer = store, warehouse, buyer
	if q.Text == "" {
		q.Text = "Чи є на полиці синій чайник?"
	}
	i, err := w.Ask(t.Context(), by, q)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (w *world) events(t *testing.T, kind string) (n int) {
	t.Helper()
	if err := w.db.Read().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, kind).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAQuestionHasADeadlineInOpeningHours(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.Set(t.Context(), by, warehouse, work.Settings{Language: "uk", Minutes: 7 * 60}); err != nil {
			t.Fatal(err)
		}
		// Monday noon in Kyiv: six hours are left of the day, the seventh is Tuesday's first.
		i := w.ask(t, work.Question{WantsCall: true})
		if want := dbtest.Start.Add(22 * time.Hour); !i.DeadlineAt.Time().Truncate(time.Minute).Equal(want) {
			t.Fatalf("due %v, want %v", i.DeadlineAt, want)
		}
		if i.AskerName != "Ірина" || i.Departments != "Склад" || i.State != work.Open || !strings.HasPrefix(i.Link, "https://care.example/i/") {
			t.Fatalf("%+v", i)
		}
	})
}

func TestTheAnswerIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.ask(t, work.Question{WantsCall: true})
		for _, bad := range []struct {
			work.Reply
			code string
		}{{work.Reply{Verdict: "maybe"}, "value_invalid"}, {work.Reply{Verdict: work.Later}, "required"}, {work.Reply{Verdict: work.Other}, "required"}, {work.Reply{Verdict: work.Later, ExpectedOn: "завтра"}, "value_invalid"}} {
			if _, err := w.Answer(t.Context(), by, i.ID, bad.Reply); code(err) != bad.code {
				t.Errorf("%+v: %v", bad.Reply, err)
			}
		}
		done, err := w.Answer(t.Context(), by, i.ID, work.Reply{Verdict: work.Yes, Quantity: 3, Text: "Картка 4111 1111 1111 1111"})
		if err != nil || done.State != work.Answered || done.Answerer != "Ірина" || done.Quantity != 3 || strings.Contains(done.Answer, "4111 1111") || done.Link != "" {
			t.Fatalf("%+v %v", done, err)
		}
		if _, err := w.Answer(t.Context(), by, i.ID, work.Reply{Verdict: work.No}); code(err) != "inquiry.closed" {
			t.Fatal(err)
		}
		if _, err := w.Cancel(t.Context(), by, i.ID); code(err) != "inquiry.closed" {
			t.Fatal(err)
		}
		if n := w.events(t, care.EventInquiryAnswered); n != 1 {
			t.Fatal(n)
		}
	})
}

func TestSilenceEscalates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.Set(t.Context(), by, warehouse, work.Settings{Language: "pl", Minutes: 60, Email: "magazyn@x.pl"}); err != nil {
			t.Fatal(err)
		}
		i := w.ask(t, work.Question{})
		answered := w.ask(t, work.Question{Text: "А червоний?"})
		if _, err := w.Answer(t.Context(), by, answered.ID, work.Reply{Verdict: work.No}); err != nil {
			t.Fatal(err)
		}
		if err := w.jobs.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.jobs.Stop(context.Background()) })
		level := func() int64 {
			got, err := w.Inquiry(t.Context(), by.Scope, i.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got.Level
		}
		w.clock.Move(time.Hour)
		wait(t, func() bool { return level() == 1 })
		w.clock.Move(29 * time.Minute)
		if level() != 1 {
			t.Fatal("told again too early")
		}
		w.clock.Move(time.Minute)
		wait(t, func() bool { return level() == 2 })
		w.clock.Move(24 * time.Hour)
		if n := w.events(t, care.EventInquiryOverdue); n != 2 {
			t.Fatalf("lateness was told %d times", n)
		}
		keys := []string{}
		w.letters.mu.Lock()
		defer w.letters.mu.Unlock()
		for _, l := range w.letters.sent {
			keys = append(keys, l.To+" "+l.Body.Subject)
		}
		if len(keys) != 4 || !strings.Contains(keys[3], "wciąż czekamy") || !strings.Contains(w.letters.sent[0].Body.Text, i.Link) {
			t.Fatal(keys)
		}
	})
}

func TestADepartmentAnswersByLinkWithoutAnAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.ask(t, work.Question{Text: "Є <b>ще</b> 2 шт.?"})
		mux := http.NewServeMux()
		portal.Routes(mux, w.Work, func(context.Context, int64) *time.Location { return time.UTC }, slog.New(slog.NewTextHandler(io.Discard, nil)))
		path := "/i/" + w.Token(i.ID)
		get := func(path string) *httptest.ResponseRecorder {
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
			return rec
		}
		send := func(path string, form url.Values) *httptest.ResponseRecorder {
			r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, r)
			return rec
		}
		page := get(path)
		if body := page.Body.String(); page.Code != 200 || strings.Contains(body, "<b>") || !strings.Contains(body, "Ваша відповідь") || strings.Contains(body, "Шевченко") {
			t.Fatal(page.Code, body)
		}
		if bad := get("/i/" + w.Token(i.ID)[:20] + "AAAAAAAAAAAA"); bad.Code != 404 {
			t.Fatal("a forged link opened", bad.Code)
		}
		if rec := send(path, url.Values{"verdict": {"yes"}, "quantity": {"багато"}, "answer": {"на верхній полиці"}}); rec.Code != 422 || !strings.Contains(rec.Body.String(), "на верхній полиці") {
			t.Fatal("what was typed is lost", rec.Code)
		}
		if rec := send(path, url.Values{"verdict": {"other"}, "answer": {strings.Repeat("x", 70<<10)}}); rec.Code != 413 {
			t.Fatal(rec.Code)
		}
		if rec := send(path, url.Values{"verdict": {"yes"}, "quantity": {"2"}, "name": {"Петро"}}); rec.Code != 303 {
			t.Fatal(rec.Code, rec.Body)
		}
		got, err := w.Inquiry(t.Context(), by.Scope, i.ID)
		if err != nil || got.State != work.Answered || got.Answerer != "Петро" || got.Quantity != 2 {
			t.Fatalf("%+v %v", got, err)
		}
		if rec := send(path, url.Values{"verdict": {"no"}}); rec.Code != 422 || !strings.Contains(get(path).Body.String(), "передано") {
			t.Fatal("answered twice", rec.Code)
		}
	})
}

func TestAnotherStoresDepartmentDoesntExist(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.ask(t, work.Question{})
		other := account.By{Scope: care.Scope{Agent: 4, Stores: []int64{elsewhere}, Permissions: map[int64][]care.Permission{elsewhere: {care.PermInboxWrite, care.PermWork, care.PermSettings}}}}
		_, asked := w.Ask(t.Context(), other, work.Question{Store: elsewhere, Department: warehouse, Text: "?"})
		_, seen := w.Inquiry(t.Context(), other.Scope, i.ID)
		_, answered := w.Answer(t.Context(), other, i.ID, work.Reply{Verdict: work.No})
		_, set := w.Set(t.Context(), other, warehouse, work.Settings{Language: "uk", Minutes: 5})
		for _, err := range []error{asked, seen, answered, set} {
			if code(err) != "not_found" {
				t.Error(err)
			}
		}
		mine, err := w.Inquiries(t.Context(), by.Scope, work.Search{Limit: 10})
		theirs, err2 := w.Inquiries(t.Context(), other.Scope, work.Search{Limit: 10})
		if len(mine) != 1 || len(theirs) != 0 || errors.Join(err, err2) != nil {
			t.Fatal(mine, theirs, err, err2)
		}
	})
}

func code(err error) string {
	var e *care.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal("it didn't happen")
}
