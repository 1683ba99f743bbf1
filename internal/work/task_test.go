package work_test

import (
	"context"
	"log/slog"
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
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
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
