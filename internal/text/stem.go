package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
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
	const lettersOfTerm = 12 // in bytes, about what a word takes
	expected := min(len(s)/lettersOfTerm, MaxTerms)
	terms := make([]string, 0, expected)
	seen := make(map[string]bool, expected)
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
	word  string   // folded; "" for a code
	parts []string // of a code
	joins []string // what stands between the parts
}

// eachToken cuts a text into tokens until visit returns false. Punctuation holds a
// token together only when it contains a digit or an @: A-1234/56, 12.05, a@b.ua;
// elsewhere it parts words.
func eachToken(s string, visit func(token) bool) {
	s = Fold(s)
	start, joined, telling := -1, false, false
	for i, r := range s {
		switch {
		case connects(r):
			joined = joined || start >= 0
			telling = telling || start >= 0 && r == '@'
		case unicode.IsLetter(r) || unicode.Is(unicode.Mc, r):
		case unicode.IsDigit(r):
			telling = true
		default:
			if start >= 0 && !eachOf(s[start:i], joined, telling, visit) {
				return
			}
			start, joined, telling = -1, false, false
			continue
		}
		if start < 0 && !connects(r) {
			start = i
		}
	}
	if start >= 0 {
		eachOf(s[start:], joined, telling, visit)
	}
}

// eachOf visits the tokens of a piece between spaces.
func eachOf(piece string, joined, telling bool, visit func(token) bool) bool {
	if !joined {
		return visit(token{word: piece})
	}
	t := split(strings.TrimRightFunc(piece, connects))
	if telling && len(t.parts) > 1 && len(t.parts) <= maxParts {
		return visit(t)
	}
	for _, part := range t.parts {
		if !visit(token{word: part}) {
			return false
		}
	}
	return true
}

// maxParts bounds what is still a code; beyond it each part stands for itself.
const maxParts = 12

const connectors = "-/._@"

func connects(r rune) bool { return r == '-' || r == '/' || r == '.' || r == '_' || r == '@' }

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
	if t.word != "" {
		return stems(clip(t.word), lang)
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
	if t.word != "" {
		return stems(clip(t.word), "")
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

func clip(s string) string {
	if len(s) <= MaxTermLetter {
		return s
	}
	return string(firstRunes(s, MaxTermLetter))
}

// stems takes the endings off one folded word. The letters decide the language where
// they can, then lang, and what is left open gets the stems of each language.
func stems(word, lang string) []string {
	first, _ := utf8.DecodeRuneInString(word)
	cyrillic := unicode.Is(unicode.Cyrillic, first)
	if !cyrillic && !unicode.Is(unicode.Latin, first) {
		return []string{word}
	}
	ukrainian, russian := false, false
	for _, r := range word {
		switch r {
		case 'і', 'ї', 'є':
			ukrainian = true
		case 'ы', 'э', 'ъ':
			russian = true
		default:
			if unicode.IsDigit(r) {
				return []string{word}
			}
		}
	}
	switch {
	case ukrainian, cyrillic && !russian && lang == "uk":
		return []string{stemUkrainian(word)}
	case russian, cyrillic && lang == "ru":
		return []string{stemRussian(word)}
	case cyrillic:
		return both(stemRussian(word), stemUkrainian(word))
	case lang == "en":
		return []string{stemEnglish(word)}
	case lang == "pl":
		return []string{stemPolish(word)}
	}
	return both(stemEnglish(word), stemPolish(word))
}

func both(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return []string{a, b}
}
