package journeys

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"opeka/internal/phone"
	"opeka/test/world/trunk"
)

// Over real SIP and browsers' sound: a customer is held, a colleague asked aside, to and fro, all together, handed over; each time it is measured who hears whom.
func TestHandingOverIsHeard(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.sitsDown()
	taras := x.hires("taras", "agent", 1250, true)
	id, hers := x.talksWith("+380671112233", 650)
	customer, olena, colleague := person("customer", 650, hers), who{"olena", agentHz, x.browser.Await}, taras.as("taras", 1250)

	bar := console(t, taras.office)
	x.acts(id, "mute", nil)
	hearing(t, "muted", []string{"customer>olena"}, customer, olena)
	x.acts(id, "unmute", nil)
	hearing(t, "unmuted", []string{"customer>olena", "olena>customer"}, customer, olena)

	x.acts(id, "consult", map[string]any{"agent_id": taras.id})
	bar.hears(`"event":"ring"`, `"role":"consult"`)
	taras.call(id, "answer", nil)
	hearing(t, "asked aside", []string{"olena>taras", "taras>olena"}, customer, olena, colleague)
	x.until("the customer hears music", func() bool { return loud(hers.Heard()) })
	x.acts(id, "consult/swap", nil)
	hearing(t, "back with the customer", []string{"customer>olena", "olena>customer"}, customer, olena, colleague)
	x.acts(id, "consult/join", nil)
	everybody := []string{"customer>olena", "olena>customer", "customer>taras", "taras>customer", "olena>taras", "taras>olena"}
	hearing(t, "all together", everybody, customer, olena, colleague)
	bar.hears(`"event":"call"`, `"step":"conference"`)

	x.acts(id, "leave", nil)
	x.stands("free")
	hearing(t, "handed over", []string{"customer>taras", "taras>customer"}, customer, olena, colleague)
	var mine struct {
		Items []phone.CurrentCall `json:"items"`
	}
	x.must(taras.office.Do(t.Context(), http.MethodGet, "/calls/current", nil, &mine))
	if len(mine.Items) != 1 || !mine.Items[0].Lead || len(mine.Items[0].Parties) != 2 {
		t.Errorf("%+v", mine.Items)
	}

	taras.call(id, "transfer", map[string]any{"agent_id": x.me().Agent})
	x.stands("offered")
	hearing(t, "on the way back", nil, customer, olena, colleague)
	x.acts(id, "answer", nil)
	hearing(t, "back", []string{"customer>olena", "olena>customer"}, customer, olena, colleague)
	x.later(time.Minute)
	x.must(hers.Hangup())
	x.stands("wrapup")
	x.acts(id, "wrap-up", map[string]any{"disposition": "settled"})
	x.quiet()
}

// A courier by an outside number: asked in, and left alone with the customer; he hears nothing of what a supervisor whispers. What a supervisor says is heard by
// those for whom it is, and by nobody else.
func TestWhispersAreHeardByAgentsAlone(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.sitsDown()
	boss := x.hires("boss", "supervisor", 1750, false)
	id, hers := x.talksWith("+380671112233", 650)
	courier := x.provider.Subscriber("+380501112233", 950)
	courier.Does(trunk.Answers)
	x.acts(id, "parties", map[string]any{"number": "+380501112233"})
	his, err := courier.Next()
	x.must(err)
	customer, olena, chief, outside := person("customer", 650, hers), who{"olena", agentHz, x.browser.Await}, boss.as("boss", 1750), person("courier", 950, his)
	three := []string{"customer>olena", "olena>customer", "customer>courier", "courier>customer", "olena>courier", "courier>olena"}
	hearing(t, "three", three, customer, olena, outside, chief)

	listens := append([]string{"customer>boss", "olena>boss", "courier>boss"}, three...)
	boss.call(id, "supervise", map[string]any{"mode": "listen"})
	hearing(t, "listening", listens, customer, olena, outside, chief)
	boss.call(id, "supervise", map[string]any{"mode": "whisper"})
	hearing(t, "whispering", append([]string{"boss>olena"}, listens...), customer, olena, outside, chief)
	boss.call(id, "supervise", map[string]any{"mode": "barge"})
	hearing(t, "joining", append([]string{"boss>olena", "boss>customer", "boss>courier"}, listens...), customer, olena, outside, chief)
	boss.call(id, "supervise", map[string]any{"mode": "off"})
	hearing(t, "gone", three, customer, olena, outside, chief)
	var log struct {
		Items []struct {
			Action string `json:"action"`
		} `json:"items"`
	}
	x.do(http.MethodGet, fmt.Sprintf("/audit?store_id=%d", x.store), nil, &log)
	n := 0
	for _, e := range log.Items {
		if e.Action == "call.supervised" {
			n++
		}
	}
	if n != 4 {
		t.Errorf("%d of 4 modes are on record", n)
	}

	x.acts(id, "keys", map[string]any{"keys": "12#"})
	x.must(hers.Pressed("12#"))
	x.acts(id, "leave", nil) // the customer stays with the courier
	x.stands("free")
	hearing(t, "without us", []string{"customer>courier", "courier>customer"}, customer, olena, outside)
	x.must(his.Hangup())
	x.until("nobody is left alone on a line", func() bool { return x.call(id).State == phone.CallEnded })
	x.quiet()
}
