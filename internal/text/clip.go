package text

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What ValidText finds wrong. Rooms turn these into their own answers.
var (
	ErrNotUTF8 = errors.New("text: not valid UTF-8")
	ErrNUL     = errors.New("text: contains a NUL character")
	ErrTooLong = errors.New("text: too long")
)

// ValidText checks text from outside before it is stored: valid UTF-8, no NUL
// (PostgreSQL refuses it), at most limit characters.
func ValidText(s string, limit int) error {
	switch {
	case !utf8.ValidString(s):
		return ErrNotUTF8
	case strings.IndexByte(s, 0) >= 0:
		return ErrNUL
	case len(s) > limit && utf8.RuneCountInString(s) > limit:
		return ErrTooLong
	}
	return nil
}

// Repair makes any bytes storable where refusing them isn't possible, as for mail
// that has already arrived: what isn't UTF-8 becomes U+FFFD, NUL goes away.
func Repair(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

const (
	ellipsis        = "…"
	maxClusterRunes = 32
)

// Preview gives text as one line of at most n characters as people see them, an
// ellipsis included, preferably cut between words. It never cuts within a flag, a
// family emoji or a letter with its marks.
func Preview(s string, n int) string {
	if n <= 0 {
		return ""
	}
	var b strings.Builder
	b.Grow(min(len(s), 2*n+len(ellipsis)))
	seen, beforeLast, space := 0, 0, 0
	for rest := s; rest != ""; {
		size := cluster(rest)
		piece := rest[:size]
		rest = rest[size:]
		r, width := utf8.DecodeRuneInString(piece)
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			if b.Len() == 0 || strings.HasSuffix(b.String(), " ") || blank(rest) {
				continue
			}
			piece, space = " ", b.Len()
		}
		if seen == n {
			kept := b.String()[:beforeLast]
			// A word is left whole unless that would cost more than a third of the line.
			if space > 0 && space <= beforeLast && space > len(kept)*2/3 {
				kept = kept[:space]
			}
			return strings.TrimRight(kept, " ") + ellipsis
		}
		beforeLast = b.Len()
		if r == utf8.RuneError || width < size {
			piece = strings.ToValidUTF8(piece, "\ufffd")
		}
		b.WriteString(piece)
		seen++
	}
	return b.String()
}

func blank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.IsControl(r) }) < 0
}

// cluster is the length of what a person takes for the first character of s: a
// letter with its marks, an emoji with its skin and its joined fellows, a flag.
// Endless stacks of marks are cut after 32 runes.
func cluster(s string) int {
	first, size := utf8.DecodeRuneInString(s)
	if next, _ := utf8.DecodeRuneInString(s[size:]); ordinary(first) && ordinary(next) {
		return size
	}
	joined, flag := false, regional(first)
	for n := 1; size < len(s) && n < maxClusterRunes; n++ {
		r, width := utf8.DecodeRuneInString(s[size:])
		switch {
		case first == '\r' && r == '\n' && n == 1:
		case flag && n == 1 && regional(r):
		case unicode.IsSpace(first), unicode.IsControl(first):
			return size
		case joined && !unicode.IsSpace(r) && !unicode.IsControl(r):
			joined = false
		case r == zeroWidthJoiner:
			joined = true
		case r < firstMark, cyrillic(r): // what nearly every character is
			return size
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc), r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
		default:
			return size
		}
		size += width
	}
	return size
}

// ordinary tells what nearly every character is: visible, or a space, by itself, and attached to nothing.
func ordinary(r rune) bool { return r >= ' ' && r < 0x7f || cyrillic(r) }

const (
	zeroWidthJoiner = '\u200d'
	firstMark       = '\u0300' // nothing below attaches to what stands before it
)

// cyrillic tells letters of which none attaches to what stands before it; looking them up among the marks costs more than all else.
func cyrillic(r rune) bool { return r >= 0x0400 && r <= 0x0482 || r >= 0x048A && r <= 0x052F }

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }
