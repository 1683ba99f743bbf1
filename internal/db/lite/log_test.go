package lite

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func open(t *testing.T, path string, pragmas ...string) *Conn {
	t.Helper()
	c, err := Open(path, append([]string{"journal_mode = WAL", "synchronous = FULL"}, pragmas...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func must(t *testing.T, c *Conn, sql string) {
	t.Helper()
	if err := c.Exec(sql); err != nil {
		t.Fatal(sql, err)
	}
}

func value1(t *testing.T, c *Conn, sql string) (out any) {
	t.Helper()
	s, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if row, err := s.Step(); err != nil || !row {
		t.Fatal(sql, row, err)
	}
	out = s.Value(0)
	s.Reset()
	return out
}

// A log that is written in large pieces holds what it should at every commit, for other connections and for whoever finds the files
// after a crash: also when transactions are larger than the cache, are undone after part of them has been written, or the log begins anew.
func TestGatheredLogHoldsEveryCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	w := open(t, path, "cache_size = 10", "wal_autocheckpoint = 0")
	if err := w.GatherLog(); err != nil {
		t.Fatal(err)
	}
	other := open(t, path)
	must(t, w, `CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, body BLOB)`)
	must(t, w, `CREATE INDEX things_name ON things (name)`)
	kept := int64(0)
	for round := range 20 {
		must(t, w, `BEGIN IMMEDIATE`)
		size := []int64{1, 300, 7}[round%3]
		must(t, w, `INSERT INTO things (name, body) WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < `+strconv.FormatInt(size, 10)+`)
SELECT hex(randomblob(8)), randomblob(1500) FROM n`)
		if n := value1(t, w, `SELECT count(*) FROM things WHERE name > ''`); n != kept+size {
			t.Fatalf("round %d: the writer sees %v of %d", round, n, kept+size)
		}
		if n := value1(t, other, `SELECT count(*) FROM things`); n != kept {
			t.Fatalf("round %d: another sees %v before the commit, not %d", round, n, kept)
		}
		if round%5 == 4 {
			must(t, w, `ROLLBACK`)
		} else {
			must(t, w, `COMMIT`)
			kept += size
		}
		if n := value1(t, other, `SELECT count(*) FROM things`); n != kept {
			t.Fatalf("round %d: another sees %v after the commit, not %d", round, n, kept)
		}
		if round%6 == 5 {
			if _, _, err := w.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
		crash := filepath.Join(dir, strconv.Itoa(round))
		if err := os.Mkdir(crash, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal"} {
			text, err := os.ReadFile(path + suffix)
			if err == nil {
				err = os.WriteFile(filepath.Join(crash, "a.db"+suffix), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		found := open(t, filepath.Join(crash, "a.db"))
		if n := value1(t, found, `SELECT count(*) FROM things`); n != kept {
			t.Fatalf("round %d: %v of %d after a crash", round, n, kept)
		}
		if ok := value1(t, found, `PRAGMA integrity_check`); ok != "ok" {
			t.Fatalf("round %d: %v", round, ok)
		}
	}
}
