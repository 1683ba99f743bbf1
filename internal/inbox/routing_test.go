package inbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	ready := func(id int64, open, capacity int64, skills ...Skill) candidate {
		return candidate{Agent: id, State: "ready", Open: open, Capacity: capacity, Skills: skills}
	}
	uk, pl, chat := Skill{"language", "uk"}, Skill{"language", "pl"}, Skill{"channel", "chat"}
	for name, c := range map[string]struct {
		need    need
		crew    []candidate
		offer   []int64
		refused []refusal
	}{
		"nobody":            {},
		"least loaded":      {crew: []candidate{ready(1, 2, 4), ready(2, 1, 4), ready(3, 1, 1)}, offer: []int64{2, 1}, refused: []refusal{{3, "full"}}},
		"share of capacity": {crew: []candidate{ready(1, 1, 2), ready(2, 3, 20)}, offer: []int64{2, 1}},
		"served before":     {need: need{Previous: 1}, crew: []candidate{ready(2, 0, 4), ready(1, 3, 4)}, offer: []int64{1, 2}},
		"gave it back":      {need: need{Declined: 1}, crew: []candidate{ready(1, 0, 4)}, refused: []refusal{{1, "declined"}}},
		"language":          {need: need{Language: "pl"}, crew: []candidate{ready(1, 0, 4, uk), ready(2, 0, 4, pl), ready(3, 0, 4, chat)}, offer: []int64{2, 3}, refused: []refusal{{1, "language"}}},
		"language unknown":  {crew: []candidate{ready(1, 0, 4, uk)}, offer: []int64{1}},
		"channel":           {need: need{Channel: "email"}, crew: []candidate{ready(1, 0, 4, chat)}, refused: []refusal{{1, "channel"}}},
		"queue's skill":     {need: need{Skills: []Skill{pl}}, crew: []candidate{ready(1, 0, 4), ready(2, 0, 4, uk, pl)}, offer: []int64{2}, refused: []refusal{{1, "skill"}}},
		"team":              {need: need{Team: 7}, crew: []candidate{ready(1, 0, 4), {Agent: 2, State: "ready", Capacity: 1, Teams: []int64{7}}}, offer: []int64{2}, refused: []refusal{{1, "team"}}},
		"away":              {crew: []candidate{{Agent: 1, State: "away", Capacity: 4}}, refused: []refusal{{1, "not_ready"}}},
		"longest ready":     {crew: []candidate{{Agent: 1, State: "ready", Capacity: 4, Since: 20}, {Agent: 2, State: "ready", Capacity: 4, Since: 10}}, offer: []int64{2, 1}},
	} {
		d := decide(c.need, c.crew)
		var offer []int64
		for _, o := range d.Offer {
			offer = append(offer, o.Agent)
		}
		if diff := cmp.Diff(c.offer, offer); diff != "" {
			t.Errorf("%s: offer %s", name, diff)
		}
		if diff := cmp.Diff(c.refused, d.Refused); diff != "" {
			t.Errorf("%s: refused %s", name, diff)
		}
	}
}

// The stretches that a search walks cover every position once, newest first, and are few.
func TestStretchesCoverEverything(t *testing.T) {
	t.Parallel()
	for _, head := range []int64{0, 1, 2047, 2048, 16383, 16384, 131071, 131072, 850_000, 5_000_000} {
		marks := stretchesFrom(head)
		if len(marks) > 40 {
			t.Errorf("%d stretches for %d messages", len(marks), head)
		}
		where := map[string]int{}
		for n, m := range marks {
			if _, twice := where[m]; twice {
				t.Fatalf("%d: %s twice", head, m)
			}
			where[m] = n
		}
		last := -1
		step := max(1, head/5000)
		for p := int64(0); p <= head; p += step {
			found := -1
			for _, m := range stretchMarks(p) {
				if n, ok := where[m]; ok {
					if found >= 0 {
						t.Fatalf("%d of %d lies in two stretches", p, head)
					}
					found = n
				}
			}
			if found < 0 {
				t.Fatalf("%d of %d lies in no stretch", p, head)
			}
			if last >= 0 && found > last {
				t.Fatalf("%d of %d: stretches aren't newest first", p, head)
			}
			last = found
		}
	}
}

func TestExamineTellsFilesByTheirBytes(t *testing.T) {
	t.Parallel()
	pdf := []byte("%PDF-1.7\nx")
	for name, c := range map[string]struct {
		file, want string
		content    []byte
	}{
		"pdf":               {"рахунок.pdf", "application/pdf", pdf},
		"pdf named as html": {"x.html", "", pdf},
		"html":              {"x.txt", "", []byte("<!DOCTYPE html><script>alert(1)</script>")},
		"svg":               {"x.png", "", []byte(`<?xml version="1.0"?><svg onload="alert(1)"/>`)},
		"program":           {"x.pdf", "", []byte("MZ\x90\x00\x03\x00\x00\x00")},
		"text":              {"список.csv", "text/csv", []byte("a;b\n1;2\n")},
		"empty":             {"x.txt", "", nil},
		"broken image":      {"x.png", "", []byte("\x89PNG\x0d\x0a\x1a\x0a broken")},
	} {
		f, err := examine(c.file, c.content)
		if (err == nil) != (c.want != "") || f.contentType != c.want {
			t.Errorf("%s: %q %v", name, f.contentType, err)
		}
	}
	for in, want := range map[string]string{`..\..\evil.txt`: "evil.txt", "/etc/passwd": "passwd", "a\x00b\n.txt": "ab.txt", "": "file", "…": "…", "photo\u202egpj.exe": "photogpj.exe"} {
		if got := fileName(in, ""); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzExamine(f *testing.F) {
	f.Add("a.png", []byte("\x89PNG\r\n\x1a\n"))
	f.Add("a.gif", []byte("GIF89a\x01\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		if got, err := examine(name, content); err == nil && (got.name == "" || len([]rune(got.name)) > 140) {
			t.Fatalf("name %q", got.name)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("abc.def")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := parseCursor(s); err == nil && s != "" {
			if again, err := parseCursor(c.String()); err != nil || again != c {
				t.Fatalf("%q: %v %v", s, c, again)
			}
		}
	})
}
