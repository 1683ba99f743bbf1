package text

import (
	"strings"
	"unicode/utf8"
)

// Light stemmers for the two languages that have none in Go: the longest known
// ending goes, as long as three letters stay, then the sounds that change before
// endings are put back. They join the forms of one word; they don't look for roots.

// endings are suffixes and the length of the longest, in letters.
type endings struct {
	known   map[string]bool
	longest int
}

func newEndings(list string) endings {
	e := endings{known: map[string]bool{}}
	for _, ending := range strings.Fields(list) {
		e.known[ending] = true
		e.longest = max(e.longest, utf8.RuneCountInString(ending))
	}
	return e
}

const shortestStem = 3

// cut takes the longest ending off and tells which.
func (e endings) cut(word string) (stem, ending string) {
	letters := utf8.RuneCountInString(word)
	at := 0 // where the ending that is looked at begins
	for i := range word {
		if letters <= e.longest && at >= shortestStem && e.known[word[i:]] {
			return word[:i], word[i:]
		}
		at++
		letters--
	}
	return word, ""
}

var ukrainianEndings = newEndings(`
	а я о е є и і ї у ю ь й
	ою ею єю ам ям ом ем єм ах ях ів їв ей ий ій им ім їм их іх їх
	ами ями има ові еві єві ого ому ими іми їми ього ьому
	ення енню енні енням еннях еннями ень ання анню анні анням аннях аннями ань іння інню інні інь яння янню янні
	ти ати яти ити іти їти ути увати ювати
	ав яв ив ув ував ював ала яла ила іла ула увала ювала али яли или іли ули ували ювали ало яло ило іло уло увало
	аю яю ую юю ає яє ує ює аєш яєш уєш юєш аємо яємо уємо юємо аєте яєте уєте юєте ають яють ують юють уть ють ать ять
	иш еш їш ить їть имо емо ите ете іть айте яйте ай яй іте
	ено ано яно уй уйте юй юйте
	ої єї ьої ьою
	ування уванню уванні уванням увань ювання юванню юванні
	овано ований ована оване овані ованого ованому ованих ованим ованої овану ювано юваний ювана`)

// ukrainianRoots end like infinitives before their ending -и; they are too common
// in a shop to be mistaken.
var ukrainianRoots = []string{"оплат", "сплат", "доплат", "виплат", "переплат", "передоплат"}

func stemUkrainian(word string) string {
	for _, root := range ukrainianRoots {
		if strings.HasPrefix(word, root) {
			return root
		}
	}
	if stem, ok := strings.CutSuffix(word, "ся"); ok && utf8.RuneCountInString(stem) > shortestStem {
		word = stem
	} else if stem, ok := strings.CutSuffix(word, "сь"); ok && utf8.RuneCountInString(stem) > shortestStem {
		word = stem
	}
	stem, ending := ukrainianEndings.cut(word)
	switch {
	case ending == "" && strings.HasSuffix(stem, "ок") && utf8.RuneCountInString(stem) >= 6:
		return strings.TrimSuffix(stem, "ок") + "к" // посилок: посилка
	case ending == "і" && strings.HasSuffix(stem, "ц"):
		return strings.TrimSuffix(stem, "ц") + "к" // посилці
	case strings.HasSuffix(stem, "ніст"), strings.HasSuffix(stem, "кіст"), strings.HasSuffix(stem, "ліст"), strings.HasSuffix(stem, "ріст"):
		return strings.TrimSuffix(stem, "іст") + "ост" // якість: якості
	case utf8.RuneCountInString(stem) > shortestStem:
		if participle, ok := strings.CutSuffix(stem, "ен"); ok && ending != "" && utf8.RuneCountInString(participle) >= 5 {
			stem = participle // пошкоджений: пошкодження
		}
		for _, soft := range []string{"бл", "вл", "мл", "пл", "фл"} {
			if strings.HasSuffix(stem, soft) {
				return strings.TrimSuffix(stem, "л") // замовлення: замовити
			}
		}
	}
	return stem
}

// Polish endings are written as they stand once diacritics are gone.
var polishEndings = newEndings(`
	a e i o u y
	ia ie ii iu io ow om em ej ym im ach ami ych ich ymi imi ego emu owi owie iem iej iego iemu iach iami iom iow
	anie ania aniu aniem aniach aniami ienie ienia ieniu ieniem ieniach ieniami ien enie enia eniu eniem
	iona ione iony iono ionych ionym ionej
	owanie owania owaniu owaniem owany owana owane owano owanych owanym owanej uj ujcie
	ac ic yc ec owac iec
	al ala alo ali aly il ila ilo ili ily yl yla ylo yli yly owal owala owali ial iala ieli
	alem alam ilem ilam ylem ylam owalem owalam ialem ialam alismy ilismy ylismy
	am asz amy acie aja uje ujesz ujemy ujecie uja esz emy ecie isz imy icie ysz ymy ycie aj ajcie`)

func stemPolish(word string) string {
	if strings.HasPrefix(word, "dzial") {
		return "dzial" // działa isn't a past tense
	}
	stem, ending := polishEndings.cut(word)
	switch {
	case ending == "ie" && strings.HasSuffix(stem, "c") && len(stem) > shortestStem:
		return strings.TrimSuffix(stem, "c") + "t" // paczkomacie
	case ending == "ie" && strings.HasSuffix(stem, "dz") && len(stem) > shortestStem:
		return strings.TrimSuffix(stem, "z") // zakładzie
	case ending != "" && (strings.HasSuffix(stem, "zon") || strings.HasSuffix(stem, "con")) && len(stem) >= 6:
		return strings.TrimSuffix(stem, "on") // uszkodzony: uszkodzenie
	case ending == "" && strings.HasSuffix(stem, "ek") && len(stem) >= 5:
		return strings.TrimSuffix(stem, "ek") + "k" // paczek: paczka
	case ending == "e" && strings.HasSuffix(stem, "c") && len(stem) > shortestStem:
		return strings.TrimSuffix(stem, "c") + "k" // paczce
	case (ending == "e" || ending == "y") && strings.HasSuffix(stem, "rz") && len(stem) > shortestStem:
		return strings.TrimSuffix(stem, "z") // kurierze
	}
	return stem
}
