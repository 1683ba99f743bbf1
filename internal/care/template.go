package care

import (
	"context"
	"regexp"
	"strings"
)

// ServiceTemplate is a message approved by the service beforehand, as it is sent: with what stands in its places.
type ServiceTemplate struct {
	Name     string   `json:"name"`
	Language string   `json:"language"`
	Params   []string `json:"params"`          // of the body, in their order
	Names    []string `json:"names,omitempty"` // of these places, where the service calls them by names
	// Header is what stands in the header's place, HeaderName the name of that place.
	Header     string         `json:"header,omitempty"`
	HeaderName string         `json:"header_name,omitempty"`
	Links      []TemplateLink `json:"links,omitempty"`
}

// TemplateLink is the end of a button's address.
type TemplateLink struct {
	Button int    `json:"button"`
	End    string `json:"end"`
}

// ApprovedTemplate is such a message as the service has it.
type ApprovedTemplate struct {
	Name     string           `json:"name"`
	Language string           `json:"language"`
	Category string           `json:"category" doc:"The service's: utility, marketing, authentication"`
	Header   string           `json:"header"`
	Body     string           `json:"body" doc:"Its places are {{1}} or {{name}}"`
	Footer   string           `json:"footer"`
	Buttons  []TemplateButton `json:"buttons"`
	Places   []TemplatePlace  `json:"places" doc:"What has to be filled, in the order of the values"`
	// Unfit tells why it can't be sent from here; empty: it can.
	Unfit string `json:"unfit" enum:",media,authentication,other"`
}

// TemplateButton is a button below the message.
type TemplateButton struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// Parts of a template that have places.
const (
	PartHeader = "header"
	PartBody   = "body"
	PartButton = "button"
)

// TemplatePlace is a place to be filled.
type TemplatePlace struct {
	Part    string `json:"part" enum:"header,body,button"`
	Name    string `json:"name" doc:"A number, or the name that the template's author gave it"`
	Button  int    `json:"button"`
	Example string `json:"example"`
}

// TemplateLister is a channel whose service approves messages beforehand.
type TemplateLister interface {
	// Templates lists those that are approved at this moment.
	Templates(ctx context.Context) ([]ApprovedTemplate, error)
}

var templatePlace = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)

// PlacesIn lists the names of the places in a text, each once, in their order.
func PlacesIn(s string) (names []string) {
	seen := map[string]bool{}
	for _, m := range templatePlace.FindAllStringSubmatch(s, -1) {
		if !seen[m[1]] {
			seen[m[1]], names = true, append(names, m[1])
		}
	}
	return names
}

func putIn(s string, values map[string]string) string {
	return templatePlace.ReplaceAllStringFunc(s, func(place string) string {
		if v, ok := values[templatePlace.FindStringSubmatch(place)[1]]; ok {
			return v
		}
		return place
	})
}

// Fill gives the template with a value in each of its places, and the text as the customer reads it. A place is one line: services refuse others.
func (t ApprovedTemplate) Fill(values []string) (ServiceTemplate, string, error) {
	if t.Unfit != "" {
		return ServiceTemplate{}, "", Invalid("template", "template_unfit", "template", t.Name)
	}
	if len(values) != len(t.Places) {
		return ServiceTemplate{}, "", Invalid("template.values", "template_values", "want", len(t.Places))
	}
	out := ServiceTemplate{Name: t.Name, Language: t.Language, Params: []string{}}
	header, body := map[string]string{}, map[string]string{}
	buttons := append([]TemplateButton(nil), t.Buttons...)
	for i, p := range t.Places {
		v := strings.Join(strings.Fields(values[i]), " ")
		if v == "" {
			return ServiceTemplate{}, "", Invalid("template.values", "required")
		}
		switch p.Part {
		case PartHeader:
			out.Header, header[p.Name] = v, v
			if named(p.Name) {
				out.HeaderName = p.Name
			}
		case PartButton:
			out.Links = append(out.Links, TemplateLink{p.Button, v})
			if p.Button < len(buttons) {
				buttons[p.Button].URL = putIn(buttons[p.Button].URL, map[string]string{p.Name: v})
			}
		default:
			out.Params, body[p.Name] = append(out.Params, v), v
			if named(p.Name) {
				out.Names = append(out.Names, p.Name)
			}
		}
	}
	lines := []string{putIn(t.Header, header), putIn(t.Body, body), t.Footer}
	var below []string
	for _, b := range buttons {
		below = append(below, strings.TrimSpace("["+b.Text+"] "+b.URL))
	}
	lines = append(lines, strings.Join(below, "\n"))
	kept := lines[:0]
	for _, l := range lines {
		if l != "" {
			kept = append(kept, l)
		}
	}
	return out, strings.Join(kept, "\n\n"), nil
}

// named tells a place's name from its number.
func named(place string) bool { return strings.Trim(place, "0123456789") != "" }
