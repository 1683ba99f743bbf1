package work

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// Kinds of jobs about tasks. app/wire.go routes exceptions to JobException.
const (
	JobException = "work.exception"
	jobTaskLate  = "work.task_late"
)

// States of a task.
const (
	TaskOpen    = "open"
	TaskDone    = "done"
	TaskSettled = "settled" // its cause went away by itself
)

// Task is work for a department.
type Task struct {
	ID           int64   `json:"id"`
	Store        int64   `json:"store_id"`
	Kind         string  `json:"kind" doc:"exception.<kind> of the catalogue; empty when a person made it"`
	Title        string  `json:"title"`
	Department   int64   `json:"department_id" doc:"0: anybody's"`
	DeptName     string  `json:"department"`
	Assignee     int64   `json:"assignee_id"`
	AssigneeName string  `json:"assignee_name"`
	Order        int64   `json:"order_id"`
	Number       string  `json:"order_number"`
	Customer     int64   `json:"customer_id"`
	CustomerName string  `json:"customer_name"`
	Conversation int64   `json:"conversation_id"`
	Exception    int64   `json:"exception_id" doc:"What the system found; 0: a person made it. It settles itself when the cause is gone"`
	Part         string  `json:"part"`
	Told         bool    `json:"told" doc:"The customer has been told already"`
	State        string  `json:"state" enum:"open,done,settled"`
	Note         string  `json:"note"`
	DeadlineAt   db.Time `json:"deadline_at"`
	EscalatedAt  db.Time `json:"escalated_at" doc:"When the deadline passed"`
	DoneAt       db.Time `json:"done_at"`
	DoneBy       string  `json:"done_by" doc:"Name of the agent who did it"`
	Comments     int64   `json:"comments"`
	CreatedAt    db.Time `json:"created_at"`
}

// NewTask is a task that a person makes.
type NewTask struct {
	Store      int64      `json:"store_id" minimum:"1"`
	Title      string     `json:"title" minLength:"1" maxLength:"500"`
	Department int64      `json:"department_id,omitempty" minimum:"0"`
	Order      int64      `json:"order_id,omitempty" minimum:"0"`
	Customer   int64      `json:"customer_id,omitempty" minimum:"0" doc:"The order's, where one is given"`
	Talk       int64      `json:"conversation_id,omitempty" minimum:"0"`
	Assignee   int64      `json:"assignee_id,omitempty" minimum:"0"`
	Deadline   *time.Time `json:"deadline_at,omitempty" doc:"A day from now if not given"`
}

// onException makes a task of an exception that is to be one, and settles it when the cause is gone.
func (w *Work) onException(ctx context.Context, tx *db.Tx, j job.Job) error {
	var e care.ExceptionEvent
	if err := j.Decode(&e); err != nil {
		return err
	}
	if j.Event.Type == care.EventExceptionClosed {
		var t Task
		err := tx.QueryRow(ctx, `UPDATE tasks SET state = 'settled', done_at = $1 WHERE exception_id = $2 AND exception_id <> 0 AND state = 'open' RETURNING id, assignee_id`, db.At(tx.Now), e.Exception).Scan(&t.ID, &t.Assignee)
		if err == db.ErrNoRows {
			return nil
		}
		if err != nil {
			return err
		}
		tx.CancelJob(jobTaskLate, strconv.FormatInt(t.ID, 10))
		t.Store, t.Kind, t.Order, t.Customer, t.Department = j.Event.Store, string(e.Kind), e.Order, e.Customer, e.Department
		w.noteTask(tx, t, 0, NoteSettled, "")
		w.taskEvent(tx, t, care.EventTaskDone)
		return nil
	}
	if e.Work != care.WorkTask {
		return nil
	}
	_, err := w.addTask(ctx, tx, Task{Store: j.Event.Store, Kind: string(e.Kind), Department: e.Department, Order: e.Order, Customer: e.Customer, Part: e.Part, Told: e.Told, DeadlineAt: db.At(e.Deadline)}, e.Exception)
	return err
}

func (w *Work) addTask(ctx context.Context, tx *db.Tx, t Task, exception int64) (int64, error) {
	t.ID = tx.ID()
	tag, err := tx.Exec(ctx, `INSERT INTO tasks (id, store_id, kind, title, department_id, assignee_id, order_id, customer_id, exception_id, part, told, state, note, deadline_at, escalated_at, done_at, done_by, created_at, conversation_id)
VALUES ($1, $2, $3, $4, $5, $13, $6, $7, $8, $9, $10, 'open', '', $11, 0, 0, 0, $12, $14) ON CONFLICT (exception_id) WHERE exception_id <> 0 DO NOTHING`,
		t.ID, t.Store, t.Kind, t.Title, t.Department, t.Order, t.Customer, exception, t.Part, t.Told, t.DeadlineAt, db.At(tx.Now), t.Assignee, t.Conversation)
	if err != nil || tag.RowsAffected() == 0 {
		return 0, err
	}
	tx.Enqueue(db.Job{Store: t.Store, Kind: jobTaskLate, Key: strconv.FormatInt(t.ID, 10), RunAt: t.DeadlineAt.Time(), Payload: t.ID})
	maker := int64(0)
	if tx.Actor.Kind == "agent" {
		maker = tx.Actor.ID
	}
	w.noteTask(tx, t, maker, NoteMade, "")
	w.taskEvent(tx, t, care.EventTaskCreated)
	return t.ID, nil
}

// taskLate marks a task whose deadline has passed: it goes to the top of everybody's list, whosever it was.
func (w *Work) taskLate(ctx context.Context, tx *db.Tx, j job.Job) error {
	var id int64
	if err := j.Decode(&id); err != nil {
		return err
	}
	var t Task
	err := tx.QueryRow(ctx, `UPDATE tasks SET escalated_at = $1 WHERE id = $2 AND state = 'open' AND escalated_at = 0 RETURNING id, store_id, kind, order_id, customer_id, department_id, assignee_id`, db.At(tx.Now), id).
		Scan(&t.ID, &t.Store, &t.Kind, &t.Order, &t.Customer, &t.Department, &t.Assignee)
	if err == db.ErrNoRows {
		return nil
	}
	if err == nil {
		w.noteTask(tx, t, 0, NoteLate, "")
		w.taskEvent(tx, t, care.EventTaskEscalated)
	}
	return err
}

func (w *Work) taskEvent(tx *db.Tx, t Task, event string) {
	tx.Emit(db.Event{Store: t.Store, Type: event, Subject: t.ID, Payload: care.TaskEvent{Task: t.ID, Kind: t.Kind, Order: t.Order, Customer: t.Customer, Department: t.Department, Assignee: t.Assignee}})
	w.taskHint(tx, t)
}

// taskHint tells open screens to read the list again.
func (w *Work) taskHint(tx *db.Tx, t Task) {
	if w.o.Bus == nil {
		return
	}
	data, _ := json.Marshal(map[string]any{"t": "task", "task_id": t.ID})
	tx.AfterCommit(func() { w.o.Bus.Publish(fmt.Sprintf("live.agents.%d", t.Store), data) })
}

const taskColumns = `t.id, t.store_id, t.kind, t.title, t.department_id, coalesce(d.name, ''), t.assignee_id, coalesce(a.name, ''), t.order_id, coalesce(o.number, ''), t.customer_id, coalesce(c.name, ''),
t.conversation_id, t.exception_id, t.part, t.told, t.state, t.note, t.deadline_at, t.escalated_at, t.done_at, coalesce(b.name, ''), (SELECT count(*) FROM task_notes n WHERE n.task_id = t.id AND n.kind = 'comment'), t.created_at
FROM tasks t LEFT JOIN agents b ON b.id = t.done_by LEFT JOIN departments d ON d.id = t.department_id LEFT JOIN agents a ON a.id = t.assignee_id LEFT JOIN orders o ON o.id = t.order_id LEFT JOIN customers c ON c.id = t.customer_id`

func scanTask(row pgx.Row, t *Task) error {
	return row.Scan(&t.ID, &t.Store, &t.Kind, &t.Title, &t.Department, &t.DeptName, &t.Assignee, &t.AssigneeName, &t.Order, &t.Number, &t.Customer, &t.CustomerName,
		&t.Conversation, &t.Exception, &t.Part, &t.Told, &t.State, &t.Note, &t.DeadlineAt, &t.EscalatedAt, &t.DoneAt, &t.DoneBy, &t.Comments, &t.CreatedAt)
}

// TaskSearch narrows a list of tasks. At and ID are where the page before ended.
type TaskSearch struct {
	Store, Department, Assignee, Order, Customer, Talk int64

	Over          bool
	Late          bool // only those whose deadline has passed
	Free          bool // only those that nobody has taken
	At, ID, Limit int64
}

// Tasks lists the open ones by their deadlines, or those that are over, the latest first.
func (w *Work) Tasks(ctx context.Context, scope care.Scope, s TaskSearch) ([]Task, error) {
	args := []any{scope.StoresWith(care.PermWork, s.Store), s.At, s.ID}
	where, order := `t.store_id = ANY($1::bigint[]) AND t.state = 'open' AND (t.deadline_at, t.id) > ($2, $3)`, ` ORDER BY t.deadline_at, t.id`
	if s.Over {
		if s.At == 0 {
			args[1] = int64(1) << 62
		}
		where, order = `t.store_id = ANY($1::bigint[]) AND t.state <> 'open' AND (t.done_at, t.id) < ($2, $3)`, ` ORDER BY t.done_at DESC, t.id DESC`
	}
	for _, by := range []struct {
		column string
		id     int64
	}{{"department_id", s.Department}, {"assignee_id", s.Assignee}, {"order_id", s.Order}, {"customer_id", s.Customer}, {"conversation_id", s.Talk}} {
		if by.id != 0 {
			args = append(args, by.id)
			where += fmt.Sprintf(" AND t.%s = $%d", by.column, len(args))
		}
	}
	if s.Late {
		args = append(args, db.At(w.db.Now()))
		where += fmt.Sprintf(" AND t.deadline_at < $%d", len(args))
	}
	if s.Free {
		where += " AND t.assignee_id = 0"
	}
	args = append(args, s.Limit)
	rows, err := w.db.Read().Query(ctx, `SELECT `+taskColumns+` WHERE `+where+order+fmt.Sprintf(" LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Task{}
	for rows.Next() {
		var t Task
		if err := scanTask(rows, &t); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// Task returns a task of the caller's stores.
func (w *Work) Task(ctx context.Context, scope care.Scope, id int64) (t Task, err error) {
	err = scanTask(w.db.Read().QueryRow(ctx, `SELECT `+taskColumns+` WHERE t.id = $1`, id), &t)
	if err != nil {
		return t, missing(err, "task")
	}
	if !scope.In(t.Store) {
		return Task{}, care.NotFound("task")
	}
	return t, scope.Check(t.Store, care.PermWork)
}

// AddTask makes a task.
func (w *Work) AddTask(ctx context.Context, by account.By, in NewTask) (Task, error) {
	if err := by.Check(in.Store, care.PermWork); err != nil {
		return Task{}, err
	}
	title := strings.TrimSpace(in.Title)
	if title == "" {
		return Task{}, care.Invalid("title", "required")
	}
	t := Task{Store: in.Store, Title: title, Department: in.Department, Order: in.Order, Conversation: in.Talk, Assignee: in.Assignee, DeadlineAt: db.At(w.db.Now().Add(24 * time.Hour))}
	if in.Deadline != nil {
		t.DeadlineAt = db.At(*in.Deadline)
	}
	q := w.db.Read()
	for _, of := range []struct {
		field, sql string
		id         int64
	}{{"department_id", `SELECT store_id, 0 FROM departments WHERE id = $1`, in.Department}, {"customer_id", `SELECT store_id, id FROM customers WHERE id = $1`, in.Customer},
		{"conversation_id", `SELECT store_id, customer_id FROM conversations WHERE id = $1`, in.Talk}, {"order_id", `SELECT store_id, customer_id FROM orders WHERE id = $1`, in.Order}} {
		if of.id == 0 {
			continue
		}
		var store, customer int64
		err := q.QueryRow(ctx, of.sql, of.id).Scan(&store, &customer)
		if err == db.ErrNoRows || err == nil && store != in.Store {
			return Task{}, care.Invalid(of.field, "value_invalid")
		}
		if err != nil {
			return Task{}, err
		}
		if customer != 0 {
			t.Customer = customer
		}
	}
	if err := w.member(ctx, in.Assignee, in.Store, "assignee_id"); err != nil {
		return Task{}, err
	}
	err := w.db.Write(ctx, by.Actor(), func(tx *db.Tx) (err error) {
		t.ID, err = w.addTask(ctx, tx, t, 0)
		return err
	})
	if err != nil {
		return Task{}, err
	}
	return w.Task(ctx, by.Scope, t.ID)
}
