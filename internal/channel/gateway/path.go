package gateway

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"opeka/internal/care"
)

// read reads JSON, or nothing.
func read(b []byte) any {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// find follows a path such as list.0.id into a value and gives what is there as text; "" if nothing is.
func find(v any, path string) string {
	if path == "" {
		return ""
	}
	for step := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(at) {
				return ""
			}
			v = at[n]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// items are what a push tells of: the members of a JSON list, a JSON object, or the values of a form and of the address.
func (g *gateway) items(r care.Push) []any {
	switch v := read(r.Body).(type) {
	case []any:
		return v
	case map[string]any:
		return []any{v}
	}
	values := r.Query
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(r.Body)); err == nil {
			values = form
		}
	}
	if len(values) == 0 {
		return nil
	}
	m := map[string]any{}
	for k := range values {
		m[k] = values.Get(k)
	}
	return []any{m}
}
