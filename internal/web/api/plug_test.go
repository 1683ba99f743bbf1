package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"opeka/internal/care"
)

// fakePlug is a shop whose token tells how it answers.
type fakePlug struct{ care.Shop }

type fakeShop struct {
	care.Shop
	token string
}

func (fakePlug) Name() string { return "fake" }

func (fakePlug) Fields() []care.Field {
	return []care.Field{
		{Name: "url", Kind: "url", Required: true}, {Name: "token", Kind: "secret", Required: true}, {Name: "depth", Kind: "number", Default: "3"},
		{Name: "notes", Kind: "bool"}, {Name: "size", Kind: "choice", Choices: []string{"s", "l"}},
	}
}

func (fakePlug) Open(c care.Connection, _ *http.Client) (care.Shop, error) {
	var secrets struct{ Token string }
	if err := json.Unmarshal(c.Secrets, &secrets); err != nil {
		return nil, err
	}
	if secrets.Token == "malformed" {
		return nil, care.Invalid("token", "pattern")
	}
	return fakeShop{token: secrets.Token}, nil
}

func (s fakeShop) Test(context.Context) (care.PeerInfo, error) {
	switch s.token {
	case "refused":
		return care.PeerInfo{}, &care.AuthError{Cause: errors.New("401")}
	case "down":
		return care.PeerInfo{}, &care.TemporaryError{Cause: errors.New("timeout")}
	}
	return care.PeerInfo{Name: "Fake", Version: s.token}, nil
}
