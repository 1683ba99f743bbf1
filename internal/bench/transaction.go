package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/db"
)

var transactionRow = row{name: "transaction", what: "message transaction (conversation + message + event + job), 32 writers", measure: func(ctx context.Context, b *bench) error {
	const to = "one of four begins a conversation"
	grouped, cpu, err := b.transactions(ctx, "sqlite", "", false, 0)
	if err != nil {
		return err
	}
	b.atLeast("SQLite", grouped, "/s", 12000, to)
	b.tell("SQLite, time of the processor for each", cpu, "CPU-us")
	each, _, err := b.transactions(ctx, "sqlite-each", "", true, 0)
	if err != nil {
		return err
	}
	b.atLeast("SQLite, against one commit per message", grouped/each, "x", 3, fmt.Sprintf("which makes %.0f/s", each))
	if b.Postgres == "" {
		return nil
	}
	address, drop, err := b.database(ctx)
	if err != nil {
		return err
	}
	defer drop()
	fast, cpu, err := b.transactions(ctx, "postgres", address, false, b.postmaster(ctx))
	if err != nil {
		return err
	}
	b.atLeast("PostgreSQL", fast, "/s", 5000, to)
	b.tell("PostgreSQL, time of the processor for each, the program's and the server's", cpu, "CPU-us")
	return nil
}}

// transactions has 32 writers receive messages, each in conversations of its own, and returns how many a second there were
// and how many microseconds of the processor each took, of the program and of the database server, if it has one here.
func (b *bench) transactions(ctx context.Context, name, database string, each bool, server int) (perSecond, cpu float64, err error) {
	data := filepath.Join(b.dir, name)
	defer os.RemoveAll(data)
	a, err := app.New(ctx, app.Config{Data: data, Database: database, LogLevel: "error"}, app.Options{Log: quiet, Limits: noLimits, CommitEach: each})
	if err != nil {
		return 0, 0, err
	}
	defer a.Close()
	a.DB.Route(care.EventMessageReceived, "bench.heard") // a listener, as rules and reports are: one job for each message
	g := &grower{app: a}
	if err := g.install(ctx); err != nil {
		return 0, 0, err
	}
	said := make([]int, writers)
	texts := make([]string, 500)
	for n := range texts {
		texts[n] = speech(rand.New(rand.NewPCG(uint64(n), 9)))
	}
	receive := func(ctx context.Context, worker int, _ int64) error {
		k := said[worker]
		said[worker]++
		thread := fmt.Sprintf("%d-%d", worker, k/messagesEach)
		_, err := a.Inbox.Receive(ctx, care.Inbound{Store: g.about.Store, Channel: care.ChannelChat, Thread: thread, ClientID: strconv.Itoa(k), Language: "uk",
			From: []care.Identity{{Kind: care.IdentityVisitor, Value: thread, Verified: true}}, Body: texts[k%len(texts)]})
		return err
	}
	if _, err := closed(ctx, writers, b.shorter(2*time.Second), receive); err != nil { // statements prepared, caches warm
		return 0, 0, err
	}
	if database != "" { // autovacuum would do it within a minute; until then plans are those of empty tables
		if err := a.DB.Write(ctx, db.System, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `ANALYZE`)
			return err
		}); err != nil {
			return 0, 0, err
		}
	}
	spent := func() time.Duration {
		if server == 0 {
			return ownTime()
		}
		return ownTime() + cpuOfTree(server)
	}
	used := spent()
	l, err := closed(ctx, writers, b.shorter(10*time.Second), receive)
	if err != nil {
		return 0, 0, err
	}
	return l.perSecond(), float64((spent() - used).Microseconds()) / float64(len(l.took)), nil
}

// ownTime is what this process has used of the processor.
func ownTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
