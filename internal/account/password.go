package account

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"opeka/internal/care"
)

const (
	parallelHashes = 2 // each takes 64 MiB and a core for some tens of milliseconds
	minPassword    = 10
	maxPassword    = 200
)

var hashParams = &argon2id.Params{Memory: 64 * 1024, Iterations: 1, Parallelism: 2, SaltLength: 16, KeyLength: 32}

// decoy is compared against when there is no such agent, so that answers take as long either way.
const decoy = "$argon2id$v=19$m=65536,t=1,p=2$b3Bla2Etb3Bla2EtMQ$kN0fHPkqZQx0rm4Y1vO3Xy1c5mI2l0gk1c3fQ3m0xXc"

func checkPassword(field, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return care.Invalid(field, "password_short", "min", minPassword)
	case n > maxPassword:
		return care.Invalid(field, "too_long", "max", maxPassword)
	case strings.Count(password, password[:1]) == len(password):
		return care.Invalid(field, "password_weak")
	}
	return nil
}

// hashSlot waits for a turn to hash, or for the caller to give up.
func (a *Accounts) hashSlot(ctx context.Context) (release func(), err error) {
	select {
	case a.logins <- struct{}{}:
		return func() { <-a.logins }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *Accounts) hashPassword(ctx context.Context, password string) (string, error) {
	release, err := a.hashSlot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return argon2id.CreateHash(password, hashParams)
}

// passwordIs compares in constant time; with an empty hash it takes as long and says no.
func (a *Accounts) passwordIs(ctx context.Context, password, hash string) (bool, error) {
	if utf8.RuneCountInString(password) > maxPassword {
		return false, nil
	}
	release, err := a.hashSlot(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	known := hash != ""
	if !known {
		hash = decoy
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	return ok && known && err == nil, err
}
