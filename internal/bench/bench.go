// Package bench measures Opeka on the machine at hand and says how it stands to what was promised. It owns the loads, the
// seeds and the table of results. Whatever it measures is the program as it is served, reached by its public doors or its
// rooms' own verbs; it never touches their tables, and nothing of it runs in production.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Command is `opeka bench`.
type Command struct {
	Measure MeasureCommand `cmd:"" default:"withargs" help:"Measure everything that was promised, and print the table."`
	Seed    SeedCommand    `cmd:"" help:"Fill a new installation with conversations to measure on."`
	Serve   ServeCommand   `cmd:"" hidden:"" help:"Serve without limits of rate."`
	Sound   SoundCommand   `cmd:"" hidden:"" help:"Carry the sound of calls that another process makes."`
}

// MeasureCommand runs the rows of the table.
type MeasureCommand struct {
	Only     []string `help:"Rows to measure, by name: ${bench_rows}."`
	Quick    bool     `help:"Small seeds and short loads: tells that everything works, not how fast it is."`
	Largest  int      `help:"Conversations of the largest seed." default:"200000"`
	JSON     string   `name:"json" help:"File for the results." default:"bench.json"`
	Cache    string   `help:"Folder in which seeds are kept for the next time." default:"${bench_cache}" type:"path"`
	Postgres string   `help:"Address of a PostgreSQL server on which databases can be made; empty: its rows are left out." env:"OPEKA_TEST_POSTGRES"`
}

// Vars are what the help of the command refers to.
func Vars() map[string]string {
	return map[string]string{"bench_cache": filepath.Join(os.TempDir(), "opeka-bench"), "bench_rows": strings.Join(names(), ", ")}
}

// row is a line of the table of promises.
type row struct {
	name    string
	what    string
	peer    string // the figure of the nearest peer under the same load
	measure func(ctx context.Context, b *bench) error
}

// rows are in the order of the table.
var rows = []row{
	transactionRow, replyRow, listRow, openRow, keyRow, visitorSendRow, agentSendRow, memoryRow, searchRow, findRow, pageRow, webhookRow, mailboxRow, noticeRow, startRow, ringRow, setupRow, callsRow,
}

func names() []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.name
	}
	return out
}

// bench is one run: its sizes, its seeds, and what it found.
type bench struct {
	MeasureCommand
	out     io.Writer
	log     *slog.Logger
	dir     string // gone at the end
	seeds   map[int]*seed
	figures []Figure
	row     row
}

// Run implements the command.
func (m *MeasureCommand) Run(ctx context.Context) error {
	for _, name := range m.Only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("no row is named %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	dir, err := os.MkdirTemp("", "opeka-bench-run")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{MeasureCommand: *m, out: os.Stdout, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), dir: dir, seeds: map[int]*seed{}}
	report := Report{Machine: machine(), Quick: m.Quick}
	report.Machine.print(b.out, m.Quick)
	var failed []error
	for _, r := range rows {
		if len(m.Only) > 0 && !slices.Contains(m.Only, r.name) {
			continue
		}
		b.row = r
		fmt.Fprintf(os.Stderr, "bench: %s\n", r.name)
		limited, cancel := context.WithTimeout(ctx, rowTime)
		if err := r.measure(limited, b); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", r.name, err))
		}
		cancel()
		if ctx.Err() != nil {
			break
		}
	}
	report.Figures, report.Machine.LoadAtEnd = b.figures, loadAverage()
	report.print(b.out)
	if m.JSON != "" {
		if err := report.write(m.JSON); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// rowTime bounds a row, its seed included: the largest seed takes a quarter of an hour on a slow machine.
const rowTime = 40 * time.Minute

// smaller is n, or a fraction of it in a quick run.
func (b *bench) smaller(n, quick int) int {
	if b.Quick {
		return quick
	}
	return n
}

// shorter is d, or a fraction of it in a quick run.
func (b *bench) shorter(d time.Duration) time.Duration {
	if b.Quick {
		return d / 5
	}
	return d
}
