package journeys

import (
	"fmt"
	"net/http"
	"testing"

	"opeka/internal/peer"
	"opeka/internal/phone"
	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/soundtest/webpeer"
	customers "opeka/test/world/phone"
	"opeka/test/world/trunk"
)

// colleague is another agent of the store, before a browser of his own, who says a tone of his own.
type colleague struct {
	x      *exchange
	id     int64
	office *peer.Office
	voice  *soundtest.Party
}

// hires makes a colleague, who signs in and opens his console; at the telephone if he is to be given calls.
func (x *exchange) hires(name, role string, hz float64, atPhone bool) *colleague {
	x.t.Helper()
	c := &colleague{x: x, office: peer.NewOffice(x.server.URL), voice: soundtest.Says(hz)}
	var made struct {
		Agent struct {
			ID int64 `json:"id"`
		} `json:"agent"`
		Invitation struct {
			Token string `json:"token"`
		} `json:"invitation"`
	}
	mail := name + "@example.com"
	x.do(http.MethodPost, "/agents", map[string]any{"name": name, "email": mail, "memberships": []map[string]any{{"store_id": x.store, "role": role}}}, &made)
	c.id = made.Agent.ID
	x.must(c.office.Do(x.t.Context(), http.MethodPost, "/invitations/accept", map[string]any{"token": made.Invitation.Token, "password": password}, nil))
	x.must(c.office.SignIn(x.t.Context(), mail, password))
	page, err := webpeer.Dial(g711.A, func(offer string) (string, error) {
		var out struct {
			Answer string `json:"answer"`
		}
		err := c.office.Do(x.t.Context(), http.MethodPost, "/phone/leg", map[string]any{"offer": offer}, &out)
		return out.Answer, err
	})
	x.must(err)
	x.t.Cleanup(func() { _ = page.Close() })
	head := x.mixer.Bridge()
	x.must(head.Add(c.voice, sound.Agent))
	x.must(head.Add(page, sound.Customer))
	if atPhone {
		c.does(http.MethodPut, "/me/presence", map[string]any{"state": "ready"})
		c.does(http.MethodPut, "/phone/me", map[string]any{"reachable": true})
	}
	return c
}

func (c *colleague) does(method, path string, in any) {
	c.x.t.Helper()
	c.x.must(c.office.Do(c.x.t.Context(), method, path, in, nil))
}

func (c *colleague) call(id int64, verb string, in any) {
	c.x.t.Helper()
	c.does(http.MethodPost, fmt.Sprintf("/calls/%d/%s", id, verb), in)
}

// acts is what the first agent does with his call.
func (x *exchange) acts(id int64, verb string, in any) {
	x.t.Helper()
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/%s", id, verb), in, nil)
}

// talksWith has the first agent ring somebody who answers.
func (x *exchange) talksWith(number string, hz float64) (int64, *customers.Call) {
	x.t.Helper()
	s := x.provider.Subscriber(number, hz)
	s.Does(trunk.Answers)
	var c phone.Call
	x.do(http.MethodPost, "/calls", map[string]any{"store_id": x.store, "number": number}, &c)
	hers, err := s.Next()
	x.must(err)
	x.stands("talking")
	x.talkTogether(hers.Hears, hz)
	return c.ID, hers
}

// hearer is somebody who tells what he hears.
type hearer interface {
	Hears(hz float64) bool
	Misses(hz float64) bool
	HearsNow(hz float64) bool
	Heard() []int16
	Hangup() error
}

// who names a party and its tone.
type who struct {
	name  string
	hz    float64
	hears func(hz float64, heard bool) bool
}

func (c *colleague) as(name string, hz float64) who { return who{name, hz, c.voice.Await} }

func person(name string, hz float64, h hearer) who {
	return who{name, hz, func(f float64, heard bool) bool {
		if heard {
			return h.Hears(f)
		}
		return h.Misses(f)
	}}
}

// hearing asserts of every pair who hears whom: the pairs listed "a>b" (a is heard by b) and no other.
func hearing(t *testing.T, what string, pairs []string, all ...who) {
	t.Helper()
	heard := map[string]bool{}
	for _, p := range pairs {
		heard[p] = true
	}
	for _, speaker := range all {
		for _, listener := range all {
			if speaker.name == listener.name {
				continue
			}
			if pair := speaker.name + ">" + listener.name; !listener.hears(speaker.hz, heard[pair]) {
				t.Errorf("%s: %s, want heard: %v", what, pair, heard[pair])
			}
		}
	}
}
