package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/work"
)

// registerInquiries lists the operations on questions to departments.
func (a *API) registerInquiries() {
	if a.Work == nil {
		return
	}
	const tag = "Inquiries"
	answer, ask, manage := needs(care.PermWork), needs(care.PermInboxWrite), needs(care.PermSettings)

	register(a, op{ID: "list-inquiries", Method: "GET", Path: "/inquiries", Tag: tag, Summary: "List questions to departments", Access: answer,
		Detail: "The open ones by their deadlines, or those that are over, the latest first; of one conversation, all in the order of asking."},
		func(ctx context.Context, in *struct {
			InStore
			Paging
			Department   int64 `query:"department_id" minimum:"0"`
			Conversation int64 `query:"conversation_id" minimum:"0"`
			Over         bool  `query:"over"`
		}) (*Out[List[work.Inquiry]], error) {
			s := work.Search{Store: in.StoreID, Department: in.Department, Conversation: in.Conversation, Over: in.Over, Limit: in.Limit + 1}
			at := []int64{0, 0}
			if err := place(in.Cursor, &at); err != nil || len(at) != 2 {
				return nil, care.Invalid("cursor", "cursor_invalid")
			}
			s.At, s.ID = at[0], at[1]
			rows, err := a.Work.Inquiries(ctx, scope(ctx), s)
			if err != nil {
				return nil, err
			}
			l := List[work.Inquiry]{Items: rows}
			if int64(len(rows)) > in.Limit {
				l.Items = rows[:in.Limit]
				last := l.Items[in.Limit-1]
				at := int64(last.DeadlineAt)
				if in.Over {
					at = int64(last.AnsweredAt)
				}
				l.Next = cursor([]int64{at, last.ID})
			}
			return &Out[List[work.Inquiry]]{l}, nil
		})
	register(a, op{ID: "ask-department", Method: "POST", Path: "/inquiries", Tag: tag, Summary: "Ask a department", Access: ask, Status: 201,
		Detail: "The deadline is the department's, in opening hours of the store, unless one is set. The answer is told by inquiry.answered: to the conversation, and to the customer by a callback if wants_call."},
		func(ctx context.Context, in *struct{ Body work.Question }) (*Out[work.Inquiry], error) {
			return out(a.Work.Ask(ctx, by(ctx), in.Body))
		})
	register(a, op{ID: "get-inquiry", Method: "GET", Path: "/inquiries/{id}", Tag: tag, Summary: "Get a question", Access: answer},
		func(ctx context.Context, in *ByID) (*Out[work.Inquiry], error) {
			return out(a.Work.Inquiry(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "answer-inquiry", Method: "POST", Path: "/inquiries/{id}/answer", Tag: tag, Summary: "Answer a question", Access: answer, Detail: "The first answer counts."},
		func(ctx context.Context, in *struct {
			ByID
			Body work.Reply
		}) (*Out[work.Inquiry], error) {
			return out(a.Work.Answer(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "cancel-inquiry", Method: "POST", Path: "/inquiries/{id}/cancel", Tag: tag, Summary: "Take a question back", Access: ask},
		func(ctx context.Context, in *ByID) (*Out[work.Inquiry], error) {
			return out(a.Work.Cancel(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "get-inquiry-settings", Method: "GET", Path: "/departments/{id}/inquiries", Tag: tag, Summary: "See how a department is asked", Access: answer},
		func(ctx context.Context, in *ByID) (*Out[work.Settings], error) {
			return out(a.Work.SettingsFor(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "set-inquiry-settings", Method: "PUT", Path: "/departments/{id}/inquiries", Tag: tag, Summary: "Set how a department is asked", Access: manage},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Email    string `json:"email,omitempty" maxLength:"320"`
				Language string `json:"language" enum:"en,uk,ru,pl"`
				Minutes  int64  `json:"minutes" minimum:"1" maximum:"10080"`
			}
		}) (*Out[work.Settings], error) {
			return out(a.Work.Set(ctx, by(ctx), in.ID, work.Settings{Email: in.Body.Email, Language: in.Body.Language, Minutes: in.Body.Minutes}))
		})
}
