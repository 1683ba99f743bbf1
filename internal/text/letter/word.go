package letter

import (
	"encoding/base64"
	"strings"
	"unicode"

	"opeka/internal/text"
)

// decodeHeader reads a value of a head: encoded words (RFC 2047) as mailers really write them (with spaces inside, without padding, a
// character cut in two between two words), and bytes above ASCII that nobody encoded.
func decodeHeader(v []byte, hint string) string {
	return strings.TrimSpace(collapse(decodeWords(guess(v, hint))))
}

// collapse makes one line of a value.
func collapse(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r':
			return ' '
		case r == '\u200b', r == '\u00ad', r == '\ufeff':
			return -1
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text.Repair(s))
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

// decodeWords replaces the encoded words in s.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	var bytesOf []byte // of words of one charset that follow each other
	charset := ""
	flush := func() {
		if charset != "" || len(bytesOf) > 0 {
			out.WriteString(decodeBytes(bytesOf, charset))
			bytesOf, charset = nil, ""
		}
	}
	for s != "" {
		n := strings.Index(s, "=?")
		if n < 0 {
			break
		}
		word, raw, size, ok := encodedWord(s[n:])
		if !ok {
			flush()
			out.WriteString(s[:n+2])
			s = s[n+2:]
			continue
		}
		// White space between two encoded words isn't text.
		if between := s[:n]; strings.TrimSpace(between) != "" || len(bytesOf) == 0 && charset == "" {
			flush()
			out.WriteString(between)
		}
		if charset != "" && !strings.EqualFold(charset, word) {
			flush()
		}
		charset = word
		bytesOf = append(bytesOf, raw...)
		s = s[n+size:]
	}
	flush()
	out.WriteString(s)
	return out.String()
}

// encodedWord reads the encoded word at the beginning of s.
func encodedWord(s string) (charset string, raw []byte, size int, ok bool) {
	first := strings.IndexByte(s[2:], '?')
	if first < 1 || first > 60 {
		return "", nil, 0, false
	}
	charset = s[2 : 2+first]
	if strings.ContainsAny(charset, " \t<>@,;") {
		return "", nil, 0, false
	}
	rest := s[2+first+1:]
	if len(rest) < 3 || rest[1] != '?' {
		return "", nil, 0, false
	}
	kind, body := rest[0], rest[2:]
	end := strings.Index(body, "?=")
	// "?=" may also be "?" and an escape: =?utf-8?Q?What?=20is?=
	for kind == 'q' || kind == 'Q' {
		if end < 0 || end+4 > len(body) || !isHex(body[end+2]) || !isHex(body[end+3]) {
			break
		}
		next := strings.Index(body[end+2:], "?=")
		if next < 0 || strings.Contains(body[end+2:end+2+next], "=?") {
			break
		}
		end += 2 + next
	}
	if end < 0 {
		return "", nil, 0, false
	}
	size = len(s) - len(body) + end + 2
	switch kind {
	case 'q', 'Q':
		return charset, unescapeQ(body[:end]), size, true
	case 'b', 'B':
		return charset, unbase64(body[:end]), size, true
	}
	return "", nil, 0, false
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f' }

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

func unescapeQ(s string) []byte {
	out := make([]byte, 0, len(s))
	for n := 0; n < len(s); n++ {
		switch {
		case s[n] == '_':
			out = append(out, ' ')
		case s[n] == '=' && n+2 < len(s) && isHex(s[n+1]) && isHex(s[n+2]):
			out = append(out, unhex(s[n+1])<<4|unhex(s[n+2]))
			n += 2
		default:
			out = append(out, s[n])
		}
	}
	return out
}

// unbase64 decodes what can be decoded and passes over the rest.
func unbase64(s string) []byte {
	clean := make([]byte, 0, len(s))
	var out []byte
	flush := func() {
		if len(clean)%4 == 1 {
			clean = clean[:len(clean)-1]
		}
		b, _ := base64.RawStdEncoding.DecodeString(string(clean))
		out, clean = append(out, b...), clean[:0]
	}
	for n := 0; n < len(s); n++ {
		switch c := s[n]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			clean = append(clean, c)
		case c == '=': // two encoded texts glued together
			flush()
		}
	}
	flush()
	return out
}
