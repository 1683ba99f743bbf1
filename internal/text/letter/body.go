package letter

import (
	"bytes"
	"mime"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/jhillyerd/enmime/v2"

	"opeka/internal/text"
)

// leaf is a part without parts.
type leaf struct {
	contentType string
	content     []byte
	head        Header // of message/* parts: nothing
}

type partFlags struct {
	report     string // of multipart/report: its report-type
	reported   bool   // there is a message/delivery-status or feedback report
	hasMessage bool   // there is a letter or the head of one within
}

var parser = enmime.NewParser(enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true), enmime.MaxStoredPartErrors(20), enmime.DisableCharacterDetection(true),
	enmime.StripMediaTypeInvalidCharacters(true), enmime.DisableTextConversion(true), enmime.RawContent(false),
	enmime.SetReadPartErrorPolicy(func(p *enmime.Part, err error) bool { return true }))

// mimeFields are those of the head that say how to read the body.
var mimeFields = []string{"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"}

// body reads the tree of parts. The tree is read under a head that this package wrote, so that a broken one can't hide the body.
func (l *Letter) body(body []byte, depth int) {
	root := l.tree(body)
	if root == nil {
		l.problem(ProblemStructure)
		l.Text = clip(guess(body, l.Header.charset()), maxText)
		return
	}
	w := &walker{l: l, depth: depth}
	w.walk(root, false)
	if w.count > maxParts {
		l.problem(ProblemStructure)
	}
	l.Text, l.HTML = w.texts()
	l.markInline()
}

// maxMultiparts keeps a mail of parts within parts within parts from costing more than it is worth.
const maxMultiparts = 60

func (l *Letter) tree(body []byte) (root *enmime.Part) {
	if bytes.Count(bytes.ToLower(body), []byte("content-type: multipart/")) > maxMultiparts || bytes.Count(bytes.ToLower(body), []byte("multipart/")) > 4*maxMultiparts {
		return nil
	}
	defer func() {
		if recover() != nil {
			root = nil // a library's mistake must not lose a letter
		}
	}()
	var b bytes.Buffer
	for _, name := range mimeFields {
		v := l.Header.Get(name)
		if name == "Content-Transfer-Encoding" {
			v = transferEncoding(v)
		}
		if name == "Content-Type" {
			v = contentType(v, body)
		}
		if v != "" {
			b.WriteString(name + ": " + strings.ReplaceAll(v, "\n", " ") + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(body)
	root, err := parser.ReadParts(&b)
	if err != nil && root == nil {
		return nil
	}
	return root
}

// transferEncoding forgives what mailers write beside the encoding.
func transferEncoding(v string) string {
	v = strings.ToLower(strings.Trim(strings.TrimSpace(v), `"';`))
	if n := strings.IndexAny(v, "; \t("); n > 0 {
		v = v[:n]
	}
	switch {
	case strings.HasPrefix(v, "quoted"):
		return "quoted-printable"
	case strings.HasPrefix(v, "base64"), v == "base-64":
		return "base64"
	}
	return "8bit" // everything else is as it stands
}

var boundaryLine = regexp.MustCompile(`(?m)^--([^\s].{4,100}?)[ \t]*\r?\nContent-[A-Za-z-]+:`)

// contentType repairs a type that can't be read; a multipart whose boundary is missing or wrong gets the one that the body uses.
func contentType(v string, body []byte) string {
	kind, _, err := mime.ParseMediaType(v)
	low := strings.ToLower(strings.TrimSpace(v))
	if strings.HasPrefix(low, "multipart/") {
		boundary := paramOf(v, "boundary")
		used := boundary != "" && bytes.Contains(body, []byte("--"+boundary))
		if !used {
			if m := boundaryLine.FindSubmatch(body); m != nil {
				boundary = string(m[1])
			} else if boundary == "" {
				return "text/plain"
			}
		}
		kind, _, _ := strings.Cut(low, ";")
		if report := paramOf(v, "report-type"); report != "" {
			return strings.TrimSpace(kind) + `; report-type="` + report + `"; boundary="` + boundary + `"`
		}
		return strings.TrimSpace(kind) + `; boundary="` + boundary + `"`
	}
	if err != nil && !strings.Contains(kind, "/") {
		charset := paramOf(v, "charset")
		switch {
		case strings.Contains(low, "html"):
			kind = "text/html"
		case strings.Contains(low, "/") && !strings.HasPrefix(low, "text") && !strings.ContainsAny(strings.SplitN(low, "/", 2)[0], " ;"):
			return v
		default:
			kind = "text/plain"
		}
		if charset != "" {
			return kind + `; charset="` + charset + `"`
		}
		return kind
	}
	return v
}

// walker collects a letter's texts and files.
type walker struct {
	l     *Letter
	depth int
	count int
	said  []segment
}

// segment is a piece of the letter's text, in one or both forms.
type segment struct{ plain, html string }

func (w *walker) walk(p *enmime.Part, inAlternative bool) {
	for ; p != nil; p = p.NextSibling {
		if w.count++; w.count > maxParts {
			return
		}
		kind := strings.ToLower(p.ContentType)
		switch {
		case kind == "multipart/alternative" && p.FirstChild != nil:
			w.alternative(p.FirstChild)
		case p.FirstChild != nil:
			if kind == "multipart/report" {
				w.l.flags.report = strings.ToLower(p.ContentTypeParams["report-type"])
			}
			if kind == "multipart/encrypted" {
				w.l.problem(ProblemEncrypted)
			}
			w.walk(p.FirstChild, inAlternative)
		default:
			w.leaf(p, kind)
		}
		if p.Parent == nil {
			return
		}
	}
}

// alternative takes the forms of one text as one segment.
func (w *walker) alternative(first *enmime.Part) {
	before := len(w.said)
	w.walk(first, true)
	var one segment
	for _, s := range w.said[before:] {
		if one.plain == "" {
			one.plain = s.plain
		}
		if s.html != "" && one.html == "" {
			one.html = s.html
		}
	}
	w.said = append(w.said[:before], one)
}

func (w *walker) leaf(p *enmime.Part, kind string) {
	named := p.FileName != ""
	attached := strings.EqualFold(p.Disposition, "attachment")
	switch {
	case strings.HasPrefix(kind, "message/"), kind == "text/rfc822-headers", kind == "text/rfc822-header":
		w.message(p, kind, attached)
	case kind == "text/calendar", kind == "application/ics":
		w.l.Event = eventOf(string(p.Content))
		w.file(p, kind)
	case kind == "application/ms-tnef", strings.EqualFold(p.FileName, "winmail.dat"):
		w.tnef(p)
	case kind == "text/html" && !attached && (!named || len(w.said) == 0):
		w.said = append(w.said, segment{html: w.textOf(p)})
	case (kind == "text/plain" || kind == "" || kind == "text" || kind == "text/enriched") && !attached && !named:
		w.said = append(w.said, segment{plain: w.plain(p)})
	case kind == "text/plain" && !attached && len(w.said) == 0 && p.Parent == nil:
		w.said = append(w.said, segment{plain: w.plain(p)})
	case strings.HasPrefix(kind, "multipart/"): // without parts
		if body := strings.TrimSpace(w.textOf(p)); body != "" {
			w.said = append(w.said, segment{plain: body})
		}
	case kind == "application/pgp-signature", kind == "application/pkcs7-signature", kind == "application/x-pkcs7-signature":
	default:
		if kind == "application/pkcs7-mime" || kind == "application/pgp-encrypted" {
			w.l.problem(ProblemEncrypted)
		}
		if strings.HasPrefix(kind, "text/") {
			w.l.parts = append(w.l.parts, leaf{contentType: kind, content: p.Content})
		}
		w.file(p, kind)
	}
}

// textOf is the text of a part. The library has turned it into UTF-8 by the declared charset; where that wasn't one, the bytes are still as they came.
func (w *walker) textOf(p *enmime.Part) string {
	b := p.Content
	switch {
	case isUTF7(p.Charset):
		return decodeUTF7(string(b))
	case bytes.ContainsRune(b, '\ufffd') && p.Charset != "":
		return text.Repair(string(b))
	}
	return guess(b, "")
}

func (w *walker) plain(p *enmime.Part) string {
	s := w.textOf(p)
	if strings.EqualFold(p.ContentTypeParams["format"], "flowed") {
		s = unflow(s, strings.EqualFold(p.ContentTypeParams["delsp"], "yes"))
	}
	w.l.parts = append(w.l.parts, leaf{contentType: "text/plain", content: []byte(s)})
	return s
}

// unflow joins the lines of format=flowed (RFC 3676), in which a space at the end means that the line goes on.
func unflow(s string, delsp bool) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	out := make([]string, 0, len(lines))
	open := false
	depthOf := func(l string) int { return len(l) - len(strings.TrimLeft(l, ">")) }
	for _, l := range lines {
		depth := depthOf(l)
		content := strings.TrimPrefix(l[depth:], " ")
		soft := strings.HasSuffix(l, " ") && content != "-- "
		if open && depthOf(out[len(out)-1]) == depth && content != "-- " {
			if delsp {
				out[len(out)-1] = strings.TrimSuffix(out[len(out)-1], " ")
			}
			out[len(out)-1] += content
		} else {
			if depth > 0 {
				content = strings.Repeat(">", depth) + " " + content
			}
			out = append(out, content)
		}
		open = soft
	}
	return strings.Join(out, "\n")
}

// message is a letter within the letter.
func (w *walker) message(p *enmime.Part, kind string, attached bool) {
	content := p.Content
	w.l.parts = append(w.l.parts, leaf{contentType: kind, content: content})
	switch kind {
	case "message/delivery-status", "message/global-delivery-status", "message/feedback-report", "message/disposition-notification":
		w.l.flags.reported = true
		return
	}
	w.l.flags.hasMessage = true
	if kind == "text/rfc822-headers" || kind == "text/rfc822-header" || kind == "message/rfc822-headers" {
		return
	}
	name := p.FileName
	if name == "" {
		h, _ := splitHead(content)
		if name = h.Text("Subject"); name == "" {
			name = "message"
		}
		name = text.Preview(name, 80) + ".eml"
	}
	w.add(File{Name: name, ContentType: "message/rfc822", Content: content})
}

func (w *walker) file(p *enmime.Part, kind string) {
	if len(p.Content) == 0 && p.FileName == "" {
		return
	}
	name := fileNameOf(p)
	if kind == "" {
		kind = "application/octet-stream"
	}
	w.add(File{Name: name, ContentType: kind, ContentID: strings.Trim(p.ContentID, "<> "), Content: p.Content,
		Inline: strings.EqualFold(p.Disposition, "inline") && strings.HasPrefix(kind, "image/")})
}

func (w *walker) add(f File) {
	if len(w.l.Files) >= maxFiles {
		w.l.problem(ProblemFiles)
		return
	}
	w.l.Files = append(w.l.Files, f)
}

var extensions = map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "application/pdf": ".pdf", "text/plain": ".txt", "text/html": ".html",
	"text/csv": ".csv", "application/zip": ".zip", "text/calendar": ".ics", "message/rfc822": ".eml", "application/msword": ".doc"}

// fileNameOf is a name for a part, its encodings undone, with no path.
func fileNameOf(p *enmime.Part) string {
	name := p.FileName
	if name == "" {
		name = p.ContentTypeParams["name"]
	}
	name = collapse(decodeWords(guess([]byte(name), "")))
	name = path.Base(strings.ReplaceAll(strings.TrimSpace(name), `\`, "/"))
	if name == "" || name == "." || name == "/" {
		name = "file" + extensions[strings.ToLower(p.ContentType)]
	}
	return text.Preview(name, 200)
}

// texts joins what was said.
func (w *walker) texts() (plain, html string) {
	var ps, hs []string
	anyHTML := false
	for _, s := range w.said {
		p := strings.TrimSpace(normal(s.plain))
		if s.html != "" {
			anyHTML = true
			if p == "" || poor(p, s.html) {
				p = text.HTMLToText(clip(s.html, maxHTML))
			}
			hs = append(hs, s.html)
		} else if p != "" {
			hs = append(hs, "<div>"+text.TextToHTML(p)+"</div>")
		}
		if p != "" {
			ps = append(ps, p)
		}
	}
	plain = clip(strings.Join(ps, "\n\n"), maxText)
	if anyHTML {
		html = clip(strings.Join(hs, "\n"), maxHTML)
	}
	return plain, html
}

// poor tells whether a plain form is only an excuse for the HTML beside it.
func poor(plain, html string) bool {
	if len(plain) > 200 || len(html) < 200 {
		return false
	}
	low := strings.ToLower(plain)
	for _, s := range []string{"html", "view this email", "w przeglądarce", "в браузере", "у браузері", "in your browser"} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return strings.HasPrefix(plain, "<") && strings.HasSuffix(plain, ">") && strings.Contains(plain, "</")
}

// normal gives text line breaks and spaces of one kind.
func normal(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u00a0", " ", "\u200b", "", "\ufeff", "", "\u2028", "\n").Replace(s)
	lines := strings.Split(s, "\n")
	for n := range lines {
		lines[n] = strings.TrimRight(lines[n], " \t")
	}
	return strings.Join(lines, "\n")
}

var cids = regexp.MustCompile(`(?i)cid:([^"'\s>)]{1,250})`)

// markInline says of pictures whether the HTML shows them.
func (l *Letter) markInline() {
	shown := map[string]bool{}
	for _, m := range cids.FindAllStringSubmatch(l.HTML, 500) {
		shown[strings.ToLower(m[1])] = true
	}
	for n := range l.Files {
		f := &l.Files[n]
		f.Inline = strings.HasPrefix(f.ContentType, "image/") && (f.ContentID != "" && shown[strings.ToLower(f.ContentID)] || f.Inline && l.HTML != "" && f.ContentID == "")
	}
}

// Event is an invitation as far as a person needs to know it.
type Event struct {
	Method    string // REQUEST, CANCEL, REPLY
	Summary   string
	Location  string
	Organizer string
	Starts    time.Time
	Ends      time.Time
}

func eventOf(s string) *Event {
	s = strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "").Replace(s)
	var e Event
	in, zones := false, map[string]*time.Location{}
	for _, line := range strings.Split(s, "\n") {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		key, params, _ := strings.Cut(name, ";")
		value = strings.NewReplacer(`\n`, "\n", `\,`, ",", `\;`, ";").Replace(value)
		switch key = strings.ToUpper(key); {
		case key == "BEGIN" && value == "VEVENT":
			in = true
		case key == "METHOD":
			e.Method = strings.ToUpper(value)
		case !in:
		case key == "END" && value == "VEVENT":
			return &e
		case key == "SUMMARY":
			e.Summary = text.Preview(value, 300)
		case key == "LOCATION":
			e.Location = text.Preview(value, 300)
		case key == "ORGANIZER":
			e.Organizer = strings.TrimPrefix(strings.ToLower(value), "mailto:")
		case key == "DTSTART":
			e.Starts = icalTime(value, paramOf(";"+params, "TZID"), zones)
		case key == "DTEND":
			e.Ends = icalTime(value, paramOf(";"+params, "TZID"), zones)
		}
	}
	if !in {
		return nil
	}
	return &e
}

func icalTime(v, zone string, zones map[string]*time.Location) time.Time {
	at := time.UTC
	if zone != "" {
		if zones[zone] == nil {
			if l, err := time.LoadLocation(zone); err == nil {
				zones[zone] = l
			} else {
				zones[zone] = time.UTC
			}
		}
		at = zones[zone]
	}
	for _, form := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		if t, err := time.ParseInLocation(form, v, at); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
