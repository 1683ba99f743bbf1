package text

import (
	"slices"
	"strings"
	"testing"
)

func TestParsePhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, region, e164, extension string }{
		{"+380 50 123 45 67", "", "+380501234567", ""},
		{"(050) 123-45-67", "UA", "+380501234567", ""},
		{"050.123.45.67", "UA", "+380501234567", ""},
		{"501234567", "ua", "+380501234567", ""},
		{"380501234567", "UA", "+380501234567", ""},
		{"80501234567", "UA", "+380501234567", ""},
		{"8 (050) 123-45-67", "UA", "+380501234567", ""},
		{"00380501234567", "UA", "+380501234567", ""},
		{"00 380 50 1234567", "PL", "+380501234567", ""},
		{"380501234567", "PL", "+380501234567", ""},
		{"+38 (050) 123 45 67", "PL", "+380501234567", ""},
		{"+380 (0) 50 123 45 67", "UA", "+380501234567", ""},
		{"тел. 050 123 45 67 доб. 12", "UA", "+380501234567", "12"},
		{"моб: 050–123–45–67", "UA", "+380501234567", ""},
		{"tel:+380501234567;ext=7", "", "+380501234567", "7"},
		{"sip:+380501234567@sip.example.com", "", "+380501234567", ""},
		{"050 123 45 67, 067 765 43 21", "UA", "+380501234567", ""},
		{"\uff0b\uff13\uff18\uff10 50 123 45 67", "UA", "+380501234567", ""},
		{"\u202a+380501234567\u202c", "UA", "+380501234567", ""},
		{"8 (916) 123-45-67", "RU", "+79161234567", ""},
		{"+8 916 123-45-67", "RU", "+79161234567", ""},
		{"9161234567", "RU", "+79161234567", ""},
		{"79161234567", "UA", "+79161234567", ""},
		{"8 (916) 123-45-67", "UA", "", ""},
		{"501 234 567", "PL", "+48501234567", ""},
		{"+48 (0) 22 123 45 67", "PL", "+48221234567", ""},
		{"022/123 45 67 wew. 4", "PL", "", "4"},
		{"22/123 45 67 wew. 4", "PL", "+48221234567", "4"},
		{"0048 501-234-567", "UA", "+48501234567", ""},
		{"(212) 736-5000 x22", "US", "+12127365000", "22"},
		{"+1 212 736 5000", "UA", "+12127365000", ""},
		{"020 7946 0018", "GB", "+442079460018", ""},
		{"101", "UA", "", ""},
		{"", "UA", "", ""},
		{"anonymous", "UA", "", ""},
		{"замовлення 501234567", "UA", "", ""},
		{"501234567", "", "", ""},
		{"+" + strings.Repeat("1", 200), "UA", "", ""},
	} {
		p := ParsePhone(c.raw, c.region)
		if p.E164 != c.e164 || p.Extension != c.extension || p.Raw != c.raw || p.Resolved() != (c.e164 != "") {
			t.Errorf("ParsePhone(%q, %q) = %+v, want %s", c.raw, c.region, p, c.e164)
		}
	}
	if p := ParsePhone("+380501234567", ""); p.Region != "UA" {
		t.Errorf("region %q", p.Region)
	}
}

// Whatever a number is stored as, any way of writing it, or its end, shares a key.
func TestPhoneKeysMeet(t *testing.T) {
	t.Parallel()
	for stored, queries := range map[string][]string{
		"+380501234567":     {"380501234567", "(050) 123-45-67", "80501234567", "501234567", "123-45-67", "00380501234567", "050 123 45 67 доб. 9"},
		"+79161234567":      {"8 (916) 123-45-67", "9161234567", "+7 916 1234567", "1234567"},
		"+48221234567":      {"22 123 45 67", "022 123 45 67", "1234567", "48221234567"},
		"8 (916) 123-45-67": {"+79161234567", "916-123-45-67", "#1234567"},
	} {
		keys := PhoneKeys(stored)
		for _, q := range queries {
			if !slices.ContainsFunc(PhoneKeys(q), func(k string) bool { return slices.Contains(keys, k) }) {
				t.Errorf("%q and %q share no key", stored, q)
			}
		}
		if !strings.HasPrefix(PhoneReversed(stored), PhoneReversed("45-67")) {
			t.Errorf("end of %q not found", stored)
		}
	}
	if got := PhoneKeys("+380501234567"); !slices.Equal(got, []string{"380501234567", "0501234567", "501234567", "1234567"}) {
		t.Errorf("keys %q", got)
	}
	if PhoneKeys("12 3") != nil || PhoneKeys("no digits") != nil {
		t.Error("keys for too little")
	}
}

func FuzzParsePhone(f *testing.F) {
	f.Add("+380 (50) 123-45-67 доб. 12", "UA")
	f.Add("8 (916) 123-45-67", "RU")
	f.Add("٠٥٠١٢٣٤٥٦٧", "UA")
	f.Fuzz(func(t *testing.T, raw, region string) {
		p := ParsePhone(raw, region)
		if p.Raw != raw {
			t.Fatalf("raw %q became %q", raw, p.Raw)
		}
		PhoneKeys(raw)
		PhoneReversed(raw)
		if !p.Resolved() {
			return
		}
		if !strings.HasPrefix(p.E164, "+") || len(p.E164) > 18 {
			t.Fatalf("%q gives %q", raw, p.E164)
		}
		if again := ParsePhone(p.E164, ""); again.E164 != p.E164 {
			t.Fatalf("%q gives %q, which gives %q", raw, p.E164, again.E164)
		}
	})
}

func TestPhoneZone(t *testing.T) {
	for _, c := range []struct{ number, home, want string }{
		{"+380671234567", "Europe/Kyiv", "Europe/Kyiv"},
		{"+380671234567", "Europe/Warsaw", "Europe/Kyiv"},
		{"+48501234567", "Europe/Kyiv", "Europe/Warsaw"},
		{"+79161234567", "Europe/Kyiv", "Europe/Moscow"},
		{"+12125550100", "Europe/Kyiv", "America/New_York"},
		{"nonsense", "Europe/Kyiv", "Europe/Kyiv"},
	} {
		if got := PhoneZone(c.number, c.home); got != c.want {
			t.Errorf("%s seen from %s: %s, want %s", c.number, c.home, got, c.want)
		}
	}
}
