// Package guide runs what the guides of docs/guides tell their readers to type, against the whole program, so that a
// guide can't go out of date unnoticed.
package guide

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/peer"
	"opeka/internal/shop/generic"
)

// block is a fenced piece of a guide: commands to run, and the answer that the guide promises.
type block struct {
	line     int
	script   string
	wait     bool // the answer comes a moment later: ask again until it does
	expected string
}

// read takes the blocks marked "sh run" out of a guide, each with the "json expected" that follows it.
func read(t *testing.T, path string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var info string
	var body []string
	for i, line := range strings.Split(string(text), "\n") {
		mark, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && info == "" && mark != "":
			info, body = mark, nil
		case fence:
			switch piece := strings.Join(body, "\n") + "\n"; {
			case strings.HasPrefix(info, "sh run"):
				out = append(out, block{line: i - len(body), script: piece, wait: info == "sh run wait"})
			case info == "json expected" && len(out) > 0:
				out[len(out)-1].expected = piece
			}
			info = ""
		case info != "":
			body = append(body, line)
		}
	}
	return out
}

// shell runs blocks one after another: variables and functions of one are there in the next.
type shell struct {
	dir string
	env []string
}

func (s *shell) run(t *testing.T, script string) (stdout, stderr string, err error) {
	c := exec.CommandContext(t.Context(), "bash", "-c", "set -euo pipefail -a\n[ ! -e state.sh ] || . ./state.sh\ntrap 'export -p > state.sh; declare -f >> state.sh' EXIT\n"+script)
	c.Dir, c.Env = s.dir, append(os.Environ(), s.env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	return out.String(), errs.String(), err
}

// holds tells whether an answer has everything that a guide promises; "..." stands for any value.
func holds(expected, got any) error {
	switch want := expected.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", got)
		}
		for k, v := range want {
			if _, ok := have[k]; !ok {
				return fmt.Errorf("no %q in %v", k, have)
			}
			if err := holds(v, have[k]); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		return nil
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) < len(want) || len(want) == 0 && len(have) > 0 {
			return fmt.Errorf("want the list %v, got %v", want, got)
		}
		for i := range want {
			if err := holds(want[i], have[i]); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	}
	if expected != "..." && !reflect.DeepEqual(expected, got) {
		return fmt.Errorf("want %v, got %v", expected, got)
	}
	return nil
}

func (s *shell) check(t *testing.T, b block) error {
	stdout, stderr, err := s.run(t, b.script)
	if err != nil {
		return fmt.Errorf("%w\n%s%s", err, stdout, stderr)
	}
	if b.expected == "" {
		return nil
	}
	var want, got any
	if err := json.Unmarshal([]byte(b.expected), &want); err != nil {
		return fmt.Errorf("what the guide expects is no JSON: %w", err)
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		return fmt.Errorf("the answer is no JSON: %w\n%s%s", err, stdout, stderr)
	}
	return holds(want, got)
}

// shop is the reader's own: it answers at pull_url, does at action_url what it is asked to, and keeps the webhook that it was sent.
func shop(t *testing.T, dir, secret string) http.Handler {
	var status atomic.Value
	status.Store("new")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /opeka/action", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if _, err := generic.Verify([]string{secret}, r.Header.Get(generic.SignatureHeader), body, time.Now()); err != nil {
			t.Error("asked to act:", err)
		}
		var a struct {
			ID     int64 `json:"action_id"`
			Kind   string
			Order  string
			Status string
		}
		if err := json.Unmarshal(body, &a); err != nil || a.ID == 0 || a.Kind != "status" || a.Order != "1003" {
			t.Errorf("asked for %s: %v", body, err)
		}
		status.Store(a.Status)
		fmt.Fprint(w, `{"state": "done"}`)
	})
	mux.HandleFunc("GET /opeka/record", func(w http.ResponseWriter, r *http.Request) {
		if _, err := generic.Verify([]string{secret}, r.Header.Get(generic.SignatureHeader), []byte(r.URL.RequestURI()), time.Now()); err != nil {
			t.Error("asked for a record:", err)
		}
		if r.URL.Query().Get("kind") != "order" || r.URL.Query().Get("id") != "1003" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"updated_at": "2026-03-02T09:30:00Z", "data": {"number": "1003", "status": %q, "customer": {"external_id": "c-18", "name": "Іван", "email": "ivan@example.com"},
"total": {"amount": 100, "currency": "UAH"}, "lines": [{"name": "Cap", "quantity": 1, "price": {"amount": 100, "currency": "UAH"}, "total": {"amount": 100, "currency": "UAH"}}]}}`, status.Load())
	})
	mux.HandleFunc("POST /opeka/events", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for name, content := range map[string]string{"id": r.Header.Get("Webhook-Id"), "timestamp": r.Header.Get("Webhook-Timestamp"), "signature": r.Header.Get("Webhook-Signature"), "json": string(body)} {
			if err := os.WriteFile(filepath.Join(dir, "hook."+name), []byte(content), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	return mux
}

func TestAShopDeveloperFollowsTheGuide(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the guide's commands need %s, which isn't here", tool)
		}
	}
	blocks := read(t, filepath.Join("..", "..", "docs", "guides", "shop-developer.md"))
	if len(blocks) < 10 {
		t.Fatalf("%d blocks to run", len(blocks))
	}
	a, err := app.New(t.Context(), app.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", AllowPrivate: true}, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	opeka := httptest.NewServer(a.Handler)
	t.Cleanup(opeka.Close)
	dir, secret := t.TempDir(), rand.Text()
	own := httptest.NewServer(shop(t, dir, secret))
	t.Cleanup(own.Close)

	office := peer.NewOffice(opeka.URL)
	store, slug, err := office.SetUp(t.Context(), "My shop", "olena@example.com", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	var key, identity struct {
		Secret string `json:"secret"`
	}
	if err := office.Do(t.Context(), "POST", "/keys", map[string]any{"store_id": store, "name": "Shop", "scopes": []string{
		"connections.manage", "keys.manage", "customer.read", "inbox.read", "commerce.read", "commerce.write"}}, &key); err != nil {
		t.Fatal(err)
	}
	if err := office.Do(t.Context(), "POST", fmt.Sprintf("/stores/%d/identity-secret", store), nil, &identity); err != nil {
		t.Fatal(err)
	}
	s := &shell{dir, []string{"OPEKA=" + opeka.URL, fmt.Sprintf("STORE=%d", store), "SLUG=" + slug, "IDENTITY_SECRET=" + identity.Secret, "KEY=" + key.Secret, "SECRET=" + secret,
		"PULL_URL=" + own.URL + "/opeka/record", "HOOK_URL=" + own.URL + "/opeka/events", "ACTION_URL=" + own.URL + "/opeka/action"}}
	for _, b := range blocks {
		err := s.check(t, b)
		for end := time.Now().Add(2 * time.Minute); err != nil && b.wait && time.Now().Before(end); err = s.check(t, b) {
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			t.Fatalf("shop-developer.md:%d: %v", b.line, err)
		}
	}
}

func TestWhatAnAnswerMustHold(t *testing.T) {
	for _, c := range []struct {
		expected, got string
		want          bool
	}{
		{`{"a": 1}`, `{"a": 1, "b": 2}`, true},
		{`{"a": "..."}`, `{"a": [1]}`, true},
		{`{"a": "..."}`, `{}`, false},
		{`[{"a": 1}]`, `[{"a": 1}, {"a": 2}]`, true},
		{`[]`, `[1]`, false},
		{`{"a": {"b": 1}}`, `{"a": {"b": 2}}`, false},
	} {
		var expected, got any
		if err := json.Unmarshal([]byte(c.expected), &expected); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.got), &got); err != nil {
			t.Fatal(err)
		}
		if err := holds(expected, got); (err == nil) != c.want {
			t.Errorf("%s in %s: %v", c.expected, c.got, err)
		}
	}
}
