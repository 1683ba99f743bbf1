package commerce

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
)

// SyncStatus is how the program stands with a shop.
type SyncStatus struct {
	Connection      int64          `json:"connection_id"`
	Phase           string         `json:"phase" enum:"idle,importing,live,paused" doc:"idle: no import was ever begun."`
	State           string         `json:"state" enum:"ok,degraded,auth_failed,paused"`
	Failures        int64          `json:"failures" doc:"In a row."`
	FailingSinceAt  db.Time        `json:"failing_since_at"`
	ImportStartedAt db.Time        `json:"import_started_at"`
	ImportEndedAt   db.Time        `json:"import_ended_at"`
	Progress        []KindProgress `json:"progress"`
	PolledAt        db.Time        `json:"polled_at"`
	RescannedAt     db.Time        `json:"rescanned_at"`
	Hooks           HookHealth     `json:"hooks"`
}

// KindProgress is how far a kind of record was read.
type KindProgress struct {
	Kind    string  `json:"kind"`
	Records int64   `json:"records" doc:"Read so far, over all imports and polls since the import began."`
	Total   int64   `json:"total" doc:"As the shop counted when the import began; 0: it didn't say."`
	Done    bool    `json:"done"`
	ReadAt  db.Time `json:"read_at"`
}

// HookHealth is how the pushing stands.
type HookHealth struct {
	Supported bool              `json:"supported"`
	URL       string            `json:"url" doc:"Where the shop pushes to; empty while the installation has no public address."`
	Topics    []care.HookStatus `json:"topics"`
	CheckedAt db.Time           `json:"checked_at"`
	LatestAt  db.Time           `json:"latest_at" doc:"When the last one came."`
	Day       int64             `json:"last_day" doc:"How many came in the last 24 hours."`
	Refused   int64             `json:"refused" doc:"How many had a wrong signature."`
	RefusedAt db.Time           `json:"refused_at"`
	Revived   int64             `json:"revived" doc:"How often dead ones were brought back."`
	Error     string            `json:"error"`
}

// managed returns a connection that the caller may manage.
func (s *Sync) managed(ctx context.Context, scope care.Scope, id int64) (account.LiveConnection, error) {
	c, err := s.connections.Connection(ctx, id)
	if err != nil {
		return c, err
	}
	if !scope.In(c.Store) {
		return account.LiveConnection{}, care.NotFound("connection")
	}
	return c, scope.Check(c.Store, care.PermConnections)
}

// Status tells how the program stands with a shop.
func (s *Sync) Status(ctx context.Context, scope care.Scope, id int64) (SyncStatus, error) {
	c, err := s.managed(ctx, scope, id)
	if err != nil {
		return SyncStatus{}, err
	}
	out := SyncStatus{Connection: id, Phase: "idle", State: c.State, Progress: []KindProgress{}, Hooks: HookHealth{URL: c.HookURL, Topics: []care.HookStatus{}}}
	if ses, err := s.session(c); err == nil {
		_, out.Hooks.Supported = ses.shop.(care.HookReceiver)
	}
	q := query.New(s.db.Read())
	row, err := q.Sync(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Phase = row.Phase
	if c.State == account.StatePaused {
		out.Phase = account.StatePaused
	}
	out.Failures, out.FailingSinceAt = row.Failures, row.FailingSinceAt
	out.ImportStartedAt, out.ImportEndedAt = row.ImportStartedAt, row.ImportEndedAt
	out.PolledAt, out.RescannedAt = row.PolledAt, row.RescannedAt
	h := &out.Hooks
	h.CheckedAt, h.Refused, h.RefusedAt, h.Revived, h.Error = row.HooksAt, row.RefusedHooks, row.RefusedAt, row.HooksRevived, row.HooksError
	if err := json.Unmarshal(row.Hooks, &h.Topics); err != nil {
		return out, err
	}
	at, err := s.latestHook(ctx, id)
	if err != nil {
		return out, err
	}
	h.LatestAt = db.At(at)
	if h.Day, err = q.CountHooks(ctx, query.CountHooksParams{ConnectionID: id, ReceivedAt: db.At(s.db.Now().Add(-24 * time.Hour))}); err != nil {
		return out, err
	}
	cursors, err := q.Cursors(ctx, id)
	for _, k := range cursors {
		out.Progress = append(out.Progress, KindProgress{k.Kind, k.Records, k.Total, k.Imported, k.ReadAt})
	}
	return out, err
}

// shown makes an error of a shop one that can be shown to the person who connects it.
func shown(err error) error {
	var e *care.Error
	if errors.As(err, &e) {
		return err
	}
	var auth *care.AuthError
	if errors.As(err, &auth) {
		return &care.Error{Code: "connection.auth_failed", Kind: care.KindConflict, Cause: err}
	}
	return &care.Error{Code: "connection.unreachable", Kind: care.KindConflict, Cause: err}
}

// Start begins the (whole) import of a shop on behalf of an administrator.
func (s *Sync) Start(ctx context.Context, scope care.Scope, actor db.Actor, id int64) (SyncStatus, error) {
	if _, err := s.managed(ctx, scope, id); err != nil {
		return SyncStatus{}, err
	}
	if err := s.Begin(ctx, actor, id); err != nil {
		return SyncStatus{}, err
	}
	return s.Status(ctx, scope, id)
}

// RegisterHooks makes the shop push to us now, and tells how that went.
func (s *Sync) RegisterHooks(ctx context.Context, scope care.Scope, id int64) (SyncStatus, error) {
	c, err := s.managed(ctx, scope, id)
	if err != nil {
		return SyncStatus{}, err
	}
	ses, err := s.session(c)
	if err != nil {
		return SyncStatus{}, err
	}
	receiver, ok := ses.shop.(care.HookReceiver)
	switch {
	case !ok:
		return SyncStatus{}, care.Conflict("connection.no_hooks")
	case c.HookURL == "":
		return SyncStatus{}, care.Conflict("connection.no_public_address")
	}
	statuses, err := receiver.RegisterHooks(ctx, c.HookURL)
	if err != nil {
		return SyncStatus{}, shown(err)
	}
	l := live{LiveConnection: c, session: ses}
	if err := s.db.Write(ctx, db.System, func(tx *db.Tx) error {
		return s.noteHooks(ctx, tx, query.New(tx), l, statuses, 0, nil)
	}); err != nil {
		return SyncStatus{}, err
	}
	return s.Status(ctx, scope, id)
}
