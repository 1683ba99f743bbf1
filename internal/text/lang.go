package text

import (
	"math"
	"strings"
	"sync"
	"unicode"
)

// Detect names the language of a line: uk, ru, pl or en, with a confidence between
// 0 and 1; "" when it is another one or can't be told. Lines of one or two words are
// often told by a single letter that only one language has, or by being among its
// usual words; below about 0.8 a guess should give way to what is known of the person.
func Detect(s string) (lang string, confidence float64) {
	words := languageTokens(s, maxLanguageWords)
	cyrillic, latin := 0, 0
	for _, word := range words {
		if unicode.Is(unicode.Cyrillic, []rune(word)[0]) {
			cyrillic += len([]rune(word))
		} else {
			latin += len(word)
		}
	}
	switch {
	case cyrillic == 0 && latin == 0:
		return "", 0
	case cyrillic*2 >= latin:
		// A few Latin words (brands, models) are usual in a Cyrillic line.
		return decide(words, true, []string{"uk", "ru", "other-cyrillic"})
	}
	return decide(words, false, []string{"pl", "en", "other"})
}

// telling letters stand in one of the languages only, by class; letters of none of
// them speak for another language.
var telling = map[rune]string{
	'і': "uk", 'ї': "uk", 'є': "uk", 'ґ': "uk", 'ы': "ru", 'э': "ru", 'ё': "ru", 'ў': "other-cyrillic", 'ј': "other-cyrillic", 'љ': "other-cyrillic", 'њ': "other-cyrillic", 'ћ': "other-cyrillic", 'ђ': "other-cyrillic",
	'ą': "pl", 'ć': "pl", 'ę': "pl", 'ł': "pl", 'ń': "pl", 'ś': "pl", 'ź': "pl", 'ż': "pl",
	'ä': "other", 'ö': "other", 'ü': "other", 'ß': "other", 'ñ': "other", 'ç': "other", 'ř': "other", 'š': "other", 'č': "other", 'ž': "other", 'ě': "other", 'ů': "other", 'ý': "other",
	'á': "other", 'à': "other", 'è': "other", 'ê': "other", 'í': "other", 'ú': "other", 'ã': "other", 'õ': "other", 'ø': "other", 'å': "other", 'ğ': "other", 'ı': "other", 'ş': "other", 'ț': "other", 'ă': "other",
}

const (
	letterWeight = 2.5  // what one telling letter adds to its language's log-odds
	wordWeight   = 1.5  // what a usual word adds beyond its trigrams
	strangerOdds = -2.0 // how much rarer other languages are, before a word is read
	ownMinimum   = 0.5  // below this confidence no language is named
)

func decide(words []string, cyrillic bool, classes []string) (string, float64) {
	m := languageModel()
	scores := make([]float64, len(classes))
	for i, class := range classes {
		if strings.HasPrefix(class, "other") {
			scores[i] = strangerOdds
		}
	}
	for _, word := range words {
		if unicode.Is(unicode.Cyrillic, []rune(word)[0]) != cyrillic {
			continue
		}
		for i, class := range classes {
			c := m[class]
			scores[i] += c.score(word)
			if c.usual[word] {
				scores[i] += wordWeight
			}
			for _, r := range word {
				if telling[r] == class {
					scores[i] += letterWeight
				}
			}
		}
	}
	best, sum := 0, 0.0
	for i := range scores {
		if scores[i] > scores[best] {
			best = i
		}
	}
	// Trigrams of one word lean on each other, so the odds are tempered.
	for i := range scores {
		sum += math.Exp((scores[i] - scores[best]) * 0.6)
	}
	confidence := 1 / sum
	if strings.HasPrefix(classes[best], "other") || confidence < ownMinimum {
		return "", confidence
	}
	return classes[best], confidence
}

const maxLanguageWords = 200

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
			first := firstRunes(word, 1)
			if len(first) == 0 || !unicode.In(first[0], unicode.Cyrillic, unicode.Latin) {
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

// language is the trigram model of one class.
type language struct {
	trigrams map[string]float64 // log probability
	unseen   float64
	usual    map[string]bool
}

func (l *language) score(word string) float64 {
	sum := 0.0
	eachTrigram(word, func(t string) {
		if p, ok := l.trigrams[t]; ok {
			sum += p
		} else {
			sum += l.unseen
		}
	})
	return sum
}

func eachTrigram(word string, visit func(string)) {
	letters := append([]rune{' '}, firstRunes(word, 40)...)
	letters = append(letters, ' ')
	for i := 0; i+3 <= len(letters); i++ {
		visit(string(letters[i : i+3]))
	}
}

var languageModel = sync.OnceValue(func() map[string]*language {
	const smoothing, possible = 0.3, 4000
	models := map[string]*language{}
	for class := range languageWords {
		l := &language{trigrams: map[string]float64{}, usual: map[string]bool{}}
		total := 0.0
		learn := func(word string, weight float64) {
			eachTrigram(word, func(t string) {
				l.trigrams[t] += weight
				total += weight
			})
		}
		for _, word := range languageTokens(languageWords[class], math.MaxInt) {
			l.usual[word] = true
			learn(word, 1)
		}
		for _, word := range languageTokens(languageLines[class], math.MaxInt) {
			learn(word, 1)
		}
		for t, n := range l.trigrams {
			l.trigrams[t] = math.Log((n + smoothing) / (total + smoothing*possible))
		}
		l.unseen = math.Log(smoothing / (total + smoothing*possible))
		models[class] = l
	}
	return models
})
