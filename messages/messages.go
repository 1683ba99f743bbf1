// Package messages is the one catalogue of words for console, widget, portal, letters and API errors: a
// folder per language, a file per area, flat keys. A value is a text with {name} parameters, or an object with
// the CLDR plural forms of its language, chosen by the parameter n. It knows no screens and keeps no state.
package messages

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed en/*.json uk/*.json ru/*.json pl/*.json
var files embed.FS

// Languages are those of the catalogue; the first one stands in for a key that another lacks.
var Languages = []string{"en", "uk", "ru", "pl"}

// entry is a text or its plural forms.
type entry struct {
	text  string
	forms map[string]string
}

func (e *entry) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, &e.forms)
	}
	return json.Unmarshal(b, &e.text)
}

var catalogue, twice = load()

// load reads the embedded files and tells which keys stand in two of a language, which a test refuses: the last one
// holds. A file that can't be read is a mistake of the build, so it panics.
func load() (out map[string]map[string]entry, twice []string) {
	out = map[string]map[string]entry{}
	for _, lang := range Languages {
		out[lang] = map[string]entry{}
		dir, err := files.ReadDir(lang)
		if err != nil {
			panic(err)
		}
		for _, f := range dir {
			b, err := files.ReadFile(path.Join(lang, f.Name()))
			if err != nil {
				panic(err)
			}
			var area map[string]entry
			if err := json.Unmarshal(b, &area); err != nil {
				panic(fmt.Errorf("messages/%s/%s: %w", lang, f.Name(), err))
			}
			for key, e := range area {
				if _, known := out[lang][key]; known {
					twice = append(twice, lang+"/"+f.Name()+": "+key)
				}
				out[lang][key] = e
			}
		}
	}
	return out, twice
}

// T returns the text of a key in a language, with its parameters filled in. English stands in for a missing
// text, the key itself for one that nobody has written.
func T(lang, key string, args map[string]any) string {
	if s, ok := Find(lang, key, args); ok {
		return s
	}
	return key
}

// Find is T for a key that may be missing.
func Find(lang, key string, args map[string]any) (string, bool) {
	for _, l := range []string{lang, Languages[0]} {
		if e, ok := catalogue[l][key]; ok {
			return fill(e.choose(l, args), args), true
		}
	}
	return "", false
}

func (e entry) choose(lang string, args map[string]any) string {
	if e.forms == nil {
		return e.text
	}
	if s, ok := e.forms[form(lang, number(args["n"]))]; ok {
		return s
	}
	return e.forms["other"]
}

var formNames = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}

// form is the CLDR plural category of a whole number.
func form(lang string, n int64) string {
	if n < 0 {
		n = -n
	}
	return formNames[plural.Cardinal.MatchPlural(tags[lang], int(n%1_000_000_000), 0, 0, 0, 0)]
}

var tags = map[string]language.Tag{"en": language.English, "uk": language.Ukrainian, "ru": language.Russian, "pl": language.Polish}

func number(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}

// fill replaces {name}; a parameter that isn't given stays visible, so that it is noticed.
func fill(text string, args map[string]any) string {
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		v, known := args[name]
		switch {
		case !closed:
			b.WriteString("{" + rest)
			return b.String()
		case known:
			fmt.Fprint(&b, v)
		default:
			b.WriteString("{" + name + "}")
		}
		text = after
	}
}

// Match returns the language of the catalogue that an Accept-Language header asks for first, or "".
func Match(header string) string {
	asked, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return ""
	}
	for _, tag := range asked {
		base, _ := tag.Base()
		if _, ok := catalogue[base.String()]; ok {
			return base.String()
		}
	}
	return ""
}
