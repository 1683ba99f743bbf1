package journeys

import (
	"net/http"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/phone"
	"opeka/test/world/trunk"
)

// second connects the store to another provider beside the first.
func (x *exchange) second() *trunk.Provider {
	x.t.Helper()
	p, err := trunk.New("shop", "open sesame")
	x.must(err)
	x.t.Cleanup(p.Close)
	settings, secrets := p.Settings()
	all := map[string]any{}
	for _, part := range []map[string]any{settings, secrets} {
		for k, v := range part {
			all[k] = v
		}
	}
	x.do(http.MethodPost, "/connections", map[string]any{"store_id": x.store, "plug": "sip", "name": "Запасний", "settings": all}, nil)
	x.until("the other trunk is registered", p.Registered)
	return p
}

// The trunk dies in the middle of a conversation: the call ends in an orderly way, the agent is told why, and the customer is rung again over the other trunk.
func TestATrunkDiesMidCall(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.sitsDown()
	other := x.second()
	marta := other.Subscriber("+380671112233", 750)
	marta.Does(trunk.Answers)
	id, _ := x.talksWith("+380671112233", 650)
	x.later(time.Minute)
	bar := console(t, x.office)
	x.provider.Crash()
	bar.hears(`"event":"call"`, `"step":"ended"`, `"result":"dropped"`)
	if c := x.call(id); c.State != phone.CallWrapUp || c.Result != phone.ResultDropped {
		t.Errorf("%+v", c)
	}
	x.acts(id, "wrap-up", map[string]any{"disposition": "settled"})
	again, err := marta.Next()
	x.must(err)
	a := x.stands("talking")
	hearing(t, "rung again", []string{"customer>agent", "agent>customer"}, person("customer", 750, again), who{"agent", agentHz, x.browser.Await})
	if c := x.callback(a.Callback); len(c.Reasons) != 1 || c.Reasons[0].Trigger != phone.TriggerDropped {
		t.Errorf("%+v", c)
	}
	x.must(again.Hangup())
}

// A trunk that is up and can't reach anybody gives the call to the next, before the customer is written off.
func TestANewCallGoesByTheOtherTrunk(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.sitsDown()
	other := x.second()
	x.provider.Refuse(care.CauseNetwork)
	marta := other.Subscriber("+380671112233", 650)
	marta.Does(trunk.Answers)
	var c phone.Call
	x.do(http.MethodPost, "/calls", map[string]any{"store_id": x.store, "number": "+380671112233"}, &c)
	hers, err := marta.Next()
	x.must(err)
	x.stands("talking")
	x.talkTogether(hers.Hears, 650)
	x.later(time.Minute) // a conversation: who is cut off sooner is rung again, and again by the first trunk first
	x.must(hers.Hangup())
	x.until("it is over", func() bool { s := x.call(c.ID).State; return s == phone.CallEnded || s == phone.CallWrapUp })
	if r := x.call(c.ID).Result; r != phone.ResultAnswered {
		t.Errorf("it was %s", r)
	}
	if n := len(x.provider.Dialled()); n != 1 {
		t.Errorf("the first was asked %d times", n)
	}
}
