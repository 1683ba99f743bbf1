package woocommerce

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"opeka/internal/care"
)

// Actions implements care.ActionTaker: what can be asked twice and happens once. WooCommerce takes no id of ours
// with a note or a refund, so a repeated request would note or pay out a second time; those stay in its own back office.
func (s *session) Actions() []care.ActionKind {
	return []care.ActionKind{care.ActionCancel, care.ActionStatus}
}

// Act implements care.ActionTaker. Setting the status that an order has already changes nothing.
func (s *session) Act(ctx context.Context, a care.Action) (care.ActionAnswer, error) {
	status := a.Status
	if a.Kind == care.ActionCancel {
		status = "cancelled"
	}
	_, err := s.call(ctx, http.MethodPut, "/wc/v3/orders/"+url.PathEscape(a.Order), nil, map[string]string{"status": status}, nil)
	var refusal *apiError
	var later *care.TemporaryError
	var keys *care.AuthError
	switch {
	case err == nil:
		return care.ActionAnswer{State: care.ActionDone}, nil
	case errors.As(err, &keys) && !readOnly(keys), errors.As(err, &later), !errors.As(err, &refusal):
		return care.ActionAnswer{}, err
	}
	// A status that it doesn't know, an order that is gone, a key that may only read: asking again changes nothing.
	return care.ActionAnswer{State: care.ActionRefused, Reason: refusal.Message}, nil
}
