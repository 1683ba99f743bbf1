package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"testing/fstest"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // goose speaks to it through database/sql
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationsFor is the one directory as an engine reads it: NNNN_x.sql for both,
// NNNN_x.pg.sql and NNNN_x.sqlite.sql for one (full-text search, say).
func migrationsFor(e Engine) (fs.FS, error) {
	other, own := ".sqlite.sql", ".pg.sql"
	if e == SQLite {
		other, own = own, other
	}
	out := fstest.MapFS{}
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	for _, f := range entries {
		if strings.HasSuffix(f.Name(), other) {
			continue
		}
		ddl, err := migrations.ReadFile("migrations/" + f.Name())
		if err != nil {
			return nil, err
		}
		if e == SQLite && !strings.HasSuffix(f.Name(), own) {
			ddl = []byte(sqliteSchema(string(ddl)))
		}
		out[strings.Replace(f.Name(), own, ".sql", 1)] = &fstest.MapFile{Data: ddl, Mode: 0o444}
	}
	return out, nil
}

func migrateWith(ctx context.Context, e Engine, pool *sql.DB, log *slog.Logger) error {
	files, err := migrationsFor(e)
	if err != nil {
		return err
	}
	// Each room has numbers of its own, so one that is new to an installation needn't have the highest.
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true)}
	dialect := goose.DialectSQLite3
	if e == Postgres {
		// A lock row rather than an advisory lock: it also works behind a connection pooler.
		locker, err := lock.NewPostgresTableLocker()
		if err != nil {
			return err
		}
		dialect = goose.DialectPostgres
		options = append(options, goose.WithLocker(locker))
	}
	p, err := goose.NewProvider(dialect, pool, files, options...)
	if err != nil {
		return err
	}
	done, err := p.Up(ctx)
	for _, m := range done {
		log.Info("migrated", "version", m.Source.Version, "took", m.Duration)
	}
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return nil
}

func (s *sqliteDB) migrate(ctx context.Context, log *slog.Logger) error {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: s.path}).EscapedPath()+"?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	return migrateWith(ctx, SQLite, pool, log)
}

func (p *postgresDB) migrate(ctx context.Context, log *slog.Logger) error {
	pool := stdlib.OpenDBFromPool(p.pool)
	defer pool.Close()
	return migrateWith(ctx, Postgres, pool, log)
}

// Schema names every migration in order, each with a sum of its text: what identifies a schema.
func Schema() ([]string, error) {
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		text, err := migrations.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, err
		}
		out[i] = fmt.Sprintf("%s %x", e.Name(), sha256.Sum256(text))
	}
	return out, nil
}
