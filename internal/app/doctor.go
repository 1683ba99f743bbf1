package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"opeka/internal/account"
	"opeka/internal/carrier/sip"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/outgoing"
)

// DoctorCommand looks at everything that the program leans on and says how to mend what is wrong.
type DoctorCommand struct {
	Config
	JSON bool `help:"Print the findings as JSON."`
}

// Finding is what the doctor found about one thing.
type Finding struct {
	What  string `json:"what"`
	State string `json:"state"` // ok, warn, fail
	Says  string `json:"says"`
	Mend  string `json:"mend,omitempty"`
}

var errUnwell = errors.New("something has to be mended")

// Run implements the command. It fails when a finding does, so that a script can tell.
func (c *DoctorCommand) Run(ctx context.Context) error {
	c.LogLevel = "error"
	findings := Examine(ctx, c.Config)
	unwell := false
	for _, f := range findings {
		unwell = unwell || f.State == "fail"
	}
	if c.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Printf("%-5s %-22s %s\n", f.State, f.What, f.Says)
			if f.Mend != "" {
				fmt.Printf("      %-22s -> %s\n", "", f.Mend)
			}
		}
	}
	if unwell {
		return errUnwell
	}
	return nil
}

type examination struct {
	c        Config
	findings []Finding
}

func (x *examination) ok(what, says string, args ...any) {
	x.findings = append(x.findings, Finding{What: what, State: "ok", Says: fmt.Sprintf(says, args...)})
}
func (x *examination) warn(what, mend, says string, args ...any) {
	x.findings = append(x.findings, Finding{what, "warn", fmt.Sprintf(says, args...), mend})
}
func (x *examination) fail(what, mend string, err error) {
	x.findings = append(x.findings, Finding{what, "fail", err.Error(), mend})
}

// Examine looks at everything. Where no program runs it opens the installation as the program would, and closes it again.
func Examine(ctx context.Context, c Config) []Finding {
	x := &examination{c: c}
	if err := x.c.Check(); err != nil {
		x.fail("configuration", "Correct the flag, environment variable or opeka.json that is named.", err)
		return x.findings
	}
	x.ok("configuration", "version %s, %s", Version, c.engine())
	x.disk()
	x.secret()
	x.port(ctx)
	x.publicURL(ctx)
	x.database(ctx)
	return x.findings
}

const lowDisk = 2 << 30

func (x *examination) disk() {
	var s syscall.Statfs_t
	if err := syscall.Statfs(x.c.Data, &s); err != nil {
		x.fail("disk", "Give a data folder that the program may use: --data.", err)
		return
	}
	free := s.Bavail * uint64(s.Bsize)
	probe, err := os.CreateTemp(x.c.Data, ".doctor-*")
	if err != nil {
		x.fail("disk", "Let the program's user write to the data folder: chown -R.", err)
		return
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	says := fmt.Sprintf("%s, %.1f GB free", x.c.Data, float64(free)/1e9)
	if free < lowDisk {
		x.warn("disk", "Free some space or move the data folder; a full disk stops every write.", "%s", says)
		return
	}
	x.ok("disk", "%s", says)
}

func (x *examination) secret() {
	if x.c.Secret != "" {
		x.ok("master key", "given by the environment")
		return
	}
	info, err := os.Stat(filepath.Join(x.c.Data, "secret.key"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		x.warn("master key", "It is made at the first start. Keep a copy apart from the database: without it sealed secrets can't be opened.", "not made yet")
	case err != nil:
		x.fail("master key", "Let the program's user read data/secret.key.", err)
	case info.Mode().Perm()&0o077 != 0:
		x.fail("master key", "chmod 600 "+filepath.Join(x.c.Data, "secret.key"), fmt.Errorf("others may read it: %v", info.Mode().Perm()))
	default:
		x.ok("master key", "readable by its owner alone")
	}
}

// port tells whether the address is free, or taken by a running Opeka.
func (x *examination) port(ctx context.Context) {
	l, err := net.Listen("tcp", x.c.Listen)
	if err == nil {
		_ = l.Close()
		x.ok("port", "%s is free", x.c.Listen)
		return
	}
	host, port, _ := net.SplitHostPort(x.c.Listen)
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	if body, gerr := get(ctx, &http.Client{Timeout: 3 * time.Second}, "http://"+net.JoinHostPort(host, port)+"/healthz"); gerr == nil && strings.HasPrefix(body, "ok") {
		x.ok("port", "%s is served by a running Opeka", x.c.Listen)
		return
	}
	x.fail("port", "Stop what uses it, or choose another with --listen.", err)
}

func (x *examination) publicURL(ctx context.Context) {
	const what = "public address"
	if x.c.PublicURL == "" {
		x.warn(what, "Set --public-url https://..., so that shops can push and letters can link.", "not set: shops are polled only")
		return
	}
	if !strings.HasPrefix(x.c.PublicURL, "https://") {
		x.warn(what, "Put a TLS proxy in front and set --behind-proxy: cookies and customers' data cross the network.", "%s is not encrypted", x.c.PublicURL)
	}
	if _, err := get(ctx, outgoing.New(outgoing.Options{AllowPrivate: true, Timeout: 5 * time.Second}), x.c.PublicURL+"/healthz"); err != nil {
		x.warn(what, "Start the program, and let the proxy pass / to "+x.c.Listen+".", "%s doesn't answer: %v", x.c.PublicURL, err)
		return
	}
	x.ok(what, "%s answers", x.c.PublicURL)
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b := make([]byte, 100)
	n, _ := answer.Body.Read(b)
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s", answer.Status)
	}
	return string(b[:n]), nil
}

// database opens the installation as the program would, and looks at what it leans on through it.
func (x *examination) database(ctx context.Context) {
	a, err := New(ctx, x.c, Options{Log: x.c.Logger()})
	if errors.Is(err, db.ErrInUse) {
		x.running(ctx)
		return
	}
	if err != nil {
		x.fail("database", "Check --database, that the server runs, and that the user may create tables.", err)
		return
	}
	defer a.Close()
	x.ok("database", "%s, schema up to date, node %d", x.c.engine(), a.DB.Node())
	x.engine(ctx, a.DB)
	if err := a.Files.Check(ctx); err != nil {
		x.fail("files", "Check --files, its keys, and that the bucket or folder exists.", err)
	} else {
		x.ok("files", "can be written")
	}
	if err := a.Bus.Err(); err != nil {
		x.fail("bus", "Check --nats or --cluster-*: nodes don't hear each other.", err)
	} else {
		x.ok("bus", "connected")
	}
	x.backlog(ctx, a.DB)
	x.connections(ctx, a)
}

// running looks at a SQLite installation without disturbing the program that has it.
func (x *examination) running(ctx context.Context) {
	d, err := db.Open(ctx, x.c.DatabaseURL(), db.Options{Log: x.c.Logger(), ReadOnly: true})
	if err != nil {
		x.fail("database", "Look at the log of the running program.", err)
		return
	}
	defer d.Close()
	x.ok("database", "in use by a running Opeka: its connections are as it says")
	x.engine(ctx, d)
	x.backlog(ctx, d)
	x.states(ctx, d)
}

// states tells how the running program finds its connections: a line that isn't registered among them.
func (x *examination) states(ctx context.Context, d *db.DB) {
	rows, err := d.Read().Query(ctx, `SELECT plug, name, state, state_reason FROM connections ORDER BY id`)
	if err != nil {
		x.fail("connections", "Look at the log.", err)
		return
	}
	defer rows.Close()
	phones := false
	for rows.Next() {
		var plug, name, state, reason string
		if err := rows.Scan(&plug, &name, &state, &reason); err != nil {
			x.fail("connections", "Look at the log.", err)
			return
		}
		phones = phones || plug == sip.Name
		switch what := "connection " + name; state {
		case account.StateOK:
			x.ok(what, "%s", plug)
		case account.StatePaused:
			x.ok(what, "%s, paused", plug)
		default:
			x.warn(what, "Open it in the console: Settings, Connections, and press Test.", "%s is %s: %s", plug, state, reason)
		}
	}
	if err := rows.Err(); err != nil {
		x.fail("connections", "Look at the log.", err)
	}
	x.telephone(phones)
}

// engine looks at what would lose acknowledged writes.
func (x *examination) engine(ctx context.Context, d *db.DB) {
	q := d.Read()
	if d.Engine == db.SQLite {
		var result string
		if err := q.QueryRow(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil || result != "ok" {
			x.fail("database file", "Restore the last backup; keep the damaged file for a look.", fmt.Errorf("%s %v", result, err))
			return
		}
		x.ok("database file", "whole")
		return
	}
	var fsync, commit string
	var seconds float64
	err := q.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit'), EXTRACT(EPOCH FROM clock_timestamp())::float8`).Scan(&fsync, &commit, &seconds)
	switch {
	case err != nil:
		x.fail("database settings", "Look at the server's log.", err)
		return
	case fsync != "on" || commit == "off":
		x.fail("database settings", "Set fsync = on and synchronous_commit = on: a crash of the server would lose what was acknowledged.", fmt.Errorf("fsync %s, synchronous_commit %s", fsync, commit))
	default:
		x.ok("database settings", "fsync on, synchronous_commit %s", commit)
	}
	apart := time.Since(time.UnixMicro(int64(seconds * 1e6))).Abs()
	if apart > 2*time.Second {
		x.fail("clock", "Let both machines keep time by NTP.", fmt.Errorf("%v apart from the database's", apart.Round(time.Millisecond)))
		return
	}
	x.ok("clock", "%v from the database's", apart.Round(time.Millisecond))
}

func (x *examination) backlog(ctx context.Context, d *db.DB) {
	ready, overdue, dead, err := job.Backlog(ctx, d)
	switch {
	case err != nil:
		x.fail("jobs", "Look at the log.", err)
	case dead > 0:
		x.warn("jobs", "Look at them in the console: Settings, Dead jobs.", "%d put aside for good, %d waiting", dead, ready)
	case overdue > 100:
		x.warn("jobs", "Is the program running? If it is, look at its load.", "%d overdue", overdue)
	default:
		x.ok("jobs", "%d waiting", ready)
	}
}

// connections asks every connected shop the cheapest question there is.
func (x *examination) connections(ctx context.Context, a *App) {
	list, err := a.Accounts.Connections(ctx)
	if err != nil {
		x.fail("connections", "Was the master key changed? Put the old secret.key back.", err)
		return
	}
	x.telephone(slices.ContainsFunc(list, func(c account.LiveConnection) bool { return c.Plug == sip.Name }))
	// Lines are asked from a port of the doctor's own: theirs may be a running program's.
	if phones, err := openSIP(x.doctorsPorts(), nil, a.Log); err == nil {
		old := a.SIP
		a.SIP = phones
		defer func() { _ = phones.Close(); a.SIP = old }()
	}
	for _, c := range list {
		what := "connection " + c.Name
		for _, p := range a.plugs() {
			if p.Name() != c.Plug {
				continue
			}
			peer, err := account.OpenPeer(p, c.Connection, outgoing.New(outgoing.Options{AllowPrivate: x.c.AllowPrivate, Timeout: 15 * time.Second}))
			if err == nil {
				info, terr := peer.Test(ctx)
				if err = terr; err == nil {
					x.ok(what, "%s %s at %s", c.Plug, info.Version, info.URL)
					x.records(c.Name, info.Records)
				}
			}
			if err != nil {
				x.fail(what, "Open it in the console: Settings, Connections, and enter its keys anew.", err)
			}
		}
	}
}
