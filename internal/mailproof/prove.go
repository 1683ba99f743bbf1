// Package mailproof finds out whether a letter is from whom it says (SPF, DKIM, DMARC), and whether a domain's records let a store's letters be
// believed. It asks the DNS, within a bounded time, and nobody else. It decides nothing: what follows from an answer is its callers' matter.
package mailproof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"

	"opeka/internal/text/letter"
)

// Resolver answers questions to the DNS; *net.Resolver does.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Verdict is whether a letter is from whom it says.
type Verdict string

// Verdicts.
const (
	Proven  Verdict = "pass" // the sender's domain stands for it
	Denied  Verdict = "fail" // the domain says how its letters can be known, and this isn't one
	Unknown Verdict = ""     // the domain says nothing, or the DNS didn't answer
)

// Evidence is what is known of a letter that a server of the outside hands over.
type Evidence struct {
	Raw  []byte
	From string // of the envelope; empty: a report
	Helo string
	IP   net.IP
}

// Result is what was found out.
type Result struct {
	Verdict Verdict
	Field   string // the value of the field Authentication-Results
}

// proveWithin bounds what is asked about one letter: its server waits.
const proveWithin = 5 * time.Second

const maxSignatures = 5

// Prove looks at a letter as the first server of its receiver. host is our name.
func Prove(ctx context.Context, r Resolver, host string, e Evidence) Result {
	ctx, cancel := context.WithTimeout(ctx, proveWithin)
	defer cancel()
	h := letter.HeadOf(e.Raw)
	from := letter.SenderOf(e.Raw)
	author := domainOf(from)
	single := len(h.All("From")) == 1

	spfResult, spfDomain := checkSPF(ctx, r, e)
	results := []authres.Result{&authres.SPFResult{Value: spfResult, From: e.From, Helo: e.Helo}}
	aligned, answered := false, true // whether something that stands for the author's domain holds; whether the DNS said all that was asked
	policy, err := policyOf(ctx, r, author)
	if err != nil {
		answered = false
	}
	if spfResult == authres.ResultPass && match(spfDomain, author, policy.strictSPF) {
		aligned = true
	}
	if spfResult == authres.ResultTempError {
		answered = false
	}
	for _, s := range signatures(ctx, r, e.Raw) {
		results = append(results, &authres.DKIMResult{Value: s.value, Domain: s.domain, Identifier: s.identifier})
		if s.value == authres.ResultPass && match(s.domain, author, policy.strictDKIM) {
			aligned = true
		}
		if s.value == authres.ResultTempError {
			answered = false
		}
	}
	verdict, said := Unknown, authres.ResultNone
	switch {
	case author == "" || !single: // who writes two senders has something to hide
		if policy.found || !single && author != "" {
			verdict, said = Denied, authres.ResultFail
		}
	case aligned:
		verdict, said = Proven, authres.ResultPass
	case !policy.found: // nothing says how its letters are known
		if !answered {
			said = authres.ResultTempError
		}
	case !answered:
		said = authres.ResultTempError
	default:
		verdict, said = Denied, authres.ResultFail
	}
	results = append(results, &authres.DMARCResult{Value: said, From: author})
	return Result{verdict, authres.Format(host, results)}
}

// domainOf is the part of an address behind its @, in lower case.
func domainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(address[at+1:]), ".")
}

// organisation is the domain that somebody has registered, under which all of its hosts are.
func organisation(domain string) string {
	if o, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return o
	}
	return domain
}

// match tells whether a domain that was proven stands for the author's.
func match(proven, author string, strict bool) bool {
	proven = strings.TrimSuffix(strings.ToLower(proven), ".")
	if proven == "" || author == "" {
		return false
	}
	return proven == author || !strict && organisation(proven) == organisation(author)
}

func checkSPF(ctx context.Context, r Resolver, e Evidence) (authres.ResultValue, string) {
	if e.IP == nil {
		return authres.ResultNone, ""
	}
	domain := domainOf(e.From)
	if domain == "" { // a report of a server speaks for its host
		domain = strings.ToLower(e.Helo)
	}
	result, _ := spf.CheckHostWithSender(e.IP, e.Helo, e.From, spf.WithResolver(r), spf.WithContext(ctx))
	switch result {
	case spf.Pass:
		return authres.ResultPass, domain
	case spf.Fail:
		return authres.ResultFail, domain
	case spf.SoftFail:
		return authres.ResultSoftFail, domain
	case spf.Neutral:
		return authres.ResultNeutral, domain
	case spf.TempError:
		return authres.ResultTempError, domain
	case spf.PermError:
		return authres.ResultPermError, domain
	}
	return authres.ResultNone, domain
}

type signature struct {
	value              authres.ResultValue
	domain, identifier string
}

func signatures(ctx context.Context, r Resolver, raw []byte) (out []signature) {
	if !letter.HeadOf(raw).Has("DKIM-Signature") {
		return nil
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{MaxVerifications: maxSignatures,
		LookupTXT: func(name string) ([]string, error) { return r.LookupTXT(ctx, name) }})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return nil
	}
	for _, v := range found {
		s := signature{authres.ResultPass, v.Domain, v.Identifier}
		switch {
		case v.Err == nil:
		case dkim.IsTempFail(v.Err):
			s.value = authres.ResultTempError
		case dkim.IsPermFail(v.Err):
			s.value = authres.ResultPermError
		default:
			s.value = authres.ResultFail
		}
		out = append(out, s)
	}
	return out
}

// policy is what a domain says of letters in its name.
type policy struct {
	found                 bool
	strictDKIM, strictSPF bool
	record                string
	p                     dmarc.Policy
}

// policyOf reads the DMARC record that holds for a domain: its own, or its organisation's. An error means that the DNS didn't answer.
func policyOf(ctx context.Context, r Resolver, domain string) (policy, error) {
	if domain == "" {
		return policy{}, nil
	}
	names := []string{domain}
	if o := organisation(domain); o != domain {
		names = append(names, o)
	}
	for _, name := range names {
		txts, err := r.LookupTXT(ctx, "_dmarc."+name)
		if err != nil {
			if missing(err) {
				continue
			}
			return policy{}, err
		}
		for _, txt := range txts {
			record, err := dmarc.Parse(txt)
			if err != nil {
				continue // no record, or one that receivers must not act upon
			}
			return policy{true, record.DKIMAlignment == dmarc.AlignmentStrict, record.SPFAlignment == dmarc.AlignmentStrict, txt, record.Policy}, nil
		}
	}
	return policy{}, nil
}

// missing tells apart a name that isn't there from a DNS that doesn't answer.
func missing(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

// ReadField reads the field Authentication-Results of a server: its name, and what it found of DMARC. Servers that leave out DMARC but
// have seen that the author's own domain signed count as well.
func ReadField(value, author string) (server string, v Verdict) {
	nameless := false
	if first, _, _ := strings.Cut(value, ";"); strings.Contains(first, "=") { // Microsoft writes no name
		nameless, value = true, "nobody; "+value
	}
	server, results, err := authres.Parse(value)
	if err != nil {
		return "", Unknown
	}
	if nameless {
		server = ""
	}
	domain := domainOf(author)
	for _, r := range results {
		switch x := r.(type) {
		case *authres.DMARCResult:
			switch x.Value {
			case authres.ResultPass:
				return server, Proven
			case authres.ResultFail:
				return server, Denied
			}
		case *authres.DKIMResult:
			if x.Value == authres.ResultPass && (match(x.Domain, domain, false) || match(domainOf(x.Identifier), domain, false)) {
				v = Proven
			}
		}
	}
	return server, v
}

// String tells the result in one line.
func (r Result) String() string { return fmt.Sprintf("%s (%s)", r.Verdict, r.Field) }
