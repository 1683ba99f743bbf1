package text

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Forms of one word a line, its language first. All should end in one stem.
const wordForms = `
uk замовлення замовленням замовлень замовити замовила замовив замовляю замовлено
uk посилка посилки посилку посилкою посилці посилок посилками
uk доставка доставки доставку доставці доставкою доставок
uk повернення повернути повернула повернув поверніть поверненням
uk магазин магазину магазині магазином магазинів магазини
uk товар товару товарів товарами товарах
uk оплата оплати оплату оплатити оплатила оплатив оплатою
uk розмір розміру розміри розмірів розміром
uk чорний чорна чорні чорного чорних чорним чорну
uk синій синя синє сині синіх синього
uk відділення відділенні відділень відділенням
uk рахунок рахунку рахунки рахунком рахунків
uk подарунок подарунка подарунки подарунків
uk отримав отримала отримати отримаю отримання отримали
uk знижка знижки знижку знижкою знижок знижці
uk гарантія гарантії гарантію гарантією
uk ціна ціни ціну ціною
uk номер номера номером номери номеру
uk кросівки кросівок кросівками
uk повернулася повернувся повернутися
uk адреса адресу адреси адресою
uk наявність наявності
uk колір кольору
pl zamówienie zamówienia zamówieniu zamówieniem zamówień zamówić zamówiłem zamówiłam
pl paczka paczki paczkę paczką paczce paczek paczkami
pl dostawa dostawy dostawę dostawą
pl przesyłka przesyłki przesyłkę przesyłek przesyłce
pl płatność płatności płatnością
pl towar towaru towarów towarami towarem
pl sklep sklepu sklepie sklepów sklepem
pl rozmiar rozmiaru rozmiary rozmiarze rozmiarów
pl czarny czarna czarne czarnego czarnych czarnym
pl rachunek rachunku rachunki rachunkiem
pl kurier kuriera kurierem kurierowi kurierze
pl numer numeru numerem numery
pl faktura faktury fakturę fakturze faktur
pl adres adresu adresie adresem
pl dostępny dostępna dostępne dostępnych
pl reklamacja reklamacji reklamację
pl zapłaciłem zapłaciłam zapłacić zapłacił
pl buty butów butami butach
pl cena ceny cenę cenie
pl zwrot zwrotu zwroty zwrotem
ru заказ заказа заказы заказом заказов
ru посылка посылки посылку посылкой посылке
ru доставка доставки доставку доставкой
ru возврат возврата возвраты
ru оплатила оплатил оплатить
ru черный черная черные черного чёрных
en order orders ordered ordering
en delivery deliveries
en refund refunds refunded
en customer customers customer's
uk сорочка сорочки сорочці сорочкою сорочок
uk подушка подушок подушці
uk пральна пральної пральну пральних
uk машина машини машин машиною машині
uk навушники навушників навушниками навушник
uk телефон телефону телефоном телефони
uk скасувати скасував скасувала скасуйте скасування скасовано
uk передзвонити передзвоніть передзвонив
uk списали списати списання
uk пошкоджений пошкоджена пошкодження пошкоджено
uk відправка відправки відправити відправили відправлено
uk кур'єр кур'єра кур'єром
uk ноутбук ноутбука ноутбуки ноутбуком
uk гроші грошей грошима
uk обмін обміну обміняти
uk купон купони купонів
uk доставити доставили доставлено доставлять
uk інструкція інструкції інструкцію
uk працює працювати працюють
uk кошик кошика кошику
uk чекати чекаю чекаємо чекав
uk коробка коробки коробці коробок
uk батарея батареї батарею
uk знайти знайшов знайшла
pl koszula koszuli koszulę koszule
pl poduszka poduszki poduszek poduszce
pl pralka pralki pralkę pralce
pl słuchawki słuchawek słuchawkami
pl telefon telefonu telefony telefonem telefonie
pl anulować anulowałem anulowanie anulowania
pl oddzwonić oddzwonił oddzwoniłem
pl uszkodzony uszkodzona uszkodzenie uszkodzenia
pl wysyłka wysyłki wysłać wysłane
pl laptop laptopa laptopy laptopem
pl pieniądze pieniędzy pieniądzach
pl wymiana wymiany wymianę wymienić
pl kupon kupony kuponów kuponu
pl instrukcja instrukcji instrukcję
pl działa działać działają
pl koszyk koszyka koszyku
pl czekam czekać czekamy czekałem
pl pudełko pudełka pudełku pudełek
pl bateria baterii baterię
pl gwarancja gwarancji gwarancję
pl rabat rabatu rabaty
pl konto konta koncie
pl hasło hasła haśle
`

func TestFormsOfAWordMeet(t *testing.T) {
	t.Parallel()
	met, all := map[string]int{}, map[string]int{}
	for line := range strings.Lines(wordForms) {
		forms := strings.Fields(line)
		if len(forms) == 0 {
			continue
		}
		lang, forms := forms[0], forms[1:]
		for i, a := range forms {
			for _, b := range forms[i+1:] {
				all[lang]++
				// The document knows its language, the query doesn't.
				document := Analyse(a, lang)
				if slices.ContainsFunc(Query(b)[0], func(term string) bool { return slices.Contains(document, term) }) {
					met[lang]++
				} else {
					t.Logf("%s: %q %v is not found by %q %v", lang, a, document, b, Query(b))
				}
			}
		}
	}
	for lang, least := range map[string]float64{"uk": 96.5, "pl": 96.5, "ru": 99.5, "en": 99.5} {
		share := 100 * float64(met[lang]) / float64(all[lang])
		t.Logf("%s: %.1f%% of %d pairs of forms meet", lang, share, all[lang])
		if share < least {
			t.Errorf("%s is worse than before", lang)
		}
	}
	for _, c := range [][2]string{{"посилка", "постіль"}, {"ціна", "цілий"}, {"товар", "творець"}, {"paczka", "pacjent"}, {"sklep", "skład"}, {"карта", "картина"}} {
		if a, b := Analyse(c[0], ""), Analyse(c[1], ""); slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) }) {
			t.Errorf("%v and %v are taken for one word", c[0], c[1])
		}
	}
}

func TestAnalyse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, lang, want string }{
		{"", "", ""}, {"…!? 👍", "", "👍"[:0]},
		{"A-1234/56", "en", "a a-1234 1234 a-1234/56 56"},
		{"Замовлення №1234-UA, 1234-UA!", "uk", "замов 1234 1234-ua ua"},
		{"mail anna.k@shop.ua", "en", "mail anna anna.k k anna.k@shop shop anna.k@shop.ua ua"},
		{"ціна/якість", "uk", "цін якост"},
		{"Wi-Fi та Ёлка", "ru", "wi fi та елк"},
		{"об'єкт обʼєкт об’єкт", "uk", "обєкт"},
		{"доставка", "", "доставк"},
		{"12.05.2026", "", "12 12.05 05 12.05.2026 2026"},
		{"--- -5- ...", "", "5"},
		{"你好 世界", "", "你好 世界"},
	} {
		if got := strings.Join(Analyse(c.in, c.lang), " "); got != c.want {
			t.Errorf("Analyse(%q, %s) = %q, want %q", c.in, c.lang, got, c.want)
		}
	}
	if got := Query("A-1234 доставки A-1234 посилкою"); fmt.Sprint(got) != "[[a-1234] [доставк] [посилк]]" {
		t.Errorf("Query = %v", got)
	}
	if got := Analyse("A-1234/56", ""); !slices.Contains(got, Query("a-1234")[0][0]) || !slices.Contains(got, Query("1234")[0][0]) || !slices.Contains(got, Query("A-1234/56")[0][0]) {
		t.Errorf("%v", got)
	}
}

func TestAnalyseIsBounded(t *testing.T) {
	t.Parallel()
	var long strings.Builder
	for i := range 3 * MaxTerms {
		fmt.Fprintf(&long, "w%d-%d ", i, i)
	}
	for name, s := range map[string]string{
		"terms": long.String(), "letters": strings.Repeat("ї", 100_000), "parts": strings.Repeat("1-", 50_000), "ats": strings.Repeat("a@", 50_000), "marks": "a" + strings.Repeat("\u0301", 100_000),
	} {
		terms := Analyse(s, "")
		if len(terms) > MaxTerms || slices.ContainsFunc(terms, func(s string) bool { return utf8.RuneCountInString(s) > MaxTermLetter }) {
			t.Errorf("%s: %d terms", name, len(terms))
		}
		if groups := Query(s); len(groups) > maxQueryGroups {
			t.Errorf("%s: %d groups", name, len(groups))
		}
	}
}

func FuzzAnalyse(f *testing.F) {
	f.Add("Замовлення №A-1234/56 ще не прийшло, czekam na paczkę", "uk")
	f.Add("Їжак's o’clock\xff э-1", "")
	f.Fuzz(func(t *testing.T, s, lang string) {
		seen := map[string]bool{}
		for _, term := range Analyse(s, lang) {
			if term == "" || seen[term] || strings.ContainsAny(term, " \t\n") || utf8.RuneCountInString(term) > MaxTermLetter {
				t.Fatalf("%q has the term %q", s, term)
			}
			seen[term] = true
		}
		// Without a hint whatever a text is stored under, the same text finds.
		if all := Analyse(s, ""); len(all) < MaxTerms {
			for _, group := range Query(s) {
				if !slices.ContainsFunc(group, func(term string) bool { return slices.Contains(all, term) }) {
					t.Fatalf("%q isn't found by %v", s, group)
				}
			}
		}
	})
}

func BenchmarkAnalyse(b *testing.B) {
	for b.Loop() {
		Analyse("Доброго дня! Підкажіть, будь ласка, де моє замовлення A-1234/56? Обіцяли доставити вчора до вечора, але кур'єр так і не подзвонив. Чи можна змінити адресу доставки на інше відділення?", "uk")
	}
}
