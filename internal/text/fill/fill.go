// Package fill puts values into short texts written in Liquid, which shop people know from their shops: what operators say,
// and what follows from it. A text may ask for a value and choose between words; it can't loop, include or name a value that nobody fills in.
package fill

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/osteele/liquid"
)

// Filler fills texts with a fixed set of names. It is safe for concurrent use.
type Filler struct {
	engine *liquid.Engine
	names  map[string]bool
	open   []string // prefixes below which every name is known
}

// New makes a filler for names such as "customer.first_name"; "field.*" stands for everything below field.
func New(names ...string) *Filler {
	f := &Filler{engine: liquid.NewEngine(), names: map[string]bool{}}
	for _, n := range names {
		if prefix, ok := strings.CutSuffix(n, "*"); ok {
			f.open = append(f.open, prefix)
		} else {
			f.names[n] = true
		}
	}
	return f
}

// Error says where a text is wrong.
type Error struct {
	Line, Column int
	Reason       string // for people, in English: Liquid's own
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Reason) }

var (
	reMark   = regexp.MustCompile(`\{\{.*?\}\}|\{%.*?%\}`)
	reTag    = regexp.MustCompile(`^\{%-?\s*(\w+)`)
	reString = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	reName   = regexp.MustCompile(`(?:\|\s*)?\b[a-zA-Z_][\w-]*(?:\.[a-zA-Z_][\w-]*)*:?`)
	tags     = []string{"if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase", "comment", "endcomment"}
	words    = []string{"and", "or", "contains", "true", "false", "nil", "null", "blank", "empty"}
)

// Check tells what is wrong with a text, as *Error.
func (f *Filler) Check(text string) error {
	for _, at := range reMark.FindAllStringIndex(text, -1) {
		mark := text[at[0]:at[1]]
		if m := reTag.FindStringSubmatch(mark); m != nil {
			if !slices.Contains(tags, m[1]) {
				return wrong(text, at[0], "{% "+m[1]+" %} can't be used here")
			}
			mark = strings.Replace(mark, m[1], strings.Repeat(" ", len(m[1])), 1)
		}
		quiet := reString.ReplaceAllStringFunc(mark, func(s string) string { return strings.Repeat(" ", len(s)) })
		for _, n := range reName.FindAllStringIndex(quiet, -1) {
			name := quiet[n[0]:n[1]]
			if strings.HasPrefix(name, "|") || strings.HasSuffix(name, ":") || slices.Contains(words, name) { // a filter, or a word of the language
				continue
			}
			if !f.knows(name) {
				return wrong(text, at[0]+n[0], "nobody fills in "+name)
			}
		}
	}
	if _, err := f.engine.ParseString(text); err != nil {
		return wrong(text, (err.LineNumber() - 1), err.Error())
	}
	if _, err := f.engine.ParseAndRenderString(text, map[string]any{}); err != nil { // an unknown filter shows only here
		return wrong(text, 0, err.Error())
	}
	return nil
}

func (f *Filler) knows(name string) bool {
	return f.names[name] || slices.ContainsFunc(f.open, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func wrong(text string, at int, reason string) *Error {
	at = min(max(at, 0), len(text))
	return &Error{Line: strings.Count(text[:at], "\n") + 1, Column: len([]rune(text[strings.LastIndexByte(text[:at], '\n')+1:at])) + 1, Reason: reason}
}

// maxFilled bounds what a text may grow to.
const maxFilled = 32 << 10

// Render fills a text that Check has passed. What has no value becomes nothing.
func (f *Filler) Render(text string, values map[string]any) (string, error) {
	if !strings.Contains(text, "{") {
		return text, nil
	}
	out, err := f.engine.ParseAndRenderString(text, values)
	if err != nil {
		return "", fmt.Errorf("fill: %w", err)
	}
	if len(out) > maxFilled {
		out = strings.ToValidUTF8(out[:maxFilled], "")
	}
	return out, nil
}
