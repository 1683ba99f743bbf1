package commerce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
	"opeka/internal/job"
)

const (
	keepHooks  = 14 * 24 * time.Hour
	checkHooks = 30 * time.Minute
	gather     = 200 * time.Millisecond // hints of a burst are fetched together
	hintBatch  = 40
)

// Delivery is what became of a pushed hook.
type Delivery struct {
	Verdict   string // accepted, ping, ignored
	Hints     int
	Duplicate bool
}

// ReceiveHook checks what was pushed to the address with the token, keeps it as it came and writes down what is to be fetched, in one
// transaction. A wrong signature is KindUnauthorised, an unknown token not found. Hooks of a paused connection are kept and ignored.
func (s *Sync) ReceiveHook(ctx context.Context, token string, header http.Header, topic string, body []byte) (Delivery, error) {
	c, err := s.connections.ConnectionByHook(ctx, token)
	if err != nil {
		return Delivery{}, err
	}
	ses, err := s.session(c)
	if err != nil {
		return Delivery{}, err
	}
	receiver, ok := ses.shop.(care.HookReceiver)
	if !ok {
		return Delivery{}, care.NotFound("connection")
	}
	hints, name, err := receiver.VerifyHook(header, body)
	if err != nil {
		if e := s.db.Write(ctx, db.System, func(tx *db.Tx) error {
			return query.New(tx).NoteRefusedHook(ctx, query.NoteRefusedHookParams{RefusedAt: db.At(tx.Now), ConnectionID: c.ID})
		}); e != nil {
			return Delivery{}, e
		}
		var known *care.Error
		if errors.As(err, &known) {
			return Delivery{}, err
		}
		return Delivery{}, &care.Error{Code: "hook.signature", Kind: care.KindUnauthorised, Cause: err}
	}
	if name == "" {
		sum := sha256.Sum256(body)
		name = "sha256:" + hex.EncodeToString(sum[:])
	}
	d := Delivery{Verdict: "accepted", Hints: len(hints)}
	switch {
	case c.State == account.StatePaused:
		d.Verdict = "ignored"
	case len(hints) == 0:
		d.Verdict = "ping"
	}
	err = s.db.Write(ctx, db.Actor{Kind: care.ActorPlug, ID: c.ID}, func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO hook_deliveries (id, store_id, connection_id, delivery, verdict, topic, hints, body, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (connection_id, delivery) DO NOTHING`,
			tx.ID(), c.Store, c.ID, name, d.Verdict, clipTopic(topic), int64(len(hints)), body, db.At(tx.Now))
		if err != nil {
			return err
		}
		if d.Duplicate = tag.RowsAffected() == 0; d.Duplicate || d.Verdict != "accepted" {
			return nil
		}
		for _, h := range hints {
			tx.Defer(`INSERT INTO shop_hints (connection_id, kind, external_id, hinted_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (connection_id, kind, external_id) DO UPDATE SET hinted_at = excluded.hinted_at`, c.ID, string(h.Kind), h.ExternalID, db.At(tx.Now))
		}
		tx.Enqueue(work(jobHints, c.Store, c.ID, tx.Now.Add(gather)))
		return nil
	})
	return d, err
}

func clipTopic(t string) string {
	if len(t) > 100 {
		t = t[:100]
	}
	for i := 0; i < len(t); i++ {
		if t[i] < ' ' || t[i] > '~' {
			return ""
		}
	}
	return t
}

// runHints fetches what hooks have spoken of, everything once.
func (s *Sync) runHints(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofConnection
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	l, err := s.open(ctx, p.Connection)
	if err != nil {
		if errors.Is(err, errIdle) {
			return nil, nil
		}
		return s.idle(ctx, p.Connection, j.Store, jobHints, err)
	}
	if !l.fetching.TryLock() {
		return func(tx *db.Tx) error {
			tx.Enqueue(work(jobHints, l.Store, l.ID, tx.Now.Add(time.Second)))
			return nil
		}, nil
	}
	defer l.fetching.Unlock()
	hints, err := query.New(s.db.Read()).Hints(ctx, query.HintsParams{ConnectionID: l.ID, Limit: hintBatch})
	if err != nil || len(hints) == 0 {
		return nil, err
	}
	byKind := map[care.RecordKind][]string{}
	for _, h := range hints {
		byKind[care.RecordKind(h.Kind)] = append(byKind[care.RecordKind(h.Kind)], h.ExternalID)
	}
	for _, kind := range fetchOrder(l.shop.Kinds(), byKind) {
		if err = s.refetch(ctx, l, kind, byKind[kind]); err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return func(tx *db.Tx) error {
		q := query.New(tx)
		wait, nerr := s.note(ctx, tx, q, l, err)
		if nerr != nil {
			return nerr
		}
		if err != nil { // the hints stay; polls find the same meanwhile
			tx.Enqueue(work(jobHints, l.Store, l.ID, tx.Now.Add(max(wait, 5*time.Second))))
			return nil
		}
		for _, h := range hints { // one that came again meanwhile is newer and stays
			if err := q.ForgetHint(ctx, query.ForgetHintParams{ConnectionID: l.ID, Kind: h.Kind, ExternalID: h.ExternalID, HintedAt: h.HintedAt}); err != nil {
				return err
			}
		}
		if len(hints) == hintBatch {
			tx.Enqueue(work(jobHints, l.Store, l.ID, tx.Now))
		}
		return nil
	}, nil
}

// fetchOrder puts the kinds of hints in the order in which a shop is read, customers before their orders. A shop
// that only pushes lists no kinds: its hints are fetched in the order in which records depend on each other.
func fetchOrder(listed []care.RecordKind, hinted map[care.RecordKind][]string) []care.RecordKind {
	kinds := slices.Clone(listed)
	others := slices.SortedFunc(maps.Keys(hinted), func(a, b care.RecordKind) int { return kindRank[a] - kindRank[b] })
	for _, kind := range others {
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (s *Sync) refetch(ctx context.Context, l live, kind care.RecordKind, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	records, err := l.shop.Fetch(ctx, kind, ids)
	if err != nil {
		return err
	}
	if kind == care.KindProduct {
		// A variation that was deleted is told under its own id: its product knows what is left.
		var parents []string
		for _, r := range records {
			if !r.Deleted {
				continue
			}
			parent, err := query.New(s.db.Read()).ProductOfVariant(ctx, query.ProductOfVariantParams{ConnectionID: l.ID, ExternalID: r.ExternalID})
			if err == nil && parent != r.ExternalID && !slices.Contains(ids, parent) {
				parents = append(parents, parent)
			} else if err != nil && !errors.Is(err, db.ErrNoRows) {
				return err
			}
		}
		if len(parents) > 0 {
			more, err := l.shop.Fetch(ctx, kind, parents)
			if err != nil {
				return err
			}
			records = append(records, more...)
		}
	}
	_, err = s.apply(ctx, l, records)
	return err
}

// runHooks makes the shop push to us, and looks every half an hour whether it still does: shops switch hooks off and tell nobody.
func (s *Sync) runHooks(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofConnection
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	l, err := s.open(ctx, p.Connection)
	if err != nil {
		return s.idle(ctx, p.Connection, j.Store, jobHooks, err)
	}
	if _, pushes := l.shop.(care.HookReceiver); !pushes || l.HookURL == "" {
		return nil, nil // the watch asks again each minute, for when the installation gets an address
	}
	silent := l.sync.UnhintedAt != 0 && s.db.Now().Sub(l.sync.UnhintedAt.Time()) >= hookGrace
	statuses, revived, cause := s.ensureHooks(ctx, l, silent)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return func(tx *db.Tx) error {
		q := query.New(tx)
		if err := s.noteHooks(ctx, tx, q, l, statuses, revived, cause); err != nil {
			return err
		}
		tx.Enqueue(work(jobHooks, l.Store, l.ID, tx.Now.Add(jitter(checkHooks))))
		return nil
	}, nil
}

// noteHooks keeps how the hooks stand. That they were dead is told, even when they are well again at once.
func (s *Sync) noteHooks(ctx context.Context, tx *db.Tx, q *query.Queries, l live, statuses []care.HookStatus, revived int64, cause error) error {
	text := ""
	if cause != nil {
		text = reason(cause)
		s.o.Log.Warn("a shop's hooks can't be looked after", "connection", l.ID, "err", cause)
	}
	b, err := json.Marshal(statuses)
	if err != nil {
		return err
	}
	if statuses == nil {
		b = l.sync.Hooks
	}
	if err := q.NoteHooks(ctx, query.NoteHooksParams{Hooks: b, HooksAt: db.At(tx.Now), HooksError: text, HooksRevived: revived, ConnectionID: l.ID}); err != nil {
		return err
	}
	s.hint(tx, l.Store, l.ID)
	if revived == 0 || l.State != account.StateOK {
		return nil
	}
	if err := s.connections.SetConnectionState(ctx, tx, l.ID, account.StateDegraded, "hooks had stopped coming and were registered again"); err != nil {
		return err
	}
	if cause == nil {
		return s.connections.SetConnectionState(ctx, tx, l.ID, account.StateOK, "")
	}
	return nil
}

// ensureHooks looks how the hooks stand and registers them (again) where that is needed; revived counts those that were dead.
func (s *Sync) ensureHooks(ctx context.Context, l live, silent bool) ([]care.HookStatus, int64, error) {
	receiver := l.shop.(care.HookReceiver)
	before := 0 // those that were well when last looked at
	var known []care.HookStatus
	_ = json.Unmarshal(l.sync.Hooks, &known)
	for _, h := range known {
		if h.Active {
			before++
		}
	}
	if inspector, ok := l.shop.(care.HookInspector); ok && before > 0 && !silent {
		statuses, err := inspector.HookStatuses(ctx, l.HookURL)
		if err != nil {
			return nil, 0, err
		}
		active := 0
		for _, h := range statuses {
			if h.Active {
				active++
			}
		}
		if active >= before {
			return statuses, 0, nil
		}
	}
	statuses, err := receiver.RegisterHooks(ctx, l.HookURL)
	var revived int64
	for _, h := range statuses {
		if h.Revived {
			revived++
		}
	}
	if silent && revived == 0 && err == nil {
		revived = 1 // they stood as well as ever, and yet nothing came: something between the shop and us
	}
	return statuses, revived, err
}

// forgetHooks drops deliveries that nobody will ask for any more.
func (s *Sync) forgetHooks(ctx context.Context, _ job.Job) (job.Done, error) {
	for {
		var n int64
		err := s.db.Write(ctx, db.System, func(tx *db.Tx) (err error) {
			n, err = query.New(tx).ForgetDeliveries(ctx, db.At(tx.Now.Add(-keepHooks)))
			return err
		})
		if err != nil || n == 0 {
			return nil, err
		}
	}
}
