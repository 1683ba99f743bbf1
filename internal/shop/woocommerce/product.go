package woocommerce

import (
	"encoding/json"
	"strings"
	"time"

	"opeka/internal/care"
)

type product struct {
	ID           num             `json:"id"`
	ParentID     num             `json:"parent_id"`
	Type         str             `json:"type"`
	Status       str             `json:"status"`
	Name         str             `json:"name"`
	Permalink    str             `json:"permalink"`
	Modified     str             `json:"date_modified"`
	ModifiedGMT  str             `json:"date_modified_gmt"`
	SKU          str             `json:"sku"`
	GTIN         str             `json:"global_unique_id"`
	Price        str             `json:"price"`
	RegularPrice str             `json:"regular_price"`
	OnSale       flag            `json:"on_sale"`
	Virtual      flag            `json:"virtual"`
	ManageStock  flag            `json:"manage_stock"` // true, false, or "parent"
	Quantity     num             `json:"stock_quantity"`
	StockStatus  str             `json:"stock_status"`
	Backorders   str             `json:"backorders"`
	Categories   list[label]     `json:"categories"`
	Images       list[image]     `json:"images"`
	Image        obj[image]      `json:"image"`
	Attributes   list[attribute] `json:"attributes"`
	Variations   list[num]       `json:"variations"`
	Meta         list[meta]      `json:"meta_data"`
}

type label struct {
	Name str `json:"name"`
}

type image struct {
	Src str `json:"src"`
}

type attribute struct {
	Name   str `json:"name"`
	Option str `json:"option"`
}

func (p product) updated(zone *time.Location) time.Time {
	return moment(p.ModifiedGMT, p.Modified, zone)
}

// variable tells whether what is bought are the product's variations.
func (p product) variable() bool {
	return len(p.Variations) > 0 || strings.HasPrefix(string(p.Type), "variable")
}

// care turns the product with its variations into the house's language. Draft and private products are kept as
// archived: orders may name them. A private variation is one that the shop has switched off.
func (p product) care(r reading, variations []product) care.ShopProduct {
	out := care.ShopProduct{
		Name: plain(p.Name), URL: webAddress(string(p.Permalink)), Archived: p.Status != "publish",
		Virtual: p.Virtual.yes(),
	}
	if len(p.Images) > 0 {
		out.ImageURL = webAddress(string(p.Images[0].Src))
	}
	for _, c := range p.Categories {
		out.Categories = append(out.Categories, plain(c.Name))
	}
	if !p.variable() {
		out.Variants = []care.ShopVariant{p.variant(r, p)}
		return out
	}
	allVirtual := len(variations) > 0
	for _, v := range variations {
		if v.Status != "publish" && v.Status != "" {
			continue
		}
		allVirtual = allVirtual && v.Virtual.yes()
		x := v.variant(r, p)
		x.Name = v.title(p)
		if len(v.Attributes) > 0 {
			x.Options = map[string]string{}
			for _, a := range v.Attributes {
				if a.Option != "" { // a global attribute with a slug in another alphabet loses its options
					x.Options[plain(a.Name)] = plain(a.Option)
				}
			}
		}
		out.Variants = append(out.Variants, x)
	}
	out.Virtual = out.Virtual || allVirtual
	return out
}

// title names a variation: by its options, else by its name without the product's, else by its SKU.
func (p product) title(parent product) string {
	var options []string
	for _, a := range p.Attributes {
		if a.Option != "" {
			options = append(options, plain(a.Option))
		}
	}
	if len(options) > 0 {
		return strings.Join(options, ", ")
	}
	name := strings.TrimPrefix(plain(p.Name), plain(parent.Name))
	if name = strings.Trim(name, " -–—"); name != "" {
		return name
	}
	return plain(p.SKU)
}

func (p product) variant(r reading, parent product) care.ShopVariant {
	out := care.ShopVariant{
		ExternalID: p.ID.String(), SKU: plain(p.SKU),
		Barcode: strings.TrimSpace(firstOf(string(p.GTIN), metaText(p.Meta, "_alg_ean", "_wpm_gtin_code", "_barcode"))),
		Price:   money(p.Price, r.currency),
	}
	if p.OnSale.yes() {
		if before := money(p.RegularPrice, r.currency); before.Amount > out.Price.Amount {
			out.OldPrice = &before
		}
	}
	counted, quantity, backorders := p.ManageStock.yes(), p.Quantity, p.Backorders
	if p.ManageStock == "parent" { // one heap for all variations: each can be sold as long as it lasts
		counted, quantity, backorders = true, parent.Quantity, parent.Backorders
	}
	out.Backorder = backorders == "yes" || backorders == "notify" || p.StockStatus == "onbackorder"
	switch {
	case counted:
		out.Stock = &care.ShopStock{Variant: out.ExternalID, OnHand: int64(quantity)} // below zero: sold on backorder
	case p.StockStatus == "outofstock":
		out.Stock = &care.ShopStock{Variant: out.ExternalID} // not counted, but said to be gone
	default:
		out.Untracked = true
	}
	return out
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (p product) record(r reading, variations []product, raw json.RawMessage) care.Record {
	rec := care.Record{Kind: care.KindProduct, ExternalID: p.ID.String(), UpdatedAt: p.updated(r.zone), Raw: keep(raw)}
	if p.Status == "trash" {
		rec.Deleted = true
		return rec
	}
	rec.Data = p.care(r, variations)
	return rec
}
