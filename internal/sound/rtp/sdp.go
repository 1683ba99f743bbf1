package rtp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"opeka/internal/sound/g711"
)

// Direction is who may speak, as the one sees it who says so.
type Direction string

// The directions.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

func (d Direction) sends() bool    { return d == SendRecv || d == SendOnly }
func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

// answer is what one side may still do when the other says d.
func (d Direction) answer(own Direction) Direction {
	send, receive := own.sends() && d.receives(), own.receives() && d.sends()
	switch {
	case send && receive:
		return SendRecv
	case send:
		return SendOnly
	case receive:
		return RecvOnly
	}
	return Inactive
}

// Errors of agreeing.
var (
	ErrSDP     = errors.New("rtp: a description that can't be read")
	ErrNoAudio = errors.New("rtp: no sound that both sides know")
	ErrPlain   = errors.New("rtp: the other side doesn't encrypt")
)

// codec is a payload type with its law.
type codec struct {
	kind uint8
	law  g711.Law
}

// media is what one side says of its sound.
type media struct {
	index     int // of its line among the lines of the description
	proto     string
	addr      netip.AddrPort
	control   netip.AddrPort
	mux       bool
	codecs    []codec // in its order
	events    int     // -1: none
	direction Direction
	cryptos   []crypto
	lines     []section // all of them
}

func (m *media) secure() bool { return m.proto == "RTP/SAVP" }

// section is one m= line with what belongs to it; the first of a description, which has no such line, is for all.
type section struct {
	media, proto string
	port         int
	formats      []string
	address      string // of its c= line
	attributes   [][2]string
}

// split cuts a description into sections. It is lenient, as exchanges write what they like: what isn't for us need not be right. (The
// parser of the browsers' stack refuses offers that name fax.)
func split(b []byte) (all section, lines []section, err error) {
	if len(b) > maxSDP || !strings.HasPrefix(string(b), "v=0") {
		return all, nil, ErrSDP
	}
	at := &all
	for line := range strings.Lines(string(b)) {
		kind, value, ok := strings.Cut(strings.TrimRight(line, "\r\n \t"), "=")
		if !ok {
			continue
		}
		fields := strings.Fields(value)
		switch kind {
		case "m":
			if len(fields) < 4 || len(lines) == maxLines {
				return all, nil, fmt.Errorf("%w: the line m=%s", ErrSDP, value)
			}
			port, _, _ := strings.Cut(fields[1], "/")
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil {
				return all, nil, fmt.Errorf("%w: the port %s", ErrSDP, port)
			}
			lines = append(lines, section{media: fields[0], port: int(n), proto: fields[2], formats: fields[3:]})
			at = &lines[len(lines)-1]
		case "c":
			if len(fields) != 3 || fields[0] != "IN" {
				return all, nil, fmt.Errorf("%w: the address %s", ErrSDP, value)
			}
			at.address, _, _ = strings.Cut(fields[2], "/")
		case "a":
			key, value, _ := strings.Cut(value, ":")
			at.attributes = append(at.attributes, [2]string{strings.ToLower(key), value})
		}
	}
	return all, lines, nil
}

const (
	maxSDP   = 64 << 10
	maxLines = 32
)

// parse reads a description and finds its sound.
func parse(b []byte) (*media, error) {
	all, lines, err := split(b)
	if err != nil {
		return nil, err
	}
	for i, l := range lines {
		if l.media != "audio" || l.port == 0 || (l.proto != "RTP/AVP" && l.proto != "RTP/SAVP") {
			continue
		}
		m, err := parseMedia(all, l)
		if err != nil {
			return nil, err
		}
		m.index, m.proto, m.lines = i, l.proto, lines
		if len(m.codecs) == 0 {
			return nil, ErrNoAudio
		}
		if m.secure() && len(m.cryptos) == 0 {
			return nil, fmt.Errorf("%w: no key that can be used", ErrNoAudio)
		}
		return m, nil
	}
	return nil, ErrNoAudio
}

func parseMedia(all, l section) (*media, error) {
	m := &media{events: -1, direction: SendRecv}
	if err := m.address(all, l); err != nil {
		return nil, err
	}
	names := map[string]string{"0": "PCMU/8000", "8": "PCMA/8000"}
	for _, a := range all.attributes {
		m.directed(a[0])
	}
	for _, a := range l.attributes {
		m.directed(a[0])
		switch a[0] {
		case "rtpmap":
			if kind, name, ok := strings.Cut(a[1], " "); ok {
				names[kind] = strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(name)), "/1")
			}
		case "rtcp-mux":
			m.mux = true
		case "rtcp":
			m.controlled(a[1])
		case "crypto":
			if c, err := parseCrypto(a[1]); err == nil {
				m.cryptos = append(m.cryptos, c)
			}
		}
	}
	for _, f := range l.formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		switch names[f] {
		case "PCMA/8000":
			m.codecs = append(m.codecs, codec{uint8(n), g711.A})
		case "PCMU/8000":
			m.codecs = append(m.codecs, codec{uint8(n), g711.Mu})
		case "TELEPHONE-EVENT/8000":
			if m.events < 0 {
				m.events = int(n)
			}
		}
	}
	return m, nil
}

func (m *media) directed(key string) {
	switch d := Direction(key); d {
	case SendRecv, SendOnly, RecvOnly, Inactive:
		m.direction = d
	}
}

// address finds where the side wants its sound. An address of zeros is an old way to say hold.
func (m *media) address(all, l section) error {
	text := l.address
	if text == "" {
		text = all.address
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return fmt.Errorf("%w: the address %q", ErrSDP, text)
	}
	m.addr = netip.AddrPortFrom(ip.Unmap(), uint16(l.port))
	m.control = netip.AddrPortFrom(m.addr.Addr(), uint16(min(l.port+1, 65535)))
	return nil
}

func (m *media) controlled(value string) {
	fields := strings.Fields(value)
	if len(fields) == 0 {
		return
	}
	port, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil || port == 0 {
		return
	}
	ip := m.addr.Addr()
	if len(fields) == 4 {
		if a, err := netip.ParseAddr(fields[3]); err == nil {
			ip = a.Unmap()
		}
	}
	m.control = netip.AddrPortFrom(ip, uint16(port))
}

// describe writes our side. Lines of the offer that aren't ours are refused in an answer, each at its place.
type described struct {
	id, version uint64
	ip          netip.Addr
	port        int
	codecs      []codec
	events      int
	direction   Direction
	secure      bool
	cryptos     []crypto
	mux         bool
	offer       *media // that is answered; nil in an offer
}

func (d described) bytes() []byte {
	kind := "IP4"
	if d.ip.Is6() {
		kind = "IP6"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- %d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", d.id, d.version, kind, d.ip, kind, d.ip)
	if d.offer == nil {
		d.line(&b)
		return []byte(b.String())
	}
	for i, l := range d.offer.lines {
		if i == d.offer.index {
			d.line(&b)
		} else {
			fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", l.media, l.proto, strings.Join(l.formats, " "))
		}
	}
	return []byte(b.String())
}

func (d described) line(b *strings.Builder) {
	proto := "AVP"
	if d.secure {
		proto = "SAVP"
	}
	var formats, maps string
	add := func(kind uint8, name string) {
		formats += fmt.Sprintf(" %d", kind)
		maps += fmt.Sprintf("a=rtpmap:%d %s/8000\r\n", kind, name)
	}
	for _, c := range d.codecs {
		add(c.kind, c.law.String())
	}
	if d.events >= 0 {
		add(uint8(d.events), "telephone-event")
		maps += fmt.Sprintf("a=fmtp:%d 0-16\r\n", d.events)
	}
	fmt.Fprintf(b, "m=audio %d RTP/%s%s\r\n%sa=ptime:20\r\n", d.port, proto, formats, maps)
	for _, c := range d.cryptos {
		fmt.Fprintf(b, "a=crypto:%s\r\n", c)
	}
	if d.mux {
		b.WriteString("a=rtcp-mux\r\n")
	} else {
		fmt.Fprintf(b, "a=rtcp:%d\r\n", d.port+1)
	}
	fmt.Fprintf(b, "a=%s\r\n", d.direction)
}
