package bench

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

var databases atomic.Int64

// database makes a database on the server of the run; drop removes it.
func (b *bench) database(ctx context.Context) (address string, drop func(), err error) {
	name := fmt.Sprintf("opeka_bench_%d_%d", os.Getpid(), databases.Add(1))
	if err := b.onServer(ctx, "CREATE DATABASE "+name+" ENCODING 'UTF8' TEMPLATE template0"); err != nil {
		return "", nil, err
	}
	u, err := url.Parse(b.Postgres)
	if err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func() {
		_ = b.onServer(context.WithoutCancel(ctx), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}, nil
}

func (b *bench) onServer(ctx context.Context, statement string) error {
	c, err := pgx.Connect(ctx, b.Postgres)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// postmaster is the process that all of PostgreSQL's are children of; 0 when the server is on another machine.
func (b *bench) postmaster(ctx context.Context) int {
	var own string
	c, err := pgx.Connect(ctx, b.Postgres)
	if err != nil {
		return 0
	}
	defer c.Close(ctx)
	if c.QueryRow(ctx, "SELECT pg_backend_pid()::text").Scan(&own) != nil {
		return 0
	}
	pid, _ := strconv.Atoi(own)
	f := statOf(pid)
	if len(f) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(f[1])
	return parent
}
