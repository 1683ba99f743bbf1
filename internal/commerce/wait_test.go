package commerce

import (
	"testing"
	"time"
)

// waitFor polls for what a job does in its own time.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if done() {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal("stopped")
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatal("it never happened")
}
