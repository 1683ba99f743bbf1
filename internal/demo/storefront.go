package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/peer"
)

//go:embed pages
var pages embed.FS

// storefront is the demo shop's own web site: another program than Opeka, which knows of Opeka only its widget's tag.
type storefront struct {
	shop     *shop
	opeka    string // address of the widget
	identity string // the secret by which the shop vouches for a signed-in shopper
	page     *template.Template
	phones   *telephone // nil: the demo has none
}

func newStorefront(s *shop, opeka, identitySecret string, phones *telephone) (http.Handler, error) {
	page, err := template.New("").Funcs(template.FuncMap{"money": moneyText, "inc": func(n int) int { return n + 1 }}).ParseFS(pages, "pages/*.html")
	if err != nil {
		return nil, err
	}
	f := &storefront{shop: s, opeka: opeka, identity: identitySecret, page: page, phones: phones}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", f.list)
	mux.HandleFunc("GET /p/{id}", f.product)
	mux.HandleFunc("GET /cart", f.cart)
	mux.HandleFunc("POST /cart", f.change)
	mux.HandleFunc("POST /checkout", f.checkout)
	mux.HandleFunc("GET /order/{id}", f.order)
	mux.HandleFunc("POST /sign-in", f.signIn)
	mux.HandleFunc("GET /me.js", f.me)
	mux.HandleFunc("GET /picture/{id}", f.picture)
	if phones != nil {
		phones.routes(mux, f)
	}
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, "pages/style.css") })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A shop with a strict policy: the widget needs no more than its own address.
		w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self' "+opeka+"; connect-src 'self' "+opeka+" "+strings.Replace(opeka, "http", "ws", 1)+"; img-src 'self' blob: data: "+opeka+"; style-src 'self'")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		mux.ServeHTTP(w, r)
	}), nil
}

// view is what every page needs.
type view struct {
	Title, Opeka, Slug string
	Person             *person
	Identity           map[string]string
	People             []person
	InCart             int
	Products           []card
	Product            *card
	Cart               []cartLine
	Total              care.Money
	Order              *order
	Points             []pickupPoint
	Telephone          bool // the demo has one
	Handsets           []handset
	Missing            []missingGoods
	ShopNumber         string
	Registered         bool
}

type card struct {
	product
	Variants []variantCard
	Left     int64
	Untold   bool // the shop doesn't count it
}

func (c card) ID() string        { return c.id }
func (c card) Name() string      { return c.name }
func (c card) Price() care.Money { return uah(c.price) }

// Gone are its variants that have run out.
func (c card) Gone() (out []missingGoods) {
	for _, v := range c.Variants {
		if !c.Untold && v.Left == 0 {
			out = append(out, missingGoods{v.Name, c.variantID(v.Index), "/p/" + c.id})
		}
	}
	return out
}

type variantCard struct {
	Index int
	Name  string
	Left  int64
}

type cartLine struct {
	Card    card
	Variant variantCard
	N       int64
	Sum     care.Money
}

// Cookies are plain: which shopper is "signed in" is chosen from a list, as befits a demo, and a cart is public.
const (
	cookiePerson = "demo_person"
	cookieCart   = "demo_cart"
)

func (f *storefront) view(r *http.Request, title string) view {
	v := view{Title: title, Opeka: f.opeka, Slug: shopSlug, Points: pickupPoints, Telephone: f.phones != nil}
	f.shop.mu.Lock()
	v.People = f.shop.state.People[:shown]
	f.shop.mu.Unlock()
	if c, err := r.Cookie(cookiePerson); err == nil {
		if n, err := strconv.Atoi(c.Value); err == nil && n >= 0 && n < len(v.People) {
			p := v.People[n]
			v.Person, v.Identity = &p, f.vouch(p)
		}
	}
	for _, l := range f.lines(r) {
		v.Cart = append(v.Cart, l)
		v.InCart += int(l.N)
		v.Total = uah(v.Total.Amount + l.Sum.Amount)
	}
	return v
}

// vouch signs who the shopper is, so that the widget may show him his orders.
func (f *storefront) vouch(p person) map[string]string {
	return peer.Vouch(f.identity, p.id, p.email, p.phone, p.name())
}

func (f *storefront) card(n int) card {
	p := catalogue[n]
	c := card{product: p, Untold: p.stock == nil}
	f.shop.mu.Lock()
	defer f.shop.mu.Unlock()
	for i, name := range p.options {
		left := f.shop.available(p.variantID(i))
		c.Variants = append(c.Variants, variantCard{i, name, left})
		c.Left += left
	}
	return c
}

func find(id string) int {
	for n, p := range catalogue {
		if p.id == id {
			return n
		}
	}
	return -1
}

// lines reads the cart: "p03.2*1" parts joined by dots and commas.
func (f *storefront) lines(r *http.Request) (out []cartLine) {
	c, err := r.Cookie(cookieCart)
	if err != nil {
		return nil
	}
	for part := range strings.SplitSeq(c.Value, "-") {
		var id string
		var variant, n int
		if _, err := fmt.Sscanf(strings.ReplaceAll(part, ".", " "), "%s %d %d", &id, &variant, &n); err != nil {
			continue
		}
		at := find(id)
		if at < 0 || variant < 0 || variant >= len(catalogue[at].options) || n < 1 || n > 9 {
			continue
		}
		card := f.card(at)
		out = append(out, cartLine{card, card.Variants[variant], int64(n), uah(card.price * int64(n))})
	}
	return out
}

func (f *storefront) show(w http.ResponseWriter, name string, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := f.page.ExecuteTemplate(w, name, v); err != nil {
		http.Error(w, "сторінку не вдалося показати", http.StatusInternalServerError)
	}
}

func (f *storefront) list(w http.ResponseWriter, r *http.Request) {
	v := f.view(r, shopName)
	for n := range catalogue {
		v.Products = append(v.Products, f.card(n))
	}
	f.show(w, "list.html", v)
}

func (f *storefront) product(w http.ResponseWriter, r *http.Request) {
	n := find(r.PathValue("id"))
	if n < 0 {
		http.NotFound(w, r)
		return
	}
	c := f.card(n)
	v := f.view(r, c.name)
	v.Product = &c
	f.show(w, "product.html", v)
}

func (f *storefront) cart(w http.ResponseWriter, r *http.Request) {
	f.show(w, "cart.html", f.view(r, "Кошик"))
}

func (f *storefront) change(w http.ResponseWriter, r *http.Request) {
	var parts []string
	if r.FormValue("clear") == "" {
		for _, l := range f.lines(r) {
			parts = append(parts, fmt.Sprintf("%s.%d.%d", l.Card.id, l.Variant.Index, l.N))
		}
		if len(parts) < 10 {
			parts = append(parts, fmt.Sprintf("%s.%s.1", r.FormValue("product"), r.FormValue("variant")))
		}
	}
	http.SetCookie(w, &http.Cookie{Name: cookieCart, Value: strings.Join(parts, "-"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

func (f *storefront) checkout(w http.ResponseWriter, r *http.Request) {
	lines := f.lines(r)
	who, err := strconv.Atoi(r.FormValue("person"))
	if len(lines) == 0 || err != nil || who < 0 || who >= shown {
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
		return
	}
	var wants []want
	for _, l := range lines {
		wants = append(wants, want{find(l.Card.id), l.Variant.Index, l.N})
	}
	pay, ship := "Картка", "Нова пошта"
	if r.FormValue("pay") == "cash" {
		pay = "Накладений платіж"
	}
	if r.FormValue("ship") == "pickup" {
		ship = "Самовивіз"
	}
	o := f.shop.buy(who, wants, pay, ship)
	http.SetCookie(w, &http.Cookie{Name: cookieCart, Path: "/", MaxAge: -1})
	http.SetCookie(w, &http.Cookie{Name: cookiePerson, Value: strconv.Itoa(who), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/order/"+o.ID, http.StatusSeeOther)
}

func (f *storefront) order(w http.ResponseWriter, r *http.Request) {
	f.shop.mu.Lock()
	var found *order
	for _, o := range f.shop.state.Orders {
		if o.ID == r.PathValue("id") {
			c := *o
			found = &c
		}
	}
	f.shop.mu.Unlock()
	v := f.view(r, "Замовлення")
	if found == nil || v.Person == nil || v.Person.id != found.Customer.ExternalID {
		http.NotFound(w, r)
		return
	}
	v.Order, v.Title = found, "Замовлення "+found.Number
	f.show(w, "order.html", v)
}

// me tells the widget who is signed in, as a shop's page does; it is a file of its own since the policy allows no scripts in pages.
func (f *storefront) me(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	v := f.view(r, "")
	fmt.Fprint(w, "window.opeka = window.opeka || function () { (opeka.q = opeka.q || []).push(arguments) }\n")
	if b, err := json.Marshal(v.Identity); err == nil && v.Identity != nil {
		fmt.Fprintf(w, "opeka('identify', %s)\n", b)
	}
	fmt.Fprint(w, watching)
}

// watching tells the widget what is looked at, and opens it where somebody wants to hear of what has run out.
const watching = `addEventListener('DOMContentLoaded', () => {
  const seen = document.querySelector('[data-product]')
  if (seen) opeka('track', 'product', { id: seen.dataset.product, name: seen.dataset.name, url: location.href })
  for (const b of document.querySelectorAll('[data-watch]')) b.onclick = () => opeka('watch', b.dataset.watch)
})
`

func (f *storefront) signIn(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookiePerson, Value: r.FormValue("person"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// shapes are simple drawings, one per category, on a 100 x 100 field.
var shapes = map[string]string{
	"backpack": "M30 38q0-18 20-18t20 18v40q0 6-6 6H36q-6 0-6-6zM38 50h24v14H38zM42 22v-6h16v6",
	"boot":     "M34 18h22v34q4 8 20 10v14H30V60z",
	"tent":     "M50 20 14 80h72zM50 44 38 80h24z",
	"bag":      "M32 16h36q10 0 10 12v40q0 18-28 18T22 68V28q0-12 10-12zM50 16v40",
	"jacket":   "M36 18h28l22 16-8 18-8-4v36H30V48l-8 4-8-18zM50 18v66",
	"sock":     "M40 14h22v40L46 82q-10 8-18-2t2-18l10-12z",
	"pole":     "M30 14h8l6 72h-4zM62 14h8l-10 72h-4z",
	"lamp":     "M20 44h60v14H20zM40 36h20v30H40z",
	"stove":    "M30 60h40v14H30zM50 22q16 16 6 32H44q-10-14 6-32z",
	"flask":    "M38 24h24v60H38zM42 14h16v8H42z",
	"kit":      "M20 32h60v44H20zM46 42h8v8h8v8h-8v8h-8v-8h-8v-8h8z",
	"map":      "M18 26l20-8 24 8 20-8v56l-20 8-24-8-20 8zM38 18v56M62 26v56",
	"card":     "M16 30h68v42H16zM16 42h68v8H16z",
}

func (f *storefront) picture(w http.ResponseWriter, r *http.Request) {
	n := find(strings.TrimSuffix(r.PathValue("id"), ".svg"))
	if n < 0 {
		http.NotFound(w, r)
		return
	}
	p := catalogue[n]
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" fill="hsl(%s 38%% 90%%)"/><path d="%s" fill="hsl(%s 42%% 62%%)" stroke="hsl(%s 45%% 34%%)" stroke-width="2.5" stroke-linejoin="round" fill-rule="evenodd"/></svg>`,
		p.hue, shapes[p.category], p.hue, p.hue)
}

func moneyText(m care.Money) string {
	whole := strconv.FormatInt(m.Amount/100, 10)
	if len(whole) > 3 {
		whole = whole[:len(whole)-3] + "\u00a0" + whole[len(whole)-3:]
	}
	return whole + "\u00a0₴"
}
