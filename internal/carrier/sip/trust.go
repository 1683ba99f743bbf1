package sip

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync"
)

// trust decides whose certificates are believed when we connect by TLS: those that the system's authorities vouch for under the name that
// was asked for, and those that a trunk's settings name. A telephone system in the shop's own network mostly has one that it made itself.
type trust struct {
	mu     sync.Mutex
	named  []*x509.Certificate
	system *x509.CertPool
}

func newTrust() *trust { return &trust{} }

func (t *trust) add(list []*x509.Certificate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range list {
		known := false
		for _, have := range t.named {
			known = known || have.Equal(c)
		}
		if !known {
			t.named = append(t.named, c)
		}
	}
}

// config is for connections that we make. The usual check is replaced by one that knows the trunks' certificates.
func (t *trust) config() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: t.verify, MinVersion: tls.VersionTLS12} //nolint:gosec // verify does it
}

func (t *trust) verify(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 {
		return errors.New("sip: the server shows no certificate")
	}
	leaf := c.PeerCertificates[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	named := x509.NewCertPool()
	for _, known := range t.named {
		if known.Equal(leaf) {
			return nil
		}
		named.AddCert(known)
	}
	o := x509.VerifyOptions{Roots: named, DNSName: c.ServerName, Intermediates: x509.NewCertPool()}
	for _, i := range c.PeerCertificates[1:] {
		o.Intermediates.AddCert(i)
	}
	if _, err := leaf.Verify(o); err == nil {
		return nil
	}
	if c.ServerName == "" {
		return errors.New("sip: a server reached by its number, not its name, must have its certificate in the trunk's settings")
	}
	if t.system == nil {
		var err error
		if t.system, err = x509.SystemCertPool(); err != nil {
			return err
		}
	}
	o.Roots = t.system
	_, err := leaf.Verify(o)
	return err
}
