package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"time"
)

// agentSession speaks the API as an agent's browser does.
type agentSession struct {
	url    string
	client *http.Client
	csrf   string
}

func newAgentSession(url string) *agentSession {
	jar, _ := cookiejar.New(nil)
	return &agentSession{url: url, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (s *agentSession) do(ctx context.Context, method, path string, in, out any) error {
	header := http.Header{}
	if s.csrf != "" {
		header.Set("X-CSRF-Token", s.csrf)
	}
	return exchange(ctx, s.client, method, s.url+"/api/v1"+path, header, in, out)
}

func (s *agentSession) signIn(ctx context.Context, email, password string) error {
	var me struct {
		CSRF string `json:"csrf_token"`
	}
	err := s.do(ctx, http.MethodPost, "/session", map[string]string{"email": email, "password": password}, &me)
	s.csrf = me.CSRF
	return err
}

// visitor speaks the widget's door as the widget does.
type visitor struct {
	url    string
	token  string
	client *http.Client
}

type spoken struct {
	Conversation int64 `json:"conversation_id"`
}

func (v *visitor) arrive(ctx context.Context, language, name, email, page string, identity map[string]string) error {
	var out struct {
		Token string `json:"token"`
	}
	in := map[string]any{"store": shopSlug, "token": v.token, "language": language, "page": map[string]string{"url": page, "title": shopName}}
	if identity != nil {
		in["identity"] = identity
	}
	err := exchange(ctx, v.client, http.MethodPost, v.url+"/widget/v1/session", nil, in, &out)
	v.token = out.Token
	return err
}

func (v *visitor) say(ctx context.Context, id, body, language, page string) (spoken, error) {
	var out spoken
	err := exchange(ctx, v.client, http.MethodPost, v.url+"/widget/v1/messages", http.Header{"Authorization": {"Bearer " + v.token}},
		map[string]any{"client_id": id, "body": body, "language": language, "page": map[string]string{"url": page, "title": shopName}}, &out)
	return out, err
}

func (v *visitor) track(ctx context.Context, kind string, data any) error {
	return exchange(ctx, v.client, http.MethodPost, v.url+"/widget/v1/track", http.Header{"Authorization": {"Bearer " + v.token}},
		map[string]any{"events": []any{map[string]any{"kind": kind, "data": data}}}, nil)
}

// exchange sends JSON and reads JSON; an answer that isn't a success is an error with what it says.
func exchange(ctx context.Context, client *http.Client, method, url string, header http.Header, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	if header != nil {
		r.Header = header.Clone()
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s %.300s", method, url, answer.Status, b)
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}
