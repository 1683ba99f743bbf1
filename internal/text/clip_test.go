package text

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPreview(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 10, ""}, {"abc", 0, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"abcd", 1, "…"},
		{"  Добрий\r\n\r\nдень,\t друже  ", 40, "Добрий день, друже"},
		{"Добрий день, друже", 14, "Добрий день,…"},
		{"Де моя посилка, будь ласка?", 12, "Де моя поси…"},
		{"Де посилка моя, будь ласка?", 13, "Де посилка…"},
		{"Rindfleischetikettierung ist da", 10, "Rindfleis…"},
		{"a Rindfleischetikettierung", 10, "a Rindfle…"},
		{"👨‍👩‍👧‍👦👍🏽🇺🇦🇵🇱!", 5, "👨‍👩‍👧‍👦👍🏽🇺🇦🇵🇱!"},
		{"👨‍👩‍👧‍👦👍🏽🇺🇦🇵🇱!", 4, "👨‍👩‍👧‍👦👍🏽🇺🇦…"},
		{"е\u0301е\u0301е\u0301", 2, "е\u0301…"},
		{"a\xffb", 9, "a\ufffdb"},
		{"one two   ", 7, "one two"},
		{"❤️❤️", 1, "…"},
	} {
		if got := Preview(c.in, c.n); got != c.want {
			t.Errorf("Preview(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestValidText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		limit int
		want  error
	}{
		{"", 0, nil}, {"їжак", 4, nil}, {"їжак!", 4, ErrTooLong}, {"a\x00", 9, ErrNUL}, {"\xff", 9, ErrNotUTF8}, {"\xed\xa0\x80", 9, ErrNotUTF8},
	} {
		if got := ValidText(c.in, c.limit); !errors.Is(got, c.want) {
			t.Errorf("ValidText(%q, %d) = %v", c.in, c.limit, got)
		}
		if c.want != ErrTooLong && ValidText(Repair(c.in), 99) != nil {
			t.Errorf("Repair(%q) = %q", c.in, Repair(c.in))
		}
	}
}

func FuzzPreview(f *testing.F) {
	f.Add("👨‍👩‍👧‍👦 Де моя посилка?", 7)
	f.Add("a"+strings.Repeat("\u0301", 100), 3)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n %= 1000
		got := Preview(s, n)
		if !utf8.ValidString(got) || len(got) > max(0, n)*maxClusterRunes*utf8.UTFMax || strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("Preview(%q, %d) = %q", s, n, got)
		}
	})
}

func BenchmarkPreview(b *testing.B) {
	s := strings.Repeat("Доброго дня! Підкажіть, будь ласка, коли буде відправлено моє замовлення? ", 3)
	for b.Loop() {
		Preview(s, 140)
	}
}
