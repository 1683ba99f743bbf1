package journeys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opeka/internal/db"
	"opeka/internal/phone"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/wav"
	"opeka/test/world/trunk"
)

// onBothExchanges plays a story of the telephone on both engines.
func onBothExchanges(t *testing.T, story func(t *testing.T, x *exchange)) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			story(t, connectedOn(t, e))
		})
	}
}

// recordings waits until the call's latest recording is as it should be.
func (x *exchange) recording(call int64, state string) (r phone.Recording) {
	x.t.Helper()
	x.until("a recording is "+state, func() bool {
		var list struct {
			Items []phone.Recording `json:"items"`
		}
		x.do(http.MethodGet, fmt.Sprintf("/calls/%d/recordings", call), nil, &list)
		if len(list.Items) == 0 {
			return false
		}
		r = list.Items[len(list.Items)-1]
		if r.Paused {
			return state == "paused"
		}
		return r.State == state
	})
	return r
}

// fetch gets bytes as the console's player does.
func (x *exchange) fetch(path, part string) (*http.Response, []byte) {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodGet, x.office.URL+"/api/v1"+path, nil)
	x.must(err)
	if part != "" {
		req.Header.Set("Range", part)
	}
	res, err := x.office.HTTP.Do(req)
	x.must(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	x.must(err)
	return res, b
}

// lasts lets real time pass while people talk: until the recording's file has grown by that much.
func (x *exchange) lasts(r phone.Recording, seconds int64) {
	x.t.Helper()
	file := filepath.Join(x.config.Data, "recording", fmt.Sprintf("%d.wav", r.ID))
	size := func() int64 {
		info, err := os.Stat(file)
		x.must(err)
		return info.Size()
	}
	until := size() + seconds*16000
	x.until("a part of the call is on the disk", func() bool { return size() >= until })
}

// A caller hears that she is recorded; what both say is kept, each on a side of its own, without what she says of her card; it is heard in parts, and
// who heard it is on record; when its time is over the sound is gone.
func TestACallIsRecorded(t *testing.T) {
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		t.Skip("nothing can speak: espeak-ng isn't installed")
	}
	onBothExchanges(t, func(t *testing.T, x *exchange) {
		x.do(http.MethodPut, fmt.Sprintf("/stores/%d/recording-policy", x.store), phone.RecordingPolicy{Mode: phone.RecordAll, Announce: true, KeepDays: 5}, nil)
		x.do(http.MethodPost, "/phone-queues", map[string]any{"store_id": x.store, "name": "Магазин"}, nil)
		olena := x.provider.Subscriber("+380671112233", 650)
		x.sitsDown()
		hers, err := olena.Call(shopNumber)
		x.must(err)
		a := x.stands("offered")
		var told db.Time
		x.must(x.app.DB.Read().QueryRow(t.Context(), `SELECT consent_at FROM calls WHERE id = $1`, a.Call).Scan(&told))
		if told == 0 {
			t.Fatal("she waits and hasn't heard that she will be recorded")
		}
		x.do(http.MethodPost, fmt.Sprintf("/calls/%d/answer", a.Call), nil, nil)
		x.talkTogether(hers.Hears, 650)
		r := x.recording(a.Call, "recording")
		x.lasts(r, 2)
		x.do(http.MethodPost, fmt.Sprintf("/calls/%d/recording/pause", a.Call), nil, nil)
		if c := x.call(a.Call); c.Recording != "paused" {
			t.Fatalf("%+v", c)
		}
		r = x.recording(a.Call, "paused")
		x.lasts(r, 3)
		x.do(http.MethodPost, fmt.Sprintf("/calls/%d/recording/resume", a.Call), nil, nil)
		x.recording(a.Call, "recording")
		x.lasts(r, 2)
		if err := x.office.Do(t.Context(), http.MethodPost, fmt.Sprintf("/calls/%d/recording/stop", a.Call), nil, nil); err == nil {
			t.Error("an agent ended a recording where all calls are recorded")
		}
		if res, _ := x.fetch(fmt.Sprintf("/recordings/%d/sound", r.ID), ""); res.StatusCode != http.StatusConflict {
			t.Errorf("one that goes on is heard: %s", res.Status)
		}
		x.must(hers.Hangup())
		x.stands("wrapup")
		r = x.recording(a.Call, "stored")
		if r.Broken || r.LengthMS < 7000 || r.Size < r.LengthMS*16 || len(r.Peaks) != 2 || len(r.Pauses) != 1 || r.Pauses[0].ToMS <= r.Pauses[0].FromMS || r.DeleteAt.Time().Sub(x.clock.Now()) < 4*24*time.Hour {
			t.Fatalf("%+v", r)
		}
		if left, _ := filepath.Glob(filepath.Join(x.config.Data, "recording", "*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}

		var h phone.Hearing
		x.do(http.MethodPost, fmt.Sprintf("/recordings/%d/hearings", r.ID), nil, &h)
		sound := fmt.Sprintf("/recordings/%d/sound?hearing=%d", r.ID, h.ID)
		res, all := x.fetch(sound, "")
		if res.StatusCode != http.StatusOK || int64(len(all)) != r.Size || res.Header.Get("Cache-Control") != "private, no-store" {
			t.Fatalf("%s, %d bytes of %d, %v", res.Status, len(all), r.Size, res.Header)
		}
		res, part := x.fetch(sound, "bytes=1000-1999")
		if res.StatusCode != http.StatusPartialContent || !bytes.Equal(part, all[1000:2000]) {
			t.Errorf("a part: %s, %d bytes", res.Status, len(part))
		}
		sides, rate, err := wav.Channels(bytes.NewReader(all))
		if err != nil || len(sides) != 2 || rate != 8000 {
			t.Fatal(len(sides), rate, err)
		}
		from, to := int(r.Pauses[0].FromMS)*8, int(r.Pauses[0].ToMS)*8
		for side, hz := range []float64{650, agentHz} {
			other := []float64{agentHz, 650}[side]
			for when, s := range map[string][]int16{"before": sides[side][:from], "after": sides[side][to:]} {
				if !soundtest.Holds(s, hz) || soundtest.Holds(s, other) {
					t.Errorf("%s the pause, side %d: its own %v, the other's %v", when, side, soundtest.Holds(s, hz), soundtest.Holds(s, other))
				}
			}
			if loud(sides[side][from:to]) {
				t.Errorf("side %d: what was said in the pause is kept", side)
			}
		}

		var heard struct {
			Items []phone.Hearing `json:"items"`
		}
		x.do(http.MethodGet, fmt.Sprintf("/recordings/%d/hearings", r.ID), nil, &heard)
		if len(heard.Items) != 1 || heard.Items[0].Agent == 0 || heard.Items[0].Download {
			t.Errorf("%+v", heard.Items)
		}
		res, _ = x.fetch(fmt.Sprintf("/recordings/%d/sound?download=true", r.ID), "")
		if !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%v", res.Header)
		}
		var log json.RawMessage
		x.do(http.MethodGet, fmt.Sprintf("/audit?store_id=%d", x.store), nil, &log)
		for _, action := range []string{"recording.heard", "recording.downloaded", "recording.policy_set"} {
			if n := strings.Count(string(log), `"`+action+`"`); n != 1 {
				t.Errorf("%s is %d times in the audit log", action, n)
			}
		}

		x.later(time.Minute)
		x.do(http.MethodPost, fmt.Sprintf("/calls/%d/wrap-up", a.Call), map[string]any{"disposition": "settled"}, nil)
		x.clock.Move(6 * 24 * time.Hour)
		r = x.recording(a.Call, "deleted")
		if r.DeletedWhy != "retention" || r.DeletedAt == 0 || len(r.Peaks) != 0 {
			t.Errorf("%+v", r)
		}
		if left, _ := filepath.Glob(filepath.Join(x.config.Data, "files", "recordings", "*", "*", "*", "*.wav")); len(left) != 0 {
			t.Errorf("its time is over, and it is there: %v", left)
		}
	})
}

// Where agents decide, nothing is recorded until one does; then the customer is told, within the call.
func TestAnAgentHasACallRecorded(t *testing.T) {
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		t.Skip("nothing can speak: espeak-ng isn't installed")
	}
	t.Parallel()
	x := connected(t)
	x.do(http.MethodPut, fmt.Sprintf("/stores/%d/recording-policy", x.store), phone.RecordingPolicy{Mode: phone.RecordOnDemand, Announce: true}, nil)
	olena := x.provider.Subscriber("+380671112233", 650)
	olena.Does(trunk.Answers)
	x.sitsDown()
	var c phone.Call
	x.do(http.MethodPost, "/calls", map[string]any{"store_id": x.store, "number": "+380671112233"}, &c)
	hers, err := olena.Next()
	x.must(err)
	x.stands("talking")
	x.talkTogether(hers.Hears, 650)
	if got := x.call(c.ID); got.Recording != "" {
		t.Fatalf("recorded unasked: %+v", got)
	}
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/recording/start", c.ID), nil, nil)
	r := x.recording(c.ID, "recording")
	var told db.Time
	x.must(x.app.DB.Read().QueryRow(t.Context(), `SELECT consent_at FROM calls WHERE id = $1`, c.ID).Scan(&told))
	if told == 0 {
		t.Fatal("she is recorded and wasn't told")
	}
	x.lasts(r, 1)
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/recording/stop", c.ID), nil, nil)
	r = x.recording(c.ID, "stored")
	if r.DeleteAt != 0 || r.LengthMS < 1000 {
		t.Errorf("%+v", r)
	}
	x.talkTogether(hers.Hears, 650)
	x.do(http.MethodPost, fmt.Sprintf("/calls/%d/recording/start", c.ID), nil, nil)
	if again := x.recording(c.ID, "recording"); again.ID == r.ID {
		t.Errorf("%+v", again)
	}
	x.later(time.Minute)
	x.must(hers.Hangup())
	x.recording(c.ID, "stored")
	x.do(http.MethodDelete, fmt.Sprintf("/recordings/%d", r.ID), nil, nil)
	var gone phone.Recording
	x.do(http.MethodGet, fmt.Sprintf("/recordings/%d", r.ID), nil, &gone)
	if gone.State != "deleted" || gone.DeletedWhy != "request" {
		t.Errorf("%+v", gone)
	}
}
