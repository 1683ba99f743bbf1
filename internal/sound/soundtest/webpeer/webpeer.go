// Package webpeer is a browser for tests and loads: it offers, looks for the way, and is a sound.Leg at its own end, so that somebody can
// be put before it in a bridge of the test's.
package webpeer

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	pionrtp "github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/rtp"
)

// Peer is a browser.
type Peer struct {
	In  *rtp.Receiver
	Out *rtp.Sender
	pc  *webrtc.PeerConnection
	// What it sends, whichever was put first in the answer: Chromium does that too.
	law   g711.Law
	emit  atomic.Pointer[func(h *pionrtp.Header, payload []byte)]
	up    chan struct{}
	close sync.Once
}

// Dial makes an offer, has it answered, and returns when sound can go both ways.
func Dial(law g711.Law, answer func(offer string) (string, error)) (*Peer, error) {
	p := &Peer{In: rtp.NewReceiver(), Out: rtp.NewSender(), law: law, up: make(chan struct{})}
	p.In.Expect(nil, []uint8{126})
	var media webrtc.MediaEngine
	for _, c := range []struct {
		name string
		kind webrtc.PayloadType
	}{{webrtc.MimeTypePCMU, 0}, {webrtc.MimeTypePCMA, 8}, {"audio/telephone-event", 126}} {
		if err := media.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: c.name, ClockRate: 8000}, PayloadType: c.kind,
		}, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(&media), webrtc.WithSettingEngine(s), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	p.pc = pc
	if err := p.connect(answer); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	select {
	case <-p.up:
		return p, nil
	case <-time.After(time.Minute):
		return nil, errors.Join(errors.New("webpeer: no connection came about"), p.Close())
	}
}

func (p *Peer) connect(answer func(offer string) (string, error)) error {
	p.pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 1500)
		for {
			n, _, err := t.Read(buf)
			if err != nil {
				return
			}
			p.In.Push(buf[:n], time.Now())
		}
	})
	var once sync.Once
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(p.up) })
		}
	})
	if _, err := p.pc.AddTrack(p); err != nil {
		return err
	}
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	a, err := answer(p.pc.LocalDescription().SDP)
	if err != nil {
		return err
	}
	return p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: a})
}

// Read implements sound.Leg: what the browser hears.
func (p *Peer) Read(f *sound.Frame) bool { return p.In.Read(f) }

// Write implements sound.Leg: what is said before the browser.
func (p *Peer) Write(f *sound.Frame) {
	if emit := p.emit.Load(); emit != nil {
		p.Out.Write(f, *emit)
	}
}

// Close leaves as a page does that is closed.
func (p *Peer) Close() (err error) {
	p.close.Do(func() { err = p.pc.Close() })
	return err
}

// Vanish leaves without a word, as a browser does whose machine lost its network.
func (p *Peer) Vanish() {
	p.emit.Store(nil)
	for _, t := range p.pc.GetSenders() {
		_ = t.Transport().ICETransport().Stop()
	}
}

// Bind implements webrtc.TrackLocal.
func (p *Peer) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	keys := -1
	var chosen webrtc.RTPCodecParameters
	for _, c := range ctx.CodecParameters() {
		switch {
		case strings.EqualFold(c.MimeType, "audio/telephone-event"):
			keys = int(c.PayloadType)
		case strings.EqualFold(c.MimeType, "audio/"+p.law.String()):
			chosen = c
		}
	}
	if chosen.MimeType == "" {
		return chosen, errors.New("webpeer: the law wasn't agreed")
	}
	p.Out.Use(p.law, uint8(chosen.PayloadType), keys)
	p.Out.Become(uint32(ctx.SSRC()))
	w := ctx.WriteStream()
	emit := func(h *pionrtp.Header, payload []byte) { _, _ = w.WriteRTP(h, payload) }
	p.emit.Store(&emit)
	return chosen, nil
}

// Unbind implements webrtc.TrackLocal.
func (p *Peer) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID implements webrtc.TrackLocal.
func (p *Peer) ID() string { return "microphone" }

// RID implements webrtc.TrackLocal.
func (p *Peer) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (p *Peer) StreamID() string { return "page" }

// Kind implements webrtc.TrackLocal.
func (p *Peer) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }
