package generic

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// SignatureHeader is where a request carries its signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">.
const SignatureHeader = "X-Signature"

// Tolerance is how far the clocks of a shop and ours may be apart.
const Tolerance = 300 * time.Second

// Refusals of a signed request.
var (
	ErrSignature = &care.Error{Code: "ingest.signature", Kind: care.KindUnauthorised}
	ErrLate      = &care.Error{Code: "ingest.late", Kind: care.KindUnauthorised}
)

// Sign makes the signature of a body.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + mac(secret, t, body)
}

// Verify checks a signature by any of the live secrets. It returns the matching part, by which a replay is recognised.
func Verify(secrets []string, header string, body []byte, now time.Time) (string, error) {
	var t string
	var given []string
	for _, part := range strings.Split(header, ",") {
		switch k, v, _ := strings.Cut(strings.TrimSpace(part), "="); k {
		case "t":
			t = v
		case "v1":
			given = append(given, strings.ToLower(v))
		}
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil || len(given) == 0 || len(given) > 4 {
		return "", ErrSignature
	}
	for _, secret := range secrets {
		want := mac(secret, t, body)
		for _, g := range given {
			if secret == "" || !hmac.Equal([]byte(g), []byte(want)) {
				continue
			}
			if away := now.Unix() - seconds; away > int64(Tolerance.Seconds()) || away < -int64(Tolerance.Seconds()) {
				return "", ErrLate
			}
			return t + "." + g, nil
		}
	}
	return "", ErrSignature
}

func mac(secret, t string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}
