package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"opeka/internal/web/mailin"
)

// openMail makes the door for mail servers; nil when it isn't asked for. It listens when the program starts.
func (a *App) openMail(c Config) (*mailin.Door, error) {
	if len(c.MailListen) == 0 {
		return nil, nil
	}
	o := mailin.Options{Listen: c.MailListen, Host: c.MailHost, Room: a.Post, Now: a.DB.Now, Log: a.Log}
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
