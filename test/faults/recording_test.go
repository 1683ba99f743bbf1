package faults_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/peer"
	"opeka/internal/phone"
	"opeka/internal/sound/soundtest"
	"opeka/internal/sound/wav"
	"opeka/test/world/trunk"
)

// The program is killed in the midst of a call that is recorded: what was said until then is kept by the next life, and can be heard.
func TestARecordingKilledInTheMidstOfItsCall(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			if testing.Short() && e == db.Postgres {
				t.Skip("it waits until the lost life's lease is over: half a minute")
			}
			database := ""
			if e == db.Postgres {
				database = dbtest.URL(t, e)
			}
			recordingKilled(t, database)
		})
	}
}

func recordingKilled(t *testing.T, database string) {
	t.Setenv("OPEKA_SIP_LISTEN", "127.0.0.1:0")
	provider, err := trunk.New("shop", "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	p := newProgram(t, database)
	p.spawn()
	p.serving()
	office := peer.NewOffice(p.url)
	store, _, err := office.SetUp(t.Context(), "Стежка", "olena@example.com", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, path string, in, out any) {
		t.Helper()
		if err := office.Do(t.Context(), method, path, in, out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	settings, secrets := provider.Settings()
	for k, v := range secrets {
		settings[k] = v
	}
	do(http.MethodPost, "/connections", map[string]any{"store_id": store, "plug": "sip", "name": "SIP", "settings": settings}, nil)
	do(http.MethodPut, fmt.Sprintf("/stores/%d/recording-policy", store), phone.RecordingPolicy{Mode: phone.RecordAll, KeepDays: 30}, nil)
	do(http.MethodPut, "/me/presence", map[string]any{"state": "ready"}, nil)
	do(http.MethodPut, "/phone/me", map[string]any{"reachable": true}, nil)
	until(t, "the trunk is there", provider.Registered)
	provider.Subscriber("+380671112233", 650).Does(trunk.Answers)

	var c phone.Call
	do(http.MethodPost, "/calls", map[string]any{"store_id": store, "number": "+380671112233"}, &c)
	var list struct {
		Items []phone.Recording `json:"items"`
	}
	state := func(want string) func() bool {
		return func() bool {
			do(http.MethodGet, fmt.Sprintf("/calls/%d/recordings", c.ID), nil, &list)
			return len(list.Items) == 1 && list.Items[0].State == want
		}
	}
	until(t, "she is recorded", state("recording"))
	file := filepath.Join(p.data, "recording", fmt.Sprintf("%d.wav", list.Items[0].ID))
	until(t, "three seconds are on the disk", func() bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() >= 3*16000
	})
	p.kill()
	left, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	p.spawn()
	p.serving()
	until(t, "what was written is kept", state("stored"))
	r := list.Items[0]
	if !r.Broken || r.Size != left.Size() || r.LengthMS < 3000 || r.LengthMS != (left.Size()-58)/16 {
		t.Errorf("of %d bytes: %+v", left.Size(), r)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("it is still in the folder of those that aren't kept yet: %v", err)
	}
	res, err := office.HTTP.Get(fmt.Sprintf("%s/api/v1/recordings/%d/sound", p.url, r.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	sides, _, err := wav.Channels(bytes.NewReader(b))
	if err != nil || len(sides) != 2 || !soundtest.Holds(sides[0], 650) || soundtest.Holds(sides[1], 650) {
		t.Errorf("she isn't heard on the left alone: %d sides, %v", len(sides), err)
	}
	p.stop()
}
