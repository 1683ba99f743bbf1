package journeys

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"opeka/test/world/telegram"
	"opeka/test/world/viber"
)

// A customer opens the shop's bot by a link of his own: he is known there, and has agreed to be written to. A link leads one person in.
func TestACustomerIsKnownByHisLink(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		bot := telegram.New(t)
		w.connect("telegram", "Бот", map[string]any{"token": telegram.Token, "api_url": bot.URL})
		vb := viber.New(t)
		w.connect("viber", "Viber", map[string]any{"token": viber.Token, "sender": "Крамниця", "api_url": vb.URL})
		type card struct {
			Customer struct {
				ID         int64  `json:"id"`
				Name       string `json:"name"`
				Identities []struct {
					Kind, Value string
				} `json:"identities"`
				Consent struct {
					Messenger *bool `json:"messenger"`
				} `json:"consent"`
			} `json:"customer"`
		}
		var made struct {
			ID int64 `json:"id"`
		}
		w.do(http.MethodPost, "/customers", map[string]any{"store_id": w.store, "name": "Олена Шевченко", "contacts": []map[string]any{{"kind": "email", "value": "olena@example.com"}}}, &made)
		links := func() map[string]string {
			var list struct {
				Items []struct {
					Channel string `json:"channel"`
					URL     string `json:"url"`
				} `json:"items"`
			}
			w.do(http.MethodPost, fmt.Sprintf("/customers/%d/messenger-links", made.ID), map[string]any{}, &list)
			out := map[string]string{}
			for _, l := range list.Items {
				out[l.Channel] = l.URL
			}
			return out
		}
		has := func(kind, value string) (known bool, agreed *bool) {
			var c card
			w.do(http.MethodGet, fmt.Sprintf("/customers/%d", made.ID), nil, &c)
			for _, i := range c.Customer.Identities {
				known = known || i.Kind == kind && i.Value == value
			}
			return known, c.Customer.Consent.Messenger
		}
		urls := links()
		token, found := strings.CutPrefix(urls["telegram"], "https://t.me/")
		_, token, ok := strings.Cut(token, "?start=")
		if !found || !ok || len(token) < 20 || len(token) > 64 {
			t.Fatalf("links: %v", urls)
		}
		if !strings.HasPrefix(urls["viber"], "viber://pa?chatURI=") || !strings.Contains(urls["viber"], "&context=") {
			t.Fatalf("links: %v", urls)
		}
		if known, agreed := has("telegram", "777"); known || agreed != nil {
			t.Fatal("he was known before he came")
		}
		bot.Write(777, "/start "+token)
		w.until("he is known in Telegram", func() bool {
			known, agreed := has("telegram", "777")
			return known && agreed != nil && *agreed
		})
		// The same link shown to a friend makes no customer of the friend.
		bot.Write(888, "/start "+token)
		bot.Write(888, "А я хто?")
		var list struct {
			Items []struct {
				Customer struct {
					ID int64 `json:"id"`
				} `json:"customer"`
			} `json:"items"`
		}
		w.until("the friend's question is there", func() bool {
			w.do(http.MethodGet, "/conversations?view=all", nil, &list)
			return len(list.Items) == 1
		})
		if known, _ := has("telegram", "888"); known || list.Items[0].Customer.ID == made.ID {
			t.Error("a stranger was taken for the customer")
		}
		// Who has written before is joined with the customer whose link he follows.
		bot.Write(888, "/start "+func() string { _, token, _ := strings.Cut(links()["telegram"], "?start="); return token }())
		w.until("who wrote before is known, too", func() bool {
			known, _ := has("telegram", "888")
			return known
		})
		bot.Write(999, "/start made-up-token")
		bot.Write(999, "Добрий день")
		w.until("who comes by nothing is a stranger", func() bool {
			w.do(http.MethodGet, "/conversations?view=all", nil, &list)
			return len(list.Items) == 2
		})
		if known, _ := has("telegram", "999"); known {
			t.Error("a made-up token opened the door")
		}
	})
}
