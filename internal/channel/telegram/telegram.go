// Package telegram speaks with customers through a Telegram bot, by the Bot API: text and files both ways, edits, shared contacts and
// places, links that tell who comes by them. It is pushed to where the installation can be reached, and asks itself where it can't.
package telegram

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"opeka/internal/care"
	"opeka/internal/channel/wire"
)

const (
	usual      = "https://api.telegram.org"
	maxText    = 4096 // UTF-16 units
	maxCaption = 1024
	maxFile    = 50 << 20
	perSecond  = 25
	pollFor    = 20 * time.Second
)

// Plug is the Telegram plug.
type Plug struct{}

// New returns the plug.
func New() Plug { return Plug{} }

// Name implements care.Plug.
func (Plug) Name() string { return "telegram" }

// Channel implements care.ChannelPlug.
func (Plug) Channel() string { return care.ChannelTelegram }

// Fields implements care.Plug.
func (Plug) Fields() []care.Field {
	return []care.Field{
		{Name: "token", Kind: "secret", Required: true},
		{Name: "welcome", Kind: "text"},
		{Name: "api_url", Kind: "url"},
	}
}

// bot is one bot.
type bot struct {
	base, token string
	secret      string // by which pushes are known to be Telegram's
	pushed      bool
	client      *http.Client
	welcome     string
	link        wire.Once // its address, of which everybody who is offered it is told
}

// OpenChannel implements care.ChannelPlug.
func (Plug) OpenChannel(c care.Connection, client *http.Client) (care.Channel, error) {
	var set struct {
		Welcome string `json:"welcome"`
		APIURL  string `json:"api_url"`
	}
	var sec struct {
		Token string `json:"token"`
	}
	if err := wire.Settings(c, &set, &sec); err != nil {
		return nil, err
	}
	token := strings.TrimSpace(sec.Token)
	if token == "" {
		return nil, care.Invalid("token", "required")
	}
	if id, key, ok := strings.Cut(token, ":"); !ok || id == "" || key == "" || strings.ContainsAny(token, "/?# \t\n") {
		return nil, care.Invalid("token", "value_invalid")
	}
	base, err := wire.Base(set.APIURL, usual)
	if err != nil {
		return nil, err
	}
	if client == nil {
		client = http.DefaultClient
	}
	return &bot{base: base, token: token, welcome: strings.TrimSpace(set.Welcome), secret: wire.Derived(token, fmt.Sprintf("opeka telegram %d", c.ID)), pushed: c.HookURL != "", client: client}, nil
}

// Can implements care.Channel. Bots are told neither that a message has arrived nor that it was read.
func (b *bot) Can() care.ChannelAbilities {
	return care.ChannelAbilities{Inbound: true, MaxText: maxText, Files: true, MaxFile: maxFile, PerSecond: perSecond}
}

// reply is Telegram's envelope.
type reply struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int `json:"retry_after"`
	} `json:"parameters"`
}

func (b *bot) method(name string) string { return b.base + "/bot" + b.token + "/" + name }

// call asks for a method; into may be nil.
func (b *bot) call(ctx context.Context, method string, args, into any) error {
	req, err := wire.JSON(ctx, http.MethodPost, b.method(method), args, nil)
	if err != nil {
		return err
	}
	return b.do(req, into)
}

func (b *bot) do(req *http.Request, into any) error {
	a, err := wire.Do(b.client, req)
	if err != nil {
		return err
	}
	var r reply
	if err := json.Unmarshal(a.Body, &r); err != nil {
		if a.Status == http.StatusOK {
			return &care.UncertainError{Cause: errors.New("Telegram's answer can't be read")}
		}
		return wire.Failed(a, "")
	}
	if !r.OK {
		return refusal(r, a)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result, into); err != nil {
		return &care.UncertainError{Cause: fmt.Errorf("Telegram's answer can't be read: %w", err)}
	}
	return nil
}

// refusal says what a refused method means.
func refusal(r reply, a wire.Answer) error {
	cause := errors.New(r.Description)
	said := strings.ToLower(r.Description)
	switch {
	case r.Code == http.StatusUnauthorized, r.Code == http.StatusNotFound && said == "not found": // the second is the answer to a token that never was
		return &care.AuthError{Cause: cause}
	case r.Code == http.StatusTooManyRequests:
		return &care.TemporaryError{Cause: cause, After: max(wire.After(a.Header), min(time.Duration(r.Parameters.RetryAfter)*time.Second, time.Hour))}
	case r.Code == http.StatusForbidden:
		return &care.RejectedError{Code: "blocked", Detail: r.Description}
	case r.Code == http.StatusConflict: // somebody else asks for the same bot's updates
		return &care.TemporaryError{Cause: cause}
	case r.Code >= 500:
		return &care.UncertainError{Cause: cause}
	case strings.Contains(said, "chat not found"), strings.Contains(said, "peer_id_invalid"), strings.Contains(said, "user not found"):
		return &care.RejectedError{Code: "unknown_address", Detail: r.Description}
	case strings.Contains(said, "too long"), strings.Contains(said, "too big"), r.Code == http.StatusRequestEntityTooLarge:
		return &care.RejectedError{Code: "too_long", Detail: r.Description}
	}
	return &care.RejectedError{Code: "content", Detail: r.Description}
}

// Test implements care.Channel.
func (b *bot) Test(ctx context.Context) (care.PeerInfo, error) {
	var me struct {
		Name string `json:"first_name"`
		User string `json:"username"`
	}
	if err := b.call(ctx, "getMe", nil, &me); err != nil {
		return care.PeerInfo{}, wire.Again(err)
	}
	return care.PeerInfo{Name: me.Name + " (@" + me.User + ")", URL: "https://t.me/" + me.User, Writable: true}, nil
}

// Welcome implements care.Greeter.
func (b *bot) Welcome() string { return b.welcome }

// StartLink implements care.StartLinker.
func (b *bot) StartLink(ctx context.Context, token string) (string, error) {
	link, err := b.link.Get(ctx, b.Test)
	if err == nil && token != "" {
		link += "?start=" + token
	}
	return link, err
}

// Send implements care.Channel.
func (b *bot) Send(ctx context.Context, m care.Outbound) (care.Receipt, error) {
	if units(m.Body) > maxText {
		return care.Receipt{}, &care.RejectedError{Code: "too_long", Detail: strconv.Itoa(units(m.Body))}
	}
	var ids []string
	body := m.Body
	if len(m.Files) > 0 && units(body) <= maxCaption {
		body = "" // it goes with the files
	}
	if body != "" {
		args := map[string]any{"chat_id": m.To, "text": body}
		if n, err := strconv.ParseInt(m.ReplyTo, 10, 64); err == nil {
			args["reply_parameters"] = map[string]any{"message_id": n, "allow_sending_without_reply": true}
		}
		var sent sentMessage
		if err := b.call(ctx, "sendMessage", args, &sent); err != nil {
			return care.Receipt{}, err
		}
		ids = append(ids, sent.id())
	}
	if len(m.Files) > 0 {
		caption := ""
		if body == "" {
			caption = m.Body
		}
		more, err := b.sendFiles(ctx, m, caption)
		if err != nil {
			return care.Receipt{}, wire.Partly(len(ids), err)
		}
		ids = append(ids, more...)
	}
	if len(ids) == 0 {
		return care.Receipt{}, &care.RejectedError{Code: "content", Detail: "nothing to send"}
	}
	return care.Receipt{ExternalID: ids[0], Parts: 1, Thread: m.To}, nil
}

type sentMessage struct {
	ID   int64 `json:"message_id"`
	Chat struct {
		ID int64 `json:"id"`
	} `json:"chat"`
}

// id names a message over all chats: Telegram numbers them in each.
func (s sentMessage) id() string {
	return strconv.FormatInt(s.Chat.ID, 10) + ":" + strconv.FormatInt(s.ID, 10)
}

// sendFiles sends one file as what it is, several as a group.
func (b *bot) sendFiles(ctx context.Context, m care.Outbound, caption string) (ids []string, err error) {
	for _, f := range m.Files {
		if f.Size > maxFile {
			return nil, &care.RejectedError{Code: "too_long", Detail: f.Name}
		}
	}
	if len(m.Files) == 1 {
		f := m.Files[0]
		kind, method := kindOf(f), "sendDocument"
		if kind == "photo" {
			method = "sendPhoto"
		}
		req, err := wire.Form(ctx, b.method(method), []wire.Part{{Name: "chat_id", Value: m.To}, {Name: "caption", Value: caption}, {Name: kind, File: &f}}, nil)
		if err != nil {
			return nil, err
		}
		var sent sentMessage
		if err := b.do(req, &sent); err != nil {
			return nil, err
		}
		return []string{sent.id()}, nil
	}
	kind := "photo"
	for _, f := range m.Files {
		if kindOf(f) != "photo" { // documents can't be grouped with photos
			kind = "document"
		}
	}
	media := make([]map[string]string, len(m.Files))
	parts := []wire.Part{{Name: "chat_id", Value: m.To}}
	for n := range m.Files {
		name := "file" + strconv.Itoa(n)
		media[n] = map[string]string{"type": kind, "media": "attach://" + name}
		parts = append(parts, wire.Part{Name: name, File: &m.Files[n]})
	}
	media[0]["caption"] = caption
	list, err := json.Marshal(media)
	if err != nil {
		return nil, err
	}
	req, err := wire.Form(ctx, b.method("sendMediaGroup"), append(parts, wire.Part{Name: "media", Value: string(list)}), nil)
	if err != nil {
		return nil, err
	}
	var sent []sentMessage
	if err := b.do(req, &sent); err != nil {
		return nil, err
	}
	for _, s := range sent {
		ids = append(ids, s.id())
	}
	return ids, nil
}

func kindOf(f care.OutboundFile) string {
	if (f.ContentType == "image/jpeg" || f.ContentType == "image/png") && f.Size < 10<<20 {
		return "photo"
	}
	return "document"
}

// units counts as Telegram does.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// ShowTyping implements care.TypingShower.
func (b *bot) ShowTyping(ctx context.Context, thread string) error {
	return wire.Again(b.call(ctx, "sendChatAction", map[string]any{"chat_id": thread, "action": "typing"}, nil))
}

// FetchFile implements care.FileFetcher.
func (b *bot) FetchFile(ctx context.Context, ref care.FileRef) (io.ReadCloser, error) {
	var file struct {
		Path string `json:"file_path"`
	}
	if err := b.call(ctx, "getFile", map[string]any{"file_id": ref.Ref}, &file); err != nil {
		return nil, wire.Again(err)
	}
	if file.Path == "" || strings.Contains(file.Path, "..") {
		return nil, &care.RejectedError{Code: "other", Detail: "no such file"}
	}
	return wire.Download(ctx, b.client, b.base+"/file/bot"+b.token+"/"+file.Path, nil)
}

// updates are what we want to hear of.
var updates = []string{"message", "edited_message", "my_chat_member"}

// RegisterPush implements care.PushReceiver.
func (b *bot) RegisterPush(ctx context.Context, url string) error {
	return wire.Again(b.call(ctx, "setWebhook", map[string]any{"url": url, "secret_token": b.secret, "allowed_updates": updates, "max_connections": 20}, nil))
}

// UnregisterPush implements care.PushReceiver.
func (b *bot) UnregisterPush(ctx context.Context) error {
	return wire.Again(b.call(ctx, "deleteWebhook", map[string]any{"drop_pending_updates": false}, nil))
}

// ReceivePush implements care.PushReceiver.
func (b *bot) ReceivePush(r care.Push) (care.Arrivals, string, error) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Telegram-Bot-Api-Secret-Token")), []byte(b.secret)) != 1 {
		return care.Arrivals{}, "", errors.New("wrong secret")
	}
	return read(r.Body)
}

// Listen implements care.Listener: where nobody can push to us, we ask.
func (b *bot) Listen(ctx context.Context, take func(ctx context.Context, raw []byte, a care.Arrivals, delivery string) error) error {
	if b.pushed {
		return care.ErrPushed
	}
	if err := b.UnregisterPush(ctx); err != nil {
		return err
	}
	var next int64
	for ctx.Err() == nil {
		var list []json.RawMessage
		err := b.call(ctx, "getUpdates", map[string]any{"offset": next, "timeout": int(pollFor.Seconds()), "allowed_updates": updates}, &list)
		if err != nil {
			return wire.Again(err)
		}
		for _, raw := range list {
			a, delivery, err := read(raw)
			if err == nil {
				err = take(ctx, raw, a, delivery)
			}
			if err != nil {
				return err
			}
			var u struct {
				ID int64 `json:"update_id"`
			}
			_ = json.Unmarshal(raw, &u) // read has just done so
			next = max(next, u.ID+1)
		}
	}
	return ctx.Err()
}
