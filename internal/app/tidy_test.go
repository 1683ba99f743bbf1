package app

import "testing"

func TestMemoryIsGivenBackInQuietMoments(t *testing.T) {
	const mb = 1 << 20
	started := heap{asked: 60 * mb, objects: 22 * mb, live: 10 * mb, free: 12 * mb}
	for name, c := range map[string]struct {
		before, now heap
		want        bool
	}{
		"after the start":           {started, started, true},
		"while something goes on":   {heap{asked: 59 * mb}, started, false},
		"nothing to give back":      {started, heap{asked: 60 * mb, objects: 11 * mb, live: 10 * mb, free: 2 * mb}, false},
		"little beside what it has": {started, heap{asked: 60 * mb, objects: 110 * mb, live: 100 * mb, free: 10 * mb}, false},
		"before any collection":     {started, heap{asked: 60 * mb, objects: 60 * mb}, true},
	} {
		if got := worthTidying(c.before, c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
