package db

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"opeka/internal/db/lite"
)

// Conflicts tells whether a write was refused because the state was another than its writer had read: a
// row with that unique key exists already, or a compare-and-set of the form
// `SET version = CASE WHEN version = $1 THEN version + 1 END` met another version and became NULL.
func Conflicts(err error) bool {
	if pe := (*pgconn.PgError)(nil); errors.As(err, &pe) {
		return pe.Code == "23505" || pe.Code == "23502"
	}
	if se := (*lite.Error)(nil); errors.As(err, &se) {
		switch se.Code {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_NOTNULL:
			return true
		}
	}
	return false
}
