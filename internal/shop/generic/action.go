package generic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"opeka/internal/care"
)

// Actions implements care.ActionTaker. What a shop says it has done is read again before anybody is told, so the
// pull address is needed as well.
func (s *Shop) Actions() []care.ActionKind {
	if s.action == "" || s.pull == "" {
		return nil
	}
	return []care.ActionKind{care.ActionCancel, care.ActionStatus, care.ActionRefund, care.ActionNote, care.ActionReserve}
}

// Act implements care.ActionTaker: a signed POST to the action address.
func (s *Shop) Act(ctx context.Context, a care.Action) (care.ActionAnswer, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return care.ActionAnswer{}, err
	}
	status, answer, err := s.call(ctx, http.MethodPost, s.action, body)
	if err != nil {
		return care.ActionAnswer{}, err
	}
	return decodeAnswer(status, answer)
}

// decodeAnswer reads {"state": "done|refused|pending", "reason", "retry_after"}. Only a refusal may come with a status of refusal.
func decodeAnswer(status int, body []byte) (care.ActionAnswer, error) {
	var v struct {
		State      care.ActionState `json:"state"`
		Reason     string           `json:"reason"`
		RetryAfter int64            `json:"retry_after"` // seconds
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return care.ActionAnswer{}, fmt.Errorf("the action address answered %d without a state: %w", status, err)
	}
	switch {
	case v.State == care.ActionRefused && status < 500:
	case status >= 300:
		return care.ActionAnswer{}, fmt.Errorf("the action address answered %d", status)
	case v.State != care.ActionDone && v.State != care.ActionPending:
		return care.ActionAnswer{}, fmt.Errorf("the action address answered with the state %q", v.State)
	}
	return care.ActionAnswer{State: v.State, Reason: v.Reason, After: time.Duration(min(max(v.RetryAfter, 0), 86400)) * time.Second}, nil
}
