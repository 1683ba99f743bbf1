package letter

import (
	"regexp"
	"strings"
)

// Forwarded is the letter that somebody has passed on to us.
type Forwarded struct {
	From Address
	Note string // what whoever forwarded it wrote himself
	Text string // the forwarded letter
}

var forwardSubject = regexp.MustCompile(`(?i)^\s*(?:fwd?|fw|wg|tr|i|rv|enc|пересл(?:ано|ане)?|переслать|пд|pd|przek|doorst|vs|vb)\s*:`)

// forwardedOf opens a forwarded letter: one that is attached alone, or one copied into the text below its head. It asks for the subject's mark or
// the client's, because an answer quotes heads too.
func forwardedOf(l *Letter) *Forwarded {
	lines := strings.Split(normal(l.Text), "\n")
	if len(lines) > maxLines {
		lines = lines[:maxLines]
	}
	shape := make([]byte, len(lines))
	for n, line := range lines {
		shape[n] = kindOf(line)
	}
	heads(lines, shape)
	for n, k := range shape {
		marked := k == lineEnd && forwardMark.MatchString(lines[n]) || beginForward.MatchString(lines[n])
		if !marked && !(k == lineHead && forwardSubject.MatchString(l.Subject)) {
			continue
		}
		m := n
		for m < len(shape) && shape[m] != lineHead && m < n+4 {
			m++
		}
		if m >= len(shape) || shape[m] != lineHead || headRun(shape, m) < 2 {
			continue
		}
		end := headEnd(shape, m)
		from, ok := senderIn(lines[m:end])
		if !ok {
			continue
		}
		return &Forwarded{From: from, Note: strings.TrimSpace(strings.Join(lines[:n], "\n")), Text: strings.TrimSpace(strings.Join(lines[end:], "\n"))}
	}
	if !forwardSubject.MatchString(l.Subject) {
		return nil
	}
	// Forwarded as an attachment.
	var inner *Letter
	for _, p := range l.parts {
		if p.contentType == "message/rfc822" {
			if inner != nil {
				return nil
			}
			inner = parse(p.content, maxDepth)
		}
	}
	if inner == nil || inner.From.Email == "" {
		return nil
	}
	return &Forwarded{From: inner.From, Note: strings.TrimSpace(l.Text), Text: inner.Text}
}

var fromField = regexp.MustCompile(`(?i)^[\s>*_|]*(?:from|von|de|da|van|från|fra|від|відправник|от|отправитель|od|nadawca)[*_]*\s*[:：]\*?\s*(.+)$`)

func senderIn(lines []string) (Address, bool) {
	for n, line := range lines {
		m := fromField.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v := m[1]
		if !strings.Contains(v, "@") && n+1 < len(lines) {
			v += " " + lines[n+1]
		}
		v = strings.NewReplacer("[mailto:", "<", "]", ">", "*", "").Replace(v)
		if at := anyAddress.FindString(v); at != "" {
			before, _, _ := strings.Cut(v, at)
			return Address{Name: displayName(strings.Trim(before, " <(\"'[")), Email: at}, true
		}
	}
	return Address{}, false
}
