package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/mailproof"
	"opeka/internal/web/mailin"
)

// openMail makes the door for mail servers; nil when it isn't asked for. It listens when the program starts.
func (a *App) openMail(c Config) (*mailin.Door, error) {
	if len(c.MailListen) == 0 {
		return nil, nil
	}
	o := mailin.Options{Listen: c.MailListen, Host: c.MailHost, Room: a.Post, Now: a.DB.Now, Log: a.Log,
		Prove: func(ctx context.Context, host string, e mailproof.Evidence) mailproof.Result {
			return mailproof.Prove(ctx, net.DefaultResolver, host, e)
		}}
	if c.MailCert != "" {
		keeper := &certificate{cert: c.MailCert, key: c.MailKey, log: a.Log}
		if _, err := keeper.get(nil); err != nil {
			return nil, fmt.Errorf("--mail-certificate, --mail-key: %w", err)
		}
		o.TLS = &tls.Config{GetCertificate: keeper.get, MinVersion: tls.VersionTLS12}
	}
	return mailin.New(o), nil
}

// certificate is one in files that are renewed while the program runs.
type certificate struct {
	cert, key string
	log       *slog.Logger
	mu        sync.Mutex
	have      *tls.Certificate
	of, asked time.Time
}

const lookAgain = time.Minute

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have != nil && time.Since(c.asked) < lookAgain {
		return c.have, nil
	}
	c.asked = time.Now()
	info, err := os.Stat(c.cert)
	if err == nil && c.have != nil && info.ModTime().Equal(c.of) {
		return c.have, nil
	}
	fresh, loadErr := tls.LoadX509KeyPair(c.cert, c.key)
	if err = errors.Join(err, loadErr); err != nil {
		if c.have == nil {
			return nil, err
		}
		c.log.Error("the renewed certificate for mail can't be read; the old one stays", "err", err)
		return c.have, nil
	}
	c.have, c.of = &fresh, info.ModTime()
	return c.have, nil
}

// records says which records of a domain are missing: without them letters are taken for spam, or for somebody else's.
func (x *examination) records(connection string, list []care.DNSRecord) {
	for _, r := range list {
		what := strings.ToUpper(r.Kind) + " of " + connection
		switch r.State {
		case mailproof.RecordOK:
			x.ok(what, "%s: %s", r.Name, r.Found)
		case mailproof.RecordAdd:
			x.warn(what, "Add a TXT record "+r.Name+" with the value: "+r.Want, "%s is missing: letters may be taken for spam", r.Name)
		case mailproof.RecordChange:
			x.warn(what, "Change the TXT record "+r.Name+" to: "+r.Want, "%s isn't right: %s", r.Name, strings.ReplaceAll(r.Found, "\n", " | "))
		default:
			x.warn(what, "Ask again when the DNS answers.", "%s couldn't be looked up", r.Name)
		}
	}
}
