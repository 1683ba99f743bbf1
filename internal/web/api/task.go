package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/work"
)

// registerTasks lists the operations on what departments have to do.
func (a *API) registerTasks() {
	if a.Work == nil {
		return
	}
	const tag = "Tasks"
	do := needs(care.PermWork)
	register(a, op{ID: "list-tasks", Method: "GET", Path: "/tasks", Tag: tag, Summary: "List tasks: the open ones by their deadlines, or those that are over, the latest first", Access: do},
		func(ctx context.Context, in *struct {
			InStore
			Paging
			Department int64 `query:"department_id" minimum:"0"`
			Order      int64 `query:"order_id" minimum:"0"`
			Customer   int64 `query:"customer_id" minimum:"0"`
			Talk       int64 `query:"conversation_id" minimum:"0"`
			Mine       bool  `query:"mine"`
			Free       bool  `query:"free" doc:"Only those that nobody has taken"`
			Late       bool  `query:"late" doc:"Only those whose deadline has passed"`
			Over       bool  `query:"over"`
		}) (*Out[List[work.Task]], error) {
			s := work.TaskSearch{Store: in.StoreID, Department: in.Department, Order: in.Order, Customer: in.Customer, Talk: in.Talk, Late: in.Late, Free: in.Free, Over: in.Over, Limit: in.Limit + 1}
			if in.Mine {
				s.Assignee = scope(ctx).Agent
			}
			at := []int64{0, 0}
			if err := place(in.Cursor, &at); err != nil || len(at) != 2 {
				return nil, care.Invalid("cursor", "cursor_invalid")
			}
			s.At, s.ID = at[0], at[1]
			rows, err := a.Work.Tasks(ctx, scope(ctx), s)
			if err != nil {
				return nil, err
			}
			l := List[work.Task]{Items: rows}
			if int64(len(rows)) > in.Limit {
				l.Items = rows[:in.Limit]
				last := l.Items[in.Limit-1]
				when := last.DeadlineAt
				if in.Over {
					when = last.DoneAt
				}
				l.Next = cursor([]int64{int64(when), last.ID})
			}
			return &Out[List[work.Task]]{l}, nil
		})
	register(a, op{ID: "count-tasks", Method: "GET", Path: "/tasks/counts", Tag: tag, Summary: "Count the open tasks", Access: do},
		func(ctx context.Context, in *struct {
			InStore
			Department int64 `query:"department_id" minimum:"0"`
		}) (*Out[work.TaskCounts], error) {
			return out(a.Work.TaskCounts(ctx, scope(ctx), in.StoreID, in.Department))
		})
	register(a, op{ID: "create-task", Method: "POST", Path: "/tasks", Tag: tag, Summary: "Make a task for a department", Access: do, Status: 201},
		func(ctx context.Context, in *struct{ Body work.NewTask }) (*Out[work.Task], error) {
			return out(a.Work.AddTask(ctx, by(ctx), in.Body))
		})
	register(a, op{ID: "get-task", Method: "GET", Path: "/tasks/{id}", Tag: tag, Summary: "Get a task", Access: do},
		func(ctx context.Context, in *struct{ ByID }) (*Out[work.Task], error) {
			return out(a.Work.Task(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "take-task", Method: "POST", Path: "/tasks/{id}/take", Tag: tag, Summary: "See to a task oneself", Access: agentNeeds(care.PermWork)},
		func(ctx context.Context, in *struct{ ByID }) (*Out[work.Task], error) {
			return out(a.Work.TakeTask(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "give-task", Method: "POST", Path: "/tasks/{id}/give", Tag: tag, Summary: "Say who sees to a task", Access: do},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Agent int64 `json:"agent_id" minimum:"0" doc:"0: nobody in particular"`
			}
		}) (*Out[work.Task], error) {
			return out(a.Work.GiveTask(ctx, by(ctx), in.ID, in.Body.Agent))
		})
	register(a, op{ID: "list-task-notes", Method: "GET", Path: "/tasks/{id}/notes", Tag: tag, Summary: "A task's course: who did what with it, and what was said", Access: do},
		func(ctx context.Context, in *struct{ ByID }) (*Out[List[work.TaskNote]], error) {
			list, err := a.Work.TaskNotes(ctx, scope(ctx), in.ID)
			return out(List[work.TaskNote]{Items: list}, err)
		})
	register(a, op{ID: "comment-task", Method: "POST", Path: "/tasks/{id}/notes", Tag: tag, Summary: "Say something about a task", Access: do},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Body string `json:"body" minLength:"1" maxLength:"4000"`
			}
		}) (*Out[work.Task], error) {
			return out(a.Work.CommentTask(ctx, by(ctx), in.ID, in.Body.Body))
		})
	register(a, op{ID: "move-task", Method: "POST", Path: "/tasks/{id}/move", Tag: tag, Summary: "Pass a task on to another department or another time", Access: do},
		func(ctx context.Context, in *struct {
			ByID
			Body work.TaskMove
		}) (*Out[work.Task], error) {
			return out(a.Work.MoveTask(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "reopen-task", Method: "POST", Path: "/tasks/{id}/reopen", Tag: tag, Summary: "Take back that a task is done", Access: do},
		func(ctx context.Context, in *struct{ ByID }) (*Out[work.Task], error) {
			return out(a.Work.ReopenTask(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "finish-task", Method: "POST", Path: "/tasks/{id}/finish", Tag: tag, Summary: "Mark a task done", Access: do},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Note string `json:"note,omitempty" maxLength:"2000"`
			}
		}) (*Out[work.Task], error) {
			return out(a.Work.FinishTask(ctx, by(ctx), in.ID, in.Body.Note))
		})
}
