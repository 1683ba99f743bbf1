// Package viber speaks with customers through a Viber bot, by its REST API: text, pictures and files both ways, who subscribes and
// leaves, what was delivered and seen. Files go out by their public addresses, because Viber fetches them itself.
package viber

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"opeka/internal/care"
	"opeka/internal/channel/wire"
	"opeka/messages"
)

const (
	usual      = "https://chatapi.viber.com"
	maxText    = 7000
	maxCaption = 768
	maxPicture = 1 << 20
	maxFile    = 50 << 20
	// pause is how long we leave Viber alone when it finds us too fast: it doesn't say.
	pause = 10 * time.Second
)

// Plug is the Viber plug.
type Plug struct{}

// New returns the plug.
func New() Plug { return Plug{} }

// Name implements care.Plug.
func (Plug) Name() string { return "viber" }

// Channel implements care.ChannelPlug.
func (Plug) Channel() string { return care.ChannelViber }

// Fields implements care.Plug.
func (Plug) Fields() []care.Field {
	return []care.Field{
		{Name: "token", Kind: "secret", Required: true},
		{Name: "sender", Kind: "text", Required: true},
		{Name: "welcome", Kind: "text"},
		{Name: "api_url", Kind: "url"},
	}
}

type bot struct {
	base, token, sender string
	client              *http.Client
	welcome             string
	link                wire.Once // its address, of which everybody who is offered it is told
}

// OpenChannel implements care.ChannelPlug.
func (Plug) OpenChannel(c care.Connection, client *http.Client) (care.Channel, error) {
	var set struct {
		Sender  string `json:"sender"`
		Welcome string `json:"welcome"`
		APIURL  string `json:"api_url"`
	}
	var sec struct {
		Token string `json:"token"`
	}
	if err := wire.Settings(c, &set, &sec); err != nil {
		return nil, err
	}
	token, sender := strings.TrimSpace(sec.Token), strings.TrimSpace(set.Sender)
	switch {
	case token == "":
		return nil, care.Invalid("token", "required")
	case strings.ContainsAny(token, " \r\n"):
		return nil, care.Invalid("token", "value_invalid")
	case sender == "":
		return nil, care.Invalid("sender", "required")
	case utf8.RuneCountInString(sender) > 28:
		return nil, care.Invalid("sender", "too_long", "max", 28)
	}
	base, err := wire.Base(set.APIURL, usual)
	if err != nil {
		return nil, err
	}
	if client == nil {
		client = http.DefaultClient
	}
	return &bot{base: base, token: token, sender: sender, welcome: strings.TrimSpace(set.Welcome), client: client}, nil
}

// Can implements care.Channel.
func (b *bot) Can() care.ChannelAbilities {
	return care.ChannelAbilities{Inbound: true, MaxText: maxText, Files: true, MaxFile: maxFile, Delivery: true, Read: true}
}

type status struct {
	Status  int         `json:"status"`
	Said    string      `json:"status_message"`
	Message json.Number `json:"message_token"`
}

func (b *bot) call(ctx context.Context, path string, args any, into any) (status, error) {
	var s status
	req, err := wire.JSON(ctx, http.MethodPost, b.base+path, args, http.Header{"X-Viber-Auth-Token": {b.token}})
	if err != nil {
		return s, err
	}
	a, err := wire.Do(b.client, req)
	if err != nil {
		return s, err
	}
	if a.Status/100 != 2 {
		return s, wire.Failed(a, "")
	}
	if err := json.Unmarshal(a.Body, &s); err != nil {
		return s, &care.UncertainError{Cause: errors.New("Viber's answer can't be read")}
	}
	if s.Status != 0 {
		return s, refusal(s)
	}
	if into != nil {
		if err := json.Unmarshal(a.Body, into); err != nil {
			return s, &care.UncertainError{Cause: errors.New("Viber's answer can't be read")}
		}
	}
	return s, nil
}

// refusal says what a status of Viber's means.
func refusal(s status) error {
	cause := fmt.Errorf("%s (%d)", s.Said, s.Status)
	switch s.Status {
	case 2, 7, 8, 9, 15: // the token, or the whole bot
		return &care.AuthError{Cause: cause}
	case 12:
		return &care.TemporaryError{Cause: cause, After: pause}
	case 5:
		return &care.RejectedError{Code: "unknown_address", Detail: s.Said}
	case 6:
		return &care.RejectedError{Code: "not_subscribed", Detail: s.Said}
	case 11, 13, 14, 21: // nothing of his can show it
		return &care.RejectedError{Code: "unknown_address", Detail: s.Said}
	case 23, 24:
		return &care.RejectedError{Code: "no_credit", Detail: s.Said}
	case 3, 4, 1:
		return &care.RejectedError{Code: "content", Detail: s.Said}
	case 10:
		return &care.TemporaryError{Cause: cause, After: time.Minute} // no webhook is set: ours is being registered
	}
	return &care.RejectedError{Code: "other", Detail: cause.Error()}
}

// Test implements care.Channel.
func (b *bot) Test(ctx context.Context) (care.PeerInfo, error) {
	var account struct {
		Name string `json:"name"`
		URI  string `json:"uri"`
	}
	if _, err := b.call(ctx, "/pa/get_account_info", struct{}{}, &account); err != nil {
		return care.PeerInfo{}, wire.Again(err)
	}
	return care.PeerInfo{Name: account.Name, URL: "viber://pa?chatURI=" + account.URI, Writable: true}, nil
}

// StartLink implements care.StartLinker.
func (b *bot) StartLink(ctx context.Context, token string) (string, error) {
	link, err := b.link.Get(ctx, b.Test)
	if err == nil && token != "" {
		link += "&context=" + token
	}
	return link, err
}

// Send implements care.Channel. Each file is a message of its own; a text that fits goes with the first picture.
func (b *bot) Send(ctx context.Context, m care.Outbound) (care.Receipt, error) {
	messages, err := b.messages(m)
	if err != nil {
		return care.Receipt{}, err
	}
	var ids []string
	for _, args := range messages {
		args["receiver"], args["min_api_version"], args["sender"], args["tracking_data"] = m.To, 1, map[string]string{"name": b.sender}, m.Key
		s, err := b.call(ctx, "/pa/send_message", args, nil)
		if err != nil {
			return care.Receipt{}, wire.Partly(len(ids), err)
		}
		ids = append(ids, s.Message.String())
	}
	return care.Receipt{ExternalID: ids[0], Parts: 1, PartIDs: ids, Thread: m.To}, nil
}

func (b *bot) messages(m care.Outbound) (out []map[string]any, err error) {
	if n := utf8.RuneCountInString(m.Body); n > maxText {
		return nil, &care.RejectedError{Code: "too_long", Detail: strconv.Itoa(n)}
	}
	text := m.Body
	for _, f := range m.Files {
		if f.URL == "" {
			return nil, &care.RejectedError{Code: "no_public_address", Detail: f.Name}
		}
		if f.Size > maxFile {
			return nil, &care.RejectedError{Code: "too_long", Detail: f.Name}
		}
		args := map[string]any{"type": "file", "media": f.URL, "size": f.Size, "file_name": f.Name}
		if f.ContentType == "image/jpeg" && f.Size <= maxPicture {
			args = map[string]any{"type": "picture", "media": f.URL, "text": ""}
			if utf8.RuneCountInString(text) <= maxCaption {
				args["text"], text = text, ""
			}
		}
		out = append(out, args)
	}
	if text != "" {
		out = append([]map[string]any{{"type": "text", "text": text}}, out...)
	}
	if len(out) == 0 {
		return nil, &care.RejectedError{Code: "content", Detail: "nothing to send"}
	}
	return out, nil
}

// FetchFile implements care.FileFetcher: Viber gives addresses of files, good for an hour.
func (b *bot) FetchFile(ctx context.Context, ref care.FileRef) (io.ReadCloser, error) {
	return wire.Download(ctx, b.client, ref.Ref, nil)
}

// RegisterPush implements care.PushReceiver.
func (b *bot) RegisterPush(ctx context.Context, url string) error {
	_, err := b.call(ctx, "/pa/set_webhook", map[string]any{"url": url, "send_name": true,
		"event_types": []string{"delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"}}, nil)
	return wire.Again(err)
}

// UnregisterPush implements care.PushReceiver.
func (b *bot) UnregisterPush(ctx context.Context) error {
	_, err := b.call(ctx, "/pa/set_webhook", map[string]any{"url": ""}, nil)
	return wire.Again(err)
}

// ReceivePush implements care.PushReceiver.
func (b *bot) ReceivePush(r care.Push) (care.Arrivals, string, error) {
	if !wire.Signed(r.Body, b.token, r.Header.Get("X-Viber-Content-Signature")) {
		return care.Arrivals{}, "", errors.New("wrong signature")
	}
	a, delivery, err := read(r.Body)
	if err == nil {
		a.Answer, a.Responded = b.greeting(a)
		a.Type = "application/json"
	}
	return a, delivery, err
}

// greeting is what somebody reads who has opened the bot and not written yet: Viber takes it as the answer to its push, and in no other way.
func (b *bot) greeting(a care.Arrivals) (body []byte, ok bool) {
	if b.welcome == care.NoWelcome || len(a.Messages) != 1 || !a.Messages[0].Started || !a.Messages[0].Unsubscribed {
		return nil, false
	}
	text := b.welcome
	if text == "" {
		text = messages.T(cmp.Or(a.Messages[0].Language, "en"), "channel.welcome", map[string]any{"store": b.sender})
	}
	body, err := json.Marshal(map[string]any{"sender": map[string]string{"name": b.sender}, "type": "text", "text": text, "min_api_version": 1})
	return body, err == nil
}
