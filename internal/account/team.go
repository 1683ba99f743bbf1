package account

import (
	"context"
	"errors"
	"slices"
	"strings"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Department is a part of a shop: sales, warehouse, accounting.
type Department struct {
	ID        int64   `json:"id"`
	StoreID   int64   `json:"store_id"`
	Name      string  `json:"name"`
	CreatedAt db.Time `json:"created_at"`
}

// Team is agents of a store who share queues.
type Team struct {
	ID           int64   `json:"id"`
	StoreID      int64   `json:"store_id"`
	DepartmentID int64   `json:"department_id"`
	Name         string  `json:"name"`
	AgentIDs     []int64 `json:"agent_ids"`
	CreatedAt    db.Time `json:"created_at"`
}

// TeamChange is what is to be set; nil leaves as it is.
type TeamChange struct {
	Name         *string  `json:"name,omitempty" minLength:"1" maxLength:"100"`
	DepartmentID *int64   `json:"department_id,omitempty" minimum:"0"`
	AgentIDs     *[]int64 `json:"agent_ids,omitempty" maxItems:"500"`
}

// seen returns NotFound for a row of a store in which the caller lacks the permission even to know of it.
func seen(by By, store int64, p care.Permission, what string) error {
	if !by.May(store, p) {
		return care.NotFound(what)
	}
	return nil
}

// own checks that the caller may change a row of a store: one out of his sight isn't there.
func own(by By, store int64, p care.Permission, what string) error {
	if !by.In(store) {
		return care.NotFound(what)
	}
	return by.Check(store, p)
}

// Departments lists those of the caller's stores, or of one.
func (a *Accounts) Departments(ctx context.Context, by By, store int64, p Page) ([]Department, error) {
	if store != 0 && !by.In(store) {
		return nil, care.NotFound("store")
	}
	rows, err := a.read().Departments(ctx, query.DepartmentsParams{Stores: by.StoresWith(care.PermInboxRead, store), After: p.After, Lim: p.Limit})
	if err != nil {
		return nil, err
	}
	out := make([]Department, len(rows))
	for i, r := range rows {
		out[i] = Department(r)
	}
	return out, nil
}

// CreateDepartment adds a department to a store.
func (a *Accounts) CreateDepartment(ctx context.Context, by By, store int64, name string) (d Department, err error) {
	if err := by.Check(store, care.PermPeople); err != nil {
		return d, err
	}
	name = strings.TrimSpace(name)
	if err := checkName("name", name); err != nil {
		return d, err
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		d = Department{tx.ID(), store, name, db.At(tx.Now)}
		if err := nameFree(q.DepartmentNameTaken(ctx, query.DepartmentNameTakenParams{StoreID: store, Name: name, ID: d.ID})); err != nil {
			return err
		}
		audit(tx, by, entry{Store: store, Action: "department.created", Subject: d.ID, Name: name, After: d})
		return q.InsertDepartment(ctx, query.InsertDepartmentParams(d))
	})
	return d, err
}

// RenameDepartment gives a department another name.
func (a *Accounts) RenameDepartment(ctx context.Context, by By, id int64, name string) (d Department, err error) {
	name = strings.TrimSpace(name)
	if err := checkName("name", name); err != nil {
		return d, err
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := a.ownDepartment(ctx, q, by, id)
		if err != nil {
			return err
		}
		d = Department(row)
		d.Name = name
		if err := nameFree(q.DepartmentNameTaken(ctx, query.DepartmentNameTakenParams{StoreID: d.StoreID, Name: name, ID: id})); err != nil {
			return err
		}
		audit(tx, by, entry{Store: d.StoreID, Action: "department.updated", Subject: id, Name: name, Before: Department(row), After: d})
		n, err := q.UpdateDepartment(ctx, query.UpdateDepartmentParams{Name: name, ID: id})
		return changed(n, err, "department")
	})
	return d, err
}

// DeleteDepartment removes a department; its agents and teams stay, without one.
func (a *Accounts) DeleteDepartment(ctx context.Context, by By, id int64) error {
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		d, err := a.ownDepartment(ctx, q, by, id)
		if err != nil {
			return err
		}
		if err := q.LeaveDepartment(ctx, id); err != nil {
			return err
		}
		if err := q.LeaveDepartmentTeams(ctx, id); err != nil {
			return err
		}
		audit(tx, by, entry{Store: d.StoreID, Action: "department.deleted", Subject: id, Name: d.Name, Before: Department(d)})
		n, err := q.DeleteDepartment(ctx, id)
		return changed(n, err, "department")
	})
}

func (a *Accounts) ownDepartment(ctx context.Context, q *query.Queries, by By, id int64) (query.Department, error) {
	d, err := q.Department(ctx, id)
	if err != nil {
		return d, missing(err, "department")
	}
	return d, own(by, d.StoreID, care.PermPeople, "department")
}

// Teams lists those of the caller's stores, or of one.
func (a *Accounts) Teams(ctx context.Context, by By, store int64, p Page) ([]Team, error) {
	if store != 0 && !by.In(store) {
		return nil, care.NotFound("store")
	}
	q := a.read()
	rows, err := q.Teams(ctx, query.TeamsParams{Stores: by.StoresWith(care.PermInboxRead, store), After: p.After, Lim: p.Limit})
	if err != nil {
		return nil, err
	}
	return teamsOf(ctx, q, rows)
}

// Team returns one.
func (a *Accounts) Team(ctx context.Context, by By, id int64) (Team, error) {
	q := a.read()
	row, err := q.Team(ctx, id)
	if err != nil {
		return Team{}, missing(err, "team")
	}
	if err := seen(by, row.StoreID, care.PermInboxRead, "team"); err != nil {
		return Team{}, err
	}
	teams, err := teamsOf(ctx, q, []query.Team{row})
	if err != nil {
		return Team{}, err
	}
	return teams[0], nil
}

func teamsOf(ctx context.Context, q *query.Queries, rows []query.Team) ([]Team, error) {
	out, ids := make([]Team, len(rows)), make([]int64, len(rows))
	place := map[int64]*Team{}
	for i, r := range rows {
		out[i] = Team{ID: r.ID, StoreID: r.StoreID, DepartmentID: r.DepartmentID, Name: r.Name, AgentIDs: []int64{}, CreatedAt: r.CreatedAt}
		ids[i], place[r.ID] = r.ID, &out[i]
	}
	members, err := q.TeamMembers(ctx, ids)
	for _, m := range members {
		t := place[m.TeamID]
		t.AgentIDs = append(t.AgentIDs, m.AgentID)
	}
	return out, err
}

// CreateTeam adds a team to a store.
func (a *Accounts) CreateTeam(ctx context.Context, by By, store int64, c TeamChange) (t Team, err error) {
	if err := by.Check(store, care.PermPeople); err != nil {
		return t, err
	}
	if c.Name == nil {
		return t, care.Invalid("name", "required")
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		t = Team{ID: tx.ID(), StoreID: store, AgentIDs: []int64{}, CreatedAt: db.At(tx.Now)}
		if err := t.apply(ctx, q, c); err != nil {
			return err
		}
		err := q.InsertTeam(ctx, query.InsertTeamParams{ID: t.ID, StoreID: store, DepartmentID: t.DepartmentID, Name: t.Name, CreatedAt: t.CreatedAt})
		if err != nil {
			return err
		}
		audit(tx, by, entry{Store: store, Action: "team.created", Subject: t.ID, Name: t.Name, After: t})
		return setMembers(ctx, q, t.ID, t.AgentIDs)
	})
	return t, err
}

// UpdateTeam changes a team's name, department or members.
func (a *Accounts) UpdateTeam(ctx context.Context, by By, id int64, c TeamChange) (t Team, err error) {
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		before, err := a.ownTeam(ctx, q, by, id)
		if err != nil {
			return err
		}
		t = before
		if err := t.apply(ctx, q, c); err != nil {
			return err
		}
		n, err := q.UpdateTeam(ctx, query.UpdateTeamParams{Name: t.Name, DepartmentID: t.DepartmentID, ID: id})
		if err := changed(n, err, "team"); err != nil {
			return err
		}
		audit(tx, by, entry{Store: t.StoreID, Action: "team.updated", Subject: id, Name: t.Name, Before: before, After: t})
		if c.AgentIDs == nil {
			return nil
		}
		return setMembers(ctx, q, id, t.AgentIDs)
	})
	return t, err
}

// DeleteTeam removes a team.
func (a *Accounts) DeleteTeam(ctx context.Context, by By, id int64) error {
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		t, err := a.ownTeam(ctx, q, by, id)
		if err != nil {
			return err
		}
		if err := q.DeleteTeamMembers(ctx, id); err != nil {
			return err
		}
		audit(tx, by, entry{Store: t.StoreID, Action: "team.deleted", Subject: id, Name: t.Name, Before: t})
		n, err := q.DeleteTeam(ctx, id)
		return changed(n, err, "team")
	})
}

func (a *Accounts) ownTeam(ctx context.Context, q *query.Queries, by By, id int64) (Team, error) {
	row, err := q.Team(ctx, id)
	if err != nil {
		return Team{}, missing(err, "team")
	}
	if err := own(by, row.StoreID, care.PermPeople, "team"); err != nil {
		return Team{}, err
	}
	teams, err := teamsOf(ctx, q, []query.Team{row})
	if err != nil {
		return Team{}, err
	}
	return teams[0], nil
}

func (t *Team) apply(ctx context.Context, q *query.Queries, c TeamChange) error {
	if c.Name != nil {
		t.Name = strings.TrimSpace(*c.Name)
		if err := checkName("name", t.Name); err != nil {
			return err
		}
		if err := nameFree(q.TeamNameTaken(ctx, query.TeamNameTakenParams{StoreID: t.StoreID, Name: t.Name, ID: t.ID})); err != nil {
			return err
		}
	}
	if c.DepartmentID != nil {
		if err := departmentIn(ctx, q, *c.DepartmentID, t.StoreID); err != nil {
			return err
		}
		t.DepartmentID = *c.DepartmentID
	}
	if c.AgentIDs != nil {
		t.AgentIDs = slices.Compact(slices.Sorted(slices.Values(*c.AgentIDs)))
		n, err := q.MembersOf(ctx, query.MembersOfParams{Store: t.StoreID, Agents: t.AgentIDs})
		if err != nil {
			return err
		}
		if n != int64(len(t.AgentIDs)) {
			return care.Invalid("agent_ids", "not_member")
		}
	}
	return nil
}

func setMembers(ctx context.Context, q *query.Queries, team int64, agents []int64) error {
	if err := q.DeleteTeamMembers(ctx, team); err != nil {
		return err
	}
	for _, agent := range agents {
		if err := q.InsertTeamMember(ctx, query.InsertTeamMemberParams{TeamID: team, AgentID: agent}); err != nil {
			return err
		}
	}
	return nil
}

// departmentIn checks that a department, if one is given, is of the store.
func departmentIn(ctx context.Context, q *query.Queries, department, store int64) error {
	if department == 0 {
		return nil
	}
	d, err := q.Department(ctx, department)
	if errors.Is(err, db.ErrNoRows) || err == nil && d.StoreID != store {
		return care.Invalid("department_id", "department_unknown")
	}
	return err
}

func nameFree(taken int64, err error) error {
	if err == nil && taken > 0 {
		return care.Invalid("name", "name_taken")
	}
	return err
}
