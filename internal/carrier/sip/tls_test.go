package sip

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/sound"
	"opeka/internal/sound/soundtest"
)

// certificate is one that a telephone system made itself.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pbx"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

type exchange struct {
	passwords
	calls chan care.Line
}

// Calls implements PhoneCaller.
func (e exchange) Calls(_ string, l care.Line) { e.calls <- l }

func TestEncryptedFromEndToEnd(t *testing.T) {
	t.Parallel()
	pair, text := certificate(t)
	book := exchange{passwords{"shop": "secret"}, make(chan care.Line, 10)}
	provider := testStack(t, Options{Listen: []string{"127.0.0.1:0", "tls:127.0.0.1:0"}, TLS: &tls.Config{Certificates: []tls.Certificate{pair}}, Phones: book})
	ours := testStack(t, Options{})
	set := map[string]any{"mode": "register", "server": provider.Addr("tls").String(), "user": "shop", "transport": "tls", "srtp": "required", "keepalive": 0}

	bad, err := New(ours).OpenTrunk(connection(set, "secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bad.Test(context.Background()); err == nil {
		t.Fatal("a certificate that nobody vouches for was believed")
	}
	set["tls_certificate"] = text
	tr := start(t, ours, set, "secret")
	select {
	case st := <-tr.states:
		if !st.Up {
			t.Fatal(st.Reason)
		}
	case <-time.After(soon):
		t.Fatal("not registered")
	}

	talk := func(caller, callee care.Line) {
		t.Helper()
		if err := callee.Answer(context.Background()); err != nil {
			t.Fatal(err)
		}
		taken(t, caller)
		next(t, callee, care.LineAnswered)
		mixer := sound.NewMixer()
		defer mixer.Close()
		parties := [2]*soundtest.Party{soundtest.Says(600), soundtest.Says(900)}
		for i, l := range []care.Line{caller, callee} {
			b := mixer.Bridge()
			_ = b.Add(parties[i], sound.Agent)
			_ = b.Add(l.Media().(sound.Leg), sound.Customer)
		}
		if !parties[0].Await(900, true) || !parties[1].Await(600, true) {
			t.Fatal("they don't hear each other")
		}
		if !caller.Stats().Encrypted || !callee.Stats().Encrypted {
			t.Fatal("not encrypted")
		}
		_ = caller.Hangup()
		next(t, caller, care.LineEnded)
		next(t, callee, care.LineEnded)
	}
	out := dial(t, tr, care.Dialing{})
	talk(out, <-book.calls)
	in, err := provider.DialAt(context.Background(), "shop", care.Dialing{To: "+380441112233", CallerID: "+380671234567"})
	if err != nil {
		t.Fatal(err)
	}
	talk(in, arrived(t, tr))
}
