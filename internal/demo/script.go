package demo

// words are a text in the four languages.
func words(uk, ru, pl, en string) map[string]string {
	return map[string]string{"uk": uk, "ru": ru, "pl": pl, "en": en}
}

type obj = map[string]any

// scripts are what the demo's agents are led by on the telephone.
var scripts = []struct {
	name, purpose string
	body          obj
}{
	{"Товар з'явився", "stock", obj{"start": "hello", "steps": []obj{
		{"key": "hello", "title": words("Вітання", "Приветствие", "Powitanie", "Greeting"),
			"say":     words("Добрий день, {{ customer.first_name }}! Це {{ store.name }}. Ви просили повідомити: те, на що ви чекали, вже є. Оформити замовлення зараз?", "Здравствуйте, {{ customer.first_name }}! Это {{ store.name }}. Вы просили сообщить: то, чего вы ждали, уже есть. Оформить заказ сейчас?", "Dzień dobry, {{ customer.first_name }}! Tu {{ store.name }}. Prosili Państwo o wiadomość: to, na co czekali Państwo, już jest. Złożyć zamówienie teraz?", "Hello {{ customer.first_name }}, this is {{ store.name }}. You asked us to tell you: what you were waiting for is here. Shall I place the order now?"),
			"hint":    words("Скажіть, скільки штук відкладено для клієнта.", "Скажите, сколько штук отложено для клиента.", "Proszę powiedzieć, ile sztuk odłożono.", "Say how many pieces are put aside."),
			"answers": []obj{{"key": "yes", "label": words("Так, замовляю", "Да, заказываю", "Tak, zamawiam", "Yes, please"), "to": "delivery"}, {"key": "think", "label": words("Подумаю", "Подумаю", "Zastanowię się", "I'll think about it"), "to": "later", "effects": []obj{{"kind": "tag", "value": "думає"}}}, {"key": "no", "label": words("Вже не треба", "Уже не нужно", "Już nie trzeba", "No longer needed"), "to": "bye"}}},
		{"key": "delivery", "title": words("Доставка", "Доставка", "Dostawa", "Delivery"),
			"say":     words("Чудово! Куди доставити, і чи потрібне щось іще?", "Отлично! Куда доставить, и нужно ли что-то ещё?", "Świetnie! Dokąd dostarczyć i czy trzeba czegoś jeszcze?", "Great! Where shall we deliver it, and do you need anything else?"),
			"fields":  []obj{{"key": "note", "label": words("Побажання", "Пожелания", "Życzenia", "Wishes"), "kind": "long", "target": "customer.note"}},
			"answers": []obj{{"key": "done", "label": words("Записано", "Записано", "Zapisane", "Written down"), "to": "ordered"}}},
		{"key": "later", "title": words("Передзвонити", "Перезвонить", "Oddzwonić", "Ring again"), "say": words("Добре, я передзвоню завтра: до того часу річ чекатиме.", "Хорошо, я перезвоню завтра: до тех пор вещь подождёт.", "Dobrze, zadzwonię jutro: do tego czasu odłożymy.", "All right, I'll ring you tomorrow: it stays put aside until then."),
			"answers": []obj{{"key": "ok", "label": words("Домовилися", "Договорились", "Umówione", "Agreed"), "to": "bye", "effects": []obj{{"kind": "callback", "value": "promise", "minutes": 1440}}}}},
		{"key": "ordered", "title": words("Кінець", "Конец", "Koniec", "End"), "say": words("Дякую за замовлення! Гарного дня.", "Спасибо за заказ! Хорошего дня.", "Dziękujemy za zamówienie! Miłego dnia.", "Thank you for your order. Have a good day."), "outcome": "ordered"},
		{"key": "bye", "title": words("Прощання", "Прощание", "Pożegnanie", "Goodbye"), "say": words("Дякую, гарного дня!", "Спасибо, хорошего дня!", "Dziękuję, miłego dnia!", "Thank you, have a good day!"), "outcome": "settled"},
	}}},
	{"Підтвердження замовлення", "confirm", obj{"start": "hello", "steps": []obj{
		{"key": "hello", "title": words("Вітання", "Приветствие", "Powitanie", "Greeting"),
			"say":     words("Добрий день, {{ customer.first_name }}! Підтверджуєте замовлення {{ order.number }}: {{ order.items }}?", "Здравствуйте, {{ customer.first_name }}! Подтверждаете заказ {{ order.number }}: {{ order.items }}?", "Dzień dobry, {{ customer.first_name }}! Czy potwierdzają Państwo zamówienie {{ order.number }}: {{ order.items }}?", "Hello {{ customer.first_name }}! Do you confirm order {{ order.number }}: {{ order.items }}?"),
			"answers": []obj{{"key": "yes", "label": words("Так", "Да", "Tak", "Yes"), "to": "bye", "effects": []obj{{"kind": "order_note", "text": "Підтверджено телефоном"}}}, {"key": "change", "label": words("Треба змінити", "Нужно изменить", "Trzeba zmienić", "Needs changing"), "to": "change"}}},
		{"key": "change", "title": words("Зміни", "Изменения", "Zmiany", "Changes"), "say": words("Що змінюємо?", "Что меняем?", "Co zmieniamy?", "What shall we change?"),
			"fields":  []obj{{"key": "what", "label": words("Що змінити", "Что изменить", "Co zmienić", "What to change"), "kind": "long", "required": true, "target": "order.note"}},
			"answers": []obj{{"key": "ok", "label": words("Записано", "Записано", "Zapisane", "Written down"), "to": "bye"}}},
		{"key": "bye", "title": words("Прощання", "Прощание", "Pożegnanie", "Goodbye"), "say": words("Дякую, гарного дня!", "Спасибо, хорошего дня!", "Dziękuję, miłego dnia!", "Thank you, have a good day!"), "outcome": "settled"},
	}}},
}
