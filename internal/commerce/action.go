package commerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
)

// States of an action.
const (
	actionQueued  = "queued"
	actionSent    = "sent" // the shop may have it: from here on only the shop knows
	actionPending = "pending"
	actionDone    = "done"
	actionRefused = "refused"
	actionFailed  = "failed"
)

// Why an action ended without the shop's having refused it.
const (
	codeShop      = "shop"            // the shop's own words follow
	codeChanged   = "order_changed"   // the order is no longer as it was when the action was asked for
	codeGone      = "order_gone"      // the shop no longer has the order
	codeNoAnswer  = "no_answer"       // the shop didn't answer for too long
	codeInvisible = "not_visible"     // the shop says it is done, but the order doesn't show it
	codeLeft      = "connection_gone" // the shop is no longer connected
	jobAction     = "shop.action"
)

// ActionRequest is what somebody wants done with an order.
type ActionRequest struct {
	Kind care.ActionKind `json:"kind" enum:"cancel,status,refund,note,reserve"`
	care.ActionParams
	ExpectedStatus string `json:"expected_status,omitempty" maxLength:"200" doc:"The raw_status that the caller saw; if it is another by now, nothing is asked for (409)"`
}

// ShopAction is something asked of a shop, and what came of it.
type ShopAction struct {
	ID         int64             `json:"id"`
	Order      int64             `json:"order_id"`
	Kind       string            `json:"kind" enum:"cancel,status,refund,note,reserve"`
	Params     care.ActionParams `json:"params"`
	State      string            `json:"state" enum:"queued,sent,pending,done,refused,failed" doc:"done only when the order, read again, shows it"`
	ReasonCode string            `json:"reason_code" enum:",shop,order_changed,order_gone,no_answer,not_visible,connection_gone"`
	Reason     string            `json:"reason" doc:"In the shop's words"`
	Attempts   int64             `json:"attempts"`
	ActorKind  string            `json:"actor_kind"`
	ActorID    int64             `json:"actor_id"`
	CreatedAt  db.Time           `json:"created_at"`
	UpdatedAt  db.Time           `json:"updated_at"`
}

// asked is what is kept of a request: with it, how the order stood, to notice that it has changed since.
type asked struct {
	care.ActionParams
	Seen standing `json:"seen"`
}

// standing is how an order stood.
type standing struct {
	RawStatus  string `json:"raw_status"`
	Order      string `json:"order_state"`
	Payment    string `json:"payment_state"`
	Fulfilment string `json:"fulfilment_state"`
	Total      int64  `json:"total"`
	Refunded   int64  `json:"refunded"`
}

func standingOf(ctx context.Context, q *query.Queries, order int64, o query.OrderForActionRow) (standing, error) {
	given, err := q.Refunded(ctx, order)
	return standing{o.RawStatus, o.OrderState, o.PaymentState, o.FulfilmentState, o.Total, given}, err
}

type ofAction struct {
	Action int64 `json:"action_id"`
}

// Ask writes down what a shop is to do with an order; a job sees to it. Whether the order still stands as the caller sees it is looked
// at in the shop itself, before anything is sent.
func (s *Sync) Ask(ctx context.Context, by account.By, order int64, in ActionRequest) (out ShopAction, err error) {
	o, err := s.ordered(ctx, by.Scope, order, care.PermCommerceWrite)
	if err != nil {
		return out, err
	}
	taker, err := s.taker(ctx, o.ConnectionID)
	switch {
	case err != nil:
		return out, err
	case !slices.Contains(taker.Actions(), in.Kind), !understands(taker, in):
		return out, care.Conflict("action.unsupported")
	}
	err = s.db.Write(ctx, actorOf(by.Scope), func(tx *db.Tx) error {
		q := query.New(tx)
		// The lock makes two who press the button at once one after the other.
		if _, err := q.LockOrder(ctx, order); err != nil {
			return err
		}
		o, err := q.OrderForAction(ctx, order)
		if err != nil {
			return err
		}
		in := in
		if err := s.fits(ctx, q, order, o, &in); err != nil {
			return err
		}
		seen, err := standingOf(ctx, q, order, o)
		if err != nil {
			return err
		}
		params, err := json.Marshal(asked{in.ActionParams, seen})
		if err != nil {
			return err
		}
		row := query.ShopAction{ID: tx.ID(), StoreID: o.StoreID, ConnectionID: o.ConnectionID, OrderID: order, Kind: string(in.Kind), Params: params, State: actionQueued,
			ActorKind: tx.Actor.Kind, ActorID: tx.Actor.ID, CreatedAt: db.At(tx.Now), UpdatedAt: db.At(tx.Now)}
		err = q.AddAction(ctx, query.AddActionParams{ID: row.ID, StoreID: row.StoreID, ConnectionID: row.ConnectionID, OrderID: order, Kind: row.Kind, Params: params,
			ActorKind: row.ActorKind, ActorID: row.ActorID, CreatedAt: row.CreatedAt})
		if err != nil {
			return err
		}
		tx.Enqueue(actionJob(row, tx.Now))
		if s.o.Audit != nil {
			s.o.Audit(tx, by, o.StoreID, "order.action_asked", order, o.Number, nil, map[string]any{"kind": in.Kind, "params": in.ActionParams})
		}
		if err := s.hintOrder(ctx, tx, o, order); err != nil {
			return err
		}
		out, err = actionOf(row)
		return err
	})
	return out, err
}

// Actions lists what was asked of the shop for an order, the latest first, with ids below before (0: the latest).
func (s *Sync) Actions(ctx context.Context, scope care.Scope, order, before, limit int64) ([]ShopAction, error) {
	if _, err := s.ordered(ctx, scope, order, care.PermCommerceRead); err != nil {
		return nil, err
	}
	if before == 0 {
		before = 1 << 62
	}
	rows, err := query.New(s.db.Read()).ActionsOf(ctx, query.ActionsOfParams{OrderID: order, ID: before, Limit: int32(limit)})
	if err != nil {
		return nil, err
	}
	out := make([]ShopAction, len(rows))
	for i, r := range rows {
		if out[i], err = actionOf(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Sync) ordered(ctx context.Context, scope care.Scope, order int64, p care.Permission) (query.OrderForActionRow, error) {
	o, err := query.New(s.db.Read()).OrderForAction(ctx, order)
	if errors.Is(err, db.ErrNoRows) {
		return o, care.NotFound("order")
	}
	if err != nil {
		return o, err
	}
	return o, allow(scope, o.StoreID, p, "order")
}

// taker is the shop of a connection, if it may be asked for something now.
func (s *Sync) taker(ctx context.Context, connection int64) (care.ActionTaker, error) {
	c, err := s.connections.Connection(ctx, connection)
	if isNotFound(err) {
		return nil, care.Conflict("action.unsupported")
	}
	if err != nil {
		return nil, err
	}
	if c.State == account.StatePaused {
		return nil, care.Conflict("action.paused")
	}
	ses, err := s.session(c)
	if err != nil {
		return nil, err
	}
	taker, ok := ses.shop.(care.ActionTaker)
	if !ok {
		return nil, care.Conflict("action.unsupported")
	}
	return taker, nil
}

// understands tells whether a shop can be told all that is asked for: a refund by lines that it took for a mere amount would be another one.
func understands(taker care.ActionTaker, in ActionRequest) bool {
	may := refundOptions(taker)
	return (may.Lines || len(in.Lines) == 0) && (may.Delivery || !in.Delivery) && (may.Restock || !in.Restock) && (may.PayBack || !in.PayBack)
}

func refundOptions(taker care.ActionTaker) care.RefundOptions {
	if t, ok := taker.(care.RefundTaker); ok {
		return t.RefundOptions()
	}
	return care.RefundOptions{}
}

// fits checks a request against the order as it is known here, and fills in what follows from it.
func (s *Sync) fits(ctx context.Context, q *query.Queries, order int64, o query.OrderForActionRow, in *ActionRequest) error {
	switch {
	case o.Deleted:
		return care.Conflict("action.order_gone")
	case in.ExpectedStatus != "" && in.ExpectedStatus != o.RawStatus:
		return care.Conflict("action.order_changed", "status", o.RawStatus)
	case in.Kind == care.ActionCancel && o.OrderState == string(care.OrderCancelled), in.Kind == care.ActionStatus && in.Status == o.RawStatus:
		return care.Conflict("action.already")
	case in.Kind == care.ActionStatus && strings.TrimSpace(in.Status) == "":
		return care.Invalid("status", "required")
	case in.Kind == care.ActionNote && strings.TrimSpace(in.Text) == "":
		return care.Invalid("text", "required")
	}
	if in.Kind == care.ActionRefund {
		if err := s.lines(ctx, q, order, o, in); err != nil {
			return err
		}
		if err := refundable(ctx, q, order, o, in.Amount); err != nil {
			return err
		}
	}
	if in.Kind == care.ActionNote {
		return nil
	}
	n, err := q.ActionsUnderWay(ctx, query.ActionsUnderWayParams{OrderID: order, Kind: string(in.Kind)})
	if err == nil && n > 0 {
		return care.Conflict("action.under_way")
	}
	return err
}

// lines names the lines of a refund as the shop does, and adds up what they and the delivery come to if no amount is given.
func (s *Sync) lines(ctx context.Context, q *query.Queries, order int64, o query.OrderForActionRow, in *ActionRequest) error {
	if len(in.Lines) == 0 && in.Restock {
		return care.Invalid("lines", "required")
	}
	if len(in.Lines) == 0 && !in.Delivery {
		return nil
	}
	known, err := q.LinesForAction(ctx, order)
	if err != nil {
		return err
	}
	sum, named := int64(0), map[int64]bool{}
	if in.Delivery {
		sum = o.ShippingTotal
	}
	lines := slices.Clone(in.Lines)
	for i, l := range lines {
		at := slices.IndexFunc(known, func(k query.LinesForActionRow) bool { return k.ID == l.ID })
		if at < 0 || named[l.ID] || l.Quantity < 1 || l.Quantity > max(known[at].Quantity, 1) {
			return care.Invalid(fmt.Sprintf("lines.%d", i), "value_invalid")
		}
		named[l.ID] = true
		lines[i].Line = known[at].ExternalID
		sum += care.Money{Amount: known[at].Total, Currency: o.Currency}.Part(l.Quantity, known[at].Quantity).Amount
	}
	in.Lines = lines
	if in.Amount == nil {
		in.Amount = &care.Money{Amount: sum, Currency: o.Currency}
	}
	if in.Amount.Amount < sum {
		return care.Invalid("amount", "action.less_than_lines")
	}
	return nil
}

// refundable refuses to give back more than was ever to be paid. Some shops shrink the total with every refund, so the larger one counts.
func refundable(ctx context.Context, q *query.Queries, order int64, o query.OrderForActionRow, amount *care.Money) error {
	switch {
	case amount == nil:
		return care.Invalid("amount", "required")
	case amount.Currency != o.Currency || amount.Amount <= 0:
		return care.Invalid("amount", "value_invalid")
	}
	given, err := q.Refunded(ctx, order)
	if err == nil && amount.Amount > max(o.Total, o.PlacedTotal)-given {
		return care.Invalid("amount", "action.too_much")
	}
	return err
}

func actionOf(r query.ShopAction) (ShopAction, error) {
	var p asked
	if err := json.Unmarshal(r.Params, &p); err != nil {
		return ShopAction{}, fmt.Errorf("action %d: %w", r.ID, err)
	}
	code, reason, _ := strings.Cut(r.Reason, ":")
	return ShopAction{r.ID, r.OrderID, r.Kind, p.ActionParams, r.State, code, reason, r.Attempts, r.ActorKind, r.ActorID, r.CreatedAt, r.UpdatedAt}, nil
}
