package commerce

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
)

// ActionOptions is what can be asked of the shop for an order now.
type ActionOptions struct {
	Kinds      []care.ActionKind  `json:"kinds" doc:"Empty when the shop takes no actions, or its connection is paused"`
	Statuses   []ActionStatus     `json:"statuses" doc:"The shop's own statuses that are known here, except the order's"`
	Refund     care.RefundOptions `json:"refund"`
	LeftToGive care.Money         `json:"left_to_refund"`
	RawStatus  string             `json:"raw_status" doc:"To be given back as expected_status"`
	UnderWay   []care.ActionKind  `json:"under_way" doc:"Asked for already, and not answered yet"`
	Cancelled  bool               `json:"cancelled" doc:"The order is cancelled already"`
}

// ActionStatus is a status of the shop's own, and what it means here.
type ActionStatus struct {
	Raw   string `json:"raw"`
	Order string `json:"order_state"`
}

// Options tells what can be asked of the shop for an order.
func (s *Sync) Options(ctx context.Context, scope care.Scope, order int64) (out ActionOptions, err error) {
	o, err := s.ordered(ctx, scope, order, care.PermCommerceWrite)
	if err != nil {
		return out, err
	}
	q := query.New(s.db.Read())
	given, err := q.Refunded(ctx, order)
	if err != nil {
		return out, err
	}
	out = ActionOptions{Kinds: []care.ActionKind{}, Statuses: []ActionStatus{}, UnderWay: []care.ActionKind{}, RawStatus: o.RawStatus, Cancelled: o.OrderState == string(care.OrderCancelled),
		LeftToGive: care.Money{Amount: max(0, max(o.Total, o.PlacedTotal)-given), Currency: o.Currency}}
	taker, err := s.taker(ctx, o.ConnectionID)
	var refused *care.Error
	switch {
	case errors.As(err, &refused), err == nil && o.Deleted:
		return out, nil
	case err != nil:
		return out, err
	}
	out.Kinds, out.Refund = append(out.Kinds, taker.Actions()...), refundOptions(taker)
	out.Statuses, err = s.statuses(ctx, taker, o.ConnectionID, o.RawStatus)
	if err != nil {
		return out, err
	}
	kinds, err := q.KindsUnderWay(ctx, order)
	for _, k := range kinds {
		if k != string(care.ActionNote) {
			out.UnderWay = append(out.UnderWay, care.ActionKind(k))
		}
	}
	return out, err
}

// statuses are those that orders of the connection were seen in and those that its engine has by itself.
func (s *Sync) statuses(ctx context.Context, taker care.ActionTaker, connection int64, now string) ([]ActionStatus, error) {
	rows, err := query.New(s.db.Read()).Statuses(ctx, connection)
	if err != nil {
		return nil, err
	}
	means := map[string]string{}
	if m, ok := taker.(care.StatusMapper); ok {
		for raw, axes := range m.DefaultStatuses() {
			means[raw] = string(axes.Order)
		}
	}
	for _, r := range rows {
		means[r.Raw] = r.OrderState
	}
	out := []ActionStatus{}
	for raw, order := range means {
		if raw != now && order != string(care.OrderDraft) {
			out = append(out, ActionStatus{raw, order})
		}
	}
	slices.SortFunc(out, func(a, b ActionStatus) int {
		return cmp.Or(cmp.Compare(slices.Index(orderStates, care.OrderState(a.Order)), slices.Index(orderStates, care.OrderState(b.Order))), cmp.Compare(a.Raw, b.Raw))
	})
	return out, nil
}
