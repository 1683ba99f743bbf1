package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold makes texts comparable: lower case, compatibility forms and diacritics
// removed, apostrophes dropped. Of the Cyrillic letters й and ї stay, because they
// are letters of their own; ё becomes е and ґ becomes г, as people type them. № is
// a space, rather than the "No" that its compatibility form would be.
func Fold(s string) string {
	if plain(s) {
		return s
	}
	if folded, ok := foldUsual(s); ok {
		return folded
	}
	var b strings.Builder
	b.Grow(len(s))
	prev := rune(0)
	held := false // prev waits for a mark that may belong to it
	flush := func() {
		if held {
			b.WriteString(foldRune(prev))
			held = false
		}
	}
	for _, r := range norm.NFKD.String(strings.ToLower(strings.ReplaceAll(s, "№", " "))) {
		if unicode.Is(unicode.Mn, r) {
			switch {
			case held && prev == 'и' && r == '\u0306':
				prev = 'й'
			case held && prev == 'і' && r == '\u0308':
				prev = 'ї'
			}
			continue
		}
		flush()
		if isApostrophe(r) || unicode.Is(unicode.Cf, r) {
			continue
		}
		// Some letters have a lower case only once they are decomposed.
		prev, held = unicode.ToLower(r), true
	}
	flush()
	return b.String()
}

// plain tells whether Fold has nothing to do, which is most of what it meets again.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c >= 'A' && c <= 'Z' || c == '\'' || c == '`' {
			return false
		}
	}
	return true
}

// foldUsual folds texts of ASCII and plain Cyrillic, nearly all there are, without
// taking them apart; it declines at the first letter that needs more.
func foldUsual(s string) (string, bool) {
	out := make([]byte, 0, len(s))
	for i, r := range s {
		switch {
		case r >= 'A' && r <= 'Z':
			out = append(out, byte(r)+'a'-'A')
		case r == '\'' || r == '`':
		case r < 0x80:
			out = append(out, byte(r))
		case r >= 'А' && r <= 'Я':
			r += 'а' - 'А'
			out = utf8.AppendRune(out, r)
		case r >= 'а' && r <= 'я', r == 'і', r == 'ї', r == 'є':
			out = append(out, s[i], s[i+1])
		case r == 'І', r == 'Ї', r == 'Є':
			out = utf8.AppendRune(out, unicode.ToLower(r))
		case r == 'ё', r == 'Ё':
			out = append(out, "е"...)
		case r == 'ґ', r == 'Ґ':
			out = append(out, "г"...)
		case r == '’', r == 'ʼ':
		case r == '№':
			out = append(out, ' ')
		case r == '—', r == '–', r == '«', r == '»':
			out = utf8.AppendRune(out, r)
		default:
			return "", false
		}
	}
	return string(out), true
}

func foldRune(r rune) string {
	switch r {
	case 'ł':
		return "l"
	case 'ß':
		return "ss"
	case 'đ', 'ð':
		return "d"
	case 'ø':
		return "o"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	case 'ґ':
		return "г"
	case 'ў':
		return "у"
	}
	return string(r)
}

func isApostrophe(r rune) bool {
	switch r {
	case '\'', '`', '’', '‘', 'ʼ', 'ʹ', 'ʾ', 'ʿ', '′', '´', '‛':
		return true
	}
	return false
}
