package fill_test

import (
	"errors"
	"testing"

	"opeka/internal/text/fill"
)

var f = fill.New("customer.first_name", "order.number", "field.*")

func TestFill(t *testing.T) {
	values := map[string]any{"customer": map[string]any{"first_name": "Олена"}, "order": map[string]any{"number": nil}, "field": map[string]any{"city": "Львів"}}
	for text, want := range map[string]string{
		"Без знаків":                                      "Без знаків",
		"Вітаю, {{ customer.first_name }}!":               "Вітаю, Олена!",
		"{{customer.first_name|upcase}}":                  "ОЛЕНА",
		"№ {{ order.number | default: '?' }}":             "№ ?",
		"{% if order.number %}є{% else %}нема{% endif %}": "нема",
		"До {{ field.city }}":                             "До Львів",
	} {
		if err := f.Check(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got, err := f.Render(text, values); err != nil || got != want {
			t.Errorf("%s: %q %v", text, got, err)
		}
	}
}

func TestWhatNobodyFillsInIsRefusedWithItsPlace(t *testing.T) {
	for text, at := range map[string][2]int{
		"Вітаю, {{ customer.password }}!":          {1, 11},
		"рядок\n{{ order.total }}":                 {2, 4},
		"{% for i in (1..9) %}{{ i }}{% endfor %}": {1, 1},
		"{% include 'x' %}":                        {1, 1},
		"{{ customer.first_name | nosuchfilter }}": {1, 1},
		"{% if customer.first_name %}незакрите":    {1, 1},
		"{% if order.secret == 'a' %}x{% endif %}": {1, 7},
	} {
		err := f.Check(text)
		var e *fill.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if [2]int{e.Line, e.Column} != at {
			t.Errorf("%s: at %d:%d, want %v (%s)", text, e.Line, e.Column, at, e.Reason)
		}
	}
}

func FuzzCheck(z *testing.F) {
	for _, s := range []string{"{{ customer.first_name }}", "{% if x %}", "{{", "{%%}", "{{ 'a' | append: order.number }}"} {
		z.Add(s)
	}
	z.Fuzz(func(t *testing.T, s string) {
		if f.Check(s) == nil {
			if _, err := f.Render(s, map[string]any{}); err != nil {
				t.Skip() // of a filter that wants a value
			}
		}
	})
}
