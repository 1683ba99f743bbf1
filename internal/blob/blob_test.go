package blob_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"opeka/internal/blob"
)

func TestDisk(t *testing.T) {
	s, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(ctx, "a/2026/11/7", strings.NewReader("фото"), 8, "image/png"); err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(ctx, "a/2026/11/7")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(r)
	_ = r.Close()
	if !bytes.Equal(got, []byte("фото")) {
		t.Fatalf("%q", got)
	}
	// A file that breaks off, or isn't as long as announced, leaves nothing behind.
	for _, bad := range []io.Reader{iotest.TimeoutReader(strings.NewReader("half")), strings.NewReader("short")} {
		if err := s.Put(ctx, "a/bad", bad, 100, ""); err == nil {
			t.Fatal("took half a file")
		}
		if _, err := s.Get(ctx, "a/bad"); !errors.Is(err, blob.ErrNotFound) {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"", "../x", "/etc/passwd", "a/../../x", "a//b", "A", ".hidden", "a/.new"} {
		if err := s.Put(ctx, key, strings.NewReader(""), 0, ""); err == nil {
			t.Errorf("took the key %q", key)
		}
	}
	for range 2 {
		if err := s.Delete(ctx, "a/2026/11/7"); err != nil {
			t.Fatal(err)
		}
	}
}
