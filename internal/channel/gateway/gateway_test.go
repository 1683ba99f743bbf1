package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/channel/gateway"
	"opeka/test/conformance"
	"opeka/test/world/sms"
)

const who = "+380501112233"

type service struct {
	*sms.Gateway
	format string
	n      *int
}

func (s service) settings() map[string]any {
	set := map[string]any{
		"url": s.URL + "/message/send.json", "template": `{"recipients": ["{to}"], "key": "{key}", "sms": {"sender": "{sender}", "text": "{text}"}}`, "sender": "SHOP",
		"headers": "Authorization: Bearer {token}", "id_path": "response_result.0.message_id", "ok_path": "response_code", "ok_values": "0,800,801",
		"error_path": "response_code", "auth_values": "103", "address_values": "501 502", "test_url": s.URL + "/user/balance",
		"report_id": "message_id", "report_status": "status", "delivered_values": "Delivered,DELIVRD", "failed_values": "Undelivered,Rejected",
		"in_from": "from", "in_text": "text", "in_id": "id",
	}
	switch s.format {
	case "form":
		set["format"], set["template"] = "form", "to={to}&from={sender}&text={text}"
	case "get":
		set["method"], set["template"] = "GET", "to={to}&from={sender}&text={text}"
	}
	return set
}

func (s service) connection(token string) care.Connection {
	set, _ := json.Marshal(s.settings())
	sec, _ := json.Marshal(map[string]string{"token": token, "hook_secret": "hook-secret"})
	return care.Connection{ID: 5, Store: 1, Plug: "sms_http", Settings: set, Secrets: sec}
}

func (s service) Connection() care.Connection { return s.connection(sms.Token) }
func (s service) Refused() care.Connection    { return s.connection("wrong-token") }
func (s service) Client() *http.Client        { return s.Gateway.Client }
func (s service) Address() string             { return who }
func (s service) Gone() string                { return "+380000000000" }
func (s service) Limit(n int) time.Duration   { s.Gateway.Limit(n); return sms.RetryAfter }

func (s service) push(fields map[string]string) care.Push {
	b, _ := json.Marshal(fields)
	return care.Push{Method: "POST", Header: http.Header{"Content-Type": {"application/json"}}, Query: url.Values{"secret": {"hook-secret"}}, Body: b}
}

func (s service) Write(text string) care.Push {
	*s.n++
	return s.push(map[string]string{"from": strings.TrimPrefix(who, "+"), "text": text, "id": fmt.Sprint("in-", *s.n)})
}

func (s service) Report(id string, state care.DeliveryState) care.Push {
	return s.push(map[string]string{"message_id": id, "status": map[care.DeliveryState]string{care.DeliveryDelivered: "Delivered", care.DeliveryFailed: "Undelivered"}[state]})
}

func (s service) Forge(p care.Push) care.Push {
	p.Query = url.Values{"secret": {"guess"}}
	return p
}

func (s service) Taken() (out []conformance.Taken) {
	for _, m := range s.Gateway.Sent() {
		out = append(out, conformance.Taken{To: m.To, Text: m.Text})
	}
	return out
}

func TestChannel(t *testing.T) {
	for _, format := range []string{"json", "form", "get"} {
		t.Run(format, func(t *testing.T) {
			conformance.Channel(t, gateway.SMS(), func(t *testing.T) conformance.ChannelWorld {
				return service{sms.NewGateway(t), format, new(int)}
			})
		})
	}
	t.Run("viber", func(t *testing.T) {
		conformance.Channel(t, gateway.Viber(), func(t *testing.T) conformance.ChannelWorld {
			return service{sms.NewGateway(t), "json", new(int)}
		})
	})
}

func TestSettingsAndText(t *testing.T) {
	s := service{sms.NewGateway(t), "json", new(int)}
	for field, value := range map[string]string{"template": `{"text": "{text}"}`, "url": "ftp://x", "headers": "no colon"} {
		set := s.settings()
		set[field] = value
		b, _ := json.Marshal(set)
		_, err := gateway.SMS().OpenChannel(care.Connection{Settings: b}, nil)
		var e *care.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s %q: %v", field, value, err)
		}
	}
	ch, err := gateway.SMS().OpenChannel(s.Connection(), s.Gateway.Client)
	if err != nil {
		t.Fatal(err)
	}
	evil := `","sender":"BANK","x":"`
	if _, err := ch.Send(t.Context(), care.Outbound{Key: "k", To: who, Body: evil}); err != nil || s.Gateway.Sent()[0].Text != evil || s.Gateway.Sent()[0].From != "SHOP" {
		t.Errorf("a message can't change the request: %+v %v", s.Gateway.Sent(), err)
	}
	for text, parts := range map[string]int{strings.Repeat("ж", 70): 1, strings.Repeat("ж", 71): 2, strings.Repeat("a", 160): 1} {
		if r, err := ch.Send(t.Context(), care.Outbound{Key: "k", To: who, Body: text}); err != nil || r.Parts != parts {
			t.Errorf("%d parts: %+v %v", parts, r, err)
		}
	}
	_, err = ch.Send(t.Context(), care.Outbound{Key: "k", To: who, Body: strings.Repeat("ж", 700)})
	var r *care.RejectedError
	if !errors.As(err, &r) || r.Code != "too_long" {
		t.Errorf("%v", err)
	}
	a, _, err := ch.(care.PushReceiver).ReceivePush(s.Write("Стоп"))
	if err != nil || len(a.Messages) != 1 || len(a.Opted) != 1 || a.Opted[0].Allowed || a.Opted[0].Address != who {
		t.Errorf("%+v %v", a, err)
	}
	// Reports in a list, and by a GET request.
	batch := s.push(nil)
	batch.Body = []byte(`[{"message_id":"1","status":"Delivered"},{"message_id":2,"status":"Rejected"},{"message_id":"3","status":"Sent"}]`)
	if a, _, err := ch.(care.PushReceiver).ReceivePush(batch); err != nil || len(a.Reports) != 2 || a.Reports[1].ExternalID != "2" {
		t.Errorf("%+v %v", a, err)
	}
	get := care.Push{Method: "GET", Header: http.Header{}, Query: url.Values{"secret": {"hook-secret"}, "message_id": {"9"}, "status": {"DELIVRD"}}}
	if a, name, err := ch.(care.PushReceiver).ReceivePush(get); err != nil || len(a.Reports) != 1 || name == "" {
		t.Errorf("%+v %q %v", a, name, err)
	}
}

func FuzzPush(f *testing.F) {
	f.Add("application/json", `{"from":"380501112233","text":"стоп","id":"1"}`, "")
	f.Add("application/x-www-form-urlencoded", `message_id=1&status=Delivered`, "")
	f.Add("", ``, `message_id=1&status=Delivered`)
	f.Fuzz(func(t *testing.T, kind, body, query string) {
		s := service{Gateway: &sms.Gateway{URL: "http://x"}}
		c := s.connection("t")
		c.Secrets = nil
		ch, err := gateway.SMS().OpenChannel(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		values, _ := url.ParseQuery(query)
		a, _, _ := ch.(care.PushReceiver).ReceivePush(care.Push{Header: http.Header{"Content-Type": {kind}}, Query: values, Body: []byte(body)})
		for _, m := range a.Messages {
			if m.Thread == "" || m.ClientID == "" || m.Body == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}
