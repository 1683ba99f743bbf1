package text

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// CostsExtra tells whether a number (E.164) costs its caller more than a telephone in its country does: premium and shared-cost services, satellites, and the
// international services that belong to no country. One that can't be read counts as such.
func CostsExtra(e164 string) bool {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return true
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST:
		return true
	}
	if slices.ContainsFunc(extra, func(p string) bool { return strings.HasPrefix(e164, p) }) {
		return true
	}
	return phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode())) == "001"
}

// extra are ranges that cost more and of which the tables know a part only.
var extra = []string{"+380900", "+380703", "+380704", "+4830", "+4840", "+4864", "+4870", "+7803", "+7809"}

// CountryPrefix is how a country's numbers begin (+380); empty when there is no such country.
func CountryPrefix(region string) string {
	if n := phonenumbers.GetCountryCodeForRegion(region); n != 0 {
		return "+" + strconv.Itoa(n)
	}
	return ""
}

// Countries are the countries (ISO 3166) that have telephone numbers, in the order of their codes.
func Countries() []string { return slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) }

// ZoneCountry is the country (ISO 3166) of a time zone, for zones of the countries in which shops are that we know of; else empty. The numbering library's own
// tables of zones are too coarse for it: they give London to Ireland.
func ZoneCountry(zone string) string { return zoneCountry[zone] }

var zoneCountry = map[string]string{
	"Europe/Kyiv": "UA", "Europe/Kiev": "UA", "Europe/Uzhgorod": "UA", "Europe/Zaporozhye": "UA", "Europe/Warsaw": "PL",
	"Europe/Moscow": "RU", "Europe/Kaliningrad": "RU", "Europe/Samara": "RU", "Europe/Saratov": "RU", "Europe/Volgograd": "RU", "Asia/Yekaterinburg": "RU", "Asia/Omsk": "RU", "Asia/Novosibirsk": "RU",
	"Asia/Krasnoyarsk": "RU", "Asia/Irkutsk": "RU", "Asia/Yakutsk": "RU", "Asia/Vladivostok": "RU", "Asia/Almaty": "KZ", "Europe/Minsk": "BY", "Europe/Chisinau": "MD", "Asia/Tbilisi": "GE",
	"Europe/London": "GB", "Europe/Dublin": "IE", "Europe/Berlin": "DE", "Europe/Vienna": "AT", "Europe/Zurich": "CH", "Europe/Paris": "FR", "Europe/Brussels": "BE", "Europe/Amsterdam": "NL",
	"Europe/Luxembourg": "LU", "Europe/Madrid": "ES", "Europe/Lisbon": "PT", "Europe/Rome": "IT", "Europe/Prague": "CZ", "Europe/Bratislava": "SK", "Europe/Budapest": "HU", "Europe/Bucharest": "RO",
	"Europe/Sofia": "BG", "Europe/Athens": "GR", "Europe/Belgrade": "RS", "Europe/Zagreb": "HR", "Europe/Ljubljana": "SI", "Europe/Vilnius": "LT", "Europe/Riga": "LV", "Europe/Tallinn": "EE",
	"Europe/Helsinki": "FI", "Europe/Stockholm": "SE", "Europe/Oslo": "NO", "Europe/Copenhagen": "DK", "Europe/Istanbul": "TR",
	"America/New_York": "US", "America/Chicago": "US", "America/Denver": "US", "America/Los_Angeles": "US", "America/Toronto": "CA",
}
