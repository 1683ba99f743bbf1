package portal

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/post"
	"opeka/internal/web/pace"
	"opeka/messages"
)

// Bots are what the page of a store's messengers needs.
type Bots struct {
	Store       func(ctx context.Context, id int64) (account.Store, error)
	StoreBySlug func(ctx context.Context, slug string) (account.Store, error)
	Post        *post.Post
	Now         func() time.Time
	BehindProxy bool
	Log         *slog.Logger
}

type botsDoor struct {
	o      Bots
	pages  *template.Template
	asking *pace.Buckets
}

// BotRoutes adds the page on which a shopper finds the store's messengers: /m/ and a token of his own, or, for everybody, ?store= and its short name.
func BotRoutes(mux *http.ServeMux, o Bots) {
	d := &botsDoor{o: o, asking: pace.New(1, 30)}
	d.pages = template.Must(template.New("").Funcs(template.FuncMap{"t": func(lang, key string) string { return messages.T(lang, key, nil) }}).ParseFS(files, "bots.html"))
	mux.HandleFunc("GET "+post.BotsPath+"{token}", d.show)
	mux.HandleFunc("GET "+strings.TrimSuffix(post.BotsPath, "/"), d.show)
}

type botsPage struct {
	Lang, Store string
	Own, Gone   bool
	Bots        []botOn
}

type botOn struct {
	Open string       // the words of the link
	URL  template.URL // the plug made it: viber: is no address that a template lets through by itself
	Size int
	Path template.HTMLAttr
}

func (d *botsDoor) show(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address is the key
	p := botsPage{Lang: messages.Match(r.Header.Get("Accept-Language")), Own: r.PathValue("token") != ""}
	status, err := d.fill(r, &p)
	if p.Lang == "" {
		p.Lang = messages.Languages[0]
	}
	if err != nil {
		d.o.Log.ErrorContext(r.Context(), "a store's messengers couldn't be shown", "err", err)
	}
	w.WriteHeader(status)
	if err := d.pages.ExecuteTemplate(w, "bots.html", p); err != nil {
		d.o.Log.Error("a page couldn't be made", "page", "bots.html", "err", err)
	}
}

func (d *botsDoor) fill(r *http.Request, p *botsPage) (status int, err error) {
	ctx := r.Context()
	if wait := d.asking.Wait(pace.Address(r, d.o.BehindProxy), d.o.Now()); wait > 0 {
		p.Gone = true
		return http.StatusTooManyRequests, nil
	}
	var store account.Store
	var links []post.StartLink
	if p.Own {
		var id int64
		if id, links, err = d.o.Post.Page(ctx, r.PathValue("token")); err == nil {
			store, err = d.o.Store(ctx, id)
		}
	} else if store, err = d.o.StoreBySlug(ctx, r.FormValue("store")); err == nil {
		links, err = d.o.Post.Bots(ctx, store.ID)
	}
	if err != nil {
		p.Gone = true
		var refused *care.Error
		if errors.As(err, &refused) && refused.Kind == care.KindNotFound {
			return http.StatusNotFound, nil
		}
		return http.StatusServiceUnavailable, err
	}
	p.Store = store.Name
	if p.Lang == "" {
		p.Lang = store.Language
	}
	for _, l := range links {
		if !strings.HasPrefix(l.URL, "https://") && !strings.HasPrefix(l.URL, "viber://") {
			continue
		}
		name, ok := messages.Find(p.Lang, "channel."+l.Channel, nil)
		if !ok {
			name = l.Channel
		}
		p.Bots = append(p.Bots, botOn{Open: messages.T(p.Lang, "bots.open", map[string]any{"channel": name}), URL: template.URL(l.URL), //nolint:gosec // of a plug, with one of two schemes
			Size: l.QR.Size, Path: template.HTMLAttr(`d="` + l.QR.Path + `"`)}) //nolint:gosec // digits and letters that we drew
	}
	return http.StatusOK, nil
}
