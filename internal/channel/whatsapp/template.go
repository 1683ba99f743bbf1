package whatsapp

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"opeka/internal/care"
)

// templated is the message of an approved template.
func templated(t *care.ServiceTemplate) map[string]any {
	v := map[string]any{"name": t.Name, "language": map[string]string{"code": cmp.Or(t.Language, "en")}}
	text := func(value, name string) map[string]string {
		p := map[string]string{"type": "text", "text": value}
		if name != "" {
			p["parameter_name"] = name
		}
		return p
	}
	var components []map[string]any
	if t.Header != "" {
		components = append(components, map[string]any{"type": "header", "parameters": []any{text(t.Header, t.HeaderName)}})
	}
	if len(t.Params) > 0 {
		params := make([]any, len(t.Params))
		for i, p := range t.Params {
			name := ""
			if i < len(t.Names) {
				name = t.Names[i]
			}
			params[i] = text(p, name)
		}
		components = append(components, map[string]any{"type": "body", "parameters": params})
	}
	for _, l := range t.Links {
		components = append(components, map[string]any{"type": "button", "sub_type": "url", "index": strconv.Itoa(l.Button), "parameters": []any{text(l.End, "")}})
	}
	if components != nil {
		v["components"] = components
	}
	return map[string]any{"type": "template", "template": v}
}

const (
	templatesPage = 200
	templatesMost = 2000
)

// template is one as the Graph API has it.
type template struct {
	Name       string      `json:"name"`
	Language   string      `json:"language"`
	Status     string      `json:"status"`
	Category   string      `json:"category"`
	Components []component `json:"components"`
}

type component struct {
	Type    string          `json:"type"`
	Format  string          `json:"format"`
	Text    string          `json:"text"`
	Example json.RawMessage `json:"example"`
	Buttons []struct {
		Type    string   `json:"type"`
		Text    string   `json:"text"`
		URL     string   `json:"url"`
		Example []string `json:"example"`
	} `json:"buttons"`
}

// Templates implements care.TemplateLister. They belong to the business account, whose number the settings have to name.
func (n *number) Templates(ctx context.Context) ([]care.ApprovedTemplate, error) {
	if n.account == "" {
		return nil, care.Conflict("channel.no_account")
	}
	out := []care.ApprovedTemplate{}
	for after := ""; ; {
		var page struct {
			Data   []template `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		path := n.account + "/message_templates?status=APPROVED&fields=name,language,status,category,components&limit=" + strconv.Itoa(templatesPage)
		if after != "" {
			path += "&after=" + url.QueryEscape(after)
		}
		if err := n.get(ctx, path, &page); err != nil {
			return nil, err
		}
		for _, t := range page.Data {
			if t.Status == "APPROVED" && t.Name != "" {
				out = append(out, t.approved())
			}
		}
		if after = page.Paging.Cursors.After; page.Paging.Next == "" || after == "" || len(page.Data) == 0 || len(out) >= templatesMost {
			return out, nil
		}
	}
}

func (t *template) approved() care.ApprovedTemplate {
	a := care.ApprovedTemplate{Name: t.Name, Language: t.Language, Category: strings.ToLower(t.Category), Buttons: []care.TemplateButton{}, Places: []care.TemplatePlace{}}
	if a.Category == "authentication" { // its code is made by a program
		a.Unfit = "authentication"
	}
	for _, c := range t.Components {
		switch strings.ToUpper(c.Type) {
		case "HEADER":
			if !strings.EqualFold(c.Format, "TEXT") {
				a.Unfit = cmp.Or(a.Unfit, "media")
				continue
			}
			a.Header = c.Text
			a.Places = append(a.Places, c.places(care.PartHeader)...)
		case "BODY":
			a.Body = c.Text
			a.Places = append(a.Places, c.places(care.PartBody)...)
		case "FOOTER":
			a.Footer = c.Text
		case "BUTTONS":
			for i, b := range c.Buttons {
				a.Buttons = append(a.Buttons, care.TemplateButton{Text: b.Text, URL: b.URL})
				for _, name := range care.PlacesIn(b.URL) {
					a.Places = append(a.Places, care.TemplatePlace{Part: care.PartButton, Name: name, Button: i, Example: strings.Join(b.Example, " ")})
				}
				if kind := strings.ToUpper(b.Type); kind != "URL" && kind != "QUICK_REPLY" && kind != "PHONE_NUMBER" { // coupons, one-time codes, flows, shops want more
					a.Unfit = cmp.Or(a.Unfit, "other")
				}
			}
		default: // carousels, offers
			a.Unfit = cmp.Or(a.Unfit, "other")
		}
	}
	return a
}

// places are those in the component's text, with the examples that the template was approved with.
func (c *component) places(part string) (out []care.TemplatePlace) {
	var example struct {
		Header []string   `json:"header_text"`
		Body   [][]string `json:"body_text"`
		Named  []struct {
			Name    string `json:"param_name"`
			Example string `json:"example"`
		} `json:"body_text_named_params"`
		HeaderNamed []struct {
			Name    string `json:"param_name"`
			Example string `json:"example"`
		} `json:"header_text_named_params"`
	}
	_ = json.Unmarshal(c.Example, &example) // without one the place has none
	list := example.Header
	if part == care.PartBody && len(example.Body) > 0 {
		list = example.Body[0]
	}
	names := care.PlacesIn(c.Text)
	slices.SortStableFunc(names, func(a, b string) int { // the service reads numbered ones in the order of their numbers
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return cmp.Compare(x, y)
	})
	for i, name := range names {
		p := care.TemplatePlace{Part: part, Name: name}
		if i < len(list) {
			p.Example = list[i]
		}
		for _, e := range append(example.Named, example.HeaderNamed...) {
			if e.Name == name {
				p.Example = e.Example
			}
		}
		out = append(out, p)
	}
	return out
}
