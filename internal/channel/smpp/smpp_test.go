package smpp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/channel/smpp"
	"opeka/test/conformance"
	"opeka/test/world/sms"
)

const who = "+380501112233"

type service struct{ *sms.SMSC }

func (s service) connection(password string, more map[string]any) care.Connection {
	settings := map[string]any{"address": s.SMSC.Address, "system_id": sms.SystemID, "sender": "SHOP"}
	for k, v := range more {
		settings[k] = v
	}
	set, _ := json.Marshal(settings)
	sec, _ := json.Marshal(map[string]string{"password": password})
	return care.Connection{ID: 5, Store: 1, Plug: "smpp", Settings: set, Secrets: sec}
}

func (s service) Connection() care.Connection { return s.connection(sms.Password, nil) }
func (s service) Refused() care.Connection    { return s.connection("wrong", nil) }
func (s service) Client() *http.Client        { return http.DefaultClient }
func (s service) Address() string             { return who }
func (s service) Gone() string                { return "+380000000000" }
func (s service) Limit(n int) time.Duration   { s.SMSC.Limit(n); return sms.Throttled }
func (s service) Write(text string) care.Push { s.SMSC.Write(who, text); return care.Push{} }

func (s service) Report(id string, state care.DeliveryState) care.Push {
	s.SMSC.Report(id, map[care.DeliveryState]string{care.DeliveryDelivered: "DELIVRD", care.DeliveryFailed: "UNDELIV"}[state])
	return care.Push{}
}

func (s service) Taken() (out []conformance.Taken) {
	for _, m := range s.SMSC.Sent() {
		out = append(out, conformance.Taken{To: m.To, Text: m.Text})
	}
	return out
}

func TestChannel(t *testing.T) {
	conformance.Channel(t, smpp.New(), func(t *testing.T) conformance.ChannelWorld { return service{sms.NewSMSC(t)} })
}

func open(t *testing.T, s service, more map[string]any) care.Channel {
	t.Helper()
	ch, err := smpp.New().OpenChannel(s.connection(sms.Password, more), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.(io.Closer).Close() })
	return ch
}

func TestLongMessagesBothWays(t *testing.T) {
	long := strings.Repeat("Ваше замовлення вже чекає на вас у відділенні. ", 5)
	for _, way := range []string{"udh", "payload"} {
		s := service{sms.NewSMSC(t)}
		ch := open(t, s, map[string]any{"long": way})
		r, err := ch.Send(t.Context(), care.Outbound{Key: "k", To: who, Body: long})
		if err != nil {
			t.Fatal(err)
		}
		if sent := s.SMSC.Sent(); len(sent) != 1 || sent[0].Text != long || sent[0].From != "SHOP" {
			t.Errorf("%s: %+v", way, sent)
		}
		parts := s.SMSC.Parts()
		switch {
		case way == "payload" && (len(parts) != 1 || len(r.PartIDs) != 1):
			t.Errorf("payload: %+v", r)
		case way == "udh" && (len(parts) != r.Parts || r.Parts < 4 || len(r.PartIDs) != r.Parts || parts[1].Ref != parts[0].Ref || parts[1].Total != byte(r.Parts)):
			t.Errorf("udh: %+v %+v", r, parts)
		}
		for _, p := range parts {
			if p.Coding != 8 {
				t.Errorf("coding %d", p.Coding)
			}
		}
	}
	s := service{sms.NewSMSC(t)}
	ch := open(t, s, nil)
	heard := make(chan care.Arrivals, 4)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- ch.(care.Listener).Listen(ctx, func(_ context.Context, _ []byte, a care.Arrivals, _ string) error { heard <- a; return nil })
	}()
	s.SMSC.Write(who, long)
	if a := <-heard; len(a.Messages) != 1 || a.Messages[0].Body != long {
		t.Errorf("%+v", a)
	}
	english := strings.Repeat("Your order [№] is ready, {please} come. ", 6)
	english = strings.ReplaceAll(english, "№", "5")
	s.SMSC.Write(who, english)
	if a := <-heard; len(a.Messages) != 1 || a.Messages[0].Body != english {
		t.Errorf("%+v", a)
	}
	s.SMSC.Write(who, "СТОП")
	if a := <-heard; len(a.Opted) != 1 || a.Opted[0].Allowed || a.Opted[0].Address != who {
		t.Errorf("%+v", a)
	}
	cancel()
	<-ended
}

func TestAcknowledgesOnlyWhatIsKept(t *testing.T) {
	s := service{sms.NewSMSC(t)}
	ch := open(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	full := true
	names := make(chan string, 4)
	ended := make(chan error, 1)
	go func() {
		ended <- ch.(care.Listener).Listen(ctx, func(_ context.Context, raw []byte, a care.Arrivals, name string) error {
			if full {
				full = false
				return errors.New("the disk is full")
			}
			names <- name
			return nil
		})
	}()
	s.SMSC.Write(who, "hello")
	if s.SMSC.Acknowledged() {
		t.Error("acknowledged, and not kept")
	}
	s.SMSC.Write(who, "hello")
	if !s.SMSC.Acknowledged() {
		t.Error("kept, and not acknowledged")
	}
	s.SMSC.Write(who, "hello")
	if one, two := <-names, <-names; one == two {
		t.Error("people do write the same twice")
	}
	cancel()
	<-ended
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add(append([]byte("\x00\x00\x00\x40\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x01380501112233\x00\x05\x00SHOP\x00\x40\x00\x00\x00\x00\x00\x00\x08\x00\x08"), "\x05\x00\x03\x01\x02\x01\x04\x16"...))
	f.Fuzz(func(t *testing.T, raw []byte) { smpp.ReadAll(bytes.NewReader(raw)) })
}
