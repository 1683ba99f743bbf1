package app

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"opeka/messages"
)

const telephone = "telephone"

// telephone tells whether SIP and sound have their ports, whether anybody outside can reach them there, and whether announcements can be spoken.
func (x *examination) telephone(lines bool) {
	if !lines {
		return
	}
	x.signalling()
	x.sound()
	x.browsers()
	x.voice()
	x.timeKept()
}

func (x *examination) signalling() {
	for _, address := range x.c.SIPListen {
		network, at := "udp", address
		for _, n := range []string{"udp", "tcp", "tls"} {
			if rest, ok := strings.CutPrefix(address, n+":"); ok && strings.Contains(rest, ":") {
				network, at = n, rest
			}
		}
		var err error
		var c interface{ Close() error }
		if network == "udp" {
			c, err = net.ListenPacket("udp", at)
		} else {
			c, err = net.Listen("tcp", at)
		}
		if err != nil {
			x.warn(telephone, "A running Opeka may have it; else stop what uses it, or choose another with --sip-listen.", "%s is taken: %v", address, err)
			continue
		}
		_ = c.Close()
		host, _, _ := net.SplitHostPort(at)
		if ip, perr := netip.ParseAddr(host); perr == nil && ip.IsLoopback() {
			x.warn(telephone, "Set --sip-listen 0.0.0.0:5060 unless the telephone system runs on this machine.", "%s is free, but reached from this machine alone", address)
			continue
		}
		if x.c.SIPPublicIP == "" && !publicAddress() {
			x.warn(telephone, "If the provider is on the internet: give the router's address with --sip-public-ip, and forward the SIP and RTP ports unchanged.", "%s is free, but this machine has private addresses only", address)
			continue
		}
		x.ok(telephone, "%s is free", address)
	}
}

// publicAddress tells whether the machine has an address that the internet knows.
func publicAddress() bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true // not known: no reason to warn
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() && !p.Addr().IsPrivate() {
			return true
		}
	}
	return false
}

// sound looks at the ports of calls' sound: two each.
func (x *examination) sound() {
	const what = "telephone's sound"
	low, high := 10000, 19999
	if x.c.RTPPorts != "" {
		if _, err := fmt.Sscanf(x.c.RTPPorts, "%d-%d", &low, &high); err != nil {
			x.fail(what, "Write --rtp-ports like 10000-19999.", err)
			return
		}
	}
	free, tried := 0, 0
	for port := low; port <= high && tried < 40; port += 2 {
		tried++
		if c, err := net.ListenPacket("udp", net.JoinHostPort("", strconv.Itoa(port))); err == nil {
			_ = c.Close()
			free++
		}
	}
	calls := (high - low + 1) / 2
	switch {
	case free == 0:
		x.warn(what, "Choose other ports with --rtp-ports, and let them through the firewall.", "UDP %d-%d: none of the first %d pairs is free", low, high, tried)
	case calls < 60:
		x.warn(what, "Widen --rtp-ports: each call takes two ports, four while it is handed on.", "UDP %d-%d has room for %d calls", low, high, calls)
	default:
		x.ok(what, "UDP %d-%d, room for %d calls", low, high, calls)
	}
}

// browsers looks at the port at which agents' browsers send and hear sound, and whether it is reached by the addresses that they are told.
func (x *examination) browsers() {
	const what = "sound of browsers"
	if x.c.PhoneListen == "" {
		x.warn(what, "Set --phone-listen :7480, unless all agents have telephones of their own.", "off: nobody can talk in the console")
		return
	}
	c, err := net.ListenPacket("udp", x.c.PhoneListen)
	if err != nil {
		x.warn(what, "A running Opeka may have it; else stop what uses it, or choose another with --phone-listen.", "UDP %s is taken: %v", x.c.PhoneListen, err)
		return
	}
	defer c.Close()
	host, port, _ := net.SplitHostPort(c.LocalAddr().String())
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		x.warn(what, "Set --phone-listen :7480, and let UDP 7480 through the firewall, unless agents work on this machine alone.", "UDP %s is free, but reached from this machine alone", x.c.PhoneListen)
		return
	}
	for _, ip := range x.c.PhoneIPs {
		if !heard(c, net.JoinHostPort(ip, port)) {
			x.warn(what, "Forward UDP "+port+" to this machine and let it through the firewall. Some routers don't lead back inside: then try a call from outside.", "a packet to %s:%s, which browsers are told, doesn't arrive here", ip, port)
			return
		}
	}
	x.ok(what, "UDP %s is free%s", x.c.PhoneListen, map[bool]string{true: " and reached by " + strings.Join(x.c.PhoneIPs, ", ")}[len(x.c.PhoneIPs) > 0])
}

// heard sends a packet to an address and tells whether it comes in.
func heard(c net.PacketConn, address string) bool {
	to, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return false
	}
	sender, err := net.ListenPacket("udp", ":0")
	if err != nil {
		return false
	}
	defer sender.Close()
	word := []byte(rand.Text())
	if _, err := sender.WriteTo(word, to); err != nil {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	for b := make([]byte, 100); ; {
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return false
		}
		if bytes.Equal(b[:n], word) {
			return true
		}
	}
}

// voice tells whether announcements that nobody has recorded can be spoken in the languages that callers are spoken to in.
func (x *examination) voice() {
	const what = "announcements"
	mend := "Install espeak-ng (Debian: apt install espeak-ng), or record all announcements in the console."
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		x.warn(what, mend, "espeak-ng isn't installed: callers hear recorded announcements and music only")
		return
	}
	var mute []string
	for _, l := range messages.Languages {
		cmd := exec.Command("espeak-ng", "-v", l, "--stdin", "--stdout")
		cmd.Stdin = strings.NewReader("1")
		if out, err := cmd.Output(); err != nil || len(out) < 100 {
			mute = append(mute, l)
		}
	}
	if len(mute) > 0 {
		x.warn(what, mend, "espeak-ng doesn't speak %s", strings.Join(mute, ", "))
		return
	}
	x.ok(what, "spoken by espeak-ng in %s", strings.Join(messages.Languages, ", "))
}

// timeKept tells whether the machine's clock is kept right: promised calls go by it.
func (x *examination) timeKept() {
	const unsynchronised = 5 // TIME_ERROR
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	switch {
	case err != nil: // containers may forbid the question
	case state == unsynchronised:
		x.warn("clock", "Let the machine keep time by NTP (Debian: apt install systemd-timesyncd): customers are rung at the time that they were told.", "nothing keeps this machine's clock right")
	default:
		x.ok("clock", "kept by NTP, within %v", (time.Duration(t.Esterror) * time.Microsecond).Round(time.Millisecond))
	}
}
