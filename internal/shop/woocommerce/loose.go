package woocommerce

import (
	"bytes"
	"encoding/json"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// PHP and the plugins of a shop are careless with types: numbers come as strings, empty objects as
// empty lists, lists with a gap as objects. These types read what is meant.

// num is a whole number given as number, string, "" or null; a fraction is cut off.
type num int64

func (n *num) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `" `)
	whole, _, _ := strings.Cut(s, ".")
	v, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		if f, ferr := strconv.ParseFloat(s, 64); ferr == nil && f > -1e15 && f < 1e15 {
			v = int64(f)
		}
	}
	*n = num(v)
	return nil
}

func (n num) String() string { return strconv.FormatInt(int64(n), 10) }

// str is a text given as string, number, boolean or null.
type str string

func (s *str) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		var v string
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*s = str(v)
	case len(b) == 0, b[0] == '{', b[0] == '[', string(b) == "null", string(b) == "false":
		*s = ""
	default:
		*s = str(b)
	}
	return nil
}

// flag is a boolean given as boolean, "yes", "true", "parent", 1 or "1"; the word itself is kept.
type flag string

func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flag(strings.ToLower(strings.Trim(string(b), `"`)))
	return nil
}

func (f flag) yes() bool { return f == "true" || f == "yes" || f == "1" }

// list is a list, also when a gap in its keys has made an object of it.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	if len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(b, &items); err != nil {
			return err
		}
		return l.take(items)
	case '{':
		var m map[string]json.RawMessage
		if err := json.Unmarshal(b, &m); err != nil {
			return err
		}
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			if x != y {
				return x - y
			}
			return strings.Compare(a, b)
		})
		items := make([]json.RawMessage, len(keys))
		for i, k := range keys {
			items[i] = m[k]
		}
		return l.take(items)
	}
	return nil
}

func (l *list[T]) take(items []json.RawMessage) error {
	for _, raw := range items {
		var v T
		if json.Unmarshal(raw, &v) == nil { // an item of another shape is some plugin's own
			*l = append(*l, v)
		}
	}
	return nil
}

// obj is an object, empty when PHP made an empty list of it.
type obj[T any] struct{ V T }

func (o *obj[T]) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	return json.Unmarshal(b, &o.V)
}

// meta is one entry of meta_data.
type meta struct {
	Key          string          `json:"key"`
	Value        json.RawMessage `json:"value"`
	DisplayKey   str             `json:"display_key"`
	DisplayValue str             `json:"display_value"`
}

func (m meta) text() string {
	var s str
	if s.UnmarshalJSON(bytes.TrimSpace(m.Value)) != nil {
		return ""
	}
	return strings.TrimSpace(string(s))
}

func findMeta(all list[meta], key string) (meta, bool) {
	for _, m := range all {
		if m.Key == key {
			return m, true
		}
	}
	return meta{}, false
}

func metaText(all list[meta], keys ...string) string {
	for _, k := range keys {
		if m, ok := findMeta(all, k); ok {
			if t := m.text(); t != "" {
				return t
			}
		}
	}
	return ""
}

// money reads an amount; what isn't one counts as nothing rather than losing the whole order.
func money(s str, currency string) care.Money {
	m, err := care.ParseMoney(string(s), currency)
	if err != nil {
		m.Amount = 0
	}
	return m
}

// moment reads WooCommerce's times: date_*_gmt is UTC without saying so, date_* the shop's own.
func moment(gmt, local str, zone *time.Location) time.Time {
	if t := parseTime(string(gmt), time.UTC); !t.IsZero() {
		return t
	}
	return parseTime(string(local), zone)
}

func parseTime(s string, zone *time.Location) time.Time {
	if s == "" || strings.HasPrefix(s, "0000") || strings.HasPrefix(s, "-") {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// unixOrDate reads a time that plugins write as Unix seconds or as a date.
func unixOrDate(s string, zone *time.Location) time.Time {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1<<36 {
		return time.Unix(n, 0).UTC()
	}
	return parseTime(s, zone)
}

// plain turns an escaped name into what it says. Some are escaped twice (`&amp;quot;`).
func plain(s str) string {
	t := string(s)
	for range 2 {
		u := html.UnescapeString(t)
		if u == t {
			break
		}
		t = u
	}
	return strings.TrimSpace(t)
}

// prose turns a note with markup into plain text: tags go, breaks and paragraphs stay as line ends.
func prose(s str) string {
	var b strings.Builder
	in := string(s)
	for {
		i := strings.IndexByte(in, '<')
		if i < 0 {
			b.WriteString(in)
			break
		}
		// "<" that begins no tag is text: "weight < 5".
		if i+1 >= len(in) || !isTagStart(in[i+1]) {
			b.WriteString(in[:i+1])
			in = in[i+1:]
			continue
		}
		end := strings.IndexByte(in[i:], '>')
		if end < 0 {
			b.WriteString(in)
			break
		}
		b.WriteString(in[:i])
		tag := strings.ToLower(strings.Trim(in[i+1:i+end], "/ "))
		name, _, _ := strings.Cut(tag, " ")
		switch name {
		case "br", "p", "li", "div", "tr":
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
		}
		in = in[i+end+1:]
	}
	lines := strings.Split(html.UnescapeString(b.String()), "\n")
	out := lines[:0]
	for _, l := range lines {
		if l = strings.Join(strings.Fields(l), " "); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func isTagStart(c byte) bool {
	return c == '/' || c == '!' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// firstJSON finds the JSON in an answer before which PHP has put a byte order mark, notices or warnings.
func firstJSON(b []byte) (json.RawMessage, bool) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
	if json.Valid(b) && len(b) > 0 {
		return b, true
	}
	tries := 0
	for i := 0; i < len(b) && i < 64<<10 && tries < 200; i++ {
		if b[i] != '{' && b[i] != '[' {
			continue
		}
		tries++
		var v json.RawMessage
		if json.NewDecoder(bytes.NewReader(b[i:])).Decode(&v) == nil && (b[i] == '{' || looksLikeList(v)) {
			return v, true
		}
	}
	return nil, false
}

// looksLikeList keeps the "[0]" of a warning's text from passing for the answer.
func looksLikeList(v json.RawMessage) bool {
	inner := bytes.TrimSpace(v[1:])
	return len(inner) > 0 && (inner[0] == '{' || inner[0] == ']')
}
