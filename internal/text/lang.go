package text

import (
	"math"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Detect names the language of a line: uk, ru, pl or en, with a confidence between
// 0 and 1; "" when it is another one or can't be told. Lines of one or two words are
// often told by a single letter that only one language has, or by being among its
// usual words; below about 0.8 a guess should give way to what is known of the person.
func Detect(s string) (lang string, confidence float64) {
	words := languageTokens(s, maxLanguageWords)
	cyrillic, latin := 0, 0
	for _, word := range words {
		if isCyrillic(word) {
			cyrillic += utf8.RuneCountInString(word)
		} else {
			latin += utf8.RuneCountInString(word)
		}
	}
	switch {
	case cyrillic == 0 && latin == 0:
		return "", 0
	case cyrillic*2 >= latin:
		// A few Latin words (brands, models) are usual in a Cyrillic line.
		return decide(words, true, cyrillicClasses)
	}
	return decide(words, false, latinClasses)
}

// telling letters stand in one of the languages only, by class; letters of none of
// them speak for another language.
var telling = map[rune]int{
	'і': uk, 'ї': uk, 'є': uk, 'ґ': uk, 'ы': ru, 'э': ru, 'ё': ru, 'ў': otherCyrillic, 'ј': otherCyrillic, 'љ': otherCyrillic, 'њ': otherCyrillic, 'ћ': otherCyrillic, 'ђ': otherCyrillic,
	'ą': pl, 'ć': pl, 'ę': pl, 'ł': pl, 'ń': pl, 'ś': pl, 'ź': pl, 'ż': pl,
	'ä': other, 'ö': other, 'ü': other, 'ß': other, 'ñ': other, 'ç': other, 'ř': other, 'š': other, 'č': other, 'ž': other, 'ě': other, 'ů': other, 'ý': other,
	'á': other, 'à': other, 'è': other, 'ê': other, 'í': other, 'ú': other, 'ã': other, 'õ': other, 'ø': other, 'å': other, 'ğ': other, 'ı': other, 'ş': other, 'ț': other, 'ă': other,
}

const (
	letterWeight = 2.5  // what one telling letter adds to its language's log-odds
	wordWeight   = 1.5  // what a usual word adds beyond its trigrams
	strangerOdds = -2.0 // how much rarer other languages are, before a word is read
	ownMinimum   = 0.5  // below this confidence no language is named
)

func decide(words []string, cyrillic bool, classes []int) (string, float64) {
	m := languageModel()
	var scores perClass
	scores[other], scores[otherCyrillic] = strangerOdds, strangerOdds
	for _, word := range words {
		if isCyrillic(word) != cyrillic {
			continue
		}
		scores.add(m.usual[word])
		eachTrigram(word, func(t uint64) {
			if p := m.trigrams[t]; p != nil {
				scores.add(p)
			} else {
				scores.add(&m.unseen)
			}
		})
		for _, r := range word {
			if r >= 0x80 {
				if class, ok := telling[r]; ok {
					scores[class] += letterWeight
				}
			}
		}
	}
	best, sum := classes[0], 0.0
	for _, class := range classes {
		if scores[class] > scores[best] {
			best = class
		}
	}
	// Trigrams of one word lean on each other, so the odds are tempered.
	for _, class := range classes {
		sum += math.Exp((scores[class] - scores[best]) * 0.6)
	}
	confidence := 1 / sum
	if best == other || best == otherCyrillic || confidence < ownMinimum {
		return "", confidence
	}
	return classNames[best], confidence
}

func (p *perClass) add(more *perClass) {
	if more == nil {
		return
	}
	for class := range p {
		p[class] += more[class]
	}
}

func isCyrillic(word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return unicode.Is(unicode.Cyrillic, first)
}

const maxLanguageWords = 50

// languageTokens are the words of a line without what has no language: numbers,
// codes, addresses.
func languageTokens(s string, limit int) []string {
	var words []string
	for _, field := range strings.Fields(strings.ToLower(s)) {
		if strings.ContainsAny(field, "@0123456789") || strings.Contains(field, "://") {
			continue
		}
		for _, word := range strings.FieldsFunc(field, func(r rune) bool { return !unicode.IsLetter(r) && !isApostrophe(r) }) {
			word = strings.TrimFunc(word, isApostrophe)
			if first, _ := utf8.DecodeRuneInString(word); word == "" || !unicode.In(first, unicode.Cyrillic, unicode.Latin) {
				continue
			}
			words = append(words, word)
			if len(words) == limit {
				return words
			}
		}
	}
	return words
}

// classes are the languages told apart, those in one alphabet together.
var (
	cyrillicClasses = []int{uk, ru, otherCyrillic}
	latinClasses    = []int{pl, en, other}
	classNames      = [...]string{uk: "uk", ru: "ru", otherCyrillic: "other-cyrillic", pl: "pl", en: "en", other: "other"}
)

const (
	uk = iota
	ru
	otherCyrillic
	pl
	en
	other
	classCount
)

// perClass holds a log probability for each class.
type perClass [classCount]float64

type languages struct {
	trigrams map[uint64]*perClass
	unseen   perClass
	usual    map[string]*perClass // wordWeight where a word is usual
}

// eachTrigram visits every three letters of a word between spaces, packed.
func eachTrigram(word string, visit func(uint64)) {
	const bits, mask = 21, 1<<63 - 1
	window, seen := uint64(' '), 0
	for _, r := range word {
		if seen++; seen > 40 {
			break
		}
		if window = (window<<bits | uint64(r)) & mask; seen > 1 {
			visit(window)
		}
	}
	if seen > 0 {
		visit((window<<bits | ' ') & mask)
	}
}

var languageModel = sync.OnceValue(func() *languages {
	const smoothing, possible = 0.3, 4000
	m := &languages{trigrams: map[uint64]*perClass{}, usual: map[string]*perClass{}}
	var totals perClass
	for class, name := range classNames {
		words := languageTokens(languageWords[name], math.MaxInt)
		for _, word := range words {
			if m.usual[word] == nil {
				m.usual[word] = new(perClass)
			}
			m.usual[word][class] = wordWeight
		}
		for _, word := range append(words, languageTokens(languageLines[name], math.MaxInt)...) {
			eachTrigram(word, func(t uint64) {
				if m.trigrams[t] == nil {
					m.trigrams[t] = new(perClass)
				}
				m.trigrams[t][class]++
				totals[class]++
			})
		}
	}
	for class, total := range totals {
		for _, counts := range m.trigrams {
			counts[class] = math.Log((counts[class] + smoothing) / (total + smoothing*possible))
		}
		m.unseen[class] = math.Log(smoothing / (total + smoothing*possible))
	}
	return m
})
