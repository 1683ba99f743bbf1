package text

import (
	"strings"
	"testing"
)

// heldBack are lines the model hasn't seen: language, line.
const heldBack = `
uk|Дякую
uk|Так
uk|Добрий вечір
uk|Привіт
uk|А коли буде доставка?
uk|Де моя посилка
uk|Скажіть, а це ще актуально?
uk|добре, чекаю дзвінка
uk|Хочу забрати сам, куди приїхати
uk|Мені потрібен інший розмір
uk|ТТН 20450123456789 не знаходить
uk|Чому списали гроші двічі?
uk|не працює кнопка оплати
uk|Можна накладеним платежем?
uk|Доброго ранку! Цікавить ноутбук Lenovo IdeaPad
uk|Коробка була пошкоджена
uk|так, все вірно
uk|а без передоплати можна
uk|Ціна на сайті вказана з ПДВ?
uk|Ще питання: чи підходить до iPhone 15
uk|забула вказати номер квартири
uk|скасувати
uk|Ви працюєте у вихідні?
uk|Загубився чек, гарантія діятиме?
uk|Товар не відповідає опису
ru|Спасибо
ru|Да
ru|Нет, не надо
ru|Здравствуйте
ru|А когда будет доставка?
ru|Где моя посылка
ru|Скажите, а это еще актуально?
ru|хорошо, жду звонка
ru|Хочу забрать сам, куда подъехать
ru|Мне нужен другой размер
ru|Почему списали деньги дважды?
ru|не работает кнопка оплаты
ru|Можно наложенным платежом?
ru|Доброе утро! Интересует ноутбук Lenovo IdeaPad
ru|Коробка была повреждена
ru|да, все верно
ru|а без предоплаты можно
ru|Цена на сайте указана с НДС?
ru|Еще вопрос: подойдет к iPhone 15
ru|забыла указать номер квартиры
ru|отменить
ru|Вы работаете в выходные?
ru|Потерялся чек, гарантия будет?
ru|Товар не соответствует описанию
ru|сколько ждать
pl|Dziękuję
pl|Dziekuje bardzo
pl|Tak
pl|Dzień dobry
pl|Dzien dobry, mam pytanie
pl|A kiedy będzie dostawa?
pl|Gdzie jest moja paczka
pl|Czy to jest jeszcze aktualne?
pl|dobrze, czekam na telefon
pl|Chce odebrac osobiscie
pl|Potrzebuję innego rozmiaru
pl|Dlaczego pobrano pieniądze dwa razy?
pl|nie dziala przycisk platnosci
pl|Czy można za pobraniem?
pl|Interesuje mnie laptop Lenovo IdeaPad
pl|Karton był uszkodzony
pl|tak, wszystko sie zgadza
pl|a bez przedpłaty można
pl|Czy cena na stronie zawiera VAT?
pl|zapomniałam podać numer mieszkania
pl|anulowac
pl|Czy pracujecie w weekend?
pl|Zgubiłem paragon
pl|Produkt niezgodny z opisem
pl|ile to kosztuje
en|Thank you
en|Thanks!
en|Yes
en|Hello
en|Hi there, quick question
en|And when will it be delivered?
en|Where's my parcel
en|Is this still available?
en|okay, waiting for your call
en|I want to pick it up myself, where do I go
en|I need a different size
en|Why was I charged twice?
en|the pay button doesn't work
en|Can I pay on delivery?
en|I'm interested in the Lenovo IdeaPad laptop
en|The box was damaged
en|yes, that's right
en|Does the price include VAT?
en|I forgot my flat number
en|cancel it
en|Are you open at the weekend?
en|I lost the receipt
en|The item is not as described
en|how long does it take
en|any update on this?
|
|12345 67890
|👍🔥
|https://shop.example/where-is-my-order
|你好，我的订单在哪里
|Wann kommt mein Paket endlich an?
|Ich habe noch keine Rechnung bekommen
|Cuánto cuesta el envío a Madrid
|Je n'ai toujours pas reçu mon colis
|Къде мога да проверя пратката си?
|Калі прыйдзе мая пасылка?
|Kdy dorazí můj balíček?
`

func TestDetectHeldBackLines(t *testing.T) {
	t.Parallel()
	all, right, sure, surelyWrong := 0, 0, 0, 0
	for line := range strings.Lines(heldBack) {
		want, s, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		if !ok {
			continue
		}
		all++
		got, confidence := Detect(s)
		if confidence < 0 || confidence > 1 {
			t.Errorf("%q: confidence %v", s, confidence)
		}
		if got == want {
			right++
		} else {
			t.Logf("%q is %q, not %q (%.2f)", s, want, got, confidence)
		}
		if got != "" && confidence >= 0.8 {
			sure++
			if got != want {
				surelyWrong++
			}
		}
	}
	t.Logf("%d of %d lines right; of %d told surely %d wrong", right, all, sure, surelyWrong)
	if right < all*97/100 || surelyWrong > 1 || sure < all*80/100 {
		t.Error("worse than before")
	}
}

func FuzzDetect(f *testing.F) {
	f.Add("Де моя посилка? Where is it")
	f.Add("ˈˈ'’\xff ј")
	f.Fuzz(func(t *testing.T, s string) {
		lang, confidence := Detect(s)
		if !(confidence >= 0 && confidence <= 1) {
			t.Fatalf("%q: %v", s, confidence)
		}
		switch lang {
		case "uk", "ru", "pl", "en", "":
		default:
			t.Fatalf("%q: %q", s, lang)
		}
	})
}
