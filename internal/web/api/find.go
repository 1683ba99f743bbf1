package api

import (
	"context"
	"net/http"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/find"
	"opeka/internal/inbox"
)

// FoundItem is one thing that the search box found.
type FoundItem struct {
	Kind         string `json:"kind" enum:"customer,order,conversation,product,shipment"`
	ID           int64  `json:"id"`
	Title        string `json:"title"`
	Subtitle     string `json:"subtitle"`
	StoreID      int64  `json:"store_id"`
	Matched      string `json:"matched" enum:"phone,name,email,number,tracking,sku,text" doc:"By what it was found"`
	Customer     int64  `json:"customer_id"`
	Conversation int64  `json:"conversation_id"`
}

// Found is what was found, best first.
type Found struct {
	Items []FoundItem `json:"items"`
}

// What a caller must be allowed to read to find things of a kind.
var permissionOf = map[find.Kind]care.Permission{
	find.Customer: care.PermCustomerRead, find.Conversation: care.PermInboxRead,
	find.Order: care.PermCommerceRead, find.Product: care.PermCommerceRead, find.Shipment: care.PermCommerceRead,
}

const (
	found      = 20 // at most, without the mentions
	mentions   = 5  // conversations in whose messages the words stand
	minMention = 3  // characters
)

type findInput struct {
	InStore
	Query string `query:"q" minLength:"2" maxLength:"200" required:"true" doc:"A number, phone, address, name or product, or a part of one"`
}

func (a *API) registerFind() {
	if a.Find == nil {
		return
	}
	register(a, op{ID: "find", Method: http.MethodGet, Path: "/find", Tag: "Search", Summary: "Find anything by anything", Access: known,
		Detail: "One box for customers, orders, conversations and products: order and tracking numbers or parts of them, phones in any format or their last four digits, " +
			"mail addresses, names in any alphabet and with slips, SKUs and barcodes. Best first. What the caller may not read isn't looked for."},
		func(ctx context.Context, in *findInput) (*Out[Found], error) {
			s := scope(ctx)
			if in.StoreID != 0 && !s.In(in.StoreID) {
				return nil, care.NotFound("store")
			}
			hits, err := a.Find.Find(ctx, readable(s, in.StoreID), in.Query, found)
			if err != nil {
				return nil, err
			}
			items := make([]FoundItem, 0, len(hits)+mentions)
			for _, h := range hits {
				items = append(items, FoundItem{string(h.Kind), h.ID, h.Title, h.Subtitle, h.Store, h.Matched, h.Customer, h.Conversation})
			}
			items, err = a.withMentions(ctx, s, in, items)
			return out(Found{items}, err)
		})
	register(a, op{ID: "rebuild-index", Method: http.MethodPost, Path: "/find/rebuild", Tag: "Search", Summary: "Make the search index of a store again",
		Detail: "In the background, while it goes on being used.", Access: needs(care.PermOperations)},
		func(ctx context.Context, in *struct{ Body RebuildIndex }) (*None, error) {
			s := scope(ctx)
			if err := s.Check(in.Body.StoreID, care.PermOperations); err != nil {
				return nil, err
			}
			return none(a.DB.Write(ctx, db.System, func(tx *db.Tx) error {
				a.Find.Rebuild(tx, in.Body.StoreID)
				return nil
			}))
		})
}

// RebuildIndex says of which store the index is made again.
type RebuildIndex struct {
	StoreID int64 `json:"store_id" minimum:"1"`
}

// readable lists what the caller may read in each of his stores, or in one.
func readable(s care.Scope, only int64) []find.Within {
	var in []find.Within
	for _, store := range s.Stores {
		if only != 0 && only != store {
			continue
		}
		w := find.Within{Store: store}
		for _, kind := range find.Kinds {
			if s.May(store, permissionOf[kind]) {
				w.Kinds = append(w.Kinds, kind)
			}
		}
		in = append(in, w)
	}
	return in
}

// withMentions adds conversations in which the words were written, when little else was found.
func (a *API) withMentions(ctx context.Context, s care.Scope, in *findInput, items []FoundItem) ([]FoundItem, error) {
	if a.Inbox == nil || len(items) >= found || len([]rune(in.Query)) < minMention || len(s.StoresWith(care.PermInboxRead, in.StoreID)) == 0 {
		return items, nil
	}
	page, err := a.Inbox.List(ctx, s, inbox.Filter{View: inbox.ViewAll, Store: in.StoreID, Text: in.Query, Limit: mentions})
	if err != nil {
		return nil, err
	}
	for _, row := range page.Items {
		if slices.ContainsFunc(items, func(i FoundItem) bool { return i.Kind == string(find.Conversation) && i.ID == row.ID }) {
			continue
		}
		title := row.Customer.Name
		if title == "" {
			title = row.Subject
		}
		items = append(items, FoundItem{string(find.Conversation), row.ID, title, row.Preview, row.Store, "text", row.Customer.ID, row.ID})
	}
	return items, nil
}
