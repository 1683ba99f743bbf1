package text

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	maxNameWords    = 8
	maxNameLetters  = 40
	maxNameReadings = 12
)

// NameKeys gives the keys under which a whole name is stored and sought: those of
// every word of it. Two spellings of one name share at least one key per word.
func NameKeys(name string) []string {
	var keys []string
	for _, word := range nameWords(name) {
		for _, key := range wordKeys(word) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// Skeletons gives the keys of one word of a name, the likeliest reading first. A
// skeleton is how the word sounds with what languages disagree on left out:
// Шевченко, Shevchenko, Szewczenko and Schewtschenko have one in common. Spellings
// that can be read in several ways have several. A given name known in other
// languages (Наталья, Natalia; Микола, Nicholas) has one more key that stands for
// all its forms; such keys begin with "~".
func Skeletons(word string) []string {
	words := nameWords(word)
	if len(words) == 0 {
		return nil
	}
	return wordKeys(words[0])
}

// Skeleton gives one key for a whole name whatever the order of its words: each
// word's likeliest skeleton, or the key of the given name it is, sorted.
func Skeleton(name string) string {
	var parts []string
	for _, word := range nameWords(name) {
		keys := wordKeys(word)
		if len(keys) == 0 {
			continue
		}
		part := keys[0]
		if last := keys[len(keys)-1]; strings.HasPrefix(last, "~") {
			part = last
		}
		parts = append(parts, part)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// nameWords splits a name into lower-case words with their diacritics on, for they
// decide how a word is read. A hyphen parts words, an apostrophe doesn't.
func nameWords(name string) [][]rune {
	var words [][]rune
	var word []rune
	end := func() {
		if len(word) > 0 && len(words) < maxNameWords {
			words = append(words, word)
		}
		word = nil
	}
	// A name is short; what is longer isn't one, and needn't be read to its end.
	if len(name) > maxNameWords*maxNameLetters*4 {
		name = strings.ToValidUTF8(name[:maxNameWords*maxNameLetters*4], "")
	}
	for _, r := range norm.NFC.String(strings.ToLower(name)) {
		switch {
		case unicode.IsLetter(r) && !isApostrophe(r):
			if len(word) < maxNameLetters {
				word = append(word, r)
			}
		case isApostrophe(r), unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
		default:
			end()
		}
	}
	end()
	return words
}

func wordKeys(word []rune) []string {
	slots := readLatin
	if unicode.Is(unicode.Cyrillic, word[0]) {
		slots = readCyrillic
	}
	readings := []string{""}
	for i := 0; i < len(word); {
		sounds, used := slots(word, i)
		i += used
		// The likeliest sound of each letter goes first, so that the first reading is
		// the likeliest and the limit cuts off the unlikeliest.
		next := make([]string, 0, len(readings)*len(sounds))
		for _, sound := range sounds {
			for _, reading := range readings {
				next = append(next, reading+sound)
			}
		}
		readings = next[:min(len(next), maxNameReadings)]
	}
	var keys []string
	for _, reading := range readings {
		if key := skeleton(reading); key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, given := range givenNames()[Fold(string(word))] {
		keys = append(keys, "~"+given)
	}
	return keys
}

// skeleton reduces a reading. Sounds are b v g d x(ж ш щ) z k l m n p r s t f c(ц)
// q(ч), front vowels e, back vowels o. Vowels in a row count as one, a back one
// if any is (я is и+а to a Pole and a Briton); the first sound, if a vowel, only
// as "a" (Олена, Елена, Yelena); doubled consonants as one.
func skeleton(reading string) string {
	var b strings.Builder
	for i := 0; i < len(reading); {
		if c := reading[i]; c != 'e' && c != 'o' {
			for i++; i < len(reading) && reading[i] == c; i++ {
			}
			if i == len(reading) && c == 'f' {
				c = 'v' // Смирнофф
			}
			b.WriteByte(c)
			continue
		}
		start, vowel := i, byte('e')
		for ; i < len(reading) && (reading[i] == 'e' || reading[i] == 'o'); i++ {
			if reading[i] == 'o' {
				vowel = 'o'
			}
		}
		if start == 0 {
			vowel = 'a'
		}
		b.WriteByte(vowel)
	}
	return b.String()
}

// Deletes gives the word itself and everything left of it when up to n letters are
// taken out (n at most 2). Two words one slip apart (a letter wrong, missing, extra
// or swapped with its neighbour) share an entry of Deletes(…, 1), which turns search
// despite typos into search by equality. Keys of given names have no neighbours.
func Deletes(key string, n int) []string {
	out := []string{key}
	if strings.HasPrefix(key, "~") {
		return out
	}
	seen := map[string]bool{key: true}
	for layer := out; n > 0 && n <= 2; n-- {
		var next []string
		for _, word := range layer {
			letters := []rune(word)
			for i := range letters {
				// Below two letters anything is near to anything.
				if len(letters) <= 2 || len(letters) > maxNameLetters {
					break
				}
				shorter := string(letters[:i]) + string(letters[i+1:])
				if !seen[shorter] {
					seen[shorter] = true
					next = append(next, shorter)
				}
			}
		}
		out = append(out, next...)
		layer = next
	}
	return out
}

const maxDistanceLetters = 128

// DamerauLevenshtein counts the slips between two words: letters to insert, remove,
// replace or swap with a neighbour. Of each word the first 128 letters count.
func DamerauLevenshtein(a, b string) int {
	x, y := firstRunes(a, maxDistanceLetters), firstRunes(b, maxDistanceLetters)
	if len(x) < len(y) {
		x, y = y, x
	}
	before, row, next := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		next[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(y)]
}

func firstRunes(s string, n int) []rune {
	var out []rune
	for _, r := range s {
		if len(out) == n {
			break
		}
		out = append(out, r)
	}
	return out
}

// NameSimilarity ranks a candidate found by its keys: 1 for the same name, 0 for
// another. Each word of the query is compared with the candidate's word nearest to
// it, first by letters (in one alphabet), then, for less, by sound. The beginning of
// a longer word counts as a good match, because people type as they search.
func NameSimilarity(query, candidate string) float64 {
	wanted, offered := nameWords(query), nameWords(candidate)
	if len(wanted) == 0 || len(offered) == 0 {
		return 0
	}
	sum := 0.0
	for _, w := range wanted {
		best := 0.0
		for _, o := range offered {
			best = max(best, wordSimilarity(w, o))
		}
		sum += best
	}
	return sum / float64(len(wanted))
}

const (
	sameLetters = 0.97 // the same in another alphabet
	sameSound   = 0.9
	sameGiven   = 0.85
	samePrefix  = 0.8
)

func wordSimilarity(wanted, offered []rune) float64 {
	a, b := Fold(string(wanted)), Fold(string(offered))
	if a == b {
		return 1
	}
	a, b = romanise(a), romanise(b)
	if a == b {
		return sameLetters
	}
	score := sameLetters * closeness(a, b)
	if len(a) >= 3 && strings.HasPrefix(b, a) {
		score = max(score, samePrefix)
	}
	theirs := wordKeys(offered)
	for _, key := range wordKeys(wanted) {
		given := strings.HasPrefix(key, "~")
		for _, other := range theirs {
			switch {
			case key == other && given:
				score = max(score, sameGiven)
			case !given && !strings.HasPrefix(other, "~"):
				score = max(score, sameSound*closeness(key, other))
			}
		}
	}
	return score
}

// closeness is 1 for equal words and falls to 0 with the share of slips.
func closeness(a, b string) float64 {
	if a == b {
		return 1
	}
	longest := max(len([]rune(a)), len([]rune(b)))
	return max(0, 1-float64(DamerauLevenshtein(a, b))/float64(longest))
}
