package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Words that customers and agents of a shop write; the first are in nearly every message.
var words = strings.Fields(`замовлення доставка будь ласка дякую товар оплата номер відправлення коли можна чекаю відділення картка повернення
розмір колір наявність склад магазин кур'єр пошта посилка адреса місто вулиця сьогодні завтра вчора тиждень гроші рахунок знижка промокод гарантія якість
фото куртка рюкзак чоботи намет ліхтар спальник термос килимок палиці шкарпетки рукавиці шапка футболка сорочка штани кросівки підошва блискавка
допоможіть підкажіть напишіть зателефонуйте отримав отримала надіслали замовив замовила оплатив оплатила скасувати змінити перевірити обміняти повернути
вже ще тільки дуже швидко довго добре погано великий малий синій чорний зелений червоний новий інший перший другий останній правильно помилка проблема
питання відповідь менеджер консультант сайт застосунок кошик реєстрація пароль лист повідомлення дзвінок графік вихідний свято подарунок пакування чек`)

// speech makes a text of about 190 characters.
func speech(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("Доброго дня!")
	for n := 12; n < 186; {
		at := r.IntN(len(words))
		if r.IntN(3) == 0 {
			at = r.IntN(12)
		}
		b.WriteString(" " + words[at])
		n += 1 + len(words[at])/2
	}
	return b.String()
}

// token is what a rare message contains: a tracking number.
func token(k int) string { return fmt.Sprintf("2045%010d", k*7919) }

var givenNames = strings.Fields("Олена Ірина Тарас Андрій Марія Оксана Петро Юлія Богдан Софія Дмитро Наталія")
var surnames = strings.Fields("Шевченко Коваль Бондаренко Ткачук Мельник Кравченко Поліщук Савченко Руденко Лисенко Мороз Гончар")

func personName(c int) string {
	return givenNames[c%len(givenNames)] + " " + surnames[c/len(givenNames)%len(surnames)]
}
