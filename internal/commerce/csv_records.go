package commerce

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// RowError is what is wrong with one row of a file; the header is row 1.
type RowError struct {
	Row   int         `json:"row"`
	Field string      `json:"field"`
	Err   *care.Error `json:"-"`
}

// sheet is a file read by its format and mapping.
type sheet struct {
	kind     care.RecordKind
	format   Format
	mapping  map[string]int // field -> column
	currency string
	zone     *time.Location
	rows     [][]string // without the header
}

// records makes the records of a file and the errors of its rows. Rows of one order (by id or number) are its lines. Without
// a column of ids a row is known by its number, SKU, e-mail, phone or name, so that importing it twice changes nothing.
func (s sheet) records() ([]care.Record, []int, []RowError) {
	var out []care.Record
	var at []int
	var wrong []RowError
	seen := map[string]int{}
	for i, row := range s.rows {
		line := i + 2
		fail := func(field string, err error) {
			e, ok := err.(*care.Error)
			if !ok {
				e = unreadable(err)
			}
			wrong = append(wrong, RowError{line, field, e})
		}
		if strings.TrimSpace(strings.Join(row, "")) == "" {
			continue
		}
		get := func(field string) string {
			if c, ok := s.mapping[field]; ok && c >= 0 && c < len(row) {
				return strings.TrimSpace(row[c])
			}
			return ""
		}
		missing := false
		for _, field := range needed[s.kind] {
			if get(field) == "" {
				fail(field, care.Invalid(field, "required"))
				missing = true
			}
		}
		if missing {
			continue
		}
		data, key, field, err := s.row(get)
		if err != nil {
			fail(field, err)
			continue
		}
		if n, again := seen[key]; again {
			if o, ok := out[n].Data.(*care.ShopOrder); ok {
				o.Lines = append(o.Lines, data.(*care.ShopOrder).Lines...)
				continue
			}
			fail("external_id", care.Invalid("external_id", "not_unique"))
			continue
		}
		seen[key] = len(out)
		out, at = append(out, care.Record{Kind: s.kind, ExternalID: key, Data: data}), append(at, line)
	}
	return out, at, wrong
}

func (s sheet) row(get func(string) string) (data any, key, field string, err error) {
	amount := func(f string) care.Money {
		m, bad := care.ParseMoney(s.format.number(get(f)), cmp.Or(get("currency"), s.currency))
		if bad != nil && err == nil {
			field, err = f, care.Invalid(f, "import.number", "value", clipText(get(f), 40))
		}
		return m
	}
	count := func(f string, none int64) int64 {
		v := get(f)
		if v == "" {
			return none
		}
		whole, _, _ := strings.Cut(s.format.number(v), ".")
		n, bad := strconv.ParseInt(whole, 10, 64)
		if bad != nil && err == nil {
			field, err = f, care.Invalid(f, "import.number", "value", clipText(v, 40))
		}
		return n
	}
	switch s.kind {
	case care.KindCustomer:
		c := &care.ShopCustomer{Name: get("name"), Language: strings.ToLower(get("language"))}
		if v := get("email"); v != "" {
			c.Emails = []string{v}
		}
		if v := get("phone"); v != "" {
			c.Phones = []string{v}
		}
		if born, bad := s.format.date(get("birthday"), time.UTC); bad != nil {
			return nil, "", "birthday", bad
		} else if !born.IsZero() {
			c.Birthday = born.Format(time.DateOnly)
		}
		id := get("external_id")
		c.Guest = id == "" // without an account's id nobody vouches for the e-mail
		return c, cmp.Or(id, strings.ToLower(get("email")), get("phone"), c.Name), field, err
	case care.KindProduct:
		key = cmp.Or(get("external_id"), get("sku"), get("name"))
		v := care.ShopVariant{ExternalID: key, SKU: get("sku"), Barcode: get("barcode"), Price: amount("price")}
		if get("quantity") != "" {
			v.Stock = &care.ShopStock{OnHand: count("quantity", 0), Location: get("location")}
		}
		return &care.ShopProduct{Name: get("name"), URL: get("url"), Variants: []care.ShopVariant{v}}, key, field, err
	}
	o := &care.ShopOrder{Number: get("number"), RawStatus: get("status"), Total: amount("total"), Customer: care.CustomerRef{Name: get("name"), Email: get("email"), Phone: get("phone")}}
	o.Currency = o.Total.Currency
	placed, bad := s.format.date(get("placed_at"), s.zone)
	if bad != nil {
		return nil, "", "placed_at", bad
	}
	o.PlacedAt = placed
	if get("sku") != "" || get("product") != "" {
		l := care.ShopLine{SKU: get("sku"), Name: cmp.Or(get("product"), get("sku")), Quantity: count("quantity", 1), Price: amount("price")}
		l.Total = care.Money{Amount: l.Price.Amount * l.Quantity, Currency: l.Price.Currency}
		o.Lines = []care.ShopLine{l}
	}
	if v := get("tracking"); v != "" {
		o.Shipments = []care.ShopShipment{{Tracking: v}}
	}
	return o, cmp.Or(get("external_id"), o.Number), field, err
}
