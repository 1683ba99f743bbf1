package messages

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var param = regexp.MustCompile(`\{\w*\}`)

func params(e entry) []string {
	texts := slices.Collect(maps.Values(e.forms))
	if e.forms == nil {
		texts = []string{e.text}
	}
	found := map[string]bool{}
	for _, s := range texts {
		for _, p := range param.FindAllString(s, -1) {
			found[p] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Every language says everything, with the same parameters and all the plural forms that it has.
func TestLanguagesAgree(t *testing.T) {
	for _, key := range twice {
		t.Errorf("stands in another file too: %s", key)
	}
	forms := map[string][]string{"en": {"one", "other"}, "uk": {"few", "many", "one", "other"}, "ru": {"few", "many", "one", "other"}, "pl": {"few", "many", "one", "other"}}
	for _, lang := range Languages {
		for key, want := range catalogue["en"] {
			got, ok := catalogue[lang][key]
			if !ok {
				t.Errorf("%s lacks %q", lang, key)
				continue
			}
			if (got.forms == nil) != (want.forms == nil) {
				t.Errorf("%s: %q has plural forms in one language only", lang, key)
				continue
			}
			if !slices.Equal(params(got), params(want)) {
				t.Errorf("%s: %q has parameters %v, English %v", lang, key, params(got), params(want))
			}
			if got.forms != nil {
				if have := slices.Sorted(maps.Keys(got.forms)); !slices.Equal(have, forms[lang]) {
					t.Errorf("%s: %q has the forms %v, needs %v", lang, key, have, forms[lang])
				}
				continue
			}
			if strings.TrimSpace(got.text) == "" {
				t.Errorf("%s: %q is empty", lang, key)
			}
		}
		for key := range catalogue[lang] {
			if _, ok := catalogue["en"][key]; !ok {
				t.Errorf("%s has %q, English doesn't", lang, key)
			}
		}
	}
}

func TestPluralsAndParameters(t *testing.T) {
	for _, c := range []struct {
		lang string
		n    any
		want string
	}{
		{"en", 1, "one"}, {"en", 0, "other"}, {"uk", 1, "one"}, {"uk", 3, "few"}, {"uk", 11, "many"}, {"uk", 22, "few"}, {"uk", int64(25), "many"},
		{"ru", 21, "one"}, {"ru", 5.0, "many"}, {"pl", 1, "one"}, {"pl", 21, "many"}, {"pl", 22, "few"},
	} {
		if got := form(c.lang, number(c.n)); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.lang, c.n, got, c.want)
		}
	}
	for text, want := range map[string]string{"a {x} b": "a 1 b", "{y}{x}": "{y}1", "open {x": "open {x", "no": "no"} {
		if got := fill(text, map[string]any{"x": 1}); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := T("uk", "no.such.key", nil); got != "no.such.key" {
		t.Error(got)
	}
}

func TestMatch(t *testing.T) {
	for header, want := range map[string]string{"uk-UA,uk;q=0.9,en;q=0.5": "uk", "de, pl;q=0.3": "pl", "fr": "", "": "", "ру;;": ""} {
		if got := Match(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}
