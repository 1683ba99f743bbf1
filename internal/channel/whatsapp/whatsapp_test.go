package whatsapp_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/channel/whatsapp"
	"opeka/test/conformance"
	world "opeka/test/world/whatsapp"
)

const who = "48600100200"

type service struct {
	*world.Number
	t *testing.T
}

func connection(n *world.Number, token string) care.Connection {
	set, _ := json.Marshal(map[string]string{"api_url": n.URL, "phone_number_id": world.ID, "account_id": world.Account, "verify_token": world.VerifyToken})
	sec, _ := json.Marshal(map[string]string{"access_token": token, "app_secret": world.Secret})
	return care.Connection{ID: 5, Store: 1, Plug: "whatsapp", Settings: set, Secrets: sec, HookURL: "https://opeka.example/hooks/x"}
}

func (s service) Connection() care.Connection { return connection(s.Number, world.Token) }
func (s service) Refused() care.Connection    { return connection(s.Number, "wrong-token") }
func (s service) Client() *http.Client        { return s.Number.Client }
func (s service) Address() string             { return who }
func (s service) Gone() string                { s.Number.Gone("111"); return "111" }
func (s service) Limit(n int) time.Duration   { s.Number.Limit(n); return 30 * time.Second }
func (s service) Write(text string) care.Push { return s.Number.Write(who, text) }
func (s service) WriteFile(name string, content []byte) care.Push {
	return s.Number.SendFile(who, name, content)
}

func (s service) Forge(p care.Push) care.Push {
	p.Header = http.Header{"X-Hub-Signature-256": {"sha256=00ff"}}
	return p
}

func (s service) Report(id string, state care.DeliveryState) care.Push {
	return s.Number.Report(id, string(state), 131026)
}

func (s service) Taken() (out []conformance.Taken) {
	for _, m := range s.Number.Sent() {
		t := conformance.Taken{To: m.To, Text: m.Text}
		if m.File {
			t.Files = 1
		}
		out = append(out, t)
	}
	return out
}

func open(t *testing.T) service {
	n := world.New(t, nil)
	n.Write(who, "hello")
	return service{n, t}
}

func TestChannel(t *testing.T) {
	conformance.Channel(t, whatsapp.New(), func(t *testing.T) conformance.ChannelWorld { return open(t) })
}

func TestWindowAndTemplates(t *testing.T) {
	now := time.Now()
	n := world.New(t, func() time.Time { return now })
	s := service{n, t}
	n.Write(who, "hello")
	ch, err := whatsapp.New().OpenChannel(s.Connection(), n.Client)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(25 * time.Hour)
	rejected := func(m care.Outbound, want string) {
		t.Helper()
		m.Key, m.To = "k", who
		_, err := ch.Send(t.Context(), m)
		var r *care.RejectedError
		if !errors.As(err, &r) || r.Code != want || r.Detail == "" {
			t.Errorf("%v, want %s", err, want)
		}
	}
	rejected(care.Outbound{Body: "too late"}, "window_closed")
	rejected(care.Outbound{Template: &care.ServiceTemplate{Name: "unknown", Language: "uk"}}, "template")
	rejected(care.Outbound{Template: &care.ServiceTemplate{Name: world.Template, Language: "uk"}}, "template")
	if _, err := ch.Send(t.Context(), care.Outbound{Key: "k", To: who, Template: &care.ServiceTemplate{Name: world.Template, Language: "uk", Params: []string{"№ 5"}}}); err != nil {
		t.Fatal(err)
	}
	if sent := n.Sent(); len(sent) != 1 || !slices.Equal(sent[0].Params, []string{"№ 5"}) {
		t.Errorf("%+v", sent)
	}
}

func TestChallengeAndForeignNumbers(t *testing.T) {
	s := open(t)
	ch, err := whatsapp.New().OpenChannel(s.Connection(), s.Number.Client)
	if err != nil {
		t.Fatal(err)
	}
	r := ch.(care.PushReceiver)
	ask := func(token string) (care.Arrivals, error) {
		a, _, err := r.ReceivePush(care.Push{Method: "GET", Query: url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {token}, "hub.challenge": {"1158201444"}}})
		return a, err
	}
	if a, err := ask(world.VerifyToken); err != nil || !a.Responded || string(a.Answer) != "1158201444" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := ask("guess"); err == nil {
		t.Error("a wrong token was taken")
	}
	if err := r.RegisterPush(t.Context(), "https://opeka.example/hooks/x"); err != nil || s.Number.Hook() == "" {
		t.Errorf("%v", err)
	}
	foreign := `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"9"},"messages":[{"from":"1","id":"wamid.1","type":"text","text":{"body":"x"}}]}}]}]}`
	if a, _, err := r.ReceivePush(world.Sign([]byte(foreign))); err != nil || len(a.Messages) != 0 {
		t.Errorf("another number's message: %+v %v", a, err)
	}
	odd, _, err := r.ReceivePush(s.Number.Say(who, map[string]any{"type": "unsupported", "errors": []map[string]any{{"code": 131051, "title": "Message type unknown"}}}))
	if err != nil || len(odd.Messages) != 1 || odd.Messages[0].Body == "" {
		t.Errorf("what we can't show is told of: %+v %v", odd, err)
	}
	if id := odd.Messages[0].From; len(id) != 2 || id[1].Kind != care.IdentityPhone || id[1].Value != "+"+who {
		t.Errorf("%+v", id)
	}
}

func FuzzPush(f *testing.F) {
	f.Add([]byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"5"},"contacts":[{"wa_id":"1","profile":{"name":"A"}}],"messages":[{"from":"1","id":"wamid.1","timestamp":"1","type":"image","image":{"id":"2","caption":"c"}}],"statuses":[{"id":"w","status":"failed","errors":[{"code":131047}]}]}}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := whatsapp.Read(raw, "5")
		if err != nil && len(a.Messages)+len(a.Reports) > 0 {
			t.Error("read and refused at once")
		}
		for _, m := range a.Messages {
			if m.Thread == "" || m.ClientID == "" || len(m.ClientID) > 100 {
				t.Errorf("%+v", m)
			}
		}
	})
}
