package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

const idempotencyHeader = "Idempotency-Key"

// once carries out a POST once per key. The claim to the key commits with the first change that the operation makes, so
// that neither a crash nor two requests at once can make the change twice; the answer is kept after it.
func (a *API) once(w http.ResponseWriter, r *http.Request, key string, run func(http.ResponseWriter, *http.Request)) {
	ctx := r.Context()
	if !printable(key) {
		writeProblem(w, a.problem(ctx, care.Invalid(idempotencyHeader, "idempotency.key_invalid")))
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeProblem(w, refusal(language(ctx), http.StatusInternalServerError, "cannot read request body", []error{err}))
		return
	}
	sum := sha256.New()
	_, _ = io.WriteString(sum, r.Method+" "+r.URL.RequestURI()+"\n") // a hash never fails
	_, _ = sum.Write(body)
	claim := account.Claim{Caller: callerName(caller(ctx)), Key: key, RequestHash: hex.EncodeToString(sum.Sum(nil))}
	known, err := a.Accounts.Answered(ctx, claim)
	if err != nil {
		writeProblem(w, a.problem(ctx, err))
		return
	}
	if known != nil {
		if known.ContentType != "" {
			w.Header().Set("Content-Type", known.ContentType)
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(known.Status)
		_, _ = w.Write(known.Body) // a caller that has gone away asks again
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	held := &heldAnswer{ResponseWriter: w, status: http.StatusOK}
	run(held, r.WithContext(db.Along(ctx, func(tx *db.Tx) error { return a.Accounts.Claim(ctx, tx, claim) })))
	if held.status < 300 {
		// The change is made already: losing its answer is told to who repeats the request, not to this caller.
		answer := account.Answer{Status: held.status, ContentType: w.Header().Get("Content-Type"), Body: held.body.Bytes()}
		if err := a.Accounts.Answer(context.WithoutCancel(ctx), claim, answer); err != nil {
			a.Log.ErrorContext(ctx, "answer not kept for its idempotency key", "request", requestOf(ctx).id, "err", err)
		}
	}
}

// heldAnswer copies what is sent to the caller.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int) {
	h.status = status
	h.ResponseWriter.WriteHeader(status)
}

func (h *heldAnswer) Write(b []byte) (int, error) {
	h.body.Write(b)
	return h.ResponseWriter.Write(b)
}

func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func printable(key string) bool {
	if len(key) > 200 {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

func callerName(c account.Caller) string {
	if c.Key != 0 {
		return care.ActorKey + ":" + strconv.FormatInt(c.Key, 10)
	}
	return care.ActorAgent + ":" + strconv.FormatInt(c.Agent, 10)
}
