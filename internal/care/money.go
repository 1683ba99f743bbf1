package care

import (
	"fmt"
	"math"
	"strings"
)

// exponents lists the currencies whose minor unit isn't a hundredth.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// Decimals tells how many digits of a currency stand behind the point (ISO 4217).
func Decimals(currency string) int {
	if n, ok := exponents[strings.ToUpper(currency)]; ok {
		return n
	}
	return 2
}

// ParseMoney reads a decimal amount such as "1249.90" or "-80" exactly, without floating point. Digits
// beyond the currency's are rounded half away from zero; an empty string is 0. The point may be a comma.
func ParseMoney(s, currency string) (Money, error) {
	m := Money{Currency: strings.ToUpper(strings.TrimSpace(currency))}
	digits := strings.TrimSpace(s)
	if digits == "" {
		return m, nil
	}
	negative := digits[0] == '-'
	if negative || digits[0] == '+' {
		digits = digits[1:]
	}
	whole, fraction, _ := strings.Cut(strings.Replace(digits, ",", ".", 1), ".")
	decimals := Decimals(m.Currency)
	roundUp := len(fraction) > decimals && fraction[decimals] >= '5'
	for i := 0; i < len(fraction); i++ {
		if fraction[i] < '0' || fraction[i] > '9' {
			return m, fmt.Errorf("amount %q: not a number", s)
		}
	}
	if whole == "" && fraction == "" {
		return m, fmt.Errorf("amount %q: not a number", s)
	}
	for len(fraction) < decimals {
		fraction += "0"
	}
	for _, c := range []byte(whole + fraction[:decimals]) {
		if c < '0' || c > '9' {
			return m, fmt.Errorf("amount %q: not a number", s)
		}
		if m.Amount > (math.MaxInt64-10)/10 {
			return m, fmt.Errorf("amount %q: too large", s)
		}
		m.Amount = m.Amount*10 + int64(c-'0')
	}
	if roundUp {
		m.Amount++
	}
	if negative {
		m.Amount = -m.Amount
	}
	return m, nil
}

// Add sums two amounts of one currency.
func (m Money) Add(o Money) Money { return Money{Amount: m.Amount + o.Amount, Currency: m.Currency} }

// Part is n of equal parts of an amount, rounded half away from zero.
func (m Money) Part(n, of int64) Money {
	if of <= 1 || n >= of {
		return m
	}
	// Whole parts first, so that large amounts don't overflow.
	each, rest := m.Amount/of, m.Amount%of
	r := rest * n
	half := of / 2
	if r < 0 {
		half = -half
	}
	m.Amount = each*n + (r+half)/of
	return m
}

// Decimal writes the amount as shops do: "1249.90".
func (m Money) Decimal() string {
	sign, a := "", m.Amount
	if a < 0 {
		sign, a = "-", -a
	}
	n := Decimals(m.Currency)
	if n == 0 {
		return fmt.Sprintf("%s%d", sign, a)
	}
	unit := int64(math.Pow10(n))
	return fmt.Sprintf("%s%d.%0*d", sign, a/unit, n, a%unit)
}
