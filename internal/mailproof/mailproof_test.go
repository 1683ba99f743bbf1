package mailproof

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// names is a DNS of the test's; what isn't in it isn't there, and a name with an empty answer doesn't answer.
type names map[string][]string

func (n names) look(kind, name string) ([]string, error) {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	found, ok := n[kind+" "+name]
	switch {
	case !ok:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case len(found) == 0:
		return nil, &net.DNSError{Err: "no answer", Name: name, IsTimeout: true, IsTemporary: true}
	}
	return found, nil
}

func (n names) LookupTXT(_ context.Context, name string) ([]string, error) {
	return n.look("TXT", name)
}

func (n names) LookupMX(_ context.Context, name string) (out []*net.MX, err error) {
	found, err := n.look("MX", name)
	for _, f := range found {
		out = append(out, &net.MX{Host: f})
	}
	return out, err
}

func (n names) LookupIPAddr(_ context.Context, name string) (out []net.IPAddr, err error) {
	found, err := n.look("A", name)
	for _, f := range found {
		out = append(out, net.IPAddr{IP: net.ParseIP(f)})
	}
	return out, err
}

func (n names) LookupAddr(_ context.Context, a string) ([]string, error) { return n.look("PTR", a) }

func sign(t *testing.T, key crypto.Signer, domain, letter string) string {
	t.Helper()
	var b bytes.Buffer
	if err := dkim.Sign(&b, strings.NewReader(letter), &dkim.SignOptions{Domain: domain, Selector: "s", Signer: key}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestIsALetterFromWhomItSays(t *testing.T) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := ed25519.GenerateKey(rand.Reader)
	record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	dns := names{
		"TXT s._domainkey.strict.example": {record}, "TXT s._domainkey.mail.strict.example": {record}, "TXT s._domainkey.list.example": {record},
		"TXT _dmarc.strict.example": {"v=DMARC1; p=reject"}, "TXT strict.example": {"v=spf1 ip4:192.0.2.1 -all"},
		"TXT _dmarc.exact.example": {"v=DMARC1; p=none; adkim=s; aspf=s"}, "TXT s._domainkey.mail.exact.example": {record}, "TXT mail.exact.example": {"v=spf1 ip4:192.0.2.1 -all"},
		"TXT _dmarc.silent.example": {}, "TXT s._domainkey.silent.example": {},
		"TXT _dmarc.lost.example": {"v=DMARC1; p=reject"}, "TXT s._domainkey.lost.example": {}, "TXT lost.example": {"v=spf1 -all"},
		"TXT list.example": {"v=spf1 ip4:192.0.2.9 -all"}, "TXT plain.example": {"v=spf1 -all"},
		"TXT _dmarc.garbled.example": {"v=DMARC1; this is none"},
	}
	letter := func(from string) string {
		return "From: " + from + "\r\nTo: help@shop.example\r\nSubject: Hi\r\n\r\nWhere is my order?\r\n"
	}
	theirs := net.ParseIP("192.0.2.1")
	for name, c := range map[string]struct {
		raw, envelope string
		ip            net.IP
		want          Verdict
	}{
		"signed by its domain":              {sign(t, key, "strict.example", letter("o@strict.example")), "x@elsewhere.example", nil, Proven},
		"signed by a part of its domain":    {sign(t, key, "mail.strict.example", letter("o@strict.example")), "", nil, Proven},
		"from a part, the whole signs":      {sign(t, key, "strict.example", letter("o@news.strict.example")), "", nil, Proven},
		"sent by its server":                {letter("o@strict.example"), "bounces@strict.example", theirs, Proven},
		"neither":                           {letter("o@strict.example"), "o@strict.example", net.ParseIP("203.0.113.7"), Denied},
		"signed by another":                 {sign(t, key, "list.example", letter("o@strict.example")), "o@list.example", net.ParseIP("192.0.2.9"), Denied},
		"a stranger's server says its name": {letter("o@strict.example"), "o@list.example", net.ParseIP("192.0.2.9"), Denied},
		"changed on the way":                {strings.Replace(sign(t, key, "strict.example", letter("o@strict.example")), "Where", "There", 1), "", nil, Denied},
		"another key":                       {sign(t, other, "strict.example", letter("o@strict.example")), "", nil, Denied},
		"strict alignment, a part signs":    {sign(t, key, "mail.exact.example", letter("o@exact.example")), "o@mail.exact.example", theirs, Denied},
		"the domain says nothing":           {letter("o@plain.example"), "o@plain.example", theirs, Unknown},
		"a record that can't be read":       {letter("o@garbled.example"), "o@garbled.example", theirs, Unknown},
		"no DNS for the policy":             {letter("o@silent.example"), "o@silent.example", theirs, Unknown},
		"no DNS for the key":                {sign(t, key, "lost.example", letter("o@lost.example")), "o@elsewhere.example", theirs, Unknown},
		"two senders":                       {"From: boss@strict.example\r\n" + sign(t, key, "strict.example", letter("o@strict.example")), "", nil, Denied},
		"no sender":                         {"Subject: x\r\n\r\nx\r\n", "", theirs, Unknown},
	} {
		got := Prove(t.Context(), dns, "mx.shop.example", Evidence{Raw: []byte(c.raw), From: c.envelope, Helo: "mail.example", IP: c.ip})
		if got.Verdict != c.want {
			t.Errorf("%s: %s, not %q", name, got, c.want)
		}
		server, read := ReadField(got.Field, "o@strict.example")
		if server != "mx.shop.example" || c.want != Unknown && read != c.want {
			t.Errorf("%s: %q is read as %q of %q", name, got.Field, read, server)
		}
	}
}

func TestWhatServersWriteIsRead(t *testing.T) {
	for field, want := range map[string]string{
		"mx.google.com; dkim=pass header.i=@example.com header.s=a; spf=pass smtp.mailfrom=o@example.com; dmarc=pass (p=REJECT) header.from=example.com":       "mx.google.com pass",
		"mx.google.com; dkim=pass header.i=@evil.example; spf=pass smtp.mailfrom=x@evil.example; dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=example.com": "mx.google.com fail",
		"mx.shop.example; dkim=pass header.d=example.com header.s=a":                                                                                           "mx.shop.example pass",
		"mx.shop.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example":                                                                "mx.shop.example ",
		"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dkim=pass (signature was verified) header.d=example.com;dmarc=pass action=none":          " pass",
		"mx.shop.example; none": "mx.shop.example ",
		"; ; =":                 " ",
		"":                      " ",
	} {
		server, v := ReadField(field, "o@example.com")
		if got := server + " " + string(v); got != want {
			t.Errorf("%q: %q, not %q", field, got, want)
		}
	}
}

func TestRecordsOfADomain(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	p := base64.StdEncoding.EncodeToString(der)
	d := Domain{Address: "help@shop.example", Server: "smtp.host.example", Selector: "opeka", Signs: "shop.example", Key: &key.PublicKey}
	look := func(dns names, d Domain) map[string]Record {
		out := map[string]Record{}
		for _, r := range Look(t.Context(), dns, d) {
			out[r.Kind] = r
		}
		return out
	}
	server := names{"A smtp.host.example": {"192.0.2.5"}}
	with := func(more names) names {
		out := names{}
		for _, n := range []names{server, more} {
			for k, v := range n {
				out[k] = v
			}
		}
		return out
	}

	r := look(server, d)
	if got := r["spf"]; got.State != RecordAdd || got.Name != "shop.example" || got.Want != "v=spf1 mx a:smtp.host.example ~all" {
		t.Errorf("%+v", got)
	}
	if got := r["dkim"]; got.State != RecordAdd || got.Name != "opeka._domainkey.shop.example" || got.Want != "v=DKIM1; k=rsa; p="+p {
		t.Errorf("%+v", got)
	}
	if got := r["dmarc"]; got.State != RecordAdd || got.Name != "_dmarc.shop.example" || got.Want != "v=DMARC1; p=none; rua=mailto:help@shop.example" {
		t.Errorf("%+v", got)
	}

	r = look(with(names{"TXT shop.example": {"google-site-verification=x", "v=spf1 ip4:192.0.2.0/24 -all"}, "TXT opeka._domainkey.shop.example": {"v=DKIM1; p=" + p[:40] + " " + p[40:]}, "TXT _dmarc.shop.example": {"v=DMARC1; p=reject"}}), d)
	for kind, got := range r {
		if got.State != RecordOK || got.Want != "" {
			t.Errorf("%s: %+v", kind, got)
		}
	}

	r = look(with(names{"TXT shop.example": {"v=spf1 include:other.example -all"}, "TXT other.example": {"v=spf1 ip4:198.51.100.1 -all"}, "TXT opeka._domainkey.shop.example": {"v=DKIM1; p=AAAA"}, "TXT _dmarc.shop.example": {"v=DMARC1; nonsense"}}), d)
	if got := r["spf"]; got.State != RecordChange || got.Want != "v=spf1 include:other.example a:smtp.host.example -all" {
		t.Errorf("%+v", got)
	}
	if r["dkim"].State != RecordChange || r["dmarc"].State != RecordChange {
		t.Errorf("%+v", r)
	}

	r = look(with(names{"TXT shop.example": {"v=spf1 include:other.example ~all", "v=spf1 mx -all"}}), d)
	if got := r["spf"]; got.State != RecordChange || got.Want != "v=spf1 include:other.example mx a:smtp.host.example -all" {
		t.Errorf("%+v", got)
	}
	google := d
	google.Server = "smtp.gmail.com"
	if got := look(server, google)["spf"]; got.Want != "v=spf1 mx include:_spf.google.com ~all" {
		t.Errorf("%+v", got)
	}
	if got := look(with(names{"TXT shop.example": {"v=spf1 include:_spf.google.com ~all"}}), google)["spf"]; got.State != RecordOK {
		t.Errorf("%+v", got)
	}
	for kind, got := range look(names{"TXT shop.example": {}, "TXT opeka._domainkey.shop.example": {}, "TXT _dmarc.shop.example": {}}, d) {
		if got.State != RecordUnknown {
			t.Errorf("%s without an answer: %+v", kind, got)
		}
	}
	if got := look(server, Domain{Address: "shop@gmail.com", Server: "smtp.gmail.com"}); len(got) != 0 {
		t.Errorf("a public domain: %+v", got)
	}
}

func FuzzReadField(f *testing.F) {
	f.Add("mx.google.com; dkim=pass header.i=@example.com; dmarc=pass", "o@example.com")
	f.Add("a/1; spf=pass (x (y)) reason=\"z\"", "@")
	f.Fuzz(func(t *testing.T, field, author string) {
		if _, v := ReadField(field, author); v == Proven && !strings.Contains(strings.ToLower(field), "pass") {
			t.Fatal(errors.New("proven by nothing"))
		}
	})
}
