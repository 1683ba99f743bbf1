package portal

import (
	"context"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"

	"opeka/internal/care"
	"opeka/internal/digital"
	"opeka/messages"
)

// ElectronicGoods is what the page asks of the room of electronic goods.
type ElectronicGoods interface {
	ByToken(ctx context.Context, token string) (digital.Page, error)
	Show(ctx context.Context, token string) (digital.Page, error)
	Fetch(ctx context.Context, token string, piece int64) (digital.Download, error)
}

type goodsDoor struct {
	goods ElectronicGoods
	pages *template.Template
	log   *slog.Logger
}

// GoodsRoutes adds the page on which customers find the electronic goods that they bought. Programs that follow links of letters see nothing there and use nothing
// up: keys are shown, and files counted, only when somebody asks.
func GoodsRoutes(mux *http.ServeMux, goods ElectronicGoods, log *slog.Logger) {
	d := &goodsDoor{goods: goods, log: log}
	d.pages = template.Must(template.New("").Funcs(template.FuncMap{"t": func(lang, key string) string { return messages.T(lang, key, nil) }}).ParseFS(files, "goods.html", "gone.html"))
	mux.HandleFunc("GET "+digital.PagePath+"{token}", d.page)
	mux.HandleFunc("POST "+digital.PagePath+"{token}", d.show)
	mux.HandleFunc("POST "+digital.PagePath+"{token}/{piece}", d.fetch)
}

type goodsPage struct {
	Lang   string
	Page   *digital.Page
	Token  string
	Until  string
	Shown  bool
	HasKey bool
	Wrong  string
}

func (d *goodsDoor) page(w http.ResponseWriter, r *http.Request) {
	p, err := d.goods.ByToken(r.Context(), r.PathValue("token"))
	d.render(w, r, &p, false, http.StatusOK, nil, err)
}

func (d *goodsDoor) show(w http.ResponseWriter, r *http.Request) {
	p, err := d.goods.Show(r.Context(), r.PathValue("token"))
	d.render(w, r, &p, true, http.StatusOK, nil, err)
}

func (d *goodsDoor) fetch(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("piece"), 10, 64)
	if err != nil {
		id = 0
	}
	file, err := d.goods.Fetch(r.Context(), r.PathValue("token"), id)
	if err != nil {
		p, broken := d.goods.ByToken(r.Context(), r.PathValue("token"))
		d.render(w, r, &p, false, statusOf(err), err, broken)
		return
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
	h.Set("Content-Length", strconv.FormatInt(file.Size, 10))
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if _, err := io.Copy(w, file); err != nil {
		d.log.InfoContext(r.Context(), "a customer's file didn't get through whole", "err", err)
	}
}

func (d *goodsDoor) render(w http.ResponseWriter, r *http.Request, p *digital.Page, shown bool, status int, cause, err error) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address is the key
	lang := p.Language
	if lang = messages.Match(lang); lang == "" {
		if lang = messages.Match(r.Header.Get("Accept-Language")); lang == "" {
			lang = messages.Languages[0]
		}
	}
	if err != nil {
		var refused *care.Error
		gone := page{Lang: lang}
		if status = http.StatusNotFound; !errors.As(err, &refused) || refused.Kind != care.KindNotFound {
			d.log.ErrorContext(r.Context(), "a page with electronic goods couldn't be shown", "err", err)
			status, gone.Wrong = http.StatusInternalServerError, messages.T(lang, "error.unavailable", nil)
		}
		w.WriteHeader(status)
		d.write(w, "gone.html", gone)
		return
	}
	view := goodsPage{Lang: lang, Page: p, Token: r.PathValue("token"), Until: p.Until.Format("02.01.2006"), Shown: shown}
	for _, x := range p.Pieces {
		view.HasKey = view.HasKey || x.State == digital.Delivered && x.Kind != digital.KindFile
	}
	var refused *care.Error
	switch {
	case errors.As(cause, &refused):
		view.Wrong = messages.T(lang, "error."+refused.Code, refused.Args)
	case cause != nil:
		d.log.ErrorContext(r.Context(), "a customer's file couldn't be given", "err", cause)
		view.Wrong = messages.T(lang, "error.unavailable", nil)
	}
	if p.Expired {
		status = http.StatusGone
	}
	w.WriteHeader(status)
	d.write(w, "goods.html", view)
}

func (d *goodsDoor) write(w http.ResponseWriter, name string, p any) {
	if err := d.pages.ExecuteTemplate(w, name, p); err != nil {
		d.log.Error("a page couldn't be made", "page", name, "err", err)
	}
}
