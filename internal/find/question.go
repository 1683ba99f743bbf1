package find

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"opeka/internal/text"
)

// minFragment is how many last digits of a phone number, or first or last characters of another number, are worth a look.
const (
	minFragment = 4
	minNumber   = 3
	maxQuery    = 200
)

// question is what may be meant by what somebody typed. Several readings stand side by side: a row
// of digits may be a phone, an order or a barcode.
type question struct {
	number []string // the forms of the whole as one number
	ends   []string // what numbers may end in, last first
	phone  string   // the digits of a phone, last first
	email  string
	mail   bool     // it looks like a mail address: no word of a name has such signs
	words  []word   // in order
	open   bool     // the last word may not be typed to its end
	parts  []string // numbers between words, and in words
}

var phoneRun = regexp.MustCompile(`[+(]?\d[\d\s().\-–/]*\d`)

// ask reads a query. It is total: whatever comes in, some question comes out, maybe an empty one.
func ask(query string) question {
	open := !strings.HasSuffix(query, " ")
	query = clean(query, maxQuery)
	var q question
	for _, part := range strings.FieldsFunc(query, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>,;()\"", r) }) {
		if strings.Contains(part, "@") {
			q.email, q.mail = emailForm(part), true
			query = strings.Join(strings.Fields(strings.ReplaceAll(query, part, " ")), " ") // what stands beside it may be a name
			break
		}
	}
	q.words = wordsOf(query)
	q.open = open && len(q.words) > 0
	letters := strings.ContainsFunc(query, unicode.IsLetter)
	digits := strings.ContainsFunc(query, unicode.IsDigit)
	fields := strings.Fields(query)

	if len(q.words) == 1 || len(fields) == 1 || digits {
		q.number = numberForms(query)
	}
	if digits { // words aren't the ends of numbers
		for _, form := range append(numberForms(query), strings.Join(numberParts(query), "")) {
			if end := reverse(clip(form, maxKey)); len([]rune(end)) >= minNumber && !slices.Contains(q.ends, end) {
				q.ends = append(q.ends, end)
			}
		}
	}
	if len(fields) > 1 || letters {
		for _, part := range strings.FieldsFunc(query, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("#№:,;()", r) }) {
			if part != query && strings.ContainsFunc(part, unicode.IsDigit) && len(q.parts) < 4 {
				q.parts = append(q.parts, part)
			}
		}
	}
	run := query
	if letters {
		run = longest(phoneRun.FindAllString(query, -1))
	}
	if keys := text.PhoneKeys(run); len(keys) > 0 && !strings.ContainsFunc(run, unicode.IsLetter) {
		q.phone = reverse(keys[0])
	}
	if len(fields) == 1 && q.email == "" {
		q.email, q.mail = emailForm(query), strings.ContainsAny(query, "._+0123456789")
	}
	return q
}

func (q question) empty() bool {
	return len(q.number) == 0 && q.phone == "" && q.email == "" && len(q.words) == 0
}

func longest(list []string) string {
	best := ""
	for _, s := range list {
		if len(s) > len(best) {
			best = s
		}
	}
	return best
}
