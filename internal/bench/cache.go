package bench

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/db"
)

// A large seed takes ten minutes to grow, so it is kept from run to run.

// schemaFile, beside the database, lists the migrations that it has had.
const schemaFile = "schema"

// seed is a grown installation that a run may write to.
type seed struct {
	About
	dir string
}

// seeded returns the run's own copy of a seed on SQLite; what was grown once is kept in the cache.
func (b *bench) seeded(ctx context.Context, conversations int) (*seed, error) {
	if s := b.seeds[conversations]; s != nil {
		return s, nil
	}
	kept, err := b.kept(fmt.Sprint(conversations), func(dir string) error {
		_, err := grow(ctx, dir, "", conversations)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := &seed{dir: filepath.Join(b.dir, strconv.Itoa(conversations))}
	if err := copyDir(kept, s.dir); err != nil {
		return nil, err
	}
	about, err := os.ReadFile(filepath.Join(s.dir, aboutFile))
	if err != nil {
		return nil, err
	}
	b.seeds[conversations] = s
	return s, json.Unmarshal(about, &s.About)
}

// kept is a seed's folder in the cache, grown if need be. One that was grown under an older schema serves too: whoever opens its
// copy migrates it.
func (b *bench) kept(name string, grow func(dir string) error) (string, error) {
	schema, err := db.Schema()
	if err != nil {
		return "", err
	}
	if dir := b.fitting(schema, name); dir != "" {
		return dir, nil
	}
	fmt.Fprintf(os.Stderr, "  growing the seed %s ...\n", name)
	begun := time.Now()
	list := []byte(strings.Join(schema, "\n") + "\n")
	sum := sha256.Sum256(list)
	dir := filepath.Join(b.Cache, fmt.Sprintf("%s-%x", name, sum[:6]))
	making := dir + ".making"
	if err := os.RemoveAll(making); err != nil {
		return "", err
	}
	if err := errors.Join(os.MkdirAll(making, 0o700), grow(making), os.WriteFile(filepath.Join(making, schemaFile), list, 0o600)); err != nil {
		return "", errors.Join(err, os.RemoveAll(making))
	}
	fmt.Fprintf(os.Stderr, "  grown in %v\n", time.Since(begun).Round(time.Second))
	return dir, os.Rename(making, dir)
}

// fitting is the kept seed with the most migrations of those of which this program knows every one; empty: there is none.
func (b *bench) fitting(schema []string, name string) (best string) {
	dirs, _ := filepath.Glob(filepath.Join(b.Cache, name+"-*"))
	most := 0
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, schemaFile))
		if err != nil {
			continue
		}
		had := strings.Split(strings.TrimSpace(string(text)), "\n")
		known := !slices.ContainsFunc(had, func(m string) bool { return !slices.Contains(schema, m) })
		if known && len(had) > most && !strings.HasSuffix(dir, ".making") {
			best, most = dir, len(had)
		}
	}
	return best
}

func copyDir(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(filepath.Join(to, rel), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
}
