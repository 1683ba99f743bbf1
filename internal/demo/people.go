package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// person is a shopper who comes back now and then.
type person struct {
	id                   string
	first, last          string
	language, country    string
	city, street, postal string
	email, phone         string
}

func (p person) name() string { return p.first + " " + p.last }

// Name and Email are for pages.
func (p person) Name() string  { return p.name() }
func (p person) Email() string { return p.email }

// The parts are put together at random; nobody of that name is meant.
var (
	firstNames = map[string][]string{
		"uk": {"Олена", "Тарас", "Соломія", "Богдан", "Юлія", "Андрій", "Мар'яна", "Назар", "Ірина", "Остап", "Дарина", "Максим"},
		"ru": {"Наталья", "Сергей", "Елена", "Дмитрий", "Светлана", "Игорь"},
		"pl": {"Katarzyna", "Michał", "Agnieszka", "Paweł", "Zofia", "Łukasz"},
		"en": {"Emma", "James", "Sophie", "Daniel"},
	}
	lastNames = map[string][]string{
		"uk": {"Коваленко", "Бондар", "Гнатюк", "Левицька", "Шевчук", "Мельник", "Савчук", "Кравець", "Дорош", "Яремчук"},
		"ru": {"Орлова", "Кузнецов", "Лебедева", "Никитин", "Соколова", "Жуков"},
		"pl": {"Wiśniewska", "Kowalczyk", "Zając", "Woźniak", "Lis", "Sikora"},
		"en": {"Clarke", "Hughes", "Turner", "Bennett"},
	}
	places = map[string][]struct{ city, street, postal, country string }{
		"uk": {{"Київ", "вул. Саксаганського, 41", "01033", "UA"}, {"Львів", "вул. Зелена, 12", "79005", "UA"}, {"Харків", "вул. Пушкінська, 67", "61024", "UA"}, {"Івано-Франківськ", "вул. Незалежності, 9", "76018", "UA"}, {"Полтава", "вул. Соборності, 30", "36020", "UA"}},
		"ru": {{"Одеса", "вул. Преображенська, 24", "65026", "UA"}, {"Запоріжжя", "просп. Соборний, 150", "69035", "UA"}},
		"pl": {{"Kraków", "ul. Długa 14", "31-147", "PL"}, {"Wrocław", "ul. Szewska 5", "50-122", "PL"}},
		"en": {{"Leeds", "8 Park Row", "LS1 5HD", "GB"}},
	}
)

func newPerson(r *rand.Rand, n int) person {
	lang := []string{"uk", "uk", "uk", "uk", "ru", "ru", "pl", "pl", "en"}[r.IntN(9)]
	p := person{id: fmt.Sprintf("c%04d", n), language: lang}
	p.first, p.last = pick(r, firstNames[lang]), pick(r, lastNames[lang])
	place := pick(r, places[lang])
	p.city, p.street, p.postal, p.country = place.city, place.street, place.postal, place.country
	p.email = fmt.Sprintf("shopper%d@example.com", n)
	switch place.country {
	case "PL":
		p.phone = fmt.Sprintf("+4860%d", 1000000+n*137%9000000)
	case "GB":
		p.phone = fmt.Sprintf("+4477009%05d", n%100000)
	default:
		p.phone = fmt.Sprintf("0%d %03d-%02d-%02d", []int{50, 67, 63, 93}[n%4], 100+n*7%900, n*13%100, n*29%100)
	}
	return p
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// What shoppers ask, by topic and language; {order} and {product} are filled in.
var questions = map[string]map[string][]string{
	"order_status": {
		"uk": {"Доброго дня! Де зараз моє замовлення {order}?", "Підкажіть, будь ласка, коли відправите {order}?"},
		"ru": {"Здравствуйте, подскажите, где мой заказ {order}?", "Когда отправите заказ {order}?"},
		"pl": {"Dzień dobry, gdzie jest moje zamówienie {order}?", "Kiedy wyślecie zamówienie {order}?"},
		"en": {"Hi, where is my order {order}?", "Has {order} been shipped yet?"},
	},
	"stock": {
		"uk": {"Чи є {product} у Львові? Хочу приміряти.", "Коли знову буде {product}?"},
		"ru": {"Есть ли в наличии {product}?", "А когда появится {product}?"},
		"pl": {"Czy {product} jest dostępny od ręki?", "Kiedy znowu będzie {product}?"},
		"en": {"Is {product} in stock right now?", "When will {product} be back?"},
	},
	"return": {
		"uk": {"Розмір не підійшов ({order}). Як повернути?", "Хочу обміняти {product} на більший розмір."},
		"ru": {"Не подошёл размер, заказ {order}. Как оформить возврат?"},
		"pl": {"Rozmiar nie pasuje, zamówienie {order}. Jak mogę zwrócić?"},
		"en": {"The size doesn't fit, order {order}. How do I return it?"},
	},
	"payment": {
		"uk": {"Оплатила {order}, а статус не змінився. Гроші зняли.", "Чи можна оплатити {order} при отриманні?"},
		"ru": {"Оплата по заказу {order} не прошла, что делать?"},
		"pl": {"Płatność za {order} nie przeszła. Co teraz?"},
		"en": {"My payment for {order} failed. Can I try again?"},
	},
	"address": {
		"uk": {"Можна змінити адресу доставки в {order}?"},
		"ru": {"Можно поменять отделение доставки в заказе {order}?"},
		"pl": {"Czy można zmienić adres dostawy w {order}?"},
		"en": {"Can I change the delivery address for {order}?"},
	},
}

var topics = []string{"order_status", "order_status", "order_status", "stock", "stock", "return", "payment", "address"}

// What agents answer in the demo's past days: first that they look, then by topic.
var (
	looking = map[string]string{
		"uk": "Добрий день! Перевіряю, одну хвилину.", "ru": "Здравствуйте! Проверяю, одну минуту.", "pl": "Dzień dobry! Już sprawdzam.", "en": "Hello! Let me check that for you.",
	}
	answers = map[string]map[string]string{
		"order_status": {
			"uk": "Ваше замовлення вже передано перевізнику, номер для відстеження надіслано листом.", "ru": "Заказ уже у перевозчика, номер для отслеживания отправили письмом.",
			"pl": "Zamówienie jest już u przewoźnika, numer przesyłki wysłaliśmy e-mailem.", "en": "Your order is with the carrier; the tracking number is in your e-mail.",
		},
		"stock": {
			"uk": "Так, є. Відклали для вас до завтра.", "ru": "Да, есть. Отложили для вас до завтра.", "pl": "Tak, jest. Odłożyliśmy dla Pana/Pani do jutra.",
			"en": "Yes, it is. We've put one aside for you until tomorrow.",
		},
		"return": {
			"uk": "Надішліть його протягом 14 днів із биркою, вартість повернення відшкодуємо. Або обміняємо на інший розмір, який вам потрібен?",
			"ru": "Отправьте его в течение 14 дней с биркой, стоимость возврата возместим. Или обменяем на другой размер, какой вам нужен?",
			"pl": "Proszę odesłać go w ciągu 14 dni z metką, koszt zwrotu pokrywamy. A może wymiana na inny rozmiar?",
			"en": "Send it back within 14 days with its tag; we refund the postage. Or shall we exchange it for another size?",
		},
		"payment": {
			"uk": "Бачимо оплату, банк підтвердив її щойно. Передаємо замовлення на склад.", "ru": "Видим оплату, банк подтвердил её только что. Передаём заказ на склад.",
			"pl": "Widzimy płatność, bank potwierdził ją przed chwilą. Przekazujemy zamówienie do magazynu.", "en": "We see the payment; the bank has just confirmed it. The order goes to the warehouse now.",
		},
		"address": {
			"uk": "Так, ще встигаємо. Напишіть, будь ласка, нове відділення.", "ru": "Да, ещё успеваем. Напишите, пожалуйста, новое отделение.",
			"pl": "Tak, jeszcze zdążymy. Proszę podać nowy adres.", "en": "Yes, there is still time. Please send us the new address.",
		},
	}
)

var thanks = map[string][]string{
	"uk": {"Дякую!", "Зрозуміло, дякую за швидку відповідь 🙌", "Чудово, чекаю."},
	"ru": {"Спасибо!", "Понятно, спасибо большое."},
	"pl": {"Dziękuję!", "Super, dzięki za szybką odpowiedź."},
	"en": {"Thank you!", "Great, thanks."},
}

func fill(s, order, product string) string {
	return strings.NewReplacer("{order}", order, "{product}", product).Replace(s)
}
