package rtp

import (
	"encoding/binary"
	"strings"
)

// eventKeys are the keys in the order of their numbers in RFC 4733.
const eventKeys = "0123456789*#ABCD"

// keyIn makes keys of telephone events. A press comes as many packets with one timestamp, the last of them three times and marked as the
// end; any of them may be missing. So a press is told from the next by its timestamp, and counts with the first packet that comes of it,
// whose duration may well be 0.
type keyIn struct {
	any, ended bool
	ts         uint32
	event      byte
	duration   uint16
}

// take returns the key that a packet begins, else 0.
func (k *keyIn) take(ts uint32, payload []byte) rune {
	if len(payload) < 4 || int(payload[0]) >= len(eventKeys) {
		return 0
	}
	event, ended, duration := payload[0], payload[1]&0x80 != 0, binary.BigEndian.Uint16(payload[2:])
	if k.any {
		ahead := int32(ts - k.ts)
		switch {
		case ahead == 0 && event == k.event:
			k.ended = k.ended || ended
			k.duration = max(k.duration, duration)
			return 0
		case ahead < 0 && ahead > -5*8000:
			return 0 // of a press before
		case !k.ended && event == k.event && ahead > 0 && ahead <= int32(k.duration)+400:
			// A long press goes on under a new timestamp, and some phones move the timestamp with each packet.
			k.ts, k.duration, k.ended = ts, duration, ended
			return 0
		}
	}
	*k = keyIn{true, ended, ts, event, duration}
	return rune(eventKeys[event])
}

// keyOut sends keys, a packet of them per tick.
type keyOut struct {
	waiting []rune
	event   byte
	tick    int // of the present key or pause
	state   byte
	ts      uint32
}

// Times of keys that are sent: each is heard for 100 ms, and the next comes 80 ms later. A comma is a pause of a second.
const (
	pressTicks = 5
	gapTicks   = 4
	pauseTicks = 50
)

const (
	pressing = 1 + iota
	resting
	pausing
)

// next moves on by a tick, and tells whether a key is down in it.
func (k *keyOut) next(ts uint32) (down bool) {
	switch k.state {
	case pressing:
		if k.tick++; k.tick < pressTicks {
			return true
		}
		k.state, k.tick = resting, 0
		return false
	case resting:
		if k.tick++; k.tick < gapTicks {
			return false
		}
	case pausing:
		if k.tick++; k.tick < pauseTicks {
			return false
		}
	}
	k.state, k.tick = 0, 0
	if len(k.waiting) == 0 {
		return false
	}
	key := k.waiting[0]
	k.waiting = k.waiting[1:]
	if key == ',' {
		k.state = pausing
		return false
	}
	k.state, k.ts, k.event = pressing, ts, byte(strings.IndexRune(eventKeys, key))
	return true
}

func (k *keyOut) last() bool { return k.tick == pressTicks-1 }

// payload is the event as it stands in this tick.
func (k *keyOut) payload() (b [4]byte) {
	b[0], b[1] = k.event, 10 // -10 dBm0
	if k.last() {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16((k.tick+1)*160))
	return b
}
