package mailproof

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"blitiri.com.ar/go/spf"
)

// States of a record.
const (
	RecordOK      = "ok"
	RecordAdd     = "add"     // it isn't there: Want is to be added
	RecordChange  = "change"  // it is there and isn't right: Want is what it should be
	RecordUnknown = "unknown" // the DNS didn't answer
)

// Record is one that other servers look for when they get letters of a domain.
type Record struct {
	Kind  string `json:"kind" enum:"spf,dkim,dmarc"`
	Name  string `json:"name" doc:"Where it stands in the DNS"`
	State string `json:"state" enum:"ok,add,change,unknown"`
	Found string `json:"found" doc:"What stands there"`
	Want  string `json:"want" doc:"What should stand there; empty when all is well"`
}

// Domain is what letters of a mailbox come from.
type Domain struct {
	Address  string // of the sender
	Server   string // by which letters are sent; empty: none are
	Selector string // of our signature; empty: we don't sign
	Signs    string // the domain that signs
	Key      crypto.PublicKey
}

const lookWithin = 6 * time.Second

// Look checks the records that a domain needs so that its letters are believed. Domains that give addresses to everybody have none that a store
// could change: nothing is looked for.
func Look(ctx context.Context, r Resolver, d Domain) []Record {
	domain := domainOf(d.Address)
	if domain == "" || d.Server == "" || Public(domain) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	out := []Record{lookSPF(ctx, r, domain, d.Server)}
	if d.Key != nil && d.Selector != "" {
		out = append(out, lookDKIM(ctx, r, d))
	}
	return append(out, lookDMARC(ctx, r, domain, d.Address))
}

// includes are what the usual senders ask their customers to include.
var includes = map[string]string{
	"gmail.com": "_spf.google.com", "google.com": "_spf.google.com", "googlemail.com": "_spf.google.com", "office365.com": "spf.protection.outlook.com", "outlook.com": "spf.protection.outlook.com",
	"yandex.ru": "_spf.yandex.net", "yandex.com": "_spf.yandex.net", "yandex.net": "_spf.yandex.net", "mail.ru": "_spf.mail.ru", "zoho.com": "zoho.com", "zoho.eu": "zoho.eu", "sendgrid.net": "sendgrid.net",
	"mailgun.org": "mailgun.org", "mailjet.com": "spf.mailjet.com", "amazonaws.com": "amazonses.com", "postmarkapp.com": "spf.mtasv.net", "brevo.com": "spf.brevo.com", "sendinblue.com": "spf.sendinblue.com",
	"fastmail.com": "spf.messagingengine.com", "messagingengine.com": "spf.messagingengine.com", "mandrillapp.com": "spf.mandrillapp.com", "sparkpostmail.com": "_spf.sparkpostmail.com", "ovh.net": "mx.ovh.com",
	"unisender.com": "spf.unisender.com", "esputnik.com": "spf.esputnik.com", "smtp2go.com": "spf.smtp2go.com", "protonmail.ch": "_spf.protonmail.ch", "migadu.com": "spf.migadu.com",
}

// lookSPF asks whether the sending server may send in the domain's name.
func lookSPF(ctx context.Context, r Resolver, domain, server string) Record {
	out := Record{Kind: "spf", Name: domain, State: RecordUnknown}
	txts, err := r.LookupTXT(ctx, domain)
	if err != nil && !missing(err) {
		return out
	}
	term := "a:" + strings.ToLower(server)
	if include := includes[organisation(strings.ToLower(server))]; include != "" {
		term = "include:" + include
	}
	if ip := net.ParseIP(server); ip != nil {
		term = "ip6:" + server
		if ip.To4() != nil {
			term = "ip4:" + server
		}
	}
	var found []string
	for _, t := range txts {
		if f := strings.Fields(t); len(f) > 0 && strings.EqualFold(f[0], "v=spf1") {
			found = append(found, t)
		}
	}
	out.Found = strings.Join(found, "\n")
	switch {
	case len(found) == 0:
		out.State, out.Want = RecordAdd, "v=spf1 mx "+term+" ~all"
		return out
	case len(found) > 1: // receivers take that for an error: there must be one
		out.State, out.Want = RecordChange, with(join(found), term)
		return out
	}
	if slices.Contains(strings.Fields(strings.ToLower(found[0])), term) {
		out.State = RecordOK
		return out
	}
	ips, err := addressesOf(ctx, r, server)
	if err != nil && !missing(err) {
		return out
	}
	for _, ip := range ips {
		result, _ := spf.CheckHostWithSender(ip, server, "postmaster@"+domain, spf.WithResolver(r), spf.WithContext(ctx))
		switch result {
		case spf.Pass:
			out.State = RecordOK
			return out
		case spf.TempError:
			return out
		}
	}
	out.State, out.Want = RecordChange, with(found[0], term)
	return out
}

func addressesOf(ctx context.Context, r Resolver, host string) ([]net.IP, error) {
	if ip := net.ParseIP(host); ip != nil {
		return []net.IP{ip}, nil
	}
	found, err := r.LookupIPAddr(ctx, host)
	out := make([]net.IP, 0, len(found))
	for _, a := range found {
		out = append(out, a.IP)
	}
	return out, err
}

// with puts a term before the end of a record, which says what holds for all others.
func with(record, term string) string {
	words := strings.Fields(record)
	if slices.Contains(words, term) {
		return strings.Join(words, " ")
	}
	at := len(words)
	for n, w := range words {
		low := strings.ToLower(w)
		if strings.HasSuffix(low, "all") && len(low) <= 4 || strings.HasPrefix(low, "redirect=") {
			at = n
			break
		}
	}
	return strings.Join(slices.Insert(words, at, term), " ")
}

// join makes one record of several.
func join(records []string) string {
	words, end := []string{"v=spf1"}, "~all"
	for _, r := range records {
		for _, w := range strings.Fields(r)[1:] {
			switch low := strings.ToLower(w); {
			case strings.HasSuffix(low, "all") && len(low) <= 4:
				end = w
			case !slices.Contains(words, w):
				words = append(words, w)
			}
		}
	}
	return strings.Join(append(words, end), " ")
}

// lookDKIM compares the public key in the DNS with the key that we sign with.
func lookDKIM(ctx context.Context, r Resolver, d Domain) Record {
	out := Record{Kind: "dkim", Name: d.Selector + "._domainkey." + d.Signs, State: RecordUnknown}
	kind, key, err := publicKey(d.Key)
	if err != nil {
		return out
	}
	want := "v=DKIM1; k=" + kind + "; p=" + key
	txts, err := r.LookupTXT(ctx, out.Name)
	if err != nil && !missing(err) {
		return out
	}
	if len(txts) == 0 {
		out.State, out.Want = RecordAdd, want
		return out
	}
	out.Found = strings.Join(txts, "\n")
	for _, t := range txts {
		if tagOf(t, "p") == key {
			out.State = RecordOK
			return out
		}
	}
	out.State, out.Want = RecordChange, want
	return out
}

func publicKey(k crypto.PublicKey) (kind, key string, err error) {
	switch k := k.(type) {
	case ed25519.PublicKey:
		return "ed25519", base64.StdEncoding.EncodeToString(k), nil
	case *rsa.PublicKey:
		b, err := x509.MarshalPKIXPublicKey(k)
		return "rsa", base64.StdEncoding.EncodeToString(b), err
	}
	return "", "", errors.New("a kind of key that mail doesn't know")
}

// tagOf reads one tag of a record of the kind "a=1; b=2".
func tagOf(record, name string) string {
	for _, part := range strings.Split(record, ";") {
		if k, v, ok := strings.Cut(part, "="); ok && strings.TrimSpace(k) == name {
			return strings.Join(strings.Fields(v), "")
		}
	}
	return ""
}

func lookDMARC(ctx context.Context, r Resolver, domain, address string) Record {
	out := Record{Kind: "dmarc", Name: "_dmarc." + domain, State: RecordUnknown}
	p, err := policyOf(ctx, r, domain)
	if err != nil {
		return out
	}
	if p.found {
		out.State, out.Found = RecordOK, p.record
		return out
	}
	out.State, out.Want = RecordAdd, "v=DMARC1; p=none; rua=mailto:"+address
	if txts, err := r.LookupTXT(ctx, out.Name); err == nil && len(txts) > 0 { // it stands there and can't be read
		out.State, out.Found = RecordChange, strings.Join(txts, "\n")
	}
	return out
}

var public = []string{"gmail.com", "googlemail.com", "ukr.net", "i.ua", "meta.ua", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com", "mail.ru", "bk.ru", "list.ru", "inbox.ru", "yandex.ru", "yandex.ua",
	"ya.ru", "rambler.ru", "wp.pl", "onet.pl", "op.pl", "o2.pl", "interia.pl", "gazeta.pl", "proton.me", "protonmail.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "aol.com", "msn.com"}

// Public tells whether a domain gives addresses to everybody: who shares one has nothing else in common.
func Public(domain string) bool { return slices.Contains(public, strings.ToLower(domain)) }
