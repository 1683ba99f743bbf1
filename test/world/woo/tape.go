package woo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Tape is a recorded exchange with a real shop.
type Tape struct {
	File    string
	Note    string `json:"note"`
	Request struct {
		Method string          `json:"method"`
		Path   string          `json:"path"`
		Body   json.RawMessage `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"response"`
}

// Push is a recorded webhook.
type Push struct {
	File    string
	Headers map[string]string `json:"headers"`
	Raw     string            `json:"raw"`
}

// Recordings finds the folder of the recordings, or skips the test. It lies beside the repository, in ../shared, or where OPEKA_SHARED says.
func Recordings(t testing.TB) string {
	t.Helper()
	shared := os.Getenv("OPEKA_SHARED")
	if shared == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
		}
		shared = filepath.Join(dir, "..", "shared")
	}
	folder := filepath.Join(shared, "data", "shops", "woocommerce")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no recordings of a WooCommerce at %s", folder)
	}
	return folder
}

// Tapes reads the recorded exchanges in their order.
func Tapes(t testing.TB) []Tape {
	return readAll(t, "rest", func(f string, tape *Tape) { tape.File = f })
}

// Pushes reads the recorded webhooks in their order.
func Pushes(t testing.TB) []Push {
	return readAll(t, "hooks", func(f string, p *Push) { p.File = f })
}

func readAll[T any](t testing.TB, sub string, name func(string, *T)) []T {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Recordings(t), sub, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("no recordings in %s", sub)
	}
	slices.Sort(files)
	out := make([]T, len(files))
	for i, f := range files {
		b, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(b, &out[i])
		}
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		name(filepath.Base(f), &out[i])
	}
	return out
}

// Play fills a shop with what the recordings show last of each thing: the state in which the story ends.
func Play(t testing.TB, opts ...Option) *Shop {
	t.Helper()
	s := New(t, opts...)
	latest := map[string]json.RawMessage{} // kind/parent/id
	var order []string
	take := func(kind, parent string, body json.RawMessage) {
		items := []json.RawMessage{body}
		if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '[' {
			if json.Unmarshal(body, &items) != nil {
				return
			}
		}
		for _, raw := range items {
			var o struct {
				ID       int64           `json:"id"`
				Status   string          `json:"status"`
				Modified json.RawMessage `json:"date_modified"`
				Parent   int64           `json:"parent_id"`
				Type     string          `json:"type"`
			}
			if json.Unmarshal(raw, &o) != nil || o.ID == 0 {
				continue
			}
			whole := kind != "orders" && kind != "products" && kind != "customers" && kind != "variations" || o.Modified != nil // not cut by _fields
			k, p := kind, parent
			if kind == "products" && o.Type == "variation" {
				k, p = "variations", strconv.FormatInt(o.Parent, 10)
			}
			key := fmt.Sprintf("%s/%s/%d", k, p, o.ID)
			if !whole {
				continue
			}
			if _, ok := latest[key]; !ok {
				order = append(order, key)
			}
			latest[key] = raw
		}
	}
	for _, tape := range Tapes(t) {
		if tape.Response.Status >= 300 {
			continue
		}
		path, _, _ := strings.Cut(tape.Request.Path, "?")
		p := strings.Split(strings.TrimPrefix(path, "/wp-json/wc/v3/"), "/")
		gone := tape.Request.Method == "DELETE" && strings.Contains(tape.Request.Path, "force=true")
		switch {
		case gone:
			delete(latest, p[0]+"//"+p[1])
		case len(p) >= 3 && (p[2] == "notes" || p[2] == "refunds" || p[2] == "fulfillments" || p[2] == "variations"):
			take(p[2], p[1], tape.Response.Body)
		case (p[0] == "orders" || p[0] == "products" || p[0] == "customers") && len(p) <= 2 && p[len(p)-1] != "batch":
			take(p[0], "", tape.Response.Body)
		}
	}
	for _, key := range order {
		raw, ok := latest[key]
		if !ok {
			continue
		}
		p := strings.Split(key, "/")
		parent, _ := strconv.ParseInt(p[1], 10, 64)
		s.Load(p[0], parent, raw)
	}
	return s
}
