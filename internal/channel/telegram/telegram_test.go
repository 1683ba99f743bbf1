package telegram_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/channel/telegram"
	"opeka/test/conformance"
	world "opeka/test/world/telegram"
)

const chat = 4242

// pushed is the bot as one whose updates are pushed.
type pushed struct {
	*world.Bot
	t      *testing.T
	secret string
}

func connection(b *world.Bot, token, hook string) care.Connection {
	set, _ := json.Marshal(map[string]string{"api_url": b.URL})
	sec, _ := json.Marshal(map[string]string{"token": token})
	return care.Connection{ID: 5, Store: 1, Plug: "telegram", Settings: set, Secrets: sec, HookURL: hook}
}

func open(t *testing.T) *pushed {
	b := world.New(t)
	b.Start(chat)
	p := &pushed{Bot: b, t: t}
	ch, err := telegram.New().OpenChannel(p.Connection(), b.Client)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.(care.PushReceiver).RegisterPush(t.Context(), p.Connection().HookURL); err != nil {
		t.Fatal(err)
	}
	url, secret := b.Hook()
	if url != p.Connection().HookURL {
		t.Fatalf("pushes go to %q", url)
	}
	p.secret = secret
	return p
}

func (p *pushed) Connection() care.Connection {
	return connection(p.Bot, world.Token, "https://opeka.example/hooks/x")
}
func (p *pushed) Refused() care.Connection {
	return connection(p.Bot, "1:wrong-token", "https://opeka.example/hooks/x")
}
func (p *pushed) Client() *http.Client        { return p.Bot.Client }
func (p *pushed) Address() string             { return strconv.Itoa(chat) }
func (p *pushed) Gone() string                { p.Bot.Block(7); return "7" }
func (p *pushed) Limit(n int) time.Duration   { p.Bot.Limit(n); return world.RetryAfter }
func (p *pushed) Write(text string) care.Push { return p.push(p.Bot.Write(chat, text)) }
func (p *pushed) WriteFile(name string, content []byte) care.Push {
	return p.push(p.Bot.SendFile(chat, name, content))
}

func (p *pushed) push(raw []byte) care.Push {
	return care.Push{Method: "POST", Header: http.Header{"X-Telegram-Bot-Api-Secret-Token": {p.secret}}, Body: raw}
}

func (p *pushed) Forge(push care.Push) care.Push {
	push.Header = http.Header{"X-Telegram-Bot-Api-Secret-Token": {"guess"}}
	return push
}

func (p *pushed) Taken() (out []conformance.Taken) {
	for _, m := range p.Bot.Sent() {
		out = append(out, conformance.Taken{To: strconv.FormatInt(m.Chat, 10), Text: m.Text, Files: len(m.Files)})
	}
	return out
}

func TestChannel(t *testing.T) {
	conformance.Channel(t, telegram.New(), func(t *testing.T) conformance.ChannelWorld { return open(t) })
}

func TestUpdates(t *testing.T) {
	p := open(t)
	ch, err := telegram.New().OpenChannel(p.Connection(), p.Bot.Client)
	if err != nil {
		t.Fatal(err)
	}
	read := func(raw []byte) care.Arrivals {
		t.Helper()
		a, delivery, err := ch.(care.PushReceiver).ReceivePush(p.push(raw))
		if err != nil || delivery == "" {
			t.Fatalf("%q %v", delivery, err)
		}
		return a
	}
	m := read(p.Bot.Write(chat, "/start ord-77")).Messages[0]
	if !m.Started || m.Link != "ord-77" || m.Body != "" || m.Name != "Олена Коваль" || m.Language != "uk" {
		t.Errorf("start: %+v", m)
	}
	if id := m.From[0]; id.Kind != care.IdentityTelegram || id.Value != "4242" || id.Display != "@olena" || !id.Verified {
		t.Errorf("%+v", id)
	}
	if m := read(p.Bot.Write(chat, "/started")).Messages[0]; m.Started || m.Body == "" {
		t.Errorf("no start: %+v", m)
	}
	first := read(p.Bot.Write(chat, "one")).Messages[0]
	n, _ := strconv.ParseInt(first.ClientID, 10, 64)
	if e := read(p.Bot.Edit(chat, n, "two")).Messages[0]; !e.Edited || e.ClientID == first.ClientID || e.Body != "two" {
		t.Errorf("edit: %+v", e)
	}
	if o := read(p.Bot.Block(chat)).Opted; len(o) != 1 || o[0].Allowed || o[0].Address != "4242" || o[0].Reason != "blocked" {
		t.Errorf("block: %+v", o)
	}
	own := read(p.Bot.Say(chat, map[string]any{"contact": map[string]any{"phone_number": "380501112233", "first_name": "Олена", "user_id": chat}})).Messages[0]
	if len(own.From) != 2 || own.From[1].Value != "+380501112233" || !own.From[1].Verified {
		t.Errorf("his own number: %+v", own)
	}
	foreign := read(p.Bot.Say(chat, map[string]any{"contact": map[string]any{"phone_number": "380509999999", "first_name": "Brat", "user_id": 1}})).Messages[0]
	if len(foreign.From) != 1 {
		t.Errorf("somebody else's number proves nothing: %+v", foreign)
	}
	if place := read(p.Bot.Say(chat, map[string]any{"location": map[string]any{"latitude": 50.45, "longitude": 30.52}})).Messages[0]; place.Place == nil || place.Place.Latitude != 50.45 {
		t.Errorf("%+v", place)
	}
	group := read(p.Bot.Say(chat, map[string]any{"text": "hi", "chat": map[string]any{"id": -5, "type": "group"}}))
	if len(group.Messages) != 0 {
		t.Errorf("a group is nobody's question: %+v", group)
	}
}

func TestPollsWhereNobodyCanPush(t *testing.T) {
	p := open(t)
	ch, err := telegram.New().OpenChannel(connection(p.Bot, world.Token, ""), p.Bot.Client)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := make(chan string, 4)
	ended := make(chan error, 1)
	go func() {
		ended <- ch.(care.Listener).Listen(ctx, func(_ context.Context, raw []byte, a care.Arrivals, delivery string) error {
			if len(raw) == 0 || delivery == "" {
				t.Error("nothing to keep")
			}
			for _, m := range a.Messages {
				heard <- m.Body
			}
			return nil
		})
	}()
	p.Bot.Write(chat, "one")
	p.Bot.Write(chat, "two")
	for _, want := range []string{"one", "two"} {
		if got := <-heard; got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("ended by itself")
	}
	if url, _ := p.Bot.Hook(); url != "" {
		t.Errorf("the hook stayed at %q", url)
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte(`{"update_id":1,"message":{"message_id":2,"chat":{"id":3,"type":"private"},"from":{"id":3},"text":"/start x"}}`))
	f.Add([]byte(`{"update_id":1,"my_chat_member":{"chat":{"id":3,"type":"private"},"new_chat_member":{"status":"kicked"}}}`))
	f.Add([]byte(`{"update_id":1,"edited_message":{"photo":[{"file_id":"a","file_size":-1}],"from":{},"chat":{"type":"private"}}}`))
	ch, err := telegram.New().OpenChannel(care.Connection{Secrets: []byte(`{"token":"1:x"}`)}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := telegram.Read(raw)
		if err != nil && len(a.Messages) > 0 {
			t.Error("read and refused at once")
		}
		for _, m := range a.Messages {
			if m.Thread == "" || m.ClientID == "" || len(m.From) == 0 {
				t.Errorf("%+v", m)
			}
		}
		_, _, _ = ch.(care.PushReceiver).ReceivePush(care.Push{Body: raw})
	})
}
