// Package peer speaks Opeka's public doors as those outside do: an agent's browser, a visitor's widget, a shop's
// program. The demo, the benchmark and the tests use it; the program itself never does.
package peer

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"time"

	"opeka/internal/care"
)

// Refused is an answer that isn't a success.
type Refused struct {
	Request string
	Status  int
	Body    string
}

func (r *Refused) Error() string { return fmt.Sprintf("%s: %d %.400s", r.Request, r.Status, r.Body) }

// Client keeps enough connections open for a loaded test.
func Client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxIdleConns: 1024}}
}

// Office is an agent's browser.
type Office struct {
	URL  string
	HTTP *http.Client
	CSRF string
}

// NewOffice returns a browser that nobody has signed in with yet.
func NewOffice(url string) *Office {
	c := Client()
	c.Jar, _ = cookiejar.New(nil)
	return &Office{URL: url, HTTP: c}
}

// Do calls an operation of the API; path is below /api/v1.
func (o *Office) Do(ctx context.Context, method, path string, in, out any) error {
	h := http.Header{}
	if o.CSRF != "" {
		h.Set("X-CSRF-Token", o.CSRF)
	}
	return exchange(ctx, o.HTTP, method, o.URL+"/api/v1"+path, h, in, out)
}

// SignIn opens a session.
func (o *Office) SignIn(ctx context.Context, email, password string) error {
	var me struct {
		CSRF string `json:"csrf_token"`
	}
	err := o.Do(ctx, http.MethodPost, "/session", map[string]string{"email": email, "password": password}, &me)
	o.CSRF = me.CSRF
	return err
}

// SetUp makes the first store with its owner, signed in, and returns the store's id and short name.
func (o *Office) SetUp(ctx context.Context, store, email, password string) (id int64, slug string, err error) {
	var me struct {
		CSRF   string `json:"csrf_token"`
		Stores []struct {
			ID int64 `json:"id"`
		} `json:"stores"`
	}
	err = o.Do(ctx, http.MethodPost, "/setup", map[string]any{"store_name": store, "time_zone": "Europe/Kyiv", "language": "uk", "name": "Олена", "email": email, "password": password}, &me)
	if err != nil {
		return 0, "", err
	}
	o.CSRF = me.CSRF
	var s struct {
		Slug string `json:"slug"`
	}
	err = o.Do(ctx, http.MethodGet, fmt.Sprintf("/stores/%d", me.Stores[0].ID), nil, &s)
	return me.Stores[0].ID, s.Slug, err
}

// Visitor is a browser with the widget.
type Visitor struct {
	URL   string
	Store string // short name
	Token string
	HTTP  *http.Client
}

// Said is the widget's acknowledgement of a message.
type Said struct {
	Conversation int64 `json:"conversation_id"`
	Seq          int64 `json:"seq"`
	ID           int64 `json:"id"`
	Duplicate    bool  `json:"duplicate"`
}

// Arrive opens a session, or the one before if the visitor has a token. identity is a shop's word for who he is, or nil.
func (v *Visitor) Arrive(ctx context.Context, language, page string, identity map[string]string) error {
	in := map[string]any{"store": v.Store, "token": v.Token, "language": language, "page": map[string]string{"url": page}}
	if identity != nil {
		in["identity"] = identity
	}
	var out struct {
		Token string `json:"token"`
	}
	err := exchange(ctx, v.HTTP, http.MethodPost, v.URL+"/widget/v1/session", nil, in, &out)
	if err == nil {
		v.Token = out.Token
	}
	return err
}

// Say writes a message; id makes it one however often it is sent.
func (v *Visitor) Say(ctx context.Context, id, body, page string) (out Said, err error) {
	err = v.Do(ctx, http.MethodPost, "/messages", map[string]any{"client_id": id, "body": body, "page": map[string]string{"url": page}}, &out)
	return out, err
}

// Do makes another request of the widget's; path is below /widget/v1.
func (v *Visitor) Do(ctx context.Context, method, path string, in, out any) error {
	return exchange(ctx, v.HTTP, method, v.URL+"/widget/v1"+path, http.Header{"Authorization": {"Bearer " + v.Token}}, in, out)
}

// Vouch signs who a shopper is with the store's identity secret, so that the widget may show him his orders.
func Vouch(secret, id, email, phone, name string) map[string]string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id + "\n" + email + "\n" + phone))
	return map[string]string{"id": id, "email": email, "phone": phone, "name": name, "hash": hex.EncodeToString(mac.Sum(nil))}
}

// Shop is a shop's own program, which tells of its changes by the generic shop API.
type Shop struct {
	URL        string
	Connection int64
	Secret     string
	HTTP       *http.Client
	Now        func() time.Time
}

// Item is one record of a batch.
type Item struct {
	Kind care.RecordKind `json:"kind"`
	Op   string          `json:"op"`
	ID   string          `json:"external_id"`
	At   time.Time       `json:"updated_at"`
	Data any             `json:"data,omitempty"`
}

// Taken is what became of the items of a batch.
type Taken struct {
	Results []struct {
		ID      string `json:"external_id"`
		Result  string `json:"result"`
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"results"`
}

// Batch sends records, signed. key makes the batch one however often it is sent; empty: a new one.
func (s *Shop) Batch(ctx context.Context, key string, items []Item) (out Taken, err error) {
	body, err := json.Marshal(map[string]any{"items": items})
	if err != nil {
		return out, err
	}
	if key == "" {
		key = rand.Text()
	}
	h := http.Header{"Idempotency-Key": {key}, "X-Signature": {Sign(s.Secret, s.Now(), body)}}
	err = exchange(ctx, s.HTTP, http.MethodPost, s.URL+"/ingest/v1/"+strconv.FormatInt(s.Connection, 10)+"/batch", h, json.RawMessage(body), &out)
	return out, err
}

// Sign makes the header X-Signature of the generic shop API.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", t, body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// exchange sends JSON and reads JSON.
func exchange(ctx context.Context, client *http.Client, method, url string, header http.Header, in, out any) error {
	var body io.Reader
	if in != nil {
		b, ok := in.(json.RawMessage)
		if !ok {
			var err error
			if b, err = json.Marshal(in); err != nil {
				return err
			}
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return &Refused{method + " " + url, answer.StatusCode, string(b)}
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}
