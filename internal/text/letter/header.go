package letter

import (
	"bytes"
	"strings"
	"time"
)

// Header is a letter's head: fields in the order in which they stand, their values unfolded and otherwise as they came.
type Header []Field

// Field is one line of a head.
type Field struct {
	Name  string
	Value []byte // raw bytes, folded lines joined
}

// maxHeader bounds what is read as a head; mail with more is not written by people.
const (
	maxHeader = 512 << 10
	maxFields = 2000
)

// Get returns the first value of a field as text, its charset repaired and its encoded words left as they are.
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return strings.TrimSpace(toText(f.Value))
		}
	}
	return ""
}

// Has tells whether the field is there, even without a value.
func (h Header) Has(name string) bool {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// All returns every value of a field.
func (h Header) All(name string) (out []string) {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			out = append(out, strings.TrimSpace(toText(f.Value)))
		}
	}
	return out
}

func (h Header) raw(name string) (out [][]byte) {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			out = append(out, f.Value)
		}
	}
	return out
}

// Text returns a field with its encoded words decoded.
func (h Header) Text(name string) string {
	for _, v := range h.raw(name) {
		if s := decodeHeader(v, h.charset()); s != "" {
			return s
		}
	}
	return ""
}

// charset is what the head says its text is in; it helps to read bytes that nobody encoded.
func (h Header) charset() string {
	for _, f := range h {
		if strings.EqualFold(f.Name, "Content-Type") {
			return paramOf(string(f.Value), "charset")
		}
	}
	return ""
}

// paramOf reads one parameter of a structured value, tolerant of what stands around it.
func paramOf(value, name string) string {
	low := strings.ToLower(value)
	for from := 0; ; {
		n := strings.Index(low[from:], name)
		if n < 0 {
			return ""
		}
		at := from + n
		from = at + len(name)
		if at > 0 && !strings.ContainsRune("; \t\r\n", rune(low[at-1])) {
			continue
		}
		rest := strings.TrimLeft(value[at+len(name):], " \t")
		if !strings.HasPrefix(rest, "=") {
			continue
		}
		rest = strings.TrimLeft(rest[1:], " \t")
		if strings.HasPrefix(rest, `"`) {
			rest = rest[1:]
			if end := strings.IndexByte(rest, '"'); end >= 0 {
				return rest[:end]
			}
			return strings.TrimSpace(rest)
		}
		if end := strings.IndexAny(rest, "; \t\r\n"); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
}

// splitHead takes a letter apart. It forgives an mbox line before the head, lines that are no fields, and lines folded without a space; a
// text that begins without any field is all body.
func splitHead(raw []byte) (h Header, body []byte) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	rest := raw
	for len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r') {
		rest = rest[1:]
	}
	strange := 0
	for first := true; len(rest) > 0; first = false {
		line, after := cutLine(rest)
		if len(bytes.TrimRight(line, " \t")) == 0 {
			// A line of blanks ends a head only when no field follows: some relays break heads with it.
			if len(line) > 0 && len(h) > 0 {
				if next, _ := cutLine(after); fieldName(next) != "" && knownField(fieldName(next)) {
					rest = after
					continue
				}
			}
			rest = after
			return h, rest
		}
		if len(raw)-len(rest) > maxHeader || len(h) > maxFields {
			return h, rest
		}
		switch name := fieldName(line); {
		case first && (bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))):
		case (line[0] == ' ' || line[0] == '\t') && len(h) > 0:
			f := &h[len(h)-1]
			f.Value = append(append(f.Value[:len(f.Value):len(f.Value)], ' '), bytes.Trim(line, " \t")...)
		case name != "":
			value := bytes.TrimSpace(line[bytes.IndexByte(line, ':')+1:])
			h = append(h, Field{Name: name, Value: value})
		case len(h) == 0:
			// Not a head at all, unless fields follow soon.
			if strange++; strange > 3 {
				return nil, raw
			}
		case bytes.HasPrefix(line, []byte("--")) && len(line) > 2:
			return h, rest // a boundary: the empty line was lost
		case !fieldsFollow(after):
			return h, rest // the body began without an empty line
		default:
			f := &h[len(h)-1]
			f.Value = append(append(f.Value[:len(f.Value):len(f.Value)], ' '), bytes.TrimSpace(line)...)
		}
		rest = after
	}
	if len(h) == 0 {
		return nil, raw
	}
	return h, rest
}

// fieldsFollow tells whether within the next lines, before an empty one, another field of a head stands.
func fieldsFollow(b []byte) bool {
	for range 5 {
		if len(b) == 0 {
			return false
		}
		line, after := cutLine(b)
		if len(line) == 0 {
			return false
		}
		if knownField(fieldName(line)) {
			return true
		}
		b = after
	}
	return false
}

func cutLine(b []byte) (line, rest []byte) {
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		return bytes.TrimSuffix(b, []byte("\r")), nil
	}
	return bytes.TrimSuffix(b[:n], []byte("\r")), b[n+1:]
}

// fieldName is the name of the field that the line begins, or empty.
func fieldName(line []byte) string {
	n := bytes.IndexByte(line, ':')
	if n < 1 || n > 76 {
		return ""
	}
	name := bytes.TrimRight(line[:n], " \t")
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return string(name)
}

var known = map[string]bool{"from": true, "to": true, "cc": true, "bcc": true, "subject": true, "date": true, "message-id": true, "reply-to": true, "sender": true,
	"in-reply-to": true, "references": true, "return-path": true, "received": true, "delivered-to": true, "mime-version": true, "status": true, "lines": true,
	"content-type": true, "content-transfer-encoding": true, "content-disposition": true, "content-length": true, "content-id": true, "importance": true, "priority": true,
	"precedence": true, "auto-submitted": true, "organization": true, "user-agent": true, "list-id": true, "dkim-signature": true, "authentication-results": true}

func knownField(name string) bool {
	name = strings.ToLower(name)
	return known[name] || strings.HasPrefix(name, "x-") || strings.HasPrefix(name, "list-") || strings.HasPrefix(name, "arc-") || strings.HasPrefix(name, "resent-")
}

var dateForms = []string{
	"Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04 -0700",
	"2 Jan 2006 15:04 -0700", "Mon, 2 Jan 06 15:04:05 -0700", "Mon, 2 Jan 06 15:04:05 MST", "Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon, 2 Jan 2006 15.04.05 -0700",
	"Monday, 2 Jan 2006 15:04:05 -0700", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05Z07:00", "Mon, 2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05",
}

// date reads when a letter was written; zero when it doesn't say, or says nonsense.
func date(s string) time.Time {
	if n := strings.IndexByte(s, '('); n > 0 {
		s = s[:n]
	}
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, ",", ", ")), " ")
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			if t.Year() < 1980 || t.Year() > 2200 {
				return time.Time{}
			}
			return t.UTC()
		}
	}
	return time.Time{}
}
