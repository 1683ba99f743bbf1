// Package console is the door that hands the agent console to browsers: the built files under /app/, the
// same page for each of its addresses. What the console shows comes from the API.
package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// Base is the path under which the console stands.
const Base = "/app/"

// The console loads nothing from elsewhere and is put into nobody's frame. Styles that scripts set (measured list rows, resized
// panes) go through the document's model, which needs no leave; style attributes in the page would.
const policy = "default-src 'self'; img-src 'self' data: blob: https:; style-src 'self'; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Handler serves the files of a build; when there is none it says how to make one.
func Handler(files fs.FS) http.Handler {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		index = []byte("<!doctype html><meta charset=utf-8><title>Opeka</title><p>The console isn't built. Run <code>make build</code> and start again.")
	}
	sum := sha256.Sum256(index)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	static := http.StripPrefix(strings.TrimSuffix(Base, "/"), http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		name := strings.TrimPrefix(path.Clean(r.URL.Path), Base)
		if info, err := fs.Stat(files, name); err == nil && !info.IsDir() && name != "index.html" {
			if strings.HasPrefix(name, "assets/") { // named by their content
				h.Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			static.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r) // an older build's file: the page must be loaded anew, not taken for a script
			return
		}
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		h.Set("Content-Type", "text/html; charset=utf-8")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = bytes.NewReader(index).WriteTo(w)
	})
}
