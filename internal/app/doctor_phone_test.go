package app

import (
	"net"
	"os/exec"
	"strings"
	"testing"
)

// examined is what the doctor says of the telephone with a configuration.
func examined(c Config, lines bool) map[string][]Finding {
	x := &examination{c: c}
	x.telephone(lines)
	out := map[string][]Finding{}
	for _, f := range x.findings {
		out[f.What] = append(out[f.What], f)
	}
	return out
}

// The doctor names what keeps people from talking, and how to mend it; without a line he says nothing of it.
func TestTheDoctorLooksAtTheTelephone(t *testing.T) {
	t.Parallel()
	if f := examined(Config{SIPListen: []string{"127.0.0.1:0"}}, false); len(f) != 0 {
		t.Errorf("nobody has a line: %v", f)
	}
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.LocalAddr().String()

	f := examined(Config{SIPListen: []string{"udp:" + busy}, PhoneListen: busy, RTPPorts: "20000-20009"}, true)
	for what, says := range map[string]string{"telephone": "is taken", "sound of browsers": "is taken", "telephone's sound": "room for 5 calls"} {
		if len(f[what]) != 1 || f[what][0].State != "warn" || !strings.Contains(f[what][0].Says, says) || f[what][0].Mend == "" {
			t.Errorf("%s: %+v", what, f[what])
		}
	}
	f = examined(Config{SIPListen: []string{"127.0.0.1:0"}, PhoneListen: "127.0.0.1:0"}, true)
	for _, what := range []string{"telephone", "sound of browsers"} {
		if len(f[what]) != 1 || f[what][0].State != "warn" || !strings.Contains(f[what][0].Says, "from this machine alone") {
			t.Errorf("%s: %+v", what, f[what])
		}
	}
	f = examined(Config{PhoneListen: "0.0.0.0:0", PhoneIPs: []string{"127.0.0.1"}}, true)
	if b := f["sound of browsers"]; len(b) != 1 || b[0].State != "ok" || !strings.Contains(b[0].Says, "reached by 127.0.0.1") {
		t.Errorf("a packet to ourselves: %+v", b)
	}
	if f := examined(Config{PhoneListen: ""}, true)["sound of browsers"]; len(f) != 1 || f[0].State != "warn" {
		t.Errorf("no port for browsers: %+v", f)
	}
	if _, err := exec.LookPath("espeak-ng"); err == nil {
		if v := f["announcements"]; len(v) != 1 || v[0].State != "ok" {
			t.Errorf("announcements: %+v", v)
		}
	}
}
