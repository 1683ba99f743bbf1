package work_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/job"
	"opeka/internal/work"
)

// An exception makes one task, which is escalated when its deadline passes and settles itself when the cause is gone.
func TestExceptionsBecomeTasks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		d.Route(care.EventExceptionRaised, work.JobException)
		d.Route(care.EventExceptionClosed, work.JobException)
		w := work.New(d, work.Options{Key: []byte("key")})
		r := job.New(d, slog.New(slog.DiscardHandler))
		w.Jobs(r)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Stop(context.Background()) })
		by := account.By{Scope: care.Scope{Agent: 1, Stores: []int64{7}, Permissions: map[int64][]care.Permission{7: {care.PermWork}}}}
		emit := func(kind string, e care.ExceptionEvent) {
			t.Helper()
			err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
				tx.Emit(db.Event{Store: 7, Type: kind, Subject: e.Exception, Payload: e})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		tasks := func(over bool, ok func([]work.Task) bool) []work.Task {
			t.Helper()
			var list []work.Task
			for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
				var err error
				if list, err = w.Tasks(t.Context(), by.Scope, work.TaskSearch{Over: over, Limit: 10}); err != nil {
					t.Fatal(err)
				}
				if ok(list) {
					return list
				}
			}
			t.Fatalf("it never happened: %+v", list)
			return nil
		}
		e := care.ExceptionEvent{Exception: 5, Kind: care.ExceptionParcelStuck, Order: 3, Work: care.WorkTask, Deadline: clock.Now().Add(time.Hour), Told: true}
		emit(care.EventExceptionRaised, e)
		emit(care.EventExceptionRaised, e)
		emit(care.EventExceptionRaised, care.ExceptionEvent{Exception: 6, Kind: care.ExceptionAttemptFailed, Work: care.WorkCallback})
		list := tasks(false, func(l []work.Task) bool { return len(l) == 1 })
		if list[0].Kind != "parcel_stuck" || !list[0].Told || list[0].Order != 3 || list[0].State != work.TaskOpen {
			t.Fatalf("%+v", list)
		}
		clock.Move(2 * time.Hour)
		tasks(false, func(l []work.Task) bool { return len(l) == 1 && l[0].EscalatedAt != 0 })
		emit(care.EventExceptionClosed, e)
		tasks(true, func(l []work.Task) bool { return len(l) == 1 && l[0].State == work.TaskSettled })
		if _, err := w.FinishTask(t.Context(), by, list[0].ID, ""); err == nil {
			t.Fatal("a settled task was done again")
		}
	})
}

// A task made by a person goes from hand to hand, is spoken about, moved, done and opened again; its course tells so.
func TestATaskHasItsCourse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		w := work.New(d, work.Options{Key: []byte("key")})
		r := job.New(d, slog.New(slog.DiscardHandler))
		w.Jobs(r)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Stop(context.Background()) })
		err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
			tx.Defer(`INSERT INTO departments (id, store_id, name, created_at) VALUES (20, 7, 'Склад', 0), (21, 8, 'Чужий', 0)`)
			for id, name := range map[int64]string{1: "Олена", 2: "Ірина", 3: "Сторонній"} {
				tx.Defer(`INSERT INTO agents (id, email, name, language, keymap, created_at, updated_at) VALUES ($1, $2, $3, 'uk', '{}', 0, 0)`, id, name, name)
			}
			tx.Defer(`INSERT INTO memberships (agent_id, store_id, role) VALUES (1, 7, 'agent'), (2, 7, 'agent')`)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		by := account.By{Scope: care.Scope{Agent: 1, Stores: []int64{7}, Permissions: map[int64][]care.Permission{7: {care.PermWork}}}}
		task, err := w.AddTask(t.Context(), by, work.NewTask{Store: 7, Title: "Перевірити полицю", Assignee: 2})
		if err != nil || task.AssigneeName != "Ірина" {
			t.Fatalf("%+v %v", task, err)
		}
		if _, err := w.AddTask(t.Context(), by, work.NewTask{Store: 7, Title: "x", Assignee: 3}); err == nil {
			t.Fatal("given to somebody who doesn't work here")
		}
		must := func(got work.Task, err error) work.Task {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		must(w.TakeTask(t.Context(), by, task.ID))
		must(w.CommentTask(t.Context(), by, task.ID, " на верхній лежить два "))
		department, foreign, later := int64(20), int64(21), clock.Now().Add(3*time.Hour)
		if _, err := w.MoveTask(t.Context(), by, task.ID, work.TaskMove{Department: &foreign}); err == nil {
			t.Fatal("moved to another store's department")
		}
		if moved := must(w.MoveTask(t.Context(), by, task.ID, work.TaskMove{Department: &department, Deadline: &later})); moved.DeptName != "Склад" || moved.Comments != 1 {
			t.Fatalf("%+v", moved)
		}
		counts := func(want work.TaskCounts) {
			t.Helper()
			for end := time.Now().Add(2 * time.Minute); ; time.Sleep(3 * time.Millisecond) {
				c, err := w.TaskCounts(t.Context(), by.Scope, 7, 20)
				if err != nil {
					t.Fatal(err)
				}
				if c == want {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("%+v, want %+v", c, want)
				}
			}
		}
		counts(work.TaskCounts{Open: 1, Mine: 1})
		clock.Move(4 * time.Hour)
		for end := time.Now().Add(2 * time.Minute); must(w.Task(t.Context(), by.Scope, task.ID)).EscalatedAt == 0; time.Sleep(3 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("nobody was told that it is late")
			}
		}
		counts(work.TaskCounts{Open: 1, Mine: 1, Late: 1})
		if done := must(w.FinishTask(t.Context(), by, task.ID, "лежить")); done.State != work.TaskDone || done.DoneBy != "Олена" {
			t.Fatalf("%+v", done)
		}
		if _, err := w.MoveTask(t.Context(), by, task.ID, work.TaskMove{Deadline: &later}); err == nil {
			t.Fatal("a task that is done was moved")
		}
		must(w.ReopenTask(t.Context(), by, task.ID))
		if _, err := w.ReopenTask(t.Context(), by, task.ID); err == nil {
			t.Fatal("an open task was opened again")
		}
		late, err := w.Tasks(t.Context(), by.Scope, work.TaskSearch{Late: true, Limit: 5})
		if err != nil || len(late) != 1 || late[0].EscalatedAt == 0 {
			t.Fatalf("%+v %v", late, err)
		}
		notes, err := w.TaskNotes(t.Context(), by.Scope, task.ID)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, n := range notes {
			kinds = append(kinds, n.Kind)
		}
		if want := []string{work.NoteMade, work.NoteTaken, work.NoteComment, work.NoteMoved, work.NoteLate, work.NoteDone, work.NoteReopened}; !slices.Equal(kinds, want) {
			t.Fatalf("%v, want %v", kinds, want)
		}
		if notes[2].Body != "на верхній лежить два" || notes[2].AgentName != "Олена" || notes[4].Agent != 0 {
			t.Fatalf("%+v", notes)
		}
		stranger := care.Scope{Agent: 9, Stores: []int64{8}, Permissions: map[int64][]care.Permission{8: {care.PermWork}}}
		if _, err := w.TaskNotes(t.Context(), stranger, task.ID); err == nil {
			t.Fatal("another store's task was read")
		}
	})
}
