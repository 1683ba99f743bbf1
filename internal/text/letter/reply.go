package letter

import (
	"strings"
)

// Reply is a text parted into what its author wrote now and what he only carried along.
type Reply struct {
	Said   string // what he wrote
	Quoted string // the letter that he answers, and his signature
}

// kinds of lines, a letter each, so that a text's shape can be looked at as a word.
const (
	lineEmpty     = 'e'
	lineText      = 't'
	lineQuote     = 'q' // behind "> "
	lineIntro     = 'b' // "On ... wrote:"
	lineHead      = 'h' // "From: ..." within the text
	lineSignature = 's' // "Sent from my iPhone"
	lineEnd       = 'd' // what follows is no longer said: "-- ", "-----Original Message-----"
)

// SplitReply finds what was written now in a plain text that may hold earlier letters and signatures, in the ways of the usual clients. When in
// doubt it keeps: a text of which nothing would be left is given whole, unless all of it is quoted.
func SplitReply(s string) Reply {
	s = strings.TrimSpace(normal(s))
	if s == "" {
		return Reply{}
	}
	lines := joinIntros(strings.Split(s, "\n"))
	shape := make([]byte, len(lines))
	code := false
	for n, l := range lines {
		if strings.HasPrefix(strings.TrimSpace(l), "```") {
			code = !code
			shape[n] = lineText
			continue
		}
		if code || n >= maxLines {
			shape[n] = lineText
			continue
		}
		shape[n] = kindOf(l)
	}
	heads(lines, shape)
	if onlyQuotes(shape) {
		return Reply{Quoted: s}
	}
	keep := choose(lines, shape)
	said := make([]string, 0, len(lines))
	var quoted []string
	for n, l := range lines {
		if keep[n] {
			said = append(said, strings.ReplaceAll(l, joint, "\n"))
		} else {
			quoted = append(quoted, strings.ReplaceAll(l, joint, "\n"))
		}
	}
	r := Reply{strings.Trim(strings.Join(said, "\n"), "\n"), strings.Trim(strings.Join(quoted, "\n"), "\n")}
	if strings.TrimSpace(r.Said) == "" {
		return Reply{Said: s}
	}
	return r
}

func onlyQuotes(shape []byte) bool {
	for _, k := range shape {
		if k == lineText {
			return false
		}
	}
	return true
}

// choose says of each line whether it belongs to what was written now.
func choose(lines []string, shape []byte) []bool {
	keep := make([]bool, len(lines))
	end := len(lines)
	cut := func(at int) { end = min(end, at) }
	// A forward without a word before it: its own text is what is said.
	from := 0
	if n := firstNot(shape, 0, lineEmpty); n < len(shape) && (shape[n] == lineEnd && forwardMark.MatchString(lines[n]) || shape[n] == lineHead && headRun(shape, n) >= 3) {
		m := n
		if shape[n] == lineEnd {
			m++
		}
		for m < len(shape) && shape[m] == lineEmpty {
			m++
		}
		if run := headRun(shape, m); run >= 2 {
			from = headEnd(shape, m)
		}
	}
	for n := from; n < len(shape); n++ {
		k := shape[n]
		before := said(shape[from:n])
		switch {
		case k == lineEnd && (before || !isDashes(lines[n])):
			if before || forwardMark.MatchString(lines[n]) || strings.TrimSpace(lines[n]) != "--" {
				cut(n)
			}
		case k == lineHead && headRun(shape, n) >= 3 && before:
			cut(n)
		case k == lineIntro && before:
			if after := shape[n+1:]; !has(after, lineQuote) || answersAbove(after) {
				cut(n)
			}
		}
		if end < len(shape) {
			break
		}
	}
	// Quotes at the end carry nothing new, quotes at the beginning under a line of introduction neither.
	last := end
	if said(shape[from:end]) {
		for last > from && shape[last-1] != lineText {
			last--
		}
	}
	// An answer below everything that it answers.
	if start := bottom(shape[from:last]); start > 0 {
		from += start
	}
	for n := from; n < last; n++ {
		keep[n] = shape[n] != lineIntro && shape[n] != lineSignature
	}
	if n := signature(lines, shape, from, last); n > from {
		for m := n; m < last; m++ {
			keep[m] = false
		}
	}
	return keep
}

func said(shape []byte) bool { return has(shape, lineText) }

func has(shape []byte, k byte) bool {
	for _, s := range shape {
		if s == k {
			return true
		}
	}
	return false
}

func firstNot(shape []byte, from int, k byte) int {
	for from < len(shape) && shape[from] == k {
		from++
	}
	return from
}

// headRun counts the fields of a head within the text that begins at n, blank lines between them forgiven.
func headRun(shape []byte, n int) (run int) {
	for ; n < len(shape) && (shape[n] == lineHead || shape[n] == lineEmpty && n+1 < len(shape) && shape[n+1] == lineHead); n++ {
		if shape[n] == lineHead {
			run++
		}
	}
	return run
}

func headEnd(shape []byte, n int) int {
	for n < len(shape) && (shape[n] == lineHead || shape[n] == lineEmpty && n+1 < len(shape) && shape[n+1] == lineHead) {
		n++
	}
	return n
}

// answersAbove tells, of what follows "On ... wrote:", whether it is only the earlier letter: quotes, and after the last of them no
// more than a few lines, such as a signature.
func answersAbove(shape []byte) bool {
	last := -1
	for n, k := range shape {
		if k == lineQuote {
			last = n
		}
	}
	first := firstNot(shape, 0, lineEmpty)
	if first < len(shape) && shape[first] != lineQuote && shape[first] != lineIntro && shape[first] != lineHead {
		// The quote doesn't begin at once: an earlier letter without marks, or an answer between quotes.
		return false
	}
	texts, between := 0, 0
	for n, k := range shape {
		if k == lineText {
			if n > last {
				texts++
			} else {
				between++
			}
		}
	}
	return texts < 7 && between == 0
}

// bottom finds where an answer begins that stands below the whole quote: an introduction first, then quotes, then text.
func bottom(shape []byte) int {
	n := firstNot(shape, 0, lineEmpty)
	if n == len(shape) || shape[n] != lineIntro {
		return 0
	}
	m := n + 1
	for m < len(shape) && (shape[m] == lineQuote || shape[m] == lineEmpty) {
		m++
	}
	if m == n+1 || !said(shape[m:]) || !has(shape[n:m], lineQuote) {
		return n + 1
	}
	if has(shape[m:], lineQuote) {
		return n + 1 // answers between the lines: the quotes are needed to understand them
	}
	return m
}

// signature finds the closing block that isn't set off by "-- ": a short tail that begins with a polite formula and holds a telephone number, an address or
// a link. Formula and name stay, as they are part of how people write; what follows them goes.
func signature(lines []string, shape []byte, from, end int) int {
	for n := max(from+1, end-14); n < end; n++ {
		if shape[n] != lineText || !closing.MatchString(strings.TrimSpace(lines[n])) {
			continue
		}
		// The name, then the rest.
		m := n + 1
		for m < end && shape[m] == lineEmpty {
			m++
		}
		if m < end && len([]rune(lines[m])) <= 40 && !contact.MatchString(lines[m]) {
			m++
		}
		if m < end && contact.MatchString(strings.Join(lines[m:end], "\n")) && !strings.Contains(strings.Join(lines[m:end], "\n"), "?") {
			return m
		}
	}
	return 0
}

func isDashes(l string) bool { return strings.Trim(l, "-–—_ \t") == "" }
