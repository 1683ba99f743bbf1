package text

import (
	"strings"
	"unicode/utf16"
)

// SMS is how a text goes out as short messages: in the GSM alphabet (7 bits) or, when it has anything else, in UCS-2.
type SMS struct {
	Unicode  bool
	Units    int // septets, or 16-bit units
	Segments []string
}

// Units of one message, and of a part of a longer one: six bytes go to the header that joins them.
const (
	smsGSM, smsGSMPart   = 160, 153
	smsUCS2, smsUCS2Part = 70, 67
)

// gsm is the alphabet of GSM 03.38 by position; 0x1B leads to gsmMore.
const gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

var gsmMore = map[rune]byte{'\f': 0x0A, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2F, '[': 0x3C, '~': 0x3D, ']': 0x3E, '|': 0x40, '€': 0x65}

var gsmCode, gsmRune = func() (map[rune]byte, [128]rune) {
	code, back, n := map[rune]byte{}, [128]rune{}, byte(0)
	for _, r := range gsm {
		if r != 0x1B {
			code[r] = n
		}
		back[n] = r
		n++
	}
	return code, back
}()

// alike are signs that word processors put in and that have a plain form in the alphabet: they alone would double the price of a message.
var alike = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "’", "'", "‘", "'", "–", "-", "—", "-", "…", "...", "\u00a0", " ", "\u202f", " ", "\u2011", "-", "№", "No", "\t", " ")

// gsmUnits is what a character takes in the alphabet; 0 when it isn't in it.
func gsmUnits(r rune) int {
	if _, ok := gsmCode[r]; ok {
		return 1
	}
	if _, ok := gsmMore[r]; ok {
		return 2
	}
	return 0
}

// SplitSMS cuts a text into the segments in which it goes out, never within a character. Where only quotation marks, dashes and the like
// stand between a text and the GSM alphabet they are made plain.
func SplitSMS(s string) SMS {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if plain := alike.Replace(s); plain != s && inGSM(plain) {
		s = plain
	}
	m := SMS{Unicode: !inGSM(s)}
	units := gsmUnits
	whole, part := smsGSM, smsGSMPart
	if m.Unicode {
		units = func(r rune) int { return max(1, utf16.RuneLen(r)) }
		whole, part = smsUCS2, smsUCS2Part
	}
	for _, r := range s {
		m.Units += units(r)
	}
	if m.Units <= whole {
		m.Segments = []string{s}
		return m
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		n := units(r)
		if used+n > part {
			m.Segments = append(m.Segments, b.String())
			b.Reset()
			used = 0
		}
		b.WriteRune(r)
		used += n
	}
	m.Segments = append(m.Segments, b.String())
	return m
}

func inGSM(s string) bool {
	for _, r := range s {
		if gsmUnits(r) == 0 {
			return false
		}
	}
	return true
}

// EncodeGSM writes a text in the GSM alphabet, a septet per byte; characters outside of it become question marks.
func EncodeGSM(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		switch c, ok := gsmCode[r]; {
		case ok:
			out = append(out, c)
		default:
			if c, ok := gsmMore[r]; ok {
				out = append(out, 0x1B, c)
			} else {
				out = append(out, gsmCode['?'])
			}
		}
	}
	return out
}

// DecodeGSM reads a text in the GSM alphabet, a septet per byte.
func DecodeGSM(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		c := b[i] & 0x7F
		if c == 0x1B && i+1 < len(b) {
			i++
			out.WriteRune(more(b[i] & 0x7F))
			continue
		}
		if c == 0x1B {
			continue
		}
		out.WriteRune(gsmRune[c])
	}
	return out.String()
}

func more(c byte) rune {
	for r, code := range gsmMore {
		if code == c {
			return r
		}
	}
	return gsmRune[c] // as phones show an unknown extension
}

// EncodeUCS2 writes a text in 16-bit units, the high byte first.
func EncodeUCS2(s string) []byte {
	units := utf16.Encode([]rune(s))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

// DecodeUCS2 reads 16-bit units.
func DecodeUCS2(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units))
}

// stopWords are what people answer to be left alone, in the languages of the house, and what takes it back.
var stopWords = map[string]bool{
	"stop": true, "стоп": true, "unsubscribe": true, "quit": true, "end": true, "cancel": true, "відписатися": true, "відписка": true, "відпишіться": true,
	"отписаться": true, "отписка": true, "отпишите": true, "wypisz": true, "rezygnuję": true, "rezygnuje": true,
	"start": false, "старт": false, "підписатися": false, "подписаться": false, "zapisz": false,
}

// StopWord tells whether a short message only says that its writer wants no more of them (stop), or wants them again (start).
func StopWord(s string) (stop, start bool) {
	s = strings.ToLower(strings.Trim(strings.TrimSpace(s), ".!\"'«»"))
	said, known := stopWords[s]
	return known && said, known && !said
}
