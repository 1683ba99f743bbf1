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

// PersonChange is what is to be set of an agent; nil leaves as it is. Memberships are all that he is to have in
// the stores in which the caller manages people; those elsewhere stay.
type PersonChange struct {
	Name        *string       `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Email       *string       `json:"email,omitempty" maxLength:"200"`
	Language    *string       `json:"language,omitempty" enum:"en,uk,ru,pl"`
	Active      *bool         `json:"active,omitempty"`
	Memberships *[]Membership `json:"memberships,omitempty" maxItems:"200"`
	Skills      *[]Skill      `json:"skills,omitempty" maxItems:"200"`
	Capacities  *[]Capacity   `json:"capacities,omitempty" maxItems:"50"`
}

// touchesAll tells whether the change shows in every store of the agent.
func (c PersonChange) touchesAll() bool {
	return c.Name != nil || c.Email != nil || c.Language != nil || c.Active != nil || c.Skills != nil || c.Capacities != nil
}

var errShared = &care.Error{Code: "agent.shared", Kind: care.KindForbidden}

// Invite makes an agent and a one-time link by which he sets his password.
func (a *Accounts) Invite(ctx context.Context, by By, c PersonChange) (p Person, inv Invitation, err error) {
	if c.Name == nil || c.Email == nil {
		return p, inv, (&problems{*care.Invalid("name", "required"), *care.Invalid("email", "required")}).err()
	}
	if c.Memberships == nil || len(*c.Memberships) == 0 {
		return p, inv, care.Invalid("memberships", "store_required")
	}
	email, lang := normalEmail(*c.Email), by.Language
	set(&lang, c.Language)
	var wrong problems
	wrong.add(checkName("name", *c.Name))
	wrong.add(checkEmail("email", email))
	if lang == "" {
		lang = "en"
	}
	wrong.add(checkLanguage("language", lang))
	if err := wrong.err(); err != nil {
		return p, inv, err
	}
	var id int64
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		if err := emailFree(ctx, q, email, 0); err != nil {
			return err
		}
		id = tx.ID()
		row := query.Agent{ID: id, Name: strings.TrimSpace(*c.Name), Email: email, Language: lang, Active: true}
		err := q.InsertAgent(ctx, query.InsertAgentParams{ID: id, Name: row.Name, Email: email, Language: lang, AvatarColor: colorOf(id), Keymap: []byte(`{}`), CreatedAt: db.At(tx.Now)})
		if err != nil {
			return err
		}
		if err := q.InsertPresence(ctx, query.InsertPresenceParams{AgentID: id, SinceAt: db.At(tx.Now)}); err != nil {
			return err
		}
		stores, err := a.setMemberships(ctx, q, by, row, nil, *c.Memberships)
		if err != nil {
			return err
		}
		if err := setAbilities(ctx, q, id, c); err != nil {
			return err
		}
		auditIn(tx, by, stores, entry{Action: "agent.invited", Subject: id, Name: row.Name, After: c})
		inv, err = a.invite(ctx, tx, q, id)
		return err
	})
	if err != nil {
		return p, inv, err
	}
	p, err = a.AgentFor(ctx, by, id)
	return p, inv, err
}

// UpdateAgent changes an agent. Deactivating him ends his sessions at once.
func (a *Accounts) UpdateAgent(ctx context.Context, by By, id int64, c PersonChange) (p Person, err error) {
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, have, err := a.manageable(ctx, q, by, id, c.touchesAll())
		if err != nil {
			return err
		}
		before := row
		if err := a.applyPerson(ctx, tx, q, by, &row, have, c); err != nil {
			return err
		}
		stores := storeIDs(have)
		if c.Memberships != nil {
			if stores, err = a.setMemberships(ctx, q, by, row, have, *c.Memberships); err != nil {
				return err
			}
		}
		if err := setAbilities(ctx, q, id, c); err != nil {
			return err
		}
		a.forgetScopes(tx)
		auditIn(tx, by, stores, entry{Action: "agent.updated", Subject: id, Name: row.Name, Before: auditedAgent(before, have), After: c})
		return nil
	})
	if err != nil {
		return p, err
	}
	p, err = a.AgentFor(ctx, by, id)
	if errors.Is(err, care.NotFound("agent")) { // taken out of the last store that the caller shares with him
		return Person{ID: id, Memberships: []Membership{}, Skills: []Skill{}, Capacities: []Capacity{}, Presence: Offline}, nil
	}
	return p, err
}

func auditedAgent(r query.Agent, have []query.Membership) map[string]any {
	return map[string]any{"name": r.Name, "email": r.Email, "language": r.Language, "active": r.Active, "stores": storeIDs(have)}
}

// manageable returns an agent whom the caller may change: with all, in whatever he does in any store; without, in the caller's stores alone.
func (a *Accounts) manageable(ctx context.Context, q *query.Queries, by By, id int64, all bool) (query.Agent, []query.Membership, error) {
	row, err := q.Agent(ctx, id)
	if err != nil {
		return row, nil, missing(err, "agent")
	}
	have, err := q.MembershipsOf(ctx, []int64{id})
	if err != nil {
		return row, nil, err
	}
	shared, managed := false, false
	for _, m := range have {
		shared = shared || by.In(m.StoreID)
		managed = managed || by.May(m.StoreID, care.PermPeople)
	}
	switch {
	case !shared:
		return row, nil, care.NotFound("agent")
	case !managed:
		return row, nil, care.Forbidden(care.PermPeople)
	case row.Owner && !by.Owner && id != by.Agent:
		return row, nil, errShared
	}
	for _, m := range have {
		if all && !mayGive(by, m.StoreID, m.Role) {
			return row, nil, errShared
		}
	}
	return row, have, nil
}

// mayGive tells whether the caller may give, take or change a role in a store.
func mayGive(by By, store int64, role string) bool {
	return by.May(store, care.PermPeople) && covers(by.Permissions[store], PermissionsOf(role))
}

// applyPerson writes what concerns the agent himself.
func (a *Accounts) applyPerson(ctx context.Context, tx *db.Tx, q *query.Queries, by By, row *query.Agent, have []query.Membership, c PersonChange) error {
	if c.Name != nil {
		row.Name = strings.TrimSpace(*c.Name)
		if err := checkName("name", row.Name); err != nil {
			return err
		}
	}
	if c.Email != nil {
		row.Email = normalEmail(*c.Email)
		if err := checkEmail("email", row.Email); err != nil {
			return err
		}
		if err := emailFree(ctx, q, row.Email, row.ID); err != nil {
			return err
		}
	}
	set(&row.Language, c.Language)
	if c.Active != nil && *c.Active != row.Active {
		row.Active = *c.Active
		if !row.Active {
			if err := a.retire(ctx, tx, q, by, row.ID, have); err != nil {
				return err
			}
		}
	}
	n, err := q.UpdateAgent(ctx, query.UpdateAgentParams{
		Name: row.Name, Email: row.Email, Language: row.Language, Theme: row.Theme, Keymap: row.Keymap, Active: row.Active, UpdatedAt: db.At(tx.Now), ID: row.ID,
	})
	return changed(n, err, "agent")
}

// retire ends what a deactivated agent has open.
func (a *Accounts) retire(ctx context.Context, tx *db.Tx, q *query.Queries, by By, id int64, have []query.Membership) error {
	if id == by.Agent {
		return care.Invalid("active", "agent.self")
	}
	for _, m := range have {
		if err := keepAdministrator(ctx, q, m, ""); err != nil {
			return err
		}
	}
	if err := q.DeleteSessionsOf(ctx, query.DeleteSessionsOfParams{AgentID: id}); err != nil {
		return err
	}
	if err := q.DeleteInvitations(ctx, id); err != nil {
		return err
	}
	p, err := q.Presence(ctx, id)
	if err != nil {
		return err
	}
	return a.setPresence(ctx, tx, q, id, p.State, Offline)
}

// setMemberships makes want what the agent is in the stores whose people the caller manages; it returns the stores that this concerns.
func (a *Accounts) setMemberships(ctx context.Context, q *query.Queries, by By, agent query.Agent, have []query.Membership, want []Membership) ([]int64, error) {
	now := map[int64]query.Membership{}
	for _, m := range have {
		now[m.StoreID] = m
	}
	var stores []int64
	for _, w := range want {
		if !by.In(w.StoreID) {
			return nil, care.NotFound("store")
		}
		if err := by.Check(w.StoreID, care.PermPeople); err != nil {
			return nil, err
		}
		if slices.Contains(stores, w.StoreID) {
			return nil, care.Invalid("memberships", "not_unique")
		}
		stores = append(stores, w.StoreID)
		if err := changeRole(ctx, q, by, agent, now[w.StoreID], w); err != nil {
			return nil, err
		}
	}
	left := len(want)
	for _, m := range have {
		switch {
		case slices.Contains(stores, m.StoreID):
		case !by.May(m.StoreID, care.PermPeople):
			left++
		default:
			if err := leave(ctx, q, by, agent, m); err != nil {
				return nil, err
			}
			stores = append(stores, m.StoreID)
		}
	}
	if left == 0 {
		return nil, care.Invalid("memberships", "store_required")
	}
	return stores, nil
}

func changeRole(ctx context.Context, q *query.Queries, by By, agent query.Agent, was query.Membership, want Membership) error {
	if !slices.Contains(Roles, want.Role) {
		return care.Invalid("memberships", "not_one_of", "values", strings.Join(Roles, ", "))
	}
	if err := departmentIn(ctx, q, want.DepartmentID, want.StoreID); err != nil {
		return err
	}
	if was.Role != want.Role {
		switch {
		case agent.Owner:
			return care.Invalid("memberships", "agent.owner")
		case !mayGive(by, want.StoreID, want.Role), was.Role != "" && !mayGive(by, want.StoreID, was.Role):
			return care.Invalid("memberships", "role_beyond")
		case agent.ID == by.Agent:
			return care.Invalid("memberships", "agent.self")
		}
		if err := keepAdministrator(ctx, q, was, want.Role); err != nil {
			return err
		}
	}
	return q.SetMembership(ctx, query.SetMembershipParams{AgentID: agent.ID, StoreID: want.StoreID, Role: want.Role, DepartmentID: want.DepartmentID})
}

func leave(ctx context.Context, q *query.Queries, by By, agent query.Agent, m query.Membership) error {
	switch {
	case agent.Owner:
		return care.Invalid("memberships", "agent.owner")
	case agent.ID == by.Agent:
		return care.Invalid("memberships", "agent.self")
	case !mayGive(by, m.StoreID, m.Role):
		return care.Invalid("memberships", "role_beyond")
	}
	if err := keepAdministrator(ctx, q, m, ""); err != nil {
		return err
	}
	if err := q.LeaveTeamsOfStore(ctx, query.LeaveTeamsOfStoreParams{AgentID: agent.ID, StoreID: m.StoreID}); err != nil {
		return err
	}
	_, err := q.DeleteMembership(ctx, query.DeleteMembershipParams{AgentID: agent.ID, StoreID: m.StoreID})
	return err
}

// keepAdministrator refuses to take its last administrator from a store.
func keepAdministrator(ctx context.Context, q *query.Queries, was query.Membership, role string) error {
	if was.Role != RoleAdministrator || role == RoleAdministrator {
		return nil
	}
	n, err := q.OtherAdministrators(ctx, query.OtherAdministratorsParams{StoreID: was.StoreID, ID: was.AgentID})
	if err == nil && n == 0 {
		return care.Conflict("agent.last_administrator")
	}
	return err
}

func setAbilities(ctx context.Context, q *query.Queries, id int64, c PersonChange) error {
	if c.Skills != nil {
		if err := q.DeleteSkills(ctx, id); err != nil {
			return err
		}
		for _, s := range *c.Skills {
			if err := q.InsertSkill(ctx, query.InsertSkillParams{AgentID: id, Kind: s.Kind, Value: s.Value}); err != nil {
				return err
			}
		}
	}
	if c.Capacities == nil {
		return nil
	}
	if err := q.DeleteCapacities(ctx, id); err != nil {
		return err
	}
	for _, k := range *c.Capacities {
		if err := q.InsertCapacity(ctx, query.InsertCapacityParams{AgentID: id, Channel: k.Channel, MaxOpen: k.MaxOpen}); err != nil {
			return err
		}
	}
	return nil
}

func emailFree(ctx context.Context, q *query.Queries, email string, id int64) error {
	other, err := q.AgentByEmail(ctx, email)
	switch {
	case errors.Is(err, db.ErrNoRows), err == nil && other.ID == id:
		return nil
	case err == nil:
		return care.Invalid("email", "email_taken")
	}
	return err
}

func storeIDs(have []query.Membership) []int64 {
	out := make([]int64, len(have))
	for i, m := range have {
		out[i] = m.StoreID
	}
	return out
}
