package letter

import (
	"regexp"
	"strings"
)

// Many servers report in prose. The signs are gathered from what they write, in the languages in which they write it; none is enough alone.
var (
	reporter = regexp.MustCompile(`(?i)^(?:mailer-?_?daemon|mail-?_?daemon|mmdf|post-?_?master|mdaemon|mail_?system|mailsystem|bounces?|bounce-?handler|daemon|root|.*-(?:admin|owner|request)|no-?reply)$`)
	system   = regexp.MustCompile(`(?i)mail(?:er)?[ -]?(?:delivery )?(?:sub)?(?:system|daemon|administrator)|system administrator|postmaster|mail delivery|delivery service|internet mail service|система доставк|почтовая система`)

	failureSubject = regexp.MustCompile(`(?i)` + strings.Join([]string{
		`undeliver(?:ed|able)`, `(?:mail|message|delivery|send(?:ing)?).{0,25}(?:fail(?:ed|ure)?|error|problem|status|delayed|warning|reject)`, `fail(?:ed|ure).{0,20}(?:notice|delivery|mail)`, `return(?:ed|ing).{0,15}(?:mail|message|to sender)`,
		`non.?(?:delivery|remise)`, `could not (?:be )?(?:deliver|send)`, `can(?:not|'t) (?:be )?deliver`, `not (?:be )?delivered`, `rejected (?:mail|posting|message)`, `bounce`, `mail (?:could|system) `, `delivery (?:status|report|notification|problem)`,
		`loop alert`, `are not (?:a )?member`, `warning: (?:could|message)`, `nondeliverable`, `unzustellbar`, `nicht zugestellt`, `mail non remis`, `no (?:se )?(?:ha podido |pudo )?entreg`, `mancato recapito`, `devolvid`,
		`недоставлен`, `не доставлен`, `не може бути доставлен`, `не было доставлен`, `ваше сообщение не`, `ваше повідомлення не`, `повернен`, `возврат(?:ен|)`, `ошибка доставки`, `помилка доставки`,
		`nie (?:mo[zż]na |zosta[lł][ao]? )?dor[eę]cz`, `niedor[eę]cz`, `zwrot (?:wiadomo|poczty)`, `b[lł][aą]d dostarcz`, `エラー`, `配信`, `送信でき`, `退信`, `投递失败`, `无法投递`,
	}, "|"))

	failureText = regexp.MustCompile(`(?i)` + strings.Join([]string{
		`(?:could|can|can ?not|can't|was|were|has|have)(?: not|n't)?(?: been| be)? (?:un)?(?:able to )?deliver`, `unable to (?:be )?(?:deliver|relay|send)`, `un(?:deliverable|delivered)`, `did ?n(?:o|')t reach`, `not delivered`, `message not delivered`,
		`deliver(?:y|ing)(?: to| of| your)?.{0,60}(?:fail|error|delayed|problem|unsuccessful|not possible|impossible)`, `(?:error|problem|failed|failure).{0,40}deliver`, `the following (?:address|recipient|user|destination)`, `following recipients? did not receive`,
		`permanent (?:fatal )?(?:error|failure)`, `fatal errors?`, `delivery problems`, `returned (?:mail|message|to sender)`, `recipients? (?:address )?(?:was |were )?(?:rejected|incorrectly)`, `rejected by a remote`, `user(?:\(s\))? (?:account )?(?:is )?(?:unknown|disabled|not found)`,
		`unknown (?:user|recipient|local)`, `no such (?:user|recipient|mailbox|account|address)`, `mailbox (?:is )?(?:full|unavailable|not found|exceeded|disabled)`, `over quota`, `quota exceeded`, `message (?:was|has been) (?:rejected|refused|delayed|blocked)`,
		`reject(?:ed)? reason`, `invalid (?:user )?(?:address|recipient|user)`, `you are not (?:a )?member`, `duplicated message-id`, `mail loop`, `body of message generated response`, `smtp error`, `recipient's mailbox exceeded`, `(?:exceed|size).{0,20}limit`,
		`cannot be accepted`, `not be accepted`, `posting (?:is )?(?:not allowed|rejected)`, `does not exist`, `mail(?:box)? (?:system )?error`, `retried`, `has been delayed`, `automatic bounce`, `konnte nicht zugestellt`, `n'a pas pu être`, `no se ha podido entregar`, `impossibile recapitare`,
		`не (?:может быть|было|була|було|удалось|вдалося|може бути) доставле?`, `не доставлен`, `недоставлен`, `nie (?:mo[zż]na|uda[lł]o si[eę]|mog[lł]a|zosta[lł]a).{0,25}dor[eę]cz`, `送信でき`, `配信でき`, `届け`, `无法`, `失败`,
	}, "|"))

	delayWords   = regexp.MustCompile(`(?i)delay(?:ed)?|warning message only|will be retried|will retry|continue trying|still trying|not yet been delivered|temporar(?:y|ily).{0,30}(?:fail|problem).{0,60}(?:retr|try)|затримк|задержк|opóźni`)
	finalWords   = regexp.MustCompile(`(?i)permanent|no further|giv(?:en|ing) up|could not be delivered|failed permanently|undeliverable`)
	originalMark = regexp.MustCompile(`(?im)^[ \t]*(?:-{2,}[ \t]*)?(?:` + strings.Join([]string{
		`this is a copy of (?:the|your) message.*`, `the (?:header|headers|body) of the original message.*`, `original message(?: follows| header| as follows)?\.?:?`, `original mail(?: as follows)?:?`, `message headers? follows?\.?:?`, `below this line is (?:a|the) copy.*`,
		`(?:bounced|returned|undelivered|unsent) (?:e-?mail|message)(?: below| follows)?:?`, `returned message.*`, `forwarded message.*`, `the following text was sent.*`, `your message(?: was| reads)?[^\n]{0,30}reads?.*`, `copy of (?:the )?message.*`, `header of (?:the )?original.*`, `---- unsent message below ----.*`, `received: (?:from|by) .*`,
	}, "|") + `)(?:[ \t]*-{2,})?[ \t]*$`)

	smtpLine   = regexp.MustCompile(`(?m)(?:^|[^\d.])([45]\d\d)[ -]+(?:#?([45]\.\d{1,3}\.\d{1,3})\b)?`)
	statusText = regexp.MustCompile(`(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?:[^\d.]|\.?\s|$)`)
	anyAddress = regexp.MustCompile(`[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,100}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,24}`)
	introduced = regexp.MustCompile(`(?i)(?:(?:final|original)-recipient:\s*(?:rfc822;)?|recipient(?: address)?:|target mail address:|mail address:|unable to deliver(?: the)? message to:?|delivered? (?:to|your mail to):?|rcpt[ _]to:|unknown user:|undeliverable to:?|attempts?:|` +
		`addresse?e?s?(?:\(es\))?:|user unknown:?|did not reach:?|failed (?:for|to):?|delivery to|mailing list|duplicated message-id in|recipient:)\s*["'<]*(` + anyAddress.String() + `)`)
	ownLine = regexp.MustCompile(`(?m)^[ \t>]*["'<]*(` + anyAddress.String() + `)["'>]*(?:[ \t]*$|[ \t]*[:;,(<]|[ \t]+on |[ \t]+\()`)
)

// proseReport recognises a report by who writes, to whom answers would go, and what is written.
func proseReport(l *Letter) *Bounce {
	failed := l.Header.Has("X-Failed-Recipients")
	report, copied := l.cutOriginal()
	var score int
	who := reporter.MatchString(localPart(l.From.Email)) || system.MatchString(l.From.Name) || l.From.Email == "" && l.Header.Has("From")
	null := l.ReturnPath == "<>" || strings.EqualFold(localPart(l.ReturnPath), "mailer-daemon")
	daemon := strings.Contains(strings.ToLower(l.From.Email), "daemon") || strings.Contains(strings.ToLower(l.From.Name), "daemon")
	said := failureText.MatchString(report)
	subject := failureSubject.MatchString(l.Subject)
	if who {
		score += 2
	}
	if null || daemon {
		score += 2
	}
	if said {
		score += 2
	}
	if subject {
		score += 2
	}
	if copied != "" || l.flags.hasMessage {
		score++
	}
	if smtpLine.MatchString(report) && statusText.MatchString(report) || strings.Contains(strings.ToLower(report), "smtp") {
		score++
	}
	if l.flags.report == "delivery-status" {
		score += 3
	}
	switch {
	case failed:
	case !who && !null && !daemon && l.flags.report == "":
		return nil // a person may write whatever he likes about errors
	case !said && !subject:
		return nil
	case autoSubjects.MatchString(l.Subject) && !said:
		return nil
	case score < 4:
		return nil
	}
	b := &Bounce{Kind: BounceFailed, Recipients: l.proseRecipients()}
	if (delayWords.MatchString(report) || delayWords.MatchString(l.Subject)) && !finalWords.MatchString(report) {
		b.Kind = BounceDelayed
		for n := range b.Recipients {
			b.Recipients[n].Status = strings.Replace(b.Recipients[n].Status, "5", "4", 1)
		}
	}
	if len(b.Recipients) == 0 && !failed && score < 6 {
		return nil
	}
	return b
}

// maxReport is how much of a text is looked at for a report.
const maxReport = 64 << 10

// cutOriginal parts a report in prose from the copy of the letter that it is about.
func (l *Letter) cutOriginal() (report, copied string) {
	s := clip(l.Text, maxReport)
	if at := originalMark.FindStringIndex(s); at != nil {
		return s[:at[0]], s[at[0]:]
	}
	return s, ""
}

// proseRecipients finds for whom a report in prose is.
func (l *Letter) proseRecipients() (out []Recipient) {
	report, copied := l.cutOriginal()
	mine := map[string]bool{}
	for _, a := range append(append([]Address{l.From, l.Sender}, l.To...), l.ReplyTo...) {
		mine[a.Key()] = true
	}
	var found []string
	add := func(a string, even bool) {
		a = strings.Trim(a, "<>.,;:'\"")
		if !valid(a) || mine[strings.ToLower(a)] && !even {
			return
		}
		for _, f := range found {
			if strings.EqualFold(f, a) {
				return
			}
		}
		if len(found) < 100 {
			found = append(found, a)
		}
	}
	for _, v := range l.Header.raw("X-Failed-Recipients") {
		for _, a := range addresses(v, "") {
			add(a.Email, true)
		}
	}
	inner := l.innerHead()
	if len(found) == 0 {
		for _, m := range ownLine.FindAllStringSubmatch(report, 100) {
			add(m[1], false)
		}
		for _, m := range introduced.FindAllStringSubmatch(report, 100) {
			add(m[1], len(found) == 0 && !strings.EqualFold(m[1], l.From.Email))
		}
	}
	if len(found) == 0 {
		for _, m := range anyAddress.FindAllString(report, 100) {
			add(m, false)
		}
		if len(found) > 1 {
			found = found[:1]
		}
	}
	if len(found) == 0 { // the report names nobody: whoever the letter was for
		for _, v := range inner.raw("To") {
			for _, a := range addresses(v, "") {
				add(a.Email, true)
			}
		}
		if m := toLine.FindStringSubmatch(copied); m != nil {
			add(m[1], true)
		}
	}
	for _, a := range found {
		reason := l.reasonNear(a)
		if reason == "" {
			reason = l.anyReason()
		}
		status := statusOf(reason)
		if status == "" {
			status = or(statusOf(report), "5.0.0")
		}
		r := Recipient{Email: a, Status: status, Reason: reason}
		out = append(out, r)
	}
	return out
}

var toLine = regexp.MustCompile(`(?im)^[> \t]*to:[^\n]*?(` + anyAddress.String() + `)`)

// reasonNear is what the report says about one address: the rest of its line and the lines that are set below it.
func (l *Letter) reasonNear(address string) string {
	report, _ := l.cutOriginal()
	lines := strings.Split(report, "\n")
	low := strings.ToLower(address)
	for n, line := range lines {
		at := strings.Index(strings.ToLower(line), low)
		if at < 0 {
			continue
		}
		rest := strings.Trim(line[at+len(low):], " \t>\"':;,.")
		words := []string{rest}
		for m := n + 1; m < len(lines) && m < n+8; m++ {
			next := strings.TrimSpace(lines[m])
			if next == "" && (len(words) > 1 || rest != "") {
				break
			}
			if next != "" && anyAddress.FindString(next) != "" && !strings.Contains(strings.ToLower(next), low) && ownLine.MatchString(lines[m]) {
				break
			}
			words = append(words, next)
		}
		reason := strings.TrimSpace(strings.Join(strings.Fields(strings.Join(words, " ")), " "))
		if statusOf(reason) != "" || failureText.MatchString(reason) || len(reason) > 15 {
			return reason
		}
	}
	return ""
}

// anyReason is the first line that sounds like a reason.
func (l *Letter) anyReason() string {
	report, _ := l.cutOriginal()
	lines := strings.Split(report, "\n")
	for _, line := range lines {
		if smtpLine.MatchString(line) && len(strings.TrimSpace(line)) > 6 {
			return strings.TrimSpace(line)
		}
	}
	for _, line := range lines {
		if failureText.MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// statusCode takes a status out of its field.
func statusCode(v string) string {
	if m := statusText.FindStringSubmatch(" " + v + " "); m != nil {
		return m[1]
	}
	return ""
}

var reasons = []struct {
	status string
	words  *regexp.Regexp
}{
	{"5.2.2", regexp.MustCompile(`(?i)mailbox (?:is |was )?full|over ?quota|quota exceeded|exceeded.{0,20}(?:quota|storage|local limit)|mailbox exceeded|переполнен|переповнен|przepe[lł]nion`)},
	{"5.1.1", regexp.MustCompile(`(?i)user unknown|unknown (?:user|recipient|local)|no such (?:user|recipient|mailbox|account|address|local)|does not exist|doesn't exist|invalid (?:user |mailbox |recipient )?(?:address|recipient|mailbox|user)|not (?:recognized|a valid (?:user|mailbox))|recipient (?:not found|rejected|name is not)|mailbox (?:not found|unavailable)|user not found|нет такого (?:пользователя|ящика)|не існує|не существует|nie istnieje`)},
	{"5.2.1", regexp.MustCompile(`(?i)account (?:is |has been )?(?:disabled|suspended|inactive)|mailbox (?:is )?disabled|(?:is|account) inactive`)},
	{"5.1.2", regexp.MustCompile(`(?i)host (?:or domain name )?not found|domain.{0,20}not (?:found|exist)|no (?:mx|such domain)|dns lookup failure|indicated no smtp service|unrouteable|unroutable`)},
	{"5.3.4", regexp.MustCompile(`(?i)(?:message|mail) size|too (?:large|big)|size limit`)},
	{"4.4.1", regexp.MustCompile(`(?i)timed? ?out|not responding|connection (?:refused|failed)|did not accept our requests to connect|socket error|message expired`)},
	{"5.7.1", regexp.MustCompile(`(?i)spam|blocked|blacklist|black ?list|blocklist|policy|denied|unsolicited|not (?:authorized|allowed|permitted)|not a member|reputation|unauthenticated`)},
}

// statusOf finds the status that a reason gives, as a number or in words.
func statusOf(reason string) string {
	if reason == "" {
		return ""
	}
	if m := statusText.FindStringSubmatch(" " + reason + " "); m != nil && !strings.HasSuffix(m[1], ".0.0") {
		return m[1]
	}
	for _, r := range reasons {
		if r.words.MatchString(reason) {
			return r.status
		}
	}
	if m := smtpLine.FindStringSubmatch(" " + reason); m != nil {
		if m[2] != "" {
			return m[2]
		}
		return m[1][:1] + ".0.0"
	}
	return ""
}
