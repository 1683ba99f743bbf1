package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"

	"opeka/internal/carrier/sip"
)

// openSIP makes the stack of SIP of what the program was started with. It opens no port yet.
func openSIP(c Config, log *slog.Logger) (*sip.Stack, error) {
	o := sip.Options{Listen: c.SIPListen, Log: log}
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
