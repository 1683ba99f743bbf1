package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"opeka/internal/peer"
)

// subject is what people write about: its name on the desk, and the department that it concerns.
type subject struct{ name, department string }

var subjects = map[string]subject{
	"order_status": {"Де замовлення", "Доставка"},
	"stock":        {"Наявність", "Склад"},
	"return":       {"Повернення й обмін", "Склад"},
	"payment":      {"Оплата", "Бухгалтерія"},
	"address":      {"Зміна доставки", "Доставка"},
}

// macros are saved replies as a shop of this kind has them.
var macros = []struct {
	name   string
	bodies map[string]string
}{
	{"Де посилка", map[string]string{
		"uk": "{customer.first_name|Добрий день}, замовлення {order.number} везе {order.carrier|перевізник}. Номер посилки: {order.tracking|з'явиться, щойно її передадуть}.",
		"ru": "{customer.first_name|Здравствуйте}, заказ {order.number} везёт {order.carrier|перевозчик}. Номер посылки: {order.tracking|появится, как только её передадут}.",
		"pl": "{customer.first_name|Dzień dobry}, zamówienie {order.number} wiezie {order.carrier|przewoźnik}. Numer przesyłki: {order.tracking|pojawi się, gdy tylko zostanie nadana}.",
		"en": "{customer.first_name|Hello}, order {order.number} is with {order.carrier|the carrier}. Tracking number: {order.tracking|it will be here as soon as the parcel is handed over}.",
	}},
	{"Як повернути", map[string]string{
		"uk": "Повернути або обміняти можна протягом 14 днів: покладіть товар із біркою в пакунок і надішліть Новою поштою, вартість повернення ми відшкодуємо. Замовлення {order.number}.",
		"ru": "Вернуть или обменять можно в течение 14 дней: положите товар с биркой в посылку и отправьте Новой почтой, стоимость возврата мы возместим. Заказ {order.number}.",
		"pl": "Zwrot lub wymiana są możliwe w ciągu 14 dni: proszę zapakować towar z metką i nadać paczkę, koszt zwrotu pokrywamy. Zamówienie {order.number}.",
		"en": "You can return or exchange it within 14 days: pack it with its tag and send it; we refund the postage. Order {order.number}.",
	}},
	{"Точка самовивозу", map[string]string{
		"uk": "Замовлення {order.number} чекає тут: {order.pickup_point|адресу надішлемо, щойно воно прибуде}.",
		"ru": "Заказ {order.number} ждёт здесь: {order.pickup_point|адрес пришлём, как только он прибудет}.",
		"pl": "Zamówienie {order.number} czeka tutaj: {order.pickup_point|adres prześlemy, gdy tylko dotrze}.",
		"en": "Order {order.number} waits here: {order.pickup_point|we'll send the address as soon as it arrives}.",
	}},
	{"Гарного дня", map[string]string{
		"uk": "Раді допомогти! Гарного дня, {agent.first_name}.", "ru": "Рады помочь! Хорошего дня, {agent.first_name}.",
		"pl": "Cieszymy się, że mogliśmy pomóc! Miłego dnia, {agent.first_name}.", "en": "Happy to help! Have a good day, {agent.first_name}.",
	}},
}

// furnish makes what an owner adds in the first week: departments and a team, what people write about, saved replies.
func (k *keep) furnish(ctx context.Context, office *peer.Office) error {
	add := func(path string, body map[string]any) (id int64, err error) {
		var m made
		body["store_id"] = k.Store
		err = office.Do(ctx, http.MethodPost, path, body, &m)
		return m.ID, err
	}
	departments := map[string]int64{}
	for _, name := range []string{"Склад", "Доставка", "Бухгалтерія"} {
		id, err := add("/departments", map[string]any{"name": name})
		if err != nil {
			return err
		}
		departments[name] = id
	}
	for i, key := range []string{"order_status", "stock", "return", "payment", "address"} {
		s := subjects[key]
		if _, err := add("/topics", map[string]any{"name": s.name, "department_id": departments[s.department], "position": i}); err != nil {
			return err
		}
	}
	for _, m := range macros {
		if _, err := add("/macros", map[string]any{"name": m.name, "bodies": m.bodies}); err != nil {
			return fmt.Errorf("saved reply %q: %w", m.name, err)
		}
	}
	k.Warehouse = departments["Склад"]
	return nil
}

// file notes what a talk was about, as agents do when they answer.
func (t talk) file(ctx context.Context, office *peer.Office) error {
	return office.Do(ctx, http.MethodPut, fmt.Sprintf("/conversations/%d/topic", t.said.Conversation), map[string]any{"topic": subjects[t.topic].name}, nil)
}

// askWarehouse hands a question on, so that the departments' screen isn't empty.
func (k *keep) askWarehouse(ctx context.Context, office *peer.Office, t talk) error {
	return office.Do(ctx, http.MethodPost, "/inquiries", map[string]any{"store_id": k.Store, "department_id": k.Warehouse, "conversation_id": t.said.Conversation,
		"question": "Клієнт чекає: чи є це на полиці, а як немає, то коли буде?", "wants_call": false}, nil)
}

// electronic has the gift card delivered by itself, from a stock of codes that is soon low.
func (k *keep) electronic(ctx context.Context, office *peer.Office) error {
	var products struct {
		Items []struct {
			Variants []struct {
				ID int64 `json:"id"`
			} `json:"variants"`
		} `json:"items"`
	}
	err := office.Do(ctx, http.MethodGet, fmt.Sprintf("/products?store_id=%d&q=%s", k.Store, url.QueryEscape("Подарункова картка")), nil, &products)
	if err != nil || len(products.Items) == 0 || len(products.Items[0].Variants) == 0 {
		return err
	}
	var m made
	err = office.Do(ctx, http.MethodPut, "/electronic-goods", map[string]any{"store_id": k.Store, "variant_id": products.Items[0].Variants[0].ID, "kind": "key", "low_water": 30,
		"instructions": "Введіть код картки, коли оплачуєте наступне замовлення."}, &m)
	if err != nil {
		return err
	}
	codes := make([]string, 40)
	for i := range codes {
		codes[i] = "STEZHKA-" + rand.Text()[:12]
	}
	return office.Do(ctx, http.MethodPost, fmt.Sprintf("/electronic-goods/%d/keys", m.ID), map[string]any{"csv": "код\n" + strings.Join(codes, "\n")}, nil)
}
