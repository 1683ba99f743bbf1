package notify

import (
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// variables are the names that a template may use. What is empty is nil in a template, so that {% if point.phone %} asks whether it is known.
var variables = map[string]bool{
	"hello":      true,
	"store.name": true, "store.phone": true, "store.url": true,
	"customer.name": true, "customer.first_name": true,
	"order.number": true, "order.total": true, "order.items": true, "order.lines": true, "order.promised": true, "order.placed": true, "order.pay_method": true,
	"order.ship_method": true, "order.stage": true, "order.lines[].name": true, "order.lines[].quantity": true, "order.lines[].total": true, "order.lines[].sku": true,
	"stock.held": true, "stock.missing": true,
	"shipment.number": true, "shipment.carrier": true, "shipment.tracking_url": true, "shipment.eta": true, "shipment.kept_until": true, "shipment.place": true,
	"shipment.to_pay": true, "shipment.early": true,
	"point.name": true, "point.address": true, "point.route": true, "point.hours": true, "point.phone": true, "point.notice": true,
	"payment.received": true, "payment.prepaid": true, "payment.error": true,
	"refund.amount": true, "refund.whole": true,
	"goods.link": true, "goods.items": true, "goods.missing": true, "goods.items[].name": true, "goods.items[].key": true, "goods.items[].instructions": true,
	"links.messengers": true,
}

// Variables lists the names that a template may use.
func Variables() []string {
	out := slices.Collect(maps.Keys(variables))
	slices.Sort(out)
	return out
}

// Vars is what a template is filled with.
type Vars struct {
	Facts Facts
	Store StoreFacts
	// Messengers is the page with the customer's own links to the store's bots; empty: there is none.
	Messengers string
}

func (v Vars) tree(lang string) map[string]any {
	f, zone := v.Facts, v.Store.Zone
	if zone == nil {
		zone = time.UTC
	}
	day := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return sayDate(t.In(zone), lang)
	}
	lines := make([]any, len(f.Order.Lines))
	for i, l := range f.Order.Lines {
		lines[i] = map[string]any{"name": l.Name, "quantity": l.Quantity, "total": sayMoney(l.Total, lang), "sku": l.SKU}
	}
	missing := make([]any, len(f.Stock.Missing))
	for i, m := range f.Stock.Missing {
		missing[i] = m
	}
	var missed any
	if len(missing) > 0 {
		missed = missing
	}
	var goods, lacking []any
	for _, i := range f.Goods.Items {
		switch i.State {
		case goodsDelivered:
			goods = append(goods, map[string]any{"name": some(i.Name), "key": some(i.Key), "instructions": some(i.Instructions)})
		case goodsShort, goodsFailed:
			lacking = append(lacking, i.Name)
		}
	}
	list := func(of []any) any {
		if len(of) == 0 {
			return nil
		}
		return of
	}
	var toPay any
	if left := f.Order.Money.Amount - f.Payment.Received.Amount; f.Payment.State != string(care.PaymentPaid) && left > 0 && f.Order.PaymentAs != string(care.PaymentAuthorized) {
		toPay = sayMoney(care.Money{Amount: left, Currency: f.Order.Money.Currency}, lang)
	}
	p := f.Shipment.Point
	return map[string]any{
		"hello":    hello(lang, f.Customer.FirstName),
		"store":    map[string]any{"name": v.Store.Name, "phone": some(v.Store.Phone), "url": some(v.Store.URL)},
		"customer": map[string]any{"name": some(f.Customer.Name), "first_name": some(f.Customer.FirstName)},
		"order": map[string]any{"number": f.Order.Number, "total": sayMoney(f.Order.Money, lang), "items": f.Order.Items, "lines": lines, "promised": day(f.Order.PromisedAt),
			"placed": day(f.Order.PlacedAt), "pay_method": some(f.Order.PayMethod), "ship_method": some(f.Order.ShipMethod), "stage": f.Order.Stage},
		"stock": map[string]any{"held": f.Stock.Held, "missing": missed},
		"shipment": map[string]any{"number": some(f.Shipment.Number), "carrier": some(f.Shipment.Carrier), "tracking_url": someURL(f.Shipment.TrackingURL), "eta": day(f.Shipment.ETA),
			"kept_until": day(f.Shipment.KeptUntil), "place": some(f.Shipment.Place), "to_pay": toPay, "early": f.Shipment.Early},
		"point":   map[string]any{"name": some(p.Name), "address": some(p.Address), "route": some(p.Route), "hours": some(p.Hours), "phone": some(p.Phone), "notice": some(p.Notice)},
		"payment": map[string]any{"received": sayMoney(f.Payment.Received, lang), "prepaid": f.Payment.Prepaid, "error": some(f.Payment.Error)},
		"refund":  map[string]any{"amount": sayMoney(f.Refund.Money, lang), "whole": f.Refund.Whole},
		"goods":   map[string]any{"link": someURL(f.Goods.Link), "items": list(goods), "missing": list(lacking)},
		"links":   map[string]any{"messengers": someURL(v.Messengers)},
	}
}

// some is s in one line, or nil when there is nothing.
func some(s string) any {
	s = strings.Trim(strings.Join(strings.Fields(s), " "), " .")
	if s == "" {
		return nil
	}
	return s
}

// someURL lets through addresses of pages alone: what a shop has in that field becomes a link in a letter.
func someURL(s string) any {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil
	}
	return u.String()
}

var hellos = map[string]string{"en": "Hello", "uk": "Вітаємо", "ru": "Здравствуйте", "pl": "Dzień dobry"}

func hello(lang, name string) string {
	word := hellos[lang]
	if word == "" {
		word = hellos["en"]
	}
	if name == "" || lang == "pl" { // Polish would have to put the name into another case
		return word + "!"
	}
	return word + ", " + name + "!"
}

var months = map[string][]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"uk": {"січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня", "вересня", "жовтня", "листопада", "грудня"},
	"ru": {"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"},
	"pl": {"stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"},
}

func sayDate(t time.Time, lang string) string {
	names, ok := months[lang]
	if !ok {
		names = months["en"]
	}
	return strconv.Itoa(t.Day()) + " " + names[t.Month()-1]
}

var signs = map[string]string{"UAH": "грн", "PLN": "zł", "EUR": "€", "USD": "$", "RUB": "₽", "GBP": "£"}

// sayMoney writes an amount as the language does: 1,249.90 € or 1 249,90 грн; whole amounts without decimals.
func sayMoney(m care.Money, lang string) string {
	n := care.Decimals(m.Currency)
	unit := int64(1)
	for range n {
		unit *= 10
	}
	amount, sign := m.Amount, ""
	if amount < 0 {
		amount, sign = -amount, "-"
	}
	whole, rest := strconv.FormatInt(amount/unit, 10), amount%unit
	point, group := ",", "\u00a0"
	if lang == "en" {
		point, group = ".", ","
	}
	for i := len(whole) - 3; i > 0 && (lang == "en" || len(whole) > 4); i -= 3 {
		whole = whole[:i] + group + whole[i:]
	}
	if rest > 0 {
		whole += point + fmt.Sprintf("%0*d", n, rest)
	}
	currency := m.Currency
	if s, ok := signs[currency]; ok && !(currency == "UAH" && (lang == "en" || lang == "pl")) {
		currency = s
	}
	return sign + whole + "\u00a0" + currency
}

var (
	button = regexp.MustCompile(`^\[([^\]]+)\]\((https?://[^\s)]+)\)$`)
	colour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
)

// textPart is the letter without marks.
func textPart(body string, v Vars) string {
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		if m := button.FindStringSubmatch(strings.TrimSpace(l)); m != nil {
			lines[i] = m[1] + ": " + m[2]
		}
	}
	out := strings.Join(lines, "\n") + "\n\n--\n" + v.Store.Name
	if v.Store.Phone != "" {
		out += "\n" + v.Store.Phone
	}
	return out
}

// htmlPart is the letter in the one layout that every mail program shows alike: a table, styles on the elements, no images, nothing from outside.
// The words come in as plain text and are escaped here, so whatever a shop or customer typed stays text.
func htmlPart(subject, body, lang string, v Vars) string {
	tint := v.Store.Color
	if !colour.MatchString(tint) {
		tint = "#3b5bdb"
	}
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html lang="` + lang + `"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>` + html.EscapeString(subject) + `</title></head>`)
	b.WriteString(`<body style="margin:0;padding:0;background:#f3f4f6"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f6"><tr><td align="center" style="padding:24px 12px">`)
	b.WriteString(`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#ffffff;border-radius:8px;border-top:4px solid ` + tint + `"><tr><td style="padding:24px 28px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:#1f2933">`)
	b.WriteString(`<p style="margin:0 0 20px;font-weight:600;color:` + tint + `">` + html.EscapeString(v.Store.Name) + `</p>`)
	for _, paragraph := range strings.Split(body, "\n\n") {
		writeParagraph(&b, paragraph, tint)
	}
	b.WriteString(`</td></tr></table><p style="margin:16px 0 0;font:13px/1.4 Arial,sans-serif;color:#616e7c">` + html.EscapeString(v.Store.Name))
	if v.Store.Phone != "" {
		b.WriteString(` · ` + html.EscapeString(v.Store.Phone))
	}
	b.WriteString(`</p></td></tr></table></body></html>`)
	return b.String()
}

func writeParagraph(b *strings.Builder, paragraph, tint string) {
	var plain []string
	flush := func() {
		if len(plain) > 0 {
			b.WriteString(`<p style="margin:0 0 16px">` + strings.Join(plain, "<br>") + `</p>`)
			plain = nil
		}
	}
	var items []string
	list := func() {
		if len(items) > 0 {
			b.WriteString(`<ul style="margin:0 0 16px;padding-left:20px"><li>` + strings.Join(items, "</li><li>") + `</li></ul>`)
			items = nil
		}
	}
	for _, line := range strings.Split(paragraph, "\n") {
		line = strings.TrimSpace(line)
		switch m := button.FindStringSubmatch(line); {
		case line == "":
		case m != nil:
			flush()
			list()
			b.WriteString(`<p style="margin:0 0 16px"><a href="` + html.EscapeString(m[2]) + `" style="display:inline-block;padding:10px 18px;border-radius:6px;background:` + tint + `;color:` + inkOn(tint) + `;text-decoration:none">` + html.EscapeString(m[1]) + `</a></p>`)
		case strings.HasPrefix(line, "- "):
			flush()
			items = append(items, html.EscapeString(line[2:]))
		default:
			list()
			plain = append(plain, html.EscapeString(line))
		}
	}
	list()
	flush()
}

// inkOn is black or white, whichever can be read on the colour.
func inkOn(tint string) string {
	n, err := strconv.ParseUint(tint[1:], 16, 32)
	if err != nil {
		return "#ffffff"
	}
	if (n>>16&255)*299+(n>>8&255)*587+(n&255)*114 > 150_000 {
		return "#1f2933"
	}
	return "#ffffff"
}
