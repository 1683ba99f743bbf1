package widget

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"opeka/internal/care"
)

// claims are what a visitor's token says. It is signed, not sealed: it holds nothing that the visitor's own browser hasn't told or may not know.
type claims struct {
	Store   int64  `json:"s"`
	Visitor string `json:"v"`
	At      int64  `json:"t"` // when it was made, in seconds
	// Who the shop says he is; valid until Until.
	Shop  string `json:"i,omitempty"` // "connection:id" of his account
	Email string `json:"e,omitempty"`
	Phone string `json:"p,omitempty"`
	Name  string `json:"n,omitempty"`
	Until int64  `json:"u,omitempty"`
}

const (
	tokenAge = 400 * 24 * time.Hour // a visitor who is away for longer is a new one
	// verifiedFor is how long a shop's word counts in a browser: whoever signed out there yesterday is nobody today.
	verifiedFor = 24 * time.Hour
	maxToken    = 2000
)

var errToken = &care.Error{Code: "widget.token_invalid", Kind: care.KindUnauthorised}

// verified tells whether the shop's word still counts.
func (c *claims) verified(now time.Time) bool { return c.Until > now.Unix() }

// identities are by which the visitor's messages are recognised.
func (c *claims) identities(now time.Time) []care.Identity {
	ids := []care.Identity{{Kind: care.IdentityVisitor, Value: c.Visitor, Verified: true}}
	if !c.verified(now) {
		return ids
	}
	for _, id := range []care.Identity{{Kind: care.IdentityShop, Value: c.Shop}, {Kind: care.IdentityEmail, Value: c.Email}, {Kind: care.IdentityPhone, Value: c.Phone}} {
		if id.Value != "" {
			id.Verified = true
			ids = append(ids, id)
		}
	}
	return ids
}

// seal signs claims.
func (d *Door) seal(c claims) string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and strings only
	}
	body := base64.RawURLEncoding.EncodeToString(b)
	return body + "." + base64.RawURLEncoding.EncodeToString(d.mac(body))
}

// open reads what seal made.
func (d *Door) open(token string) (claims, error) {
	body, mac, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxToken {
		return claims{}, errToken
	}
	given, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil || !hmac.Equal(given, d.mac(body)) {
		return claims{}, errToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	var c claims
	if err != nil || json.Unmarshal(b, &c) != nil || d.db.Now().Sub(time.Unix(c.At, 0)) > tokenAge {
		return claims{}, errToken
	}
	return c, nil
}

func (d *Door) mac(body string) []byte {
	m := hmac.New(sha256.New, d.o.Key)
	_, _ = m.Write([]byte("visitor:" + body))
	return m.Sum(nil)[:20]
}

var visitorID = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// newVisitor returns an id that nobody can guess.
func newVisitor() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	return visitorID.EncodeToString(b[:])
}
