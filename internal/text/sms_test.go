package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplitSMS(t *testing.T) {
	for _, c := range []struct {
		name, text string
		unicode    bool
		units      int
		segments   int
	}{
		{"empty", "", false, 0, 1},
		{"160 letters", strings.Repeat("a", 160), false, 160, 1},
		{"161 letters", strings.Repeat("a", 161), false, 161, 2},
		{"306 letters", strings.Repeat("a", 306), false, 306, 2},
		{"307 letters", strings.Repeat("a", 307), false, 307, 3},
		{"a euro takes two", strings.Repeat("€", 80), false, 160, 1},
		{"and isn't cut", strings.Repeat("a", 152) + "€" + "aaaaaaaaa", false, 163, 2},
		{"70 Cyrillic letters", strings.Repeat("ж", 70), true, 70, 1},
		{"71 Cyrillic letters", strings.Repeat("ж", 71), true, 71, 2},
		{"a smile takes two", strings.Repeat("🙂", 35), true, 70, 1},
		{"and isn't cut either", strings.Repeat("ж", 66) + "🙂" + "жжж", true, 71, 2},
		{"Polish letters aren't in it", "zażółć", true, 6, 1},
		{"quotation marks are made plain", "“Your order” – No…", false, 20, 1},
		{"but not among Cyrillic", "«Ваше» – 5", true, 10, 1},
		{"Windows line", "a\r\nb", false, 3, 1},
	} {
		m := SplitSMS(c.text)
		if m.Unicode != c.unicode || m.Units != c.units || len(m.Segments) != c.segments {
			t.Errorf("%s: %v, %d units, %d segments", c.name, m.Unicode, m.Units, len(m.Segments))
		}
	}
}

func TestGSM(t *testing.T) {
	all := strings.ReplaceAll(gsm, "\x1b", "") + "^{}\\[~]|€\f"
	if got := DecodeGSM(EncodeGSM(all)); got != all {
		t.Errorf("%q\n%q", got, all)
	}
	if got := DecodeUCS2(EncodeUCS2("Привіт 🙂")); got != "Привіт 🙂" {
		t.Errorf("%q", got)
	}
}

func TestStopWord(t *testing.T) {
	for _, s := range []string{"STOP", " стоп.", "Відписатися", "Отписка", "rezygnuję!"} {
		if stop, _ := StopWord(s); !stop {
			t.Errorf("%q is a wish to be left alone", s)
		}
	}
	for _, s := range []string{"stop the delivery please", "чому стоп?", ""} {
		if stop, start := StopWord(s); stop || start {
			t.Errorf("%q isn't", s)
		}
	}
	if _, start := StopWord("Start"); !start {
		t.Error("start")
	}
}

func FuzzSplitSMS(f *testing.F) {
	f.Add("Ваше замовлення №5 “готове” 🙂 €")
	f.Fuzz(func(t *testing.T, s string) {
		m := SplitSMS(s)
		most := 160
		if m.Unicode {
			most = 140
		}
		for _, part := range m.Segments {
			n := len(EncodeGSM(part))
			if m.Unicode {
				n = len(EncodeUCS2(part))
			}
			if n > most {
				t.Errorf("a segment of %d bytes", n)
			}
		}
		if utf8.ValidString(s) && m.Unicode && strings.Join(m.Segments, "") != strings.ReplaceAll(s, "\r\n", "\n") {
			t.Error("something was lost")
		}
		_ = DecodeGSM([]byte(s))
		_ = DecodeUCS2([]byte(s))
	})
}
