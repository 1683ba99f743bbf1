package account

import (
	"context"
	"strings"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Person is an agent as his colleagues see him: of his memberships, those in the caller's stores.
type Person struct {
	ID          int64        `json:"id"`
	Name        string       `json:"name"`
	Email       string       `json:"email"`
	Language    string       `json:"language"`
	AvatarColor string       `json:"avatar_color"`
	Active      bool         `json:"active"`
	Owner       bool         `json:"owner" doc:"Of the installation"`
	Invited     bool         `json:"invited" doc:"Has not set a password yet"`
	Memberships []Membership `json:"memberships"`
	Skills      []Skill      `json:"skills"`
	Capacities  []Capacity   `json:"capacities"`
	Presence    string       `json:"presence" enum:"ready,busy,away,offline"`
	SinceAt     db.Time      `json:"presence_since_at"`
	CreatedAt   db.Time      `json:"created_at"`
}

// Membership is what an agent is in a store.
type Membership struct {
	StoreID      int64  `json:"store_id" minimum:"1"`
	Role         string `json:"role" enum:"administrator,supervisor,agent,clerk,client"`
	DepartmentID int64  `json:"department_id,omitempty" minimum:"0"`
}

// Skill is something that routing may ask of an agent. Without a skill of a kind he takes every value of it.
type Skill struct {
	Kind  string `json:"kind" enum:"channel,language,topic,store"`
	Value string `json:"value" minLength:"1" maxLength:"100"`
}

// Capacity is how many open conversations of a channel an agent takes at a time.
type Capacity struct {
	Channel string `json:"channel" minLength:"1" maxLength:"40"`
	MaxOpen int64  `json:"max_open" minimum:"0" maximum:"1000"`
}

// DefaultCapacity holds for a channel without a row in capacities.
const DefaultCapacity = 5

// Profile is an agent as he sees himself.
type Profile struct {
	ID          int64             `json:"id"`
	Name        string            `json:"name"`
	Email       string            `json:"email"`
	Language    string            `json:"language"`
	Theme       string            `json:"theme"`
	AvatarColor string            `json:"avatar_color"`
	Keymap      map[string]string `json:"keymap"`
	Owner       bool              `json:"owner"`
}

// ProfileChange is what an agent may set himself; nil leaves as it is.
type ProfileChange struct {
	Name     *string            `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Language *string            `json:"language,omitempty" enum:"en,uk,ru,pl"`
	Theme    *string            `json:"theme,omitempty" enum:"system,light,dark"`
	Keymap   *map[string]string `json:"keymap,omitempty"`
}

// Profile returns the caller's own.
func (a *Accounts) Profile(ctx context.Context, by By) (Profile, error) {
	row, err := a.read().Agent(ctx, by.Agent)
	if err != nil {
		return Profile{}, missing(err, "agent")
	}
	return profileOf(row)
}

// ChangeProfile changes the caller's own.
func (a *Accounts) ChangeProfile(ctx context.Context, by By, c ProfileChange) (p Profile, err error) {
	if c.Keymap != nil && len(*c.Keymap) > 200 {
		return p, care.Invalid("keymap", "too_many_items", "max", 200)
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := q.Agent(ctx, by.Agent)
		if err != nil {
			return missing(err, "agent")
		}
		if p, err = profileOf(row); err != nil {
			return err
		}
		set(&p.Name, c.Name)
		p.Name = strings.TrimSpace(p.Name)
		set(&p.Language, c.Language)
		set(&p.Theme, c.Theme)
		set(&p.Keymap, c.Keymap)
		if err := checkName("name", p.Name); err != nil {
			return err
		}
		n, err := q.UpdateAgent(ctx, query.UpdateAgentParams{
			Name: p.Name, Email: row.Email, Language: p.Language, Theme: p.Theme, Keymap: asJSON(p.Keymap), Active: row.Active, UpdatedAt: db.At(tx.Now), ID: by.Agent,
		})
		a.forgetScopes(tx) // the language is part of one
		return changed(n, err, "agent")
	})
	return p, err
}

// Agents lists who works in the caller's stores, or in one.
func (a *Accounts) Agents(ctx context.Context, by By, store int64, inactive bool, p Page) ([]Person, error) {
	if store != 0 && !by.In(store) {
		return nil, care.NotFound("store")
	}
	q := a.read()
	rows, err := q.AgentsOfStores(ctx, query.AgentsOfStoresParams{After: p.After, Inactive: inactive, Stores: by.StoresWith(care.PermInboxRead, store), Lim: p.Limit})
	if err != nil {
		return nil, err
	}
	return a.people(ctx, q, by, rows)
}

// AgentFor returns one who shares a store with the caller.
func (a *Accounts) AgentFor(ctx context.Context, by By, id int64) (Person, error) {
	q := a.read()
	row, err := q.Agent(ctx, id)
	if err != nil {
		return Person{}, missing(err, "agent")
	}
	people, err := a.people(ctx, q, by, []query.Agent{row})
	if err != nil {
		return Person{}, err
	}
	if len(people[0].Memberships) == 0 {
		return Person{}, care.NotFound("agent")
	}
	return people[0], nil
}

// people adds to agents what other tables know of them.
func (a *Accounts) people(ctx context.Context, q *query.Queries, by By, rows []query.Agent) ([]Person, error) {
	out, ids, place := make([]Person, len(rows)), make([]int64, len(rows)), map[int64]*Person{}
	for i, r := range rows {
		out[i] = Person{
			ID: r.ID, Name: r.Name, Email: r.Email, Language: r.Language, AvatarColor: r.AvatarColor, Active: r.Active, Owner: r.Owner, Invited: r.Password == "", CreatedAt: r.CreatedAt,
			Memberships: []Membership{}, Skills: []Skill{}, Capacities: []Capacity{}, Presence: Offline,
		}
		ids[i], place[r.ID] = r.ID, &out[i]
	}
	memberships, err := q.MembershipsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, m := range memberships {
		if p := place[m.AgentID]; by.May(m.StoreID, care.PermInboxRead) {
			p.Memberships = append(p.Memberships, Membership{m.StoreID, m.Role, m.DepartmentID})
		}
	}
	skills, err := q.SkillsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, s := range skills {
		p := place[s.AgentID]
		p.Skills = append(p.Skills, Skill{s.Kind, s.Value})
	}
	capacities, err := q.CapacitiesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range capacities {
		p := place[c.AgentID]
		p.Capacities = append(p.Capacities, Capacity{c.Channel, c.MaxOpen})
	}
	presences, err := q.PresencesOf(ctx, ids)
	for _, r := range presences {
		p := place[r.AgentID]
		p.Presence, p.SinceAt = r.State, r.SinceAt
	}
	return out, err
}

func profileOf(r query.Agent) (Profile, error) {
	p := Profile{ID: r.ID, Name: r.Name, Email: r.Email, Language: r.Language, Theme: r.Theme, AvatarColor: r.AvatarColor, Keymap: map[string]string{}, Owner: r.Owner}
	return p, fromJSON(r.Keymap, &p.Keymap)
}
