package sip

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/sound/g711"
)

// What the choices of the form are called.
const (
	modeRegister = "register" // we sign in, and are called where we signed in from
	modeIP       = "ip"       // both sides know each other's address

	srtpOff      = "off"
	srtpOptional = "optional" // offered, and done without where it is refused
	srtpRequired = "required"

	formatE164     = "e164"     // +380441234567
	formatPlain    = "plain"    // 380441234567
	formatZeros    = "zeros"    // 00380441234567
	formatNational = "national" // 0441234567, and 00... abroad

	callerFrom     = "from"     // From is the caller's number
	callerAsserted = "asserted" // From is our account, P-Asserted-Identity the caller's number: what 3CX and others insist on
	callerBoth     = "both"

	dtmfAuto   = "auto"
	dtmfEvents = "rfc4733"
	dtmfInfo   = "info"
	dtmfTones  = "tones"
)

// settings are a trunk's, checked.
type settings struct {
	mode           string
	server         address
	proxy          address // next hop of everything; the server where there is none
	domain         string
	user, authUser string
	password       string
	transport      string // UDP, TCP, TLS
	srtp           string
	callerID       string
	callerIn       string
	numbers        []string
	allowed        []netip.Prefix
	format         string
	country        string
	nationalPrefix string
	dialPrefix     string
	dtmf           string
	laws           []g711.Law
	maxCalls       int
	keepalive      time.Duration
	session        time.Duration
	registration   time.Duration
	transfers      bool
	certificates   []*x509.Certificate
}

// address is a host with a port; port 0 leaves it to DNS and the transport's own.
type address struct {
	host string
	port int
}

func (a address) empty() bool { return a.host == "" }

func (a address) String() string {
	if a.port == 0 {
		return a.host
	}
	return net.JoinHostPort(a.host, strconv.Itoa(a.port))
}

// hop is the address as a destination.
func (a address) hop(transport string) string {
	port := a.port
	if port == 0 {
		port = defaultPort(transport)
	}
	return net.JoinHostPort(a.host, strconv.Itoa(port))
}

func defaultPort(transport string) int {
	if transport == "TLS" {
		return 5061
	}
	return 5060
}

// form is how the settings are kept: numbers and switches may come as text.
type form map[string]any

func (f form) text(name string) string {
	switch v := f[name].(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (f form) choice(name, def string, choices ...string) (string, error) {
	v := strings.ToLower(f.text(name))
	if v == "" {
		return def, nil
	}
	for _, c := range choices {
		if v == c {
			return c, nil
		}
	}
	return "", care.Invalid(name, "value_invalid")
}

func (f form) number(name string, def, low, high int) (int, error) {
	v := f.text(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		return 0, care.Invalid(name, "value_invalid")
	}
	return n, nil
}

func readSettings(c care.Connection) (s settings, err error) {
	f, secret := form{}, form{}
	if len(c.Settings) > 0 && json.Unmarshal(c.Settings, &f) != nil {
		return s, care.Invalid("settings", "value_invalid")
	}
	if len(c.Secrets) > 0 && json.Unmarshal(c.Secrets, &secret) != nil {
		return s, care.Invalid("secrets", "value_invalid")
	}
	if err := s.peer(f, secret.text("password")); err != nil {
		return s, err
	}
	if err := s.numbering(f); err != nil {
		return s, err
	}
	return s, s.calls(f)
}

// peer reads where the trunk goes and as whom.
func (s *settings) peer(f form, password string) (err error) {
	if s.mode, err = f.choice("mode", modeRegister, modeRegister, modeIP); err != nil {
		return err
	}
	if s.transport, err = f.choice("transport", "udp", "udp", "tcp", "tls"); err != nil {
		return err
	}
	s.transport = strings.ToUpper(s.transport)
	if s.server, err = parseAddress("server", f.text("server")); err != nil {
		return err
	}
	if s.server.empty() {
		return care.Invalid("server", "required")
	}
	if s.proxy, err = parseAddress("proxy", f.text("proxy")); err != nil {
		return err
	}
	if s.domain = f.text("domain"); s.domain == "" {
		s.domain = s.server.host
	}
	s.user, s.authUser, s.password = f.text("user"), f.text("auth_user"), password
	if s.authUser == "" {
		s.authUser = s.user
	}
	if s.mode == modeRegister && s.user == "" {
		return care.Invalid("user", "required")
	}
	if !plain(s.user) {
		return care.Invalid("user", "value_invalid")
	}
	if !plain(s.domain) {
		return care.Invalid("domain", "value_invalid")
	}
	for _, p := range list(f.text("allowed")) {
		network, err := netip.ParsePrefix(p)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(p); err == nil {
				network = netip.PrefixFrom(ip, ip.BitLen())
			}
		}
		if err != nil {
			return care.Invalid("allowed", "value_invalid")
		}
		s.allowed = append(s.allowed, network.Masked())
	}
	for rest := []byte(f.text("tls_certificate")); len(strings.TrimSpace(string(rest))) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return care.Invalid("tls_certificate", "value_invalid")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return care.Invalid("tls_certificate", "value_invalid")
		}
		s.certificates = append(s.certificates, certificate)
	}
	return nil
}

// numbering reads how numbers are written.
func (s *settings) numbering(f form) (err error) {
	if s.format, err = f.choice("number_format", formatE164, formatE164, formatPlain, formatZeros, formatNational); err != nil {
		return err
	}
	if s.callerIn, err = f.choice("caller_in", callerFrom, callerFrom, callerAsserted, callerBoth); err != nil {
		return err
	}
	for name, into := range map[string]*string{"country_code": &s.country, "national_prefix": &s.nationalPrefix, "dial_prefix": &s.dialPrefix} {
		v := strings.TrimPrefix(f.text(name), "+")
		if len(v) > 8 || strings.Trim(v, "0123456789*#") != "" {
			return care.Invalid(name, "value_invalid")
		}
		*into = v
	}
	if s.format == formatNational && s.country == "" {
		return care.Invalid("country_code", "required")
	}
	if s.nationalPrefix == "" && s.format == formatNational {
		s.nationalPrefix = "0"
	}
	s.callerID = s.e164(f.text("caller_id"))
	if s.callerID != "" && !dialable(s.callerID) {
		return care.Invalid("caller_id", "value_invalid")
	}
	for _, n := range list(f.text("numbers")) {
		s.numbers = append(s.numbers, s.e164(n))
	}
	return nil
}

// calls reads how calls are made.
func (s *settings) calls(f form) (err error) {
	if s.srtp, err = f.choice("srtp", srtpOff, srtpOff, srtpOptional, srtpRequired); err != nil {
		return err
	}
	if s.dtmf, err = f.choice("dtmf", dtmfAuto, dtmfAuto, dtmfEvents, dtmfInfo, dtmfTones); err != nil {
		return err
	}
	laws := map[string]g711.Law{"pcma": g711.A, "pcmu": g711.Mu}
	for _, name := range list(strings.ToLower(f.text("codecs"))) {
		law, known := laws[name]
		if !known {
			return care.Invalid("codecs", "value_invalid")
		}
		s.laws = append(s.laws, law)
	}
	if s.maxCalls, err = f.number("max_calls", 30, 1, 1000); err != nil {
		return err
	}
	keepalive, err := f.number("keepalive", 30, 0, 3600)
	if err != nil {
		return err
	}
	session, err := f.number("session", 1800, 0, 86400)
	if err != nil || session != 0 && session < 90 {
		return care.Invalid("session", "value_invalid")
	}
	s.keepalive, s.session, s.registration = time.Duration(keepalive)*time.Second, time.Duration(session)*time.Second, 5*time.Minute
	s.transfers = f.text("transfers") == "true"
	return nil
}

// parseAddress reads host, host:port, or a sip: address somebody pasted.
func parseAddress(field, v string) (a address, err error) {
	v = strings.TrimPrefix(strings.TrimPrefix(v, "sips:"), "sip:")
	if v == "" {
		return a, nil
	}
	v, _, _ = strings.Cut(v, ";")
	if ip, err := netip.ParseAddr(v); err == nil {
		return address{host: ip.String()}, nil
	}
	a.host = v
	if host, port, err := net.SplitHostPort(v); err == nil {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return a, care.Invalid(field, "value_invalid")
		}
		a = address{host, n}
	}
	if !plain(a.host) || strings.ContainsAny(a.host, "/@") {
		return a, care.Invalid(field, "value_invalid")
	}
	return a, nil
}

// plain tells that a word can stand in a SIP address without breaking it.
func plain(s string) bool {
	for _, r := range s {
		if r <= ' ' || r > '~' || strings.ContainsRune(`<>"@;,?`, r) {
			return false
		}
	}
	return true
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' || r == '\r' })
}
