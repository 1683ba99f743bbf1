package api

import (
	"context"
	"net/http"

	"opeka/internal/account"
	"opeka/internal/care"
)

// NewTeam is a team to be made.
type NewTeam struct {
	StoreID int64 `json:"store_id" minimum:"1"`
	account.TeamChange
}

// NewDepartment is a department to be made.
type NewDepartment struct {
	StoreID int64  `json:"store_id" minimum:"1"`
	Name    string `json:"name" minLength:"1" maxLength:"100"`
}

// DepartmentName is a department's new name.
type DepartmentName struct {
	Name string `json:"name" minLength:"1" maxLength:"100"`
}

func (a *API) registerTeams() {
	register(a, op{ID: "list-teams", Method: "GET", Path: "/teams", Tag: "People", Summary: "List teams", Access: needs(care.PermInboxRead)},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[account.Team]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Accounts.Teams(ctx, by(ctx), in.StoreID, p)
			return pageByID(in.Paging, rows, func(t account.Team) int64 { return t.ID }, err)
		})
	register(a, op{ID: "create-team", Method: "POST", Path: "/teams", Tag: "People", Summary: "Make a team", Access: needs(care.PermPeople), Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body NewTeam }) (*Out[account.Team], error) {
			return out(a.Accounts.CreateTeam(ctx, by(ctx), in.Body.StoreID, in.Body.TeamChange))
		})
	register(a, op{ID: "get-team", Method: "GET", Path: "/teams/{id}", Tag: "People", Summary: "Get a team", Access: needs(care.PermInboxRead)},
		func(ctx context.Context, in *ByID) (*Out[account.Team], error) {
			return out(a.Accounts.Team(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "update-team", Method: "PATCH", Path: "/teams/{id}", Tag: "People", Summary: "Change a team", Access: needs(care.PermPeople)},
		func(ctx context.Context, in *struct {
			ByID
			Body account.TeamChange
		}) (*Out[account.Team], error) {
			return out(a.Accounts.UpdateTeam(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "delete-team", Method: "DELETE", Path: "/teams/{id}", Tag: "People", Summary: "Remove a team", Access: needs(care.PermPeople)},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Accounts.DeleteTeam(ctx, by(ctx), in.ID))
		})

	register(a, op{ID: "list-departments", Method: "GET", Path: "/departments", Tag: "People", Summary: "List departments", Access: needs(care.PermInboxRead)},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[account.Department]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Accounts.Departments(ctx, by(ctx), in.StoreID, p)
			return pageByID(in.Paging, rows, func(d account.Department) int64 { return d.ID }, err)
		})
	register(a, op{ID: "create-department", Method: "POST", Path: "/departments", Tag: "People", Summary: "Make a department", Access: needs(care.PermPeople), Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body NewDepartment }) (*Out[account.Department], error) {
			return out(a.Accounts.CreateDepartment(ctx, by(ctx), in.Body.StoreID, in.Body.Name))
		})
	register(a, op{ID: "rename-department", Method: "PATCH", Path: "/departments/{id}", Tag: "People", Summary: "Rename a department", Access: needs(care.PermPeople)},
		func(ctx context.Context, in *struct {
			ByID
			Body DepartmentName
		}) (*Out[account.Department], error) {
			return out(a.Accounts.RenameDepartment(ctx, by(ctx), in.ID, in.Body.Name))
		})
	register(a, op{ID: "delete-department", Method: "DELETE", Path: "/departments/{id}", Tag: "People", Summary: "Remove a department", Access: needs(care.PermPeople)},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Accounts.DeleteDepartment(ctx, by(ctx), in.ID))
		})
}
