package browser

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	pionrtp "github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"opeka/internal/sound/g711"
)

// connection is one WebRTC connection of a session, and its outgoing track.
type connection struct {
	s    *Session
	pc   *webrtc.PeerConnection
	emit atomic.Pointer[func(h *pionrtp.Header, payload []byte)] // how packets leave; nil before codecs are agreed

	mu      sync.Mutex
	state   webrtc.PeerConnectionState
	settled bool // the session knows of it
}

// connect answers an offer.
func (s *Session) connect(offer string) (*connection, string, error) {
	pc, err := s.door.api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{s.door.cert}})
	if err != nil {
		return nil, "", err
	}
	c := &connection{s: s, pc: pc}
	answer, err := c.answer(offer)
	if err != nil {
		return nil, "", errors.Join(err, pc.Close())
	}
	return c, answer, nil
}

func (c *connection) answer(offer string) (string, error) {
	c.pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		go c.reports(r.Read)
		c.listen(t)
	})
	c.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		c.mu.Lock()
		c.state = state
		settled := c.settled
		c.mu.Unlock()
		if settled {
			c.tell(state)
		}
	})
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	sender, err := c.pc.AddTrack(c)
	if err != nil {
		return "", err
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	select { // own addresses alone: it takes no asking anybody
	case <-gathered:
	case <-time.After(5 * time.Second):
		return "", errors.New("no address found")
	}
	go c.reports(sender.Read)
	local := c.pc.LocalDescription().SDP
	if !strings.Contains(local, "a=candidate:") {
		return "", errors.New("no address to offer")
	}
	return local, nil
}

// settle has the session told of a connection's states from here on, and of the one that it has reached.
func (s *Session) settle(c *connection) {
	c.mu.Lock()
	c.settled = true
	state := c.state
	c.mu.Unlock()
	c.tell(state)
}

func (c *connection) tell(state webrtc.PeerConnectionState) {
	if to, ok := stateOf(state); ok {
		c.s.become(c, to)
	}
}

// listen takes what the browser says, until the connection ends.
func (c *connection) listen(t *webrtc.TrackRemote) {
	buf := make([]byte, 1500)
	for {
		n, _, err := t.Read(buf)
		if err != nil && n == 0 {
			return
		}
		if err == nil { // else it is of a kind that wasn't agreed
			c.s.in.Push(buf[:n], time.Now())
		}
	}
}

// reports takes what the browser tells about what arrives there.
func (c *connection) reports(read func([]byte) (int, interceptor.Attributes, error)) {
	buf := make([]byte, 1500)
	for {
		n, _, err := read(buf)
		if err != nil {
			return
		}
		c.s.take(buf[:n])
	}
}

// Bind implements webrtc.TrackLocal: codecs are agreed.
func (c *connection) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	laws, keys := map[uint8]g711.Law{}, -1
	var chosen *webrtc.RTPCodecParameters
	var law g711.Law
	for _, p := range ctx.CodecParameters() {
		switch strings.ToLower(p.MimeType) {
		case strings.ToLower(webrtc.MimeTypePCMA):
			laws[uint8(p.PayloadType)] = g711.A
		case strings.ToLower(webrtc.MimeTypePCMU):
			laws[uint8(p.PayloadType)] = g711.Mu
		case events:
			keys = int(p.PayloadType)
			continue
		default:
			continue
		}
		if l := laws[uint8(p.PayloadType)]; chosen == nil || l == g711.A { // what telephones here speak: nothing is lost on the way
			chosen, law = &p, l
		}
	}
	if chosen == nil {
		return webrtc.RTPCodecParameters{}, fmt.Errorf("%w: no sound that both sides know", ErrOffer)
	}
	var kinds []uint8
	if keys >= 0 {
		kinds = append(kinds, uint8(keys))
	}
	c.s.in.Expect(laws, kinds)
	c.s.out.Use(law, uint8(chosen.PayloadType), keys)
	c.s.out.Become(uint32(ctx.SSRC()))
	c.s.mu.Lock()
	c.s.codec = law.String()
	c.s.mu.Unlock()
	w := ctx.WriteStream()
	emit := func(h *pionrtp.Header, payload []byte) { _, _ = w.WriteRTP(h, payload) }
	c.emit.Store(&emit)
	return *chosen, nil
}

// Unbind implements webrtc.TrackLocal.
func (c *connection) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID implements webrtc.TrackLocal.
func (c *connection) ID() string { return "call" }

// RID implements webrtc.TrackLocal.
func (c *connection) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (c *connection) StreamID() string { return "call" }

// Kind implements webrtc.TrackLocal.
func (c *connection) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }
