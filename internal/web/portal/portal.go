// Package portal is the door for people without an account: pages made here, that work without a script and on any phone. So far a
// department answers an inquiry on it; it decides nothing and keeps nothing.
package portal

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/work"
	"opeka/messages"
)

//go:embed *.html portal.css
var files embed.FS

// Inquiries is what the door asks of the room of work.
type Inquiries interface {
	ByToken(ctx context.Context, token string) (work.Inquiry, error)
	LanguageOf(ctx context.Context, i work.Inquiry) (string, error)
	AnswerByToken(ctx context.Context, token, name string, r work.Reply) error
}

// Zone tells the time zone of a store.
type Zone func(ctx context.Context, store int64) *time.Location

type door struct {
	inquiries Inquiries
	zone      Zone
	pages     *template.Template
	log       *slog.Logger
}

// maxForm bounds what may be sent.
const maxForm = 64 << 10

// Routes adds the pages to a server.
func Routes(mux *http.ServeMux, inquiries Inquiries, zone Zone, log *slog.Logger) {
	d := &door{inquiries: inquiries, zone: zone, log: log}
	d.pages = template.Must(template.New("").Funcs(template.FuncMap{"t": func(lang, key string) string { return messages.T(lang, key, nil) }}).ParseFS(files, "*.html"))
	mux.HandleFunc("GET "+work.LinkPath+"{token}", d.inquiry)
	mux.HandleFunc("POST "+work.LinkPath+"{token}", d.answer)
	mux.HandleFunc("GET /portal.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		http.ServeFileFS(w, r, files, "portal.css")
	})
}

// page is what the template of an inquiry shows.
type page struct {
	Lang     string
	Inquiry  work.Inquiry
	Deadline string
	Overdue  bool
	Wrong    string // what is wrong with the answer that was sent
	Given    given  // so that nothing typed is lost
}

type given struct {
	Name, Verdict, Answer, Quantity, ExpectedOn string
}

func (d *door) inquiry(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusOK, given{}, nil)
}

func (d *door) answer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		d.show(w, r, http.StatusRequestEntityTooLarge, given{}, &care.Error{Code: "too_large", Kind: care.KindTooLarge, Args: map[string]any{"limit": maxForm}})
		return
	}
	g := given{r.PostFormValue("name"), r.PostFormValue("verdict"), r.PostFormValue("answer"), strings.TrimSpace(r.PostFormValue("quantity")), r.PostFormValue("expected_on")}
	reply := work.Reply{Verdict: g.Verdict, Text: g.Answer, ExpectedOn: g.ExpectedOn}
	if g.Quantity != "" {
		n, err := strconv.ParseInt(g.Quantity, 10, 32)
		if err != nil || n < 0 || n > 1_000_000 {
			d.show(w, r, http.StatusUnprocessableEntity, g, care.Invalid("quantity", "value_invalid"))
			return
		}
		reply.Quantity = n
	}
	err := d.inquiries.AnswerByToken(r.Context(), r.PathValue("token"), g.Name, reply)
	if err != nil {
		d.show(w, r, http.StatusUnprocessableEntity, g, err)
		return
	}
	http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
}

func (d *door) show(w http.ResponseWriter, r *http.Request, status int, g given, cause error) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address is the key
	lang := messages.Match(r.Header.Get("Accept-Language"))
	if lang == "" {
		lang = messages.Languages[0]
	}
	i, err := d.inquiries.ByToken(r.Context(), r.PathValue("token"))
	if err == nil {
		lang, err = d.inquiries.LanguageOf(r.Context(), i)
	}
	var refused *care.Error
	switch {
	case errors.As(err, &refused) && refused.Kind == care.KindNotFound:
		w.WriteHeader(http.StatusNotFound)
		d.render(w, "gone.html", page{Lang: lang})
		return
	case err != nil:
		d.log.ErrorContext(r.Context(), "an inquiry couldn't be shown", "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		d.render(w, "gone.html", page{Lang: lang, Wrong: messages.T(lang, "error.unavailable", nil)})
		return
	}
	p := page{Lang: lang, Inquiry: i, Given: g, Deadline: i.DeadlineAt.Time().In(d.zone(r.Context(), i.Store)).Format("02.01.2006 15:04"), Overdue: i.Level > 0}
	if cause != nil {
		if errors.As(cause, &refused) {
			p.Wrong = messages.T(lang, "error."+refused.Code, refused.Args)
			if refused.Field != "" {
				if label, ok := messages.Find(lang, "inquiry.field."+refused.Field, nil); ok {
					p.Wrong = label + ": " + p.Wrong
				}
			}
		} else {
			d.log.ErrorContext(r.Context(), "an answer couldn't be kept", "err", cause)
			status, p.Wrong = http.StatusInternalServerError, messages.T(lang, "error.unavailable", nil)
		}
	}
	w.WriteHeader(status)
	d.render(w, "inquiry.html", p)
}

func (d *door) render(w http.ResponseWriter, name string, p page) {
	if err := d.pages.ExecuteTemplate(w, name, p); err != nil {
		d.log.Error("a page couldn't be made", "page", name, "err", err)
	}
}
