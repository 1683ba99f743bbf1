package rtp

import (
	"time"

	"github.com/pion/rtcp"
)

// Reports of RFC 3550, as little of them as is of use: each side tells the other every five seconds what it sent and how the other's
// packets arrive, from which loss, jitter and the round trip follow.
const reportTicks = 250

// Away is how our packets arrive at the far end, as it reports.
type Away struct {
	Loss      float64 // share, since its report before
	Missing   uint32  // packets, in all
	Jitter    time.Duration
	RoundTrip time.Duration // 0: not known yet
	At        time.Time     // of the report; zero: none came
}

// Book writes and reads reports for one pair of a sender and a receiver. It isn't for several goroutines at once.
type Book struct {
	Out  *Sender
	In   *Receiver
	Name string // of this source, for the far end
}

const ntpEpoch = 2208988800 // seconds from 1900 to 1970

func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// Report is what is due to the far end.
func (b *Book) Report(now time.Time, bye bool) []rtcp.Packet {
	sent := b.Out.Stats()
	var reports []rtcp.ReceptionReport
	if r, ok := b.In.Report(now); ok {
		reports = append(reports, r)
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: sent.SSRC, Reports: reports}
	if sent.Packets > 0 {
		first = &rtcp.SenderReport{SSRC: sent.SSRC, NTPTime: ntp(now), RTPTime: sent.Timestamp, PacketCount: sent.Packets, OctetCount: sent.Octets, Reports: reports}
	}
	out := []rtcp.Packet{first, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: sent.SSRC, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: b.Name}},
	}}}}
	if bye {
		out = append(out, &rtcp.Goodbye{Sources: []uint32{sent.SSRC}})
	}
	return out
}

// Take reads what the far end reports; ok when it was about us.
func (b *Book) Take(packet []byte, now time.Time) (away Away, ok bool) {
	list, err := rtcp.Unmarshal(packet)
	if err != nil {
		return away, false
	}
	var about []rtcp.ReceptionReport
	for _, p := range list {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			b.In.SenderReport(p.NTPTime, now)
			about = append(about, p.Reports...)
		case *rtcp.ReceiverReport:
			about = append(about, p.Reports...)
		}
	}
	own := b.Out.Stats().SSRC
	for _, r := range about {
		if r.SSRC != own {
			continue
		}
		away = Away{Loss: float64(r.FractionLost) / 256, Missing: r.TotalLost, Jitter: time.Duration(r.Jitter) * time.Second / 8000, At: now}
		if r.LastSenderReport != 0 {
			if trip := uint32(ntp(now)>>16) - r.LastSenderReport - r.Delay; trip < 1<<31 {
				away.RoundTrip = time.Duration(trip) * time.Second / 65536
			}
		}
		ok = true
	}
	return away, ok
}
