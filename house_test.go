// Package opeka_test looks at the house as a whole: who stands on whose shoulders.
package opeka_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The floors, lowest first. A package may import those below its own floor; on its own floor only what `within` allows.
var floors = []struct {
	name   string
	rooms  []string
	within bool // rooms of the floor may lean on each other
}{
	{"F0, knows nothing of shops", []string{"messages", "internal/db", "internal/job", "internal/bus", "internal/blob", "internal/cal", "internal/text", "internal/sound", "internal/outgoing", "internal/mailproof"}, true},
	{"F1, the language", []string{"internal/care"}, false},
	{"F2a, rooms that others lean on", []string{"internal/account", "internal/find", "internal/customer", "internal/post"}, true},
	{"F2b, rooms that act, and plugs", []string{"internal/commerce", "internal/inbox", "internal/phone", "internal/notify", "internal/digital", "internal/work", "internal/know", "internal/webhook", "internal/shop", "internal/channel", "internal/carrier"}, false},
	{"F3, doors", []string{"internal/web", "ui"}, true},
	{"F4, the whole", []string{"internal/app", "internal/demo", "internal/bench", "internal/command", "internal/peer", "cmd", "test"}, true},
}

// plugs know the language and the ground, never a room.
var plugs = []string{"internal/shop", "internal/channel", "internal/carrier"}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		from, floor := place(p.ImportPath)
		if floor < 0 {
			if from != "opeka" {
				t.Errorf("%s stands on no floor: name it in house_test.go and docs/architecture.md", p.ImportPath)
			}
			continue
		}
		for _, imported := range p.Imports {
			to, below := place(imported)
			switch {
			case below < 0 || to == from:
			case below > floor:
				t.Errorf("%s (%s) imports %s from a floor above (%s)", p.ImportPath, floors[floor].name, imported, floors[below].name)
			case below == floor && !floors[floor].within:
				t.Errorf("%s imports %s: rooms of one floor talk by events only (%s)", p.ImportPath, imported, floors[floor].name)
			case slices.Contains(plugs, from) && below > 1:
				t.Errorf("%s is a plug and imports the room %s", p.ImportPath, imported)
			}
		}
	}
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) (out []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(b))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

// place finds the room of a package, and its floor; -1 when it isn't one of ours.
func place(path string) (room string, floor int) {
	rel, ours := strings.CutPrefix(path, "opeka/")
	if !ours {
		return path, -1
	}
	for i, f := range floors {
		for _, room := range f.rooms {
			if rel == room || strings.HasPrefix(rel, room+"/") {
				return room, i
			}
		}
	}
	return path, -1
}
