package rtp

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
)

// Receiver makes frames and keys of the packets of one speaker, wherever they come from: a telephone's port or a browser.
type Receiver struct {
	mu     sync.Mutex
	kinds  [128]kind
	jitter jitter
	keys   keyIn
	header rtp.Header
	pcm    [maxPayload]int16

	aside sound.Aside
	onKey func(key rune)

	seen     bool
	ssrc     uint32
	packets  uint64
	base     uint32 // the first sequence number, extended
	highest  uint32
	before   uint64 // expected of speakers before this one
	transit  int64
	jittered float64 // in samples, RFC 3550 6.4.1
	last     time.Time
	codec    uint8

	reported, reportedPackets uint64 // expected and come, at the last report
	loss                      float64
	senderReport              uint32 // middle of the time stamp of the far end's last report
	senderReportAt            time.Time
}

// kind is what the packets of a payload type carry.
type kind uint8

const (
	nothing kind = iota
	alaw
	mulaw
	event
)

const maxPayload = 1600 // 200 ms of G.711

// NewReceiver returns a receiver which knows the payload types that are fixed.
func NewReceiver() *Receiver {
	r := &Receiver{}
	r.Expect(nil, nil)
	return r
}

// Expect says what the payload types mean that were agreed. 0 and 8 are always PCMU and PCMA: phones send the one while the other was agreed.
func (r *Receiver) Expect(laws map[uint8]g711.Law, events []uint8) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds = [128]kind{0: mulaw, 8: alaw}
	for pt, law := range laws {
		r.kinds[pt&0x7f] = alaw + kind(law)
	}
	for _, pt := range events {
		r.kinds[pt&0x7f] = event
	}
}

// OnDTMF implements sound.Keyed.
func (r *Receiver) OnDTMF(f func(key rune)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onKey = f
}

// Push takes a packet. It tells whether it was one.
func (r *Receiver) Push(packet []byte, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &r.header
	n, err := h.Unmarshal(packet)
	if err != nil || h.Version != 2 || n > len(packet) {
		return false
	}
	payload := packet[n:]
	if h.Padding && len(payload) > 0 {
		pad := int(payload[len(payload)-1])
		if pad == 0 || pad > len(payload) {
			return false
		}
		payload = payload[:len(payload)-pad]
	}
	r.count(h, now)
	switch k := r.kinds[h.PayloadType]; k {
	case alaw, mulaw:
		if len(payload) == 0 || len(payload) > maxPayload {
			break
		}
		r.codec = h.PayloadType
		s := r.pcm[:len(payload)]
		g711.Law(k-alaw).Decode(s, payload)
		r.jitter.push(h.Timestamp, s)
	case event:
		if key := r.keys.take(h.Timestamp, payload); key != 0 && r.onKey != nil {
			f := r.onKey
			r.aside.Do(func() { f(key) })
		}
	}
	return true
}

// count keeps the books of RFC 3550: A.1, A.8. Events are in the same sequence as sound, and count.
func (r *Receiver) count(h *rtp.Header, now time.Time) {
	if !r.seen || h.SSRC != r.ssrc {
		if r.seen {
			r.before += uint64(r.highest-r.base) + 1
			r.jitter.state = idle
		}
		r.seen, r.ssrc, r.keys = true, h.SSRC, keyIn{}
		r.base, r.transit = uint32(h.SequenceNumber), 0
		r.highest = r.base
	} else if d := int16(h.SequenceNumber - uint16(r.highest)); d > 0 {
		r.highest += uint32(d)
	}
	r.packets++
	if r.kinds[h.PayloadType] != event { // all packets of a key carry its beginning's timestamp
		transit := now.UnixMicro()/125 - int64(h.Timestamp)
		if d := transit - r.transit; r.transit != 0 && max(d, -d) < 10*sound.Rate {
			r.jittered += (float64(max(d, -d)) - r.jittered) / 16
		}
		r.transit = transit
	}
	r.last = now
}

// Read implements the half of sound.Leg.
func (r *Receiver) Read(f *sound.Frame) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jitter.read(f)
}

// Lost implements sound.Lossy.
func (r *Receiver) Lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jitter.lost
}

// Received is what came from a speaker.
type Received struct {
	Packets, Missing uint64        // by their numbers
	Loss             float64       // share that is missing of those since the report before the last
	Lost             uint64        // frames that had to be made up
	Late             uint64        // packets that came too late
	Jitter           time.Duration // mean
	Waiting          time.Duration // how long sound waits for its turn now
	Last             time.Time     // when the last packet came
	PayloadType      uint8         // of the last sound
}

// Stats tells what came so far.
func (r *Receiver) Stats() Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Received{Packets: r.packets, Lost: r.jitter.lost, Late: r.jitter.late, Last: r.last, PayloadType: r.codec, Loss: r.loss}
	out.Missing = r.expected() - min(r.packets, r.expected())
	out.Jitter = time.Duration(r.jittered * float64(time.Second) / sound.Rate)
	if r.jitter.state == playing {
		out.Waiting = time.Duration(max(r.jitter.level(), 0)) * time.Second / sound.Rate
	}
	return out
}

func (r *Receiver) expected() uint64 {
	if !r.seen {
		return 0
	}
	return r.before + uint64(r.highest-r.base) + 1
}

// SenderReport keeps what the next report needs of the far end's.
func (r *Receiver) SenderReport(ntp uint64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.senderReport, r.senderReportAt = uint32(ntp>>16), now
}

// Report is what the far end is told about how its packets arrive; false before any came.
func (r *Receiver) Report(now time.Time) (out rtcp.ReceptionReport, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.seen {
		return out, false
	}
	expected := r.expected()
	interval, came := expected-r.reported, r.packets-r.reportedPackets
	r.reported, r.reportedPackets = expected, r.packets
	if r.loss = 0; interval > came {
		r.loss = float64(interval-came) / float64(interval)
		out.FractionLost = uint8(min((interval-came)<<8/interval, 255))
	}
	out.SSRC, out.LastSequenceNumber, out.Jitter = r.ssrc, r.highest, uint32(r.jittered)
	out.TotalLost = uint32(min(expected-min(r.packets, expected), 1<<23-1))
	if !r.senderReportAt.IsZero() {
		out.LastSenderReport = r.senderReport
		out.Delay = uint32(now.Sub(r.senderReportAt) * 65536 / time.Second)
	}
	return out, true
}
