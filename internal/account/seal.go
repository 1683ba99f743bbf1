package account

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Sealer encrypts secrets at rest with AES-256-GCM, under keys derived from the installation's master key.
// Losing the master key loses the secrets: they must then be entered again.
type Sealer struct {
	master []byte
	aead   cipher.AEAD
}

const (
	masterKeySize = 32
	sealVersion   = 1 // first byte of what is sealed, so that the scheme can change
)

// NewSealer derives the sealing key from a master key of at least 32 bytes.
func NewSealer(master []byte) (*Sealer, error) {
	if len(master) < masterKeySize {
		return nil, fmt.Errorf("account: the master key has %d bytes, at least %d are needed", len(master), masterKeySize)
	}
	s := &Sealer{master: master}
	block, err := aes.NewCipher(s.Derive("seal"))
	if err != nil {
		return nil, err
	}
	s.aead, err = cipher.NewGCM(block)
	return s, err
}

// LoadMasterKey returns the key that is given (64 hex digits or base64 of 32 bytes or more) or, without
// one, that in dir/secret.key, which is made on the first start, readable by its owner alone.
func LoadMasterKey(dir, given string) ([]byte, error) {
	if given != "" {
		key, err := parseMasterKey(given)
		if err != nil {
			return nil, fmt.Errorf("account: --secret-key: %w", err)
		}
		return key, nil
	}
	path := filepath.Join(dir, "secret.key")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := makeMasterKey(path); err != nil {
			return nil, fmt.Errorf("account: master key: %w", err)
		}
		b, err = os.ReadFile(path) // of several that start together, one has made it
	}
	if err != nil {
		return nil, fmt.Errorf("account: master key: %w", err)
	}
	key, err := parseMasterKey(string(b))
	if err != nil {
		return nil, fmt.Errorf("account: %s: %w", path, err)
	}
	return key, nil
}

func makeMasterKey(path string) error {
	key := make([]byte, masterKeySize)
	rand.Read(key)
	// Written whole under another name first: a half-written key would lock every secret away.
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func parseMasterKey(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	key, err := hex.DecodeString(s)
	if err != nil {
		key, err = base64.StdEncoding.DecodeString(s)
	}
	if err != nil || len(key) < masterKeySize {
		return nil, fmt.Errorf("want %d bytes as hex or base64", masterKeySize)
	}
	return key, nil
}

// Derive returns a 32-byte key of its own for each purpose.
func (s *Sealer) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, s.master, nil, "opeka/"+purpose, 32)
	if err != nil {
		panic(err) // only for lengths that are constants here
	}
	return key
}

// Seal encrypts plain. bound names the row it belongs to, so that a sealed secret copied to another row doesn't open.
func (s *Sealer) Seal(plain []byte, bound string) []byte {
	nonce := make([]byte, s.aead.NonceSize(), 1+s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	rand.Read(nonce)
	out := append([]byte{sealVersion}, nonce...)
	return s.aead.Seal(out, nonce, plain, []byte(bound))
}

// Open decrypts what Seal made for the same row. Empty stays empty.
func (s *Sealer) Open(sealed []byte, bound string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	n := s.aead.NonceSize()
	if sealed[0] != sealVersion || len(sealed) < 1+n {
		return nil, errSealed
	}
	plain, err := s.aead.Open(nil, sealed[1:1+n], sealed[1+n:], []byte(bound))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

var errSealed = errors.New("account: a sealed secret doesn't open: was the master key changed?")
