package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/know"
)

// registerScripts lists the operations on call scripts.
func (a *API) registerScripts() {
	if a.Know == nil {
		return
	}
	const tag = "Scripts"
	read, write, manage := needs(care.PermInboxRead), needs(care.PermInboxWrite), needs(care.PermSettings)

	register(a, op{ID: "list-scripts", Method: "GET", Path: "/scripts", Tag: tag, Summary: "List call scripts", Access: read},
		func(ctx context.Context, in *struct {
			InStore
			Paging
		}) (*Out[List[know.Script]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Know.Scripts(ctx, scope(ctx), in.StoreID, p)
			return pageByID(in.Paging, rows, func(s know.Script) int64 { return s.ID }, err)
		})
	register(a, op{ID: "add-script", Method: "POST", Path: "/scripts", Tag: tag, Summary: "Write a call script", Access: manage, Status: 201,
		Detail: "Every branch must lead on, every step must be reachable and able to reach an end, and every text must fill; what is wrong is told with its place.", MaxBody: 1 << 20},
		func(ctx context.Context, in *struct {
			Body struct {
				StoreID int64 `json:"store_id" minimum:"1"`
				know.ScriptInput
			}
		}) (*Out[know.Script], error) {
			return out(a.Know.AddScript(ctx, by(ctx), in.Body.StoreID, in.Body.ScriptInput))
		})
	register(a, op{ID: "get-script", Method: "GET", Path: "/scripts/{id}", Tag: tag, Summary: "Get a call script", Access: read},
		func(ctx context.Context, in *ByID) (*Out[know.Script], error) {
			return out(a.Know.Script(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "change-script", Method: "PUT", Path: "/scripts/{id}", Tag: tag, Summary: "Write a new version of a call script", Access: manage,
		Detail: "Calls under way go on with the version that they began with.", MaxBody: 1 << 20},
		func(ctx context.Context, in *struct {
			ByID
			Body know.ScriptInput
		}) (*Out[know.Script], error) {
			return out(a.Know.ChangeScript(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "retire-script", Method: "DELETE", Path: "/scripts/{id}", Tag: tag, Summary: "Take a call script out of use", Access: manage},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Know.RemoveScript(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "list-script-versions", Method: "GET", Path: "/scripts/{id}/versions", Tag: tag, Summary: "List a script's versions, the latest first", Access: read},
		func(ctx context.Context, in *struct {
			ByID
			Paging
		}) (*Out[List[know.ScriptVersion]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Know.Versions(ctx, scope(ctx), in.ID, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(v know.ScriptVersion) int64 { return v.Version }, err)
		})
	register(a, op{ID: "rehearse-script", Method: "POST", Path: "/scripts/rehearsals", Tag: tag, Summary: "Walk through a script that needn't be kept yet; nothing is written down", Access: read, MaxBody: 1 << 20},
		func(ctx context.Context, in *struct{ Body know.Rehearsal }) (*Out[know.Scene], error) {
			return out(a.Know.Rehearse(ctx, scope(ctx), in.Body))
		})
	register(a, op{ID: "begin-script", Method: "POST", Path: "/script-runs", Tag: tag, Summary: "Begin a script with a customer", Access: write, Status: 201,
		Detail: "A call that already has an unfinished run of the script goes on with that one."},
		func(ctx context.Context, in *struct{ Body know.Beginning }) (*Out[know.Scene], error) {
			return out(a.Know.Begin(ctx, by(ctx), in.Body))
		})
	register(a, op{ID: "list-script-runs", Method: "GET", Path: "/script-runs", Tag: tag, Summary: "List what was said by scripts with a customer or about an order, the latest first", Access: read},
		func(ctx context.Context, in *struct {
			Paging
			Customer int64 `query:"customer_id" minimum:"0"`
			Order    int64 `query:"order_id" minimum:"0"`
		}) (*Out[List[know.Run]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Know.Runs(ctx, scope(ctx), in.Customer, in.Order, p.After, p.Limit)
			return pageByID(in.Paging, rows, func(r know.Run) int64 { return r.ID }, err)
		})
	register(a, op{ID: "get-script-run", Method: "GET", Path: "/script-runs/{id}", Tag: tag, Summary: "See where a script stands", Access: read},
		func(ctx context.Context, in *ByID) (*Out[know.Scene], error) {
			return out(a.Know.Scene(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "answer-script", Method: "POST", Path: "/script-runs/{id}/answers", Tag: tag, Summary: "Write down what the customer answered", Access: write,
		Detail: "It is on disk, with all that it leads to, before the next step is shown. seq is the run's seq that the screen knows; the same answer sent twice is taken once."},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Seq int64 `json:"seq" minimum:"0"`
				know.Given
			}
		}) (*Out[know.Scene], error) {
			return out(a.Know.Answer(ctx, by(ctx), in.ID, in.Body.Seq, in.Body.Given))
		})
	register(a, op{ID: "take-back-script-answer", Method: "POST", Path: "/script-runs/{id}/back", Tag: tag, Summary: "Take the latest answer back", Access: write, OwnIdempotency: true,
		Detail: "What it led to and isn't done yet isn't done; what is done stays, and isn't done twice when the same is answered again."},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Seq int64 `json:"seq" minimum:"0" doc:"The run's seq that the screen knows"`
			}
		}) (*Out[know.Scene], error) {
			return out(a.Know.Back(ctx, by(ctx), in.ID, in.Body.Seq))
		})
	register(a, op{ID: "finish-script", Method: "POST", Path: "/script-runs/{id}/finish", Tag: tag, Summary: "Close a script, at its end or before", Access: write},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Know.Finish(ctx, by(ctx), in.ID))
		})
}
