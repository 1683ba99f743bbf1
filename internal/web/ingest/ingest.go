// Package ingest is the door by which a shop of any make pushes signed batches of records and thin hints. It
// checks the signature, refuses replays, and answers with what became of each record. It writes no tables.
package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/db"
	"opeka/internal/shop/generic"
	"opeka/messages"
)

const maxBody = 8 << 20

// Connections opens a connection with its secrets.
type Connections interface {
	Connection(ctx context.Context, id int64) (account.LiveConnection, error)
}

// Hints takes thin hints, to read what they are about at the shop; *commerce.Sync does.
type Hints interface {
	ReceiveHook(ctx context.Context, token string, header http.Header, topic string, body []byte) (commerce.Delivery, error)
}

// Door serves /ingest/v1/{connection}/batch and .../events.
type Door struct {
	db          *db.DB
	connections Connections
	commerce    *commerce.Commerce
	hints       Hints
	log         *slog.Logger
}

// New makes the door.
func New(d *db.DB, c Connections, m *commerce.Commerce, h Hints, log *slog.Logger) *Door {
	return &Door{d, c, m, h, log}
}

// Routes adds the door to a server.
func (d *Door) Routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /ingest/v1/{connection}/batch", d.serve(d.batch))
	mux.HandleFunc("POST /ingest/v1/{connection}/events", d.serve(d.events))
}

type answer struct {
	Results []commerce.ItemResult `json:"results"`
}

func (d *Door) serve(f func(ctx context.Context, c account.LiveConnection, r *http.Request, body []byte, signature string) (json.RawMessage, bool, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		ctx := context.WithoutCancel(r.Context()) // a shop that hangs up early has still said it
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				err = &care.Error{Code: "too_large", Kind: care.KindTooLarge, Args: map[string]any{"limit": maxBody}}
			} else {
				err = &care.Error{Code: "body_unreadable", Kind: care.KindInvalid}
			}
			d.refuse(w, r, err)
			return
		}
		c, signature, err := d.admit(ctx, r, body)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		out, replayed, err := f(ctx, c, r, body, signature)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		if replayed {
			w.Header().Set("Idempotency-Replayed", "true")
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(out) // a shop that has gone away repeats the batch
	}
}

// admit checks the signature. Whether a connection exists is told only to who can sign for it.
func (d *Door) admit(ctx context.Context, r *http.Request, body []byte) (c account.LiveConnection, signature string, err error) {
	id, err := strconv.ParseInt(r.PathValue("connection"), 10, 64)
	if err != nil {
		return c, "", generic.ErrSignature
	}
	c, err = d.connections.Connection(ctx, id)
	if errors.Is(err, care.NotFound("connection")) || err == nil && c.Plug != generic.Name {
		return c, "", generic.ErrSignature
	}
	if err != nil {
		return c, "", err
	}
	signature, err = generic.Verify(generic.Secrets(c.Connection), r.Header.Get(generic.SignatureHeader), body, d.db.Now())
	return c, signature, err
}

func (d *Door) batch(ctx context.Context, c account.LiveConnection, r *http.Request, body []byte, signature string) (json.RawMessage, bool, error) {
	items, err := generic.DecodeBatch(body)
	if err != nil {
		return nil, false, err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	keys := []string{"s:" + signature}
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		if len(key) > 200 {
			return nil, false, care.Invalid("Idempotency-Key", "idempotency.key_invalid")
		}
		claim, err := d.commerce.ClaimBatch(ctx, c.ID, "k:"+key, hash)
		switch {
		case err != nil:
			return nil, false, err
		case !claim.Same:
			return nil, false, care.Conflict("idempotency.mismatch")
		case claim.Answer != nil:
			return claim.Answer, true, nil
		}
		keys = append(keys, "k:"+key)
	}
	if claim, err := d.commerce.ClaimBatch(ctx, c.ID, keys[0], hash); err != nil {
		return nil, false, err
	} else if claim.Answer != nil {
		return nil, false, care.Conflict("ingest.replay")
	}
	records := make([]care.Record, len(items))
	for i, it := range items {
		records[i] = care.Record{Kind: it.Kind, ExternalID: it.ExternalID, UpdatedAt: it.UpdatedAt.UTC(), Deleted: it.Op == "delete", Raw: it.Data}
		if !records[i].Deleted {
			records[i].Data = commerce.Patch(it.Data)
		}
	}
	results, err := d.commerce.Ingest(ctx, c.Connection, records)
	if err != nil {
		return nil, false, err
	}
	language := languageOf(r)
	for i := range results {
		if e := results[i].Err; e != nil {
			results[i].Message = say(language, e)
		}
	}
	out, err := json.Marshal(answer{results})
	if err != nil {
		return nil, false, err
	}
	return out, false, d.commerce.AnswerBatch(ctx, c.ID, keys, out)
}

// events hands thin hints to the engine that reads the shop.
func (d *Door) events(ctx context.Context, c account.LiveConnection, r *http.Request, body []byte, _ string) (json.RawMessage, bool, error) {
	delivery, err := d.hints.ReceiveHook(ctx, c.HookToken, r.Header, "events", body)
	if err != nil {
		return nil, false, err
	}
	out, err := json.Marshal(map[string]any{"accepted": true, "duplicate": delivery.Duplicate})
	return out, delivery.Duplicate, err
}

func languageOf(r *http.Request) string {
	if l := messages.Match(r.Header.Get("Accept-Language")); l != "" {
		return l
	}
	return "en"
}

func say(language string, e *care.Error) string {
	s := messages.T(language, "error."+e.Code, e.Args)
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	return s
}

var statuses = map[care.Kind]int{
	care.KindInvalid: http.StatusUnprocessableEntity, care.KindNotFound: http.StatusNotFound, care.KindUnauthorised: http.StatusUnauthorized,
	care.KindConflict: http.StatusConflict, care.KindTooLarge: http.StatusRequestEntityTooLarge, care.KindUnavailable: http.StatusServiceUnavailable,
}

// titles are those that the API gives its problems too.
var titles = map[care.Kind]string{
	care.KindInvalid: "invalid", care.KindNotFound: "not_found", care.KindUnauthorised: "forbidden", // nobody signs in here
	care.KindConflict: "conflict", care.KindTooLarge: "too_large", care.KindUnavailable: "unavailable",
}

func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var e *care.Error
	if !errors.As(err, &e) {
		d.log.ErrorContext(r.Context(), "ingest", "path", r.URL.Path, "err", err)
		e = &care.Error{Code: "unavailable", Kind: care.KindUnavailable}
	}
	status := statuses[e.Kind]
	if status == 0 {
		status = http.StatusBadRequest
	}
	if e.Kind == care.KindUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	language := languageOf(r)
	title := titles[e.Kind]
	if title == "" {
		title = "malformed"
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "urn:opeka:problem:" + e.Code, "title": messages.T(language, "error.title."+title, nil), "status": status, "code": e.Code, "detail": say(language, e)})
}
