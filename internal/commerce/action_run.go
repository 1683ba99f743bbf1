package commerce

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/text"
)

const (
	actionAttempts = 12             // about an hour of silence or trouble
	pendingFor     = 72 * time.Hour // then nobody believes in it any more
	maxReason      = 1000
)

// errPaused puts an action off: somebody paused the connection after it was asked for.
var errPaused = errors.New("the connection is paused")

func actionJob(a query.ShopAction, at time.Time) db.Job {
	return db.Job{Store: a.StoreID, Kind: jobAction, Key: strconv.FormatInt(a.ID, 10), RunAt: at, Payload: ofAction{a.ID}, MaxAttempts: actionAttempts + 8}
}

// upshot is what has become of an action so far.
type upshot struct {
	state  string
	reason string // code, or "shop:" and the shop's words
	after  time.Duration
}

// runAction asks the shop, or asks it again. The action's own id goes with every request, so that a process which dies
// between the shop's doing and our writing it down makes nothing happen twice.
func (s *Sync) runAction(ctx context.Context, j job.Job) (job.Done, error) {
	var p ofAction
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	a, err := query.New(s.db.Read()).Action(ctx, p.Action)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil // erased with its shop
	}
	if err != nil {
		return nil, err
	}
	if a.State != actionQueued && a.State != actionSent && a.State != actionPending {
		return nil, nil
	}
	v, err := s.act(ctx, a)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		if j.Attempt < actionAttempts {
			var later *care.TemporaryError
			if errors.As(err, &later) && later.After > 0 {
				return nil, job.After(min(later.After, time.Hour), err)
			}
			return nil, err
		}
		s.o.Log.Warn("a shop gives no answer to an action", "connection", a.ConnectionID, "action", a.ID, "err", err)
		v = upshot{state: actionFailed, reason: codeNoAnswer}
	}
	return s.concluded(ctx, a, v), nil
}

// concluded keeps the upshot, and comes back for what is pending.
func (s *Sync) concluded(ctx context.Context, a query.ShopAction, v upshot) job.Done {
	return func(tx *db.Tx) error {
		q := query.New(tx)
		v := v
		if age := tx.Now.Sub(a.CreatedAt.Time()); v.state == actionPending && age > pendingFor {
			if v.state = actionFailed; v.reason == "" {
				v.reason = codeNoAnswer
			}
		} else if v.state == actionPending {
			if v.after == 0 {
				v.after = min(max(age/4, 15*time.Second), 30*time.Minute)
			}
			tx.Enqueue(actionJob(a, tx.Now.Add(v.after)))
		}
		if err := q.MoveAction(ctx, query.MoveActionParams{State: v.state, Reason: text.Preview(v.reason, maxReason), UpdatedAt: db.At(tx.Now), ID: a.ID}); err != nil {
			return err
		}
		o, err := q.OrderForAction(ctx, a.OrderID)
		if err != nil {
			return err
		}
		return s.hintOrder(ctx, tx, o, a.OrderID)
	}
}

func (s *Sync) act(ctx context.Context, a query.ShopAction) (upshot, error) {
	c, err := s.connections.Connection(ctx, a.ConnectionID)
	if isNotFound(err) {
		return upshot{state: actionFailed, reason: codeLeft}, nil
	}
	if err != nil {
		return upshot{}, err
	}
	if c.State == account.StatePaused {
		return upshot{}, errPaused
	}
	ses, err := s.session(c)
	if err != nil {
		return upshot{}, err
	}
	taker, ok := ses.shop.(care.ActionTaker)
	if !ok {
		return upshot{state: actionFailed, reason: codeLeft}, nil
	}
	var p asked
	if err := json.Unmarshal(a.Params, &p); err != nil {
		return upshot{}, job.Discard(err)
	}
	o, err := query.New(s.db.Read()).OrderForAction(ctx, a.OrderID)
	if err != nil {
		return upshot{}, err
	}
	if a.State == actionQueued {
		now, gone, err := s.reread(ctx, live{LiveConnection: c, session: ses}, a.OrderID, o.ExternalID)
		switch {
		case err != nil:
			return upshot{}, err
		case gone:
			return upshot{state: actionRefused, reason: codeGone}, nil
		case a.Kind != string(care.ActionNote) && now != p.Seen:
			return upshot{state: actionRefused, reason: codeChanged}, nil
		}
	}
	// On disk before it is on the wire: whoever takes this up after a crash mustn't mistake the action's own effect for somebody else's.
	if err := s.sending(ctx, a); err != nil {
		return upshot{}, err
	}
	answer, err := taker.Act(ctx, care.Action{ID: a.ID, Kind: care.ActionKind(a.Kind), Order: o.ExternalID, ActionParams: p.ActionParams,
		AskedAt: a.CreatedAt.Time(), Again: a.State != actionQueued})
	if err != nil {
		return upshot{}, err
	}
	switch answer.State {
	case care.ActionRefused:
		return upshot{state: actionRefused, reason: codeShop + ":" + answer.Reason}, nil
	case care.ActionPending:
		return upshot{state: actionPending, after: answer.After}, nil
	}
	now, gone, err := s.reread(ctx, live{LiveConnection: c, session: ses}, a.OrderID, o.ExternalID)
	if err != nil {
		return upshot{}, err
	}
	if !shows(care.ActionKind(a.Kind), p, now, gone) {
		return upshot{state: actionPending, reason: codeInvisible}, nil
	}
	return upshot{state: actionDone}, nil
}

// sending notes that the shop is asked now, and how often it was.
func (s *Sync) sending(ctx context.Context, a query.ShopAction) error {
	state := a.State
	if state == actionQueued {
		state = actionSent
	}
	return s.db.Write(ctx, db.System, func(tx *db.Tx) error {
		return query.New(tx).MoveAction(ctx, query.MoveActionParams{State: state, Reason: a.Reason, Attempts: 1, UpdatedAt: db.At(tx.Now), ID: a.ID})
	})
}

// reread brings the mirror up with the shop's order and tells how it stands.
func (s *Sync) reread(ctx context.Context, l live, order int64, external string) (standing, bool, error) {
	records, err := l.shop.Fetch(ctx, care.KindOrder, []string{external})
	if err != nil {
		return standing{}, false, err
	}
	if _, err := s.apply(ctx, l, records); err != nil {
		return standing{}, false, err
	}
	q := query.New(s.db.Read())
	o, err := q.OrderForAction(ctx, order)
	if err != nil {
		return standing{}, false, err
	}
	now, err := standingOf(ctx, q, order, o)
	return now, o.Deleted, err
}

// shows tells whether an order, read again, shows what a shop says it has done to it. Notes and reservations show in too many ways to be told.
func shows(kind care.ActionKind, p asked, now standing, gone bool) bool {
	switch kind {
	case care.ActionCancel:
		return gone || now.Order == string(care.OrderCancelled) || now.Order == string(care.OrderClosed)
	case care.ActionStatus:
		return now.RawStatus == p.Status
	case care.ActionRefund:
		// Some shops list what they gave back, some shrink the total, some only say so.
		return gone || now.Refunded-p.Seen.Refunded >= p.Amount.Amount || p.Seen.Total-now.Total >= p.Amount.Amount ||
			now.Payment != p.Seen.Payment && (now.Payment == string(care.PaymentRefunded) || now.Payment == string(care.PaymentPartiallyRefunded))
	}
	return true
}

// hintOrder tells open screens that something about an order has changed.
func (s *Sync) hintOrder(ctx context.Context, tx *db.Tx, o query.OrderForActionRow, order int64) (err error) {
	if s.o.Bus == nil {
		return nil
	}
	who := o.CustomerID
	if who != 0 { // 0: the shop told of nobody
		if who, err = customer.Head(ctx, tx, who); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() {
		b, err := json.Marshal(map[string]any{"t": "customer", "customer_id": who, "order_id": order})
		if err == nil {
			s.o.Bus.Publish(topicAgents(o.StoreID), b)
		}
	})
	return nil
}
