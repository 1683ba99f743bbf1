package account

import (
	"context"
	"errors"
	"strings"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// SetUp is what the first run asks for.
type SetUp struct {
	StoreName string `json:"store_name" minLength:"1" maxLength:"100"`
	TimeZone  string `json:"time_zone,omitempty" maxLength:"60"`
	Language  string `json:"language,omitempty" enum:"en,uk,ru,pl"`
	Currency  string `json:"currency,omitempty" maxLength:"3"`
	Name      string `json:"name" minLength:"1" maxLength:"100"`
	Email     string `json:"email" maxLength:"200"`
	Password  string `json:"password" maxLength:"200"`
}

// SetUpNeeded tells whether the first run is still to be done.
func (a *Accounts) SetUpNeeded(ctx context.Context) (bool, error) {
	n, err := a.read().Installed(ctx)
	return n == 0, err
}

// SetUp makes the first store and its administrator, who owns the installation. Only the first call succeeds, also of several at once.
func (a *Accounts) SetUp(ctx context.Context, by By, s SetUp) (agent, store int64, err error) {
	if needed, err := a.SetUpNeeded(ctx); err != nil || !needed {
		return 0, 0, errors.Join(err, care.Conflict("setup.done"))
	}
	s.Email = normalEmail(s.Email)
	if s.Language == "" {
		s.Language = "en"
	}
	var wrong problems
	wrong.add(checkName("name", s.Name))
	wrong.add(checkEmail("email", s.Email))
	wrong.add(checkPassword("password", s.Password))
	if err := wrong.err(); err != nil {
		return 0, 0, err
	}
	hash, err := a.hashPassword(ctx, s.Password)
	if err != nil {
		return 0, 0, err
	}
	change := StoreChange{Name: &s.StoreName, Language: &s.Language}
	if s.TimeZone != "" {
		change.TimeZone = &s.TimeZone
	}
	if s.Currency != "" {
		change.Currency = &s.Currency
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		n, err := q.Install(ctx, db.At(tx.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			return care.Conflict("setup.done")
		}
		made, err := a.openStore(ctx, tx, q, change)
		if err != nil {
			return storeName(err)
		}
		store, agent = made.ID, tx.ID()
		err = q.InsertAgent(ctx, query.InsertAgentParams{
			ID: agent, Name: strings.TrimSpace(s.Name), Email: s.Email, Password: hash, Language: s.Language, AvatarColor: colorOf(agent), Keymap: []byte(`{}`), Owner: true, CreatedAt: db.At(tx.Now),
		})
		if err != nil {
			return err
		}
		if err := q.SetMembership(ctx, query.SetMembershipParams{AgentID: agent, StoreID: store, Role: RoleAdministrator}); err != nil {
			return err
		}
		audit(tx, by, entry{Store: store, Action: "installation.set_up", Subject: agent, Name: s.Email})
		return q.InsertPresence(ctx, query.InsertPresenceParams{AgentID: agent, SinceAt: db.At(tx.Now)})
	})
	return agent, store, err
}

// storeName lets an error about a store's name point at the field of the set-up.
func storeName(err error) error {
	var e *care.Error
	if errors.As(err, &e) && e.Field == "name" {
		e.Field = "store_name"
	}
	return err
}

// CreateAdmin does the set-up without a browser. On an installation that is set up it changes nothing and returns false.
func (a *Accounts) CreateAdmin(ctx context.Context, email, password string) (created bool, err error) {
	needed, err := a.SetUpNeeded(ctx)
	if err != nil || !needed {
		return false, err
	}
	name, _, _ := strings.Cut(email, "@")
	if name == "" {
		name = email
	}
	_, _, err = a.SetUp(ctx, By{}, SetUp{StoreName: "My shop", Name: name, Email: email, Password: password})
	if errors.Is(err, care.Conflict("setup.done")) {
		return false, nil // another node was first
	}
	return err == nil, err
}

// avatarColors are told apart in both themes and carry white initials.
var avatarColors = []string{"#b3452c", "#8a5a00", "#4d7c0f", "#0f766e", "#1d6fa5", "#4f55c8", "#8b3fb8", "#b0306f"}

func colorOf(id int64) string { return avatarColors[(id>>8)%int64(len(avatarColors))] }
