package account

import (
	"context"
	"slices"
	"strings"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Key is an API key of a store, without its secret, which is shown once.
type Key struct {
	ID         int64             `json:"id"`
	StoreID    int64             `json:"store_id"`
	Name       string            `json:"name"`
	Hint       string            `json:"hint" doc:"The first characters of the key"`
	Scopes     []care.Permission `json:"scopes"`
	CreatedBy  int64             `json:"created_by"`
	CreatedAt  db.Time           `json:"created_at"`
	LastUsedAt db.Time           `json:"last_used_at"`
}

// Keys lists the keys of the stores in which the caller manages them.
func (a *Accounts) Keys(ctx context.Context, by By, store int64, p Page) ([]Key, error) {
	if store != 0 {
		if err := by.Check(store, care.PermKeys); err != nil {
			return nil, err
		}
	}
	rows, err := a.read().Keys(ctx, query.KeysParams{Stores: by.StoresWith(care.PermKeys, store), After: p.After, Lim: p.Limit})
	if err != nil {
		return nil, err
	}
	out := make([]Key, len(rows))
	for i, r := range rows {
		if out[i], err = keyOf(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// CreateKey makes a key and returns its secret, which is kept nowhere. Nobody gives a key what he may not do himself.
func (a *Accounts) CreateKey(ctx context.Context, by By, store int64, name string, scopes []care.Permission) (k Key, secret string, err error) {
	if err := by.Check(store, care.PermKeys); err != nil {
		return k, "", err
	}
	name = strings.TrimSpace(name)
	var wrong problems
	wrong.add(checkName("name", name))
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	wrong.when(len(scopes) == 0, "scopes", "too_few", "min", 1)
	for _, p := range scopes {
		if !slices.Contains(Permissions, p) {
			wrong.when(true, "scopes", "permission_unknown", "value", string(p))
		} else {
			wrong.when(!by.May(store, p), "scopes", "scope_beyond", "permission", string(p))
		}
	}
	if err := wrong.err(); err != nil {
		return k, "", err
	}
	secret = keyPrefix + newToken()
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		k = Key{ID: tx.ID(), StoreID: store, Name: name, Hint: secret[:len(keyPrefix)+6], Scopes: scopes, CreatedBy: by.Agent, CreatedAt: db.At(tx.Now)}
		audit(tx, by, entry{Store: store, Action: "key.created", Subject: k.ID, Name: name, After: k})
		return q.InsertKey(ctx, query.InsertKeyParams{ID: k.ID, StoreID: store, Name: name, Hint: k.Hint, Hash: hashToken(secret), Scopes: asJSON(scopes), CreatedBy: by.Agent, CreatedAt: k.CreatedAt})
	})
	return k, secret, err
}

// RevokeKey ends a key at once.
func (a *Accounts) RevokeKey(ctx context.Context, by By, id int64) error {
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := q.Key(ctx, id)
		if err != nil {
			return missing(err, "key")
		}
		if err := own(by, row.StoreID, care.PermKeys, "key"); err != nil {
			return err
		}
		k, err := keyOf(row)
		if err != nil {
			return err
		}
		a.forgetScopes(tx)
		audit(tx, by, entry{Store: k.StoreID, Action: "key.revoked", Subject: id, Name: k.Name, Before: k})
		n, err := q.RevokeKey(ctx, query.RevokeKeyParams{RevokedAt: db.At(tx.Now), ID: id})
		return changed(n, err, "key")
	})
}

func keyOf(r query.ApiKey) (Key, error) {
	k := Key{ID: r.ID, StoreID: r.StoreID, Name: r.Name, Hint: r.Hint, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt}
	return k, fromJSON(r.Scopes, &k.Scopes)
}
