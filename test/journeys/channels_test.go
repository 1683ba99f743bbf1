package journeys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"opeka/test/world/sms"
	"opeka/test/world/telegram"
)

type thread struct {
	Conversation struct {
		Channel  string `json:"channel"`
		Customer struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		} `json:"customer"`
	} `json:"conversation"`
	Messages []struct {
		ID       int64  `json:"id"`
		From     string `json:"from"`
		Body     string `json:"body"`
		Channel  string `json:"channel"`
		Delivery *struct {
			State  string `json:"state"`
			Reason string `json:"reason"`
		} `json:"delivery"`
	} `json:"messages"`
}

// said finds a message by its text and gives how far it has come.
func (th thread) said(body string) (delivery, channel string, there bool) {
	for _, m := range th.Messages {
		if m.Body == body {
			if m.Delivery != nil {
				delivery = m.Delivery.State
			}
			return delivery, m.Channel, true
		}
	}
	return "", "", false
}

func (w *installation) thread(id int64) (th thread) {
	w.t.Helper()
	w.do(http.MethodGet, fmt.Sprintf("/conversations/%d", id), nil, &th)
	return th
}

func (w *installation) connect(plug, name string, settings map[string]any) (id int64) {
	w.t.Helper()
	var made struct {
		ID int64 `json:"id"`
	}
	w.do(http.MethodPost, "/connections", map[string]any{"store_id": w.store, "plug": plug, "name": name, "settings": settings}, &made)
	var found struct {
		Name string `json:"name"`
	}
	w.do(http.MethodPost, fmt.Sprintf("/connections/%d/test", made.ID), nil, &found)
	if found.Name == "" {
		w.t.Errorf("nobody answers at %s", plug)
	}
	return made.ID
}

// Who has ordered writes by Telegram; the order is beside the question; the answer goes back, the talk goes on by SMS, and what became of each message is seen.
func TestATalkGoesOnOverAnotherChannel(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		shop := w.shop()
		w.tell(shop, boots()...)
		w.tell(shop, paidOrder())

		bot := telegram.New(t)
		w.connect("telegram", "Бот", map[string]any{"token": telegram.Token, "api_url": bot.URL})
		gateway := sms.NewGateway(t)
		line := w.connect("sms_http", "SMS", map[string]any{
			"url": gateway.URL + "/message/send.json", "token": sms.Token, "sender": "SHOP", "to_format": "digits",
			"template": `{"recipients": ["{to}"], "sms": {"sender": "{sender}", "text": "{text}"}}`,
			"id_path":  "response_result.0.message_id", "ok_path": "response_code", "ok_values": "800",
			"report_id": "message_id", "report_status": "status", "delivered_values": "Delivered", "failed_values": "Undelivered",
			"in_from": "from", "in_text": "text", "in_id": "id",
		})
		agent := console(t, w.office)

		// She shows her number to the bot, so it is known who asks.
		const chat = 777
		bot.Say(chat, map[string]any{"contact": map[string]any{"phone_number": "380501112233", "first_name": "Марта", "user_id": chat}})
		agent.hears(`"t":"message"`, "+380501112233")
		bot.Write(chat, "Де моє замовлення?")
		agent.hears(`"t":"message"`, "Де моє замовлення?")
		var list struct {
			Items []struct {
				ID int64 `json:"id"`
			} `json:"items"`
		}
		w.do(http.MethodGet, "/conversations?view=all", nil, &list)
		if len(list.Items) != 1 {
			t.Fatalf("conversations: %+v", list.Items)
		}
		talk := list.Items[0].ID
		opened := w.thread(talk)
		if c := opened.Conversation; c.Channel != "telegram" || c.Customer.Name != "Марта Левицька" {
			t.Fatalf("the agent sees %+v", c)
		}
		var orders struct {
			Items []struct {
				Number string `json:"number"`
			} `json:"items"`
		}
		w.do(http.MethodGet, fmt.Sprintf("/customers/%d/orders", opened.Conversation.Customer.ID), nil, &orders)
		if len(orders.Items) != 1 || orders.Items[0].Number != "С-4201" {
			t.Errorf("her orders: %+v", orders.Items)
		}

		say := func(body map[string]any) {
			w.do(http.MethodPost, fmt.Sprintf("/conversations/%d/messages", talk), body, nil)
		}
		say(map[string]any{"kind": "reply", "body": "Вже на складі", "client_id": "1"})
		w.until("the answer is in Telegram", func() bool {
			state, _, _ := w.thread(talk).said("Вже на складі")
			return state == "sent"
		})
		answers := 0
		for _, m := range bot.Sent() {
			if m.Chat == chat && m.Text == "Вже на складі" {
				answers++
			}
		}
		if answers != 1 {
			t.Errorf("sent: %+v", bot.Sent())
		}

		var ways struct {
			Items []struct {
				Channel string `json:"channel"`
				Address string `json:"address"`
			} `json:"items"`
		}
		w.do(http.MethodGet, fmt.Sprintf("/conversations/%d/ways", talk), nil, &ways)
		if len(ways.Items) != 2 || ways.Items[0].Channel != "telegram" || ways.Items[1].Channel != "sms" || ways.Items[1].Address != "+380501112233" {
			t.Errorf("ways: %+v", ways.Items)
		}

		// On the road she has no internet.
		say(map[string]any{"kind": "reply", "body": "Кур'єр буде о 15:00", "client_id": "2", "channel": "sms"})
		var message sms.Message
		w.until("the SMS is handed over", func() bool {
			for _, m := range gateway.Sent() { // notices of her order go the same way
				if m.Text == "Кур'єр буде о 15:00" {
					message = m
				}
			}
			return message.ID != ""
		})
		if message.To != "380501112233" {
			t.Errorf("%+v", message)
		}
		hook := w.hookOf(line)
		w.push(hook, map[string]string{"message_id": message.ID, "status": "Delivered"})
		agent.hears(`"t":"message"`, "Кур'єр буде о 15:00", `"state":"delivered"`)
		w.push(hook, map[string]string{"from": "380501112233", "text": "Дякую, чекаю", "id": "in-1"})
		agent.hears(`"t":"message"`, "Дякую, чекаю")
		now := w.thread(talk)
		if state, channel, _ := now.said("Кур'єр буде о 15:00"); state != "delivered" || channel != "sms" {
			t.Errorf("the SMS: %s by %s", state, channel)
		}
		if _, channel, there := now.said("Дякую, чекаю"); !there || channel != "sms" {
			t.Errorf("her SMS isn't in the talk: %+v", now.Messages)
		}
		if now.Conversation.Channel != "telegram" || now.Conversation.Customer.Name != "Марта Левицька" {
			t.Errorf("whose talk is it now: %+v", now.Conversation)
		}

		// Later she blocks the bot: the next answer can't arrive, and the agent sees why.
		bot.Block(chat)
		say(map[string]any{"kind": "reply", "body": "Як вам черевики?", "client_id": "3"})
		w.until("the failure is shown", func() bool {
			for _, m := range w.thread(talk).Messages {
				if m.Body == "Як вам черевики?" && m.Delivery != nil && m.Delivery.State == "failed" {
					return m.Delivery.Reason == "blocked"
				}
			}
			return false
		})
	})
}

// hookOf is where a service pushes to a connection.
func (w *installation) hookOf(connection int64) string {
	w.t.Helper()
	var token string
	if err := w.app.DB.Read().QueryRow(w.t.Context(), `SELECT hook_token FROM connections WHERE id = $1`, connection).Scan(&token); err != nil {
		w.t.Fatal(err)
	}
	return w.server.URL + "/hooks/" + token
}

func (w *installation) push(url string, fields map[string]string) {
	w.t.Helper()
	b, _ := json.Marshal(fields)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := w.office.HTTP.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Errorf("the push was answered with %s", res.Status)
	}
}
