package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaskCards replaces payment card numbers by "•••• 1234". A card number has 13 to 19
// digits, perhaps in groups, begins as some card system's numbers of that length do,
// and passes the Luhn check. That leaves order numbers, phones, parcel numbers,
// barcodes and IBANs readable; a number that could be a card and something else is
// masked, since what was kept can't be unkept.
func MaskCards(s string) string {
	if !mayHoldCard(s) {
		return s
	}
	var b strings.Builder
	kept := 0
	for i := 0; i < len(s); {
		if !isDigit(s[i]) {
			i++
			continue
		}
		run := readRun(s, i)
		i = run.end()
		if run.foreign(s) {
			continue
		}
		for _, card := range run.cards() {
			b.WriteString(s[kept:card.start])
			b.WriteString("•••• ")
			b.WriteString(card.digits[len(card.digits)-4:])
			kept = card.end
		}
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

const minCard, maxCard = 13, 19

// mayHoldCard spares the usual text, which has too few digits, the closer look.
func mayHoldCard(s string) bool {
	n := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			n++
		}
	}
	return n >= minCard
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// digitGroup is digits without anything between them, at s[start:end].
type digitGroup struct {
	digits     string
	start, end int
}

// digitRun is groups held together by the separators people put into card numbers.
type digitRun []digitGroup

func (r digitRun) end() int { return r[len(r)-1].end }

func readRun(s string, i int) digitRun {
	var run digitRun
	for {
		start := i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		run = append(run, digitGroup{s[start:i], start, i})
		next, ok := skipSeparator(s, i)
		if !ok || next >= len(s) || !isDigit(s[next]) {
			return run
		}
		i = next
	}
}

// skipSeparator passes up to three spaces, dashes, dots or the like.
func skipSeparator(s string, i int) (int, bool) {
	for n := range 4 {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n' || r == '\r' || size == 0:
			return i, n > 0
		case r == ' ' || r == '-' || r == '.' || r == '_' || r == '\u00a0', unicode.Is(unicode.Pd, r), unicode.Is(unicode.Zs, r), unicode.Is(unicode.Cf, r):
			i += size
		default:
			return i, n > 0
		}
	}
	return i, false
}

// foreign tells whether what stands around a run, or the run as a whole, says that
// it is something else: an international phone, an IBAN, a lettered parcel number.
func (r digitRun) foreign(s string) bool {
	before, after := s[:r[0].start], s[r.end():]
	if strings.HasSuffix(before, "+") {
		return true
	}
	// A word may be glued to a card number; one or two letters belong to a code, as
	// the country does to an IBAN or a postal service's mark to a parcel.
	return code(lastRunes(before, maxCard)) || code(firstRunes(after, maxCard)) || polishAccount(r.join())
}

// code tells whether the word next to a run, given outwards from it, is made of one
// or two letters, with or without digits beyond them.
func code(word []rune) bool {
	letters := 0
	for i, r := range word {
		if unicode.IsLetter(r) {
			letters++
		} else if i == 0 || !unicode.IsDigit(r) {
			break
		}
	}
	return letters == 1 || letters == 2
}

// lastRunes gives up to n runes from the end of s backwards.
func lastRunes(s string, n int) []rune {
	var out []rune
	for len(s) > 0 && len(out) < n {
		r, size := utf8.DecodeLastRuneInString(s)
		out = append(out, r)
		s = s[:len(s)-size]
	}
	return out
}

func (r digitRun) join() string {
	var b strings.Builder
	for _, g := range r {
		b.WriteString(g.digits)
	}
	return b.String()
}

// polishAccount: 26 digits are a Polish account number without its PL, if the IBAN
// check agrees.
func polishAccount(digits string) bool {
	if len(digits) != 26 {
		return false
	}
	rest := 0
	for _, d := range digits[2:] + "2521" + digits[:2] {
		rest = (rest*10 + int(d-'0')) % 97
	}
	return rest == 1
}

// cards finds the card numbers of a run: the run as a whole, however it is grouped,
// or parts of it that are grouped as cards are, so that neither an expiry date nor a
// second card behind the first hides it.
func (r digitRun) cards() []digitGroup {
	if whole := r.join(); isCard(whole) {
		return []digitGroup{{whole, r[0].start, r.end()}}
	}
	var found []digitGroup
	for i := 0; i < len(r); {
		taken := 0
		for n := min(5, len(r)-i); n > 0; n-- {
			part := r[i : i+n]
			if grouped(part) && isCard(part.join()) {
				found = append(found, digitGroup{part.join(), part[0].start, part.end()})
				taken = n
				break
			}
		}
		i += max(taken, 1)
	}
	return found
}

// cardGroupings are the ways cards are embossed.
var cardGroupings = [][]int{{4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 4, 3}, {4, 4, 4, 4, 2}, {4, 4, 5}, {8, 8}, {6, 10}, {6, 13}, {8, 11}}

func grouped(part digitRun) bool {
	if len(part) == 1 {
		return true
	}
	for _, shape := range cardGroupings {
		if slices.EqualFunc(shape, part, func(n int, g digitGroup) bool { return n == len(g.digits) }) {
			return true
		}
	}
	return false
}

func isCard(digits string) bool {
	return len(digits) >= minCard && len(digits) <= maxCard && issued(digits) && luhn(digits)
}

// issuers are the first digits that card systems give out, with the lengths that
// numbers beginning so have. Four digits each, both ends included.
var issuers = []struct {
	from, to int
	lengths  []int
}{
	{4000, 4999, []int{13, 16, 19}},         // Visa
	{2221, 2720, []int{16}},                 // Mastercard
	{5100, 5599, []int{16}},                 // Mastercard
	{3400, 3499, []int{15}},                 // American Express
	{3700, 3799, []int{15}},                 // American Express
	{3000, 3059, []int{14, 16, 17, 18, 19}}, // Diners Club
	{3600, 3699, []int{14, 16, 17, 18, 19}}, // Diners Club
	{3800, 3999, []int{14, 16, 17, 18, 19}}, // Diners Club
	{6011, 6011, []int{16, 17, 18, 19}},     // Discover
	{6440, 6599, []int{16, 17, 18, 19}},     // Discover, RuPay
	{3528, 3589, []int{16, 17, 18, 19}},     // JCB
	{6200, 6299, []int{16, 17, 18, 19}},     // UnionPay
	{2200, 2204, []int{16, 17, 18, 19}},     // Mir
	{9804, 9804, []int{16}},                 // Prostir
	{8600, 8600, []int{16}},                 // Uzcard
	{9860, 9860, []int{16}},                 // Humo
	{5000, 5099, []int{16, 18, 19}},         // Maestro
	{5600, 5899, []int{16, 18, 19}},         // Maestro
	{6304, 6304, []int{16, 18, 19}},         // Maestro
	{6390, 6390, []int{16, 18, 19}},         // Maestro
	{6759, 6769, []int{16, 18, 19}},         // Maestro
}

func issued(digits string) bool {
	first := 0
	for _, d := range digits[:4] {
		first = first*10 + int(d-'0')
	}
	for _, i := range issuers {
		if first >= i.from && first <= i.to && slices.Contains(i.lengths, len(digits)) {
			// Thirteen digits are a barcode as a rule and a very old card as an exception.
			return len(digits) != 13 || !barcode(digits)
		}
	}
	return false
}

// barcode checks the last digit of an EAN-13.
func barcode(digits string) bool {
	sum := 0
	for i, d := range digits {
		sum += int(d-'0') * (1 + 2*(i%2))
	}
	return sum%10 == 0
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
