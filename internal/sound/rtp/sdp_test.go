package rtp

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"opeka/internal/sound/g711"
)

// Descriptions as phones and exchanges write them.
const (
	asterisk = `v=0
o=- 1821463 1821463 IN IP4 192.0.2.7
s=Asterisk
c=IN IP4 192.0.2.7
t=0 0
m=audio 14228 RTP/AVP 9 0 8 101
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:150
a=sendrecv
`
	linphone = `v=0
o=anna 3321 1470 IN IP4 198.51.100.4
s=Talk
c=IN IP4 198.51.100.4
t=0 0
m=audio 7078 RTP/SAVP 96 8 97 98
a=rtpmap:96 opus/48000/2
a=rtpmap:97 telephone-event/48000
a=rtpmap:98 telephone-event/8000
a=crypto:1 AEAD_AES_128_GCM inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz
a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20
a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32
a=rtcp:7099 IN IP4 198.51.100.5
m=video 9078 RTP/AVP 97
a=rtpmap:97 H264/90000
m=image 40000 udptl t38
`
	oldHold = `v=0
o=x 1 2 IN IP4 192.0.2.9
s=-
t=0 0
m=audio 4000 RTP/AVP 110
c=IN IP4 0.0.0.0
a=rtpmap:110 pcma/8000/1
a=sendonly
`
	six = `v=0
o=- 1 1 IN IP6 2001:db8::5
s=-
c=IN IP6 2001:db8::5
t=0 0
a=inactive
m=audio 5004 RTP/AVP 0
a=rtcp-mux
`
)

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func TestDescriptionsOfOthersAreRead(t *testing.T) {
	for _, x := range []struct {
		name, text    string
		addr, control string
		codecs        []codec
		events        int
		direction     Direction
		secure, mux   bool
	}{
		{"asterisk", asterisk, "192.0.2.7:14228", "192.0.2.7:14229", []codec{{0, g711.Mu}, {8, g711.A}}, 101, SendRecv, false, false},
		{"linphone", linphone, "198.51.100.4:7078", "198.51.100.5:7099", []codec{{8, g711.A}}, 98, SendRecv, true, false},
		{"old hold", oldHold, "0.0.0.0:4000", "0.0.0.0:4001", []codec{{110, g711.A}}, -1, SendOnly, false, false},
		{"IPv6", six, "[2001:db8::5]:5004", "[2001:db8::5]:5005", []codec{{0, g711.Mu}}, -1, Inactive, false, true},
	} {
		for _, text := range [][]byte{[]byte(x.text), crlf(x.text)} {
			m, err := parse(text)
			if err != nil {
				t.Errorf("%s: %v", x.name, err)
				continue
			}
			if m.addr.String() != x.addr || m.control.String() != x.control || m.events != x.events || m.direction != x.direction || m.secure() != x.secure || m.mux != x.mux {
				t.Errorf("%s: %+v", x.name, m)
			}
			if len(m.codecs) != len(x.codecs) || m.codecs[0] != x.codecs[0] {
				t.Errorf("%s: codecs %v", x.name, m.codecs)
			}
		}
	}
	m, err := parse(crlf(linphone))
	if err != nil || len(m.cryptos) != 1 || m.cryptos[0].tag != 2 || m.cryptos[0].suite != suite80 {
		t.Errorf("linphone's keys: %+v, %v", m, err)
	}
}

func TestWhatCantBeAgreedIsRefused(t *testing.T) {
	s := listening(t)
	for name, x := range map[string]struct {
		text string
		want error
	}{
		"nothing":             {"", ErrSDP},
		"no SDP":              {"INVITE sip:x SIP/2.0", ErrSDP},
		"video alone":         {"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=video 4000 RTP/AVP 97\n", ErrNoAudio},
		"refused":             {"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 0 RTP/AVP 8\n", ErrNoAudio},
		"other codecs":        {"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/AVP 18 9\na=rtpmap:18 G729/8000\n", ErrNoAudio},
		"no address":          {"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 8\n", ErrSDP},
		"a browser":           {"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 UDP/TLS/RTP/SAVPF 8\n", ErrNoAudio},
		"a key in bits":       {"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:dG9vc2hvcnQ=\n", ErrNoAudio},
		"encryption, keyless": {"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/SAVP 8\n", ErrNoAudio},
	} {
		if _, err := s.Answer(crlf(x.text)); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
	}
	s.Offer(true)
	if err := s.Accept(crlf(asterisk)); !errors.Is(err, ErrPlain) {
		t.Errorf("an answer that gives up encryption: %v", err)
	}
	s.Offer(false)
	if err := s.Accept(crlf(linphone)); !errors.Is(err, ErrNoAudio) {
		t.Errorf("an answer with encryption that nobody offered: %v", err)
	}
	s.o.OnlySRTP = true
	if _, err := s.Answer(crlf(asterisk)); !errors.Is(err, ErrPlain) {
		t.Errorf("a plain offer where encryption is a must: %v", err)
	}
}

func listening(t *testing.T) *Session {
	t.Helper()
	s, err := Listen(Options{IP: netip.MustParseAddr("127.0.0.1"), PublicIP: netip.MustParseAddr("203.0.113.1")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAnswerKeepsTheOffersLines(t *testing.T) {
	s := listening(t)
	b, err := s.Answer(crlf(linphone))
	if err != nil {
		t.Fatal(err)
	}
	answer := string(b)
	for _, want := range []string{
		"c=IN IP4 203.0.113.1\r\n", " RTP/SAVP 8 98\r\n", "a=rtpmap:98 telephone-event/8000\r\n", "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:",
		"m=video 0 RTP/AVP 97\r\n", "m=image 0 udptl t38\r\n", "a=sendrecv\r\n", "a=ptime:20\r\n",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
	if strings.Index(answer, "m=audio") > strings.Index(answer, "m=video") || strings.Count(answer, "m=") != 3 {
		t.Errorf("lines in another order:\n%s", answer)
	}
	again, err := s.Answer(crlf(linphone))
	if err != nil || string(again) != answer {
		t.Errorf("the same offer got another answer: %v\n%s", err, again)
	}
	s.Hold(true)
	held, err := s.Answer(crlf(linphone))
	if err != nil || !strings.Contains(string(held), "a=sendonly") || string(held[:40]) == answer[:40] {
		t.Errorf("held: %v\n%s", err, held)
	}
	if b, err := s.Answer(crlf(six)); err != nil || !strings.Contains(string(b), "a=rtcp-mux\r\n") || !strings.Contains(string(b), "a=inactive\r\n") {
		t.Errorf("mux: %v\n%s", err, b)
	}
}

func TestDirections(t *testing.T) {
	for _, x := range []struct{ theirs, own, want Direction }{
		{SendRecv, SendRecv, SendRecv}, {SendOnly, SendRecv, RecvOnly}, {RecvOnly, SendRecv, SendOnly}, {Inactive, SendRecv, Inactive},
		{SendRecv, SendOnly, SendOnly}, {SendOnly, SendOnly, Inactive}, {RecvOnly, SendOnly, SendOnly}, {SendRecv, Inactive, Inactive},
	} {
		if got := x.theirs.answer(x.own); got != x.want {
			t.Errorf("%s to %s: %s, want %s", x.own, x.theirs, got, x.want)
		}
	}
}

func FuzzSDP(f *testing.F) {
	for _, s := range []string{asterisk, linphone, oldHold, six} {
		f.Add(crlf(s))
		f.Add([]byte(s))
	}
	s, err := Listen(Options{IP: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	f.Fuzz(func(t *testing.T, b []byte) {
		answer, err := s.Answer(b)
		if err != nil {
			return
		}
		if _, err := parse(answer); err != nil {
			t.Fatalf("our own answer can't be read: %v\n%s", err, answer)
		}
	})
}
