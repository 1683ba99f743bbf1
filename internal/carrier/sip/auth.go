package sip

import (
	"errors"
	"strings"
	"sync"

	wire "github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// login answers challenges with a name and password. It remembers them, so that the next request needs no second round.
type login struct {
	user, password string

	mu    sync.Mutex
	known map[string]*digest.Challenge // by the header that answers it: a server's and a proxy's may both be needed
	count map[string]int
}

var errRefused = errors.New("sip: name or password refused")

// challenged tells whether an answer asks for credentials.
func (l *login) challenged(res *wire.Response) bool {
	return res.StatusCode == 401 || res.StatusCode == 407
}

// answer puts credentials into a request anew. A challenge to credentials just given means that they are wrong, unless it says that they were only old.
func (l *login) answer(req *wire.Request, res *wire.Response) error {
	if l == nil || l.user == "" || l.password == "" {
		return errRefused
	}
	asks, header := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		asks, header = "Proxy-Authenticate", "Proxy-Authorization"
	}
	var best *digest.Challenge
	for _, h := range res.GetHeaders(asks) {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil {
			continue
		}
		for i := range c.QOP {
			c.QOP[i] = strings.TrimSpace(c.QOP[i])
		}
		c.Algorithm = strings.ToUpper(c.Algorithm)
		if digest.CanDigest(c) && (best == nil || best.Algorithm != "SHA-256" && c.Algorithm == "SHA-256") {
			best = c
		}
	}
	if best == nil {
		return errRefused
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known, l.count = map[string]*digest.Challenge{}, map[string]int{}
	}
	l.known[header], l.count[header] = best, 0
	return l.sign(req)
}

// ahead puts credentials into a request before anybody asks, when an earlier challenge is known.
func (l *login) ahead(req *wire.Request) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.sign(req)
}

func (l *login) sign(req *wire.Request) error {
	for header, challenge := range l.known {
		l.count[header]++
		c, err := digest.Digest(challenge, digest.Options{Method: string(req.Method), URI: req.Recipient.String(), Username: l.user, Password: l.password, Count: l.count[header]})
		if err != nil {
			return errors.Join(errRefused, err)
		}
		req.RemoveHeader(header)
		req.AppendHeader(wire.NewHeader(header, c.String()))
	}
	return nil
}

// stale tells whether a challenge says that our answer to the last one was right, only too late.
func stale(res *wire.Response) bool {
	for _, name := range []string{"WWW-Authenticate", "Proxy-Authenticate"} {
		if h := res.GetHeader(name); h != nil {
			if c, err := digest.ParseChallenge(h.Value()); err == nil && c.Stale {
				return true
			}
		}
	}
	return false
}
