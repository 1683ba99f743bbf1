package woocommerce

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sign adds one-legged OAuth 1.0a parameters (HMAC-SHA256) to params, for a request to u, which has no query.
func sign(params url.Values, method string, u url.URL, key, secret string, now time.Time) error {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	params.Set("oauth_consumer_key", key)
	params.Set("oauth_nonce", hex.EncodeToString(nonce))
	params.Set("oauth_signature_method", "HMAC-SHA256")
	params.Set("oauth_timestamp", strconv.FormatInt(now.Unix(), 10))
	params.Del("oauth_signature")
	params.Set("oauth_signature", signature(params, method, u, secret))
	return nil
}

func signature(params url.Values, method string, u url.URL, secret string) string {
	base := strings.ToUpper(method) + "&" + escape(u.Scheme+"://"+u.Host+u.EscapedPath()) + "&" + escape(encode(params))
	m := hmac.New(sha256.New, []byte(secret+"&"))
	m.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// encode writes a query with RFC 3986 escapes (a space is %20), sorted as the signature wants it.
func encode(params url.Values) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(params)) {
		for _, v := range slices.Sorted(slices.Values(params[k])) {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(escape(k) + "=" + escape(v))
		}
	}
	return b.String()
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(unreserved, s[i]) >= 0 {
			b.WriteByte(s[i])
			continue
		}
		const hexDigits = "0123456789ABCDEF"
		b.WriteByte('%')
		b.WriteByte(hexDigits[s[i]>>4])
		b.WriteByte(hexDigits[s[i]&15])
	}
	return b.String()
}
