// Package dbtest gives each test a database of its own, on both engines.
package dbtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"opeka/internal/db"
)

// Start is where a test's clock begins: a Monday noon in Kyiv.
var Start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// Each runs f on SQLite and on PostgreSQL, in parallel, each with a new, migrated database and a
// clock of its own. PostgreSQL's part is skipped unless OPEKA_TEST_POSTGRES holds the address of a server on which databases can be made.
func Each(t *testing.T, f func(t *testing.T, d *db.DB, clock *db.MovableClock)) {
	t.Helper()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			d, clock := Open(t, e)
			f(t, d, clock)
		})
	}
}

// Open returns a new migrated database, closed when the test ends.
func Open(t testing.TB, e db.Engine) (*db.DB, *db.MovableClock) {
	t.Helper()
	clock := db.NewMovableClock(Start)
	d, err := db.Open(t.Context(), URL(t, e), db.Options{Clock: clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), ReadConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if e == db.SQLite {
			noFullScans(t, d)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, clock
}

// URL returns the address of a new database that is migrated already and dropped after the test.
func URL(t testing.TB, e db.Engine) string {
	t.Helper()
	if e == db.SQLite {
		path := filepath.Join(t.TempDir(), "opeka.db")
		template, err := sqliteTemplate()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, template, 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	}
	admin := os.Getenv("OPEKA_TEST_POSTGRES")
	if admin == "" {
		t.Skip("no PostgreSQL: set OPEKA_TEST_POSTGRES=postgres://... (make test starts one)")
	}
	template, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("opeka_t_%d_%d", os.Getpid(), counter.Add(1))
	if err := onServer(admin, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = onServer(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return withDatabase(admin, name)
}

var counter atomic.Int64

// sqliteTemplate migrates one file per process; every test starts from its bytes.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "opeka-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "t.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// postgresTemplate migrates one database per schema and server, whichever test process comes first.
var postgresTemplate = sync.OnceValues(func() (string, error) {
	admin := os.Getenv("OPEKA_TEST_POSTGRES")
	// The schema is named by the bytes of its SQLite twin: the same migrations make the same template.
	schema, err := migrationSum()
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("opeka_template_%x", schema[:8])
	ctx := context.Background()
	c, err := pgx.Connect(ctx, admin)
	if err != nil {
		return "", fmt.Errorf("OPEKA_TEST_POSTGRES: %w", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock(7305)"); err != nil {
		return "", err
	}
	var ready bool
	if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)", name).Scan(&ready); err != nil || ready {
		return name, err
	}
	if _, err := c.Exec(ctx, "DROP DATABASE IF EXISTS "+name); err != nil {
		return "", err
	}
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name+" ENCODING 'UTF8' TEMPLATE template0"); err != nil {
		return "", err
	}
	if err := migrate(withDatabase(admin, name)); err != nil {
		return "", err
	}
	_, err = c.Exec(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true")
	return name, err
})

func migrationSum() (sum [32]byte, err error) {
	schema, err := db.Schema()
	return sha256.Sum256([]byte(strings.Join(schema, "\n"))), err
}

func migrate(address string) error {
	d, err := db.Open(context.Background(), address, db.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), ReadConns: 2})
	if err != nil {
		return err
	}
	if err := d.Migrate(context.Background()); err != nil {
		_ = d.Close()
		return err
	}
	return d.Close()
}

func onServer(address, statement string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

func withDatabase(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Path = "/" + name
	return u.String()
}
