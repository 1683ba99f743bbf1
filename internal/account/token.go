package account

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	tokenBytes  = 32
	tokenLength = 43 // of 32 bytes in base64url without padding
	keyPrefix   = "ok_"
)

// newToken returns 256 random bits, safe in URLs, cookies and headers.
func newToken() string {
	b := make([]byte, tokenBytes)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// clip shortens text of the outside to at most n characters, for columns that only inform.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// boundTo names the row that a sealed secret belongs to.
func boundTo(kind string, id int64) string { return kind + ":" + strconv.FormatInt(id, 10) }
