package phone

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Handset is an agent's own SIP telephone.
type Handset struct {
	ID           int64   `json:"id"`
	Store        int64   `json:"store_id" doc:"Whose calls it makes"`
	Agent        int64   `json:"agent_id"`
	AgentName    string  `json:"agent_name"`
	Name         string  `json:"name" doc:"The user it registers as"`
	Label        string  `json:"label"`
	RegisteredAt db.Time `json:"registered_at" doc:"Since when it is there; 0: it isn't"`
	SeenAt       db.Time `json:"seen_at"`
	CreatedAt    db.Time `json:"created_at"`
}

// IssuedHandset is a handset with what it signs in with: the only time that this is told.
type IssuedHandset struct {
	Handset
	Password string `json:"password"`
}

// Sealer keeps secrets unreadable in the database.
type Sealer interface {
	Seal(plain []byte, bound string) []byte
	Open(sealed []byte, bound string) ([]byte, error)
}

// Exchange is where agents' own telephones register and are rung: the stack of SIP.
type Exchange interface {
	Start() error
	DialPhone(ctx context.Context, d care.Dialing) (care.Line, error)
	ForgetPhone(name string)
	// Doors tells where it listens: empty before Start.
	Doors() []care.SIPDoor
}

// HandsetServer is what a telephone is set up with beside its name and password.
type HandsetServer struct {
	Realm  string         `json:"realm"`
	Codecs []string       `json:"codecs" doc:"Of which a telephone needs one"`
	Doors  []care.SIPDoor `json:"doors" doc:"Where telephones register; none before the first telephone or trunk is made"`
}

// HandsetServer tells how telephones are set up.
func (p *Phone) HandsetServer(ctx context.Context, s care.Scope) (HandsetServer, error) {
	out := HandsetServer{Realm: "opeka", Codecs: []string{"PCMA", "PCMU"}, Doors: []care.SIPDoor{}}
	if len(s.StoresWith(care.PermPhone, 0)) == 0 {
		return out, care.Forbidden(care.PermPhone)
	}
	if p.exchange != nil && p.sealer != nil {
		out.Doors = append(out.Doors, p.exchange.Doors()...)
	}
	return out, nil
}

const handsetView = `SELECT h.id, h.store_id, h.agent_id, coalesce(g.name, ''), h.name, h.label, h.registered_at, h.seen_at, h.created_at FROM handsets h LEFT JOIN agents g ON g.id = h.agent_id WHERE h.revoked_at = 0`

func (h *Handset) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&h.ID, &h.Store, &h.Agent, &h.AgentName, &h.Name, &h.Label, &h.RegisteredAt, &h.SeenAt, &h.CreatedAt)
}

// maxHandsets is how many an agent may have.
const maxHandsets = 5

var errNoHandsets = &care.Error{Code: "phone.no_handsets", Kind: care.KindUnavailable}

// Handsets lists telephones: the caller's own, and of stores whose people he manages everybody's.
func (p *Phone) Handsets(ctx context.Context, s care.Scope, store, agent int64) (out []Handset, err error) {
	stores := s.StoresWith(care.PermPhone, store)
	if len(stores) == 0 {
		return nil, nil
	}
	rows, err := p.db.Read().Query(ctx, handsetView+` AND h.store_id = ANY($1::bigint[]) AND (CAST($2 AS BIGINT) = 0 OR h.agent_id = $2) ORDER BY h.id LIMIT 1000`, stores, agent)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Handset
		if err := h.scan(rows); err != nil {
			return nil, err
		}
		if h.Agent == s.Agent || s.May(h.Store, care.PermPeople) {
			out = append(out, h)
		}
	}
	return out, rows.Err()
}

// MakeHandset gives an agent credentials for a telephone of his own; without people's management one makes them for oneself alone.
func (p *Phone) MakeHandset(ctx context.Context, by account.By, store, agent int64, label string) (out IssuedHandset, err error) {
	if agent == 0 {
		agent = by.Agent
	}
	need := care.PermPeople
	if agent == by.Agent {
		need = care.PermPhone
	}
	if err := by.Check(store, need); err != nil {
		return out, err
	}
	if p.sealer == nil || p.exchange == nil {
		return out, errNoHandsets
	}
	secret := make([]byte, 20)
	_, _ = rand.Read(secret)
	out.Password = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret))
	err = p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var found, n int64
		err := tx.QueryRow(ctx, `SELECT agent_id FROM memberships WHERE agent_id = $1 AND store_id = $2 AND role IN ('administrator', 'supervisor', 'agent')`, agent, store).Scan(&found)
		if err != nil {
			return missing(err, "agent")
		}
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM handsets WHERE agent_id = $1 AND revoked_at = 0`, agent).Scan(&n); err != nil {
			return err
		}
		if n >= maxHandsets {
			return care.Conflict("phone.handsets_full", "n", int64(maxHandsets))
		}
		// Digits, so that it can be dialled from another telephone; a revoked one's is never given again.
		var name int64
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(CAST(name AS BIGINT)), 1000) + 1 FROM handsets WHERE length(name) < 10`).Scan(&name); err != nil {
			return err
		}
		out.Handset = Handset{ID: tx.ID(), Store: store, Agent: agent, Name: itoa(name), Label: clip(text.MaskCards(label), 80), CreatedAt: db.At(tx.Now)}
		_, err = tx.Exec(ctx, `INSERT INTO handsets (id, store_id, agent_id, name, label, secret, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			out.ID, store, agent, out.Name, out.Label, p.sealer.Seal([]byte(out.Password), handsetBound(out.ID)), by.Agent, out.CreatedAt)
		p.audited(tx, by, store, "handset.made", out.ID, out.Name, nil, map[string]any{"agent_id": agent, "label": out.Label})
		return err
	})
	if err == nil {
		err = p.exchange.Start()
	}
	return out, err
}

func handsetBound(id int64) string { return "handset:" + itoa(id) }

// RevokeHandset ends a telephone's right to be there, at once.
func (p *Phone) RevokeHandset(ctx context.Context, by account.By, id int64) error {
	return p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var h Handset
		if err := h.scan(tx.QueryRow(ctx, handsetView+` AND h.id = $1`, id)); err != nil {
			return missing(err, "handset")
		}
		need := care.PermPeople
		if h.Agent == by.Agent {
			need = care.PermPhone
		}
		if err := allow(by.Scope, h.Store, need, "handset"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE handsets SET revoked_at = $1, registered_at = 0 WHERE id = $2`, db.At(tx.Now), id); err != nil {
			return err
		}
		p.audited(tx, by, h.Store, "handset.revoked", id, h.Name, nil, map[string]any{"agent_id": h.Agent})
		if p.exchange != nil {
			tx.AfterCommit(func() { p.exchange.ForgetPhone(h.Name) })
		}
		if err := p.handsetThere(ctx, tx, h, false); err != nil {
			return err
		}
		// When he comes to the telephone again it is by his browser: that one can't be chosen any more.
		_, err := tx.Exec(ctx, `UPDATE phone_agents SET device = '' WHERE agent_id = $1 AND device = $2`, h.Agent, h.Name)
		return err
	})
}

// Password implements the telephone book of the exchange.
func (p *Phone) Password(name string) (string, bool) {
	var id int64
	var sealed []byte
	err := p.db.Read().QueryRow(p.ctx, `SELECT h.id, h.secret FROM handsets h JOIN agents g ON g.id = h.agent_id WHERE h.name = $1 AND h.revoked_at = 0 AND g.active`, name).Scan(&id, &sealed)
	if err != nil || p.sealer == nil {
		return "", false
	}
	plain, err := p.sealer.Open(sealed, handsetBound(id))
	return string(plain), err == nil && len(plain) > 0
}

// Registered hears from the exchange which telephones are there. An agent who is at the telephone by his own one is taken off when it goes, and back when it returns.
func (p *Phone) Registered(name string, here bool) {
	err := p.db.Write(p.ctx, db.System, func(tx *db.Tx) error {
		var h Handset
		if err := h.scan(tx.QueryRow(p.ctx, handsetView+` AND h.name = $1`, name)); err != nil {
			return ignoreNone(err)
		}
		since := db.Time(0)
		if here {
			since = db.At(tx.Now)
		}
		if _, err := tx.Exec(p.ctx, `UPDATE handsets SET registered_at = $1, seen_at = $2 WHERE id = $3`, since, db.At(tx.Now), h.ID); err != nil {
			return err
		}
		return p.handsetThere(p.ctx, tx, h, here)
	})
	if err != nil && p.ctx.Err() == nil {
		p.log.Error("a telephone's coming or going couldn't be kept", "phone", name, "err", err)
	}
}

// handsetGone is why an agent was taken off the telephone whose own one isn't there any more.
const handsetGone = "handset_gone"

func (p *Phone) handsetThere(ctx context.Context, tx *db.Tx, h Handset, here bool) error {
	p.hintAgent(tx, h.Agent, map[string]any{"t": "phone", "event": "handset", "handset_id": h.ID, "name": h.Name, "registered": here})
	p.hint(tx, h.Store, map[string]any{"t": "phone.agent", "agent_id": h.Agent, "state": ""}) // who looks after telephones sees it come and go
	sql, why := `UPDATE phone_agents SET reachable = FALSE, reason = $1 WHERE agent_id = $2 AND device = $3 AND reachable`, handsetGone
	if here {
		sql = `UPDATE phone_agents SET reachable = TRUE, reason = '' WHERE reason = $1 AND agent_id = $2 AND device = $3 AND NOT reachable`
	}
	tag, err := tx.Exec(ctx, sql, why, h.Agent, h.Name)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	if err := p.atDesk(ctx, tx, h.Agent); err != nil {
		return err
	}
	p.agentChanged(ctx, tx, h.Agent, "")
	if here {
		return p.serve(ctx, tx, h.Agent)
	}
	p.hintAgent(tx, h.Agent, map[string]any{"t": "phone", "event": "off", "reason": why})
	return nil
}

// ownDevice checks that an agent can be rung where he says that he is.
func (p *Phone) ownDevice(ctx context.Context, q db.Querier, agent int64, device string) error {
	if device == "" {
		return nil
	}
	var since db.Time
	err := q.QueryRow(ctx, `SELECT registered_at FROM handsets WHERE name = $1 AND agent_id = $2 AND revoked_at = 0`, device, agent).Scan(&since)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return care.NotFound("handset")
	case err == nil && since == 0:
		return care.Conflict("phone.handset_away")
	}
	return err
}

// openHandsets lets telephones register, if there are any; which of them are there is known when they do so again.
func (p *Phone) openHandsets(ctx context.Context) error {
	if p.exchange == nil || p.sealer == nil {
		return nil
	}
	var n int64
	if err := p.db.Read().QueryRow(ctx, `SELECT count(*) FROM handsets WHERE revoked_at = 0`).Scan(&n); err != nil || n == 0 {
		return err
	}
	if p.db.Engine == db.SQLite { // one process: nobody else holds a registration
		err := p.db.Write(ctx, db.System, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE phone_agents SET reachable = FALSE, reason = $1 WHERE reachable AND device <> ''`, handsetGone); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE handsets SET registered_at = 0 WHERE registered_at <> 0`)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := p.exchange.Start(); err != nil {
		p.log.Warn("agents' own telephones can't register", "err", err)
	}
	return nil
}
