// Package whatsapp speaks with customers through a WhatsApp Business number, by Meta's Cloud API: free text within a day of what the
// customer wrote, approved templates at any time, media both ways, delivery and reading.
package whatsapp

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"opeka/internal/care"
	"opeka/internal/channel/wire"
)

const (
	usual      = "https://graph.facebook.com/v23.0"
	maxText    = 4096
	maxCaption = 1024
	maxFile    = 100 << 20
	perSecond  = 60 // of the 80 that a number has
	window     = 24 * time.Hour
	pause      = 30 * time.Second // after a limit: Meta doesn't say how long
)

// Plug is the WhatsApp plug.
type Plug struct{}

// New returns the plug.
func New() Plug { return Plug{} }

// Name implements care.Plug.
func (Plug) Name() string { return "whatsapp" }

// Channel implements care.ChannelPlug.
func (Plug) Channel() string { return care.ChannelWhatsApp }

// Fields implements care.Plug.
func (Plug) Fields() []care.Field {
	return []care.Field{
		{Name: "phone_number_id", Kind: "text", Required: true},
		{Name: "account_id", Kind: "text"},
		{Name: "access_token", Kind: "secret", Required: true},
		{Name: "app_secret", Kind: "secret", Required: true},
		{Name: "verify_token", Kind: "text", Required: true},
		{Name: "api_url", Kind: "url"},
	}
}

type number struct {
	base, id, account    string
	token, secret, proof string
	client               *http.Client
	link                 wire.Once
}

// OpenChannel implements care.ChannelPlug.
func (Plug) OpenChannel(c care.Connection, client *http.Client) (care.Channel, error) {
	var set struct {
		ID      string `json:"phone_number_id"`
		Account string `json:"account_id"`
		Verify  string `json:"verify_token"`
		APIURL  string `json:"api_url"`
	}
	var sec struct {
		Token  string `json:"access_token"`
		Secret string `json:"app_secret"`
	}
	if err := wire.Settings(c, &set, &sec); err != nil {
		return nil, err
	}
	for _, f := range []struct{ name, value string }{{"phone_number_id", set.ID}, {"access_token", sec.Token}, {"app_secret", sec.Secret}, {"verify_token", set.Verify}} {
		if strings.TrimSpace(f.value) == "" {
			return nil, care.Invalid(f.name, "required")
		}
	}
	for _, f := range []struct{ name, value string }{{"phone_number_id", set.ID}, {"account_id", set.Account}} {
		if strings.Trim(strings.TrimSpace(f.value), "0123456789") != "" {
			return nil, care.Invalid(f.name, "value_invalid")
		}
	}
	base, err := wire.Base(set.APIURL, usual)
	if err != nil {
		return nil, err
	}
	if client == nil {
		client = http.DefaultClient
	}
	return &number{base: base, id: strings.TrimSpace(set.ID), account: strings.TrimSpace(set.Account), token: strings.TrimSpace(sec.Token), secret: strings.TrimSpace(sec.Secret),
		proof: strings.TrimSpace(set.Verify), client: client}, nil
}

// Can implements care.Channel.
func (n *number) Can() care.ChannelAbilities {
	return care.ChannelAbilities{Inbound: true, MaxText: maxText, Files: true, MaxFile: maxFile, Window: window, Templates: true, Delivery: true, Read: true, Unprompted: true, PerSecond: perSecond}
}

func (n *number) auth() http.Header { return http.Header{"Authorization": {"Bearer " + n.token}} }

func (n *number) do(req *http.Request, into any) error {
	a, err := wire.Do(n.client, req)
	if err != nil {
		return err
	}
	var refused struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(a.Body, &refused); err == nil && refused.Error != nil {
		return refused.Error.means(a)
	}
	if a.Status/100 != 2 {
		return wire.Failed(a, "")
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return &care.UncertainError{Cause: errors.New("WhatsApp's answer can't be read")}
	}
	return nil
}

func (n *number) post(ctx context.Context, path string, args, into any) error {
	req, err := wire.JSON(ctx, http.MethodPost, n.base+"/"+path, args, n.auth())
	if err != nil {
		return err
	}
	return n.do(req, into)
}

func (n *number) get(ctx context.Context, path string, into any) error {
	req, err := wire.JSON(ctx, http.MethodGet, n.base+"/"+path, nil, n.auth())
	if err != nil {
		return err
	}
	return wire.Again(n.do(req, into))
}

// Test implements care.Channel.
func (n *number) Test(ctx context.Context) (care.PeerInfo, error) {
	var me struct {
		Number string `json:"display_phone_number"`
		Name   string `json:"verified_name"`
	}
	if err := n.get(ctx, n.id+"?fields=display_phone_number,verified_name", &me); err != nil {
		return care.PeerInfo{}, err
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, me.Number)
	return care.PeerInfo{Name: me.Name + " " + me.Number, URL: "https://wa.me/" + digits, Writable: true}, nil
}

// StartLink implements care.StartLinker. WhatsApp carries nothing along but the text that the customer is about to send.
func (n *number) StartLink(ctx context.Context, token string) (string, error) {
	link, err := n.link.Get(ctx, n.Test)
	if err == nil && token != "" {
		link += "?text=" + url.QueryEscape(startMark+token)
	}
	return link, err
}

// Send implements care.Channel. Each file is a message of its own; a text that fits goes with the first.
func (n *number) Send(ctx context.Context, m care.Outbound) (care.Receipt, error) {
	if l := utf8.RuneCountInString(m.Body); l > maxText {
		return care.Receipt{}, &care.RejectedError{Code: "too_long", Detail: strconv.Itoa(l)}
	}
	var list []map[string]any
	if m.Template != nil {
		list = append(list, templated(m.Template))
	} else {
		text := m.Body
		for i := range m.Files { // uploads carry no message: they may fail and be repeated
			f := &m.Files[i]
			if f.Size > maxFile {
				return care.Receipt{}, &care.RejectedError{Code: "too_long", Detail: f.Name}
			}
			id, err := n.upload(ctx, f)
			if err != nil {
				return care.Receipt{}, wire.Again(err)
			}
			kind := kindOf(f.ContentType)
			media := map[string]any{"id": id}
			if kind == "document" {
				media["filename"] = f.Name
			}
			if kind != "audio" && text != "" && utf8.RuneCountInString(text) <= maxCaption {
				media["caption"], text = text, ""
			}
			list = append(list, map[string]any{"type": kind, kind: media})
		}
		if text != "" {
			list = append([]map[string]any{{"type": "text", "text": map[string]any{"preview_url": false, "body": text}}}, list...)
		}
	}
	if len(list) == 0 {
		return care.Receipt{}, &care.RejectedError{Code: "content", Detail: "nothing to send"}
	}
	var ids []string
	for i, args := range list {
		args["messaging_product"], args["recipient_type"], args["to"] = "whatsapp", "individual", strings.TrimPrefix(m.To, "+")
		args["biz_opaque_callback_data"] = m.Key
		if i == 0 && strings.HasPrefix(m.ReplyTo, "wamid.") {
			args["context"] = map[string]string{"message_id": m.ReplyTo}
		}
		var r struct {
			Messages []struct {
				ID string `json:"id"`
			} `json:"messages"`
		}
		if err := n.post(ctx, n.id+"/messages", args, &r); err != nil {
			return care.Receipt{}, wire.Partly(len(ids), err)
		}
		if len(r.Messages) == 0 || r.Messages[0].ID == "" {
			return care.Receipt{}, &care.UncertainError{Cause: errors.New("WhatsApp's answer names no message")}
		}
		ids = append(ids, r.Messages[0].ID)
	}
	return care.Receipt{ExternalID: ids[0], Parts: 1, PartIDs: ids, Thread: strings.TrimPrefix(m.To, "+")}, nil
}

func kindOf(contentType string) string {
	switch contentType {
	case "image/jpeg", "image/png":
		return "image"
	case "video/mp4", "video/3gpp":
		return "video"
	case "audio/mpeg", "audio/mp4", "audio/aac", "audio/amr", "audio/ogg":
		return "audio"
	}
	return "document"
}

func (n *number) upload(ctx context.Context, f *care.OutboundFile) (string, error) {
	req, err := wire.Form(ctx, n.base+"/"+n.id+"/media", []wire.Part{{Name: "messaging_product", Value: "whatsapp"}, {Name: "type", Value: f.ContentType}, {Name: "file", File: f}}, n.auth())
	if err != nil {
		return "", err
	}
	var r struct {
		ID string `json:"id"`
	}
	err = n.do(req, &r)
	return r.ID, err
}

// FetchFile implements care.FileFetcher.
func (n *number) FetchFile(ctx context.Context, ref care.FileRef) (io.ReadCloser, error) {
	var media struct {
		URL string `json:"url"`
	}
	if err := n.get(ctx, url.PathEscape(ref.Ref), &media); err != nil {
		return nil, err
	}
	if media.URL == "" {
		return nil, &care.RejectedError{Code: "other", Detail: "no such file"}
	}
	return wire.Download(ctx, n.client, media.URL, n.auth())
}

// RegisterPush implements care.PushReceiver: a business account may have its own address; otherwise it is entered in the app's settings.
func (n *number) RegisterPush(ctx context.Context, address string) error {
	if n.account == "" {
		return care.ErrManual
	}
	return wire.Again(n.post(ctx, n.account+"/subscribed_apps", map[string]string{"override_callback_uri": address, "verify_token": n.proof}, nil))
}

// UnregisterPush implements care.PushReceiver.
func (n *number) UnregisterPush(ctx context.Context) error {
	if n.account == "" {
		return care.ErrManual
	}
	return wire.Again(n.post(ctx, n.account+"/subscribed_apps", struct{}{}, nil))
}

// ReceivePush implements care.PushReceiver.
func (n *number) ReceivePush(r care.Push) (care.Arrivals, string, error) {
	if r.Method == http.MethodGet {
		if r.Query.Get("hub.mode") != "subscribe" || subtle.ConstantTimeCompare([]byte(r.Query.Get("hub.verify_token")), []byte(n.proof)) != 1 {
			return care.Arrivals{}, "", errors.New("wrong verify token")
		}
		challenge := r.Query.Get("hub.challenge")
		if len(challenge) > 200 {
			return care.Arrivals{}, "", errors.New("wrong challenge")
		}
		return care.Arrivals{Responded: true, Answer: []byte(challenge), Type: "text/plain; charset=utf-8"}, "", nil
	}
	signature, ok := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
	if !ok || !wire.Signed(r.Body, n.secret, signature) {
		return care.Arrivals{}, "", errors.New("wrong signature")
	}
	a, err := read(r.Body, n.id)
	return a, "", err
}

// apiError is an error as the Graph API tells it, in answers and in reports.
type apiError struct {
	Code    int    `json:"code"`
	Title   string `json:"title"`
	Message string `json:"message"`
	Data    struct {
		Details string `json:"details"`
	} `json:"error_data"`
}

func (e *apiError) text() string {
	return fmt.Sprintf("%s (%d)", cmp.Or(e.Data.Details, e.Message, e.Title), e.Code)
}

// code is the reason of a refusal, or "" when the error isn't about the message.
func (e *apiError) code() string {
	switch e.Code {
	case 131047:
		return "window_closed"
	case 131026, 131021, 131030, 131045:
		return "unknown_address"
	case 131049, 131050, 368: // Meta holds back what people don't want; the customer has opted out of marketing
		return "blocked"
	case 131042, 131064:
		return "no_credit"
	case 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132068, 132069:
		return "template"
	case 100, 131008, 131009, 131051, 131052, 131053:
		return "content"
	}
	return ""
}

func (e *apiError) means(a wire.Answer) error {
	cause := errors.New(e.text())
	switch e.Code {
	case 0, 3, 10, 190, 131005, 131031, 133010:
		return &care.AuthError{Cause: cause}
	case 4, 80007, 130429, 131048, 131056, 133016:
		return &care.TemporaryError{Cause: cause, After: cmp.Or(wire.After(a.Header), pause)}
	case 1, 2, 131000, 131016, 131057, 133004:
		return &care.TemporaryError{Cause: cause}
	}
	if e.Code >= 200 && e.Code <= 299 {
		return &care.AuthError{Cause: cause}
	}
	if e.Code == 100 && strings.Contains(strings.ToLower(e.Message), "too long") {
		return &care.RejectedError{Code: "too_long", Detail: e.text()}
	}
	return &care.RejectedError{Code: cmp.Or(e.code(), "other"), Detail: e.text()}
}
