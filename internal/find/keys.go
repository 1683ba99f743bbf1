package find

import (
	"slices"
	"strings"
	"unicode"

	"opeka/internal/text"
)

// field says what a key is made of.
type field int64

const (
	fieldName      field = 1 // one word of a name, folded
	fieldPair      field = 2 // two words of one name, in either order; a word and the last digits of the phone
	fieldPhone     field = 3 // digits, last first
	fieldEmail     field = 4
	fieldNumber    field = 5 // of an order, a conversation, a parcel, an article
	fieldNumberEnd field = 6 // the same, last first
	fieldTitle     field = 7 // a word of the name of something that isn't a customer, whose orders would hide him otherwise
	fieldTitlePair field = 8
)

const (
	maxWords  = 12 // of one name
	maxPaired = 3  // words of which every two are paired; after that only neighbours
	maxKey    = 64 // characters
	maxEmail  = 128
	maxValues = 200 // of one sort, of one thing
)

type key struct {
	field field
	text  string
}

// facts are what a thing is found by, as the table keeps them. Keys are made of them again when they change.
type facts struct {
	Names    []string `json:"n,omitempty"`
	Phones   []string `json:"p,omitempty"`
	Emails   []string `json:"e,omitempty"`
	Numbers  []string `json:"o,omitempty"`
	Tracking []string `json:"t,omitempty"`
	Codes    []string `json:"c,omitempty"`
	Day      int64    `json:"d"`
}

func factsOf(e Entry) facts {
	return facts{
		Names: values(e.Names), Phones: values(e.Phones), Emails: values(e.Emails),
		Numbers: values(e.Numbers), Tracking: values(e.Tracking), Codes: values(e.Codes),
		Day: int64(e.Recency) / (24 * 3600 * 1e6),
	}
}

func values(in []string) []string {
	var out []string
	for _, v := range in {
		v = clean(v, 4*maxEmail)
		if v != "" && !slices.Contains(out, v) && len(out) < maxValues {
			out = append(out, v)
		}
	}
	return out
}

// keys gives all keys of a thing of the kind, each once.
func (f facts) keys(kind int64) []key {
	name, two := fieldTitle, fieldTitlePair
	if kind == kindNumbers[Customer] {
		name, two = fieldName, fieldPair
	}
	var out []key
	seen := map[key]bool{}
	add := func(f field, s string) {
		k := key{f, s}
		if s != "" && !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	names := make([][]word, len(f.Names))
	for i, n := range f.Names {
		names[i] = wordsOf(n)
	}
	for _, ws := range names {
		for i, w := range ws {
			add(name, w.folded)
			for j, other := range ws {
				near := j == i-1 || j == i+1 || i < maxPaired && j < maxPaired
				if near && w.folded != other.folded {
					add(two, pair(w.folded, other.folded))
				}
			}
		}
	}
	for i, p := range phones(f.Phones) {
		add(fieldPhone, p)
		if i >= maxPaired {
			continue
		}
		for _, ws := range names {
			for _, w := range ws[:min(maxPaired, len(ws))] {
				add(two, pair(w.folded, reverse(p[:minFragment])))
			}
		}
	}
	for _, e := range f.Emails {
		add(fieldEmail, emailForm(e))
	}
	for _, list := range [][]string{f.Numbers, f.Tracking, f.Codes} {
		for _, n := range list {
			for _, form := range numberForms(n) {
				add(fieldNumber, form)
				add(fieldNumberEnd, reverse(form))
			}
		}
	}
	return out
}

func pair(a, b string) string { return a + " " + b }

// word is a word of a name as it was spelled, in lower case, and as it is compared.
type word struct{ spelled, folded string }

// wordsOf splits a name. A hyphen parts words, an apostrophe doesn't.
func wordsOf(name string) []word {
	var out []word
	for _, part := range strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.M, r) && !unicode.Is(unicode.Cf, r) && !strings.ContainsRune("'`’‘′´‛", r)
	}) {
		folded := clip(strings.Map(lettersAndDigits, text.Fold(part)), maxKey)
		if folded == "" {
			continue
		}
		out = append(out, word{strings.ToLower(part), folded})
		if len(out) == maxWords {
			break
		}
	}
	return out
}

// phones gives the digits of each number last first. Of two spellings of one number, the longer one.
func phones(raw []string) []string {
	var out []string
	for _, p := range raw {
		r := text.PhoneReversed(p)
		if len(r) < minFragment {
			continue
		}
		i := slices.IndexFunc(out, func(o string) bool { return tail(o) == tail(r) })
		switch {
		case i < 0:
			out = append(out, clip(r, maxKey))
		case len(r) > len(out[i]):
			out[i] = clip(r, maxKey)
		}
	}
	return out
}

// nationalDigits are what a number keeps whichever country and trunk prefixes it is written with.
const nationalDigits = 9

func tail(reversed string) string { return reversed[:min(len(reversed), nationalDigits)] }

func emailForm(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "mailto:")
	return clip(text.Fold(s), maxEmail)
}

// lookalikes are the Cyrillic letters that a Latin code is typed with unawares.
var lookalikes = map[rune]rune{
	'а': 'a', 'в': 'b', 'е': 'e', 'і': 'i', 'к': 'k', 'м': 'm', 'н': 'h', 'о': 'o', 'р': 'p', 'с': 'c', 'т': 't', 'у': 'y', 'х': 'x',
}

// numberForms gives the forms in which numbers are compared: without signs and spaces, and without
// the zeros that the number, or any part of it, begins with.
func numberForms(s string) []string {
	parts := numberParts(s)
	if len(parts) == 0 {
		return nil
	}
	forms := []string{unzero(strings.Join(parts, ""))}
	for i := range parts {
		parts[i] = unzero(parts[i])
	}
	if other := strings.Join(parts, ""); other != forms[0] {
		forms = append(forms, other)
	}
	for i := range forms {
		forms[i] = clip(forms[i], maxKey)
	}
	return forms
}

func numberParts(s string) []string {
	s = strings.Map(func(r rune) rune {
		if l, ok := lookalikes[r]; ok {
			return l
		}
		return r
	}, text.Fold(s))
	return strings.FieldsFunc(s, func(r rune) bool { return lettersAndDigits(r) < 0 })
}

// unzero keeps one zero of a number that is nothing else.
func unzero(s string) string {
	if t := strings.TrimLeft(s, "0"); t != "" || s == "" {
		return t
	}
	return "0"
}

func lettersAndDigits(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsNumber(r) {
		return r
	}
	return -1
}

func reverse(s string) string {
	rs := []rune(s)
	slices.Reverse(rs)
	return string(rs)
}

// clip cuts s to at most n characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// clean makes any input a text that both engines store: valid UTF-8 without control characters, spaces folded.
func clean(s string, n int) string {
	if len(s) > 4*n {
		s = s[:4*n]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	return clip(strings.Join(strings.Fields(s), " "), n)
}
