package account

import (
	"context"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"opeka/internal/care"
)

const (
	parallelHashes = 2 // each takes 19 MiB and a core for some tens of milliseconds
	minPassword    = 10
	maxPassword    = 200
)

// hashParams are OWASP's for argon2id with little memory, which the program shares with everything else.
var hashParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// decoy is compared against when there is no such agent, so that answers take as long either way.
var decoy = sync.OnceValues(func() (string, error) { return argon2id.CreateHash(newToken(), hashParams) })

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
		if hash, err = decoy(); err != nil {
			return false, err
		}
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	return ok && known && err == nil, err
}
