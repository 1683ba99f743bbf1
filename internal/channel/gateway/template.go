package gateway

import (
	"context"
	"regexp"
	"strings"

	"opeka/internal/care"
)

// apart is what stands between the texts: a blank line, or two strokes where a form has but one line.
var apart = regexp.MustCompile(`\n[ \t]*\n|\|\|`)

// approved are the texts that a provider has approved for the shop's name, as its administrator has copied them: providers have no list to ask for, and
// take a message for one of them by its words.
func (g *gateway) approved() (out []care.ApprovedTemplate) {
	if g.plug.channel != care.ChannelViberBusiness {
		return nil
	}
	for _, text := range apart.Split(strings.ReplaceAll(g.Approved, "\r\n", "\n"), -1) {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		t := care.ApprovedTemplate{Name: title(text), Body: text, Buttons: []care.TemplateButton{}, Places: []care.TemplatePlace{}}
		for _, name := range care.PlacesIn(text) {
			t.Places = append(t.Places, care.TemplatePlace{Part: care.PartBody, Name: name})
		}
		out = append(out, t)
	}
	return out
}

// title is how a text is called: its first words.
func title(text string) string {
	first, _, more := strings.Cut(text, "\n")
	r := []rune(first)
	if len(r) <= 60 && !more {
		return first
	}
	return strings.TrimSpace(string(r[:min(len(r), 60)])) + "…"
}

// Templates implements care.TemplateLister.
func (g *gateway) Templates(context.Context) ([]care.ApprovedTemplate, error) {
	return append([]care.ApprovedTemplate{}, g.approved()...), nil
}
