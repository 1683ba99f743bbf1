package api

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outermost is around every request: it names it, catches panics, sets the headers that all answers bear, and writes the access log.
func (a *API) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now() // for the log: how long it took on this machine
		info := a.describe(r)
		rec := &recorder{ResponseWriter: w}
		h := rec.Header()
		h.Set("X-Request-Id", info.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		if info.https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		ctx := context.WithValue(r.Context(), keyRequest, info)
		defer func() {
			if p := recover(); p != nil {
				a.caught(ctx, rec, info, p)
			}
			level := slog.LevelInfo
			if rec.status >= 500 {
				level = slog.LevelWarn // what went wrong has its own line
			}
			a.Log.LogAttrs(ctx, level, "request", slog.String("request", info.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
				slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Duration("took", time.Since(began)), slog.String("caller", info.caller), slog.String("ip", info.ip))
		}()
		if !storable(r.URL) {
			writeProblem(rec, plain(info.language, http.StatusBadRequest, "malformed", "text_invalid", nil))
			return
		}
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

// caught answers for a handler that panicked.
func (a *API) caught(ctx context.Context, w *recorder, info *request, p any) {
	err, _ := p.(error)
	if errors.Is(err, http.ErrAbortHandler) || ctx.Err() != nil {
		return // the caller has gone away in the middle of the answer
	}
	a.Log.LogAttrs(ctx, slog.LevelError, "panic", slog.String("request", info.id), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	if w.status == 0 {
		writeProblem(w, plain(info.language, http.StatusInternalServerError, "internal", "internal", map[string]any{"request": info.id}))
	}
}

func (a *API) describe(r *http.Request) *request {
	info := &request{language: preferred(r), agent: r.UserAgent(), https: r.TLS != nil || strings.HasPrefix(a.PublicURL, "https:")}
	if info.id = r.Header.Get("X-Request-Id"); len(info.id) > 64 || info.id == "" || !printable(info.id) {
		info.id = strconv.FormatUint(rand.Uint64(), 36)
	}
	info.ip, _, _ = net.SplitHostPort(r.RemoteAddr)
	if a.BehindProxy {
		hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if ip := net.ParseIP(strings.TrimSpace(hops[len(hops)-1])); ip != nil {
			info.ip = ip.String()
		}
		info.https = info.https || r.Header.Get("X-Forwarded-Proto") == "https"
	}
	return info
}

// noSuchRoute answers for what no operation matches.
func (a *API) noSuchRoute(w http.ResponseWriter, r *http.Request) {
	lang := preferred(r)
	var allowed []string
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		probe := r.Clone(r.Context())
		probe.Method = m
		if _, pattern := a.mux.Handler(probe); pattern != "" && pattern != "/" && m != r.Method {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) > 0 {
		slices.Sort(allowed)
		list := strings.Join(allowed, ", ")
		w.Header().Set("Allow", list)
		writeProblem(w, plain(lang, http.StatusMethodNotAllowed, "malformed", "method_not_allowed", map[string]any{"allowed": list}))
		return
	}
	writeProblem(w, plain(lang, http.StatusNotFound, "not_found", "route_not_found", nil))
}

// recorder remembers what was answered, for the log.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
