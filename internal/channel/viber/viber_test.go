package viber_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/channel/viber"
	"opeka/test/conformance"
	world "opeka/test/world/viber"
)

const who = "01234567890A="

type service struct{ *world.Bot }

func connection(b *world.Bot, token string) care.Connection {
	set, _ := json.Marshal(map[string]string{"api_url": b.URL, "sender": "Shop"})
	sec, _ := json.Marshal(map[string]string{"token": token})
	return care.Connection{ID: 5, Store: 1, Plug: "viber", Settings: set, Secrets: sec, HookURL: "https://opeka.example/hooks/x"}
}

func (s service) Connection() care.Connection { return connection(s.Bot, world.Token) }
func (s service) Refused() care.Connection    { return connection(s.Bot, "wrong-token") }
func (s service) Client() *http.Client        { return s.Bot.Client }
func (s service) Address() string             { return who }
func (s service) Gone() string                { s.Bot.Leave("gone"); return "gone" }
func (s service) Limit(n int) time.Duration   { s.Bot.Limit(n); return 10 * time.Second }
func (s service) Write(text string) care.Push { return s.Bot.Write(who, text) }
func (s service) WriteFile(name string, content []byte) care.Push {
	return s.Bot.SendFile(who, name, content)
}

func (s service) Forge(p care.Push) care.Push {
	p.Header = http.Header{"X-Viber-Content-Signature": {"00ff"}}
	return p
}

func (s service) Report(id string, state care.DeliveryState) care.Push {
	return s.Bot.Report(json.Number(id), map[care.DeliveryState]string{care.DeliveryDelivered: "delivered", care.DeliveryRead: "seen", care.DeliveryFailed: "failed"}[state], who)
}

func (s service) Taken() (out []conformance.Taken) {
	for _, m := range s.Bot.Sent() {
		t := conformance.Taken{To: m.To, Text: m.Text}
		if m.Media != "" {
			t.Files = 1
		}
		out = append(out, t)
	}
	return out
}

func open(t *testing.T) service {
	b := world.New(t)
	b.Subscribe(who)
	return service{b}
}

func TestChannel(t *testing.T) {
	conformance.Channel(t, viber.New(), func(t *testing.T) conformance.ChannelWorld { return open(t) })
}

func TestComingAndGoing(t *testing.T) {
	s := open(t)
	ch, err := viber.New().OpenChannel(s.Connection(), s.Bot.Client)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.(care.PushReceiver).RegisterPush(t.Context(), "https://opeka.example/hooks/x"); err != nil || s.Bot.Hook() == "" {
		t.Fatalf("%v", err)
	}
	read := func(p care.Push) care.Arrivals {
		t.Helper()
		a, delivery, err := ch.(care.PushReceiver).ReceivePush(p)
		if err != nil || delivery == "" {
			t.Fatalf("%q %v", delivery, err)
		}
		return a
	}
	if a := read(s.Bot.Open("new", "ord-5")); len(a.Messages) != 1 || !a.Messages[0].Started || a.Messages[0].Link != "ord-5" || len(a.Opted) != 0 {
		t.Errorf("opened: %+v", a)
	}
	if a := read(s.Bot.Subscribe("new")); len(a.Opted) != 1 || !a.Opted[0].Allowed {
		t.Errorf("subscribed: %+v", a)
	}
	if a := read(s.Bot.Leave("new")); len(a.Opted) != 1 || a.Opted[0].Allowed || a.Opted[0].Address != "new" {
		t.Errorf("left: %+v", a)
	}
	if a := read(s.Bot.Say(who, map[string]any{"type": "contact", "contact": map[string]any{"name": "I", "phone_number": "380501112233"}})); len(a.Messages[0].From) != 1 {
		t.Errorf("a contact proves nothing: %+v", a)
	}
	// The answer to the test that Viber makes of a new address.
	if a, _, err := ch.(care.PushReceiver).ReceivePush(world.Sign([]byte(`{"event":"webhook","timestamp":1457764197627,"message_token":241256543215}`))); err != nil || len(a.Messages) != 0 {
		t.Errorf("%+v %v", a, err)
	}
	_, err = ch.Send(t.Context(), care.Outbound{Key: "k", To: who, Body: "x", Files: []care.OutboundFile{{Name: "a.pdf", Size: 1}}})
	if err == nil {
		t.Error("a file without a public address can't go by Viber")
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"event":"message","timestamp":1,"message_token":4912661846655238145,"sender":{"id":"a","name":"n"},"message":{"type":"location","location":{"lat":1,"lon":2}}}`))
	f.Add([]byte(`{"event":"failed","message_token":1,"user_id":"u","desc":"x"}`))
	f.Add([]byte(`{"event":"subscribed","user":{"id":"u"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := viber.Read(raw)
		if err != nil && len(a.Messages) > 0 {
			t.Error("read and refused at once")
		}
		for _, m := range a.Messages {
			if m.Thread == "" || m.ClientID == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}
