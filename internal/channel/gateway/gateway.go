// Package gateway sends short messages through any gateway that takes them by HTTP: the request is a template, what is read of the
// answers, reports and incoming messages are paths into them. The same serves business messages of Viber, which are sold the same way.
package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/channel/wire"
	"opeka/internal/text"
)

const maxSegments = 10

// Plug is a gateway's plug.
type Plug struct {
	name, channel string
	maxText       int
}

// SMS returns the plug for short messages.
func SMS() Plug { return Plug{"sms_http", care.ChannelSMS, 0} }

// Viber returns the plug for business messages of Viber: to phone numbers, without a bot.
func Viber() Plug { return Plug{"viber_http", care.ChannelViberBusiness, 1000} }

// Name implements care.Plug.
func (p Plug) Name() string { return p.name }

// Channel implements care.ChannelPlug.
func (p Plug) Channel() string { return p.channel }

// Fields implements care.Plug.
func (p Plug) Fields() []care.Field {
	fields := p.fields()
	if p.channel == care.ChannelViberBusiness {
		fields = append(fields, care.Field{Name: "approved_texts", Kind: "text"})
	}
	return fields
}

func (p Plug) fields() []care.Field {
	return []care.Field{
		{Name: "url", Kind: "url", Required: true},
		{Name: "method", Kind: "choice", Choices: []string{"POST", "GET"}, Default: "POST"},
		{Name: "format", Kind: "choice", Choices: []string{"json", "form"}, Default: "json"},
		{Name: "template", Kind: "text", Required: true},
		{Name: "headers", Kind: "text", Default: "Authorization: Bearer {token}"},
		{Name: "sender", Kind: "text"},
		{Name: "token", Kind: "secret"},
		{Name: "to_format", Kind: "choice", Choices: []string{"e164", "digits"}, Default: "e164"},
		{Name: "id_path", Kind: "text"},
		{Name: "ok_path", Kind: "text"},
		{Name: "ok_values", Kind: "text"},
		{Name: "error_path", Kind: "text"},
		{Name: "auth_values", Kind: "text"},
		{Name: "busy_values", Kind: "text"},
		{Name: "address_values", Kind: "text"},
		{Name: "test_url", Kind: "url"},
		{Name: "report_id", Kind: "text"},
		{Name: "report_status", Kind: "text"},
		{Name: "delivered_values", Kind: "text"},
		{Name: "read_values", Kind: "text"},
		{Name: "failed_values", Kind: "text"},
		{Name: "in_from", Kind: "text"},
		{Name: "in_text", Kind: "text"},
		{Name: "in_id", Kind: "text"},
		{Name: "hook_secret", Kind: "secret"},
		{Name: "deduplicates", Kind: "bool"},
	}
}

type settings struct {
	URL, Method, Format, Template, Headers, Sender string
	ToFormat                                       string `json:"to_format"`
	IDPath                                         string `json:"id_path"`
	OKPath                                         string `json:"ok_path"`
	OKValues                                       string `json:"ok_values"`
	ErrorPath                                      string `json:"error_path"`
	AuthValues                                     string `json:"auth_values"`
	BusyValues                                     string `json:"busy_values"`
	AddressValues                                  string `json:"address_values"`
	TestURL                                        string `json:"test_url"`
	ReportID                                       string `json:"report_id"`
	ReportStatus                                   string `json:"report_status"`
	DeliveredValues                                string `json:"delivered_values"`
	ReadValues                                     string `json:"read_values"`
	FailedValues                                   string `json:"failed_values"`
	InFrom                                         string `json:"in_from"`
	InText                                         string `json:"in_text"`
	InID                                           string `json:"in_id"`
	Approved                                       string `json:"approved_texts"`
	Deduplicates                                   bool   `json:"deduplicates"`
}

type gateway struct {
	settings
	plug          Plug
	token, secret string
	hook          string
	body          any        // of a JSON template
	form          url.Values // of a form's
	client        *http.Client
}

// OpenChannel implements care.ChannelPlug.
func (p Plug) OpenChannel(c care.Connection, client *http.Client) (care.Channel, error) {
	var sec struct {
		Token  string `json:"token"`
		Secret string `json:"hook_secret"`
	}
	g := &gateway{plug: p, hook: c.HookURL, client: client}
	if err := wire.Settings(c, &g.settings, &sec); err != nil {
		return nil, err
	}
	g.token, g.secret = strings.TrimSpace(sec.Token), strings.TrimSpace(sec.Secret)
	if strings.TrimSpace(g.URL) == "" {
		return nil, care.Invalid("url", "required")
	}
	base, err := wire.Base(g.URL, "")
	if err != nil {
		return nil, care.Invalid("url", "url_invalid")
	}
	g.URL = base
	if strings.TrimSpace(g.Template) == "" {
		return nil, care.Invalid("template", "required")
	}
	g.Method, g.Format = cmp.Or(g.Method, http.MethodPost), cmp.Or(g.Format, "json")
	if g.Method == http.MethodGet || g.Format == "form" {
		if g.form, err = url.ParseQuery(strings.TrimSpace(g.Template)); err != nil {
			return nil, care.Invalid("template", "value_invalid")
		}
	} else if err := json.Unmarshal([]byte(g.Template), &g.body); err != nil {
		return nil, care.Invalid("template", "value_invalid")
	}
	if !strings.Contains(g.Template, "{to}") || !strings.Contains(g.Template, "{text}") {
		return nil, care.Invalid("template", "template_incomplete")
	}
	if _, err := g.header(); err != nil {
		return nil, care.Invalid("headers", "value_invalid")
	}
	if g.client == nil {
		g.client = http.DefaultClient
	}
	return g, nil
}

// Can implements care.Channel.
func (g *gateway) Can() care.ChannelAbilities {
	return care.ChannelAbilities{Inbound: g.InFrom != "" && g.InText != "", MaxText: g.plug.maxText, Delivery: g.ReportID != "" && g.ReportStatus != "", Read: g.ReadValues != "",
		Templates: len(g.approved()) > 0, Unprompted: true, Deduplicates: g.Deduplicates}
}

// header fills the header lines.
func (g *gateway) header() (http.Header, error) {
	h := http.Header{}
	for line := range strings.FieldsFuncSeq(g.Headers, func(r rune) bool { return r == '\n' || r == '|' }) {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(strings.ReplaceAll(value, "{token}", g.token))
		if !ok || name == "" || strings.ContainsAny(name+value, "\r\n\x00") || strings.ContainsAny(name, " \t") {
			return nil, errors.New("a header line is wrong")
		}
		h.Add(name, value)
	}
	return h, nil
}

// Test implements care.Channel: gateways agree on nothing that could be asked, except perhaps the balance.
func (g *gateway) Test(ctx context.Context) (care.PeerInfo, error) {
	u, _ := url.Parse(g.URL)
	info := care.PeerInfo{Name: u.Host, URL: u.Scheme + "://" + u.Host, Writable: true}
	if g.TestURL == "" {
		return info, nil
	}
	h, err := g.header()
	if err != nil {
		return info, err
	}
	req, err := wire.JSON(ctx, http.MethodGet, strings.ReplaceAll(g.TestURL, "{token}", url.QueryEscape(g.token)), nil, h)
	if err != nil {
		return info, err
	}
	a, err := wire.Do(g.client, req)
	if err != nil {
		return info, wire.Again(err)
	}
	return info, wire.Again(g.judge(a))
}

// Send implements care.Channel.
func (g *gateway) Send(ctx context.Context, m care.Outbound) (care.Receipt, error) {
	parts := 1
	body := m.Body
	if g.plug.channel == care.ChannelSMS {
		sms := text.SplitSMS(m.Body)
		if parts = len(sms.Segments); parts > maxSegments {
			return care.Receipt{}, &care.RejectedError{Code: "too_long", Detail: fmt.Sprint(parts)}
		}
		body = strings.Join(sms.Segments, "")
	} else if n := len([]rune(m.Body)); n > g.plug.maxText {
		return care.Receipt{}, &care.RejectedError{Code: "too_long", Detail: fmt.Sprint(n)}
	}
	if !phone(m.To) {
		return care.Receipt{}, &care.RejectedError{Code: "unknown_address", Detail: "not a phone number"}
	}
	to := m.To
	if g.ToFormat == "digits" {
		to = strings.TrimPrefix(to, "+")
	}
	fill := strings.NewReplacer("{to}", to, "{text}", body, "{sender}", g.Sender, "{key}", m.Key, "{token}", g.token, "{callback}", g.hook).Replace
	h, err := g.header()
	if err != nil {
		return care.Receipt{}, &care.RejectedError{Code: "other", Detail: err.Error()}
	}
	req, err := g.request(ctx, fill, h)
	if err != nil {
		return care.Receipt{}, &care.RejectedError{Code: "other", Detail: err.Error()}
	}
	a, err := wire.Do(g.client, req)
	if err != nil {
		return care.Receipt{}, err
	}
	if err := g.judge(a); err != nil {
		return care.Receipt{}, err
	}
	r := care.Receipt{Parts: parts, Thread: m.To}
	if g.IDPath != "" {
		r.ExternalID = find(read(a.Body), g.IDPath)
		if r.ExternalID == "" {
			return care.Receipt{}, &care.RejectedError{Code: "other", Detail: excerpt(a.Body)}
		}
	} else {
		r.ExternalID = m.Key
	}
	return r, nil
}

func (g *gateway) request(ctx context.Context, fill func(string) string, h http.Header) (*http.Request, error) {
	if g.form == nil {
		return wire.JSON(ctx, g.Method, g.URL, filled(g.body, fill), h)
	}
	values := url.Values{}
	for k, list := range g.form {
		for _, v := range list {
			values.Add(k, fill(v))
		}
	}
	if g.Method == http.MethodGet {
		sep := "?"
		if strings.Contains(g.URL, "?") {
			sep = "&"
		}
		return wire.JSON(ctx, http.MethodGet, g.URL+sep+values.Encode(), nil, h)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL, strings.NewReader(values.Encode()))
	if err != nil {
		return nil, errors.New("the address can't be used")
	}
	for k, v := range h {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

// filled puts values into the strings of a JSON template; nothing that is in a message can become structure.
func filled(v any, fill func(string) string) any {
	switch v := v.(type) {
	case string:
		return fill(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = filled(v[i], fill)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = filled(v[k], fill)
		}
		return out
	}
	return v
}

// judge says what an answer means, by its status and by the values that the settings name.
func (g *gateway) judge(a wire.Answer) error {
	body := read(a.Body)
	code := ""
	if g.ErrorPath != "" {
		code = find(body, g.ErrorPath)
	}
	cause := errors.New(cmp.Or(excerpt(a.Body), http.StatusText(a.Status)))
	switch {
	case code != "" && among(code, g.AuthValues):
		return &care.AuthError{Cause: cause}
	case code != "" && among(code, g.BusyValues):
		return &care.TemporaryError{Cause: cause, After: wire.After(a.Header)}
	case code != "" && among(code, g.AddressValues):
		return &care.RejectedError{Code: "unknown_address", Detail: excerpt(a.Body)}
	case a.Status/100 != 2:
		return wire.Failed(a, excerpt(a.Body))
	case g.OKPath != "" && !among(find(body, g.OKPath), g.OKValues):
		return &care.RejectedError{Code: "other", Detail: excerpt(a.Body)}
	}
	return nil
}

// RegisterPush implements care.PushReceiver: the address is entered in the gateway's cabinet, or goes along with each message as {callback}.
func (g *gateway) RegisterPush(context.Context, string) error { return care.ErrManual }

// UnregisterPush implements care.PushReceiver.
func (g *gateway) UnregisterPush(context.Context) error { return care.ErrManual }

// ReceivePush implements care.PushReceiver. Gateways don't sign: what proves a push is the address, which nobody can guess, and the secret in it, if one is set.
func (g *gateway) ReceivePush(r care.Push) (a care.Arrivals, delivery string, err error) {
	if g.secret != "" {
		given := cmp.Or(r.Header.Get("X-Hook-Secret"), r.Query.Get("secret"))
		if subtle.ConstantTimeCompare([]byte(given), []byte(g.secret)) != 1 {
			return a, "", errors.New("wrong secret")
		}
	}
	for _, item := range g.items(r) {
		if from, said := find(item, g.InFrom), find(item, g.InText); g.InFrom != "" && from != "" && said != "" {
			m, ok := incoming(from, said)
			if !ok {
				continue
			}
			m.ClientID = wire.ID(find(item, g.InID))
			if m.ClientID == "" { // two equal messages can't be told from one that is pushed again; rather twice than never
				m.ClientID = rand.Text()
				delivery = m.ClientID
			}
			a.Messages = append(a.Messages, m)
			a.Opted = append(a.Opted, opted(m)...)
			continue
		}
		if id := find(item, g.ReportID); g.ReportID != "" && id != "" {
			if report, ok := g.report(id, find(item, g.ReportStatus)); ok {
				a.Reports = append(a.Reports, report)
			}
		}
	}
	if delivery == "" && r.Method == http.MethodGet && len(r.Body) == 0 { // all there is to tell two of them apart
		return a, "query:" + wire.Derived(r.Query.Encode(), "push"), nil
	}
	return a, delivery, nil
}

func (g *gateway) report(id, status string) (care.DeliveryReport, bool) {
	r := care.DeliveryReport{ExternalID: id}
	switch {
	case among(status, g.DeliveredValues):
		r.State = care.DeliveryDelivered
	case among(status, g.ReadValues):
		r.State = care.DeliveryRead
	case among(status, g.FailedValues):
		r.State, r.Code, r.Detail = care.DeliveryFailed, "undeliverable", status
	default:
		return r, false
	}
	return r, true
}

// incoming is a message from a phone.
func incoming(from, said string) (care.Arrival, bool) {
	digits := strings.TrimPrefix(strings.TrimSpace(from), "+")
	number := "+" + digits
	if !phone(number) { // a sender with a name can't be answered
		return care.Arrival{}, false
	}
	return care.Arrival{Inbound: care.Inbound{Thread: number, Body: text.Repair(said), From: []care.Identity{{Kind: care.IdentityPhone, Value: number, Verified: true}}}}, true
}

// opted says what a STOP means; the message itself is shown too.
func opted(m care.Arrival) []care.OptChange {
	switch stop, start := text.StopWord(m.Body); {
	case stop:
		return []care.OptChange{{Address: m.Thread}}
	case start:
		return []care.OptChange{{Address: m.Thread, Allowed: true}}
	}
	return nil
}

func phone(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 5 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

func among(value, list string) bool {
	return value != "" && slices.Contains(strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == ';' }), value)
}

func excerpt(b []byte) string {
	s := strings.TrimSpace(text.Repair(string(b)))
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	return s
}
