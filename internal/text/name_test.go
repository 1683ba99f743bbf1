package text

import (
	"slices"
	"strings"
	"testing"
)

// sameNames are spellings of one name a line: Ukrainian, Russian, English and its
// variants, Polish, German.
const sameNames = `
Шевченко Shevchenko Szewczenko Schewtschenko Chevtchenko
Коваль Koval Kowal
Щукин Щукін Shchukin Schukin Szczukin Shchukyn
Вуйцик Wójcik Wojcik
Юлія Юлия Yuliia Julia Yulia
Сергій Сергей Serhii Sergey Sergei Siergiej Serhiy
Наталья Наталія Natalia Natalya Nataliia
Ёлкина Елкина Yolkina Elkina Jolkina
Бондаренко Bondarenko
Ткаченко Tkachenko Tkaczenko Tkatschenko
Кравченко Kravchenko Krawczenko
Грищенко Грыщенко Hryshchenko Grishchenko Hryszczenko
Олександр Александр Oleksandr Alexander Aleksander Aleksandr
Олексій Алексей Oleksii Aleksey Alexey Aleksiej
Микола Николай Mykola Nikolay Mikołaj Nikolai
Дмитро Дмитрий Dmytro Dmitry Dmitriy Dmitrij
Олена Елена Olena Elena Yelena Helena
Тетяна Татьяна Tetiana Tatiana Tatyana Tetyana
Світлана Светлана Svitlana Svetlana Swietłana
Євген Евгений Yevhen Evgeny Eugene Jewhen
Андрій Андрей Andrii Andrey Andrew Andrzej Andriy
Юрій Юрий Yurii Yuri Yury Jurij
Зеленський Зеленский Zelenskyi Zelensky Zelenskyy Zełenski Selenskyj
Жицька Жицкая Zhytska Życka Zhitskaya
Ґжицька Гжицкая Gzhytska Gżycka Grzycka
Кузнецов Кузнєцов Kuznetsov Kuznecow Kuznetzov
Соловйов Соловьёв Соловьев Soloviov Solovyov Soloviev Sołowjow
Королёв Королев Корольов Korolyov Korolev Koroliov Korolow
Зайцев Зайцев Zaitsev Zaytsev Zajcew
Смирнов Смірнов Smirnov Smirnoff Smirnow
Чайковський Чайковский Chaikovskyi Tchaikovsky Czajkowski Tschaikowski
Хрущов Хрущёв Khrushchov Khrushchev Chruszczow
Цибуля Цыбуля Tsybulia Cybula Tsibulya
Дзюба Dziuba Dzyuba
Дяченко Дьяченко Diachenko Dyachenko Djaczenko
Гончаренко Honcharenko Goncharenko Hončarenko
Мельник Мельнык Melnyk Melnik Mielnik
Лисенко Лысенко Lysenko Łysenko Lisenko
Петренко Petrenko Pietrenko
Марченко Marchenko Marczenko
Поліщук Полищук Polishchuk Poliszczuk Polischuk
Ющенко Yushchenko Juszczenko Juschtschenko Iushchenko
Яценюк Yatsenyuk Yatseniuk Jaceniuk
Григорій Григорий Hryhorii Grigory Grzegorz
Михайло Михаил Mykhailo Mikhail Michał Michail
Ковальчук Kovalchuk Kowalczuk
Ковальчик Kowalczyk Kovalchyk
Левандовський Левандовский Lewandowski Levandovskyi Lewandowsky
Вишневський Вишневский Wiśniewski Vyshnevskyi Vishnevsky Wisniewski
Зелінський Зелинский Zieliński Zielinski Zelinskyi Zelinsky
Домбровський Домбровский Dąbrowski Dombrovskyi Dombrovsky
Валенса Wałęsa Walesa Valensa
Камінський Каминский Kamiński Kaminskyi Kaminsky Kaminski
Войцеховський Войцеховский Wojciechowski Voitsekhovskyi
Яворський Яворский Jaworski Yavorskyi Yavorsky
Пшибильський Пшибыльский Przybylski Pshybylskyi
Мацкевич Мацкевіч Mackiewicz Matskevych Matskevich
Іващенко Иващенко Ivashchenko Iwaszczenko
Сковорода Skovoroda Skoworoda
Хмельницький Хмельницкий Khmelnytskyi Chmielnicki Khmelnitsky
Слободян Slobodian Slobodyan
Захарченко Zakharchenko Zacharczenko
Грабовський Грабовский Hrabovskyi Grabowski Grabovsky
Ступка Stupka
Семен Семён Semen Semyon Siemion
Федоров Фёдоров Fedorov Fyodorov Fiodorow
Братський Братский Bratskyi Bratsky
Лук'яненко Лукьяненко Lukianenko Lukyanenko Łukjanenko
В'ячеслав Вячеслав Viacheslav Vyacheslav Wiaczesław
Джонсон Johnson Dzhonson
Міллер Миллер Мюллер Müller Miller
Іванова Иванова Ivanova Iwanowa
Нечуй Nechui Nechuy Neczuj
Заяць Заяц Zaiats Zayats Zając
Костюшко Kosciuszko Kościuszko Kostiushko
Скрипник Скрыпник Skrypnyk Skripnik Skrypnik
Гайдук Haiduk Gaiduk Hajduk Gayduk
Руденко Rudenko
Пономаренко Ponomarenko
Савчук Savchuk Sawczuk
Коцюбинський Коцюбинский Kotsiubynskyi Kociubiński Kotsyubinsky
Тимошенко Tymoshenko Timoszenko Timoshenko
Жук Zhuk Żuk
Бойко Boiko Boyko Bojko
Олійник Олейник Oliinyk Oleynik Olijnyk
Швець Швец Shvets Szwec
Кириленко Kyrylenko Kirilenko
Харченко Kharchenko Charczenko
Цимбалюк Цымбалюк Tsymbaliuk Cymbaluk Tsimbalyuk
Яременко Yaremenko Jaremenko
Шаповал Shapoval Szapował
Чорновол Черновол Chornovol Chornovil Czornowoł
Пилипчук Pylypchuk Pilipczuk
Горбачов Горбачёв Gorbachev Gorbachov Gorbaczow
Достоєвський Достоевский Dostoevsky Dostoyevsky Dostojewski
Щербак Shcherbak Szczerbak Scherbak
Хоменко Khomenko Chomenko
Євтушенко Евтушенко Yevtushenko Evtushenko Jewtuszenko
Ярош Yarosh Jarosz
Їжакевич Ежакевич Yizhakevych
Пйотровський Piotrowski Пиотровский
Кравець Кравец Kravets Krawiec
Новак Nowak Novak
Сікорський Сикорский Sikorski Sikorskyi Sikorsky
Пілсудський Пилсудский Piłsudski Pilsudski
Кшиштоф Krzysztof
Рижков Рыжков Ryzhkov Ryżkow
Гнатюк Hnatiuk Gnatyuk Hnatyuk
Мурашко Murashko Muraszko
Філіппов Филиппов Filippov Filipow Philippov
Ігнатьєв Игнатьев Ihnatiev Ignatyev Ignatiew
Зуєв Зуев Zuiev Zuev Zujew
Лозовий Лозовой Lozovyi Lozovoy
Чернявська Чернявская Cherniavska Chernyavskaya Czerniawska
Дзержинський Дзержинский Dzerzhynskyi Dzierżyński Dzerzhinsky
Філіп Philip Filip
`

func namesOfTable() (groups [][]string) {
	for line := range strings.Lines(sameNames) {
		if forms := strings.Fields(line); len(forms) > 0 {
			groups = append(groups, forms)
		}
	}
	return groups
}

func meet(a, b string) bool {
	keys := NameKeys(a)
	return slices.ContainsFunc(NameKeys(b), func(k string) bool { return slices.Contains(keys, k) })
}

// meetAfterSlip is what a typo search finds.
func meetAfterSlip(a, b string) bool {
	near := map[string]bool{}
	for _, key := range NameKeys(a) {
		for _, d := range Deletes(key, 1) {
			near[d] = true
		}
	}
	for _, key := range NameKeys(b) {
		if slices.ContainsFunc(Deletes(key, 1), func(d string) bool { return near[d] }) {
			return true
		}
	}
	return false
}

// A ratchet: the shares may only get better.
func TestSpellingsOfOneNameMeet(t *testing.T) {
	t.Parallel()
	groups := namesOfTable()
	if len(groups) < 60 {
		t.Fatalf("%d names are too few to say anything", len(groups))
	}
	pairs, exact, near := 0, 0, 0
	var apart []string
	for _, forms := range groups {
		for i, a := range forms {
			for _, b := range forms[i+1:] {
				pairs++
				switch {
				case meet(a, b):
					exact++
					near++
				case meetAfterSlip(a, b):
					near++
					apart = append(apart, a+"/"+b)
				default:
					apart = append(apart, a+"//"+b)
				}
			}
		}
	}
	keys := 0
	known := map[string][]string{}
	for _, group := range groups {
		for _, form := range group {
			known[form] = NameKeys(form)
			keys += len(known[form])
		}
	}
	strangers, confused := 0, 0
	var mixed []string
	for i, one := range groups {
		for _, other := range groups[i+1:] {
			for _, a := range one {
				for _, b := range other {
					strangers++
					if slices.ContainsFunc(known[b], func(k string) bool { return slices.Contains(known[a], k) }) {
						confused++
						mixed = append(mixed, a+"="+b)
					}
				}
			}
		}
	}
	share := func(n, of int) float64 { return 100 * float64(n) / float64(of) }
	t.Logf("%d names, %d pairs: %.1f%% meet, %.1f%% with one slip; %.3f%% of %d pairs of different names meet",
		len(groups), pairs, share(exact, pairs), share(near, pairs), share(confused, strangers), strangers)
	t.Logf("%.2f keys a word", float64(keys)/float64(len(known)))
	t.Logf("apart: %s", strings.Join(apart, " "))
	t.Logf("confused: %s", strings.Join(mixed, " "))
	if share(exact, pairs) < 97.4 || share(near, pairs) < 99.9 {
		t.Errorf("fewer spellings meet than before")
	}
	if share(confused, strangers) > 0.04 {
		t.Errorf("more strangers meet than before")
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Łódź Święto ŻÓŁĆ": "lodz swieto zolc", "Їжак Йод": "їжак йод", "Ёлка": "елка", "Ґанок": "ганок", "В’ячеслав": "вячеслав", "O'Neil": "oneil",
		"Straße": "strasse", "Ærø": "aero", "ﬁn": "fin", "２０": "20", "I\u0307stanbul": "istanbul", "йод": "йод", "": "", "plain": "plain",
	} {
		if got := Fold(in); got != want || Fold(got) != got {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWholeNames(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"Наталья Ёлкина", "Elkina Natalia"}, {"Наталья Ёлкина", "Yolkina Natalya"}, {"Микола Лук’яненко", "Lukianenko Nikolay"}, {"Саша Коваль", "Aleksander Kowal"},
	} {
		for _, word := range strings.Fields(c[0]) {
			if !meet(word, c[1]) {
				t.Errorf("%s is not found in %s", word, c[1])
			}
		}
	}
	if a, b := Skeleton("Сергій Шевченко"), Skeleton("Shevchenko Sergey"); a != b || a == "" {
		t.Errorf("%q and %q", a, b)
	}
	for _, nothing := range []string{"", " - ", "123", "'"} {
		if Skeleton(nothing) != "" || len(NameKeys(nothing)) != 0 || len(Skeletons(nothing)) != 0 || NameSimilarity(nothing, "x") != 0 {
			t.Errorf("%q has keys", nothing)
		}
	}
	if keys := NameKeys(strings.Repeat("щctschrzchc ", 1000)); len(keys) > maxNameWords*(maxNameReadings+2) {
		t.Errorf("%d keys", len(keys))
	}
}

func TestDamerauLevenshtein(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"коваль", "коваль", 0}, {"коваль", "ковла", 2}, {"ковлаь", "коваль", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"щукин", "щукін", 1},
	} {
		if got, back := DamerauLevenshtein(c.a, c.b), DamerauLevenshtein(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q %q: %d, %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}

func TestTyposShareADeletion(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"Шевченко", "Шевчнеко"}, {"Шевченко", "Шефченко"}, {"Shevchenko", "Shevcenko"}, {"Kowalczyk", "Kowalcyk"}, {"Гончаренко", "Хончарено"}} {
		if !meetAfterSlip(c[0], c[1]) {
			t.Errorf("%q and %q don't meet", c[0], c[1])
		}
	}
	if got := Deletes("abc", 1); len(got) != 4 || got[0] != "abc" {
		t.Errorf("%q", got)
	}
	if got := Deletes("abcd", 2); len(got) != 1+4+6 {
		t.Errorf("%q", got)
	}
	if got := Deletes("~ivan", 1); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestNearerNamesRankHigher(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query  string
		ranked []string
	}{
		{"Шевченко", []string{"Тарас Шевченко", "Taras Shevchenko", "Szewczenko Taras", "Шевчук", "Коваль"}},
		{"Shevchenko", []string{"Shevchenko", "Шевченко", "Shevchenk", "Kravchenko", "Li"}},
		{"Наталья Ёлкина", []string{"Наталья Елкина", "Natalia Elkina", "Наталья Иванова", "Пётр Сидоров"}},
		{"Кова", []string{"Кова", "Ковальчук", "Зайцев"}},
	} {
		last := 2.0
		for _, name := range c.ranked {
			score := NameSimilarity(c.query, name)
			if score >= last || score < 0 || score > 1 {
				t.Errorf("%q: %q scores %.3f after %.3f", c.query, name, score, last)
			}
			last = score
		}
	}
}

func FuzzNameKeys(f *testing.F) {
	f.Add("В’ячеслав Ґжицький-Шевченко", "Wiaczesław")
	f.Add("\xff\xfe", "ﬃ")
	f.Fuzz(func(t *testing.T, a, b string) {
		keys := NameKeys(a)
		for _, key := range keys {
			if key == "" || len(key) > 4*maxNameLetters {
				t.Fatalf("%q has the key %q", a, key)
			}
			Deletes(key, 1)
		}
		if s := NameSimilarity(a, b); s < 0 || s > 1 {
			t.Fatalf("similarity %v", s)
		}
		if folded := Fold(a); Fold(folded) != folded {
			t.Fatalf("Fold(%q) = %q, folded again %q", a, folded, Fold(folded))
		}
	})
}

func BenchmarkNameKeys(b *testing.B) {
	for b.Loop() {
		NameKeys("Олександр Вишневський")
	}
}
