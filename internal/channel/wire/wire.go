// Package wire is what the plugs of written channels share: a request to a service, and what its failure means for the message that
// it carried. It knows no service.
package wire

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"opeka/internal/care"
)

// maxAnswer bounds what is read of an answer that isn't a file.
const maxAnswer = 1 << 20

// Answer is what a service said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes a request. Its errors say whether the service can have taken it: Temporary, if nothing was sent, else Uncertain. Addresses are
// left out of them, because some services want their keys there.
func Do(client *http.Client, r *http.Request) (Answer, error) {
	var written atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }}
	res, err := client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return Answer{}, lost(err, written.Load())
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, lost(err, true)
	}
	if len(body) > maxAnswer {
		return Answer{}, lost(errors.New("the answer is too large"), true)
	}
	return Answer{res.StatusCode, res.Header, body}, nil
}

func lost(err error, written bool) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if written {
		return &care.UncertainError{Cause: err}
	}
	return &care.TemporaryError{Cause: err}
}

// JSON makes a request with a JSON body; nil: none.
func JSON(ctx context.Context, method, address string, body any, header http.Header) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, r)
	if err != nil {
		return nil, errors.New("the address can't be used")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// Part is a part of a form: a value, or a file.
type Part struct {
	Name, Value string
	File        *care.OutboundFile
}

// Form makes a request with a multipart body. Files are read into memory; the caller's limits bound them.
func Form(ctx context.Context, address string, parts []Part, header http.Header) (*http.Request, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		if p.File == nil {
			if err := w.WriteField(p.Name, p.Value); err != nil {
				return nil, err
			}
			continue
		}
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, p.Name, strings.Map(plain, p.File.Name)))
		h.Set("Content-Type", p.File.ContentType)
		part, err := w.CreatePart(h)
		if err != nil {
			return nil, err
		}
		content, err := p.File.Open()
		if err != nil {
			return nil, &care.TemporaryError{Cause: fmt.Errorf("a file can't be read: %w", err)}
		}
		_, err = io.Copy(part, content)
		_ = content.Close()
		if err != nil {
			return nil, &care.TemporaryError{Cause: fmt.Errorf("a file can't be read: %w", err)}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, &b)
	if err != nil {
		return nil, errors.New("the address can't be used")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return req, nil
}

func plain(r rune) rune {
	if r < ' ' || r == '"' || r == '\\' {
		return '_'
	}
	return r
}

// Failed is what a status outside of 2xx means for a send, where the service says nothing more exact: refused keys, a limit, a refusal, or an
// error on its side of which nobody knows how far it got.
func Failed(a Answer, said string) error {
	cause := fmt.Errorf("%d %s", a.Status, clip(said))
	switch {
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return &care.AuthError{Cause: cause}
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusServiceUnavailable:
		return &care.TemporaryError{Cause: cause, After: After(a.Header)}
	case a.Status >= 500, a.Status == http.StatusRequestTimeout:
		return &care.UncertainError{Cause: cause}
	}
	return &care.RejectedError{Code: "other", Detail: cause.Error()}
}

// After is how long a service asks to be left alone: Retry-After in seconds, bounded.
func After(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n <= 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, time.Hour)
}

// Again makes an uncertain failure temporary, for requests that carry no message.
func Again(err error) error {
	var u *care.UncertainError
	if errors.As(err, &u) {
		return &care.TemporaryError{Cause: u.Cause}
	}
	return err
}

// Download opens a file at a service.
func Download(ctx context.Context, client *http.Client, address string, header http.Header) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &care.RejectedError{Code: "other", Detail: "the file's address can't be used"}
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, Again(lost(err, true))
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	_ = res.Body.Close()
	cause := fmt.Errorf("the file: %s", res.Status)
	if res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone {
		return nil, &care.RejectedError{Code: "other", Detail: cause.Error()}
	}
	return nil, &care.TemporaryError{Cause: cause, After: After(res.Header)}
}

// Signed tells whether signature is the hex HMAC-SHA256 of the body.
func Signed(body []byte, key, signature string) bool {
	want, err := hex.DecodeString(signature)
	return err == nil && key != "" && hmac.Equal(want, MAC(body, key))
}

// MAC is the HMAC-SHA256 of a body.
func MAC(body []byte, key string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	_, _ = m.Write(body)
	return m.Sum(nil)
}

// Derived is a secret made of another one for a purpose: there is nothing to keep, and new keys make a new one.
func Derived(key, purpose string) string { return hex.EncodeToString(MAC([]byte(purpose), key)) }

// ID makes the name of a message fit for where names are kept.
func ID(s string) string {
	if len(s) <= 80 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Settings reads the settings and secrets of a connection.
func Settings(c care.Connection, settings, secrets any) error {
	for _, part := range []struct {
		raw  []byte
		into any
		name string
	}{{c.Settings, settings, "settings"}, {c.Secrets, secrets, "secrets"}} {
		if len(part.raw) == 0 {
			continue
		}
		if err := json.Unmarshal(part.raw, part.into); err != nil {
			return care.Invalid(part.name, "value_invalid")
		}
	}
	return nil
}

// Base is the address of a service: what was set, or the usual one.
func Base(set, usual string) (string, error) {
	set = strings.TrimRight(strings.TrimSpace(set), "/")
	if set == "" {
		return usual, nil
	}
	u, err := url.Parse(set)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", care.Invalid("api_url", "url_invalid")
	}
	return set, nil
}

// Partly is the failure of a message of several requests of which some were taken: nothing of it may be repeated.
func Partly(taken int, err error) error {
	if taken == 0 {
		return err
	}
	return &care.UncertainError{Cause: fmt.Errorf("only a part of it was taken: %w", err)}
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 300 {
		s = s[:300]
	}
	return strings.ToValidUTF8(s, "")
}
