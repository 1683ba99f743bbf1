package demo

import "opeka/internal/care"

// The demo's shop sells things for walks in the hills; names are its own.
const (
	shopName = "Стежка"
	shopSlug = "stezhka"
	currency = "UAH"
)

type location struct{ id, name string }

var locations = []location{{"kyiv", "Склад Київ"}, {"lviv", "Магазин Львів"}, {"odesa", "Магазин Одеса"}}

type pickupPoint struct{ id, name, city, line, phone, hours, route, location string }

var pickupPoints = []pickupPoint{
	{"pp-lviv", "Стежка на Городоцькій", "Львів", "вул. Городоцька, 172", "+380322000101", "пн-пт 9:00-20:00, сб 10:00-17:00", "Вхід із двору, другий поверх, ліворуч від сходів.", "lviv"},
	{"pp-odesa", "Стежка на Канатній", "Одеса", "вул. Канатна, 83", "+380482000102", "щодня 10:00-19:00", "Навпроти зупинки трамвая, зелена вивіска.", "odesa"},
	{"pp-kyiv", "Стежка на Подолі", "Київ", "вул. Костянтинівська, 20", "+380442000103", "щодня 10:00-21:00", "Від метро «Контрактова площа» п'ять хвилин пішки.", "kyiv"},
}

type product struct {
	id, name, category, hue string // hue is the picture's colour, in degrees
	price                   int64  // kopiykas
	options                 []string
	optionName              string
	stock                   []int64 // per variant, in Kyiv; shops hold a third
}

var catalogue = []product{
	{"p01", "Наплічник «Перевал» 45 л", "backpack", "150", 389000, []string{"зелений", "сірий"}, "Колір", []int64{14, 6}},
	{"p02", "Наплічник «Стежинка» 22 л", "backpack", "200", 179000, []string{"синій", "гірчичний"}, "Колір", []int64{22, 9}},
	{"p03", "Черевики трекінгові «Скеля»", "boot", "30", 459000, []string{"39", "40", "41", "42", "43", "44"}, "Розмір", []int64{3, 5, 0, 8, 6, 2}},
	{"p04", "Кросівки для бігу «Роса»", "boot", "340", 289000, []string{"37", "38", "39", "40", "41"}, "Розмір", []int64{4, 6, 7, 0, 3}},
	{"p05", "Намет двомісний «Полонина»", "tent", "120", 749000, []string{""}, "", []int64{5}},
	{"p06", "Намет тримісний «Кошара»", "tent", "90", 999000, []string{""}, "", []int64{2}},
	{"p07", "Спальник пуховий «Тиша» -5 °C", "bag", "260", 629000, []string{"лівий", "правий"}, "Блискавка", []int64{4, 4}},
	{"p08", "Килимок надувний «Хмарка»", "bag", "190", 219000, []string{""}, "", []int64{18}},
	{"p09", "Куртка мембранна «Злива»", "jacket", "215", 529000, []string{"S", "M", "L", "XL"}, "Розмір", []int64{3, 7, 5, 0}},
	{"p10", "Флісова кофта «Ватра»", "jacket", "15", 189000, []string{"S", "M", "L", "XL"}, "Розмір", []int64{9, 12, 8, 4}},
	{"p11", "Термобілизна «Двійка»", "jacket", "280", 149000, []string{"S", "M", "L"}, "Розмір", []int64{11, 15, 10}},
	{"p12", "Шкарпетки трекінгові, 2 пари", "sock", "45", 39000, []string{"36-39", "40-43", "44-46"}, "Розмір", []int64{40, 55, 30}},
	{"p13", "Палиці трекінгові складані", "pole", "170", 259000, []string{""}, "", []int64{12}},
	{"p14", "Ліхтар налобний 400 лм", "lamp", "55", 119000, []string{""}, "", []int64{25}},
	{"p15", "Пальник газовий «Жарина»", "stove", "10", 139000, []string{""}, "", []int64{0}},
	{"p16", "Казанок титановий 1,1 л", "stove", "220", 169000, []string{""}, "", []int64{7}},
	{"p17", "Термос 1 л «Студінь»", "flask", "185", 99000, []string{"сталевий", "чорний"}, "Колір", []int64{16, 20}},
	{"p18", "Аптечка похідна", "kit", "0", 69000, []string{""}, "", []int64{33}},
	{"p19", "Мапа Чорногори 1:50 000", "map", "140", 18000, []string{""}, "", []int64{80}},
	{"p20", "Подарункова картка 1000 ₴", "card", "320", 100000, []string{""}, "", nil},
}

func (p product) record() care.ShopProduct {
	out := care.ShopProduct{Name: p.name, Categories: []string{p.category}, Virtual: p.stock == nil}
	for i, option := range p.options {
		v := care.ShopVariant{ExternalID: p.variantID(i), SKU: p.sku(i), Name: option, Price: uah(p.price), Untracked: p.stock == nil}
		if option != "" {
			v.Options = map[string]string{p.optionName: option}
		}
		out.Variants = append(out.Variants, v)
	}
	return out
}

func (p product) variantID(i int) string { return p.id + "-" + string(rune('a'+i)) }

func (p product) sku(i int) string { return "ST-" + p.id[1:] + "-" + string(rune('A'+i)) }

func (p product) label(i int) string {
	if p.options[i] == "" {
		return p.name
	}
	return p.name + ", " + p.options[i]
}

func uah(kopiykas int64) care.Money { return care.Money{Amount: kopiykas, Currency: currency} }
