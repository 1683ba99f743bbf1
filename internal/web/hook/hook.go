// Package hook is the door by which shops and other services push. It bounds and reads a body, has the engine check and keep
// it, and answers at once; what a push means is found out later, by asking the shop. It knows no plug and writes no tables.
package hook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/post"
)

// maxBody bounds what may be pushed.
const maxBody = 2 << 20

// Receiver checks and keeps a push; *commerce.Sync is one.
type Receiver interface {
	ReceiveHook(ctx context.Context, token string, header http.Header, topic string, body []byte) (commerce.Delivery, error)
}

// Post is where written channels' pushes go; *post.Post is one.
type Post interface {
	Speaks(ctx context.Context, token string) (bool, error)
	ReceivePush(ctx context.Context, token string, push care.Push) (post.Pushed, error)
}

// Handler serves /hooks/{token}: pushes of shops and of written channels.
func Handler(r Receiver, p Post, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.Default()
	}
	return &door{r, p, log}
}

// Routes adds the door to a server. p may be nil where no channel is.
func Routes(mux *http.ServeMux, r Receiver, p Post, log *slog.Logger) {
	mux.Handle("/hooks/{token}", Handler(r, p, log))
}

type door struct {
	receiver Receiver
	post     Post
	log      *slog.Logger
}

// topics are the headers in which engines name what they push, for the record.
var topics = []string{"X-WC-Webhook-Topic", "X-Shopify-Topic", "X-Opeka-Topic", "X-Topic"}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	token := r.PathValue("token")
	known := len(token) >= 16 && len(token) <= 128 && !strings.ContainsAny(token, "\x00 ")
	channel := false
	if d.post != nil && known {
		var err error
		if channel, err = d.post.Speaks(r.Context(), token); err != nil && !errors.Is(err, care.NotFound("")) {
			d.refuse(w, r, err)
			return
		}
	}
	if r.Method != http.MethodPost && !(channel && r.Method == http.MethodGet) {
		// Some services look at an address before they use it; what is there is nobody's business.
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, "method_not_allowed")
		return
	}
	if !known {
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
	if channel {
		d.push(w, r, token, body)
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

// push takes what a written channel's service has to say, and answers as it wants to be answered.
func (d *door) push(w http.ResponseWriter, r *http.Request, token string, body []byte) {
	p, err := d.post.ReceivePush(context.WithoutCancel(r.Context()), token, care.Push{Method: r.Method, Header: r.Header, Query: r.URL.Query(), Body: body})
	switch {
	case err != nil:
		d.refuse(w, r, err)
	case p.Responded:
		w.Header().Set("Content-Type", cmp.Or(p.Type, "text/plain; charset=utf-8"))
		_, _ = w.Write(p.Answer)
	case p.Duplicate:
		answer(w, http.StatusOK, "duplicate")
	default:
		answer(w, http.StatusOK, p.Verdict)
	}
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
