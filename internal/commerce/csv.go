package commerce

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"opeka/internal/care"
	"opeka/internal/text"
)

// Format is how a CSV file is written, as found out or chosen.
type Format struct {
	Encoding  string `json:"encoding" enum:"utf-8,utf-16,windows-1251"`
	Separator string `json:"separator" enum:",,;,tab"`
	Decimal   string `json:"decimal" enum:".,comma"`
	Dates     string `json:"dates" doc:"Order of a date's parts: ymd, dmy or mdy" enum:"ymd,dmy,mdy"`
}

const maxColumns = 200

// detect finds out how a file is written from its beginning.
func detect(b []byte) Format {
	f := Format{Encoding: "utf-8", Separator: ",", Decimal: ".", Dates: "ymd"}
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		f.Encoding = "utf-16"
	case !utf8.Valid(b[:wholeRunes(b)]):
		f.Encoding = "windows-1251"
	}
	s, err := decodeText(b, f.Encoding)
	if err != nil {
		return f
	}
	head, rest, _ := strings.Cut(s, "\n")
	best := 0
	for name, sep := range separators {
		if n := strings.Count(head, string(sep)); n > best || n == best && n > 0 && name == ";" {
			best, f.Separator = n, name
		}
	}
	rows, _ := readRows(rest, f.Separator, 200) // a broken row further down is told when it is read
	commas, points, dmy, mdy := 0, 0, 0, 0
	for _, row := range rows {
		for _, cell := range row {
			cell = strings.TrimSpace(cell)
			switch {
			case looksDecimal(cell, ','):
				commas++
			case looksDecimal(cell, '.'):
				points++
			}
			if p := dateParts(cell); len(p) == 3 && len(p[0]) <= 2 && len(p[2]) == 4 {
				if p[0] > "12" && len(p[0]) == 2 || strings.Contains(cell, ".") {
					dmy++
				} else if p[1] > "12" && len(p[1]) == 2 {
					mdy++
				}
				if dmy+mdy == 0 {
					f.Dates = "dmy"
				}
			}
		}
	}
	if commas > points {
		f.Decimal = "comma"
	}
	if dmy > 0 {
		f.Dates = "dmy"
	} else if mdy > 0 {
		f.Dates = "mdy"
	}
	return f
}

var separators = map[string]rune{",": ',', ";": ';', "tab": '\t'}

// wholeRunes leaves out a character that was cut off at the end.
func wholeRunes(b []byte) int {
	n := len(b)
	for i := 1; i <= 3 && i <= n; i++ {
		if utf8.RuneStart(b[n-i]) {
			if !utf8.FullRune(b[n-i:]) {
				return n - i
			}
			break
		}
	}
	return n
}

func decodeText(b []byte, encoding string) (string, error) {
	var err error
	switch encoding {
	case "utf-16":
		b, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(b)
	case "windows-1251":
		b, err = charmap.Windows1251.NewDecoder().Bytes(b)
	default:
		b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "�"), "\x00", ""), err
}

func readRows(s, separator string, limit int) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(s))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = separators[separator], -1, true
	if r.Comma == 0 {
		return nil, care.Invalid("separator", "value_invalid")
	}
	var rows [][]string
	for limit == 0 || len(rows) < limit {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rows, &care.Error{Code: "import.unreadable", Kind: care.KindInvalid, Args: map[string]any{"reason": err.Error()}}
		}
		if len(row) > maxColumns {
			return rows, care.Invalid("file", "too_many_items", "max", maxColumns)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func looksDecimal(s string, point byte) bool {
	i := strings.LastIndexByte(s, point)
	if i < 1 || i == len(s)-1 || len(s)-i > 5 {
		return false
	}
	return strings.Trim(strings.NewReplacer(" ", "", "\u00a0", "", ",", "", ".", "", "-", "").Replace(s), "0123456789") == "" && strings.Count(s, string(point)) == 1
}

func dateParts(s string) []string {
	s, _, _ = strings.Cut(s, " ")
	s, _, _ = strings.Cut(s, "T")
	p := strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '/' || r == '-' })
	if len(p) != 3 || strings.Trim(strings.Join(p, ""), "0123456789") != "" {
		return nil
	}
	return p
}

// number writes a number as the house reads it: a point, no spaces.
func (f Format) number(s string) string {
	s = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "").Replace(strings.TrimSpace(s))
	if f.Decimal == "comma" {
		return strings.Replace(strings.ReplaceAll(s, ".", ""), ",", ".", 1)
	}
	return strings.ReplaceAll(s, ",", "")
}

// date reads a date, with or without a time, in the zone.
func (f Format) date(s string, zone *time.Location) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	p := dateParts(s)
	bad := care.Invalid("", "import.date", "value", clipText(s, 40))
	if p == nil {
		return time.Time{}, bad
	}
	y, m, d := p[0], p[1], p[2]
	if len(p[0]) <= 2 {
		if d, m, y = p[0], p[1], p[2]; f.Dates == "mdy" {
			m, d = d, m
		}
	}
	if len(y) == 2 {
		y = "20" + y
	}
	rest := ""
	if i := strings.IndexAny(s, " T"); i > 0 {
		rest = strings.TrimSpace(s[i+1:])
	}
	layout, value := "2006-1-2", y+"-"+m+"-"+d
	switch strings.Count(rest, ":") {
	case 1:
		layout, value = layout+" 15:04", value+" "+rest
	case 2:
		layout, value = layout+" 15:04:05", value+" "+rest
	}
	t, err := time.ParseInLocation(layout, value, zone)
	if err != nil {
		return time.Time{}, bad
	}
	return t.UTC(), nil
}

func clipText(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// guess finds the columns by their headers, in any of the four languages.
func guess(kind care.RecordKind, header []string) map[string]int {
	out := map[string]int{}
	for i, h := range header {
		name := strings.Join(strings.FieldsFunc(text.Fold(h), func(r rune) bool { return strings.ContainsRune(" _-./:№#()", r) }), " ")
		for field, aliases := range columns[kind] {
			if _, taken := out[field]; taken {
				continue
			}
			for _, a := range aliases {
				if text.Fold(a) == name {
					out[field] = i
				}
			}
		}
	}
	return out
}

// columns are the fields of each kind and how shops head them in English, Ukrainian, Russian and Polish.
var columns = map[care.RecordKind]map[string][]string{
	care.KindCustomer: {
		"external_id": {"id", "customer id", "external id", "код", "ід", "ид", "код клієнта", "код клиента", "id klienta"},
		"name":        {"name", "full name", "customer", "ім'я", "піб", "клієнт", "имя", "фио", "клиент", "nazwa", "imię i nazwisko", "klient"},
		"email":       {"email", "e mail", "mail", "пошта", "електронна пошта", "почта", "эл почта", "электронная почта", "adres email"},
		"phone":       {"phone", "telephone", "mobile", "телефон", "мобільний", "мобильный", "telefon", "komórka"},
		"language":    {"language", "мова", "язык", "język"},
		"birthday":    {"birthday", "date of birth", "день народження", "дата народження", "день рождения", "дата рождения", "data urodzenia"},
	},
	care.KindProduct: {
		"external_id": {"id", "product id", "external id", "код", "код товару", "код товара", "id produktu"},
		"name":        {"name", "title", "product", "назва", "товар", "найменування", "название", "наименование", "nazwa", "produkt"},
		"sku":         {"sku", "article", "артикул", "symbol", "indeks"},
		"barcode":     {"barcode", "ean", "gtin", "штрихкод", "штрих код", "kod kreskowy"},
		"price":       {"price", "ціна", "цена", "cena"},
		"quantity":    {"quantity", "stock", "qty", "on hand", "кількість", "залишок", "количество", "остаток", "ilość", "stan"},
		"location":    {"location", "warehouse", "склад", "magazyn"},
		"url":         {"url", "link", "посилання", "ссылка", "adres"},
	},
	care.KindOrder: {
		"external_id": {"id", "order id", "external id", "код", "id замовлення", "id заказа", "id zamówienia"},
		"number":      {"number", "order", "order number", "номер", "номер замовлення", "замовлення", "номер заказа", "заказ", "numer", "numer zamówienia", "zamówienie"},
		"status":      {"status", "статус", "стан", "состояние"},
		"total":       {"total", "amount", "sum", "сума", "разом", "сумма", "итого", "suma", "kwota", "razem"},
		"currency":    {"currency", "валюта", "waluta"},
		"placed_at":   {"date", "created", "created at", "placed at", "дата", "дата створення", "дата создания", "дата заказа", "data", "data zamówienia"},
		"name":        {"customer", "name", "клієнт", "піб", "ім'я", "клиент", "фио", "имя", "klient", "imię i nazwisko"},
		"email":       {"email", "e mail", "пошта", "почта", "adres email"},
		"phone":       {"phone", "телефон", "telefon"},
		"sku":         {"sku", "article", "артикул", "symbol"},
		"product":     {"product", "item", "товар", "назва товару", "название товара", "produkt"},
		"quantity":    {"quantity", "qty", "кількість", "количество", "ilość"},
		"price":       {"price", "ціна", "цена", "cena"},
		"tracking":    {"tracking", "tracking number", "ттн", "трек", "накладна", "накладная", "numer przesyłki"},
	},
}

// needed are the columns without which a kind can't be imported.
var needed = map[care.RecordKind][]string{care.KindCustomer: {"name"}, care.KindProduct: {"name"}, care.KindOrder: {"number"}}
