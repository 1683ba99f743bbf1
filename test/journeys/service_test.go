package journeys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/phone"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/tone"
	"opeka/internal/sound/wav"
	"opeka/test/world/trunk"
)

// wave is a recording of a tone, as a studio gives it: 44.1 kHz.
func wave(hz float64, d time.Duration) []byte {
	const rate = 44100
	n := int(rate * d / time.Second)
	samples := make([]int16, n)
	tone.New(8000, hz*8000/rate).Fill(samples) // the generator counts in samples of 8 kHz
	out := wav.Header(wav.Format{Coding: wav.PCM, Channels: 1, Rate: rate, Bits: 16}, int64(2*n))
	for _, v := range samples {
		out = append(out, byte(v), byte(uint16(v)>>8))
	}
	return out
}

// says records a tone as what callers hear.
func (x *exchange) says(kind, lang string, hz float64) {
	x.t.Helper()
	if res, body := x.upload(kind, lang, wave(hz, 700*time.Millisecond)); res.StatusCode != http.StatusOK {
		x.t.Fatalf("%s: %s", res.Status, body)
	}
}

func (x *exchange) upload(kind, lang string, file []byte) (*http.Response, []byte) {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodPut, fmt.Sprintf("%s/api/v1/stores/%d/phone-prompts/%s/%s", x.office.URL, x.store, kind, lang), bytes.NewReader(file))
	x.must(err)
	req.Header.Set("Content-Type", "audio/wav")
	req.Header.Set("X-CSRF-Token", x.office.CSRF)
	res, err := x.office.HTTP.Do(req)
	x.must(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	x.must(err)
	return res, b
}

// closed are hours that are never.
var closedHours = map[string]any{"zone": "Europe/Kyiv", "week": map[string]any{}}

// atLast waits until the latest call is as ok says.
func (x *exchange) atLast(what string, ok func(phone.Call) bool) (c phone.Call) {
	x.t.Helper()
	x.until(what, func() bool {
		var list struct {
			Items []phone.Call `json:"items"`
		}
		x.do(http.MethodGet, "/calls?limit=1", nil, &list)
		if len(list.Items) == 0 {
			return false
		}
		c = list.Items[0]
		return ok(c)
	})
	return c
}

// While the shop is closed callers leave messages: what was said becomes a conversation with the recording in it, and a callback by the store's rule;
// who says nothing has called in vain.
func TestCallersLeaveMessages(t *testing.T) {
	onBothExchanges(t, func(t *testing.T, x *exchange) {
		x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин", "closed": "voicemail", "hours": closedHours, "voicemail_s": 60}, nil)
		var rules map[string]any
		x.do(http.MethodGet, fmt.Sprintf("/stores/%d/callback-rules", x.store), nil, &rules)
		for _, r := range rules["rules"].([]any) {
			if r := r.(map[string]any); r["trigger"] == "voicemail" {
				r["active"] = true
			}
		}
		delete(rules, "$schema")
		x.do(http.MethodPut, fmt.Sprintf("/stores/%d/callback-rules", x.store), rules, nil)
		x.says(phone.PromptMessage, "uk", 1300)
		x.says(phone.PromptVoicemail, "uk", 1500)
		x.says(phone.PromptThanks, "uk", 1700)
		olena, taras, ivan := x.provider.Subscriber("+380671112233", 650), x.provider.Subscriber("+380671112244", 950), x.provider.Subscriber("+380671112255", 0)

		hers, err := olena.Call(shopNumber)
		x.must(err)
		for _, hz := range []float64{1300, 1500, 1000} { // closed; leave a message; the tone
			if !hers.Hears(hz) {
				t.Fatalf("she doesn't hear %v Hz", hz)
			}
		}
		c := x.atLast("her message counts", func(c phone.Call) bool { return c.Result == phone.ResultVoicemail })
		r := x.recording(c.ID, "recording")
		x.lasts(r, 1)
		x.must(hers.Press("#"))
		if !hers.Hears(1700) {
			t.Fatal("nobody thanks her")
		}
		if cause, err := hers.Over(); err != nil || cause != care.CauseHangup {
			t.Fatal(cause, err)
		}
		r = x.recording(c.ID, "stored")
		if r.Kind != "voicemail" || r.LengthMS < 1000 {
			t.Errorf("%+v", r)
		}
		_, sound := x.fetch(fmt.Sprintf("/recordings/%d/sound", r.ID), "")
		sides, _, err := wav.Channels(bytes.NewReader(sound))
		if err != nil || len(sides) != 2 || !soundtest.Holds(sides[0][:8000], 650) || loud(sides[1]) {
			t.Errorf("her message isn't what she said: %d sides, %v", len(sides), err)
		}
		x.noted(c.ID, "call_in")
		var raw json.RawMessage
		x.do(http.MethodGet, fmt.Sprintf("/conversations/%d", x.call(c.ID).Conversation), nil, &raw)
		if !strings.Contains(string(raw), "Залишив голосове повідомлення") || !strings.Contains(string(raw), `"phone"`) {
			t.Errorf("no conversation waits for an answer: %s", raw)
		}
		var board struct {
			Items []phone.Callback `json:"items"`
		}
		x.do(http.MethodGet, fmt.Sprintf("/callbacks?store_id=%d", x.store), nil, &board)
		if len(board.Items) != 1 || len(board.Items[0].Reasons) != 1 || board.Items[0].Reasons[0].Trigger != phone.TriggerVoicemail || board.Items[0].Number != "+380671112233" {
			t.Errorf("%+v", board.Items)
		}

		// He hangs up in the midst of it.
		his, err := taras.Call(shopNumber)
		x.must(err)
		d := x.atLast("his message counts", func(c phone.Call) bool {
			return c.ID != 0 && c.Number == "+380671112244" && c.Result == phone.ResultVoicemail
		})
		x.must(his.Hangup())
		if r := x.recording(d.ID, "stored"); r.LengthMS < 800 {
			t.Errorf("%+v", r)
		}

		// He says nothing, until that is noticed.
		silent, err := ivan.Call(shopNumber)
		x.must(err)
		if _, err := silent.Over(); err != nil {
			t.Fatal(err)
		}
		e := x.atLast("he has called in vain", func(c phone.Call) bool { return c.Number == "+380671112255" && c.State == phone.CallEnded })
		if e.Result != phone.ResultMissed {
			t.Errorf("%+v", e)
		}
		x.until("what he didn't say is gone", func() bool { return x.call(e.ID).Recording == "" })
		x.quiet()
	})
}

// A caller is asked for his language once; a full queue passes callers on to a number outside.
func TestLanguagesAndANumberOutside(t *testing.T) {
	t.Parallel()
	x := connected(t)
	x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин", "languages": []string{"uk", "pl"}, "max_length": 1, "overflow": "number", "overflow_number": "+380445556677"}, nil)
	for lang, hz := range map[string]float64{"uk": 1300, "pl": 1500} {
		x.says(phone.PromptMenu, lang, hz)
		x.says(phone.PromptGreeting, lang, hz+400)
	}
	office := x.provider.Subscriber("+380445556677", 950)
	office.Does(trunk.Answers)
	ola := x.provider.Subscriber("+48221112233", 650)
	hers, err := ola.Call(shopNumber)
	x.must(err)
	if !hers.Hears(1300) || !hers.Hears(1500) {
		t.Fatal("she isn't asked for her language")
	}
	x.must(hers.Press("2"))
	if !hers.Hears(1900) {
		t.Fatal("she isn't greeted in Polish")
	}
	c := x.atLast("she waits", func(c phone.Call) bool { return c.State == phone.CallWaiting })
	if c.Language != "pl" {
		t.Errorf("%+v", c)
	}
	var who json.RawMessage
	x.do(http.MethodGet, fmt.Sprintf("/customers/%d", c.Customer), nil, &who)
	if !strings.Contains(string(who), `"language":"pl"`) {
		t.Errorf("it isn't remembered: %s", who)
	}

	// The queue is full: the next is connected outside.
	taras := x.provider.Subscriber("+380671112244", 850)
	his, err := taras.Call(shopNumber)
	x.must(err)
	if !his.Hears(1300) {
		t.Fatal("he isn't asked")
	}
	x.must(his.Press("1"))
	theirs, err := office.Next()
	x.must(err)
	if !his.Hears(950) || !theirs.Hears(850) {
		t.Fatal("he and the number outside don't hear each other")
	}
	x.must(theirs.Hangup())
	if _, err := his.Over(); err != nil {
		t.Fatal(err)
	}
	d := x.atLast("his call is over", func(c phone.Call) bool { return c.Number == "+380671112244" && c.State == phone.CallEnded })
	if d.Result != phone.ResultOverflow {
		t.Errorf("%+v", d)
	}
	x.must(hers.Hangup())
	x.atLast("all calls are over", func(phone.Call) bool { return len(x.live()) == 0 })

	// Whom we know isn't asked again.
	again, err := ola.Call(shopNumber)
	x.must(err)
	if !again.Hears(1900) {
		t.Fatal("she isn't greeted in Polish")
	}
	if again.HearsNow(1300) {
		t.Error("she is asked again")
	}
	x.must(again.Hangup())
	x.quiet()
}

// What callers hear can be recorded, heard and taken back; what isn't a sound is refused with what would be one.
func TestPromptsAreRecordedAndHeard(t *testing.T) {
	t.Parallel()
	x := connected(t)
	sound := func(kind string) []int16 {
		t.Helper()
		res, b := x.fetch(fmt.Sprintf("/stores/%d/phone-prompt-sound?kind=%s&language=uk", x.store, kind), "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", res.Status, b)
		}
		s, err := wav.Read(bytes.NewReader(b))
		x.must(err)
		return s
	}
	if !loud(sound(phone.PromptMusic)) {
		t.Error("no music")
	}
	x.says(phone.PromptMusic, "uk", 1300)
	if s := sound(phone.PromptMusic); !soundtest.Holds(s, 1300) || len(s) < 5500 || len(s) > 5700 {
		t.Errorf("%d samples of the shop's own music", len(s))
	}
	x.says(phone.PromptMusic, "uk", 1500)
	if !soundtest.Holds(sound(phone.PromptMusic), 1500) {
		t.Error("the new one isn't heard")
	}
	law := append(wav.Header(wav.Format{Coding: wav.ALaw, Channels: 1, Rate: 8000, Bits: 8}, 4000), bytes.Repeat([]byte{0x2a, 0xaa}, 2000)...)
	if res, b := x.upload(phone.PromptGreeting, "uk", law); res.StatusCode != http.StatusOK {
		t.Errorf("A-law: %s %s", res.Status, b)
	}
	for name, c := range map[string]struct {
		file []byte
		code string
	}{
		"an MP3":    {append([]byte("ID3\x04"), make([]byte, 100)...), "phone.prompt_format"},
		"broken":    {[]byte("RIFF\x00\x00\x00\x00WAVEfmt "), "phone.prompt_unreadable"},
		"silence":   {wave(0, time.Second), "phone.prompt_silent"},
		"a novel":   {wave(440, 130*time.Second), "phone.prompt_long"},
		"a click":   {wave(440, 50*time.Millisecond), "phone.prompt_silent"},
		"a picture": {[]byte("\x89PNG\r\n\x1a\n"), "phone.prompt_format"},
	} {
		res, b := x.upload(phone.PromptGreeting, "uk", c.file)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(b), c.code) {
			t.Errorf("%s: %s %s", name, res.Status, b)
		}
	}
	x.do(http.MethodDelete, fmt.Sprintf("/stores/%d/phone-prompts/music/uk", x.store), nil, nil)
	if soundtest.Holds(sound(phone.PromptMusic), 1500) {
		t.Error("taken back, and still heard")
	}
	var list struct {
		Items []phone.Prompt `json:"items"`
	}
	x.do(http.MethodGet, fmt.Sprintf("/stores/%d/phone-prompts", x.store), nil, &list)
	recorded := 0
	for _, p := range list.Items {
		if p.ID != 0 {
			recorded++
		}
		if p.Text == "" && p.Kind != phone.PromptMusic {
			t.Errorf("nothing is said: %+v", p)
		}
	}
	if recorded != 1 || len(list.Items) != 4*len(phone.Kinds) {
		t.Errorf("%d recorded of %d", recorded, len(list.Items))
	}
}
