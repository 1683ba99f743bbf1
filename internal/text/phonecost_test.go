package text

import "testing"

func TestWhatCostsExtra(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]bool{
		"+380671112233": false, "+380441234567": false, "+48601234567": false, "+79161234567": false, "+442071234567": false,
		"+380900123456": true, "+48701234567": true, "+78091234567": true, "+449098790000": true, // premium
		"+881621234567": true, "+979123456789": true, "+882161234567": true, // satellites, international services
		"": true, "garbage": true,
	} {
		if got := CostsExtra(number); got != want {
			t.Errorf("%q: %v", number, got)
		}
	}
}

func TestCountryOfAZone(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{"Europe/Kyiv": "UA", "Europe/Warsaw": "PL", "Europe/Moscow": "RU", "Europe/London": "GB", "Europe/Berlin": "DE", "America/New_York": "US", "UTC": "", "": ""} {
		if got := ZoneCountry(zone); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
	if got := CountryPrefix("UA"); got != "+380" {
		t.Error(got)
	}
	if got := CountryPrefix("ZZ"); got != "" {
		t.Error(got)
	}
}
