package notify

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// InForce is a policy as it is kept. Version 0 is the one that ships.
type InForce struct {
	Store     int64   `json:"store_id"`
	Version   int64   `json:"version"`
	Latest    int64   `json:"latest" doc:"The version in force"`
	Policy    Policy  `json:"policy"`
	Comment   string  `json:"comment"`
	Agent     int64   `json:"agent_id"`
	CreatedAt db.Time `json:"created_at"`
}

// PolicyVersion is a line of a policy's history.
type PolicyVersion struct {
	Version   int64   `json:"version"`
	Comment   string  `json:"comment"`
	Agent     int64   `json:"agent_id"`
	AgentName string  `json:"agent_name"`
	CreatedAt db.Time `json:"created_at"`
}

// Policy returns a version of a store's policy; the one in force when version is nil.
func (n *Notify) Policy(ctx context.Context, s care.Scope, store int64, version *int64) (InForce, error) {
	f := InForce{Store: store, Policy: DefaultPolicy()}
	if err := s.Check(store, care.PermSettings); err != nil {
		return f, err
	}
	q := n.db.Read()
	if err := q.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM notice_policies WHERE store_id = $1`, store).Scan(&f.Latest); err != nil {
		return f, err
	}
	f.Version = f.Latest
	if version != nil {
		f.Version = *version
	}
	if f.Version == 0 {
		return f, nil
	}
	var raw json.RawMessage
	err := q.QueryRow(ctx, `SELECT policy, comment, actor_id, created_at FROM notice_policies WHERE store_id = $1 AND version = $2`, store, f.Version).Scan(&raw, &f.Comment, &f.Agent, &f.CreatedAt)
	if err == db.ErrNoRows {
		return f, care.NotFound("policy")
	}
	if err != nil {
		return f, err
	}
	f.Policy = Policy{}
	return f, json.Unmarshal(raw, &f.Policy)
}

// PolicyVersions lists a policy's versions below before (0: from the latest), the latest first.
func (n *Notify) PolicyVersions(ctx context.Context, s care.Scope, store, before, limit int64) ([]PolicyVersion, error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return nil, err
	}
	if before == 0 {
		before = 1 << 62
	}
	out := []PolicyVersion{}
	err := each(ctx, n.db.Read(), `SELECT p.version, p.comment, p.actor_id, coalesce(a.name, ''), p.created_at FROM notice_policies p LEFT JOIN agents a ON a.id = p.actor_id
WHERE p.store_id = $1 AND p.version < $2 ORDER BY p.version DESC LIMIT $3`, []any{store, before, limit}, func(rows pgx.Rows) error {
		var v PolicyVersion
		err := rows.Scan(&v.Version, &v.Comment, &v.Agent, &v.AgentName, &v.CreatedAt)
		out = append(out, v)
		return err
	})
	return out, err
}

// PolicyInput is a policy to put in force. Version is the one that it was made from.
type PolicyInput struct {
	Policy  Policy `json:"policy"`
	Comment string `json:"comment,omitempty" maxLength:"500"`
	Version int64  `json:"version" minimum:"0"`
}

// SavePolicy puts a new version in force. What is planned already keeps the values that it was planned with.
func (n *Notify) SavePolicy(ctx context.Context, by account.By, store int64, in PolicyInput) (InForce, error) {
	f := InForce{Store: store, Policy: in.Policy, Comment: in.Comment, Agent: by.Agent}
	if err := by.Check(store, care.PermSettings); err != nil {
		return f, err
	}
	if err := n.CheckPolicy(ctx, by.Scope, store, in.Policy); err != nil {
		return f, err
	}
	raw, err := json.Marshal(in.Policy)
	if err != nil {
		return f, err
	}
	err = n.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var latest int64
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM notice_policies WHERE store_id = $1`, store).Scan(&latest); err != nil {
			return err
		}
		if latest != in.Version {
			return care.Conflict("stale")
		}
		f.Version, f.Latest, f.CreatedAt = latest+1, latest+1, db.At(tx.Now)
		tag, err := tx.Exec(ctx, `INSERT INTO notice_policies (id, store_id, version, policy, comment, actor_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (store_id, version) DO NOTHING`,
			tx.ID(), store, f.Version, json.RawMessage(raw), in.Comment, by.Agent, f.CreatedAt)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("stale")
		}
		if n.o.Audit != nil {
			n.o.Audit(tx, by, store, "notify.policy_changed", store, in.Comment, map[string]any{"version": latest}, map[string]any{"version": f.Version})
		}
		return nil
	})
	return f, err
}

// CheckPolicy says what is wrong with a policy, each mistake with its place.
func (n *Notify) CheckPolicy(ctx context.Context, s care.Scope, store int64, p Policy) error {
	if err := s.Check(store, care.PermSettings); err != nil {
		return err
	}
	for i, d := range p.Detectors {
		if d.Department == 0 {
			continue
		}
		var owner int64
		err := n.db.Read().QueryRow(ctx, `SELECT store_id FROM departments WHERE id = $1`, d.Department).Scan(&owner)
		if err != nil && err != db.ErrNoRows {
			return err
		}
		if err != nil || owner != store {
			return care.Invalid("detectors["+itoa(i)+"].department_id", "value_invalid")
		}
	}
	facts, err := n.storeFacts(ctx, store)
	if err != nil {
		return err
	}
	_, err = Compile(p, 0, facts.Zone)
	return err
}

func (n *Notify) storeFacts(ctx context.Context, store int64) (f StoreFacts, err error) {
	var zone string
	f.ID = store
	err = n.db.Read().QueryRow(ctx, `SELECT name, language, color, time_zone FROM stores WHERE id = $1`, store).Scan(&f.Name, &f.Language, &f.Color, &zone)
	if err == db.ErrNoRows {
		return f, care.NotFound("store")
	}
	if err != nil {
		return f, err
	}
	if f.Zone, err = time.LoadLocation(zone); err != nil {
		f.Zone = time.UTC
	}
	return f, nil
}
