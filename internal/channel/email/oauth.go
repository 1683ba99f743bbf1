package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/emersion/go-sasl"

	"opeka/internal/care"
)

// refresh exchanges a refresh token for an access token (RFC 6749, section 6).
func refresh(ctx context.Context, client *http.Client, tokenURL, id, secret, token string) (access string, lasts time.Duration, err error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {id}}
	if secret != "" {
		form.Set("client_secret", secret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, care.Invalid("oauth_token_url", "value_invalid")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return "", 0, &care.TemporaryError{Cause: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return "", 0, &care.TemporaryError{Cause: err}
	}
	var answer struct {
		Access  string `json:"access_token"`
		Expires int64  `json:"expires_in"`
		Error   string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer)
	switch {
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return "", 0, &care.TemporaryError{Cause: fmt.Errorf("token: %s", res.Status)}
	case answer.Access == "":
		return "", 0, &care.AuthError{Cause: fmt.Errorf("token: %s %s", res.Status, answer.Error)}
	}
	if answer.Expires <= 0 {
		answer.Expires = 300
	}
	return answer.Access, time.Duration(answer.Expires) * time.Second, nil
}

// xoauth2 is the mechanism that Google and Microsoft had before OAUTHBEARER.
type xoauth2 struct{ user, token string }

func (x xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers the server's explanation of a refusal with nothing, whereupon it refuses.
func (x xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }

// bearer chooses the mechanism for an access token.
func (m *mailbox) bearer(ctx context.Context, supports func(mechanism string) bool, host string, port int) (sasl.Client, error) {
	token, err := m.accessToken(ctx)
	if err != nil {
		return nil, err
	}
	if supports("XOAUTH2") || !supports(sasl.OAuthBearer) {
		return xoauth2{m.User, token}, nil
	}
	return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: m.User, Token: token, Host: host, Port: port}), nil
}

var errRefused = errors.New("the server refused the user or the password")
