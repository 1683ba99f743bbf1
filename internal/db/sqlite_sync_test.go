package db

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the disk refused to keep is told to whoever wrote it, and nothing is written after it: nobody knows what the log holds then.
func TestNothingIsWrittenAfterTheDiskRefused(t *testing.T) {
	d, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	write := func() error {
		return d.Write(t.Context(), System, func(tx *Tx) error {
			_, err := tx.Exec(context.Background(), `CREATE TABLE IF NOT EXISTS things (id INTEGER)`)
			return err
		})
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe() // can't be synced
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := d.engine.(*sqliteDB).sync
	log := s.log
	defer log.Close()
	s.log = w // nothing is being written
	for range 3 {
		if err := write(); err == nil || !strings.Contains(err.Error(), "refuses") {
			t.Fatalf("%v", err)
		}
	}
	s.log = log
	if err := write(); err == nil {
		t.Fatal("written after a failure")
	}
	s.log = w
}
