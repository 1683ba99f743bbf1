package letter

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"opeka/internal/text"
)

// aliases are names that mailers use and that the index of charsets doesn't know.
var aliases = map[string]string{
	"cp1251": "windows-1251", "cp-1251": "windows-1251", "win-1251": "windows-1251", "win1251": "windows-1251", "1251": "windows-1251", "cp1252": "windows-1252", "cp-1252": "windows-1252",
	"cp1250": "windows-1250", "cp-1250": "windows-1250", "koi8": "koi8-r", "koi-8": "koi8-r", "koi8r": "koi8-r", "koi8u": "koi8-u", "utf8": "utf-8", "utf": "utf-8", "ansi_x3.110-1983": "iso-8859-1",
	"latin-1": "iso-8859-1", "iso8859-2": "iso-8859-2", "iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "cp932": "shift_jis", "cp936": "gbk", "cp950": "big5", "cp949": "euc-kr",
	"ks_c_5601-1987": "euc-kr", "x-gbk": "gbk", "hz-gb-2312": "hz-gb-2312", "x-user-defined": "", "unknown-8bit": "", "us-ascii": "", "default": "", "unknown": "", "ascii": "", "ansi": "",
}

// encodingOf finds a charset by what a letter calls it; nil when that says nothing.
func encodingOf(name string) encoding.Encoding {
	name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"'`))
	name, _, _ = strings.Cut(name, "*") // a language, RFC 2231
	if n, ok := strings.CutPrefix(name, "charset="); ok {
		name = n
	}
	if to, ok := aliases[name]; ok {
		name = to
	}
	switch name {
	case "":
		return nil
	case "hz-gb-2312":
		return simplifiedchinese.HZGB2312
	case "cp437":
		return charmap.CodePage437
	case "cp850":
		return charmap.CodePage850
	case "cp852":
		return charmap.CodePage852
	}
	e, _ := charset.Lookup(name)
	return e
}

func isUTF7(name string) bool {
	name = strings.ToLower(name)
	return name == "utf-7" || strings.HasSuffix(name, "-utf-7") || name == "utf7"
}

// decodeBytes turns bytes into text by the charset that was declared, or by their looks when that can't be right.
func decodeBytes(b []byte, declared string) string {
	if isUTF7(declared) {
		return decodeUTF7(string(b))
	}
	if e := encodingOf(declared); e != nil {
		if s, err := e.NewDecoder().Bytes(b); err == nil && !bytes.ContainsRune(s, utf8.RuneError) {
			if !strings.EqualFold(declared, "utf-8") && utf8.Valid(b) && hasHigh(b) && mostlyUTF8(b) {
				return string(b) // declared something else and is UTF-8: no other text looks like that by chance
			}
			return text.Repair(string(s))
		}
	}
	return guess(b, declared)
}

// toText makes bytes of a head text.
func toText(b []byte) string { return guess(b, "") }

func hasHigh(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// mostlyUTF8 asks for several characters of more than one byte, so that two bytes of another charset aren't mistaken.
func mostlyUTF8(b []byte) bool {
	n := 0
	for len(b) > 0 {
		_, size := utf8.DecodeRune(b)
		if size > 1 {
			n++
		}
		b = b[size:]
	}
	return n >= 3
}

// candidates are the charsets in which our customers' mailers leave text without saying so.
var candidates = []struct {
	name string
	e    encoding.Encoding
	lead func(c byte) float64 // of a two-byte character: how common are those with this lead
}{
	{"windows-1251", charmap.Windows1251, nil},
	{"koi8-u", charmap.KOI8U, nil},
	{"windows-1250", charmap.Windows1250, nil},
	{"iso-8859-2", charmap.ISO8859_2, nil},
	{"windows-1252", charmap.Windows1252, nil},
	{"gb18030", simplifiedchinese.GB18030, between(0xB0, 0xD7)},
	{"big5", traditionalchinese.Big5, between(0xA4, 0xC6)},
	{"shift_jis", japanese.ShiftJIS, between(0x82, 0x97)},
	{"euc-jp", japanese.EUCJP, between(0xA4, 0xCF)},
	{"euc-kr", korean.EUCKR, between(0xB0, 0xC8)},
}

func between(from, to byte) func(byte) float64 {
	return func(c byte) float64 {
		if c >= from && c <= to {
			return 2
		}
		return 0.2
	}
}

// guess reads bytes whose charset isn't known. What is valid UTF-8 is UTF-8; of the others the one wins in which the bytes make
// the likeliest text. hint is a charset that is probable from elsewhere.
func guess(b []byte, hint string) string {
	if utf8.Valid(b) {
		return text.Repair(string(b))
	}
	sample := b
	if len(sample) > 4096 {
		sample = sample[:4096]
	}
	best, bestScore := "", -1e9
	for _, c := range candidates {
		s, err := c.e.NewDecoder().Bytes(sample)
		if err != nil {
			continue
		}
		score := likelihood(sample, string(s), c.lead)
		if strings.EqualFold(c.name, hint) || hint != "" && encodingOf(hint) == c.e {
			score += 0.5
		}
		if score > bestScore {
			best, bestScore = c.name, score
		}
	}
	// Broken UTF-8 (cut in the middle of a letter) is still UTF-8.
	repaired := strings.ToValidUTF8(string(sample), "\ufffd")
	if broken := strings.Count(repaired, "\ufffd"); broken*8 < highRunes(repaired) {
		return text.Repair(string(b))
	}
	for _, c := range candidates {
		if c.name == best && bestScore > 0 {
			s, _ := c.e.NewDecoder().Bytes(b)
			return text.Repair(string(s))
		}
	}
	s, _ := charmap.Windows1252.NewDecoder().Bytes(b)
	return text.Repair(string(s))
}

func highRunes(s string) (n int) {
	for _, r := range s {
		if r > 0x7f {
			n++
		}
	}
	return n
}

// likelihood is how much a decoded text looks like people's writing, per byte above ASCII.
func likelihood(raw []byte, s string, lead func(byte) float64) float64 {
	total, high := 0.0, 0
	for _, c := range raw {
		if c >= 0x80 {
			high++
		}
	}
	if high == 0 {
		return 0
	}
	if lead != nil {
		for n := 0; n < len(raw); n++ {
			if raw[n] >= 0x80 {
				if n+1 < len(raw) {
					total += lead(raw[n])
				}
				n++
			}
		}
	}
	before := ' '
	for _, r := range s {
		total += plausible(r, before, lead != nil)
		before = r
	}
	return total / float64(high)
}

// plausible is what one character speaks for or against a charset.
func plausible(r, before rune, double bool) float64 {
	switch {
	case r < 0x80:
		if unicode.IsLetter(r) && (unicode.Is(unicode.Cyrillic, before) || unicode.Is(unicode.Han, before)) {
			return -2
		}
		return 0
	case r == utf8.RuneError:
		return -20
	case r < 0xA0, unicode.In(r, unicode.Co):
		return -10
	case unicode.Is(unicode.Cyrillic, r) && before < 0x80 && unicode.IsLetter(before):
		return -2 // one word in two alphabets
	case strings.ContainsRune("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґ", r):
		if unicode.IsLower(before) || !unicode.IsLetter(before) {
			return 1.2
		}
		return 1
	case unicode.Is(unicode.Cyrillic, r):
		if unicode.IsLower(before) {
			return -3 // a capital in the middle of a word: the tell of KOI8 read as 1251 and the other way
		}
		if strings.ContainsRune("АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЇЄҐЁ", r) {
			return 0.6
		}
		return -1.5
	case strings.ContainsRune("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ", r):
		return 0.9
	case strings.ContainsRune("äöüßÄÖÜéèêàâçñíáúôîïëæøåõãìòù", r):
		return 0.7
	case unicode.Is(unicode.Hiragana, r), unicode.Is(unicode.Katakana, r):
		if r >= 0xFF61 && r <= 0xFF9F {
			return -1
		}
		return 1.5
	case unicode.Is(unicode.Han, r), unicode.Is(unicode.Hangul, r):
		if before < 0x80 && unicode.IsLetter(before) {
			return -3
		}
		return 0
	case r >= 0x3000 && r <= 0x303F, r >= 0xFF00 && r <= 0xFFEF:
		return 0.5
	case strings.ContainsRune("–—“”„«»…’‘№\u00a0€©®™•°", r):
		return 0.2
	case double:
		return -1
	case unicode.IsLetter(r):
		return -0.8
	}
	return -2
}

// decodeUTF7 reads RFC 2152, which old Exchange servers write in heads.
func decodeUTF7(s string) string {
	var b strings.Builder
	for {
		n := strings.IndexByte(s, '+')
		if n < 0 {
			return text.Repair(b.String() + s)
		}
		b.WriteString(s[:n])
		s = s[n+1:]
		end := strings.IndexFunc(s, func(r rune) bool {
			return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '+' && r != '/'
		})
		if end < 0 {
			end = len(s)
		}
		if end == 0 {
			b.WriteByte('+')
		} else if raw, err := base64.RawStdEncoding.DecodeString(s[:end]); err == nil || len(raw) >= 2 {
			for ; len(raw) >= 2; raw = raw[2:] {
				b.WriteRune(rune(raw[0])<<8 | rune(raw[1]))
			}
		} else {
			b.WriteString("+" + s[:end])
		}
		s = strings.TrimPrefix(s[end:], "-")
	}
}
