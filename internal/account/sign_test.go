package account_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// sign does what a shop's page does.
func sign(secret, subject string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(subject))
	return hex.EncodeToString(mac.Sum(nil))
}
