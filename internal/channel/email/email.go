// Package email speaks with mailboxes: it reads them over IMAP and sends over SMTP, by password or OAuth2. A letter is handed over as it
// came, before anything in it is looked at; ReadRaw understands it afterwards. Of a letter that goes out it knows whether the server took it. It
// keeps nothing beside open connections and decides nothing: to which conversation a letter belongs is the inbox's matter.
package email

import (
	"cmp"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/mailproof"
	"opeka/internal/outgoing"
)

// Plug is the mail plug.
type Plug struct {
	roots    *x509.CertPool // of tests; nil: the system's
	resolver mailproof.Resolver
}

// New returns the plug.
func New() Plug { return Plug{resolver: net.DefaultResolver} }

// Name implements care.Plug.
func (Plug) Name() string { return "email" }

// Channel implements care.ChannelPlug.
func (Plug) Channel() string { return care.ChannelEmail }

// Fields implements care.Plug.
func (Plug) Fields() []care.Field {
	safety := []string{"tls", "starttls", "none"}
	return []care.Field{
		{Name: "address", Kind: "text", Required: true},
		{Name: "from_name", Kind: "text"},
		{Name: "aliases", Kind: "text"},
		{Name: "user", Kind: "text"},
		{Name: "auth", Kind: "choice", Choices: []string{"password", "oauth2"}, Default: "password"},
		{Name: "password", Kind: "secret"},
		{Name: "imap_host", Kind: "text"},
		{Name: "imap_port", Kind: "number", Default: "993"},
		{Name: "imap_safety", Kind: "choice", Choices: safety, Default: "tls"},
		{Name: "folders", Kind: "text", Default: "INBOX"},
		{Name: "history_days", Kind: "number", Default: "0"},
		{Name: "mark_seen", Kind: "bool"},
		{Name: "smtp_host", Kind: "text"},
		{Name: "smtp_port", Kind: "number", Default: "465"},
		{Name: "smtp_safety", Kind: "choice", Choices: safety, Default: "tls"},
		{Name: "reply_tags", Kind: "bool"},
		{Name: "signature", Kind: "text"},
		{Name: "oauth_token_url", Kind: "url"},
		{Name: "oauth_client_id", Kind: "text"},
		{Name: "oauth_client_secret", Kind: "secret"},
		{Name: "oauth_refresh_token", Kind: "secret"},
		{Name: "dkim_domain", Kind: "text"},
		{Name: "dkim_selector", Kind: "text"},
		{Name: "dkim_key", Kind: "secret"},
		{Name: "auth_server", Kind: "text"},
	}
}

type settings struct {
	Address      string `json:"address"`
	FromName     string `json:"from_name"`
	Aliases      string `json:"aliases"` // other addresses of the same mailbox
	User         string `json:"user"`    // empty: the address
	Auth         string `json:"auth"`
	IMAPHost     string `json:"imap_host"` // empty: nothing is fetched
	IMAPPort     int    `json:"imap_port"`
	IMAPSafety   string `json:"imap_safety"`
	Folders      string `json:"folders"`
	HistoryDays  int    `json:"history_days"`
	MarkSeen     bool   `json:"mark_seen"`
	SMTPHost     string `json:"smtp_host"` // empty: nothing is sent
	SMTPPort     int    `json:"smtp_port"`
	SMTPSafety   string `json:"smtp_safety"`
	ReplyTags    bool   `json:"reply_tags"` // the mailbox takes address+tag@host
	Signature    string `json:"signature"`
	TokenURL     string `json:"oauth_token_url"`
	ClientID     string `json:"oauth_client_id"`
	DKIMDomain   string `json:"dkim_domain"`
	DKIMSelector string `json:"dkim_selector"`
	AuthServer   string `json:"auth_server"` // whose Authentication-Results are believed
}

type secrets struct {
	Password     string `json:"password"`
	ClientSecret string `json:"oauth_client_secret"`
	RefreshToken string `json:"oauth_refresh_token"`
	DKIMKey      string `json:"dkim_key"`
}

// mailbox is a session with one mailbox.
type mailbox struct {
	settings
	secrets
	from    mail.Address
	own     []string // every address under which letters come, in lower case
	dkim    crypto.Signer
	roots   *x509.CertPool
	dns     mailproof.Resolver
	client  *http.Client
	dialing func(ctx context.Context, network, address string) (net.Conn, error)
	now     func() time.Time
	poll    time.Duration // between two looks where there is no IDLE, and for folders beside the first

	token tokens
	pool  pool
}

// OpenChannel implements care.ChannelPlug.
func (p Plug) OpenChannel(c care.Connection, client *http.Client) (care.Channel, error) {
	m := &mailbox{client: client, dialing: outgoing.Dial(client), roots: p.roots, dns: p.resolver, now: time.Now, poll: pollEvery}
	if err := json.Unmarshal(c.Settings, &m.settings); err != nil {
		return nil, care.Invalid("settings", "value_invalid")
	}
	if len(c.Secrets) > 0 {
		if err := json.Unmarshal(c.Secrets, &m.secrets); err != nil {
			return nil, care.Invalid("settings", "value_invalid")
		}
	}
	m.Address, m.IMAPHost, m.SMTPHost = strings.TrimSpace(m.Address), strings.TrimSpace(m.IMAPHost), strings.TrimSpace(m.SMTPHost)
	a, err := mail.ParseAddress(m.Address)
	if err != nil || a.Address != m.Address || !ascii(a.Address) {
		return nil, care.Invalid("address", "email_invalid")
	}
	if strings.ContainsAny(m.FromName, "\r\n") {
		return nil, care.Invalid("from_name", "value_invalid")
	}
	m.from = mail.Address{Name: m.FromName, Address: a.Address}
	m.own = []string{strings.ToLower(a.Address)}
	for _, alias := range strings.FieldsFunc(m.Aliases, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' }) {
		if !strings.Contains(alias, "@") {
			return nil, care.Invalid("aliases", "email_invalid")
		}
		m.own = append(m.own, strings.ToLower(alias))
	}
	m.User, m.Auth = cmp.Or(m.User, m.Address), cmp.Or(m.Auth, "password")
	m.IMAPPort, m.SMTPPort = cmp.Or(m.IMAPPort, 993), cmp.Or(m.SMTPPort, 465)
	m.IMAPSafety, m.SMTPSafety = cmp.Or(m.IMAPSafety, "tls"), cmp.Or(m.SMTPSafety, "tls")
	for field, port := range map[string]int{"imap_port": m.IMAPPort, "smtp_port": m.SMTPPort} {
		if port < 1 || port > 65535 {
			return nil, care.Invalid(field, "value_invalid")
		}
	}
	if m.HistoryDays < 0 || m.HistoryDays > 3650 {
		return nil, care.Invalid("history_days", "value_invalid")
	}
	if m.Auth == "oauth2" {
		for field, v := range map[string]string{"oauth_token_url": m.TokenURL, "oauth_client_id": m.ClientID, "oauth_refresh_token": m.RefreshToken} {
			if v == "" {
				return nil, care.Invalid(field, "required")
			}
		}
	}
	if m.DKIMKey != "" {
		if m.DKIMDomain == "" {
			m.DKIMDomain = m.from.Address[strings.LastIndexByte(m.from.Address, '@')+1:]
		}
		if m.DKIMSelector == "" {
			return nil, care.Invalid("dkim_selector", "required")
		}
		if m.dkim = signerOf(m.DKIMKey); m.dkim == nil {
			return nil, care.Invalid("dkim_key", "value_invalid")
		}
	}
	return m, nil
}

func ascii(s string) bool {
	for n := range len(s) {
		if s[n] <= ' ' || s[n] > '~' {
			return false
		}
	}
	return true
}

// signerOf reads a private key in PEM, RSA or Ed25519.
func signerOf(s string) crypto.Signer {
	b, _ := pem.Decode([]byte(strings.ReplaceAll(s, `\n`, "\n")))
	if b == nil {
		return nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(b.Bytes); err == nil {
		return k
	}
	k, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if err != nil {
		return nil
	}
	s2, _ := k.(crypto.Signer)
	return s2
}

// Can implements care.Channel.
func (m *mailbox) Can() care.ChannelAbilities {
	return care.ChannelAbilities{Inbound: true, HTML: true, Subject: true, Files: true, MaxFile: 20 << 20, MaxText: 200_000, Delivery: true, Unprompted: m.SMTPHost != ""}
}

// Takes implements care.Addressed.
func (m *mailbox) Takes(address string) bool { return m.isOwn(strings.ToLower(address)) }

// Letterhead implements care.Signed.
func (m *mailbox) Letterhead() (from, signature string) {
	from = m.from.Address
	if m.from.Name != "" {
		from = m.from.Name + " <" + m.from.Address + ">"
	}
	return from, m.Signature
}

// Test implements care.Channel: it logs in where it is to read and where it is to send.
func (m *mailbox) Test(ctx context.Context) (care.PeerInfo, error) {
	info := care.PeerInfo{Name: m.from.Address, URL: "mailto:" + m.from.Address}
	if m.IMAPHost == "" && m.SMTPHost == "" {
		return info, nil // letters are delivered to us, and nothing is sent
	}
	if m.IMAPHost != "" {
		c, err := m.dialIMAP(ctx, nil)
		if err != nil {
			return info, err
		}
		defer c.Close()
		for _, f := range m.folders() {
			if _, err := c.Select(f, readOnly).Wait(); err != nil {
				return info, care.Invalid("folders", "value_unknown", "value", f)
			}
		}
		info.Version = "IMAP"
	}
	if m.SMTPHost != "" {
		c, err := m.dialSMTP(ctx)
		if err != nil {
			return info, err
		}
		_ = c.Quit()
		info.Writable = true
	}
	if m.dns != nil {
		for _, r := range mailproof.Look(ctx, m.dns, m.domain()) {
			info.Records = append(info.Records, care.DNSRecord(r))
		}
	}
	return info, nil
}

// domain is what other servers judge our letters by.
func (m *mailbox) domain() mailproof.Domain {
	d := mailproof.Domain{Address: m.from.Address, Server: m.SMTPHost, Selector: m.DKIMSelector, Signs: m.DKIMDomain}
	if m.dkim != nil {
		d.Key = m.dkim.Public()
	}
	return d
}

// Close implements io.Closer.
func (m *mailbox) Close() error {
	m.pool.close()
	return nil
}

const dialWithin = 20 * time.Second

// connect opens a connection, with TLS when it begins so.
func (m *mailbox) connect(ctx context.Context, host string, port int, safety string) (net.Conn, *tls.Config, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	config := &tls.Config{ServerName: host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
	conn, err := m.dialing(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, nil, &care.TemporaryError{Cause: err}
	}
	if safety != "tls" {
		return conn, config, nil
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, nil, &care.TemporaryError{Cause: err}
	}
	return secure, config, nil
}

// tokens keeps the access token that a refresh token gave.
type tokens struct {
	mu    sync.Mutex
	value string
	until time.Time
}

// accessToken gives a token that is good for another minute at least.
func (m *mailbox) accessToken(ctx context.Context) (string, error) {
	m.token.mu.Lock()
	defer m.token.mu.Unlock()
	if m.token.value != "" && m.now().Add(time.Minute).Before(m.token.until) {
		return m.token.value, nil
	}
	value, lasts, err := refresh(ctx, m.client, m.TokenURL, m.ClientID, m.ClientSecret, m.RefreshToken)
	if err != nil {
		return "", err
	}
	m.token.value, m.token.until = value, m.now().Add(lasts)
	return value, nil
}

func (m *mailbox) forgetToken() {
	m.token.mu.Lock()
	defer m.token.mu.Unlock()
	m.token.value = ""
}

var errNoSMTP = errors.New("the mailbox has no server to send by")
