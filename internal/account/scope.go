package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Caller is an authenticated request's who: an agent with his session, or an API key.
type Caller struct {
	care.Scope
	Session int64  // 0 for an API key
	CSRF    string // what unsafe requests of the session must repeat
	Owner   bool   // of the installation
}

var errUnauthorised = &care.Error{Code: "unauthorised", Kind: care.KindUnauthorised}

const (
	sessionIdle = 14 * 24 * time.Hour
	// SessionAge is the longest that a session lasts, however much it is used.
	SessionAge   = 60 * 24 * time.Hour
	slideEvery   = 10 * time.Minute // how exact last-seen times of sessions are
	keyUsedEvery = time.Minute
	// A hint from another node may get lost; this is how long a cached caller lives without one.
	callerAge  = 30 * time.Second
	maxCallers = 20_000
)

// BySession returns who holds the session cookie. ip and userAgent are noted with the session.
func (a *Accounts) BySession(ctx context.Context, token, ip, userAgent string) (Caller, error) {
	if len(token) != tokenLength {
		return Caller{}, errUnauthorised
	}
	hash := hashToken(token)
	now := a.db.Now()
	e, ok := a.callers.get(hash, now)
	if !ok {
		generation := a.callers.generation()
		rows, err := a.read().SessionScope(ctx, query.SessionScopeParams{TokenHash: hash, ExpiresAt: db.At(now)})
		if err != nil {
			return Caller{}, err
		}
		if len(rows) == 0 {
			return Caller{}, errUnauthorised
		}
		e = cachedSession(rows)
		a.callers.put(hash, e, generation, now)
	}
	if now.Sub(e.usedAt) > slideEvery {
		expires := min(db.At(now.Add(sessionIdle)), db.At(e.createdAt.Add(SessionAge)))
		err := a.db.Write(ctx, db.System, func(tx *db.Tx) error {
			return query.New(tx).SlideSession(ctx, query.SlideSessionParams{SeenAt: db.At(now), ExpiresAt: expires, IP: ip, UserAgent: clip(userAgent, 300), ID: e.caller.Session})
		})
		if err != nil {
			return Caller{}, err
		}
		a.callers.used(hash, now)
	}
	return e.caller, nil
}

// ByKey returns what an API key may do.
func (a *Accounts) ByKey(ctx context.Context, key string) (Caller, error) {
	if !strings.HasPrefix(key, keyPrefix) || len(key) != len(keyPrefix)+tokenLength {
		return Caller{}, errUnauthorised
	}
	hash := hashToken(key)
	now := a.db.Now()
	e, ok := a.callers.get(hash, now)
	if !ok {
		generation := a.callers.generation()
		k, err := a.read().KeyByHash(ctx, hash)
		if errors.Is(err, db.ErrNoRows) {
			return Caller{}, errUnauthorised
		}
		if err != nil {
			return Caller{}, err
		}
		e = cached{usedAt: k.LastUsedAt.Time(), endsAt: now.Add(callerAge)}
		var scopes []care.Permission
		if err := json.Unmarshal(k.Scopes, &scopes); err != nil {
			return Caller{}, err
		}
		e.caller.Scope = care.Scope{Key: k.ID, Stores: []int64{k.StoreID}, Permissions: map[int64][]care.Permission{k.StoreID: scopes}, Language: k.Language}
		a.callers.put(hash, e, generation, now)
	}
	if now.Sub(e.usedAt) > keyUsedEvery {
		err := a.db.Write(ctx, db.System, func(tx *db.Tx) error {
			return query.New(tx).KeyUsed(ctx, query.KeyUsedParams{LastUsedAt: db.At(now), ID: e.caller.Key})
		})
		if err != nil {
			return Caller{}, err
		}
		a.callers.used(hash, now)
	}
	return e.caller, nil
}

// cachedSession folds the rows of a session, one per store of the agent.
func cachedSession(rows []query.SessionScopeRow) cached {
	r := rows[0]
	c := Caller{Session: r.ID, CSRF: r.Csrf, Owner: r.Owner, Scope: care.Scope{Agent: r.AgentID, Language: r.Language, Permissions: map[int64][]care.Permission{}}}
	for _, r := range rows {
		if r.StoreID != 0 {
			c.Stores = append(c.Stores, r.StoreID)
			c.Permissions[r.StoreID] = PermissionsOf(r.Role)
		}
	}
	return cached{caller: c, createdAt: r.CreatedAt.Time(), usedAt: r.SeenAt.Time(), endsAt: r.ExpiresAt.Time()}
}

// AnyStore tells whether the caller has the permission in at least one store.
func (c Caller) AnyStore(p care.Permission) bool {
	return slices.ContainsFunc(c.Stores, func(s int64) bool { return c.May(s, p) })
}

type cached struct {
	caller    Caller
	createdAt time.Time
	usedAt    time.Time
	endsAt    time.Time
}

// callerCache keeps what hashed tokens stand for. It is emptied whole whenever anything that bears on
// permissions changes, which is rare; the generation keeps a row read before the change from being put in after it.
type callerCache struct {
	mu  sync.RWMutex
	gen int64
	m   map[string]cached
}

func newCallerCache() *callerCache { return &callerCache{m: map[string]cached{}} }

func (c *callerCache) get(hash string, now time.Time) (cached, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.m[hash]
	return e, ok && now.Before(e.endsAt)
}

func (c *callerCache) generation() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.gen
}

func (c *callerCache) put(hash string, e cached, generation int64, now time.Time) {
	if until := now.Add(callerAge); until.Before(e.endsAt) {
		e.endsAt = until
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen != generation {
		return
	}
	if len(c.m) >= maxCallers {
		clear(c.m)
	}
	c.m[hash] = e
}

func (c *callerCache) used(hash string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.m[hash]; ok {
		e.usedAt = at
		c.m[hash] = e
	}
}

func (c *callerCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	clear(c.m)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
