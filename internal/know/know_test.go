package know_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
	"opeka/internal/know"
)

const (
	store    = 7
	customer = 70
	order    = 71
)

var by = account.By{Scope: care.Scope{Agent: 3, Stores: []int64{store}, Permissions: map[int64][]care.Permission{
	store: {care.PermInboxRead, care.PermInboxWrite, care.PermSettings}}}}

// pen fills "{{ a.b }}" and knows no filters: the room is tested, not the templates.
type pen struct{}

func (pen) Render(text string, values map[string]any) (string, error) {
	for {
		before, rest, ok := strings.Cut(text, "{{ ")
		if !ok {
			return text, nil
		}
		name, after, ok := strings.Cut(rest, " }}")
		if !ok {
			return "", errors.New("unclosed")
		}
		var v any = values
		for part := range strings.SplitSeq(name, ".") {
			m, _ := v.(map[string]any)
			v = m[part]
		}
		text = before + fmt.Sprint(v) + after
	}
}

func (pen) Check(text string) error {
	if strings.Count(text, "{{") != strings.Count(text, "}}") {
		return errors.New("unclosed")
	}
	return nil
}

// hands note in a table what they were asked for, in a transaction of their own, as rooms do.
type hands struct {
	db   *db.DB
	mu   sync.Mutex
	fail error
}

func (h *hands) Do(ctx context.Context, by account.By, r know.Run, e know.Effect) error {
	h.mu.Lock()
	fail := h.fail
	h.mu.Unlock()
	if fail != nil {
		return fail
	}
	return h.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		tx.Emit(db.Event{Store: r.Store, Type: "done." + e.Kind, Subject: r.ID, Payload: e})
		return nil
	})
}

type world struct {
	*know.Know
	db    *db.DB
	hands *hands
	jobs  *job.Runner
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := &world{db: d, hands: &hands{db: d}}
		w.Know = know.New(d, know.Options{Hands: w.hands, Fill: pen{}, Facts: func(_ context.Context, r know.Run, language string) (map[string]any, error) {
			return map[string]any{"customer": map[string]any{"first_name": "Олена"}, "order": map[string]any{"number": r.Order}}, nil
		}})
		w.jobs = job.New(d, slog.New(slog.NewTextHandler(io.Discard, nil)))
		w.Jobs(w.jobs)
		if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO customers (id, store_id, name, named_by, language, birthday, note, preferred_channel, quiet_from, quiet_to, merged_into, version, created_at, updated_at) VALUES ($1, $2, 'Олена', '', '', '', '', '', '', '', 0, 1, 0, 0)`, int64(customer), int64(store))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		f(t, w)
	})
}

func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := w.jobs.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.jobs.Stop(context.Background()) })
}

func (w *world) events(t *testing.T, kind string) (n int) {
	t.Helper()
	if err := w.db.Read().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, kind).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func say(s string) know.Text { return know.Text{"uk": s, "en": s + " (en)"} }

func confirmation() know.Body {
	return know.Body{Start: "hello", Steps: []know.Step{
		{Key: "hello", Title: say("Вітання"), Say: say("Добрий день, {{ customer.first_name }}! Підтверджуєте {{ order.number }}?"), Answer: []know.Choice{
			{Key: "yes", Label: say("Так"), To: "where"},
			{Key: "no", Label: say("Ні"), To: "lost", Effects: []know.Effect{{Kind: "order_cancel", Text: "Відмова телефоном"}}},
			{Key: "later", Label: say("Пізніше"), To: "again"},
		}},
		{Key: "where", Title: say("Доставка"), Say: say("Куди везти?"),
			Fields: []know.Field{{Key: "address", Label: say("Адреса"), Kind: "text", Required: true, Target: "order.note"}, {Key: "born", Label: say("Дата"), Kind: "date", Target: "customer.birthday"}},
			Answer: []know.Choice{{Key: "done", Label: say("Записано"), To: "thanks", Effects: []know.Effect{{Kind: "tag", Value: "Відвезти: {{ field.address }}"}}}}},
		{Key: "again", Title: say("Коли"), Say: say("Коли набрати?"), Fields: []know.Field{{Key: "at", Label: say("Час"), Kind: "time", Required: true}},
			Answer: []know.Choice{{Key: "ok", Label: say("Добре"), To: "thanks", Effects: []know.Effect{{Kind: "callback", Value: "promise", At: "at"}}}}},
		{Key: "thanks", Title: say("Кінець"), Say: say("Дякую!"), Outcome: "confirmed", Effects: []know.Effect{{Kind: "order_status", Value: "processing"}}},
		{Key: "lost", Title: say("Кінець"), Say: say("Шкода."), Outcome: "declined"},
	}}
}

func (w *world) script(t *testing.T) know.Script {
	t.Helper()
	s, err := w.AddScript(t.Context(), by, store, know.ScriptInput{Name: "Підтвердження", Purpose: "order_confirmation", Body: confirmation()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnAnswerIsOnDiskWithItsEffects(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.script(t)
		sc, err := w.Begin(t.Context(), by, know.Beginning{Purpose: "order_confirmation", Store: store, Customer: customer, Language: "uk", Call: 5})
		if err != nil {
			t.Fatal(err)
		}
		if sc.Say != "Добрий день, Олена! Підтверджуєте 0?" || len(sc.Answers) != 3 {
			t.Fatalf("%+v", sc)
		}
		id := sc.Run.ID
		if sc, err = w.Answer(t.Context(), by, id, 0, know.Given{Answer: "yes"}); err != nil || sc.Run.Step != "where" {
			t.Fatal(sc, err)
		}
		// A screen that lost the answer sends it again, and one that is behind is told so.
		if sc, err = w.Answer(t.Context(), by, id, 0, know.Given{Answer: "yes"}); err != nil || sc.Run.Seq != 1 {
			t.Fatal(sc.Run, err)
		}
		if _, err = w.Answer(t.Context(), by, id, 0, know.Given{Answer: "no"}); code(err) != "changed_meanwhile" {
			t.Fatal(err)
		}
		if _, err = w.Answer(t.Context(), by, id, 1, know.Given{Answer: "done"}); code(err) != "required" {
			t.Fatal("an empty required field was taken:", err)
		}
		if _, err = w.Answer(t.Context(), by, id, 1, know.Given{Answer: "done", Values: map[string]string{"address": "Львів", "born": "1990-13-01"}}); code(err) != "value_invalid" {
			t.Fatal("the thirteenth month was taken:", err)
		}
		// Reloading in the middle of the call finds the place.
		if sc, err = w.Begin(t.Context(), by, know.Beginning{Purpose: "order_confirmation", Store: store, Customer: customer, Language: "uk", Call: 5}); err != nil || sc.Run.ID != id || sc.Run.Step != "where" {
			t.Fatal(sc.Run, err)
		}
		if sc, err = w.Answer(t.Context(), by, id, 1, know.Given{Answer: "done", Values: map[string]string{"address": "Львів, Городоцька 5", "born": "1990-03-01"}}); err != nil {
			t.Fatal(err)
		}
		if sc.Run.Outcome != "confirmed" || len(sc.Effects) != 4 || sc.Effects[0].Kind != "order_status" || sc.Effects[1].Value != "Відвезти: Львів, Городоцька 5" {
			t.Fatalf("%+v", sc)
		}
		if n := w.events(t, care.EventScriptEnded); n != 1 {
			t.Fatal(n, "ends were told")
		}
		w.run(t)
		wait(t, func() bool { sc, _ = w.Scene(t.Context(), by.Scope, id); return allDone(sc) })
		for _, kind := range []string{"customer", "order_note", "tag", "order_status"} {
			if n := w.events(t, "done."+kind); n != 1 {
				t.Errorf("%s was done %d times", kind, n)
			}
		}
	})
}

func allDone(sc know.Scene) bool {
	for _, e := range sc.Effects {
		if e.State == "queued" {
			return false
		}
	}
	return true
}

func TestARefusedEffectIsShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.script(t)
		w.hands.fail = care.Conflict("action.unsupported")
		sc, err := w.Begin(t.Context(), by, know.Beginning{Purpose: "order_confirmation", Store: store, Language: "uk"})
		if err != nil {
			t.Fatal(err)
		}
		if sc, err = w.Answer(t.Context(), by, sc.Run.ID, 0, know.Given{Answer: "no"}); err != nil || sc.Run.Outcome != "declined" {
			t.Fatal(sc, err)
		}
		w.run(t)
		wait(t, func() bool { sc, _ = w.Scene(t.Context(), by.Scope, sc.Run.ID); return allDone(sc) })
		if sc.Effects[0].State != "refused" || sc.Effects[0].Reason != "action.unsupported" {
			t.Fatalf("%+v", sc.Effects)
		}
	})
}

// The customer thinks better of it: what isn't done yet isn't done, and what is done isn't done twice.
func TestAnAnswerIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.script(t)
		begin := func() know.Scene {
			sc, err := w.Begin(t.Context(), by, know.Beginning{Purpose: "order_confirmation", Store: store, Customer: customer, Language: "uk"})
			if err != nil {
				t.Fatal(err)
			}
			return sc
		}
		sc := begin()
		if sc.Steps != 0 || sc.Left != 1 {
			t.Fatal(sc.Steps, sc.Left)
		}
		if _, err := w.Back(t.Context(), by, sc.Run.ID, 0); code(err) != "script.at_start" {
			t.Fatal(err)
		}
		must := func(got know.Scene, err error) know.Scene {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		sc = must(w.Answer(t.Context(), by, sc.Run.ID, 0, know.Given{Answer: "no"}))
		if _, err := w.Back(t.Context(), by, sc.Run.ID, 0); code(err) != "changed_meanwhile" {
			t.Fatal(err)
		}
		sc = must(w.Back(t.Context(), by, sc.Run.ID, 1))
		if sc.Run.Step != "hello" || sc.Run.Outcome != "" || sc.Run.Seq != 2 || sc.Steps != 0 || len(sc.Effects) != 1 || sc.Effects[0].Reason != "script.taken_back" {
			t.Fatalf("%+v", sc)
		}
		sc = must(w.Answer(t.Context(), by, sc.Run.ID, 2, know.Given{Answer: "yes"}))
		where := know.Given{Answer: "done", Values: map[string]string{"address": "Львів"}}
		sc = must(w.Answer(t.Context(), by, sc.Run.ID, 3, where))
		w.run(t)
		wait(t, func() bool { sc = must(w.Scene(t.Context(), by.Scope, sc.Run.ID)); return allDone(sc) })
		sc = must(w.Back(t.Context(), by, sc.Run.ID, 4))
		if sc.Run.Step != "where" || sc.Steps != 1 || sc.Left != 1 || sc.Run.Values["address"] != "Львів" {
			t.Fatalf("%+v", sc)
		}
		sc = must(w.Answer(t.Context(), by, sc.Run.ID, 5, where))
		wait(t, func() bool { sc = must(w.Scene(t.Context(), by.Scope, sc.Run.ID)); return allDone(sc) })
		for kind, want := range map[string]int{"order_cancel": 0, "order_note": 1, "tag": 2} { // a note says it once, a tag that is set again stays one
			if n := w.events(t, "done."+kind); n != want {
				t.Errorf("%s was done %d times", kind, n)
			}
		}
		if err := w.Finish(t.Context(), by, sc.Run.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Back(t.Context(), by, sc.Run.ID, 6); code(err) != "script.ended" {
			t.Fatal(err)
		}
	})
}

// A task is for a department of the store, and says what is to be done.
func TestAnAnswerMakesATask(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		with := func(e know.Effect) know.ScriptInput {
			b := confirmation()
			b.Steps[0].Answer[2].Effects = []know.Effect{e}
			return know.ScriptInput{Name: "Задача", Body: b}
		}
		if _, err := w.AddScript(t.Context(), by, store, with(know.Effect{Kind: "task"})); code(err) != "required" {
			t.Error(err)
		}
		if _, err := w.AddScript(t.Context(), by, store, with(know.Effect{Kind: "task", Value: "x", Department: 99})); code(err) != "value_invalid" {
			t.Error(err)
		}
		s, err := w.AddScript(t.Context(), by, store, with(know.Effect{Kind: "task", Value: "Відкласти для {{ customer.first_name }}", Minutes: 90}))
		if err != nil {
			t.Fatal(err)
		}
		sc, err := w.Begin(t.Context(), by, know.Beginning{Script: s.ID, Store: store, Customer: customer})
		if err == nil {
			sc, err = w.Answer(t.Context(), by, sc.Run.ID, 0, know.Given{Answer: "later"})
		}
		if err != nil || len(sc.Effects) != 1 || sc.Effects[0].Value != "Відкласти для Олена" || sc.Effects[0].Minutes != 90 {
			t.Fatal(sc.Effects, err)
		}
		w.run(t)
		wait(t, func() bool { return w.events(t, "done.task") == 1 })
	})
}

func TestACallKeepsTheVersionThatItBeganWith(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.script(t)
		sc, err := w.Begin(t.Context(), by, know.Beginning{Script: s.ID, Store: store, Language: "en"})
		if err != nil {
			t.Fatal(err)
		}
		b := confirmation()
		b.Steps[0].Answer = b.Steps[0].Answer[:2]
		b.Steps = append(b.Steps[:2], b.Steps[3:]...)
		if s, err = w.ChangeScript(t.Context(), by, s.ID, know.ScriptInput{Name: s.Name, Purpose: s.Purpose, Body: b}); err != nil || s.Version != 2 {
			t.Fatal(s.Version, err)
		}
		if sc, err = w.Answer(t.Context(), by, sc.Run.ID, 0, know.Given{Answer: "later"}); err != nil || sc.Say != "Коли набрати? (en)" {
			t.Fatal(sc, err)
		}
		if fresh, err := w.Begin(t.Context(), by, know.Beginning{Script: s.ID, Store: store}); err != nil || len(fresh.Answers) != 2 {
			t.Fatal(fresh, err)
		}
		if vs, err := w.Versions(t.Context(), by.Scope, s.ID, 0, 10); err != nil || len(vs) != 2 || len(vs[1].Body.Steps) != 5 {
			t.Fatal(vs, err)
		}
	})
}

func TestAScriptThatLeadsNowhereIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, spoil := range map[string]func(*know.Body){
			"script.no_step":        func(b *know.Body) { b.Steps[0].Answer[0].To = "nowhere" },
			"script.unreachable":    func(b *know.Body) { b.Steps[0].Answer = b.Steps[0].Answer[:2] },
			"script.endless":        func(b *know.Body) { b.Steps[1].Answer[0].To = "where" },
			"script.key_twice":      func(b *know.Body) { b.Steps[1].Key = "hello" },
			"script.key":            func(b *know.Body) { b.Steps[3].Answer = nil; b.Steps[4].Key = "Два слова" },
			"script.text":           func(b *know.Body) { b.Steps[0].Say["uk"] = "{{ customer" },
			"required":              func(b *know.Body) { b.Steps[4].Outcome = "" },
			"script.outcome_midway": func(b *know.Body) { b.Steps[0].Outcome = "x" },
			"not_one_of":            func(b *know.Body) { b.Steps[1].Fields[0].Target = "customer.password" },
		} {
			b := confirmation()
			spoil(&b)
			_, err := w.AddScript(t.Context(), by, store, know.ScriptInput{Name: "x", Body: b})
			if !hasCode(err, name) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if _, err := w.AddScript(t.Context(), by, store, know.ScriptInput{Name: "a", Purpose: "p", Body: confirmation()}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.AddScript(t.Context(), by, store, know.ScriptInput{Name: "b", Purpose: "p", Body: confirmation()}); code(err) != "script.purpose_taken" {
			t.Fatal(err)
		}
	})
}

func TestARehearsalWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sc, err := w.Rehearse(t.Context(), by.Scope, know.Rehearsal{Store: store, Body: confirmation(), Language: "uk", Given: []know.Given{{Answer: "no"}}})
		if err != nil || sc.Run.Outcome != "declined" || len(sc.Effects) != 1 || sc.Effects[0].Kind != "order_cancel" {
			t.Fatal(sc, err)
		}
		var n int
		if err := w.db.Read().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM script_runs) + (SELECT count(*) FROM script_effects)`).Scan(&n); err != nil || n != 0 {
			t.Fatal(n, err)
		}
	})
}

func TestAnotherStoresSubjectsDontExist(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.script(t)
		other := account.By{Scope: care.Scope{Agent: 4, Stores: []int64{8}, Permissions: map[int64][]care.Permission{8: {care.PermInboxRead, care.PermInboxWrite, care.PermSettings}}}}
		if _, err := w.Script(t.Context(), other.Scope, s.ID); code(err) != "not_found" {
			t.Error(err)
		}
		if _, err := w.Begin(t.Context(), other, know.Beginning{Script: s.ID, Store: 8}); code(err) != "not_found" {
			t.Error(err)
		}
		if _, err := w.AddScript(t.Context(), other, 8, know.ScriptInput{Name: "x", Purpose: "mine", Body: confirmation()}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Begin(t.Context(), other, know.Beginning{Purpose: "mine", Store: 8, Customer: customer}); code(err) != "not_found" {
			t.Error("another store's customer:", err)
		}
		if _, err := w.Begin(t.Context(), by, know.Beginning{Purpose: "mine", Store: store}); code(err) != "not_found" {
			t.Error(err)
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

func hasCode(err error, want string) bool {
	var e *care.Error
	if !errors.As(err, &e) {
		return false
	}
	if e.Code == want {
		return true
	}
	for _, f := range e.Fields {
		if f.Code == want {
			return true
		}
	}
	return false
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
