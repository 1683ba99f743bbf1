package woocommerce

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
)

// WooCommerce has no fixed place for a parcel. These are where its plugins put one.
var trackingKeys = []struct{ number, carrier, link string }{
	{"_tracking_number", "_tracking_provider", "_tracking_url"},
	{"tracking_number", "tracking_provider", "tracking_url"},
	{"_aftership_tracking_number", "_aftership_tracking_provider_name", ""},
	{"ywot_tracking_code", "ywot_carrier_name", ""},
}

// trackingItem is an entry of the Shipment Tracking plugins.
type trackingItem struct {
	Provider       str `json:"tracking_provider"`
	CustomProvider str `json:"custom_tracking_provider"`
	Link           str `json:"custom_tracking_link"`
	Number         str `json:"tracking_number"`
	Shipped        str `json:"date_shipped"`
	ID             str `json:"tracking_id"`
}

// fulfilment is one of the core's own (experimental since 10.1).
type fulfilment struct {
	ID        num        `json:"id"`
	Fulfilled flag       `json:"is_fulfilled"`
	Status    str        `json:"status"`
	Updated   str        `json:"date_updated"`
	Meta      list[meta] `json:"meta_data"`
}

// hasFulfilments tells whether asking the core for fulfilments is worth a request.
func (o order) hasFulfilments() bool {
	switch metaText(o.Meta, "_fulfillment_status") {
	case "", "no_fulfillments":
		return false
	}
	return true
}

// shipments gathers the parcels from wherever they are and says how much of the order has gone. What the
// shop knows ends with handing over: that a parcel arrived only its carrier can tell.
func (o order) shipments(r reading, fulfilments list[fulfilment]) ([]care.ShopShipment, care.FulfilmentState) {
	var out []care.ShopShipment
	whole := false // a tracking number on the order itself stands for all of it
	add := func(s care.ShopShipment) {
		for i, have := range out {
			if have.Tracking != "" && strings.EqualFold(have.Tracking, s.Tracking) {
				out[i].Carrier = cmp.Or(have.Carrier, s.Carrier)
				out[i].TrackingURL = cmp.Or(have.TrackingURL, s.TrackingURL)
				if have.ShippedAt.IsZero() {
					out[i].ShippedAt = s.ShippedAt
				}
				return
			}
		}
		out = append(out, s)
	}
	if m, ok := findMeta(o.Meta, "_wc_shipment_tracking_items"); ok {
		var items list[trackingItem]
		_ = json.Unmarshal(embedded(m.Value), &items)
		for _, it := range items {
			if it.Number == "" {
				continue
			}
			whole = true
			add(care.ShopShipment{
				ExternalID: cmp.Or(string(it.ID), string(it.Number)), Carrier: cmp.Or(plain(it.CustomProvider), plain(it.Provider)),
				Tracking: strings.TrimSpace(string(it.Number)), TrackingURL: webAddress(string(it.Link)),
				State: care.ShipmentHandedOver, ShippedAt: unixOrDate(string(it.Shipped), r.zone),
			})
		}
	}
	keys := trackingKeys
	if r.trackingMeta != "" {
		keys = append([]struct{ number, carrier, link string }{{r.trackingMeta, "", ""}}, keys...)
	}
	for _, k := range keys {
		for _, number := range strings.FieldsFunc(metaText(o.Meta, k.number), func(c rune) bool { return c == ',' || c == ';' || c == '\n' }) {
			if number = strings.TrimSpace(number); number == "" {
				continue
			}
			whole = true
			add(care.ShopShipment{
				ExternalID: number, Carrier: plain(str(metaText(o.Meta, k.carrier))), Tracking: number,
				TrackingURL: webAddress(metaText(o.Meta, k.link)), State: care.ShipmentHandedOver,
			})
		}
	}
	covered := map[num]num{}
	gone := false
	for _, f := range fulfilments {
		s := care.ShopShipment{
			ExternalID: "fulfilment-" + f.ID.String(), State: care.ShipmentCreated,
			Tracking:    metaText(f.Meta, "_tracking_number"),
			TrackingURL: webAddress(metaText(f.Meta, "_tracking_url")),
			Carrier:     plain(str(cmp.Or(metaText(f.Meta, "_provider_name"), named(metaText(f.Meta, "_shipment_provider", "_shipping_provider"))))),
		}
		if f.Fulfilled.yes() || f.Status == "fulfilled" {
			gone = true
			s.State = care.ShipmentHandedOver
			s.ShippedAt = parseTime(cmp.Or(metaText(f.Meta, "_date_fulfilled"), string(f.Updated)), r.zone)
			if m, ok := findMeta(f.Meta, "_items"); ok {
				var items list[struct {
					Item     num `json:"item_id"`
					Quantity num `json:"qty"`
				}]
				_ = json.Unmarshal(embedded(m.Value), &items)
				for _, it := range items {
					covered[it.Item] += it.Quantity
				}
			}
		}
		add(s)
	}
	point := o.pickupPoint()
	for i := range out {
		if out[i].Carrier == "" && len(o.ShippingLines) > 0 {
			out[i].Carrier = plain(o.ShippingLines[0].Title)
		}
		if out[i].PickupPoint == "" {
			out[i].PickupPoint = point
		}
	}
	slices.SortStableFunc(out, func(a, b care.ShopShipment) int { return a.ShippedAt.Compare(b.ShippedAt) })
	return out, o.fulfilled(whole, gone, covered)
}

func (o order) fulfilled(whole, gone bool, covered map[num]num) care.FulfilmentState {
	switch {
	case whole:
		return care.FulfilmentShipped
	case gone:
		for _, l := range o.Lines {
			if covered[l.ID] < l.Quantity && len(covered) > 0 {
				return care.FulfilmentPartial
			}
		}
		return care.FulfilmentShipped
	}
	if _, own := defaultStatuses()[string(o.Status)]; own {
		return care.FulfilmentUnfulfilled
	}
	return "" // a status of the shop's own ("packed", "shipped") may say more
}

// pickupPoint is where the parcel goes, as the shipping method wrote it beside itself.
func (o order) pickupPoint() string {
	var found []string
	for _, s := range o.ShippingLines {
		for _, m := range s.Meta {
			if v := m.text(); v != "" && !strings.HasPrefix(m.Key, "_") && m.Key != "Items" {
				found = append(found, prose(str(v)))
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// named drops the provider that means "see the other field".
func named(provider string) string {
	if provider == "other" {
		return ""
	}
	return provider
}

// embedded returns a meta value that some plugins keep as JSON within a string.
func embedded(v json.RawMessage) json.RawMessage {
	var s string
	if json.Unmarshal(v, &s) == nil && len(s) > 0 && (s[0] == '[' || s[0] == '{') {
		return json.RawMessage(s)
	}
	return v
}

// webAddress lets only web links through: they are shown to agents.
func webAddress(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") {
		return s
	}
	return ""
}

func sortNotes(notes list[note]) {
	slices.SortStableFunc(notes, func(a, b note) int {
		at, bt := moment(a.CreatedGMT, a.Created, time.UTC), moment(b.CreatedGMT, b.Created, time.UTC)
		return cmp.Or(at.Compare(bt), cmp.Compare(a.ID, b.ID))
	})
}
