package post

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
)

// Envelope is what a mail server said about a letter when it handed it over.
type Envelope struct {
	From string   // empty: a report of a server
	To   []string // those addresses of the mailbox to which it came
	Helo string   // how the server calls itself
	IP   net.IP   // nil: by a socket of this machine
	By   string   // our name
	With string   // the protocol: ESMTP, ESMTPS, LMTP
	// Proof is what was found out about the sender, and Results the same as the field Authentication-Results has it; empty: nothing.
	Proof   string
	Results string
}

// Proofs.
const (
	ProofPass = "pass" // the sender's domain stands for the letter
	ProofFail = "fail" // the domain says that it isn't one of its letters
)

// rawFacts is what is known of a raw arrival beside its bytes.
type rawFacts struct {
	Proof string `json:"proof,omitempty"`
}

// judge gives a letter what its envelope proved.
func (f rawFacts) judge(a *care.Arrival) {
	if a.Mail == nil || f.Proof == "" {
		return
	}
	facts := *a.Mail
	switch {
	case f.Proof == ProofFail:
		facts.Proven, facts.Doubtful = false, true
		a.From = slices.Clone(a.From)
		for n := range a.From {
			a.From[n].Verified = false
		}
	case f.Proof == ProofPass && facts.Via == "":
		facts.Proven = true
	}
	a.Mail = &facts
}

// head is what is put before the letter: to whom it came and from where, as the last server on the way notes it.
func (e Envelope) head(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <%s>\r\n", printable(e.From))
	for _, to := range e.To {
		fmt.Fprintf(&b, "Delivered-To: %s\r\n", printable(to))
	}
	if e.Results != "" {
		fmt.Fprintf(&b, "Authentication-Results: %s\r\n", printable(e.Results))
	}
	from := printable(e.Helo)
	if e.IP != nil {
		from += " ([" + e.IP.String() + "])"
	}
	fmt.Fprintf(&b, "Received: from %s\r\n\tby %s with %s;\r\n\t%s\r\n", strings.TrimSpace(from), printable(e.By), e.With, now.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	return b.String()
}

// printable keeps what a peer said from becoming a line of its own.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) > 500 {
		s = s[:500]
	}
	return strings.ToValidUTF8(s, "")
}

// ReceiveMail takes a letter from a mail server. It returns when the letter is on disk; the same letter for the same addresses is kept once, however often
// the server brings it. A paused connection refuses with connection.paused: nothing that was taken may be left lying. It knows no scope.
func (p *Post) ReceiveMail(ctx context.Context, connection int64, e Envelope, raw []byte) (Pushed, error) {
	l, err := p.rawReader(ctx, connection, raw)
	if err != nil {
		return Pushed{}, err
	}
	if l.State == account.StatePaused {
		return Pushed{}, care.Conflict("connection.paused")
	}
	// The head is new each time that the letter is brought, so it isn't what the letter is known by.
	h := sha256.New()
	to := slices.Sorted(slices.Values(e.To))
	fmt.Fprintf(h, "%s\x00%s\x00", e.From, strings.Join(to, "\x00"))
	h.Write(raw)
	k, err := p.keepRaw(ctx, l, slices.Concat([]byte(e.head(p.db.Now())), bytes.TrimLeft(raw, "\r\n")), rawFacts{e.Proof}, "mail:"+hex.EncodeToString(h.Sum(nil)), "")
	return Pushed{Verdict: k.verdict, Duplicate: k.duplicate}, err
}
