package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"opeka/internal/peer"
)

// What agents do all day: answer, look at the inbox, open conversations; and programs with keys.

const connections = 8

// desk is a served seed with an agent signed in.
type desk struct {
	*program
	*seed
	office *peer.Office
	header string // of the session, for wires
}

// open serves a seed; the caller stops it.
func (b *bench) open(ctx context.Context, s *seed, database string) (*desk, error) {
	p, err := serve(ctx, s.dir, database)
	if err != nil {
		return nil, err
	}
	d := &desk{program: p, seed: s, office: peer.NewOffice(p.url)}
	if err := d.office.SignIn(ctx, s.Email, s.Password); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	u, err := url.Parse(p.url)
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	for _, c := range d.office.HTTP.Jar.Cookies(u) {
		d.header = "Cookie: " + c.Name + "=" + c.Value + "\r\nX-CSRF-Token: " + d.office.CSRF + "\r\n"
	}
	return d, nil
}

func (b *bench) size() int { return b.smaller(b.Largest, 3_000) }

var replyRow = row{name: "reply", what: "agent's reply through the HTTP API, 8 connections", peer: "421/s, 4.5 CPU-ms", measure: func(ctx context.Context, b *bench) error {
	s, err := b.seeded(ctx, b.size())
	if err != nil {
		return err
	}
	if err := b.replies(ctx, fmt.Sprintf("SQLite, %d conversations", b.size()), s, ""); err != nil {
		return err
	}
	if b.Postgres == "" {
		return nil
	}
	address, drop, err := b.database(ctx)
	if err != nil {
		return err
	}
	defer drop()
	n := b.smaller(min(20_000, b.Largest), 500)
	data := filepath.Join(b.dir, "reply-postgres")
	defer os.RemoveAll(data)
	about, err := grow(ctx, data, address, n)
	if err != nil {
		return err
	}
	return b.replies(ctx, fmt.Sprintf("PostgreSQL, %d conversations", n), &seed{about, data}, address)
}}

func (b *bench) replies(ctx context.Context, on string, s *seed, database string) error {
	d, err := b.open(ctx, s, database)
	if err != nil {
		return err
	}
	defer d.stop()
	lines := wires(d.url, connections)
	body := speech(rand.New(rand.NewPCG(1, 2)))
	answer := func(ctx context.Context, worker int, n int64) error {
		// Each worker has conversations of its own, as agents do.
		id := s.Open[(rand.IntN(len(s.Open)/connections)*connections+worker)%len(s.Open)]
		_, err := lines[worker].do(ctx, http.MethodPost, fmt.Sprintf("/api/v1/conversations/%d/messages", id), d.header,
			fmt.Sprintf(`{"kind":"reply","body":%q,"client_id":"b%d-%d"}`, body, time.Now().UnixNano(), worker))
		return err
	}
	if _, err := closed(ctx, connections, b.shorter(3*time.Second), answer); err != nil {
		return err
	}
	postmaster := 0
	if database != "" {
		postmaster = b.postmaster(ctx)
	}
	used := func() time.Duration {
		if postmaster != 0 {
			return d.cpu() + cpuOfTree(postmaster)
		}
		return d.cpu()
	}
	before := used()
	l, err := closed(ctx, connections, b.shorter(15*time.Second), answer)
	if err != nil {
		return err
	}
	b.atLeast(on, l.perSecond(), "/s", 2500, fmt.Sprintf("p50 %.1f, p99 %.1f ms", l.quantile(0.5), l.quantile(0.99)))
	b.atMost(on+", program and database", milliseconds(used()-before)/float64(len(l.took)), "CPU-ms", 0.8)
	return nil
}

var listRow = row{name: "list", what: "inbox first page with counts, 8 connections", peer: "p50 35 / 1,234 / 6,550 ms", measure: func(ctx context.Context, b *bench) error {
	sizes := []int{1_000, b.size() / 4, b.size()}
	p99 := map[string][]float64{}
	views := []string{"all", "open"}
	for _, n := range sizes {
		s, err := b.seeded(ctx, n)
		if err != nil {
			return err
		}
		d, err := b.open(ctx, s, "")
		if err != nil {
			return err
		}
		for _, view := range views {
			l, err := d.firstPages(ctx, view, b.shorter(8*time.Second))
			if err != nil {
				return errors.Join(err, d.stop())
			}
			p99[view] = append(p99[view], l.quantile(0.99))
			b.atMost(fmt.Sprintf("%q of %d conversations, p99", view, n), l.quantile(0.99), "ms", 15, fmt.Sprintf("p50 %.1f ms, %.0f pages/s", l.quantile(0.5), l.perSecond()))
		}
		if err := d.stop(); err != nil {
			return err
		}
	}
	for _, view := range views {
		b.atMost(fmt.Sprintf("%q, %d against %d", view, sizes[2], sizes[0]), p99[view][2]/p99[view][0], "x", 2)
	}
	return nil
}}

// firstPages asks for what the console asks for when it opens: the counts of the views and the first page of one.
func (d *desk) firstPages(ctx context.Context, view string, t time.Duration) (*lap, error) {
	lines := wires(d.url, connections)
	page := func(ctx context.Context, worker int, _ int64) error {
		if _, err := lines[worker].do(ctx, http.MethodGet, "/api/v1/inbox/counts", d.header, ""); err != nil {
			return err
		}
		_, err := lines[worker].do(ctx, http.MethodGet, "/api/v1/conversations?view="+view, d.header, "")
		return err
	}
	if _, err := counted(ctx, connections, 200, page); err != nil {
		return nil, err
	}
	return closed(ctx, connections, t, page)
}

var openRow = row{name: "open", what: "open a conversation: its messages, the customer and his orders", peer: "14 ms without orders", measure: func(ctx context.Context, b *bench) error {
	s, err := b.seeded(ctx, b.size())
	if err != nil {
		return err
	}
	d, err := b.open(ctx, s, "")
	if err != nil {
		return err
	}
	defer d.stop()
	lines := wires(d.url, connections)
	look := func(ctx context.Context, worker int, n int64) error {
		c := s.Buyers[rand.IntN(len(s.Buyers))]
		for _, path := range []string{"conversations/" + strconv.FormatInt(c[0], 10), "customers/" + strconv.FormatInt(c[1], 10), "customers/" + strconv.FormatInt(c[1], 10) + "/orders"} {
			out, err := lines[worker].do(ctx, http.MethodGet, "/api/v1/"+path, d.header, "")
			if err != nil {
				return err
			}
			if len(out) < 200 {
				return fmt.Errorf("%s: nearly nothing: %s", path, out)
			}
		}
		return nil
	}
	if _, err := counted(ctx, connections, 200, look); err != nil {
		return err
	}
	l, err := closed(ctx, connections, b.shorter(8*time.Second), look)
	if err != nil {
		return err
	}
	b.atMost(fmt.Sprintf("three requests, 8 connections, %d conversations, p99", b.size()), l.quantile(0.99), "ms", 15, fmt.Sprintf("p50 %.1f ms, %.0f/s", l.quantile(0.5), l.perSecond()))
	if l, err = closed(ctx, 1, b.shorter(4*time.Second), look); err != nil {
		return err
	}
	b.tell("the same by one agent alone, p99", l.quantile(0.99), "ms")
	return nil
}}

var keyRow = row{name: "key", what: "request with an API key", peer: "71 CPU-ms", measure: func(ctx context.Context, b *bench) error {
	s, err := b.seeded(ctx, 1_000)
	if err != nil {
		return err
	}
	d, err := b.open(ctx, s, "")
	if err != nil {
		return err
	}
	defer d.stop()
	lines := wires(d.url, connections)
	ask := func(ctx context.Context, worker int, _ int64) error {
		_, err := lines[worker].do(ctx, http.MethodGet, "/api/v1/teams", "Authorization: Bearer "+s.Key+"\r\n", "")
		return err
	}
	if _, err := counted(ctx, connections, 500, ask); err != nil {
		return err
	}
	before := d.cpu()
	l, err := closed(ctx, connections, b.shorter(5*time.Second), ask)
	if err != nil {
		return err
	}
	b.atMost("list of teams", milliseconds(d.cpu()-before)/float64(len(l.took)), "CPU-ms", 0.5, fmt.Sprintf("%.0f/s on 8 connections", l.perSecond()))
	return nil
}}
