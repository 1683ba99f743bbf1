package text

import (
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/russian"
)

// Limits of the analyser; what lies beyond them isn't searched.
const (
	MaxTerms      = 4000 // terms of one text
	MaxTermLetter = 48   // letters of one term
)

// Analyse gives the terms under which a text is stored for search: words without
// their endings, numbers, and codes such as A-1234/56 whole and in parts. lang (uk,
// ru, pl, en or "") settles words that several languages could own; letters that
// only one language has outweigh it. Terms are folded and none comes twice.
func Analyse(s, lang string) []string {
	var terms []string
	seen := map[string]bool{}
	eachToken(s, func(t token) bool {
		for _, term := range t.terms(lang) {
			if term != "" && !seen[term] {
				seen[term] = true
				terms = append(terms, term)
			}
		}
		return len(terms) < MaxTerms
	})
	return terms[:min(len(terms), MaxTerms)]
}

// Query gives what is sought: every group must be found, by any one of its terms. A
// word that could belong to several languages is looked for as each of them.
func Query(s string) [][]string {
	var groups [][]string
	seen := map[string]bool{}
	eachToken(s, func(t token) bool {
		group := t.sought()
		if key := strings.Join(group, " "); len(group) > 0 && !seen[key] {
			seen[key] = true
			groups = append(groups, group)
		}
		return len(groups) < maxQueryGroups
	})
	return groups
}

const maxQueryGroups = 32

// token is a word, or a code with the parts that its punctuation makes.
type token struct {
	parts []string // folded
	joins []string // what stands between the parts
}

// eachToken cuts a text into tokens until visit returns false. Punctuation holds a
// token together only when it contains a digit or an @: A-1234/56, 12.05, a@b.ua;
// elsewhere it parts words.
func eachToken(s string, visit func(token) bool) {
	for _, field := range strings.FieldsFunc(Fold(s), func(r rune) bool { return !inToken(r) }) {
		field = strings.TrimFunc(field, func(r rune) bool { return strings.ContainsRune(connectors, r) })
		t := split(field)
		if len(t.parts) == 0 {
			continue
		}
		if len(t.parts) <= maxParts && strings.ContainsFunc(field, func(r rune) bool { return r == '@' || unicode.IsDigit(r) }) {
			if !visit(t) {
				return
			}
			continue
		}
		for _, part := range t.parts {
			if !visit(token{parts: []string{part}}) {
				return
			}
		}
	}
}

// maxParts bounds what is still a code; beyond it each part stands for itself.
const maxParts = 12

const connectors = "-/._@"

func inToken(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mc, r) || strings.ContainsRune(connectors, r)
}

func split(field string) (t token) {
	rest := field
	for rest != "" {
		i := strings.IndexAny(rest, connectors)
		if i < 0 {
			t.parts = append(t.parts, rest)
			break
		}
		if i > 0 {
			t.parts = append(t.parts, rest[:i])
			t.joins = append(t.joins, "")
		}
		if n := len(t.joins); n > 0 {
			t.joins[n-1] += rest[i : i+1]
		}
		rest = rest[i+1:]
	}
	return t
}

// terms are what a document is found by. Of a code these are its parts and every
// beginning of it, so that A-1234 finds A-1234/56.
func (t token) terms(lang string) []string {
	if len(t.parts) == 1 {
		return stems(clip(t.parts[0]), lang)
	}
	var out []string
	whole := ""
	for i, part := range t.parts {
		whole += part
		if i > 0 {
			out = append(out, clip(whole))
		}
		if i < len(t.joins) {
			whole += t.joins[i]
		}
		out = append(out, stems(clip(part), lang)...)
	}
	return out
}

// sought is one group: the code as a whole, or all stems the word can have.
func (t token) sought() []string {
	if len(t.parts) == 1 {
		return stems(clip(t.parts[0]), "")
	}
	whole := ""
	for i, part := range t.parts {
		whole += part
		if i < len(t.joins) {
			whole += t.joins[i]
		}
	}
	return []string{clip(whole)}
}

func clip(s string) string { return string(firstRunes(s, MaxTermLetter)) }

// stems takes the endings off one folded word. The letters decide the language where
// they can, then lang, and what is left open gets the stems of each language.
func stems(word, lang string) []string {
	first := []rune(word)[0]
	switch {
	case strings.ContainsFunc(word, unicode.IsDigit):
		return []string{word}
	case unicode.Is(unicode.Cyrillic, first):
		switch {
		case strings.ContainsAny(word, "іїє"):
			return []string{stemUkrainian(word)}
		case strings.ContainsAny(word, "ыэъ"), lang == "ru":
			return []string{stemRussian(word)}
		case lang == "uk":
			return []string{stemUkrainian(word)}
		}
		return both(stemRussian(word), stemUkrainian(word))
	case unicode.Is(unicode.Latin, first):
		switch lang {
		case "en":
			return []string{english.Stem(word, true)}
		case "pl":
			return []string{stemPolish(word)}
		}
		return both(english.Stem(word, true), stemPolish(word))
	}
	return []string{word}
}

func both(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return []string{a, b}
}

func stemRussian(word string) string { return russian.Stem(word, true) }
