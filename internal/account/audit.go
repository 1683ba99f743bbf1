package account

import (
	"context"
	"encoding/json"

	"opeka/internal/care"
	"opeka/internal/db"
)

// entry is one line of the audit log in the making. Before and After never hold a secret.
type entry struct {
	Store   int64
	Action  string
	Subject int64
	Name    string
	Before  any
	After   any
}

const insertAudit = `INSERT INTO audit (id, store_id, actor_kind, actor_id, action, subject_id, subject_name, before, after, ip, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// audit notes a change in the transaction that makes it.
func audit(tx *db.Tx, by By, e entry) {
	tx.Defer(insertAudit, tx.ID(), e.Store, tx.Actor.Kind, tx.Actor.ID, e.Action, e.Subject, clip(e.Name, 200), asJSON(e.Before), asJSON(e.After), clip(by.IP, 60), db.At(tx.Now))
}

// auditIn notes a change that concerns several stores, such as of an agent, in each of them.
func auditIn(tx *db.Tx, by By, stores []int64, e entry) {
	for _, s := range stores {
		e.Store = s
		audit(tx, by, e)
	}
}

func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // within a transaction, which turns it into an error: only plain data is audited
	}
	return b
}

// Audited is a line of the audit log.
type Audited struct {
	ID          int64           `json:"id"`
	StoreID     int64           `json:"store_id"`
	ActorKind   string          `json:"actor_kind"`
	ActorID     int64           `json:"actor_id"`
	ActorName   string          `json:"actor_name"`
	Action      string          `json:"action"`
	SubjectID   int64           `json:"subject_id"`
	SubjectName string          `json:"subject_name"`
	Before      json.RawMessage `json:"before"`
	After       json.RawMessage `json:"after"`
	IP          string          `json:"ip"`
	CreatedAt   db.Time         `json:"created_at"`
}

const auditLog = `SELECT u.id, u.store_id, u.actor_kind, u.actor_id, coalesce(a.name, k.name, ''), u.action, u.subject_id, u.subject_name, u.before, u.after, u.ip, u.created_at
FROM audit u LEFT JOIN agents a ON u.actor_kind = 'agent' AND a.id = u.actor_id LEFT JOIN api_keys k ON u.actor_kind = 'key' AND k.id = u.actor_id
WHERE u.store_id = ANY($1::bigint[]) AND ($2 = 0 OR u.id < $2) ORDER BY u.id DESC LIMIT $3`

// Audit lists what was changed in the stores whose log the caller may read, latest first; p.After is the id to go on from.
func (a *Accounts) Audit(ctx context.Context, by By, store int64, p Page) ([]Audited, error) {
	if store != 0 {
		if err := by.Check(store, care.PermAudit); err != nil {
			return nil, err
		}
	}
	rows, err := a.db.Read().Query(ctx, auditLog, by.StoresWith(care.PermAudit, store), p.After, p.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Audited
	for rows.Next() {
		var e Audited
		if err := rows.Scan(&e.ID, &e.StoreID, &e.ActorKind, &e.ActorID, &e.ActorName, &e.Action, &e.SubjectID, &e.SubjectName, &e.Before, &e.After, &e.IP, &e.CreatedAt); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
