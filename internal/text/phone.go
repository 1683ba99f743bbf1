package text

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a number as it was written and, where it could be understood, as it is
// dialled. Raw is always kept: a number that can't be resolved today may still be
// read by a person.
type Phone struct {
	Raw       string
	E164      string // "" when unresolved
	Region    string // ISO 3166 code of the number's country, "" when unknown
	Extension string
}

// Resolved tells whether the number can be dialled.
func (p Phone) Resolved() bool { return p.E164 != "" }

const (
	maxPhone      = 80 // bytes as written
	shortestPhone = 5  // digits
)

var (
	phoneExtension = regexp.MustCompile(`(?i)[\s,;]*(?:;ext=|ext(?:ension|n)?|доб(?:авочный)?|дод(?:атковий)?|внутр(?:енний)?|вн|wewn?(?:ętrzny)?|x|#)[\s.:№]*(\d{1,7})[\s)]*$`)
	phoneLabel     = regexp.MustCompile(`(?i)^\s*(?:sips?:|tel:|callto:|whatsapp:|viber:|telefon|тел(?:ефон)?|tel|phone|моб(?:ільний|ильный)?|mobile|mob|kom(?:órka)?|kom|т|t|м|m)?[\s.:]*`)
	phoneTrunkZero = regexp.MustCompile(`^(\+\s*\d{1,3}[\s.-]*)\(\s*0\s*\)`)
)

// ParsePhone reads a number as people write it: with brackets, dashes, labels,
// trunk prefixes, 00 for +, an extension, or a second number behind a comma. A
// number without a country is read as one of defaultRegion (ISO 3166, may be "").
// It guesses no more than that: what isn't a number of that region, like a Russian
// 8 (916) in Ukraine, stays unresolved.
func ParsePhone(raw, defaultRegion string) Phone {
	p := Phone{Raw: raw}
	if len(raw) > maxPhone {
		return p
	}
	s := asciiDigits(raw)
	s = s[len(phoneLabel.FindString(s)):]
	s, _, _ = strings.Cut(s, "@")
	if m := phoneExtension.FindStringSubmatchIndex(s); m != nil {
		p.Extension = s[m[2]:m[3]]
		s = s[:m[0]]
	}
	region := strings.ToUpper(defaultRegion)
	candidates := append([]string{s}, strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == '/' })...)
	for _, candidate := range candidates {
		if n := resolve(candidate, region); n != nil {
			p.E164 = phonenumbers.Format(n, phonenumbers.E164)
			p.Region = phonenumbers.GetRegionCodeForNumber(n)
			if p.Region == "ZZ" || p.Region == "001" {
				p.Region = ""
			}
			return p
		}
	}
	return p
}

// PhoneCostly tells of a number that is dear to ring: premium rates, shared cost, satellites and the like. Who lets strangers say which number is rung
// pays for such calls.
func PhoneCostly(e164 string) bool {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return true
	}
	if code := n.GetCountryCode(); code >= 870 && code <= 883 || code == 979 || code == 888 { // satellites, international networks and premium rates
		return code != 880 // Bangladesh
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL:
		return true
	}
	return false
}

// resolve tries the readings of one written number, surest first.
func resolve(s, region string) *phonenumbers.PhoneNumber {
	s = phoneTrunkZero.ReplaceAllString(strings.TrimSpace(s), "$1")
	digits, plus, ok := dialled(s)
	if !ok || len(digits) < shortestPhone {
		return nil
	}
	if !plus && strings.HasPrefix(digits, "00") {
		digits, plus = digits[2:], true
	}
	if plus {
		// A full international number is taken as long as its length is possible:
		// ranges are opened faster than anybody's tables are renewed.
		if n, err := phonenumbers.Parse("+"+digits, ""); err == nil && phonenumbers.IsPossibleNumber(n) {
			return n
		}
	}
	if n := valid(digits, region); n != nil {
		return n
	}
	if region == "UA" && len(digits) == 11 && strings.HasPrefix(digits, "80") {
		return valid(digits[1:], region) // the trunk prefix was 8 until 2009
	}
	if len(digits) >= 11 {
		return valid("+"+digits, "")
	}
	return nil
}

func valid(digits, region string) *phonenumbers.PhoneNumber {
	n, err := phonenumbers.Parse(digits, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return nil
	}
	return n
}

// dialled takes the digits out of a number's punctuation, and refuses anything that
// a number isn't written with.
func dialled(s string) (digits string, plus, ok bool) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' || r == '\uff0b':
			if b.Len() > 0 || plus {
				return "", false, false
			}
			plus = true
		case strings.ContainsRune("()[]-./\\_*'~", r), unicode.Is(unicode.Pd, r), unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
		default:
			return "", false, false
		}
	}
	return b.String(), plus, true
}

// asciiDigits turns digits of any script into 0-9.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 || !unicode.Is(unicode.Nd, r) {
			return r
		}
		// Digits of a script stand together in order, so zero is found by counting down.
		value := rune(0)
		for value < 9 && unicode.Is(unicode.Nd, r-value-1) {
			value++
		}
		return '0' + value
	}, s)
}

// tails are the lengths under which a number is found: a city number, a national
// number without and with its trunk or area digits.
var tails = [...]int{10, 9, 7}

// PhoneKeys gives the keys under which a number is stored and sought, the most
// telling first: all its digits, then its last 10, 9 and 7. Two spellings of one
// number share a key whichever country and trunk prefixes they carry. It is empty
// for fewer than four digits.
func PhoneKeys(raw string) []string {
	digits := phoneDigits(raw)
	if len(digits) < 4 {
		return nil
	}
	keys := []string{digits}
	for _, n := range tails {
		if len(digits) > n {
			keys = append(keys, digits[len(digits)-n:])
		}
	}
	return slices.Clip(keys)
}

// PhoneReversed gives the digits last first, so that "…4567" can be sought as a
// prefix of a stored column.
func PhoneReversed(raw string) string {
	digits := []byte(phoneDigits(raw))
	slices.Reverse(digits)
	return string(digits)
}

func phoneDigits(raw string) string {
	if len(raw) > maxPhone {
		return ""
	}
	s := asciiDigits(raw)
	if m := phoneExtension.FindStringIndex(s); m != nil {
		// "#1234567" is a number that somebody marked, not an extension of nothing.
		if number := onlyDigits(s[:m[0]]); len(number) >= shortestPhone {
			return strings.TrimPrefix(number, "00")
		}
	}
	return strings.TrimPrefix(onlyDigits(s), "00")
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// PhoneZone tells in which time zone a number's owner lives. Of a country with several zones, home is taken where it is one of them, else the
// first that the number's prefix knows; a number that tells nothing gives home.
func PhoneZone(e164, home string) string {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return home
	}
	zones, err := phonenumbers.GetTimezonesForNumber(n)
	if err != nil || len(zones) == 0 {
		return home
	}
	for i, z := range zones {
		if now, ok := renamedZones[z]; ok {
			z, zones[i] = now, now
		}
		if z == home {
			return home
		}
	}
	if _, err := time.LoadLocation(zones[0]); err != nil || !strings.Contains(zones[0], "/") {
		return home
	}
	return zones[0]
}

// renamedZones are zones that the numbering tables still call by an old name.
var renamedZones = map[string]string{"Europe/Kiev": "Europe/Kyiv", "Asia/Calcutta": "Asia/Kolkata", "Asia/Rangoon": "Asia/Yangon"}
