package post

import (
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
)

func TestWhatAnEnvelopeProves(t *testing.T) {
	letter := func(via string) care.Arrival {
		return care.Arrival{Inbound: care.Inbound{From: []care.Identity{{Value: "o@example.com", Verified: true}}, Mail: &care.MailFacts{Via: via}}}
	}
	for name, c := range map[string]struct {
		proof, via                 string
		proven, doubtful, verified bool
	}{
		"nothing":               {"", "", false, false, true},
		"pass":                  {ProofPass, "", true, false, true},
		"pass, but forwarded":   {ProofPass, "boss@shop.example", false, false, true},
		"fail":                  {ProofFail, "", false, true, false},
		"a word that isn't one": {"maybe", "", false, false, true},
	} {
		given := letter(c.via)
		a := given
		rawFacts{c.proof}.judge(&a)
		if a.Mail.Proven != c.proven || a.Mail.Doubtful != c.doubtful || a.From[0].Verified != c.verified {
			t.Errorf("%s: %+v %+v", name, a.Mail, a.From)
		}
		if given.Mail.Proven || given.Mail.Doubtful || !given.From[0].Verified {
			t.Errorf("%s: what was given has changed", name)
		}
	}
}

// What a server says about a letter mustn't become a line of the letter's head.
func TestAnEnvelopeMakesNoLinesOfItsOwn(t *testing.T) {
	e := Envelope{From: "o@example.com>\r\nX-Evil: 1", To: []string{"help@shop.example\nX-Evil: 2"}, Helo: "a\r\n\r\nX-Evil: 3", By: "mx", With: "ESMTP", Results: "mx;\r\nX-Evil: 4"}
	for line := range strings.Lines(e.head(time.Unix(0, 0))) {
		if strings.HasPrefix(line, "X-Evil") || strings.TrimSpace(line) == "" {
			t.Errorf("%q", line)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add("o@example.com", "help@shop.example", "mail.example.com")
	f.Fuzz(func(t *testing.T, from, to, helo string) {
		head := Envelope{From: from, To: []string{to}, Helo: helo, By: "mx", With: "ESMTP"}.head(time.Unix(0, 0))
		if n := strings.Count(head, "\n"); n != 5 || strings.Contains(strings.ReplaceAll(head, "\r\n", ""), "\r") {
			t.Fatalf("%d lines: %q", n, head)
		}
	})
}
