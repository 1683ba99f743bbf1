package portal_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/bus"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/phone"
	"opeka/internal/web/portal"
	"opeka/test/world/phones"
)

// page is a browser without scripts before the page of those who want to be rung.
type page struct {
	t    *testing.T
	http *http.Client
	url  string
	body string
	code int
}

func (p *page) read(r *http.Response, err error) *page {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.body, p.code = string(b), r.StatusCode
	return p
}

func (p *page) get(query string) *page { return p.read(p.http.Get(p.url + "/callback?" + query)) }

var hiddenField = regexp.MustCompile(`name="form" value="([^"]+)"`)

func (p *page) send(path string, form url.Values) *page {
	p.t.Helper()
	if m := hiddenField.FindStringSubmatch(p.body); m != nil && !form.Has("form") {
		form.Set("form", m[1])
	}
	form.Set("lang", "uk")
	return p.read(p.http.PostForm(p.url+path, form))
}

func (p *page) says(code int, parts ...string) {
	p.t.Helper()
	if p.code != code {
		p.t.Errorf("status %d instead of %d", p.code, code)
	}
	for _, part := range parts {
		if !strings.Contains(p.body, part) {
			p.t.Errorf("%q isn't on the page:\n%s", part, p.body)
		}
	}
}

func browser(t *testing.T, url string) *page {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &page{t: t, http: &http.Client{Jar: jar, Timeout: 10 * time.Second}, url: url}
}

// Somebody without scripts asks to be rung: typed nonsense is said to be so, a form that another page sends is refused, what he asked for is seen and taken back in his browser alone.
func TestAskingWithoutScripts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		hints := bus.NewLocal()
		sealer, err := account.NewSealer(bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		accounts := account.New(d, account.Options{Bus: hints, Sealer: sealer})
		_, store, err := accounts.SetUp(t.Context(), account.By{}, account.SetUp{StoreName: "Lypa", TimeZone: "Europe/Kyiv", Language: "uk", Currency: "UAH", Name: "Олена", Email: "olena@lypa.example", Password: "correct horse battery"})
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		calls := phone.New(d, customer.New(d, hints, nil), hints, phone.Options{Network: phones.New(nil), Log: log})
		mux := http.NewServeMux()
		portal.CallbackRoutes(mux, portal.Callbacks{Store: accounts.StoreBySlug, Phone: calls, Key: []byte("key"), Now: clock.Now, Log: log})
		srv := httptest.NewServer(mux)
		t.Cleanup(func() { srv.Close(); calls.Close(); accounts.Close(); _ = hints.Close() })
		s, err := accounts.Store(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		mine, other := browser(t, srv.URL), browser(t, srv.URL)
		ask := func(number string) url.Values {
			return url.Values{"store": {s.Slug}, "number": {number}, "name": {"Ірина"}, "note": {"про <b>намет</b>"}}
		}
		owed := func(where string) (n int64) {
			t.Helper()
			if err := d.Read().QueryRow(t.Context(), `SELECT count(*) FROM callbacks WHERE store_id = $1`+where, store).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}

		mine.get("store="+s.Slug+"&lang=uk").says(200, "Lypa", "Зателефонуємо: ", "Ваш номер телефону", `<option value="2026-03-02T`)
		if strings.Contains(mine.body, "<script") {
			t.Error("the page needs a script")
		}
		mine.send("/callback", ask("12")).says(422, "Це не телефонний номер", `aria-invalid="true"`, "про &lt;b&gt;намет&lt;/b&gt;")
		form := hiddenField.FindStringSubmatch(mine.body)[1]
		mine.send("/callback", ask("067 111-22-33")).says(200, "Дзвінок на …2233", `role="status"`)
		twice := ask("067 111-22-33")
		twice.Set("form", form) // the button was pressed twice
		mine.send("/callback", twice).says(200, "Дзвінок на …2233")
		if n := strings.Count(mine.body, "Дзвінок на …2233</strong>"); n != 1 || owed("") != 1 {
			t.Errorf("it stands there %d times, %d calls are owed", n, owed(""))
		}

		stolen := ask("0671112244")
		stolen.Set("form", form) // made for another browser
		other.get("store="+s.Slug+"&lang=uk").says(200, "Lypa")
		other.send("/callback", stolen).says(403)
		forged := ask("0671112244")
		forged.Set("form", "a.1.b")
		other.send("/callback", forged).says(403)
		bare := browser(t, srv.URL)
		bare.send("/callback", stolen).says(403)
		if strings.Contains(other.body, "2233") {
			t.Error("somebody else sees what was asked for")
		}
		id := regexp.MustCompile(`name="id" value="(\d+)"`).FindStringSubmatch(mine.body)[1]
		other.send("/callback/withdraw", url.Values{"store": {s.Slug}, "id": {id}}).says(404)
		if owed(" AND closed_at = 0") != 1 {
			t.Fatal("somebody else took it back")
		}
		mine.send("/callback/withdraw", url.Values{"store": {s.Slug}, "id": {id}}).says(200, "Скасовано")
		if owed(" AND closed_at = 0") != 0 {
			t.Error("a call is owed that nobody asks for any more")
		}

		clock.Move(4 * time.Hour)
		late := ask("0671112255")
		late.Set("form", form)
		mine.send("/callback", late).says(403)
		mine.get("store=nobody").says(404)
		mine.get("store="+s.Slug+"&lang=uk&product=nothing").says(200, "Такого товару в магазині немає")
		limited := false
		for range 10 {
			mine.get("store=" + s.Slug)
			limited = limited || mine.send("/callback", ask("12")).code == 429
		}
		if !limited {
			t.Error("one may ask as often as one likes")
		}
	})
}
