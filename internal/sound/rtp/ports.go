package rtp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
)

// Range is which UDP ports may be used: sound on the even ones, its reports on the odd ones above.
type Range struct{ Low, High uint16 }

// DefaultRange is what firewalls of telephone systems are usually opened for.
var DefaultRange = Range{10000, 19999}

// ErrNoPort means that all ports of the range are taken.
var ErrNoPort = errors.New("rtp: no free port")

// listen opens a pair of ports, beginning anywhere in the range.
func listen(ip netip.Addr, r Range) (data, control *net.UDPConn, err error) {
	if r == (Range{}) {
		r = DefaultRange
	}
	low := int(r.Low+1) &^ 1
	pairs := (int(r.High) - low + 1) / 2
	if pairs < 1 {
		return nil, nil, fmt.Errorf("%w: the range %d-%d holds none", ErrNoPort, r.Low, r.High)
	}
	first := rand.IntN(pairs)
	for i := range pairs {
		port := uint16(low + (first+i)%pairs*2)
		data, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
		if err != nil {
			continue
		}
		control, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port+1)))
		if err == nil {
			return data, control, nil
		}
		_ = data.Close()
	}
	return nil, nil, fmt.Errorf("%w of %d pairs: %w", ErrNoPort, pairs, err)
}
