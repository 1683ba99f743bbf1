package woocommerce

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
)

type customer struct {
	ID          num          `json:"id"`
	Created     str          `json:"date_created"`
	CreatedGMT  str          `json:"date_created_gmt"`
	Modified    str          `json:"date_modified"`
	ModifiedGMT str          `json:"date_modified_gmt"`
	Email       str          `json:"email"`
	FirstName   str          `json:"first_name"`
	LastName    str          `json:"last_name"`
	Username    str          `json:"username"`
	Role        str          `json:"role"`
	Billing     obj[address] `json:"billing"`
	Shipping    obj[address] `json:"shipping"`
	Meta        list[meta]   `json:"meta_data"`
}

// staff are the roles of people who run the shop; they aren't its customers.
var staff = []str{"administrator", "shop_manager", "editor", "author", "contributor"}

func (c customer) staff() bool { return slices.Contains(staff, c.Role) }

func (c customer) care(r reading) care.ShopCustomer {
	bill, ship := c.Billing.V, c.Shipping.V
	first, last := plain(c.FirstName), plain(c.LastName)
	if first == "" && last == "" {
		first, last = plain(bill.FirstName), plain(bill.LastName)
	}
	out := care.ShopCustomer{
		Name: strings.TrimSpace(first + " " + last), FirstName: first, LastName: last,
		Emails:    distinct(plain(c.Email), plain(bill.Email)),
		Phones:    distinct(plain(bill.Phone), plain(ship.Phone)),
		Country:   strings.ToUpper(firstOf(plain(bill.Country), plain(ship.Country))),
		CreatedAt: moment(c.CreatedGMT, c.Created, r.zone),
	}
	if locale := metaText(c.Meta, "locale"); locale != "" {
		out.Language, _, _ = strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	}
	if c.Role != "" && c.Role != "customer" && c.Role != "subscriber" {
		out.Groups = []string{string(c.Role)}
	}
	for _, a := range []address{bill, ship} {
		if x := a.care(); x.Line1 != "" || x.City != "" || x.Postcode != "" {
			if !slices.ContainsFunc(out.Addresses, func(y care.Address) bool {
				return y.Line1 == x.Line1 && y.City == x.City && y.Postcode == x.Postcode && y.Name == x.Name
			}) {
				out.Addresses = append(out.Addresses, x)
			}
		}
	}
	return out
}

func distinct(values ...string) []string {
	var out []string
	for _, v := range values {
		if v != "" && !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, v) }) {
			out = append(out, v)
		}
	}
	return out
}

func (c customer) updated(zone *time.Location) time.Time {
	if t := moment(c.ModifiedGMT, c.Modified, zone); !t.IsZero() {
		return t
	}
	return moment(c.CreatedGMT, c.Created, zone)
}

func (c customer) record(r reading, raw json.RawMessage) care.Record {
	return care.Record{Kind: care.KindCustomer, ExternalID: c.ID.String(), UpdatedAt: c.updated(r.zone), Data: c.care(r), Raw: keep(raw)}
}
