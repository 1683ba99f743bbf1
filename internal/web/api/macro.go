package api

import (
	"context"
	"net/http"

	"opeka/internal/care"
	"opeka/internal/inbox"
)

type newMacro struct {
	StoreID int64             `json:"store_id" minimum:"1"`
	Name    string            `json:"name" minLength:"1" maxLength:"80"`
	Bodies  map[string]string `json:"bodies" doc:"By language: en, uk, ru, pl"`
}

// macroChange is a saved reply of which what is left out stays.
type macroChange struct {
	Name   *string            `json:"name,omitempty" minLength:"1" maxLength:"80"`
	Bodies *map[string]string `json:"bodies,omitempty" doc:"All of them"`
}

func (c macroChange) apply(m *inbox.Macro) {
	set(&m.Name, c.Name)
	set(&m.Bodies, c.Bodies)
}

func (a *API) registerMacros() {
	read, manage := needs(care.PermInboxRead), needs(care.PermSettings)
	register(a, op{ID: "list-macros", Method: http.MethodGet, Path: "/macros", Tag: tagInbox, Summary: "List saved replies", Access: read},
		func(ctx context.Context, in *byStore) (*Out[List[inbox.Macro]], error) {
			return whole(a.Inbox.Macros(ctx, scope(ctx), in.StoreID))
		})
	register(a, op{ID: "list-macro-variables", Method: http.MethodGet, Path: "/macro-variables", Tag: tagInbox, Summary: "List what a saved reply can have filled in", Access: read},
		func(context.Context, *struct{}) (*Out[List[string]], error) {
			return whole(inbox.MacroVariables, nil)
		})
	register(a, op{ID: "add-macro", Method: http.MethodPost, Path: "/macros", Tag: tagInbox, Summary: "Save a reply",
		Detail: "A body may have places such as {customer.first_name}; {order.tracking|not yet known} says what stands there when nothing is known. A place that can't be filled by anything is refused.", Access: manage, Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body newMacro }) (*Out[inbox.Macro], error) {
			return out(a.Inbox.AddMacro(ctx, scope(ctx), inbox.Macro{Store: in.Body.StoreID, Name: in.Body.Name, Bodies: in.Body.Bodies}))
		})
	register(a, op{ID: "change-macro", Method: http.MethodPatch, Path: "/macros/{id}", Tag: tagInbox, Summary: "Change a saved reply", Access: manage},
		func(ctx context.Context, in *struct {
			ByID
			Body macroChange
		}) (*Out[inbox.Macro], error) {
			return out(a.Inbox.ChangeMacro(ctx, scope(ctx), in.ID, in.Body.apply))
		})
	register(a, op{ID: "remove-macro", Method: http.MethodDelete, Path: "/macros/{id}", Tag: tagInbox, Summary: "Delete a saved reply", Access: manage},
		func(ctx context.Context, in *struct{ ByID }) (*None, error) {
			return none(a.Inbox.RemoveMacro(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-conversation-macros", Method: http.MethodGet, Path: "/conversations/{id}/macros", Tag: tagInbox, Summary: "List saved replies as they would be said in a conversation",
		Detail: "In the customer's language as far as there is one, with the places filled.", Access: read},
		func(ctx context.Context, in *struct{ ByID }) (*Out[List[inbox.FilledMacro]], error) {
			return whole(a.Inbox.MacrosFor(ctx, scope(ctx), in.ID))
		})
}
