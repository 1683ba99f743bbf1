package db_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"opeka/internal/db"
)

// A folder may be named by signs that mean something in an address.
func TestAnyFolderWillDo(t *testing.T) {
	for _, name := range []string{"shop #1", "50%", "what?", "a b&c"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "opeka.db"), db.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if found, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "*")); len(found) != 1 {
			t.Errorf("%s: files beside it: %v", name, found)
		}
	}
}
