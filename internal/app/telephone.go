package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"opeka/internal/care"
	"opeka/internal/carrier/sip"
)

// openSIP makes the stack of SIP of what the program was started with. It opens no port yet.
func openSIP(c Config, phones sip.PhoneBook, log *slog.Logger) (*sip.Stack, error) {
	o := sip.Options{Listen: c.SIPListen, Phones: phones, Log: log}
	if len(o.Listen) == 0 {
		o.Listen = []string{"127.0.0.1:5060"}
	}
	if c.SIPPublicIP != "" {
		ip, err := netip.ParseAddr(c.SIPPublicIP)
		if err != nil {
			return nil, fmt.Errorf("--sip-public-ip: %w", err)
		}
		o.PublicIP = ip
	}
	for _, n := range c.SIPLocal {
		network, err := netip.ParsePrefix(n)
		if err != nil {
			return nil, fmt.Errorf("--sip-local: %w", err)
		}
		o.Local = append(o.Local, network)
	}
	if c.SIPCert != "" {
		certificate, err := tls.LoadX509KeyPair(c.SIPCert, c.SIPKey)
		if err != nil {
			return nil, fmt.Errorf("--sip-certificate, --sip-key: %w", err)
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	if c.RTPPorts != "" {
		if _, err := fmt.Sscanf(c.RTPPorts, "%d-%d", &o.Ports.Low, &o.Ports.High); err != nil || o.Ports.High < o.Ports.Low+3 {
			return nil, fmt.Errorf("--rtp-ports must look like 10000-19999, got %q", c.RTPPorts)
		}
	}
	return sip.NewStack(o), nil
}

// handsets are the agents' own telephones as the stack of SIP asks for them: it is there before the room that knows them.
type handsets struct{ a *App }

func (h handsets) Password(name string) (string, bool) {
	if h.a.Phone == nil {
		return "", false
	}
	return h.a.Phone.Password(name)
}

func (h handsets) Calls(name string, l care.Line)    { h.a.Phone.FromHandset(name, l) }
func (h handsets) Registered(name string, here bool) { h.a.Phone.Registered(name, here) }

// doctorsPorts is the configuration with SIP on any free port of the same address.
func (x *examination) doctorsPorts() Config {
	c := x.c
	c.SIPListen, c.SIPCert = nil, ""
	for _, address := range x.c.SIPListen {
		address = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(address, "udp:"), "tcp:"), "tls:")
		if host, _, err := net.SplitHostPort(address); err == nil {
			c.SIPListen = []string{net.JoinHostPort(host, "0")}
			break
		}
	}
	return c
}
