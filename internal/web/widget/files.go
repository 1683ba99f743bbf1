package widget

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

// file is a built script, compressed once.
type file struct {
	plain, packed []byte
	etag          string
}

func (d *Door) load(files fs.FS) error {
	d.files = map[string]file{}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return fmt.Errorf("widget: %w", err)
	}
	for _, e := range entries {
		plain, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return fmt.Errorf("widget: %w", err)
		}
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a constant
		if _, err := z.Write(plain); err != nil {
			return fmt.Errorf("widget: %w", err)
		}
		if err := z.Close(); err != nil {
			return fmt.Errorf("widget: %w", err)
		}
		sum := sha256.Sum256(plain)
		d.files[e.Name()] = file{plain, b.Bytes(), `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	if _, ok := d.files["widget.js"]; !ok {
		return fmt.Errorf("widget: widget.js isn't built; run go run ./ui/widget/build")
	}
	return nil
}

// loader is asked for with every page of every shop: browsers keep it for an hour, and show the old one while they ask for a newer.
func (d *Door) loader(w http.ResponseWriter, r *http.Request) {
	d.serve(w, r, "widget.js", "public, max-age=3600, stale-while-revalidate=604800")
}

// part is a panel: its name changes with its bytes.
func (d *Door) part(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "widget.js" {
		http.NotFound(w, r)
		return
	}
	d.serve(w, r, name, "public, max-age=31536000, immutable")
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request, name, cache string) {
	f, ok := d.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cache)
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	// Shops' pages load it from another origin, as a script and as a module.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if strings.Contains(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
