// Package blob keeps files (attachments, recordings, raw imports) on disk or in S3. Keys are made by the
// program, never by a user; what a file is called and who may have it is for its room to know.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// ErrNotFound means that no file has the key.
var ErrNotFound = errors.New("blob: no such file")

// Store keeps files by key.
type Store interface {
	// Put writes a file, whole or not at all. size is in bytes, -1 when it isn't known.
	Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error
	// Get opens a file; the error is ErrNotFound when there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes a file; removing what isn't there is no error.
	Delete(ctx context.Context, key string) error
	// Check tells whether files can be written at the moment.
	Check(ctx context.Context) error
}

var goodKey = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$`)

func checkKey(key string) error {
	if len(key) > 200 || !goodKey.MatchString(key) {
		return fmt.Errorf("blob: bad key %q", key)
	}
	return nil
}

// Disk keeps files in a folder.
type Disk struct{ dir string }

// NewDisk makes the folder if needed.
func NewDisk(dir string) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &Disk{dir}, nil
}

// Put implements Store: the file appears under its key only when all of it is on the disk.
func (d *Disk) Put(_ context.Context, key string, r io.Reader, size int64, _ string) (err error) {
	if err := checkKey(key); err != nil {
		return err
	}
	path := filepath.Join(d.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	n, err := io.Copy(f, r)
	if err != nil {
		return fmt.Errorf("blob: write %s: %w", key, err)
	}
	if size >= 0 && n != size {
		return fmt.Errorf("blob: %s: %d bytes of %d", key, n, size)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	defer f.Close()
	return f.Sync()
}

// Get implements Store.
func (d *Disk) Get(_ context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(d.dir, filepath.FromSlash(key)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotFound
	}
	return f, err
}

// Delete implements Store.
func (d *Disk) Delete(_ context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(d.dir, filepath.FromSlash(key))); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// Check implements Store.
func (d *Disk) Check(context.Context) error {
	f, err := os.CreateTemp(d.dir, ".check-*")
	if err != nil {
		return fmt.Errorf("blob: can't write to %s: %w", d.dir, err)
	}
	_ = f.Close()
	return os.Remove(f.Name())
}
