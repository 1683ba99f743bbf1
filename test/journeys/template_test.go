package journeys

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/inbox"
	"opeka/internal/post"
	"opeka/test/world/sms"
	"opeka/test/world/whatsapp"
)

// deliver pushes as a service does, signature and all.
func (w *installation) deliver(hook string, p care.Push) { w.t.Helper(); w.deliverTo(hook, p) }

// deliverTo is deliver, with what the service is answered.
func (w *installation) deliverTo(hook string, p care.Push) []byte {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), p.Method, hook, bytes.NewReader(p.Body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header = p.Header.Clone()
	r.Header.Set("Content-Type", "application/json")
	res, err := w.office.HTTP.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Errorf("the push was answered with %s", res.Status)
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Error(err)
	}
	return answer
}

// A day after a customer's last word only an approved message reaches her: it is offered with what is known of her order in its places, goes out, and what became
// of it is seen. Whoever has never written can be written to in the same way.
func TestAnApprovedMessageOutsideTheWindow(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		shop := w.shop()
		w.tell(shop, boots()...)
		w.tell(shop, sentOrder())
		number := whatsapp.New(t, w.clock.Now)
		line := w.connect("whatsapp", "WhatsApp", map[string]any{"phone_number_id": whatsapp.ID, "account_id": whatsapp.Account, "access_token": whatsapp.Token,
			"app_secret": whatsapp.Secret, "verify_token": whatsapp.VerifyToken, "api_url": number.URL})
		hook := w.hookOf(line)
		const her = "380501112233"
		w.deliver(hook, number.Write(her, "Коли буде?"))
		w.until("she has written", func() bool { return len(w.conversations()) == 1 })
		talk := w.conversations()[0].ID
		if name := w.conversations()[0].Customer.Name; name != "Марта Левицька" {
			t.Fatalf("who is it: %s", name)
		}
		path := fmt.Sprintf("/conversations/%d", talk)
		way := func() post.Way {
			var ways struct{ Items []post.Way }
			w.do(http.MethodGet, path+"/ways", nil, &ways)
			if len(ways.Items) != 1 {
				t.Fatalf("ways: %+v", ways.Items)
			}
			return ways.Items[0]
		}
		w.until("the window is open", func() bool {
			own := way()
			return own.Abilities.Templates && own.WindowUntil.Time().After(w.clock.Now().Add(23*time.Hour))
		})
		w.clock.Move(25 * time.Hour)
		if own := way(); own.WindowUntil.Time().After(w.clock.Now()) {
			t.Errorf("the window is open: %+v", own)
		}

		var offers inbox.Offers
		w.do(http.MethodGet, path+"/templates", nil, &offers)
		names := []string{}
		for _, o := range offers.Items {
			names = append(names, o.Name+" "+o.Language+" "+o.Unfit)
		}
		if !slices.Equal(names, []string{"order_ready uk ", "order_shipped uk ", "sale uk media"}) {
			t.Fatalf("offered: %q", names)
		}
		if ready := offers.Items[0]; !slices.Equal(ready.Fills, []string{"", "{customer.first_name}", "", ""}) || offers.Variables["customer.first_name"] != "Марта" || offers.Variables["order.number"] != "С-4201" {
			t.Errorf("%q %+v", ready.Fills, offers.Variables)
		}
		say := path + "/messages"
		chosen := func(name string, values ...string) map[string]any {
			if values == nil {
				values = []string{}
			}
			return map[string]any{"kind": "reply", "body": "не це", "client_id": fmt.Sprint(name, values), "template": map[string]any{"name": name, "language": "uk", "values": values}}
		}
		w.refused(http.MethodPost, say, chosen("order_ready", "{order.number}"), "template_values")
		w.refused(http.MethodPost, say, chosen("order_gone"), "template_gone")
		w.refused(http.MethodPost, say, chosen("sale"), "template_unfit")
		w.refused(http.MethodPost, say, chosen("order_shipped", "{order.pickup_point}"), "template_unfilled")
		w.refused(http.MethodPost, say, chosen("order_shipped", "  "), "required")

		var said inbox.Message
		ready := chosen("order_ready", "{order.number}", "{customer.first_name}", "вул. Зелена,\n5", "{order.tracking}")
		w.do(http.MethodPost, say, ready, &said)
		const reads = "Замовлення С-4201\n\nМарта, ваше замовлення чекає: вул. Зелена, 5.\n\nСтежка\n\n[Як пройти] https://shop.example/p/20450000004201\n[Дякую]"
		if said.Body != reads {
			t.Errorf("it reads %q", said.Body)
		}
		var again inbox.Message
		w.do(http.MethodPost, say, ready, &again)
		if again.ID != said.ID {
			t.Error("sent twice")
		}
		w.until("it is sent", func() bool { state, _, _ := w.thread(talk).said(reads); return state == "sent" })
		sent := number.Sent()
		if len(sent) != 1 || sent[0].Template != "order_ready" || sent[0].To != her || !slices.Equal(sent[0].Params, []string{"С-4201", "Марта", "вул. Зелена, 5", "20450000004201"}) {
			t.Fatalf("%+v", sent)
		}
		w.deliver(hook, number.Report(sent[0].ID, "read", 0))
		w.until("it was read", func() bool { state, _, _ := w.thread(talk).said(reads); return state == "read" })
		// The next one begins with what stood in the places, never with an agent's own words.
		w.do(http.MethodGet, path+"/templates", nil, &offers)
		if fills := offers.Items[0].Fills; !slices.Equal(fills, []string{"{order.number}", "{customer.first_name}", "", "{order.tracking}"}) {
			t.Errorf("%q", fills)
		}

		// Another customer has a telephone and has never written.
		var made struct {
			ID int64 `json:"id"`
		}
		w.do(http.MethodPost, "/customers", map[string]any{"store_id": w.store, "name": "Ольга Коваль", "contacts": []map[string]any{{"kind": "phone", "value": "+380671234567"}}}, &made)
		w.do(http.MethodGet, fmt.Sprintf("/customers/%d/templates?channel=whatsapp", made.ID), nil, &offers)
		if len(offers.Items) != 3 || offers.Variables["customer.first_name"] != "Ольга" {
			t.Errorf("%+v", offers)
		}
		begin := fmt.Sprintf("/customers/%d/conversations", made.ID)
		w.refused(http.MethodPost, begin, map[string]any{"channel": "whatsapp"}, "required")
		var begun inbox.Row
		w.do(http.MethodPost, begin, map[string]any{"channel": "whatsapp", "template": map[string]any{"name": "order_shipped", "language": "uk", "values": []string{"№ 7"}}}, &begun)
		w.until("she has it", func() bool {
			list := number.Sent()
			return len(list) == 2 && list[1].To == "380671234567" && list[1].Template == "order_shipped" && slices.Equal(list[1].Params, []string{"№ 7"})
		})
		w.deliver(hook, number.Write("380671234567", "Дякую!"))
		w.until("her answer comes into it", func() bool { return w.has(begun.ID, "Дякую!") })
		if own := w.row(begun.ID).Conversation; own.Customer.ID != made.ID {
			t.Errorf("whose is it: %+v", own.Customer)
		}
	})
}

// A provider of Viber takes what it has approved for the shop's name: agents are offered that.
func TestApprovedTextsOfViberForBusiness(t *testing.T) {
	onBoth(t, func(t *testing.T, w *installation) {
		gateway := sms.NewGateway(t)
		w.connect("viber_http", "Viber", map[string]any{
			"url": gateway.URL + "/message/send.json", "token": sms.Token, "sender": "SHOP", "to_format": "digits",
			"template": `{"recipients": ["{to}"], "sms": {"sender": "{sender}", "text": "{text}"}}`,
			"id_path":  "response_result.0.message_id", "ok_path": "response_code", "ok_values": "800",
			"approved_texts": "Замовлення {{order_number}} чекає вас.\n\n{{first_name}}, дякуємо за покупку!",
		})
		var made struct {
			ID int64 `json:"id"`
		}
		w.do(http.MethodPost, "/customers", map[string]any{"store_id": w.store, "name": "Ольга Коваль", "contacts": []map[string]any{{"kind": "phone", "value": "+380671234567"}}}, &made)
		var offers inbox.Offers
		w.do(http.MethodGet, fmt.Sprintf("/customers/%d/templates?channel=viber_business", made.ID), nil, &offers)
		if len(offers.Items) != 2 || offers.Items[0].Body != "{{first_name}}, дякуємо за покупку!" || !slices.Equal(offers.Items[0].Fills, []string{"{customer.first_name}"}) {
			t.Fatalf("%+v", offers.Items)
		}
		w.do(http.MethodPost, fmt.Sprintf("/customers/%d/conversations", made.ID), map[string]any{"channel": "viber_business",
			"template": map[string]any{"name": offers.Items[0].Name, "language": "", "values": offers.Items[0].Fills}}, nil)
		w.until("it is handed over", func() bool {
			return slices.ContainsFunc(gateway.Sent(), func(m sms.Message) bool {
				return m.To == "380671234567" && m.Text == "Ольга, дякуємо за покупку!"
			})
		})
	})
}
