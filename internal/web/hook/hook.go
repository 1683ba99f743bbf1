// Package hook is the door by which shops and other services push. It bounds and reads a body, has the engine check and keep
// it, and answers at once; what a push means is found out later, by asking the shop. It knows no plug and writes no tables.
package hook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"opeka/internal/care"
	"opeka/internal/commerce"
)

// maxBody bounds what may be pushed.
const maxBody = 2 << 20

// Receiver checks and keeps a push; *commerce.Sync is one.
type Receiver interface {
	ReceiveHook(ctx context.Context, token string, header http.Header, topic string, body []byte) (commerce.Delivery, error)
}

// Handler serves POST /hooks/{token}.
func Handler(r Receiver, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.Default()
	}
	return &door{r, log}
}

// Routes adds the door to a server.
func Routes(mux *http.ServeMux, r Receiver, log *slog.Logger) {
	mux.Handle("/hooks/{token}", Handler(r, log))
}

type door struct {
	receiver Receiver
	log      *slog.Logger
}

// topics are the headers in which engines name what they push, for the record.
var topics = []string{"X-WC-Webhook-Topic", "X-Shopify-Topic", "X-Opeka-Topic", "X-Topic"}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		// Some services look at an address before they use it; what is there is nobody's business.
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, "method_not_allowed")
		return
	}
	token := r.PathValue("token")
	if len(token) < 16 || len(token) > 128 || strings.ContainsAny(token, "\x00 ") {
		answer(w, http.StatusNotFound, "not_found")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			answer(w, http.StatusRequestEntityTooLarge, "too_large")
			return
		}
		answer(w, http.StatusBadRequest, "malformed")
		return
	}
	topic := ""
	for _, h := range topics {
		if topic = r.Header.Get(h); topic != "" {
			break
		}
	}
	// A shop that hangs up early has still said it: what was read is kept.
	delivery, err := d.receiver.ReceiveHook(context.WithoutCancel(r.Context()), token, r.Header, topic, body)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	verdict := delivery.Verdict
	if delivery.Duplicate {
		verdict = "duplicate"
	}
	answer(w, http.StatusOK, verdict)
}

func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var e *care.Error
	if errors.As(err, &e) {
		switch e.Kind {
		case care.KindNotFound:
			answer(w, http.StatusNotFound, "not_found")
			return
		case care.KindUnauthorised:
			answer(w, http.StatusUnauthorized, "signature")
			return
		case care.KindInvalid, care.KindConflict:
			d.log.Warn("a hook can't be taken", "err", err)
			answer(w, http.StatusServiceUnavailable, "not_configured") // the connection's settings are broken; the shop may try again
			return
		}
	}
	d.log.ErrorContext(r.Context(), "a hook couldn't be kept", "err", err)
	answer(w, http.StatusInternalServerError, "internal")
}

// answer is for programs: a status and a word.
func answer(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"result": word})
}
