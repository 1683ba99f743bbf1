package text

import (
	"regexp"
	"strconv"
	"strings"
)

// Marks are the few signs with which a person who types plain text says how it is to look: **bold**, [words](https://address), ![name](#5) for the
// enclosed picture 5, and lines that begin with "- " or "1. " for lists.
var (
	markInline = regexp.MustCompile(`\*\*([^*\n]{1,500}?[^*\s])\*\*|!\[([^\]\n]{0,200})\]\(#(\d{1,18})\)|\[([^\]\n]{1,300})\]\((https?://[^\s()<>"']{1,1000}|mailto:[^\s()<>"']{1,300})\)|\bhttps?://[^\s<>"']*[^\s<>"'.,;:!?)\]}»*]`)
	markItem   = regexp.MustCompile(`^\s{0,3}(?:[-*•]|(\d{1,3})[.)])\s+(\S.*)$`)
)

// MarksToHTML is the text with its marks as HTML; marked tells whether it has any. picture gives the source of an enclosed picture, "" when there is none
// with that id: its mark then stays as it was typed.
func MarksToHTML(s string, picture func(id int64) string) (out string, marked bool) {
	var b strings.Builder
	list := "" // the tag of the list that is open
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for n, line := range lines {
		m := markItem.FindStringSubmatch(line)
		tag := ""
		if m != nil && (m[1] == "" && listed(lines, n) || m[1] != "" && (list == "ol" || m[1] == "1")) {
			tag = "ul"
			if m[1] != "" {
				tag = "ol"
			}
		}
		if tag != list {
			if list != "" {
				b.WriteString("</" + list + ">\n")
			}
			if tag != "" {
				b.WriteString("<" + tag + ">\n")
			}
			list = tag
		}
		if tag != "" {
			marked = true
			line = m[2]
		}
		html, any := inlineMarks(line, picture)
		marked = marked || any
		switch {
		case tag != "":
			b.WriteString("<li>" + html + "</li>\n")
		case html == "":
			b.WriteString("<br>\n")
		default:
			b.WriteString("<div>" + html + "</div>\n")
		}
	}
	if list != "" {
		b.WriteString("</" + list + ">\n")
	}
	return strings.TrimSpace(b.String()), marked
}

// listed tells whether a line with a dash stands beside another such line: a dash alone may open a phrase.
func listed(lines []string, n int) bool {
	dash := func(k int) bool {
		if k < 0 || k >= len(lines) {
			return false
		}
		m := markItem.FindStringSubmatch(lines[k])
		return m != nil && m[1] == ""
	}
	return dash(n-1) || dash(n+1)
}

func inlineMarks(s string, picture func(id int64) string) (out string, marked bool) {
	var b strings.Builder
	from := 0
	for _, m := range markInline.FindAllStringSubmatchIndex(s, -1) {
		group := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return s[m[2*n]:m[2*n+1]]
		}
		b.WriteString(Escape(s[from:m[0]]))
		from = m[1]
		whole := s[m[0]:m[1]]
		switch {
		case m[2] >= 0:
			b.WriteString("<b>" + Escape(group(1)) + "</b>")
			marked = true
		case m[6] >= 0:
			id, _ := strconv.ParseInt(group(3), 10, 64) // digits only
			src := ""
			if picture != nil {
				src = picture(id)
			}
			if src == "" {
				b.WriteString(Escape(whole))
				break
			}
			b.WriteString(`<img src="` + Escape(src) + `" alt="` + Escape(group(2)) + `">`)
			marked = true
		case m[8] >= 0:
			b.WriteString(`<a href="` + Escape(group(5)) + `">` + Escape(group(4)) + "</a>")
			marked = true
		default:
			b.WriteString(`<a href="` + Escape(whole) + `">` + Escape(whole) + "</a>")
		}
	}
	b.WriteString(Escape(s[from:]))
	return b.String(), marked
}

// MarksToText is the text as it reads where nothing can be marked.
func MarksToText(s string) string {
	return markInline.ReplaceAllStringFunc(s, func(whole string) string {
		m := markInline.FindStringSubmatch(whole)
		switch {
		case m[1] != "":
			return m[1]
		case m[3] != "":
			return "[" + m[2] + "]"
		case m[4] != "":
			return m[4] + " (" + strings.TrimPrefix(m[5], "mailto:") + ")"
		}
		return whole
	})
}
