package journeys

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/phone"
	customers "opeka/test/world/phone"
	"opeka/test/world/trunk"
)

const handsetHz = 1450

// owns gives the first agent a telephone of his own, which registers, and puts him at it.
func (x *exchange) owns() (*customers.Phone, phone.IssuedHandset) {
	x.t.Helper()
	var made phone.IssuedHandset
	x.do(http.MethodPost, "/handsets", map[string]any{"store_id": x.store, "label": "desk"}, &made)
	set, err := customers.Register(x.app.SIP.Addr("udp").String(), made.Name, made.Password, handsetHz)
	x.must(err)
	x.t.Cleanup(set.Close)
	x.until("the telephone is there", func() bool { return x.registered(made.ID) })
	x.do(http.MethodPut, "/me/presence", map[string]any{"state": "ready"}, nil)
	x.do(http.MethodPut, "/phone/me", map[string]any{"reachable": true, "device": made.Name}, nil)
	return set, made
}

func (x *exchange) registered(id int64) bool {
	x.t.Helper()
	var list struct {
		Items []phone.Handset `json:"items"`
	}
	x.do(http.MethodGet, "/handsets", nil, &list)
	for _, h := range list.Items {
		if h.ID == id {
			return h.RegisteredAt != 0
		}
	}
	return false
}

// An agent has no browser but a SIP telephone: it rings for callers, he takes it off, presses keys, hands over by it, and hangs up by it.
func TestAnAgentTalksByHisOwnTelephone(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин"}, nil)
	set, _ := x.owns()
	taras := x.hires("taras", "agent", 1250, false)
	olena := x.provider.Subscriber("+380671112233", 650)

	hers, err := olena.Call(shopNumber)
	x.must(err)
	x.must(hers.Answered())
	ring, err := set.Next()
	x.must(err)
	if ring.From() != "+380671112233" {
		t.Errorf("his telephone shows %s", ring.From())
	}
	x.must(ring.Answer())
	a := x.stands("talking")
	customer, agent, colleague := person("customer", 650, hers), person("agent", handsetHz, ring), taras.as("taras", 1250)
	hearing(t, "by telephone", []string{"customer>agent", "agent>customer"}, customer, agent, colleague)
	x.must(ring.Press("5"))
	x.must(hers.Pressed("5"))

	x.must(ring.Hold(true))
	x.until("the customer hears music", func() bool { return x.call(a.Call).State == phone.CallHeld })
	x.must(ring.Hold(false))
	hearing(t, "back from hold", []string{"customer>agent", "agent>customer"}, customer, agent)

	// By REFER to an outside number; one that costs is refused, and the call stays.
	courier := x.provider.Subscriber("+380501112233", 950)
	courier.Does(trunk.Answers)
	if err := ring.Line().Refer(t.Context(), "+882161234567"); err == nil {
		t.Error("a number that costs was rung")
	}
	hearing(t, "refused", []string{"customer>agent", "agent>customer"}, customer, agent)
	x.must(ring.Line().Refer(t.Context(), "+380501112233"))
	his, err := courier.Next()
	x.must(err)
	if _, err := ring.Over(); err != nil {
		t.Fatal(err)
	}
	x.stands("free")
	hearing(t, "handed over", []string{"customer>courier", "courier>customer"}, customer, person("courier", 950, his))
	x.later(time.Minute)
	x.must(hers.Hangup())
	x.quiet()
	if n := len(x.provider.Dialled()); n != 1 {
		t.Errorf("%v were rung over the trunk", x.provider.Dialled())
	}
}

// Who dials at his own telephone dials by the store's rules; callbacks ring him before the customer; when his telephone goes he is given nothing.
func TestDialledAtHisOwnTelephone(t *testing.T) {
	t.Parallel()
	x := connected(t)
	set, made := x.owns()
	marta := x.provider.Subscriber("+380671112233", 650)
	marta.Does(trunk.Answers)

	bad, err := set.Call("+882161234567")
	x.must(err)
	if cause, err := bad.Over(); err != nil || cause != care.CauseRejected {
		t.Errorf("%v %v", cause, err)
	}
	call, err := set.Call("0671112233")
	x.must(err)
	hers, err := marta.Next()
	x.must(err)
	x.stands("talking")
	customer, agent := person("customer", 650, hers), person("agent", handsetHz, call)
	hearing(t, "dialled", []string{"customer>agent", "agent>customer"}, customer, agent)
	a := x.me()
	x.later(time.Minute)
	x.must(call.Hangup()) // nobody is left alone on the line
	if _, err := hers.Over(); err != nil {
		t.Fatal(err)
	}
	x.stands("wrapup")
	x.acts(a.Call, "wrap-up", map[string]any{"disposition": "settled"})
	x.stands("free")

	var owed phone.Callback
	x.do(http.MethodPost, "/callbacks", map[string]any{"store_id": x.store, "number": "+380671112233"}, &owed)
	ring, err := set.Next()
	x.must(err)
	if n := len(x.provider.Dialled()); n != 1 {
		t.Errorf("the customer was rung before her agent was there: %v", x.provider.Dialled())
	}
	x.must(ring.Answer())
	again, err := marta.Next()
	x.must(err)
	x.stands("talking")
	hearing(t, "called back", []string{"customer>agent", "agent>customer"}, person("customer", 650, again), person("agent", handsetHz, ring))
	x.later(time.Minute)
	x.must(again.Hangup())
	x.stands("wrapup")
	x.do(http.MethodPost, fmt.Sprintf("/callbacks/%d/disposition", owed.ID), map[string]any{"disposition": "settled"}, nil)
	x.stands("free")
	x.quiet()

	x.do(http.MethodDelete, fmt.Sprintf("/handsets/%d", made.ID), nil, nil)
	x.until("he is off the telephone", func() bool { a := x.me(); return !a.Reachable && a.Reason == "handset_gone" })
	if _, err := customers.Register(x.app.SIP.Addr("udp").String(), made.Name, made.Password, 0); err == nil {
		t.Error("a revoked telephone registers")
	}
}

// Whoever sets a telephone up is told where it registers, and whose telephone is taken away comes back by his browser.
func TestATelephonesServerIsToldAndItsAgentFallsBackToHisBrowser(t *testing.T) {
	t.Parallel()
	x := connected(t)
	_, made := x.owns()
	var server phone.HandsetServer
	x.do(http.MethodGet, "/handset-server", nil, &server)
	at := x.app.SIP.Addr("udp")
	if len(server.Doors) == 0 || server.Doors[0] != (care.SIPDoor{Transport: "udp", Host: at.Addr().String(), Port: int64(at.Port()), Local: true}) || server.Realm != "opeka" {
		t.Errorf("telephones are told %+v, and SIP listens at %v", server, at)
	}
	x.do(http.MethodDelete, fmt.Sprintf("/handsets/%d", made.ID), nil, nil)
	var me phone.AgentState
	x.do(http.MethodGet, "/phone/me", nil, &me)
	if me.Device != "" || me.Reachable || me.Reason != "handset_gone" {
		t.Errorf("without his telephone the agent stands so: %+v", me)
	}
}
