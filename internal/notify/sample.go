package notify

import (
	"time"

	"opeka/internal/care"
)

var sampleWords = map[string]struct{ store, first, last, item, other, point, address, route, hours, key string }{
	"en": {"The Corner Shop", "Anna", "Brown", "Ceramic mug", "Green tea, 200 g", "Pickup point Mill Lane", "12 Mill Lane, ground floor", "from the bus stop through the arch, second door on the left", "Mon–Sat 9:00–20:00", "Gift card, €20"},
	"uk": {"Затишна крамниця", "Олена", "Шевченко", "Керамічна чашка", "Зелений чай, 200 г", "Пункт видачі на Подолі", "вул. Сагайдачного, 12, 1 поверх", "від метро через арку, другі двері ліворуч", "пн–сб 9:00–20:00", "Подарунковий сертифікат, 500 грн"},
	"ru": {"Уютная лавка", "Елена", "Иванова", "Керамическая чашка", "Зелёный чай, 200 г", "Пункт выдачи на Садовой", "ул. Садовая, 12, 1 этаж", "от метро через арку, вторая дверь налево", "пн–сб 9:00–20:00", "Подарочный сертификат, 500 грн"},
	"pl": {"Przytulny sklep", "Anna", "Kowalska", "Kubek ceramiczny", "Zielona herbata, 200 g", "Punkt odbioru Młyńska", "ul. Młyńska 12, parter", "od przystanku przez bramę, drugie drzwi po lewej", "pn–sob 9:00–20:00", "Karta podarunkowa, 100 zł"},
}

var sampleMoney = map[string]string{"en": "EUR", "uk": "UAH", "ru": "UAH", "pl": "PLN"}

// Sample is an order made up to show words with, where there is no real one.
func Sample(lang string) Vars {
	w, ok := sampleWords[lang]
	if !ok {
		lang = "en"
		w = sampleWords[lang]
	}
	currency := sampleMoney[lang]
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	money := func(n int64) care.Money { return care.Money{Amount: n, Currency: currency} }
	parcel := ShipmentFacts{ID: "s1", Number: "20450000000017", Carrier: "Nova Post", TrackingURL: "https://example.com/track/20450000000017", State: string(care.ShipmentAtPickupPoint),
		ETA: at.AddDate(0, 0, 3), MovedAt: at, ArrivedAt: at, KeptUntil: at.AddDate(0, 0, 7), Early: true,
		Point: PointFacts{Name: w.point, Address: w.address, Route: w.route, Hours: w.hours, Phone: "+380441234567"}}
	refund := RefundFacts{ID: "r1", State: "settled", Amount: 1249.9, Money: money(124990), At: at, Whole: true}
	return Vars{Messengers: "https://care.example/m/abc", Store: StoreFacts{Name: w.store, Language: lang, Color: "#3b5bdb", Zone: time.UTC, Phone: "+380441112233"}, Facts: Facts{
		Order: OrderFacts{Number: "10482", Stage: string(care.StageAtPickupPoint), Total: 1249.9, Money: money(124990), Currency: currency, Items: 3, PlacedAt: at, PromisedAt: at.AddDate(0, 0, 3),
			PayMethod: "card", ShipMethod: w.point, Lines: []LineFacts{{Name: w.item, SKU: "MUG-1", Quantity: 2, Total: money(99990)}, {Name: w.other, SKU: "TEA-2", Quantity: 1, Total: money(25000)}}},
		Customer: CustomerFacts{Name: w.first + " " + w.last, FirstName: w.first, Language: lang},
		Stock:    StockFacts{Reservation: ReservationHeld, Held: true, Missing: []string{w.item}},
		Shipment: parcel, Shipments: []ShipmentFacts{parcel},
		Payment: PaymentFacts{State: string(care.PaymentPaid), Prepaid: true, Received: money(124990), Paid: 1249.9, At: at, Error: "card declined"},
		Refund:  refund, Refunds: []RefundFacts{refund},
		Goods: GoodsFacts{Count: 1, Link: "https://example.com/g/sample", Items: []GoodsItem{{Batch: "1", Name: w.key, State: goodsDelivered, Key: "••••-7F2K", At: at}, {Name: w.key, State: goodsShort, At: at}}},
	}}
}
