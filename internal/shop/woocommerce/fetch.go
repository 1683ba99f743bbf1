package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"opeka/internal/care"
)

// together is how many requests for the parts of one page run at a time; the caller's client sets the pace.
const together = 4

// Fetch implements care.Shop.
func (s *session) Fetch(ctx context.Context, kind care.RecordKind, ids []string) ([]care.Record, error) {
	path, ok := paths[kind]
	if !ok {
		return nil, nil
	}
	r, err := s.facts(ctx)
	if err != nil {
		return nil, err
	}
	var out []care.Record
	for len(ids) > 0 {
		n := min(len(ids), 50)
		batch, err := s.fetch(ctx, r, kind, path, ids[:n])
		if err != nil {
			return nil, err
		}
		out, ids = append(out, batch...), ids[n:]
	}
	return out, nil
}

func (s *session) fetch(ctx context.Context, r reading, kind care.RecordKind, path string, ids []string) ([]care.Record, error) {
	found := map[string]json.RawMessage{}
	if len(ids) > 1 {
		q := url.Values{"include": {strings.Join(ids, ",")}, "per_page": {"100"}}
		if kind == care.KindCustomer {
			q.Set("role", "all")
		}
		var items list[json.RawMessage]
		if _, err := s.call(ctx, http.MethodGet, path, q, nil, &items); err != nil {
			return nil, err
		}
		for _, raw := range items {
			found[brief(raw).id.String()] = raw
		}
	}
	var raws []json.RawMessage
	var gone []care.Record
	for _, id := range ids {
		if raw, ok := found[id]; ok {
			raws = append(raws, raw)
			continue
		}
		// Lists leave out drafts, the trash and others: only asking by name tells what is deleted.
		if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			gone = append(gone, care.Record{Kind: kind, ExternalID: id, Deleted: true})
			continue
		}
		var raw json.RawMessage
		_, err := s.call(ctx, http.MethodGet, path+"/"+id, nil, nil, &raw)
		switch {
		case isGone(err):
			gone = append(gone, care.Record{Kind: kind, ExternalID: id, Deleted: true})
		case err != nil:
			return nil, err
		default:
			raws = append(raws, raw)
		}
	}
	if kind == care.KindProduct {
		var err error
		if raws, err = s.parents(ctx, raws); err != nil {
			return nil, err
		}
	}
	out, err := s.records(ctx, r, kind, raws)
	return append(out, gone...), err
}

// parents replaces variations by the products that they belong to: a hook about stock names the variation.
func (s *session) parents(ctx context.Context, raws []json.RawMessage) ([]json.RawMessage, error) {
	have := map[num]bool{}
	var out []json.RawMessage
	for _, raw := range raws {
		var p product
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, err
		}
		if p.Type == "variation" && p.ParentID > 0 {
			if have[p.ParentID] {
				continue
			}
			_, err := s.call(ctx, http.MethodGet, "/wc/v3/products/"+p.ParentID.String(), nil, nil, &raw)
			if isGone(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			p.ID = p.ParentID
		}
		if !have[p.ID] {
			have[p.ID] = true
			out = append(out, raw)
		}
	}
	return out, nil
}

// records turns what lists and fetches give into records, asking for their parts.
func (s *session) records(ctx context.Context, r reading, kind care.RecordKind, raws []json.RawMessage) ([]care.Record, error) {
	out := make([]care.Record, len(raws))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(together)
	for i, raw := range raws {
		g.Go(func() (err error) {
			out[i], err = s.record(ctx, r, kind, raw)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	kept := out[:0]
	for _, rec := range out {
		if rec.ExternalID != "" {
			kept = append(kept, rec)
		}
	}
	return kept, nil
}

func (s *session) record(ctx context.Context, r reading, kind care.RecordKind, raw json.RawMessage) (care.Record, error) {
	switch kind {
	case care.KindOrder:
		var o order
		if err := json.Unmarshal(raw, &o); err != nil {
			return care.Record{}, fmt.Errorf("order %s: %w", brief(raw).id, err)
		}
		parts, err := s.orderParts(ctx, r, o)
		if err != nil {
			return care.Record{}, err
		}
		return o.record(r, parts, raw), nil
	case care.KindProduct:
		var p product
		if err := json.Unmarshal(raw, &p); err != nil {
			return care.Record{}, fmt.Errorf("product %s: %w", brief(raw).id, err)
		}
		variations, err := s.variations(ctx, p)
		if err != nil {
			return care.Record{}, err
		}
		return p.record(r, variations, raw), nil
	default:
		var c customer
		if err := json.Unmarshal(raw, &c); err != nil {
			return care.Record{}, fmt.Errorf("customer %s: %w", brief(raw).id, err)
		}
		if c.staff() {
			return care.Record{}, nil
		}
		return c.record(r, raw), nil
	}
}

// orderParts asks for what an order doesn't carry: its notes, which are its history, and the details of refunds and
// fulfilments. An import spares the notes of what ended long ago: they would be most of its requests.
func (s *session) orderParts(ctx context.Context, r reading, o order) (orderParts, error) {
	var parts orderParts
	if o.trashed() || o.ID <= 0 {
		return parts, nil
	}
	path := "/wc/v3/orders/" + o.ID.String()
	if !r.importing || !o.longOver(r.zone) {
		if err := s.part(ctx, path+"/notes", nil, &parts.notes); err != nil {
			return parts, err
		}
	}
	if len(o.Refunds) > 0 {
		if err := s.part(ctx, path+"/refunds", url.Values{"per_page": {"100"}}, &parts.refunds); err != nil {
			return parts, err
		}
	}
	if o.hasFulfilments() {
		if err := s.part(ctx, path+"/fulfillments", nil, &parts.fulfilments); err != nil {
			return parts, err
		}
	}
	return parts, nil
}

// longOver tells that nobody is likely to ask about the order any more.
func (o order) longOver(zone *time.Location) bool {
	switch o.Status {
	case "completed", "cancelled", "refunded", "failed":
		return time.Since(o.updated(zone)) > 180*24*time.Hour
	}
	return false
}

// part reads a part of a record; one that the shop doesn't have (any more, or in its version) is empty.
func (s *session) part(ctx context.Context, path string, q url.Values, out any) error {
	var raw json.RawMessage
	_, err := s.call(ctx, http.MethodGet, path, q, nil, &raw)
	if err != nil {
		if permanent(err) {
			return nil
		}
		return err
	}
	if len(raw) > 0 && raw[0] == '{' { // the fulfilment routes have answered with {"fulfillments": [...]} too
		var wrapped map[string]json.RawMessage
		if json.Unmarshal(raw, &wrapped) == nil && wrapped["fulfillments"] != nil {
			raw = wrapped["fulfillments"]
		}
	}
	return json.Unmarshal(raw, out)
}

func (s *session) variations(ctx context.Context, p product) ([]product, error) {
	if !p.variable() || p.Status == "trash" {
		return nil, nil
	}
	var out []product
	seen := map[num]bool{}
	for page := 1; page <= 20; page++ {
		var items list[product]
		q := url.Values{"per_page": {"100"}, "page": {strconv.Itoa(page)}, "orderby": {"id"}, "order": {"asc"}}
		h, err := s.call(ctx, http.MethodGet, "/wc/v3/products/"+p.ID.String()+"/variations", q, nil, &items)
		if err != nil {
			if permanent(err) {
				break
			}
			return nil, err
		}
		for _, v := range items {
			if !seen[v.ID] {
				seen[v.ID] = true
				out = append(out, v)
			}
		}
		if n, known := total(h); len(items) == 0 || known && int64(len(out)) >= n || !known && len(items) < 100 {
			break
		}
	}
	return out, nil
}

// permanent tells that the shop has refused the question itself: asking again won't help.
func permanent(err error) bool {
	var refused *apiError
	var auth *care.AuthError
	var later *care.TemporaryError
	return errors.As(err, &refused) && !errors.As(err, &auth) && (!errors.As(err, &later) || refused.Code == "rest_no_route")
}

// head is what every list item has.
type head struct {
	id       num
	modified str
	status   str
}

func brief(raw json.RawMessage) head {
	var h struct {
		ID          num `json:"id"`
		ModifiedGMT str `json:"date_modified_gmt"`
		CreatedGMT  str `json:"date_created_gmt"`
		Status      str `json:"status"`
	}
	_ = json.Unmarshal(raw, &h)
	if h.ModifiedGMT == "" {
		h.ModifiedGMT = h.CreatedGMT
	}
	return head{h.ID, h.ModifiedGMT, h.Status}
}

func total(h http.Header) (int64, bool) {
	n, err := strconv.ParseInt(h.Get("X-WP-Total"), 10, 64)
	return n, err == nil
}
