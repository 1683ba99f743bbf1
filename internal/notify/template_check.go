package notify

import (
	"regexp"
	"strings"

	"opeka/internal/care"
)

// checkSource reads a template as its writer did and refuses what it shouldn't hold: variables that nobody fills in, tags that could read
// files or run without end, filters that don't exist. Every refusal names line and column.
func checkSource(source string) error {
	k := sourceCheck{source: source, own: map[string]string{}}
	for at := 0; at < len(source); {
		open := strings.Index(source[at:], "{")
		if open < 0 || at+open+1 >= len(source) {
			break
		}
		at += open
		var closing string
		switch source[at+1] {
		case '{':
			closing = "}}"
		case '%':
			closing = "%}"
		default:
			at++
			continue
		}
		end := strings.Index(source[at:], closing)
		if end < 0 {
			return k.wrong(at, "template_open", "text", closing)
		}
		inside := source[at+2 : at+end]
		var err error
		if closing == "}}" {
			err = k.expression(inside, at+2)
		} else {
			err = k.tag(inside, at+2)
		}
		if err != nil {
			return err
		}
		at += end + 2
	}
	return nil
}

type sourceCheck struct {
	source string
	own    map[string]string // names that the template makes itself, and the list they are taken from, if any
	nested int               // loops
	silent bool              // within a comment
}

func (k *sourceCheck) wrong(at int, code string, args ...any) error {
	line := strings.Count(k.source[:at], "\n") + 1
	column := len([]rune(k.source[strings.LastIndexByte(k.source[:at], '\n')+1:at])) + 1
	return care.Invalid("", code, append(args, "line", line, "column", column)...)
}

var (
	tagForm    = regexp.MustCompile(`^-?\s*([a-z_]+)`)
	quoted     = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	nameForm   = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*`)
	loopForm   = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s+in\s+([A-Za-z_][\w.]*)\s*(reversed|limit:\s*\d+|offset:\s*\d+|\s)*-?\s*$`)
	assignForm = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s*=`)
	reserved   = map[string]bool{"and": true, "or": true, "not": true, "contains": true, "true": true, "false": true, "nil": true, "null": true, "empty": true, "blank": true, "forloop": true}
)

const maxLoops = 2

func (k *sourceCheck) tag(inside string, at int) error {
	m := tagForm.FindStringSubmatchIndex(inside)
	if m == nil {
		return k.wrong(at, "template_tag", "tag", strings.TrimSpace(inside))
	}
	name, rest, start := inside[m[2]:m[3]], inside[m[3]:], at+m[3]
	if !oneOf(allowedTags, name) {
		return k.wrong(at+m[2], "template_tag", "tag", name)
	}
	switch name {
	case "comment":
		k.silent = true
	case "endcomment":
		k.silent = false
	}
	if k.silent {
		return nil
	}
	switch name {
	case "for":
		l := loopForm.FindStringSubmatchIndex(rest)
		if l == nil {
			return k.wrong(start, "template_loop")
		}
		if k.nested++; k.nested > maxLoops {
			return k.wrong(start, "template_loop")
		}
		list := rest[l[4]:l[5]]
		if err := k.name(list, start+l[4]); err != nil {
			return err
		}
		k.own[rest[l[2]:l[3]]] = list
	case "endfor":
		k.nested--
	case "assign":
		a := assignForm.FindStringSubmatchIndex(rest)
		if a == nil {
			return k.wrong(start, "template_tag", "tag", name)
		}
		k.own[rest[a[2]:a[3]]] = ""
		return k.expression(rest[a[1]:], start+a[1])
	case "capture":
		k.own[strings.TrimSpace(strings.Trim(rest, "- "))] = ""
	case "if", "elsif", "unless", "case", "when":
		return k.expression(rest, start)
	}
	return nil
}

// expression checks the names in an expression, and the filters behind it.
func (k *sourceCheck) expression(text string, at int) error {
	if k.silent {
		return nil
	}
	// Quoted text is blanked out, so that what is in it isn't taken for names; places stay.
	bare := quoted.ReplaceAllStringFunc(text, func(q string) string { return strings.Repeat(" ", len(q)) })
	if strings.Contains(bare, "..") {
		return k.wrong(at+strings.Index(bare, ".."), "template_loop")
	}
	offset := 0
	for i, piece := range strings.Split(bare, "|") {
		names := nameForm.FindAllStringIndex(piece, -1)
		if i > 0 {
			if len(names) == 0 || !oneOf(allowedFilters, piece[names[0][0]:names[0][1]]) {
				filter := strings.TrimSpace(piece)
				if len(names) > 0 {
					filter = piece[names[0][0]:names[0][1]]
				}
				return k.wrong(at+offset, "template_filter", "filter", filter)
			}
			names = names[1:]
		}
		for _, n := range names {
			if err := k.name(piece[n[0]:n[1]], at+offset+n[0]); err != nil {
				return err
			}
		}
		offset += len(piece) + 1
	}
	return nil
}

func (k *sourceCheck) name(name string, at int) error {
	head, tail, _ := strings.Cut(name, ".")
	if reserved[head] {
		return nil
	}
	if list, made := k.own[head]; made {
		if tail == "" || list == "" || variables[list+"[]."+tail] {
			return nil
		}
		return k.wrong(at, "template_variable", "variable", name)
	}
	if !variables[name] {
		return k.wrong(at, "template_variable", "variable", name)
	}
	return nil
}
