package care_test

import (
	"slices"
	"testing"

	"opeka/internal/care"
)

func TestATemplateIsFilledPlaceByPlace(t *testing.T) {
	tpl := care.ApprovedTemplate{Name: "ready", Language: "uk", Header: "Замовлення {{1}}", Body: "Вітаємо, {{first_name}}! {{order}} чекає.", Footer: "Стежка",
		Buttons: []care.TemplateButton{{Text: "Стежити", URL: "https://shop.example/t/{{1}}"}, {Text: "Ні"}},
		Places:  []care.TemplatePlace{{Part: care.PartHeader, Name: "1"}, {Part: care.PartBody, Name: "first_name"}, {Part: care.PartBody, Name: "order"}, {Part: care.PartButton, Name: "1"}}}
	sent, text, err := tpl.Fill([]string{"5", " Олена\nК ", "{{1}}", "abc"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Замовлення 5\n\nВітаємо, Олена К! {{1}} чекає.\n\nСтежка\n\n[Стежити] https://shop.example/t/abc\n[Ні]"; text != want {
		t.Errorf("%q", text)
	}
	if sent.Header != "5" || sent.HeaderName != "" || !slices.Equal(sent.Params, []string{"Олена К", "{{1}}"}) || !slices.Equal(sent.Names, []string{"first_name", "order"}) ||
		!slices.Equal(sent.Links, []care.TemplateLink{{Button: 0, End: "abc"}}) {
		t.Errorf("%+v", sent)
	}
	for _, wrong := range [][]string{nil, {"5", "x", "y"}, {"5", " \t", "y", "z"}} {
		if _, _, err := tpl.Fill(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	tpl.Unfit = "media"
	if _, _, err := tpl.Fill([]string{"a", "b", "c", "d"}); err == nil {
		t.Error("what can't be sent is filled")
	}
	if got := care.PlacesIn("{{2}} and {{ 1 }}, {{2}}"); !slices.Equal(got, []string{"2", "1"}) {
		t.Errorf("%q", got)
	}
}
