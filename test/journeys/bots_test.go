package journeys

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/post"
	"opeka/test/world/telegram"
	"opeka/test/world/viber"
	"opeka/test/world/whatsapp"
)

// page fetches a page of the portal as a browser does.
func (w *installation) page(address string) (status int, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "uk")
	res, err := w.office.HTTP.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

var hrefs = regexp.MustCompile(`<a class="button" href="([^"]+)"`)

// links are the addresses on a page of bots, by how they begin.
func links(page string) map[string]string {
	out := map[string]string{}
	for _, m := range hrefs.FindAllStringSubmatch(page, -1) {
		u := strings.ReplaceAll(strings.ReplaceAll(m[1], "&amp;", "&"), "&#43;", "+")
		for _, start := range []string{"https://t.me/", "viber://", "https://wa.me/"} {
			if strings.HasPrefix(u, start) {
				out[start] = u
			}
		}
	}
	return out
}

// bots connects one bot of each messenger.
func (w *installation) bots() (*telegram.Bot, *viber.Bot, *whatsapp.Number, map[string]string) {
	tg, vb, wa := telegram.New(w.t), viber.New(w.t), whatsapp.New(w.t, w.clock.Now)
	hooks := map[string]string{}
	hooks["telegram"] = w.hookOf(w.connect("telegram", "Бот", map[string]any{"token": telegram.Token, "api_url": tg.URL}))
	hooks["viber"] = w.hookOf(w.connect("viber", "Viber", map[string]any{"token": viber.Token, "sender": "Крамниця", "api_url": vb.URL}))
	hooks["whatsapp"] = w.hookOf(w.connect("whatsapp", "WhatsApp", map[string]any{"phone_number_id": whatsapp.ID, "account_id": whatsapp.Account, "access_token": whatsapp.Token,
		"app_secret": whatsapp.Secret, "verify_token": whatsapp.VerifyToken, "api_url": wa.URL}))
	return tg, vb, wa, hooks
}

// A saved reply carries the page with a customer's own links; each leads him, and nobody else, into his record, where he is greeted by name of the shop.
func TestAPageOfOwnLinksToTheBots(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			w := install(t, e, func(c *app.Config) { c.PublicURL = "https://care.example" })
			tg, vb, wa, hooks := w.bots()
			var made struct {
				ID int64 `json:"id"`
			}
			w.do(http.MethodPost, "/customers", map[string]any{"store_id": w.store, "name": "Олена Шевченко", "contacts": []map[string]any{{"kind": "phone", "value": "+380501112233"}}}, &made)
			type who struct{ Kind, Value string }
			identities := func() (out []who) {
				var c struct {
					Customer struct{ Identities []who } `json:"customer"`
				}
				w.do(http.MethodGet, fmt.Sprintf("/customers/%d", made.ID), nil, &c)
				return c.Customer.Identities
			}
			has := func(kind, value string) bool {
				for _, i := range identities() {
					if i == (who{kind, value}) {
						return true
					}
				}
				return false
			}
			var offers inbox.Offers
			w.do(http.MethodGet, fmt.Sprintf("/customers/%d/templates?channel=whatsapp", made.ID), nil, &offers)
			own := offers.Variables["links.messengers"]
			path, ok := strings.CutPrefix(own, "https://care.example/m/")
			if !ok {
				t.Fatalf("no page: %q", own)
			}
			page := w.server.URL + "/m/" + path
			status, body := w.page(page)
			found := links(body)
			if status != http.StatusOK || len(found) != 3 || !strings.Contains(body, "Стежка") || strings.Count(body, `<path d="M`) != 3 || strings.Contains(body, "ZgotmplZ") {
				t.Fatalf("%d %v\n%s", status, found, body)
			}
			if _, again := w.page(page); links(again)["viber://"] != found["viber://"] {
				t.Error("the links change with every look")
			}

			// Whatever is changed in the address leads nowhere.
			for n := range path {
				if n%9 != 0 {
					continue
				}
				wrong := []byte(path)
				if wrong[n]++; wrong[n] > 'z' {
					wrong[n] = 'a'
				}
				if status, body := w.page(w.server.URL + "/m/" + url.PathEscape(string(wrong))); status != http.StatusNotFound || len(links(body)) > 0 {
					t.Errorf("a page changed at %d: %d", n, status)
				}
			}

			_, token, _ := strings.Cut(found["https://t.me/"], "?start=")
			secret := ""
			w.until("Telegram is told where to push", func() bool { _, secret = tg.Hook(); return secret != "" })
			write := func(chat int64, text string) {
				w.deliver(hooks["telegram"], care.Push{Method: http.MethodPost, Header: http.Header{"X-Telegram-Bot-Api-Secret-Token": {secret}}, Body: tg.Write(chat, text)})
			}
			write(777, "/start "+token)
			w.until("she is known in Telegram", func() bool { return has("telegram", "777") })
			sent := func(text string) (n int) {
				for _, m := range tg.Sent() {
					if strings.Contains(m.Text, text) {
						n++
					}
				}
				return n
			}
			w.until("she is greeted", func() bool { return sent("Тепер ми знайомі") == 1 })

			// The letter was passed on: the same link makes nobody else the customer, and greets a stranger.
			write(888, "/start "+token)
			w.until("a stranger is greeted as one", func() bool { return sent("Пишіть сюди") == 1 })
			if has("telegram", "888") {
				t.Error("a stranger was taken for the customer")
			}

			// Viber takes a greeting as the answer to its push.
			_, context, _ := strings.Cut(found["viber://"], "&context=")
			answer := w.deliverTo(hooks["viber"], vb.Open("her-viber", context))
			var greeting struct{ Type, Text string }
			if err := json.Unmarshal(answer, &greeting); err != nil || greeting.Type != "text" || !strings.Contains(greeting.Text, "Крамниця") {
				t.Errorf("Viber is answered %q", answer)
			}
			w.until("she is known in Viber", func() bool { return has("viber", "her-viber") })

			// WhatsApp carries the token in the words that it proposes.
			u, err := url.Parse(found["https://wa.me/"])
			if err != nil || !strings.HasPrefix(u.Query().Get("text"), "start-") {
				t.Fatalf("%v %v", u, err)
			}
			w.deliver(hooks["whatsapp"], wa.Write("48600100200", "Добрий день! "+u.Query().Get("text")))
			w.until("she is known in WhatsApp", func() bool { return has("whatsapp", "48600100200") })
			w.until("what she wrote is there without the token", func() bool {
				list := w.conversations()
				return len(list) == 1 && list[0].Customer.ID == made.ID && list[0].Preview == "Добрий день!"
			})

			w.clock.Move(40 * 24 * time.Hour)
			if status, body := w.page(page); status != http.StatusNotFound || len(links(body)) > 0 {
				t.Errorf("after its time: %d", status)
			}
			// Everybody else finds the bots as such.
			status, body = w.page(w.server.URL + "/m?store=" + w.slug)
			if common := links(body); status != http.StatusOK || common["https://t.me/"] == "" || strings.Contains(common["https://t.me/"], "start=") || strings.Contains(common["viber://"], "context") {
				t.Errorf("%d %v", status, common)
			}
			if status, _ := w.page(w.server.URL + "/m?store=nobody"); status != http.StatusNotFound {
				t.Errorf("of no store: %d", status)
			}
		})
	}
}

// Who leaves the bot in Viber isn't written to, the agent sees why, and whoever writes again is reached again.
func TestWhoLeavesTheBotIsNotWrittenTo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		_, vb, _, hooks := w.bots()
		w.deliver(hooks["viber"], vb.Write("ihor", "Є намети?"))
		w.until("he has written", func() bool { return len(w.conversations()) == 1 })
		talk := w.conversations()[0].ID
		path := fmt.Sprintf("/conversations/%d", talk)
		way := func() string {
			var ways struct{ Items []post.Way }
			w.do(http.MethodGet, path+"/ways", nil, &ways)
			for _, own := range ways.Items {
				if own.Channel == care.ChannelViber {
					return own.OptedOut
				}
			}
			return "no way"
		}
		w.deliver(hooks["viber"], vb.Leave("ihor"))
		w.until("it is known that he left", func() bool { return way() == "blocked" })
		w.do(http.MethodPost, path+"/messages", map[string]any{"kind": "reply", "body": "Так, є", "client_id": "1"}, nil)
		w.until("it isn't sent, and why is shown", func() bool {
			for _, m := range w.thread(talk).Messages {
				if m.Body == "Так, є" && m.Delivery != nil && m.Delivery.State == "failed" {
					return m.Delivery.Reason == "blocked"
				}
			}
			return false
		})
		if n := len(vb.Sent()); n != 0 {
			t.Errorf("%d messages were sent to somebody who has left", n)
		}
		w.deliver(hooks["viber"], vb.Write("ihor", "Я тут"))
		w.until("he can be reached again", func() bool { return way() == "" })
		w.do(http.MethodPost, path+"/messages", map[string]any{"kind": "reply", "body": "Вітаємо знову", "client_id": "2"}, nil)
		w.until("he has it", func() bool { return len(vb.Sent()) == 1 && vb.Sent()[0].Text == "Вітаємо знову" })
	})
}
