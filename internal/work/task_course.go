package work

import (
	"context"
	"strconv"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Kinds of lines in a task's course.
const (
	NoteMade     = "made"
	NoteComment  = "comment"
	NoteTaken    = "taken"
	NoteGiven    = "given"
	NoteMoved    = "moved"
	NoteLate     = "late"
	NoteDone     = "done"
	NoteReopened = "reopened"
	NoteSettled  = "settled"
)

// TaskNote is a line of a task's course.
type TaskNote struct {
	ID        int64   `json:"id"`
	Agent     int64   `json:"agent_id" doc:"0: the system"`
	AgentName string  `json:"agent_name"`
	Kind      string  `json:"kind" enum:"made,comment,taken,given,moved,late,done,reopened,settled"`
	Body      string  `json:"body" doc:"A comment; to whom it was given"`
	CreatedAt db.Time `json:"created_at"`
}

// noteTask writes a line into a task's course.
func (w *Work) noteTask(tx *db.Tx, t Task, agent int64, kind, body string) {
	tx.Defer(`INSERT INTO task_notes (id, store_id, task_id, agent_id, kind, body, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`, tx.ID(), t.Store, t.ID, agent, kind, body, db.At(tx.Now))
}

// TaskNotes returns a task's course, the oldest first.
func (w *Work) TaskNotes(ctx context.Context, scope care.Scope, id int64) ([]TaskNote, error) {
	if _, err := w.Task(ctx, scope, id); err != nil {
		return nil, err
	}
	rows, err := w.db.Read().Query(ctx, `SELECT n.id, n.agent_id, coalesce(a.name, ''), n.kind, n.body, n.created_at FROM task_notes n LEFT JOIN agents a ON a.id = n.agent_id WHERE n.task_id = $1 ORDER BY n.id LIMIT 500`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []TaskNote{}
	for rows.Next() {
		var n TaskNote
		if err := rows.Scan(&n.ID, &n.Agent, &n.AgentName, &n.Kind, &n.Body, &n.CreatedAt); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// TaskCounts is how much there is to do.
type TaskCounts struct {
	Open int64 `json:"open"`
	Mine int64 `json:"mine"`
	Free int64 `json:"free" doc:"That nobody has taken"`
	Late int64 `json:"late" doc:"Whose deadline has passed"`
}

// TaskCounts counts the open tasks of a store, or of all that the caller may see.
func (w *Work) TaskCounts(ctx context.Context, scope care.Scope, store, department int64) (c TaskCounts, err error) {
	err = w.db.Read().QueryRow(ctx, `SELECT count(*), coalesce(sum(CASE WHEN assignee_id = $2 THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN assignee_id = 0 THEN 1 ELSE 0 END), 0),
coalesce(sum(CASE WHEN deadline_at < $3 THEN 1 ELSE 0 END), 0) FROM tasks WHERE store_id = ANY($1::bigint[]) AND state = 'open' AND ($4::bigint = 0 OR department_id = $4)`,
		scope.StoresWith(care.PermWork, store), scope.Agent, db.At(w.db.Now()), department).Scan(&c.Open, &c.Mine, &c.Free, &c.Late)
	return c, err
}

// TakeTask makes the caller the one who sees to it.
func (w *Work) TakeTask(ctx context.Context, by account.By, id int64) (Task, error) {
	return w.GiveTask(ctx, by, id, by.Agent)
}

// member refuses agents who don't work for the store.
func (w *Work) member(ctx context.Context, agent, store int64, field string) error {
	if agent == 0 {
		return nil
	}
	var n int
	if err := w.db.Read().QueryRow(ctx, `SELECT count(*) FROM memberships WHERE agent_id = $1 AND store_id = $2`, agent, store).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return care.Invalid(field, "value_invalid")
	}
	return nil
}

// GiveTask says who sees to a task; 0: nobody in particular.
func (w *Work) GiveTask(ctx context.Context, by account.By, id, agent int64) (Task, error) {
	t, err := w.Task(ctx, by.Scope, id)
	if err != nil {
		return t, err
	}
	if err := w.member(ctx, agent, t.Store, "agent_id"); err != nil {
		return t, err
	}
	kind, whom := NoteTaken, ""
	if agent != by.Agent || agent == 0 {
		kind = NoteGiven
		if agent != 0 {
			if err := w.db.Read().QueryRow(ctx, `SELECT name FROM agents WHERE id = $1`, agent).Scan(&whom); err != nil {
				return t, err
			}
		}
	}
	return w.changeTask(ctx, by, t, kind, whom, "", `UPDATE tasks SET assignee_id = $1 WHERE id = $2 AND state = 'open'`, agent, id)
}

// TaskMove says whose task it is to be, and until when.
type TaskMove struct {
	Department *int64     `json:"department_id,omitempty" minimum:"0" doc:"0: anybody's"`
	Deadline   *time.Time `json:"deadline_at,omitempty"`
}

// MoveTask passes a task on to another department, or to another time.
func (w *Work) MoveTask(ctx context.Context, by account.By, id int64, in TaskMove) (Task, error) {
	t, err := w.Task(ctx, by.Scope, id)
	if err != nil {
		return t, err
	}
	said := []string{}
	if in.Department != nil && *in.Department != t.Department {
		t.Department = *in.Department
		if t.Department != 0 {
			var store int64
			var name string
			err := w.db.Read().QueryRow(ctx, `SELECT store_id, name FROM departments WHERE id = $1`, t.Department).Scan(&store, &name)
			if err == db.ErrNoRows || err == nil && store != t.Store {
				return t, care.Invalid("department_id", "value_invalid")
			}
			if err != nil {
				return t, err
			}
			said = append(said, name)
		}
	}
	if in.Deadline != nil {
		t.DeadlineAt = db.At(*in.Deadline)
		said = append(said, in.Deadline.UTC().Format(time.RFC3339))
	}
	return w.changeWith(ctx, by, t, NoteMoved, strings.Join(said, " · "), "", func(tx *db.Tx) {
		if in.Deadline != nil {
			w.watchTask(tx, t)
		}
	}, `UPDATE tasks SET department_id = $1, deadline_at = $2, escalated_at = CASE WHEN CAST($2 AS BIGINT) > $3 THEN 0 ELSE escalated_at END WHERE id = $4 AND state = 'open'`, t.Department, t.DeadlineAt, db.At(w.db.Now()), id)
}

// watchTask comes back when a task's deadline has passed.
func (w *Work) watchTask(tx *db.Tx, t Task) {
	tx.Enqueue(db.Job{Store: t.Store, Kind: jobTaskLate, Key: strconv.FormatInt(t.ID, 10), Move: true, RunAt: t.DeadlineAt.Time(), Payload: t.ID})
}

// CommentTask says something about a task, for those who see to it.
func (w *Work) CommentTask(ctx context.Context, by account.By, id int64, body string) (Task, error) {
	t, err := w.Task(ctx, by.Scope, id)
	if err != nil {
		return t, err
	}
	body = strings.TrimSpace(body)
	if body == "" {
		return t, care.Invalid("body", "required")
	}
	err = w.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		w.noteTask(tx, t, by.Agent, NoteComment, body)
		w.taskHint(tx, t)
		return nil
	})
	if err != nil {
		return t, err
	}
	return w.Task(ctx, by.Scope, id)
}

// FinishTask marks a task done, with a word on how.
func (w *Work) FinishTask(ctx context.Context, by account.By, id int64, note string) (Task, error) {
	t, err := w.Task(ctx, by.Scope, id)
	if err != nil {
		return t, err
	}
	return w.changeWith(ctx, by, t, NoteDone, note, care.EventTaskDone, func(tx *db.Tx) { tx.CancelJob(jobTaskLate, strconv.FormatInt(id, 10)) },
		`UPDATE tasks SET state = 'done', done_at = $1, done_by = $2, note = $3 WHERE id = $4 AND state = 'open'`, db.At(w.db.Now()), by.Agent, note, id)
}

// ReopenTask takes back that a task is done. One that settled itself has no cause any more and stays closed.
func (w *Work) ReopenTask(ctx context.Context, by account.By, id int64) (Task, error) {
	t, err := w.Task(ctx, by.Scope, id)
	if err != nil {
		return t, err
	}
	if t.State == TaskOpen {
		return t, care.Conflict("task_open")
	}
	if t.State == TaskSettled {
		return t, care.Conflict("task_settled")
	}
	return w.changeWith(ctx, by, t, NoteReopened, "", care.EventTaskReopened, func(tx *db.Tx) {
		if t.DeadlineAt.Time().After(tx.Now) {
			w.watchTask(tx, t)
		}
	}, `UPDATE tasks SET state = 'open', done_at = 0, done_by = 0, note = '' WHERE id = $1 AND state = 'done'`, id)
}

func (w *Work) changeTask(ctx context.Context, by account.By, t Task, kind, body, event, sql string, args ...any) (Task, error) {
	return w.changeWith(ctx, by, t, kind, body, event, func(*db.Tx) {}, sql, args...)
}

// changeWith changes a task that is still in the state that the change is for, and writes that into its course.
func (w *Work) changeWith(ctx context.Context, by account.By, t Task, kind, body, event string, also func(tx *db.Tx), sql string, args ...any) (Task, error) {
	err := w.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("task_done")
		}
		also(tx)
		w.noteTask(tx, t, by.Agent, kind, body)
		if event != "" {
			w.taskEvent(tx, t, event)
		} else {
			w.taskHint(tx, t)
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	return w.Task(ctx, by.Scope, t.ID)
}
