package bench

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"opeka/internal/peer"
)

// Finding, the shop's pages, what shops push, and the start.

var searchRow = row{name: "search", what: "text search", peer: "19 and 39 ms (max 4,996), no ranking", measure: func(ctx context.Context, b *bench) error {
	return b.withDesk(ctx, b.size(), func(d *desk) error {
		line := newWire(d.url)
		for _, q := range []struct {
			name string
			text func(n int) string
		}{{"common word", func(int) string { return "замовлення" }}, {"rare token", func(n int) string { return token(n * tokenEvery % (b.size() * messagesEach)) }}} {
			ask := func(ctx context.Context, _ int, n int64) error {
				out, err := line.do(ctx, http.MethodGet, "/api/v1/conversations?view=all&q="+url.QueryEscape(q.text(int(n))), d.header, "")
				if err == nil && len(out) < 200 {
					err = fmt.Errorf("%s: nothing found: %s", q.text(int(n)), out)
				}
				return err
			}
			if _, err := counted(ctx, 1, 20, ask); err != nil {
				return err
			}
			l, err := closed(ctx, 1, b.shorter(5*time.Second), ask)
			if err != nil {
				return err
			}
			b.atMost(fmt.Sprintf("%s in %d messages, p99", q.name, b.size()*messagesEach), l.quantile(0.99), "ms", 25, fmt.Sprintf("p50 %.1f ms", l.quantile(0.5)))
		}
		return nil
	})
}}

var pageRow = row{name: "page", what: "page view of a shop page with the widget closed", peer: "15 requests, 851 KB", measure: func(ctx context.Context, b *bench) error {
	return b.withDesk(ctx, 1_000, func(d *desk) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/widget.js", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Accept-Encoding", "gzip")
		answer, err := peer.Client().Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		sent, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		if answer.Header.Get("Content-Encoding") != "gzip" {
			return errors.New("the loader isn't compressed")
		}
		if len(sent) < 2 || sent[0] != 0x1f {
			return gzip.ErrHeader
		}
		b.atMost("the loader, the only request, compressed", float64(len(sent)), "bytes", 2048, "that it asks for nothing else is tested in a browser")
		return nil
	})
}}

var webhookRow = row{name: "webhook", what: "webhook accepted (verified, stored, answered)", measure: func(ctx context.Context, b *bench) error {
	return b.withDesk(ctx, 1_000, func(d *desk) error {
		client := peer.Client()
		rate, t := b.smaller(500, 100), b.shorter(10*time.Second)
		var l lap
		var mu sync.Mutex
		err := paced(ctx, rate, t, func(ctx context.Context, n int, due time.Time) error {
			body := fmt.Appendf(nil, `{"events":[{"kind":"order","external_id":"%d","op":"upsert"}]}`, 100000+n)
			if err := post(ctx, client, fmt.Sprintf("%s/ingest/v1/%d/events", d.url, d.Connection), peer.Sign(d.Secret, time.Now(), body), body); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			l.took = append(l.took, time.Since(due))
			return nil
		})
		if err != nil {
			return err
		}
		b.atMost(fmt.Sprintf("%d/s, p99", rate), l.quantile(0.99), "ms", 20, fmt.Sprintf("p50 %.1f ms", l.quantile(0.5)))
		return nil
	})
}}

var startRow = row{name: "start", what: "start to first answer", peer: "0.21-0.35 s", measure: func(ctx context.Context, b *bench) error {
	s, err := b.seeded(ctx, b.size())
	if err != nil {
		return err
	}
	best := time.Hour
	for range 3 {
		p, err := serve(ctx, s.dir, "")
		if err != nil {
			return err
		}
		best = min(best, p.started)
		if err := p.stop(); err != nil {
			return err
		}
	}
	b.atMost(fmt.Sprintf("%d conversations, best of three", b.size()), best.Seconds(), "s", 0.5)
	return nil
}}
