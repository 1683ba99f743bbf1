package text

import "strings"

// How letters sound, for Skeletons. readCyrillic and readLatin give the possible
// sounds of what stands at word[i], the likeliest first, and how many letters that
// takes. Ukrainian, Russian, Belarusian; Polish, English, German and the
// transliterations into them that passports and shops use.

func readCyrillic(word []rune, i int) (sounds []string, used int) {
	next := at(word, i+1)
	switch r := word[i]; r {
	case 'а', 'о', 'у', 'ы', 'э', 'е', 'є', 'и', 'і', 'ї', 'ю', 'я', 'ё', 'й', 'ь', 'ъ':
		return cyrillicVowel(word, i), 1
	case 'ш', 'с', 'з':
		switch {
		case next == 'ч':
			return []string{"x"}, 2 // счастье sounds as щастя
		case r == 'ш':
			return []string{"x"}, 1
		}
		return []string{map[rune]string{'с': "s", 'з': "z"}[r]}, 1
	case 'т':
		switch {
		case next == 'с':
			return []string{"c"}, 2
		case next == 'ь' && at(word, i+2) == 'с':
			return []string{"c"}, 3
		case next == 'ч':
			return []string{"q"}, 2
		}
		return []string{"t"}, 1
	case 'ж', 'щ':
		return []string{"x"}, 1
	case 'г', 'ґ', 'х':
		return []string{"g"}, 1
	case 'в', 'ў':
		return []string{"v"}, 1
	}
	if sound, ok := cyrillicConsonants[word[i]]; ok {
		return []string{sound}, 1
	}
	return []string{""}, 1
}

var cyrillicConsonants = map[rune]string{
	'б': "b", 'д': "d", 'к': "k", 'л': "l", 'м': "m", 'н': "n", 'п': "p", 'р': "r", 'ф': "f", 'ц': "c", 'ч': "q",
}

func cyrillicVowel(word []rune, i int) []string {
	switch word[i] {
	case 'ё':
		return []string{"o", "e"} // mostly typed е
	case 'ь', 'ъ':
		return []string{""}
	case 'о':
		// ьо, йо are how Ukrainian writes ё; after a hiss о and е change places.
		switch before := at(word, i-1); {
		case before == 'ь', before == 'й' && i > 1, strings.ContainsRune("жчшщ", before):
			return []string{"o", "e"}
		case i > 0 && i+2 == len(word) && word[i+1] == 'й':
			return []string{"o", "e"} // Лозовой, Лозовий
		}
		return []string{"o"}
	case 'а', 'у', 'ю', 'я':
		return []string{"o"}
	}
	return []string{"e"}
}

// latinGroups are letters that stand for one sound together, longest first.
var latinGroups = []struct {
	letters string
	sounds  []string
}{
	{"schtsch", []string{"x"}}, {"chtch", []string{"x"}}, {"szcz", []string{"x"}}, {"shch", []string{"x"}}, {"stch", []string{"x"}},
	{"rzh", []string{"rx"}}, {"tsch", []string{"q"}}, {"tch", []string{"q"}}, {"sch", []string{"x"}}, {"sh", []string{"x"}}, {"sz", []string{"x"}},
	{"zh", []string{"x"}}, {"rz", []string{"x", "rz"}}, {"cz", []string{"q"}}, {"ch", []string{"q", "g", "x"}},
	{"kh", []string{"g"}}, {"gh", []string{"g"}}, {"th", []string{"t", "f"}}, {"ph", []string{"f"}},
	{"ts", []string{"c"}}, {"tz", []string{"c"}}, {"qu", []string{"kv"}},
}

func readLatin(word []rune, i int) (sounds []string, used int) {
	rest := string(word[i:min(len(word), i+len("schtsch"))])
	for _, g := range latinGroups {
		if strings.HasPrefix(rest, g.letters) {
			return g.sounds, len(g.letters)
		}
	}
	next := at(word, i+1)
	switch word[i] {
	case 'c':
		return latinC(word, i, next)
	case 'ć':
		return []string{"q", "c"}, 1
	case 'č', 'ç':
		return []string{"q"}, 1
	case 'š', 'ş', 'ž':
		return []string{"x"}, 1
	case 'ś':
		return []string{"s", "x"}, 1
	case 'ż':
		return []string{"x", "z"}, 1
	case 'ź':
		return []string{"z", "x"}, 1
	case 'ę', 'ą':
		vowel := map[rune]string{'ę': "e", 'ą': "o"}[word[i]]
		if next == 'b' || next == 'p' {
			return []string{vowel + "m", vowel}, 1
		}
		return []string{vowel + "n", vowel}, 1
	case 'j':
		if i == 0 {
			return []string{"e", "dx"}, 1 // Jan, James
		}
		return []string{"e"}, 1
	case 'i', 'y':
		return []string{"e"}, 1
	case 'o':
		switch before := at(word, i-1); {
		case i > 1 && (before == 'y' || before == 'i' || before == 'j'):
			return []string{"o", "e"}, 1 // Korolyov, Королев
		case i > 1 && (before == 'h' || before == 'z') && strings.ContainsRune("csz", at(word, i-2)):
			return []string{"o", "e"}, 1 // Khrushchov, Khrushchev
		case i > 0 && i+2 == len(word) && strings.ContainsRune("yij", next):
			return []string{"o", "e"}, 1 // Lozovoy, Lozovyi
		}
		return []string{"o"}, 1
	case 'ö':
		return []string{"o", "e"}, 1
	case 'ä':
		return []string{"e", "o"}, 1
	case 'h':
		if i > 0 && latinVowel(word[i-1]) && !latinVowel(next) {
			return []string{"g", ""}, 1 // Bohdan, Johnson, Sarah
		}
		return []string{"g"}, 1
	case 's':
		if (next == 'n' || next == 'l') && at(word, i+2) == 'i' {
			return []string{"s", "x"}, 1 // Wisniewski typed without its accents
		}
		return []string{"s"}, 1
	}
	var b strings.Builder
	for _, r := range Fold(string(word[i])) {
		b.WriteString(latinLetters[r])
	}
	return []string{b.String()}, 1
}

var latinLetters = map[rune]string{
	'a': "o", 'b': "b", 'd': "d", 'e': "e", 'f': "f", 'g': "g", 'i': "e", 'k': "k", 'l': "l", 'm': "m", 'n': "n", 'o': "o", 'p': "p",
	'q': "k", 'r': "r", 's': "s", 't': "t", 'u': "o", 'v': "v", 'w': "v", 'x': "ks", 'y': "e", 'z': "z", 'h': "g", 'c': "k",
}

// latinC: c is ц to a Pole, к or с to a Briton.
func latinC(word []rune, i int, next rune) ([]string, int) {
	switch next {
	case 'k':
		switch at(word, i+2) {
		case 'i', 'a', 'y', 'e':
			return []string{"ck", "k"}, 2 // Żuławski-cki; Becky
		}
		return []string{"k"}, 2
	case 'i':
		return []string{"c", "q", "s"}, 1
	case 'e', 'y', 'é', 'ę':
		return []string{"c", "s"}, 1
	}
	return []string{"k", "c"}, 1
}

func latinVowel(r rune) bool { return strings.ContainsRune("aeiouy", r) }

func at(word []rune, i int) rune {
	if i < 0 || i >= len(word) {
		return 0
	}
	return word[i]
}

// romanise puts a folded word into one alphabet, letter by letter, to count slips.
func romanise(folded string) string {
	var b strings.Builder
	for _, r := range folded {
		if latin, ok := roman[r]; ok {
			b.WriteString(latin)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

var roman = map[rune]string{
	'а': "a", 'б': "b", 'в': "v", 'г': "h", 'д': "d", 'е': "e", 'є': "ie", 'ж': "zh", 'з': "z", 'и': "y", 'і': "i", 'ї': "i", 'й': "i",
	'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts",
	'ч': "ch", 'ш': "sh", 'щ': "shch", 'ъ': "", 'ы': "y", 'ь': "", 'э': "e", 'ю': "iu", 'я': "ia",
}
