package api

import (
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/care"
)

const (
	maxBody  = 1 << 20
	maxDepth = 32
)

// jsonFormat is JSON as the operations take it: not nested without end, and without NUL characters, which PostgreSQL can't store.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		if own, ok := v.(interface{ AppendJSON([]byte) []byte }); ok { // large answers know how to write themselves
			_, err := w.Write(append(own.AppendJSON(nil), '\n'))
			return err
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	},
	Unmarshal: func(data []byte, v any) error {
		// huma decodes twice: into any, to validate, and then into the input. The scan is needed once.
		if _, first := v.(*any); first {
			if err := scanJSON(data); err != nil {
				return err
			}
		}
		return json.Unmarshal(data, v)
	},
}

// scanJSON refuses what would be valid JSON but can't be handled.
func scanJSON(data []byte) error {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return &care.Error{Code: "body_too_deep", Kind: care.KindInvalid, Args: map[string]any{"max": maxDepth}}
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] != '\\' {
					continue
				}
				if i++; i+4 < len(data) && string(data[i:i+5]) == "u0000" {
					return &care.Error{Code: "text_invalid", Kind: care.KindInvalid}
				}
			}
		}
	}
	return nil
}

// storable tells whether an address holds only text that can be stored and searched for.
func storable(u *url.URL) bool {
	if !plainText(u.Path) {
		return false
	}
	if !strings.Contains(u.RawQuery, "%") {
		return utf8.ValidString(u.RawQuery)
	}
	q, err := url.QueryUnescape(u.RawQuery)
	return err == nil && plainText(q)
}

func plainText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
