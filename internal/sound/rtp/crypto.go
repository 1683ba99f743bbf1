package rtp

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"
)

// suite is a way of encrypting, by its name in RFC 4568. Both have a key of 16 bytes and a salt of 14.
type suite string

const (
	suite80  suite = "AES_CM_128_HMAC_SHA1_80"
	suite32  suite = "AES_CM_128_HMAC_SHA1_32"
	keySize        = 16
	saltSize       = 14
)

func (s suite) profile() srtp.ProtectionProfile {
	if s == suite32 {
		return srtp.ProtectionProfileAes128CmHmacSha1_32
	}
	return srtp.ProtectionProfileAes128CmHmacSha1_80
}

// crypto is a line a=crypto: a key that somebody encrypts with what he sends.
type crypto struct {
	tag   int
	suite suite
	key   [keySize + saltSize]byte
}

func newCrypto(tag int, s suite) (c crypto) {
	c.tag, c.suite = tag, s
	_, _ = rand.Read(c.key[:]) // never fails
	return c
}

func (c crypto) String() string {
	return fmt.Sprintf("%d %s inline:%s", c.tag, c.suite, base64.StdEncoding.EncodeToString(c.key[:]))
}

var errCrypto = errors.New("rtp: a key that can't be used")

// parseCrypto reads such a line. Keys with an identifier, several keys, and lines that switch encryption off are not for us.
func parseCrypto(line string) (c crypto, err error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return c, errCrypto
	}
	if c.tag, err = strconv.Atoi(fields[0]); err != nil || c.tag < 0 {
		return c, errCrypto
	}
	c.suite = suite(strings.ToUpper(fields[1]))
	key, inline := strings.CutPrefix(fields[2], "inline:")
	if (c.suite != suite80 && c.suite != suite32) || !inline || strings.Contains(key, ";") {
		return c, errCrypto
	}
	key, rest, _ := strings.Cut(key, "|")
	if strings.Contains(rest, ":") {
		return c, errCrypto
	}
	for _, p := range fields[3:] {
		if strings.HasPrefix(p, "UNENCRYPTED") || strings.HasPrefix(p, "UNAUTHENTICATED") || strings.HasPrefix(p, "KDR") {
			return c, errCrypto
		}
	}
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		b, err = base64.RawStdEncoding.DecodeString(key)
	}
	if err != nil || len(b) != len(c.key) {
		return c, errCrypto
	}
	copy(c.key[:], b)
	return c, nil
}

// lock is what encrypts one direction.
func (c crypto) lock() (*srtp.Context, error) {
	return srtp.CreateContext(c.key[:keySize], c.key[keySize:], c.suite.profile(), srtp.SRTPReplayProtection(128), srtp.SRTCPReplayProtection(64))
}
