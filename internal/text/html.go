package text

import (
	"html"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// messagePolicy lets through what a letter needs to be read and nothing that acts,
// styles, embeds or reports back. Of pictures only those enclosed in the letter
// (cid:) stay, as nothing else can be shown without telling the sender that it was.
var messagePolicy = sync.OnceValue(basicPolicy)

func basicPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "div", "span", "b", "strong", "i", "em", "u", "s", "del", "ins", "sub", "sup", "small", "mark", "code", "pre", "hr",
		"blockquote", "ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6",
		"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption")
	p.AllowAttrs("colspan", "rowspan").Matching(bluemonday.Integer).OnElements("td", "th")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(?i:ltr|rtl|auto)$`)).OnElements("p", "div", "span", "blockquote", "li", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true) // and with it rel=noopener
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^cid:[\w.+@$%=-]{1,200}$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.SkipElementsContent("head", "title", "template", "noscript", "svg", "math", "select", "textarea", "button", "iframe", "noframes", "noembed", "xmp", "plaintext")
	return p
}

// CleanHTML makes a message's HTML safe to show inside the console. The result has
// no scripts, styles, forms or remote pictures, and its links open apart from the
// console without naming it. Invalid bytes and NUL are repaired on the way.
func CleanHTML(s string) string {
	return messagePolicy().Sanitize(Repair(s))
}

// Escape makes plain text safe to stand in HTML, as content or attribute.
func Escape(s string) string { return html.EscapeString(s) }

// TextToHTML is plain text as HTML that keeps its line breaks.
func TextToHTML(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>\n")
}

// HTMLToText reads HTML as a person would without pictures: paragraphs and rows on
// lines of their own, list items with a dash, quotations behind "> ", addresses of
// links after their words where they say something new.
func HTMLToText(s string) string {
	var w textWriter
	tokens := xhtml.NewTokenizer(strings.NewReader(Repair(s)))
	for {
		switch tokens.Next() {
		case xhtml.ErrorToken:
			return w.String()
		case xhtml.TextToken:
			w.text(string(tokens.Text()))
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			token := tokens.Token()
			w.start(token)
		case xhtml.EndTagToken:
			name, _ := tokens.TagName()
			w.end(atom.Lookup(name))
		}
	}
}

const maxQuoteDepth = 8

// textWriter joins the pieces of a document. It follows tags as they come and holds
// no tree, so that depth costs nothing.
type textWriter struct {
	b       strings.Builder
	breaks  int  // line breaks due before the next text
	space   bool // a space is due before the next text
	begun   bool // something has been written
	quote   int
	written int // the depth of quotation of the text written last
	pre     int
	hidden  atom.Atom // the element whose content is passed over
	nested  int       // how many of the hidden element are open
	href    string
	linkPos int
}

func (w *textWriter) String() string { return strings.TrimSpace(w.b.String()) }

func (w *textWriter) start(t xhtml.Token) {
	if w.hidden == atom.Head && t.DataAtom == atom.Body {
		w.hidden = 0 // a head that nobody closed
	}
	if w.hidden != 0 {
		if t.DataAtom == w.hidden && t.Type == xhtml.StartTagToken {
			w.nested++
		}
		return
	}
	switch t.DataAtom {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template, atom.Noscript, atom.Svg, atom.Math, atom.Select, atom.Textarea, atom.Iframe:
		if t.Type == xhtml.StartTagToken {
			w.hidden, w.nested = t.DataAtom, 1
		}
	case atom.Br:
		w.breaks = min(w.breaks+1, 2)
	case atom.Blockquote:
		w.block(2)
		w.quote = min(w.quote+1, maxQuoteDepth)
	case atom.Pre:
		w.block(2)
		w.pre++
	case atom.Li:
		w.block(1)
		w.write("- ")
	case atom.Td, atom.Th:
		w.space = true
	case atom.A:
		w.href, w.linkPos = attribute(t, "href"), w.b.Len()
	case atom.Img:
		w.text(attribute(t, "alt"))
	case atom.Hr:
		w.block(1)
		w.write("---")
		w.block(1)
	default:
		w.block(breaksAround(t.DataAtom))
	}
}

func (w *textWriter) end(tag atom.Atom) {
	if w.hidden != 0 {
		if tag == w.hidden {
			if w.nested--; w.nested == 0 {
				w.hidden = 0
			}
		}
		return
	}
	switch tag {
	case atom.Blockquote:
		w.quote = max(0, w.quote-1)
		w.block(2)
	case atom.Pre:
		w.pre = max(0, w.pre-1)
		w.block(2)
	case atom.Li:
		w.block(1)
	case atom.A:
		w.link()
	default:
		w.block(breaksAround(tag))
	}
}

// link adds the address of a link unless the words already show it.
func (w *textWriter) link() {
	href := w.href
	w.href = ""
	if !strings.HasPrefix(href, "http://") && !strings.HasPrefix(href, "https://") {
		return
	}
	words := w.b.String()[min(w.linkPos, w.b.Len()):]
	_, address, _ := strings.Cut(href, "://")
	if strings.TrimSpace(words) == "" || strings.Contains(words, strings.TrimSuffix(address, "/")) {
		return
	}
	w.space = true
	w.write("(" + href + ")")
}

func (w *textWriter) text(s string) {
	if w.hidden != 0 || s == "" {
		return
	}
	if w.pre > 0 {
		for i, line := range strings.Split(s, "\n") {
			if i > 0 {
				w.breaks = min(w.breaks+1, 2)
			}
			if line != "" {
				w.write(strings.TrimSuffix(line, "\r"))
			}
		}
		return
	}
	words := strings.Fields(s)
	if len(words) == 0 {
		w.space = true
		return
	}
	if r, _ := utf8.DecodeRuneInString(s); isSpace(r) {
		w.space = true
	}
	w.write(strings.Join(words, " "))
	r, _ := utf8.DecodeLastRuneInString(s)
	w.space = isSpace(r)
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n\f\u00a0", r) }

func (w *textWriter) block(breaks int) { w.breaks = max(w.breaks, breaks) }

// write puts s after the breaks or the space that are due.
func (w *textWriter) write(s string) {
	quote := strings.Repeat("> ", w.quote)
	switch {
	case !w.begun:
		w.b.WriteString(quote)
	case w.breaks > 0:
		w.b.WriteString("\n")
		if w.breaks > 1 {
			// The empty line between belongs to the shallower of its neighbours.
			w.b.WriteString(strings.TrimSpace(strings.Repeat("> ", min(w.quote, w.written))) + "\n")
		}
		w.b.WriteString(quote)
	case w.space:
		w.b.WriteString(" ")
	}
	w.b.WriteString(s)
	w.begun, w.breaks, w.space, w.written = true, 0, false, w.quote
}

func breaksAround(tag atom.Atom) int {
	switch tag {
	case atom.P, atom.Ul, atom.Ol, atom.Dl, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return 2
	case atom.Div, atom.Tr, atom.Dt, atom.Dd, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Address, atom.Form, atom.Caption, atom.Center:
		return 1
	}
	return 0
}

func attribute(t xhtml.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// letterPolicy is messagePolicy that keeps the addresses of pictures elsewhere, to be shown when somebody asks for them.
var letterPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := basicPolicy()
	p.AllowAttrs("data-remote").Matching(regexp.MustCompile(`^(?i:https?)://[^\s"'<>]+$`)).OnElements("img")
	return p
})

// CleanLetter is CleanHTML for a letter: a picture that lies elsewhere has its address in data-remote, where no browser fetches it.
func CleanLetter(s string) string {
	var b strings.Builder
	tokens := xhtml.NewTokenizer(strings.NewReader(Repair(s)))
	for {
		kind := tokens.Next()
		if kind == xhtml.ErrorToken {
			return letterPolicy().Sanitize(b.String())
		}
		raw := string(tokens.Raw())
		if kind != xhtml.StartTagToken && kind != xhtml.SelfClosingTagToken {
			b.WriteString(raw)
			continue
		}
		t := tokens.Token()
		if t.DataAtom != atom.Img {
			b.WriteString(raw)
			continue
		}
		kept := t.Attr[:0]
		for _, a := range t.Attr {
			switch low := strings.ToLower(strings.TrimSpace(a.Val)); {
			case a.Key == "data-remote":
				continue // only ours count
			case a.Key == "src" && (strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://")):
				a = xhtml.Attribute{Key: "data-remote", Val: strings.TrimSpace(a.Val)}
			case a.Key == "src":
				a.Val = strings.TrimSpace(a.Val)
			}
			kept = append(kept, a)
		}
		t.Attr = kept
		b.WriteString(t.String())
	}
}
