package journeys

import (
	"fmt"
	"net/http"
	"testing"

	"opeka/internal/phone"
	"opeka/test/world/trunk"
)

// A store says which of its trunks comes first, which numbers may be rung, and sees beforehand what becomes of a number.
func TestAStoreSaysByWhichTrunkAndWhomItRings(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.sitsDown()
	other := x.second()
	at := fmt.Sprintf("/stores/%d/", x.store)
	var lines phone.Outgoing
	x.do(http.MethodGet, at+"outgoing", nil, &lines)
	if len(lines.Trunks) != 2 || lines.Trunks[1].Name != "Запасний" || len(lines.Own) == 0 || lines.Own[0] != "UA" {
		t.Fatalf("%+v %v", lines.Trunks, lines.Own)
	}
	check := func(number string, by *phone.Dialling, want string) {
		t.Helper()
		var c phone.NumberCheck
		body := map[string]any{"number": number}
		if by != nil {
			body["dialling"] = by
		}
		x.do(http.MethodPost, at+"number-check", body, &c)
		if c.Refused != want {
			t.Errorf("%s is %q: %+v, not %q", number, c.Refused, c, want)
		}
	}
	abroad := &phone.Dialling{Allowed: []string{"+380", "+48"}, Denied: []string{"+4850"}}
	check("067 111 22 33", nil, "")
	check("+48 612 345 678", nil, "foreign")
	check("+48 612 345 678", abroad, "")
	check("+48 501 234 567", abroad, "denied")
	check("+380 900 123 456", abroad, "costly")
	check("it depends", nil, "unreadable")

	var set phone.Settings
	x.do(http.MethodGet, at+"callback-rules", nil, &set)
	set.Policy.Trunks = []int64{lines.Trunks[1].ID, lines.Trunks[0].ID}
	x.do(http.MethodPut, at+"callback-rules", map[string]any{"policy": set.Policy, "rules": []any{}}, nil)
	x.do(http.MethodGet, at+"outgoing", nil, &lines)
	if lines.Trunks[0].Name != "Запасний" {
		t.Errorf("%+v", lines.Trunks)
	}
	marta := other.Subscriber("+380671112233", 650)
	marta.Does(trunk.Answers)
	x.do(http.MethodPost, "/calls", map[string]any{"store_id": x.store, "number": "+380671112233"}, nil)
	hers, err := marta.Next()
	x.must(err)
	x.stands("talking")
	x.must(hers.Hangup())
	if n := len(x.provider.Dialled()); n != 0 {
		t.Errorf("the trunk that comes second now was asked %d times", n)
	}
	var log struct {
		Items []struct {
			Action string `json:"action"`
		} `json:"items"`
	}
	x.do(http.MethodGet, fmt.Sprintf("/audit?store_id=%d", x.store), nil, &log)
	for _, e := range log.Items {
		if e.Action == "phone.policy_set" {
			return
		}
	}
	t.Errorf("nobody can see who changed it: %+v", log.Items)
}
