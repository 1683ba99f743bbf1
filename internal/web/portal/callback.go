package portal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/phone"
	"opeka/internal/web/pace"
	"opeka/messages"
)

// Telephone is what the page asks of the room of calls.
type Telephone interface {
	Offering(ctx context.Context, store int64) (phone.Offering, error)
	Goods(ctx context.Context, store int64, ref string) (phone.Goods, error)
	AskByHimself(ctx context.Context, in phone.ByHimself) (phone.Asking, error)
	Askings(ctx context.Context, store int64, asker string) ([]phone.Asking, error)
	Withdraw(ctx context.Context, store int64, asker string, id int64) error
}

// Callbacks are what the page of those who want to be rung needs.
type Callbacks struct {
	Store       func(ctx context.Context, slug string) (account.Store, error)
	Phone       Telephone
	Key         []byte // signs forms; every node has the same one
	Now         func() time.Time
	BehindProxy bool
	Log         *slog.Logger
}

// CallbackPath is where shoppers without the widget ask to be rung: ?store=slug, and &product= for what has run out.
const CallbackPath = "/callback"

const (
	askerCookie = "opeka_asker"
	askerAge    = 14 * 24 * time.Hour
	formAge     = 3 * time.Hour
)

type callbackDoor struct {
	o        Callbacks
	pages    *template.Template
	byAsker  *pace.Buckets
	byFriend *pace.Buckets // of one address
}

// CallbackRoutes adds the page. It works without a script; whoever asks sees in the same browser what he asked for, and takes it back.
func CallbackRoutes(mux *http.ServeMux, o Callbacks) {
	d := &callbackDoor{o: o, byAsker: pace.New(0.05, 6), byFriend: pace.New(0.05, 20)}
	d.pages = template.Must(template.New("").Funcs(template.FuncMap{"t": func(lang, key string) string { return messages.T(lang, key, nil) }}).ParseFS(files, "callback.html", "gone.html"))
	mux.HandleFunc("GET "+CallbackPath, func(w http.ResponseWriter, r *http.Request) { d.show(w, r, http.StatusOK, askGiven{}, nil) })
	mux.HandleFunc("POST "+CallbackPath, d.ask)
	mux.HandleFunc("POST "+CallbackPath+"/withdraw", d.withdraw)
}

// askGiven is what was filled in, so that nothing typed is lost.
type askGiven struct {
	Number, Name, Note, At, Variant string
}

type slotChoice struct{ Value, Words string }

type ownAsking struct {
	ID          int64
	What, State string
	Open        bool
}

type askPage struct {
	Lang, Store, Slug string
	Ref               string
	Calls             bool
	Why, Promise      string
	Goods             *phone.Goods
	There             string // the goods are there, or unknown: nothing to ask for
	Slots             []slotChoice
	Own               []ownAsking
	Wrong, Field      string
	Said              string
	Given             askGiven
	Form              string // signed: names this form, and comes back with it
}

func (d *callbackDoor) ask(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		d.show(w, r, http.StatusRequestEntityTooLarge, askGiven{}, &care.Error{Code: "too_large", Kind: care.KindTooLarge, Args: map[string]any{"limit": maxForm}})
		return
	}
	g := askGiven{r.PostFormValue("number"), r.PostFormValue("name"), r.PostFormValue("note"), r.PostFormValue("at"), r.PostFormValue("variant")}
	asked, err := d.take(r, g)
	if err != nil {
		d.show(w, r, statusOf(err), g, err)
		return
	}
	q := url.Values{"store": {r.FormValue("store")}, "said": {strconv.FormatInt(asked.ID, 10)}}
	if lang := r.FormValue("lang"); lang != "" {
		q.Set("lang", lang)
	}
	http.Redirect(w, r, CallbackPath+"?"+q.Encode(), http.StatusSeeOther)
}

func (d *callbackDoor) take(r *http.Request, g askGiven) (phone.Asking, error) {
	store, asker, key, err := d.sender(r)
	if err != nil {
		return phone.Asking{}, err
	}
	in := phone.ByHimself{Store: store.ID, Asker: asker, Key: key, Number: strings.TrimSpace(g.Number), Country: region(store), Name: cut(strings.TrimSpace(g.Name), 200), Language: d.language(r, store), Note: cut(strings.TrimSpace(g.Note), 1000)}
	if in.Number == "" {
		return phone.Asking{}, care.Invalid("number", "required")
	}
	if g.At != "" {
		if in.At, err = time.Parse(time.RFC3339, g.At); err != nil {
			return phone.Asking{}, care.Invalid("at", "phone.slot_gone")
		}
	}
	if g.Variant != "" {
		if in.Variant, err = strconv.ParseInt(g.Variant, 10, 64); err != nil || in.Variant <= 0 {
			return phone.Asking{}, care.NotFound("product")
		}
		in.How, in.At = "call", time.Time{}
	}
	return d.o.Phone.AskByHimself(r.Context(), in)
}

func (d *callbackDoor) withdraw(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	store, asker, _, err := d.sender(r)
	if err == nil {
		id, bad := strconv.ParseInt(r.PostFormValue("id"), 10, 64)
		if err = d.o.Phone.Withdraw(r.Context(), store.ID, asker, id); bad != nil {
			err = care.NotFound("asking")
		}
	}
	if err != nil {
		d.show(w, r, statusOf(err), askGiven{}, err)
		return
	}
	http.Redirect(w, r, CallbackPath+"?"+url.Values{"store": {store.Slug}, "said": {"withdrawn"}}.Encode(), http.StatusSeeOther)
}

// sender checks that a form is one of ours, sent by the browser that it was made for, and not too often.
func (d *callbackDoor) sender(r *http.Request) (store account.Store, asker, key string, err error) {
	if store, err = d.o.Store(r.Context(), r.FormValue("store")); err != nil {
		return store, "", "", err
	}
	expired := &care.Error{Code: "csrf", Kind: care.KindForbidden}
	cookie, err := r.Cookie(askerCookie)
	if err != nil || !askerForm(cookie.Value) {
		return store, "", "", expired
	}
	key, stamp, _ := strings.Cut(r.PostFormValue("form"), ".")
	at, mac, _ := strings.Cut(stamp, ".")
	made, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !hmac.Equal([]byte(mac), []byte(d.mac(store.ID, cookie.Value, key, at))) || d.o.Now().Sub(time.Unix(made, 0)) > formAge {
		return store, "", "", expired
	}
	if err := d.byAsker.Check(cookie.Value, d.o.Now()); err != nil {
		return store, "", "", err
	}
	if a := pace.Address(r, d.o.BehindProxy); a != "" {
		if err := d.byFriend.Check(a, d.o.Now()); err != nil {
			return store, "", "", err
		}
	}
	return store, "page:" + cookie.Value, key, nil
}

func (d *callbackDoor) mac(store int64, asker, key, at string) string {
	m := hmac.New(sha256.New, d.o.Key)
	_, _ = m.Write([]byte("callback:" + strconv.FormatInt(store, 10) + ":" + asker + ":" + key + ":" + at))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:20])
}

// show makes the page anew, with what is wrong.
func (d *callbackDoor) show(w http.ResponseWriter, r *http.Request, status int, g askGiven, cause error) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	ctx := r.Context()
	store, err := d.o.Store(ctx, r.FormValue("store"))
	p := askPage{Lang: d.language(r, store), Store: store.Name, Slug: store.Slug, Given: g}
	if err == nil {
		err = d.fill(w, r, store, &p)
	}
	if err != nil {
		gone := page{Lang: p.Lang}
		var refused *care.Error
		if status = http.StatusNotFound; !errors.As(err, &refused) || refused.Kind != care.KindNotFound {
			d.o.Log.ErrorContext(ctx, "the page of those who want to be rung couldn't be shown", "err", err)
			status, gone.Wrong = http.StatusInternalServerError, messages.T(p.Lang, "error.unavailable", nil)
		}
		w.WriteHeader(status)
		d.render(w, "gone.html", gone)
		return
	}
	var refused *care.Error
	switch {
	case errors.As(cause, &refused):
		p.Wrong, p.Field = messages.T(p.Lang, "error."+refused.Code, refused.Args), refused.Field
	case cause != nil:
		d.o.Log.ErrorContext(ctx, "somebody's wish to be rung couldn't be kept", "err", cause)
		p.Wrong = messages.T(p.Lang, "error.unavailable", nil)
	}
	w.WriteHeader(status)
	d.render(w, "callback.html", p)
}

func (d *callbackDoor) fill(w http.ResponseWriter, r *http.Request, store account.Store, p *askPage) error {
	ctx, now := r.Context(), d.o.Now()
	zone, err := time.LoadLocation(store.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	offer, err := d.o.Phone.Offering(ctx, store.ID)
	if err != nil {
		return err
	}
	p.Calls = offer.Calls
	if words, ok := messages.Find(p.Lang, "widget.calls.why."+offer.Reason, nil); ok {
		p.Why = words
	}
	if offer.ToAt != 0 {
		p.Promise = messages.T(p.Lang, "widget.calls.between", map[string]any{"when": between(offer.FromAt, offer.ToAt, zone, now)})
	}
	for _, s := range offer.Slots {
		p.Slots = append(p.Slots, slotChoice{s.Time().UTC().Format(time.RFC3339), between(s, s.Add(time.Hour), zone, now)})
	}
	if p.Ref = r.FormValue("product"); p.Ref != "" {
		g, err := d.o.Phone.Goods(ctx, store.ID, p.Ref)
		var refused *care.Error
		switch {
		case errors.As(err, &refused) && refused.Kind == care.KindNotFound:
			p.There = messages.T(p.Lang, "widget.calls.unknown", nil)
		case err != nil:
			return err
		case !g.SoldOut:
			p.There = messages.T(p.Lang, "widget.calls.there", map[string]any{"product": g.Product})
		default:
			p.Goods = &g
		}
	}
	asker := ""
	if c, err := r.Cookie(askerCookie); err == nil && askerForm(c.Value) {
		asker = c.Value
		if err := d.own(ctx, store.ID, "page:"+asker, r.FormValue("said"), zone, now, p); err != nil {
			return err
		}
	} else {
		asker = rand.Text()
	}
	http.SetCookie(w, &http.Cookie{Name: askerCookie, Value: asker, Path: CallbackPath, MaxAge: int(askerAge.Seconds()), HttpOnly: true, Secure: r.TLS != nil || d.o.BehindProxy && r.Header.Get("X-Forwarded-Proto") == "https", SameSite: http.SameSiteLaxMode})
	var b [9]byte
	_, _ = rand.Read(b[:])
	key, at := hex.EncodeToString(b[:]), strconv.FormatInt(now.Unix(), 10)
	p.Form = key + "." + at + "." + d.mac(store.ID, asker, key, at)
	return nil
}

// own lists what was asked for in this browser.
func (d *callbackDoor) own(ctx context.Context, store int64, asker, said string, zone *time.Location, now time.Time, p *askPage) error {
	all, err := d.o.Phone.Askings(ctx, store, asker)
	if err != nil {
		return err
	}
	if said == "withdrawn" {
		p.Said = messages.T(p.Lang, "widget.calls.withdrawn", nil)
	}
	for _, a := range all {
		told := messages.T(p.Lang, "widget.calls.noted", nil)
		switch {
		case a.State == "now":
			told = messages.T(p.Lang, "widget.calls.now", nil)
		case a.FromAt != 0 && a.ToAt != 0:
			told = messages.T(p.Lang, "widget.calls.between", map[string]any{"when": between(a.FromAt, a.ToAt, zone, now)})
		case a.Kind == phone.AskingGoods:
			told = messages.T(p.Lang, "widget.calls.waits_call", nil) + " " + messages.T(p.Lang, "widget.calls.place", map[string]any{"n": a.Place})
		}
		if said == strconv.FormatInt(a.ID, 10) {
			p.Said = told
		}
		if a.State != "open" && a.State != "now" {
			continue
		}
		what := a.Product
		if what == "" {
			what = messages.T(p.Lang, "widget.calls.call", map[string]any{"number": a.Number})
		}
		p.Own = append(p.Own, ownAsking{a.ID, what, told, a.State == "open"})
	}
	return nil
}

func (d *callbackDoor) language(r *http.Request, store account.Store) string {
	for _, l := range []string{r.FormValue("lang"), r.Header.Get("Accept-Language"), store.Language} {
		if l = messages.Match(l); l != "" {
			return l
		}
	}
	return messages.Languages[0]
}

func (d *callbackDoor) render(w http.ResponseWriter, name string, p any) {
	if err := d.pages.ExecuteTemplate(w, name, p); err != nil {
		d.o.Log.Error("a page couldn't be made", "page", name, "err", err)
	}
}

// between is a stretch of time by the store's clocks, with the day where it isn't today.
func between(from, to db.Time, zone *time.Location, now time.Time) string {
	a, b := from.Time().In(zone), to.Time().In(zone)
	day := func(t time.Time) string { return t.Format("02.01.") }
	switch today := day(now.In(zone)); {
	case day(a) == today && day(b) == today:
		return a.Format("15:04") + "–" + b.Format("15:04")
	case day(a) == day(b):
		return day(a) + " " + a.Format("15:04") + "–" + b.Format("15:04")
	}
	return day(a) + " " + a.Format("15:04") + " – " + day(b) + " " + b.Format("15:04")
}

func statusOf(err error) int {
	var refused *care.Error
	if !errors.As(err, &refused) {
		return http.StatusInternalServerError
	}
	switch refused.Kind {
	case care.KindNotFound:
		return http.StatusNotFound
	case care.KindForbidden:
		return http.StatusForbidden
	case care.KindConflict:
		return http.StatusConflict
	case care.KindTooMany:
		return http.StatusTooManyRequests
	}
	return http.StatusUnprocessableEntity
}

// askerForm tells that a cookie is one of ours.
func askerForm(s string) bool {
	return len(s) == 26 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// region guesses the country of numbers that are written without one: that of the store's money.
func region(s account.Store) string {
	if len(s.Currency) < 2 || s.Currency == "EUR" {
		return ""
	}
	return s.Currency[:2]
}

func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
