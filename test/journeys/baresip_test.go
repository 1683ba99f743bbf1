package journeys

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"opeka/internal/phone"
	"opeka/internal/sound"
	"opeka/internal/sound/tone"
	"opeka/internal/sound/wav"
)

// A SIP telephone of somebody else's make, as agents have on their desks: baresip registers, is rung for a caller and answers by itself with a tone.
func TestABaresipIsAnAgentsTelephone(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("baresip")
	if err != nil {
		t.Skip("baresip isn't installed: scripts/install.sh does it")
	}
	x := connected(t)
	x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин"}, nil)
	var made phone.IssuedHandset
	x.do(http.MethodPost, "/handsets", map[string]any{"store_id": x.store, "label": "baresip"}, &made)

	dir := t.TempDir()
	write := func(name, content string) { x.must(os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)) }
	write("config", `module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_app account.so
module_app menu.so
audio_source aufile,`+filepath.Join(dir, "tone.wav")+`
audio_player aufile,`+filepath.Join(dir, "heard.wav")+`
audio_alert aufile,`+filepath.Join(dir, "alert.wav")+`
`)
	write("accounts", fmt.Sprintf("<sip:%s@%s;transport=udp>;auth_user=%s;auth_pass=%s;answermode=auto;regint=60;audio_codecs=pcma\n", made.Name, x.app.SIP.Addr("udp"), made.Name, made.Password))
	write("contacts", "")
	tones, body := make([]int16, 120*sound.Rate), &bytes.Buffer{} // it plays its file once
	tone.New(6000, handsetHz).Fill(tones)
	x.must(binary.Write(body, binary.LittleEndian, tones))
	write("tone.wav", string(append(wav.Header(wav.Format{Coding: 1, Channels: 1, Bits: 16, Rate: sound.Rate}, int64(body.Len())), body.Bytes()...)))
	cmd := exec.Command(program, "-f", dir)
	x.must(cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	x.until("it is registered", func() bool { return x.registered(made.ID) })
	x.do(http.MethodPut, "/me/presence", map[string]any{"state": "ready"}, nil)
	x.do(http.MethodPut, "/phone/me", map[string]any{"reachable": true, "device": made.Name}, nil)

	olena := x.provider.Subscriber("+380671112233", 650)
	hers, err := olena.Call(shopNumber)
	x.must(err)
	x.must(hers.Answered())
	a := x.stands("talking")
	if !hers.Hears(handsetHz) {
		t.Error("she doesn't hear the agent")
	}
	x.acts(a.Call, "hold", nil)
	if !hers.Misses(handsetHz) {
		t.Error("held, and still heard")
	}
	x.acts(a.Call, "resume", nil)
	if !hers.Hears(handsetHz) {
		t.Error("she isn't back")
	}
	x.later(time.Minute)
	x.must(hers.Hangup())
	x.stands("wrapup")
	x.acts(a.Call, "wrap-up", map[string]any{"disposition": "settled"})
	x.quiet()

	x.must(cmd.Process.Signal(os.Interrupt)) // it signs out
	x.until("he is off the telephone", func() bool { a := x.me(); return !a.Reachable && a.Reason == "handset_gone" })
}
