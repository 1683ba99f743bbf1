package know

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

// Script is a text with branches that an operator is led through.
type Script struct {
	ID      int64  `json:"id"`
	Store   int64  `json:"store_id"`
	Name    string `json:"name"`
	Purpose string `json:"purpose" doc:"The reason of a callback or call for which it opens by itself, such as order_confirmation; empty: only by hand"`
	Version int64  `json:"version"`
	Active  bool   `json:"active"`
	Body    Body   `json:"body"`
}

// Body is what of a script has versions.
type Body struct {
	Start string `json:"start" maxLength:"40" doc:"Key of the first step"`
	Steps []Step `json:"steps" minItems:"1" maxItems:"100"`
}

// Text is a text in the languages that the store speaks.
type Text map[string]string

// In returns the text in the language, or else in another one, in the order of the list.
func (t Text) In(language string, others ...string) string {
	for _, l := range append([]string{language}, others...) {
		if s := t[l]; s != "" {
			return s
		}
	}
	for _, l := range slices.Sorted(maps.Keys(t)) {
		if t[l] != "" {
			return t[l]
		}
	}
	return ""
}

// Step is one thing to say and to learn.
type Step struct {
	Key    string   `json:"key" minLength:"1" maxLength:"40"`
	Title  Text     `json:"title"`
	Say    Text     `json:"say" doc:"What the operator says; {{ customer.first_name }} and the like are filled in"`
	Hint   Text     `json:"hint,omitempty" doc:"For the operator's eyes only: how to say it, what to offer"`
	Fields []Field  `json:"fields,omitempty" maxItems:"12"`
	Answer []Choice `json:"answers,omitempty" maxItems:"12" doc:"None: the script ends here"`
	// Outcome, on a step without answers, is the disposition that the call is closed with.
	Outcome string   `json:"outcome,omitempty" maxLength:"40"`
	Effects []Effect `json:"effects,omitempty" maxItems:"8" doc:"On a step without answers: what its being reached leads to"`
}

// Choice is an answer that the customer may give: a button, and a branch.
type Choice struct {
	Key     string   `json:"key" minLength:"1" maxLength:"40"`
	Label   Text     `json:"label"`
	To      string   `json:"to" maxLength:"40" doc:"Key of the step that follows"`
	Effects []Effect `json:"effects,omitempty" maxItems:"8"`
}

// Field is something to write down.
type Field struct {
	Key      string   `json:"key" minLength:"1" maxLength:"40"`
	Label    Text     `json:"label"`
	Kind     string   `json:"kind" enum:"text,long,number,date,time,phone,choice,yes_no"`
	Required bool     `json:"required,omitempty"`
	Choices  []Option `json:"choices,omitempty" maxItems:"30"`
	// Target is where the value goes at once: customer.note, customer.birthday, customer.language, customer.preferred_channel,
	// order.note; empty: only into the record of the call.
	Target string `json:"target,omitempty" maxLength:"60"`
}

// Option is one value of a choice.
type Option struct {
	Value string `json:"value" minLength:"1" maxLength:"60"`
	Label Text   `json:"label"`
}

// Effect is what an answer leads to. Texts in it are filled like what is said, with field.<key> for what was written down.
type Effect struct {
	Kind    string `json:"kind" enum:"customer,order_note,order_status,order_cancel,callback,tag,task"`
	Field   string `json:"field,omitempty" maxLength:"60" doc:"customer: which: note, birthday, language, preferred_channel, do_not_call"`
	Value   string `json:"value,omitempty" maxLength:"2000" doc:"customer: the new value; order_status: the shop's own word; tag: its name; callback: its reason; task: what is to be done"`
	Text    string `json:"text,omitempty" maxLength:"2000" doc:"order_note, order_cancel (why)"`
	Minutes int64  `json:"minutes,omitempty" minimum:"0" maximum:"525600" doc:"callback: after how long; task: until when, a day from then if 0"`
	At      string `json:"at,omitempty" maxLength:"60" doc:"callback: key of a field with the time at which to ring; before minutes"`
	// Department is who has a task; 0: anybody.
	Department int64 `json:"department_id,omitempty" minimum:"0"`
}

var (
	fieldKinds  = []string{"text", "long", "number", "date", "time", "phone", "choice", "yes_no"}
	effectKinds = []string{"customer", "order_note", "order_status", "order_cancel", "callback", "tag", "task"}
	targets     = []string{"", "customer.note", "customer.birthday", "customer.language", "customer.preferred_channel", "order.note"}
	customers   = []string{"note", "birthday", "language", "preferred_channel", "do_not_call"}
	keyForm     = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// check tells everything that is wrong with a body, each with its place. What is to be said is checked by fill.
func (b *Body) check(fill Fill) error {
	var wrong []care.Error
	at := func(place, code string, args ...any) {
		if len(wrong) < 20 {
			wrong = append(wrong, *care.Invalid(place, code, args...))
		}
	}
	keys := map[string]bool{}
	for n, s := range b.Steps {
		place := fmt.Sprintf("body.steps.%d", n)
		switch {
		case !keyForm.MatchString(s.Key):
			at(place+".key", "script.key")
		case keys[s.Key]:
			at(place+".key", "script.key_twice", "key", s.Key)
		}
		keys[s.Key] = true
	}
	if !keys[b.Start] {
		at("body.start", "script.no_step", "key", b.Start)
	}
	for n := range b.Steps {
		b.Steps[n].check(fmt.Sprintf("body.steps.%d", n), keys, fill, at)
	}
	if len(wrong) == 0 {
		for _, key := range b.unreachable() {
			n := slices.IndexFunc(b.Steps, func(s Step) bool { return s.Key == key })
			at(fmt.Sprintf("body.steps.%d", n), "script.unreachable", "key", key)
		}
		if b.endless() {
			at("body.steps", "script.endless")
		}
	}
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return &wrong[0]
	}
	return &care.Error{Code: "invalid", Kind: care.KindInvalid, Fields: wrong}
}

func (s *Step) check(place string, steps map[string]bool, fill Fill, at func(string, string, ...any)) {
	texts := func(place string, t Text, required bool) {
		if required && t.In("") == "" {
			at(place, "required")
		}
		for l, text := range t {
			if len(text) > 4000 {
				at(place+"."+l, "too_long", "max", 4000)
			} else if err := fill.Check(text); err != nil {
				at(place+"."+l, "script.text", "reason", err.Error())
			}
		}
	}
	texts(place+".say", s.Say, true)
	texts(place+".title", s.Title, true)
	texts(place+".hint", s.Hint, false)
	fields := map[string]bool{}
	for n, f := range s.Fields {
		p := fmt.Sprintf("%s.fields.%d", place, n)
		if !keyForm.MatchString(f.Key) || fields[f.Key] {
			at(p+".key", "script.key")
		}
		fields[f.Key] = true
		texts(p+".label", f.Label, true)
		if !slices.Contains(fieldKinds, f.Kind) {
			at(p+".kind", "not_one_of", "values", strings.Join(fieldKinds, ", "))
		}
		if f.Kind == "choice" && len(f.Choices) == 0 {
			at(p+".choices", "required")
		}
		if !slices.Contains(targets, f.Target) {
			at(p+".target", "not_one_of", "values", strings.Join(targets[1:], ", "))
		}
	}
	answers := map[string]bool{}
	for n, c := range s.Answer {
		p := fmt.Sprintf("%s.answers.%d", place, n)
		if !keyForm.MatchString(c.Key) || answers[c.Key] {
			at(p+".key", "script.key")
		}
		answers[c.Key] = true
		texts(p+".label", c.Label, true)
		if !steps[c.To] {
			at(p+".to", "script.no_step", "key", c.To)
		}
		checkEffects(p, c.Effects, fill, at)
	}
	checkEffects(place, s.Effects, fill, at)
	if len(s.Answer) == 0 && s.Outcome == "" {
		at(place+".outcome", "required")
	}
	if len(s.Answer) > 0 && (s.Outcome != "" || len(s.Effects) > 0) {
		at(place+".outcome", "script.outcome_midway")
	}
}

func checkEffects(place string, effects []Effect, fill Fill, at func(string, string, ...any)) {
	for n, e := range effects {
		p := fmt.Sprintf("%s.effects.%d", place, n)
		if !slices.Contains(effectKinds, e.Kind) {
			at(p+".kind", "not_one_of", "values", strings.Join(effectKinds, ", "))
			continue
		}
		for name, text := range map[string]string{"value": e.Value, "text": e.Text} {
			if err := fill.Check(text); err != nil {
				at(p+"."+name, "script.text", "reason", err.Error())
			}
		}
		switch e.Kind {
		case "customer":
			if !slices.Contains(customers, e.Field) {
				at(p+".field", "not_one_of", "values", strings.Join(customers, ", "))
			}
		case "order_status", "tag", "callback", "task":
			if strings.TrimSpace(e.Value) == "" {
				at(p+".value", "required")
			}
		case "order_note":
			if strings.TrimSpace(e.Text) == "" {
				at(p+".text", "required")
			}
		}
	}
}

func (b *Body) step(key string) *Step {
	n := slices.IndexFunc(b.Steps, func(s Step) bool { return s.Key == key })
	if n < 0 {
		return nil
	}
	return &b.Steps[n]
}

// unreachable lists the steps to which no branch leads.
func (b *Body) unreachable() []string {
	seen := map[string]bool{b.Start: true}
	for todo := []string{b.Start}; len(todo) > 0; todo = todo[1:] {
		for _, c := range b.step(todo[0]).Answer {
			if !seen[c.To] {
				seen[c.To] = true
				todo = append(todo, c.To)
			}
		}
	}
	var out []string
	for _, s := range b.Steps {
		if !seen[s.Key] {
			out = append(out, s.Key)
		}
	}
	return out
}

// endless tells whether some step can't reach an end.
func (b *Body) endless() bool {
	ends := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for _, s := range b.Steps {
			if !ends[s.Key] && (len(s.Answer) == 0 || slices.ContainsFunc(s.Answer, func(c Choice) bool { return ends[c.To] })) {
				ends[s.Key], changed = true, true
			}
		}
	}
	return len(ends) < len(b.Steps)
}

// Progress is where somebody stands in a script and what he has written down: all of it is data, so that a screen can be left and come back to.
type Progress struct {
	Step    string            `json:"step"`
	Values  map[string]string `json:"values"`
	Outcome string            `json:"outcome"` // set at an end
}

// Given is an answer as the operator enters it.
type Given struct {
	Answer string            `json:"answer" minLength:"1" maxLength:"40" doc:"Key of the answer"`
	Values map[string]string `json:"values,omitempty" doc:"Of the step's fields, by key: dates as YYYY-MM-DD, times as YYYY-MM-DDTHH:MM in the store's zone, yes_no as yes or no"`
}

// begin is where a script starts.
func (b *Body) begin() Progress { return b.reach(Progress{Step: b.Start, Values: map[string]string{}}) }

func (b *Body) reach(p Progress) Progress {
	if s := b.step(p.Step); s != nil && len(s.Answer) == 0 {
		p.Outcome = s.Outcome
	}
	return p
}

// next takes an answer: it returns where that leads and the effects to be had, those of fields with a target first. It is pure: the
// preview and the call walk the same way.
func (b *Body) next(p Progress, g Given) (Progress, []Effect, error) {
	s := b.step(p.Step)
	if s == nil || len(s.Answer) == 0 {
		return p, nil, care.Conflict("script.ended")
	}
	n := slices.IndexFunc(s.Answer, func(c Choice) bool { return c.Key == g.Answer })
	if n < 0 {
		return p, nil, care.Invalid("answer", "value_invalid")
	}
	out := Progress{Step: s.Answer[n].To, Values: maps.Clone(p.Values)}
	var effects []Effect
	for _, f := range s.Fields {
		v := strings.TrimSpace(g.Values[f.Key])
		if err := f.accept(v); err != nil {
			return p, nil, err
		}
		if v == "" {
			continue
		}
		out.Values[f.Key] = v
		if e, ok := f.effect(); ok {
			effects = append(effects, e)
		}
	}
	for key := range g.Values {
		if !slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Key == key }) {
			return p, nil, care.Invalid("values."+key, "setting_unknown")
		}
	}
	effects = append(effects, s.Answer[n].Effects...)
	out = b.reach(out)
	if end := b.step(out.Step); out.Outcome != "" {
		effects = append(effects, end.Effects...)
	}
	return out, effects, nil
}

// effect is that of a field whose value belongs somewhere.
func (f *Field) effect() (Effect, bool) {
	value := "{{ field." + f.Key + " }}"
	room, what, _ := strings.Cut(f.Target, ".")
	switch {
	case f.Target == "order.note":
		return Effect{Kind: "order_note", Text: value}, true
	case room == "customer":
		return Effect{Kind: "customer", Field: what, Value: value}, true
	}
	return Effect{}, false
}

// accept checks a value of the field.
func (f *Field) accept(v string) error {
	at := "values." + f.Key
	if v == "" {
		if f.Required {
			return care.Invalid(at, "required")
		}
		return nil
	}
	if len(v) > 2000 {
		return care.Invalid(at, "too_long", "max", 2000)
	}
	var err error
	switch f.Kind {
	case "number":
		_, err = strconv.ParseFloat(strings.ReplaceAll(v, ",", "."), 64)
	case "date":
		_, err = time.Parse(time.DateOnly, v)
	case "time":
		_, err = time.Parse("2006-01-02T15:04", v)
	case "yes_no":
		if v != "yes" && v != "no" {
			err = strconv.ErrSyntax
		}
	case "choice":
		if !slices.ContainsFunc(f.Choices, func(o Option) bool { return o.Value == v }) {
			err = strconv.ErrSyntax
		}
	}
	if err != nil {
		return care.Invalid(at, "value_invalid")
	}
	return nil
}
