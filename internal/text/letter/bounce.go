package letter

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"opeka/internal/text"
)

// Kinds of reports.
const (
	BounceFailed    = "failed"
	BounceDelayed   = "delayed"   // it will be tried again
	BounceDelivered = "delivered" // a success was reported
	BounceComplaint = "complaint" // the recipient called it spam, or asks not to be written to
)

// Bounce is a report about a letter that somebody sent: ours, most likely.
type Bounce struct {
	Kind       string
	Recipients []Recipient
	OriginalID string // Message-ID of the letter that it is about, when the report tells
}

// Recipient is what became of the letter for one address.
type Recipient struct {
	Email  string
	Status string // RFC 3463, such as 5.1.1
	Reason string // in the words of the server
}

// Hard tells whether the address itself is bad, for good: nothing more should be sent to it.
func (r Recipient) Hard() bool {
	switch r.Status {
	case "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1":
		return true
	}
	return false
}

// bounceOf recognises a report: by its form where it keeps to one (RFC 3464, RFC 5965, the notifications of sending services), else by the
// words of the servers of this world.
func bounceOf(l *Letter) *Bounce {
	for _, find := range []func(*Letter) *Bounce{feedbackReport, statusReport, serviceNotification, proseReport} {
		if b := find(l); b != nil {
			if b.OriginalID == "" {
				b.OriginalID = l.OriginalID()
			}
			return b
		}
	}
	return nil
}

// statusReport reads message/delivery-status parts.
func statusReport(l *Letter) *Bounce {
	var b *Bounce
	for _, p := range l.parts {
		if p.contentType != "message/delivery-status" && p.contentType != "message/global-delivery-status" {
			continue
		}
		if b == nil {
			b = &Bounce{}
		}
		for _, block := range blocks(p.content) {
			l.statusBlock(b, block)
		}
	}
	if b == nil {
		return nil
	}
	if len(b.Recipients) == 0 {
		// A report whose recipients are told in the text only.
		if found := l.proseRecipients(); len(found) > 0 {
			b.Recipients = found
		}
	}
	if b.Kind == "" {
		b.Kind = BounceFailed
	}
	return b
}

func (l *Letter) statusBlock(b *Bounce, block Header) {
	address := ""
	for _, name := range []string{"X-Actual-Recipient", "Final-Recipient", "Original-Recipient"} {
		if a := typed(block.Get(name)); valid(a) && (address == "" || name == "Original-Recipient") {
			address = a // what we wrote to counts, not where it was forwarded
		}
	}
	if address == "" {
		return
	}
	r := Recipient{Email: address, Status: statusCode(block.Get("Status")), Reason: typed(block.Get("Diagnostic-Code"))}
	if r.Reason == "" {
		r.Reason = l.reasonNear(address)
	}
	if r.Status == "" || strings.HasSuffix(r.Status, ".0.0") {
		if s := statusOf(r.Reason); s != "" {
			r.Status = s
		}
	}
	switch strings.ToLower(first(block.Get("Action"))) {
	case "delayed":
		b.Kind = or(b.Kind, BounceDelayed)
	case "delivered", "relayed", "expanded":
		b.Kind = or(b.Kind, BounceDelivered)
	default:
		b.Kind = BounceFailed
		r.Status = or(r.Status, "5.0.0")
	}
	b.add(r)
}

func (b *Bounce) add(r Recipient) {
	r.Reason = text.Preview(strings.TrimSpace(text.Repair(r.Reason)), 500)
	for n := range b.Recipients {
		if strings.EqualFold(b.Recipients[n].Email, r.Email) {
			return
		}
	}
	if len(b.Recipients) < 100 {
		b.Recipients = append(b.Recipients, r)
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func first(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return strings.Trim(f[0], ";,()")
	}
	return ""
}

// typed takes the type off a value such as "rfc822; a@b.c".
func typed(v string) string {
	if n := strings.IndexByte(v, ';'); n >= 0 && n < 20 && !strings.Contains(v[:n], "@") {
		v = v[n+1:]
	}
	v = strings.TrimSpace(collapse(v))
	if strings.Contains(v, "@") && !strings.Contains(v, " ") {
		v = strings.Trim(v, "<>;")
	}
	return v
}

// blocks cuts a status report into its groups of fields.
func blocks(b []byte) (out []Header) {
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	for _, piece := range bytes.Split(b, []byte("\n\n")) {
		var h Header
		for _, line := range bytes.Split(piece, []byte("\n")) {
			switch {
			case len(line) == 0:
			case (line[0] == ' ' || line[0] == '\t') && len(h) > 0:
				h[len(h)-1].Value = append(append(slices.Clip(h[len(h)-1].Value), ' '), bytes.TrimSpace(line)...)
			case fieldName(line) != "":
				h = append(h, Field{fieldName(line), bytes.TrimSpace(line[bytes.IndexByte(line, ':')+1:])})
			case len(h) > 0:
				h[len(h)-1].Value = append(append(slices.Clip(h[len(h)-1].Value), ' '), bytes.TrimSpace(line)...)
			}
		}
		if len(h) > 0 && len(out) < 200 {
			out = append(out, h)
		}
	}
	return out
}

var jmrp = regexp.MustCompile(`(?i)^\s*complaint about message from \[?[0-9a-f.:]+\]?`)

// feedbackReport reads complaints: ARF, the older form of one large provider, and the letters by which clients unsubscribe.
func feedbackReport(l *Letter) *Bounce {
	b := &Bounce{Kind: BounceComplaint}
	inner := l.innerHead()
	found := false
	reason := "complaint"
	for _, p := range l.parts {
		if p.contentType != "message/feedback-report" {
			continue
		}
		found = true
		for _, block := range blocks(p.content) {
			reason = or(block.Get("Feedback-Type"), reason)
			for _, name := range []string{"Original-Rcpt-To", "Removal-Recipient", "Redacted-Address"} {
				for _, v := range block.All(name) {
					if a := typed(v); valid(a) {
						b.add(Recipient{Email: a, Reason: reason})
					}
				}
			}
		}
	}
	if !found && (l.flags.report == "feedback-report" || jmrp.MatchString(l.Subject) && len(inner) > 0) {
		found = true
	}
	if !found && strings.EqualFold(strings.TrimSpace(l.Subject), "unsubscribe") && l.From.Email != "" && len(l.Text) < 500 {
		b.add(Recipient{Email: l.From.Email, Reason: "unsubscribe"})
		return b
	}
	if !found {
		return nil
	}
	if len(b.Recipients) == 0 {
		for _, name := range []string{"X-HmXmrOriginalRecipient", "X-Original-Recipient", "To", "Cc"} {
			for _, v := range inner.raw(name) {
				for _, a := range addresses(v, "") {
					b.add(Recipient{Email: a.Email, Reason: reason})
				}
			}
			if len(b.Recipients) > 0 {
				break
			}
		}
	}
	return b
}

// serviceNotification reads the JSON that sending services (SES by SNS, and those that copy its form) mail instead of a report.
func serviceNotification(l *Letter) *Bounce {
	s := strings.TrimSpace(l.Text)
	if !strings.HasPrefix(s, "{") {
		return nil
	}
	s = brokenLine.ReplaceAllString(s, "")
	type party struct {
		Email  string `json:"emailAddress"`
		Status string `json:"status"`
		Reason string `json:"diagnosticCode"`
	}
	var n struct {
		Kind   string `json:"notificationType"`
		Event  string `json:"eventType"`
		Bounce struct {
			Type       string  `json:"bounceType"`
			SubType    string  `json:"bounceSubType"`
			Recipients []party `json:"bouncedRecipients"`
		} `json:"bounce"`
		Complaint struct {
			Feedback   string  `json:"complaintFeedbackType"`
			Recipients []party `json:"complainedRecipients"`
		} `json:"complaint"`
		Delivery struct {
			Recipients []string `json:"recipients"`
			Response   string   `json:"smtpResponse"`
		} `json:"delivery"`
		Mail struct {
			ID      string `json:"messageId"`
			Headers []struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			} `json:"headers"`
		} `json:"mail"`
	}
	if json.NewDecoder(strings.NewReader(s)).Decode(&n) != nil {
		return nil
	}
	b := &Bounce{OriginalID: n.Mail.ID}
	for _, h := range n.Mail.Headers {
		if strings.EqualFold(h.Name, "Message-ID") {
			if ids := messageIDs([]string{h.Value}); len(ids) > 0 {
				b.OriginalID = ids[0]
			}
		}
	}
	switch or(n.Kind, n.Event) {
	case "Bounce":
		b.Kind = BounceFailed
		for _, r := range n.Bounce.Recipients {
			reason := or(typed(r.Reason), strings.TrimSpace(n.Bounce.Type+" "+n.Bounce.SubType))
			status := or(statusCode(r.Status), statusOf(reason))
			if status == "" {
				status = "5.0.0"
				if n.Bounce.Type == "Transient" {
					status = "4.0.0"
				}
			}
			b.add(Recipient{r.Email, status, reason})
		}
	case "Complaint":
		b.Kind = BounceComplaint
		for _, r := range n.Complaint.Recipients {
			b.add(Recipient{Email: r.Email, Reason: or(n.Complaint.Feedback, "complaint")})
		}
	case "Delivery":
		b.Kind = BounceDelivered
		for _, r := range n.Delivery.Recipients {
			b.add(Recipient{r, "2.0.0", n.Delivery.Response})
		}
	default:
		return nil
	}
	if len(b.Recipients) == 0 {
		return nil
	}
	return b
}

// brokenLine is how sendmail breaks lines that are too long for it.
var brokenLine = regexp.MustCompile(`!?\r?\n ?`)

// innerHead is the head of the letter that came within this one.
func (l *Letter) innerHead() Header {
	for _, p := range l.parts {
		switch p.contentType {
		case "message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global", "message/global-headers", "message/partial":
			if h, _ := splitHead(p.content); len(h) > 0 {
				return h
			}
		}
	}
	return nil
}

// OriginalID is the Message-ID of the letter that a report is about.
func (l *Letter) OriginalID() string {
	if ids := messageIDs(l.innerHead().All("Message-ID")); len(ids) > 0 {
		return ids[0]
	}
	_, copied := l.cutOriginal()
	if m := idLine.FindStringSubmatch(copied); m != nil {
		return m[1]
	}
	for _, p := range l.parts {
		for _, block := range blocks(p.content) {
			for _, name := range []string{"Original-Message-ID", "X-Original-Message-ID"} {
				if ids := messageIDs(block.All(name)); len(ids) > 0 {
					return ids[0]
				}
			}
		}
	}
	if m := idLine.FindStringSubmatch(l.Text); m != nil {
		return m[1]
	}
	if len(l.InReplyTo) > 0 {
		return l.InReplyTo[0]
	}
	if n := len(l.References); n > 0 {
		return l.References[n-1]
	}
	return ""
}

var idLine = regexp.MustCompile(`(?im)^[> \t]*message-id:\s*(?:\r?\n\s+)?<([^<>\s]{3,250})>`)
