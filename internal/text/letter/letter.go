package letter

import (
	"strings"
	"time"
	"unicode/utf8"

	"opeka/internal/text"
)

// MaxSize is the largest mail that is taken apart; a larger one is kept raw and says so.
const MaxSize = 40 << 20

// Limits of what a letter gives.
const (
	maxText  = 400_000 // characters of its text
	maxHTML  = 2 << 20
	maxFiles = 50
	maxParts = 400
)

// Problems that Parse may report.
const (
	ProblemTooLarge  = "too_large"
	ProblemStructure = "structure" // the tree of parts is broken; what could be read was
	ProblemFiles     = "files"     // more files than are kept
	ProblemNoSender  = "no_sender"
	ProblemEncrypted = "encrypted"
	ProblemEmpty     = "empty"
)

// Letter is a mail as a person would read it.
type Letter struct {
	Header     Header
	From       Address
	Sender     Address // who sent it on behalf of From, if that was somebody else
	ReplyTo    []Address
	To, Cc     []Address
	Delivered  []string // addresses to which it came, as servers on the way noted them
	ReturnPath string   // "<>" for a report; empty: not known
	Subject    string
	Date       time.Time // zero: not said
	MessageID  string
	InReplyTo  []string
	References []string

	Text  string // all of it, as plain text
	HTML  string // as it came; empty when there was none. Clean it before it is shown
	Files []File
	Event *Event // an invitation

	Auto      Auto
	Bounce    *Bounce
	Spam      Spam
	Forwarded *Forwarded
	Problems  []string

	parts []leaf // for those who look for reports
	flags partFlags
}

// File is an attachment or an embedded picture.
type File struct {
	Name        string
	ContentType string
	ContentID   string
	Inline      bool // shown in the text
	Content     []byte
}

// Parse reads a mail. It never fails and never panics.
func Parse(raw []byte) *Letter { return parse(raw, 0) }

// maxDepth is how deep letters within letters are opened.
const maxDepth = 2

func parse(raw []byte, depth int) (l *Letter) {
	if len(raw) > MaxSize {
		h, _ := splitHead(raw[:min(len(raw), maxHeader)])
		l = &Letter{Header: h, Problems: []string{ProblemTooLarge}}
		l.head()
		return l
	}
	h, body := splitHead(raw)
	l = &Letter{Header: h}
	l.head()
	l.body(body, depth)
	if l.From.Email == "" && depth == 0 {
		l.problem(ProblemNoSender)
	}
	if strings.TrimSpace(l.Text) == "" && len(l.Files) == 0 && depth == 0 {
		l.problem(ProblemEmpty)
	}
	l.Spam = spamOf(l.Header)
	if depth == 0 {
		l.Bounce = bounceOf(l)
		l.Auto = autoOf(l)
		if l.Bounce == nil && l.Auto.Kind == "" {
			l.Forwarded = forwardedOf(l)
		}
	}
	return l
}

func (l *Letter) problem(code string) {
	for _, p := range l.Problems {
		if p == code {
			return
		}
	}
	l.Problems = append(l.Problems, code)
}

// head reads the fields that people see.
func (l *Letter) head() {
	h, hint := l.Header, l.Header.charset()
	list := func(name string) (out []Address) {
		for _, v := range h.raw(name) {
			out = append(out, addresses(v, hint)...)
		}
		return out
	}
	first := func(name string) Address {
		for _, v := range h.raw(name) {
			if a := addresses(v, hint); len(a) > 0 {
				return a[0]
			}
		}
		return Address{}
	}
	l.From, l.Sender, l.ReplyTo, l.To, l.Cc = first("From"), first("Sender"), list("Reply-To"), list("To"), list("Cc")
	l.ReturnPath = returnPath(h)
	for n := 0; l.From.Email == "" && n < 4; n++ { // a head without a usable From
		switch n {
		case 0:
			l.From = l.Sender
		case 1:
			if len(l.ReplyTo) > 0 {
				l.From = l.ReplyTo[0]
			}
		case 2:
			l.From = first("X-Original-From")
		case 3:
			if a, ok := address(l.ReturnPath); ok {
				l.From = a
			}
		}
	}
	if l.From.Name == "" {
		l.From.Name = nameWithoutAddress(h, hint)
	}
	for _, name := range []string{"Delivered-To", "X-Original-To", "X-Envelope-To", "Envelope-To", "X-Forwarded-To", "X-RCPT-TO"} {
		for _, v := range list(name) {
			l.Delivered = append(l.Delivered, v.Email)
		}
	}
	l.Subject = text.Preview(h.Text("Subject"), 500)
	l.Date = date(h.Get("Date"))
	if ids := messageIDs(h.All("Message-ID")); len(ids) > 0 {
		l.MessageID = ids[0]
	}
	l.InReplyTo, l.References = messageIDs(h.All("In-Reply-To")), messageIDs(h.All("References"))
}

// nameWithoutAddress is the name of a sender whose address had to be found elsewhere.
func nameWithoutAddress(h Header, hint string) string {
	for _, v := range h.raw("From") {
		s := guess(v, hint)
		if !strings.Contains(s, "@") && strings.ContainsFunc(s, func(r rune) bool { return r > '?' }) && !strings.Contains(s, "?") {
			return displayName(strings.Trim(s, "<>[]"))
		}
	}
	return ""
}

func returnPath(h Header) string {
	if !h.Has("Return-Path") {
		return ""
	}
	for _, v := range h.All("Return-Path") {
		v = strings.TrimSpace(v)
		if v == "<>" || v == "" {
			return "<>"
		}
		if a, ok := address(v); ok {
			return a.Email
		}
		return strings.Trim(v, "<>")
	}
	return ""
}

// clip bounds a text at a whole character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// SenderOf reads no more of a mail than from whom it is, in lower case.
func SenderOf(raw []byte) string {
	h, _ := splitHead(raw[:min(len(raw), maxHeader)])
	for _, name := range []string{"From", "Sender", "Reply-To"} {
		for _, v := range h.raw(name) {
			if a := addresses(v, ""); len(a) > 0 {
				return a[0].Key()
			}
		}
	}
	return ""
}

// HeadOf reads no more of a mail than its head.
func HeadOf(raw []byte) Header {
	h, _ := splitHead(raw[:min(len(raw), maxHeader)])
	return h
}
