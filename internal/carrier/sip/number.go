package sip

import "strings"

// dialled writes an E.164 number as the trunk's network wants it. Short numbers and names, such as a telephone system's own extensions, go as they are.
func (s *settings) dialled(number string) string {
	digits, international := strings.CutPrefix(number, "+")
	if !international {
		return s.dialPrefix + number
	}
	switch s.format {
	case formatPlain:
		return s.dialPrefix + digits
	case formatZeros:
		return s.dialPrefix + "00" + digits
	case formatNational:
		if rest, home := strings.CutPrefix(digits, s.country); home {
			return s.dialPrefix + s.nationalPrefix + rest
		}
		return s.dialPrefix + "00" + digits
	}
	return s.dialPrefix + "+" + digits
}

// e164 reads a number as the network gave it. What can't be read as a whole number, such as an extension, stays as it is.
func (s *settings) e164(number string) string {
	v := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -().\u00a0", r) {
			return -1
		}
		return r
	}, number)
	digits, international := strings.CutPrefix(v, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return number
	}
	switch {
	case international:
		return "+" + digits
	case strings.HasPrefix(digits, "00") && len(digits) > 9:
		return "+" + digits[2:]
	case s.country != "" && s.nationalPrefix != "" && strings.HasPrefix(digits, s.nationalPrefix) && len(digits) > 7:
		return "+" + s.country + digits[len(s.nationalPrefix):]
	case s.country != "" && strings.HasPrefix(digits, s.country) && len(digits) >= 10:
		return "+" + digits
	case s.country == "" && s.format != formatNational && len(digits) >= 11:
		return "+" + digits
	}
	return v
}

// dialable tells whether a number or a name may be put into an address: nothing that could smuggle in another destination.
func dialable(number string) bool {
	if number == "" || len(number) > 64 {
		return false
	}
	for i, r := range number {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '*', r == '#', r == '-', r == '_', r == '.':
		case r == '+' && i == 0:
		default:
			return false
		}
	}
	return true
}
