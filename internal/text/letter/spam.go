package letter

import (
	"regexp"
	"strconv"
	"strings"
)

// Spam is what the filters before us said.
type Spam struct {
	Is     bool
	Score  float64
	Reason string // the header that said so
}

var spamScore = regexp.MustCompile(`(?i)(?:score|hits)=(-?[\d.]+)`)

// spamOf reads the verdicts of the usual filters; it makes none of its own. A header that says no outweighs nothing: filters that
// only count leave the decision to the one that names it.
func spamOf(h Header) (s Spam) {
	yes := func(reason string) {
		if !s.Is {
			s.Is, s.Reason = true, reason
		}
	}
	for _, f := range h {
		v := strings.ToLower(strings.TrimSpace(string(f.Value)))
		switch name := strings.ToLower(f.Name); name {
		case "x-spam-flag", "x-spam", "x-barracuda-spam-flag", "x-gmx-antispam-flag":
			if strings.HasPrefix(v, "yes") || v == "true" {
				yes(f.Name)
			}
		case "x-spam-status":
			if strings.HasPrefix(v, "yes") {
				yes(f.Name)
			}
			if m := spamScore.FindStringSubmatch(v); m != nil {
				s.Score, _ = strconv.ParseFloat(m[1], 64)
			}
		case "x-dspam-result", "x-bogosity", "x-kaspersky-antispam-status":
			if v == "spam" || strings.HasPrefix(v, "spam,") {
				yes(f.Name)
			}
		case "x-rspamd-action", "x-rspamd-bar-action":
			if v == "reject" || v == "add header" {
				yes(f.Name)
			}
		case "x-forefront-antispam-report", "x-microsoft-antispam":
			if strings.Contains(v, "sfv:spm") || strings.Contains(v, "sfv:skb") {
				yes(f.Name)
			}
		case "x-ms-exchange-organization-scl":
			if n, err := strconv.Atoi(v); err == nil && n >= 5 {
				yes(f.Name)
			}
		case "x-yandex-spam":
			if n, err := strconv.Atoi(v); err == nil && n >= 4 {
				yes(f.Name)
			}
		case "x-mailru-spam", "x-mru-spam":
			if v == "yes" || v == "1" {
				yes(f.Name)
			}
		}
	}
	return s
}

// Disowned tells whether the server that took the letter in found that its sender's domain forbids it (DMARC). Only the topmost
// verdict counts: those below came with the letter and may be its own words.
func (l *Letter) Disowned() bool {
	for _, v := range l.Header.All("Authentication-Results") {
		return dmarcFailed.MatchString(v)
	}
	return false
}

var dmarcFailed = regexp.MustCompile(`(?i)\bdmarc\s*=\s*fail\b`)
