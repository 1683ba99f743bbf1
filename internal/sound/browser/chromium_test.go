package browser_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/browser"
	"opeka/internal/sound/record"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/wav"
)

// page is what an agent's browser does: it speaks, is loaded anew once in the middle of the call, presses a key, tells what it hears,
// and plays a recording.
const page = `<!doctype html><script>
const tell = (what, body) => fetch('/' + what, {method: 'POST', body});
async function main() {
	const again = location.search === '?again';
	const stream = await navigator.mediaDevices.getUserMedia({audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
	const pc = new RTCPeerConnection();
	const sender = pc.addTrack(stream.getTracks()[0], stream);
	const heard = new Promise(done => pc.ontrack = e => done(new MediaStream([e.track])));
	await pc.setLocalDescription(await pc.createOffer());
	await new Promise(done => pc.iceGatheringState === 'complete' ? done() : pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done());
	const answer = await (await tell(again ? 'again' : 'offer', pc.localDescription.sdp)).text();
	await pc.setRemoteDescription({type: 'answer', sdp: answer});
	const remote = await heard;
	const player = new Audio(); player.srcObject = remote; await player.play();
	const context = new AudioContext(), analyser = context.createAnalyser();
	analyser.fftSize = 8192;
	context.createMediaStreamSource(remote).connect(analyser);
	const bins = new Float32Array(analyser.frequencyBinCount);
	const level = hz => bins[Math.round(hz * analyser.fftSize / context.sampleRate)];
	await new Promise(done => { const look = () => {
		analyser.getFloatFrequencyData(bins);
		level(650) > -50 && level(650) > level(900) + 20 ? done() : setTimeout(look, 50);
	}; look(); });
	await tell('heard', again ? 'again' : 'first');
	if (!again) { await (await fetch('/reload')).text(); location.search = '?again'; return; }
	sender.dtmf.insertDTMF('8', 100, 70);
	const recording = new Audio('/recording.wav');
	recording.onerror = () => tell('played', JSON.stringify({error: recording.error.message}));
	recording.ontimeupdate = () => { if (recording.currentTime > 0.2) { recording.ontimeupdate = null; tell('played', JSON.stringify({duration: recording.duration})); } };
	await recording.play();
}
main().catch(e => tell('failed', String(e && e.stack || e)));
</script>`

// TestChromium has a real browser at the other end, its microphone a file.
func TestChromium(t *testing.T) {
	const chromium = "/usr/bin/chromium"
	if _, err := os.Stat(chromium); err != nil {
		t.Skip("chromium isn't installed")
	}
	if testing.Short() {
		t.Skip("a real browser takes its time")
	}
	dir := t.TempDir()
	microphone, recording := filepath.Join(dir, "microphone.wav"), filepath.Join(dir, "recording.wav")
	must(t, os.WriteFile(microphone, sine(agentHz), 0o600), makeRecording(recording))

	h := newHouse(t, browser.Options{})
	var s *browser.Session
	events, keys := make(chan string, 20), make(chan rune, 4)
	reload := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, page)
	})
	mux.HandleFunc("GET /recording.wav", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, recording) })
	mux.HandleFunc("GET /reload", func(http.ResponseWriter, *http.Request) { <-reload })
	mux.HandleFunc("POST /{what}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		what := r.PathValue("what")
		var answer string
		var err error
		switch what {
		case "offer":
			s, answer, err = h.door.Answer(string(body))
		case "again":
			answer, err = s.Reconnect(string(body))
		default:
			events <- what + " " + string(body)
		}
		if err != nil {
			events <- fmt.Sprintf("failed %v\n%s", err, body)
		}
		if what == "offer" && err == nil {
			s.OnDTMF(func(k rune) { keys <- k })
			err = h.bridge.Add(s, sound.Agent)
		}
		_, _ = io.WriteString(w, answer)
	})
	site := httptest.NewServer(mux)
	defer site.Close()

	cmd := exec.Command(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--use-file-for-fake-audio-capture="+microphone,
		"--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns", "--allow-loopback-in-peer-connection",
		"--remote-debugging-port=0", site.URL)
	var log bytes.Buffer
	cmd.Stderr = &log
	must(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	next := func() string {
		t.Helper()
		select {
		case e := <-events:
			return e
		case <-time.After(3 * time.Minute):
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("nothing came of the browser:\n%s", log.String())
		}
		return ""
	}
	if got := next(); got != "heard first" {
		t.Fatal(got)
	}
	if !h.customer.Await(agentHz, true) {
		t.Fatal("the customer doesn't hear the agent")
	}
	close(reload)
	if got := next(); got != "heard again" {
		t.Fatal(got)
	}
	if !h.customer.Await(agentHz, true) {
		t.Fatal("the customer doesn't hear the agent after the page was loaded anew")
	}
	var played struct {
		Duration float64
		Error    string
	}
	got := next()
	if err := json.Unmarshal([]byte(got[len("played "):]), &played); err != nil || math.Abs(played.Duration-3) > 0.05 {
		t.Errorf("the recording: %s", got)
	}
	select {
	case k := <-keys:
		if k != '8' {
			t.Errorf("key %q", k)
		}
	case <-time.After(time.Minute):
		t.Error("no key came")
	}
	if st := s.Stats(); st.In.PayloadType > 8 || st.Codec != "PCMA" || st.State != browser.Connected {
		t.Errorf("stats %+v", st)
	}
}

// sine is ten seconds of a tone at 48 kHz.
func sine(hz float64) []byte {
	var data []byte
	for n := range 480000 {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(10000*math.Sin(2*math.Pi*hz*float64(n)/48000))))
	}
	return append(wav.Header(wav.Format{Coding: wav.PCM, Channels: 1, Rate: 48000, Bits: 16}, int64(len(data))), data...)
}

// makeRecording records three seconds as calls are recorded.
func makeRecording(path string) error {
	r, err := record.Create(path, record.Options{})
	if err != nil {
		return err
	}
	p := soundtest.Says(customerHz)
	for range 150 {
		var f sound.Frame
		p.Read(&f)
		r.Tap(&f, nil)
	}
	_, err = r.Close()
	return err
}
