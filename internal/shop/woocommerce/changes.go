package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"opeka/internal/care"
)

const (
	pageSize = 50
	// overlap is how far each poll looks back: a change carries the time at which its request began, and shows up when that commits.
	overlap = 30 * time.Second
	// importSlack covers clocks of web server and database that differ, between the import and the first poll.
	importSlack = 2 * time.Minute
	// sweep is how often customers are read over again: WooCommerce can't be asked which of them changed.
	sweep = 24 * time.Hour
)

// cursor is how far a kind was read. A full import goes by id, which neither ties nor moves. After it, pages go
// by time of change; where more things changed in one second than fit on a page, that second is read by id.
type cursor struct {
	Phase  string           `json:"p"`           // import, delta, tie
	Since  int64            `json:"s,omitempty"` // when the import began by the shop's clock, Unix
	Offset int              `json:"o,omitempty"`
	Anchor int64            `json:"a,omitempty"` // the last id that was read; ids at and below it are known
	After  int64            `json:"w,omitempty"` // everything changed up to this second is known
	Seen   map[string]int64 `json:"n,omitempty"` // what was read of the seconds after After
}

const (
	phaseImport = "import"
	phaseDelta  = "delta"
	phaseTie    = "tie"
)

// Changes implements care.Shop.
func (s *session) Changes(ctx context.Context, kind care.RecordKind, at string) ([]care.Record, string, bool, error) {
	path, ok := paths[kind]
	if !ok {
		return nil, at, false, nil
	}
	r, err := s.facts(ctx)
	if err != nil {
		return nil, at, false, err
	}
	c := cursor{Phase: phaseImport}
	if at != "" {
		if err := json.Unmarshal([]byte(at), &c); err != nil {
			return nil, at, false, fmt.Errorf("cursor %q: %w", at, err)
		}
	}
	var raws []json.RawMessage
	var more bool
	switch {
	case kind == care.KindCustomer:
		raws, more, err = s.sweep(ctx, path, &c)
	case c.Phase == phaseImport:
		raws, more, err = s.importPage(ctx, path, url.Values{}, &c)
		if err == nil && !more {
			c, more = cursor{Phase: phaseDelta, After: c.Since}, true
		}
	case c.Phase == phaseTie:
		raws, more, err = s.tiePage(ctx, path, &c)
	default:
		raws, more, err = s.deltaPage(ctx, kind, path, &c)
	}
	if err != nil {
		return nil, at, false, err
	}
	r.importing = c.Phase == phaseImport
	records, err := s.records(ctx, r, kind, raws)
	if err != nil {
		return nil, at, false, err
	}
	next, err := json.Marshal(c)
	return records, string(next), more, err
}

// importPage reads the next page by id. Pages overlap by one thing; when that isn't there any more, something before it was deleted, everything
// has moved up, and the page is read from further back: nothing is skipped.
func (s *session) importPage(ctx context.Context, path string, q url.Values, c *cursor) ([]json.RawMessage, bool, error) {
	for {
		q.Set("orderby", "id")
		q.Set("order", "asc")
		q.Set("per_page", strconv.Itoa(pageSize))
		q.Del("offset")
		if c.Offset > 0 {
			q.Set("offset", strconv.Itoa(c.Offset))
		}
		var items list[json.RawMessage]
		h, err := s.call(ctx, http.MethodGet, path, q, nil, &items)
		if err != nil {
			return nil, false, err
		}
		if c.Since == 0 {
			c.Since = shopTime(h).Add(-importSlack).Unix()
		}
		if c.Offset > 0 && (len(items) == 0 || int64(brief(items[0]).id) > c.Anchor) {
			c.Offset = max(0, c.Offset-pageSize)
			continue
		}
		var fresh []json.RawMessage
		anchor := c.Anchor
		for _, raw := range items {
			if id := int64(brief(raw).id); id > anchor {
				fresh = append(fresh, raw)
				c.Anchor = max(c.Anchor, id)
			}
		}
		n, known := total(h)
		end := c.Offset + len(items)
		more := len(items) > 0 && (known && int64(end) < n || !known && len(items) == pageSize)
		if more && len(items) == 1 {
			return nil, false, errors.New("the shop gives its lists one thing at a time")
		}
		c.Offset = max(0, end-1)
		return fresh, more, nil
	}
}

// sweep reads customers by id, waits at the end for new ones, and once a day begins again.
func (s *session) sweep(ctx context.Context, path string, c *cursor) ([]json.RawMessage, bool, error) {
	if c.Phase == phaseDelta && time.Since(time.Unix(c.Since, 0)) > sweep {
		*c = cursor{Phase: phaseImport}
	}
	raws, more, err := s.importPage(ctx, path, url.Values{"role": {"all"}}, c)
	if err == nil && !more {
		c.Phase = phaseDelta
	}
	return raws, more, err
}

// deltaPage reads what changed after the cursor.
func (s *session) deltaPage(ctx context.Context, kind care.RecordKind, path string, c *cursor) ([]json.RawMessage, bool, error) {
	items, h, err := s.changed(ctx, path, c.After, url.Values{"orderby": {"modified"}})
	if err != nil {
		return nil, false, err
	}
	times := make([]int64, len(items))
	last := c.After
	for i, raw := range items {
		times[i] = modified(raw)
		last = max(last, times[i])
	}
	fresh := unseen(items, times, c.Seen)
	if n, known := total(h); len(items) >= pageSize || known && n > int64(len(items)) {
		next := last - 1 // the last second may go on on the next page
		if next <= c.After {
			// The whole page is of one second.
			*c = cursor{Phase: phaseTie, After: last - 1, Seen: c.Seen}
			return nil, true, nil
		}
		c.Seen = seenAfter(items, times, next, c.Seen)
		c.After = next
		return fresh, true, nil
	}
	if kind == care.KindProduct {
		trash, _, err := s.changed(ctx, path, c.After, url.Values{"orderby": {"modified"}, "status": {"trash"}})
		if err != nil && !permanent(err) {
			return nil, false, err
		}
		trashed := make([]int64, len(trash))
		for i, raw := range trash {
			trashed[i] = modified(raw)
		}
		fresh = append(fresh, unseen(trash, trashed, c.Seen)...)
		items, times = append(items, trash...), append(times, trashed...)
		if len(trash) < pageSize {
			for _, t := range trashed {
				last = max(last, t)
			}
		}
	}
	next := max(c.After, last-int64(overlap/time.Second))
	c.Seen = seenAfter(items, times, next, c.Seen)
	c.After = next
	return fresh, false, nil
}

// tiePage reads the second after c.After by id, then goes on behind it.
func (s *session) tiePage(ctx context.Context, path string, c *cursor) ([]json.RawMessage, bool, error) {
	second := c.After + 1
	q := window(c.After, second+1)
	raws, more, err := s.importPage(ctx, path, q, c)
	if err != nil {
		return nil, false, err
	}
	if !more {
		*c = cursor{Phase: phaseDelta, After: second}
	}
	return raws, true, nil
}

func (s *session) changed(ctx context.Context, path string, after int64, q url.Values) (list[json.RawMessage], http.Header, error) {
	for k, v := range window(after, 0) {
		q[k] = v
	}
	q.Set("order", "asc")
	q.Set("per_page", strconv.Itoa(pageSize))
	var items list[json.RawMessage]
	h, err := s.call(ctx, http.MethodGet, path, q, nil, &items)
	return items, h, err
}

const wooTime = "2006-01-02T15:04:05"

// window asks for changes between two seconds, both excluded.
func window(after, before int64) url.Values {
	q := url.Values{"modified_after": {time.Unix(after, 0).UTC().Format(wooTime)}, "dates_are_gmt": {"true"}}
	if before > 0 {
		q.Set("modified_before", time.Unix(before, 0).UTC().Format(wooTime))
	}
	return q
}

func modified(raw json.RawMessage) int64 {
	if t := parseTime(string(brief(raw).modified), time.UTC); !t.IsZero() {
		return t.Unix()
	}
	return 0
}

func unseen(items []json.RawMessage, times []int64, seen map[string]int64) []json.RawMessage {
	var out []json.RawMessage
	for i, raw := range items {
		if at, ok := seen[brief(raw).id.String()]; !ok || at != times[i] {
			out = append(out, raw)
		}
	}
	return out
}

// seenAfter remembers what was read of the time after next, which will be read again.
func seenAfter(items []json.RawMessage, times []int64, next int64, before map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for id, at := range before {
		if at > next {
			out[id] = at
		}
	}
	for i, raw := range items {
		if times[i] > next {
			out[brief(raw).id.String()] = times[i]
		}
	}
	if len(out) > 2*pageSize { // a burst: reading it twice is cheaper than carrying it
		return nil
	}
	return out
}

// shopTime is the shop's clock at its answer.
func shopTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}
