package email

import (
	"bytes"
	"fmt"
	"io"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/wneessen/go-mail"

	"opeka/internal/care"
	"opeka/internal/text"
)

// markHeader marks what this program sent, so that a copy isn't taken for a customer's letter.
const markHeader = "X-Opeka"

// Headers of Outbound that are read here and not passed on as they are.
const (
	HeaderTo      = "To" // beside Outbound.To
	HeaderCc      = "Cc"
	HeaderBcc     = "Bcc"
	HeaderName    = "Message-ID" // the part before the @; ours is put behind it
	HeaderReply   = "Reply-Token"
	HeaderAgent   = "Agent" // who writes, for the signature
	headerAnswers = "In-Reply-To"
	headerRefs    = "References"
)

// passed are the fields that may be set from outside.
var passed = []string{"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-Id", "X-Loop", "Importance"}

// composed is a letter ready for the wire.
type composed struct {
	id         string // without brackets
	recipients []string
	raw        []byte
}

// compose writes a letter. The same Outbound gives the same Message-ID, however often it is composed.
func (m *mailbox) compose(out care.Outbound) (composed, error) {
	var c composed
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP))
	msg.FromMailAddress(&m.from)
	envelope := func(list []string) ([]*netmail.Address, error) {
		var as []*netmail.Address
		for _, s := range list {
			a, err := netmail.ParseAddress(clean(s))
			if n := strings.LastIndexByte(s, '<'); err != nil && n > 0 { // a name that isn't quoted as it should be
				if a, err = netmail.ParseAddress(clean(s[n:])); err == nil {
					a.Name = clean(s[:n])
				}
			}
			if err == nil && s != out.To && len(c.recipients) > 0 && m.isOwn(strings.ToLower(a.Address)) {
				continue // the shop's own mailbox among those who got the letter that is answered
			}
			if err != nil || !ascii(a.Address) {
				return nil, &care.RejectedError{Code: "unknown_address", Detail: s}
			}
			if !slices.Contains(c.recipients, a.Address) {
				c.recipients = append(c.recipients, a.Address)
				as = append(as, a)
			}
		}
		return as, nil
	}
	to, err := envelope([]string{(&netmail.Address{Name: out.ToName, Address: out.To}).String()})
	if err != nil {
		return c, err
	}
	for _, list := range []struct {
		name string
		add  func(...*netmail.Address)
	}{{HeaderTo, func(as ...*netmail.Address) { to = append(to, as...) }}, {HeaderCc, msg.CcMailAddress}, {HeaderBcc, func(...*netmail.Address) {}}} {
		as, err := envelope(out.Headers[list.name])
		if err != nil {
			return c, err
		}
		if len(as) > 0 {
			list.add(as...)
		}
	}
	msg.ToMailAddress(to...)
	name := first(out.Headers[HeaderName])
	if name == "" {
		name = "k" + out.Key
	}
	c.id = name + "@" + m.host()
	msg.SetMessageIDWithValue(c.id)
	msg.SetDateWithValue(m.now())
	msg.Subject(clean(out.Subject))
	msg.SetGenHeader(markHeader, "1")
	if ids := brackets(out.Headers[headerAnswers]); ids != "" {
		msg.SetGenHeaderPreformatted(headerAnswers, ids)
	}
	if ids := brackets(out.Headers[headerRefs]); ids != "" {
		msg.SetGenHeaderPreformatted(headerRefs, ids)
	}
	if token := first(out.Headers[HeaderReply]); token != "" && m.ReplyTags {
		local, host, _ := strings.Cut(m.from.Address, "@")
		msg.ReplyToMailAddress(&netmail.Address{Name: m.FromName, Address: local + "+r." + token + "@" + host})
	}
	for _, h := range passed {
		if v := out.Headers[h]; len(v) > 0 {
			msg.SetGenHeader(mail.Header(h), clean(v[0]))
		}
	}
	if out.Automatic {
		msg.SetGenHeader("Auto-Submitted", "auto-generated")
		msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	}
	plain, html := m.texts(out)
	msg.SetBodyString(mail.TypeTextPlain, plain)
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	for _, f := range out.Files {
		if err := addFile(msg, f); err != nil {
			return c, err
		}
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return c, fmt.Errorf("email: compose: %w", err)
	}
	c.raw = b.Bytes()
	if m.dkim != nil {
		var signed bytes.Buffer
		err := dkim.Sign(&signed, bytes.NewReader(c.raw), &dkim.SignOptions{Domain: m.DKIMDomain, Selector: m.DKIMSelector, Signer: m.dkim,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
			HeaderKeys: []string{"From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"}})
		if err != nil {
			return c, fmt.Errorf("email: DKIM: %w", err)
		}
		c.raw = signed.Bytes()
	}
	return c, nil
}

func addFile(msg *mail.Msg, f care.OutboundFile) error {
	r, err := f.Open()
	if err != nil {
		return &care.TemporaryError{Cause: err}
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return &care.TemporaryError{Cause: err}
	}
	o := []mail.FileOption{mail.WithFileContentType(mail.ContentType(clean(f.ContentType)))}
	if f.ContentID != "" {
		return msg.EmbedReader(clean(f.Name), bytes.NewReader(content), append(o, mail.WithFileContentID(clean(f.ContentID)))...)
	}
	return msg.AttachReader(clean(f.Name), bytes.NewReader(content), o...)
}

// texts are the letter's two forms: what is said, the signature, and below it the letter that is answered.
func (m *mailbox) texts(out care.Outbound) (plain, html string) {
	plain, html = out.Body, out.HTML
	if html == "" {
		html = "<div>" + text.TextToHTML(out.Body) + "</div>"
	}
	if s := signed(m.Signature, first(out.Headers[HeaderAgent])); s != "" && !out.Automatic {
		plain += "\n\n-- \n" + s
		html += "\n<br><div>-- <br>\n" + text.TextToHTML(s) + "</div>"
	}
	if q := strings.TrimSpace(out.Quoted); q != "" {
		intro, rest, _ := strings.Cut(q, "\n")
		plain += "\n\n" + intro + "\n"
		for _, line := range strings.Split(strings.TrimSpace(rest), "\n") {
			plain += strings.TrimRight("> "+line, " ") + "\n"
		}
		html += "\n<br><div>" + text.Escape(intro) + "</div>\n<blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex\">" + text.TextToHTML(strings.TrimSpace(rest)) + "</blockquote>"
	}
	return plain, "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body>" + html + "</body></html>"
}

// signed puts who writes into a signature; without a name the line that asks for one is left out.
func signed(signature, agent string) string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(signature), "\n") {
		if agent != "" || !strings.Contains(line, "{agent}") {
			lines = append(lines, strings.ReplaceAll(line, "{agent}", agent))
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return clean(values[0])
}

// clean keeps a value from becoming another field.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s))
}

// brackets writes ids as a head has them, folded.
func brackets(ids []string) string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if id = strings.Trim(clean(id), "<>"); id != "" && ascii(id) && len(id) < 500 {
			out = append(out, "<"+id+">")
		}
	}
	return strings.Join(out, "\r\n ")
}
