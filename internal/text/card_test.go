package text

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// withCheckDigit makes a number pass the Luhn check: the hard case for what must
// stay readable.
func withCheckDigit(digits string) string {
	for d := range 10 {
		if whole := digits + fmt.Sprint(d); luhn(whole) {
			return whole
		}
	}
	panic("no check digit")
}

func TestCardsAreMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"4111111111111111": "•••• 1111",
		"моя карта 4111 1111 1111 1111, дякую":                "моя карта •••• 1111, дякую",
		"4111-1111-1111-1111":                                 "•••• 1111",
		"4111\u00a01111\u00a01111\u00a01111":                  "•••• 1111",
		"4111.1111.1111.1111":                                 "•••• 1111",
		"4111 – 1111 – 1111 – 1111":                           "•••• 1111",
		"5555555555554444":                                    "•••• 4444",
		"2223 0000 4841 0010":                                 "•••• 0010",
		"3782 822463 10005":                                   "•••• 0005",
		"3056 930902 5904":                                    "•••• 5904",
		"6011 1111 1111 1117":                                 "•••• 1117",
		"2200 1234 5678 901" + luhnEnd("220012345678901"):     "•••• 901" + luhnEnd("220012345678901"),
		"4111 1111 1111 1111 12/27 123":                       "•••• 1111 12/27 123",
		"4111 1111 1111 1111 5555 5555 5555 4444":             "•••• 1111 •••• 4444",
		"4111111111111111 5555555555554444":                   "•••• 1111 •••• 4444",
		"card:4111111111111111;cvv 123":                       "card:•••• 1111;cvv 123",
		"карта4111111111111111":                               "карта•••• 1111",
		"№4111 1111 1111 1111":                                "№•••• 1111",
		"2 000 грн на 4111 1111 1111 1111":                    "2 000 грн на •••• 1111",
		"<b>4111 1111 1111 1111</b>":                          "<b>•••• 1111</b>",
		"4111 1111 1111 1111\n4111 1111 1111 1111":            "•••• 1111\n•••• 1111",
		"41 11 11 11 11 11 11 11":                             "•••• 1111",
		"\xff4111111111111111\xff":                            "\xff•••• 1111\xff",
		"4111 1111 1111 1111 4111 1111 1111 1112 (wrong one)": "•••• 1111 4111 1111 1111 1112 (wrong one)",
		"4012888888881881 та 4222222222222":                   "•••• 1881 та •••• 2222",
		"передоплата 500 4149 4999 1234 567" + luhnEnd("414949991234567"): "передоплата 500 •••• 567" + luhnEnd("414949991234567"),
	} {
		if got := MaskCards(in); got != want {
			t.Errorf("MaskCards(%q) = %q, want %q", in, got, want)
		} else if again := MaskCards(got); again != got {
			t.Errorf("masked again %q becomes %q", got, again)
		}
	}
}

func luhnEnd(digits string) string { return withCheckDigit(digits)[len(digits):] }

func TestOtherNumbersStayReadable(t *testing.T) {
	t.Parallel()
	numbers := []string{
		"",
		"4111 1111 1111 1112",                                                                             // no card: the check fails
		withCheckDigit("2045012345678"), withCheckDigit("5900012345678"), withCheckDigit("1045012345678"), // Nova Poshta, 14 digits
		withCheckDigit("62000123456789012345678"), // InPost, 24 digits
		withCheckDigit("100012345678901"),         // an order number of 16 digits
		withCheckDigit("700012345678901"),
		"+380 50 123 45 67, 067 765 43 21", "+4111111111111111",
		"UA213223130000026007233566001", "UA21 3223 1300 0002 6007 2335 6600 1",
		"PL61 1090 1014 0000 0712 1981 2874", "61 1090 1014 0000 0712 1981 2874", "61109010140000071219812874",
		"RB411111111111111UA", "1Z41111111111111111", "CC411111111111111PL",
		"4820024700016", "4006381333931", // barcodes
		"2026-11-22 10:30:15", "123456", "A-1234/56",
		"1 500 - 2 500 - 3 500 - 4 500",
	}
	// Every barcode of Ukraine and Germany beginning as Visa does, of which a tenth
	// pass the Luhn check too.
	for i := range 200 {
		for _, country := range []string{"482", "400"} {
			twelve := fmt.Sprintf("%s%09d", country, i*7919)
			for d := range 10 {
				if code := twelve + fmt.Sprint(d); barcode(code) {
					numbers = append(numbers, code)
				}
			}
		}
	}
	for _, n := range numbers {
		if got := MaskCards(n); got != n {
			t.Errorf("MaskCards(%q) = %q", n, got)
		}
	}
}

func FuzzMaskCards(f *testing.F) {
	f.Add("карта 4111 1111 1111 1111 12/27", uint16(7))
	f.Add("5555555555554444 3782 822463 10005 UA21 3223", uint16(0))
	f.Fuzz(func(t *testing.T, s string, noise uint16) {
		got := MaskCards(s)
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("%q became invalid: %q", s, got)
		}
		// The four digits that stay may make a number with what follows, so masking again
		// may hide more, but never show more.
		if again := MaskCards(got); utf8.RuneCountInString(again) > utf8.RuneCountInString(got) {
			t.Fatalf("%q, then %q, then %q", s, got, again)
		}
		// A card that stands alone on its line is masked, whatever is around it.
		card := withCheckDigit(fmt.Sprintf("4149499912%05d", noise))
		if out := MaskCards(s + "\n" + card + "\n" + s); strings.Contains(out, card) && !strings.Contains(s, card) {
			t.Fatalf("%q hides the card %s", s, card)
		}
	})
}
