package db

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

type unsent struct{}

func (unsent) Error() string     { return "nothing was sent" }
func (unsent) SafeToRetry() bool { return true }

// A group is tried again one by one only where nothing of it can have been committed.
func TestUndone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		err  error
		want bool
	}{
		{"all is well", nil, false},
		{"a statement was refused", fmt.Errorf("db: %w", &pgconn.PgError{SeverityUnlocalized: "ERROR", Severity: "ПОМИЛКА", Code: "23505"}), true},
		{"the server shuts down", &pgconn.PgError{SeverityUnlocalized: "FATAL", Code: "57P01"}, false},
		{"the connection broke", io.ErrUnexpectedEOF, false},
		{"the connection was broken before", errors.Join(unsent{}), true},
	} {
		if got := undone(c.err); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
