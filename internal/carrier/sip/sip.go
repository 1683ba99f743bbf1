// Package sip reaches the telephone network by SIP: providers' trunks, a shop's own telephone system, and agents' own telephones. It owns one
// stack per program (ports, transactions, dialogs) that all trunks share, and of each call everything until both sides have hung up: no
// call is ever left ringing or open at the other side. It never decides who is rung or who answers, it carries no call on to the network
// for anybody who calls in, and it keeps nothing.
package sip

import (
	"net/http"

	"opeka/internal/care"
)

// Name is the plug's key.
const Name = "sip"

// Plug makes trunks of connections, all on one stack.
type Plug struct{ stack *Stack }

// New returns the plug. Without a stack it describes and checks settings, and that is all.
func New(stack *Stack) Plug { return Plug{stack} }

// Name implements care.Plug.
func (Plug) Name() string { return Name }

// Fields implements care.Plug.
func (Plug) Fields() []care.Field {
	return []care.Field{
		{Name: "mode", Kind: "choice", Required: true, Choices: []string{modeRegister, modeIP}, Default: modeRegister},
		{Name: "server", Kind: "text", Required: true},
		{Name: "user", Kind: "text"},
		{Name: "password", Kind: "secret"},
		{Name: "caller_id", Kind: "text"},
		{Name: "country_code", Kind: "text"},
		{Name: "transport", Kind: "choice", Choices: []string{"udp", "tcp", "tls"}, Default: "udp"},
		{Name: "srtp", Kind: "choice", Choices: []string{srtpOff, srtpOptional, srtpRequired}, Default: srtpOff},
		{Name: "auth_user", Kind: "text"},
		{Name: "domain", Kind: "text"},
		{Name: "proxy", Kind: "text"},
		{Name: "numbers", Kind: "text"},
		{Name: "allowed", Kind: "text"},
		{Name: "number_format", Kind: "choice", Choices: []string{formatE164, formatPlain, formatZeros, formatNational}, Default: formatE164},
		{Name: "national_prefix", Kind: "text"},
		{Name: "dial_prefix", Kind: "text"},
		{Name: "caller_in", Kind: "choice", Choices: []string{callerFrom, callerAsserted, callerBoth}, Default: callerFrom},
		{Name: "dtmf", Kind: "choice", Choices: []string{dtmfAuto, dtmfEvents, dtmfInfo, dtmfTones}, Default: dtmfAuto},
		{Name: "codecs", Kind: "choice", Choices: []string{"pcma,pcmu", "pcmu,pcma", "pcma", "pcmu"}, Default: "pcma,pcmu"},
		{Name: "max_calls", Kind: "number", Default: "30"},
		{Name: "keepalive", Kind: "number", Default: "30"},
		{Name: "session", Kind: "number", Default: "1800"},
		{Name: "transfers", Kind: "bool"},
		{Name: "tls_certificate", Kind: "text"},
	}
}

// OpenTrunk implements care.CarrierPlug.
func (p Plug) OpenTrunk(c care.Connection, _ *http.Client) (care.Trunk, error) {
	set, err := readSettings(c)
	if err != nil {
		return nil, err
	}
	if p.stack == nil {
		return nil, care.Conflict("sip.off")
	}
	return newTrunk(p.stack, c, set), nil
}
