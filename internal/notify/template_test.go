package notify

import (
	"errors"
	"strings"
	"testing"

	"opeka/internal/care"
)

// Every moment has words in every language, on paper and in short, and they can be put together.
func TestEveryMomentHasWords(t *testing.T) {
	for _, lang := range languages {
		for _, key := range Moments() {
			tm, ok := shipped[lang][key]
			if !ok {
				t.Errorf("%s has no words for %s", lang, key)
				continue
			}
			if err := tm.Check(lang); err != nil {
				t.Errorf("%s %s: %v", lang, key, err)
				continue
			}
			for _, empty := range []bool{false, true} {
				v := Sample(lang)
				if empty {
					v.Facts = Facts{Order: OrderFacts{Number: "10482", Money: care.Money{Currency: "UAH"}}}
				}
				letter, err := tm.Render(care.ChannelEmail, lang, v)
				if err != nil || letter.Subject == "" || strings.Contains(letter.Text, "{") || strings.Contains(letter.Text, "\n\n\n") || strings.Contains(letter.Text, "  ") {
					t.Errorf("%s %s: %v\n%s", lang, key, err, letter.Text)
				}
				short, err := tm.Render(care.ChannelSMS, lang, v)
				if err != nil || short.Text == "" || !strings.Contains(short.Text, v.Store.Name) || strings.Contains(short.Text, " .") || strings.Contains(short.Text, "..") {
					t.Errorf("%s %s: %v %q", lang, key, err, short.Text)
				}
				if most := 4; short.Segments.Parts > most {
					t.Errorf("%s %s takes %d segments: %s", lang, key, short.Segments.Parts, short.Text)
				}
				if empty && key != "reservation_failed" && short.Segments.Parts > 2 {
					t.Errorf("%s %s takes %d segments when there is least to say: %s", lang, key, short.Segments.Parts, short.Text)
				}
			}
		}
		for key := range shipped[lang] {
			if momentOf(key) == nil {
				t.Errorf("%s has words for %s, which is no moment", lang, key)
			}
		}
	}
}

func TestThePickupNoticeSaysAllThatIsNeeded(t *testing.T) {
	for _, lang := range languages {
		v := Sample(lang)
		for _, channel := range []string{care.ChannelEmail, care.ChannelSMS} {
			r, err := Shipped("at_pickup_point", lang).Render(channel, lang, v)
			if err != nil {
				t.Fatal(err)
			}
			p := v.Facts.Shipment.Point
			for _, want := range []string{p.Address, p.Route, p.Hours, p.Phone, sayDate(v.Facts.Shipment.KeptUntil, lang)} {
				if !strings.Contains(r.Text, want) {
					t.Errorf("%s %s lacks %q:\n%s", lang, channel, want, r.Text)
				}
			}
		}
	}
}

func TestMistakesInTemplatesHavePlaces(t *testing.T) {
	for _, c := range []struct {
		body, code   string
		line, column int
	}{
		{"Hello {{ order.nummer }}", "template_variable", 1, 10},
		{"Привіт,\n{% if point.phone %}{{ point.fax }}{% endif %}", "template_variable", 2, 24},
		{"{{ order.number | shout }}", "template_filter", 1, 18},
		{"{% include 'secret' %}", "template_tag", 1, 4},
		{"{% for i in (1..1000000000) %}x{% endfor %}", "template_loop", 1, 7},
		{"{% for l in order.lines %}{{ l.weight }}{% endfor %}", "template_variable", 1, 30},
		{"{{ order.number", "template_open", 1, 1},
		{"{% if order.total %}no end", "template_invalid", 1, 1},
	} {
		err := Template{Subject: "s", Body: c.body, Short: "s"}.Check("uk")
		var e *care.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != "body" || e.Args["line"] != c.line || e.Args["column"] != c.column {
			t.Errorf("%q: %v", c.body, err)
		}
	}
	fine := Template{Subject: "{{ order.number }}", Short: "x", Body: `{% comment %}{{ anything }}{% endcomment %}{% for l in order.lines %}{{ l.name | upcase }} "{{ l.total }}"{% endfor %}{% assign n = order.items %}{{ n | plural: "a", "b", "c" }}`}
	if err := fine.Check("uk"); err != nil {
		t.Error(err)
	}
}

func TestCountingIsRightInEveryLanguage(t *testing.T) {
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{{"uk", 1, "a"}, {"uk", 3, "b"}, {"uk", 5, "c"}, {"uk", 11, "c"}, {"uk", 21, "a"}, {"ru", 22, "b"}, {"ru", 12, "c"}, {"pl", 22, "b"}, {"pl", 21, "c"}, {"pl", 1, "a"}, {"en", 1, "a"}, {"en", 5, "b"}} {
		got, err := render(c.lang, `{{ order.items | plural: "a", "b", "c" }}`, map[string]any{"order": map[string]any{"items": c.n}})
		if err != nil || got != c.want {
			t.Errorf("%s %d: %q %v", c.lang, c.n, got, err)
		}
	}
}

// Whatever a shop or customer typed stays text in a letter.
func TestLettersEscapeWhatTheyAreFilledWith(t *testing.T) {
	v := Sample("en")
	v.Facts.Order.Lines[0].Name = `<img src=x onerror=alert(1)> [click](javascript:alert(1))`
	v.Facts.Customer.FirstName = `{{ store.name }}<b>`
	v.Facts.Shipment.TrackingURL = "javascript:alert(1)"
	v.Store.Color = `red;"><script>`
	for _, key := range []string{"accepted", "handed_over"} {
		r, err := Shipped(key, "en").Render(care.ChannelEmail, "en", v)
		if err != nil || strings.Contains(r.HTML, "<img") || strings.Contains(r.HTML, "<script") || strings.Contains(r.HTML, `href="javascript`) || strings.Contains(r.HTML, "<b>") {
			t.Errorf("%s: %v\n%s", key, err, r.HTML)
		}
	}
}

func TestSegments(t *testing.T) {
	for text, want := range map[string]Segments{
		"":                                     {},
		strings.Repeat("a", 160):               {160, 1, false},
		strings.Repeat("a", 161):               {161, 2, false},
		strings.Repeat("ж", 70):                {70, 1, true},
		strings.Repeat("ж", 71):                {71, 2, true},
		strings.Repeat("a", 159) + "€":         {160, 2, false},
		strings.Repeat("ж", 68) + "\U0001F600": {69, 1, true},
	} {
		if got := CountSegments(text); got != want {
			t.Errorf("%d characters: %+v, want %+v", len([]rune(text)), got, want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, lang := range languages {
		for _, t := range shipped[lang] {
			f.Add(t.Body)
		}
	}
	f.Add("{% for a in order.lines %}{% for b in order.lines %}{{ a.name }}{% endfor %}{% endfor %}")
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 5000 {
			return
		}
		// Refused or rendered, but never a panic, and never without end.
		_ = Template{Subject: "s", Body: body, Short: "s"}.Check("en")
	})
}
