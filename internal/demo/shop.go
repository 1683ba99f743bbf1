package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"opeka/internal/care"
)

// shop is the engine of the demo's shop: it sells, reserves, ships and remembers, and tells Opeka of each
// change by the generic shop API, as any shop's own program would. It keeps its state in a file of its own.
type shop struct {
	mu    sync.Mutex
	path  string
	now   func() time.Time
	rand  *rand.Rand
	state state
	told  func(records ...item) // called with the lock held, in the order of the changes
}

type state struct {
	People []person          `json:"-"`
	Orders []*order          `json:"orders"`
	Stock  map[string]*level `json:"stock"` // by "variant@location"
	Serial int               `json:"serial"`
	Seeded bool              `json:"seeded"`
}

type level struct {
	Variant    string    `json:"variant"`
	Location   string    `json:"location"`
	OnHand     int64     `json:"on_hand"`
	Reserved   int64     `json:"reserved"`
	Incoming   int64     `json:"incoming"`
	IncomingAt time.Time `json:"incoming_at,omitzero"`
}

// order is an order as the shop keeps it; step says how far its course has gone.
type order struct {
	ID     string    `json:"id"`
	Person int       `json:"person"`
	Step   string    `json:"step"`
	NextAt time.Time `json:"next_at,omitzero"` // when it goes on by itself
	care.ShopOrder
	UpdatedAt time.Time `json:"updated_at"`
	Takes     []take    `json:"takes"`
}

type take struct {
	Key string `json:"key"` // of the stock level
	N   int64  `json:"n"`
}

const peopleCount = 48

func openShop(dir string, now func() time.Time, told func(...item)) (*shop, error) {
	s := &shop{path: filepath.Join(dir, "demo-shop.json"), now: now, told: told, rand: rand.New(rand.NewPCG(7, 11))}
	for n := range peopleCount {
		s.state.People = append(s.state.People, newPerson(s.rand, n+1))
	}
	b, err := os.ReadFile(s.path)
	if err == nil {
		return s, json.Unmarshal(b, &s.state)
	}
	s.state.Stock, s.state.Serial = map[string]*level{}, 4200
	for _, p := range catalogue {
		for i := range p.stock {
			for n, l := range locations {
				have := p.stock[i]
				if n > 0 {
					have /= 3
				}
				key := p.variantID(i) + "@" + l.id
				s.state.Stock[key] = &level{Variant: p.variantID(i), Location: l.id, OnHand: have}
				if have == 0 && n == 0 {
					s.state.Stock[key].Incoming, s.state.Stock[key].IncomingAt = 12, now().AddDate(0, 0, 9).Truncate(24*time.Hour)
				}
			}
		}
	}
	return s, nil
}

// save writes the state whole. The lock is held.
func (s *shop) save() {
	b, err := json.Marshal(&s.state)
	if err != nil {
		return
	}
	if os.WriteFile(s.path+".new", b, 0o600) == nil {
		_ = os.Rename(s.path+".new", s.path)
	}
}

// everything is what the shop tells when it is connected.
func (s *shop) everything() (out []item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for i, l := range locations {
		out = append(out, item{Kind: care.KindLocation, ID: l.id, At: now, Data: care.ShopLocation{Name: l.name, Default: i == 0}})
	}
	for _, p := range pickupPoints {
		out = append(out, item{Kind: care.KindPickup, ID: p.id, At: now, Data: care.ShopPickupPoint{Name: p.name, Phone: p.phone, Hours: p.hours, Route: p.route, Location: p.location,
			Address: care.Address{City: p.city, Line1: p.line, Country: "UA"}}})
	}
	for _, p := range catalogue {
		out = append(out, item{Kind: care.KindProduct, ID: p.id, At: now, Data: p.record()})
	}
	for _, l := range s.state.Stock {
		out = append(out, l.item(now))
	}
	for _, p := range s.state.People {
		out = append(out, item{Kind: care.KindCustomer, ID: p.id, At: now, Data: care.ShopCustomer{Name: p.name(), FirstName: p.first, LastName: p.last, Emails: []string{p.email}, Phones: []string{p.phone},
			Country: p.country, Language: p.language, Addresses: []care.Address{p.address()}}})
	}
	return out
}

func (p person) address() care.Address {
	return care.Address{Name: p.name(), Line1: p.street, City: p.city, Postcode: p.postal, Country: p.country, Phone: p.phone}
}

func (l *level) item(at time.Time) item {
	available := max(0, l.OnHand-l.Reserved)
	return item{Kind: care.KindStock, ID: l.Variant + "@" + l.Location, At: at, Data: care.ShopStock{Variant: l.Variant, Location: l.Location, OnHand: l.OnHand, Reserved: l.Reserved,
		Available: &available, Incoming: l.Incoming, IncomingAt: l.IncomingAt}}
}

// available is how many pieces of a variant can be sold in all places.
func (s *shop) available(variant string) (n int64) {
	for _, l := range locations {
		if have := s.state.Stock[variant+"@"+l.id]; have != nil {
			n += max(0, have.OnHand-have.Reserved)
		}
	}
	return n
}

// want is a line of a cart.
type want struct {
	product int
	variant int
	n       int64
}

// buy places an order, reserving what is there. Payment by card is awaited; cash on delivery goes straight on.
func (s *shop) buy(who int, wants []want, pay, ship string) *order {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.state.People[who], s.now()
	s.state.Serial++
	o := &order{ID: fmt.Sprint(s.state.Serial), Person: who, UpdatedAt: now, ShopOrder: care.ShopOrder{
		Number: fmt.Sprintf("С-%d", s.state.Serial), Currency: currency, PlacedAt: now, PayMethod: pay, ShipMethod: ship,
		Customer: care.CustomerRef{ExternalID: p.id, Name: p.name(), Email: p.email, Phone: p.phone, Language: p.language}, ShipTo: p.address(), BillTo: p.address(),
	}}
	var touched []item
	total := int64(0)
	for n, w := range wants {
		item := catalogue[w.product]
		id := item.variantID(w.variant)
		o.Lines = append(o.Lines, care.ShopLine{ExternalID: fmt.Sprintf("%s-%d", o.ID, n+1), Variant: id, SKU: item.sku(w.variant), Name: item.label(w.variant), Quantity: w.n, Price: uah(item.price), Total: uah(item.price * w.n)})
		total += item.price * w.n
		touched = append(touched, s.reserve(o, id, w.n, now)...)
	}
	delivery := int64(8000)
	if ship == "Самовивіз" {
		delivery, o.PickupID = 0, pick(s.rand, pickupPoints).id
	}
	o.Shipping, o.Total = uah(delivery), uah(total+delivery)
	o.move(now, "placed", "нове", "Замовлення оформлено на сайті")
	if pay == "Картка" {
		o.Payments = []care.ShopPayment{{ExternalID: o.ID + "-p", Method: pay, State: care.PaymentPending, Amount: o.Total, At: now}}
		o.NextAt = now.Add(s.between(1, 4))
	} else {
		o.NextAt = now.Add(s.between(3, 8))
	}
	s.state.Orders = append(s.state.Orders, o)
	s.told(append(touched, o.item())...)
	s.save()
	return o
}

func (s *shop) reserve(o *order, variant string, n int64, now time.Time) (touched []item) {
	for _, l := range locations {
		have := s.state.Stock[variant+"@"+l.id]
		if have == nil || n == 0 {
			continue
		}
		if free := min(n, max(0, have.OnHand-have.Reserved)); free > 0 {
			have.Reserved += free
			n -= free
			o.Takes = append(o.Takes, take{variant + "@" + l.id, free})
			touched = append(touched, have.item(now))
		}
	}
	return touched
}

func (o *order) move(now time.Time, step, status, text string) {
	o.Step, o.RawStatus, o.UpdatedAt = step, status, now
	o.History = append(o.History, care.ShopHistory{ExternalID: fmt.Sprintf("%s-h%d", o.ID, len(o.History)+1), At: now, Status: status, Text: text, Author: shopName})
}

func (o *order) item() item {
	return item{Kind: care.KindOrder, ID: o.ID, At: o.UpdatedAt, Data: o.ShopOrder}
}

func (s *shop) between(from, to int) time.Duration {
	return time.Duration(from)*time.Minute + time.Duration(s.rand.IntN((to-from)*60))*time.Second
}

// advance moves every order on whose time has come.
func (s *shop) advance() {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := false
	for _, o := range s.state.Orders {
		if now := s.now(); !o.NextAt.IsZero() && !o.NextAt.After(now) {
			s.told(s.next(o, now)...)
			moved = true
		}
	}
	if moved {
		s.save()
	}
}

// next takes an order one step along its course: paid or failed, packed, handed over, on its way, arrived, delivered, perhaps given back.
func (s *shop) next(o *order, now time.Time) (items []item) {
	luck := s.rand.IntN(100)
	switch o.Step {
	case "placed":
		if len(o.Payments) > 0 && luck < 12 {
			o.Payments[0].State, o.Payments[0].Error, o.Payments[0].At = care.PaymentFailed, "insufficient funds", now
			o.move(now, "unpaid", "очікує оплати", "Банк відхилив оплату")
			o.NextAt = now.Add(s.between(15, 40))
			break
		}
		if len(o.Payments) > 0 {
			o.Payments[0].State, o.Payments[0].At = care.PaymentPaid, now
		}
		o.move(now, "confirmed", "підтверджено", "Оплату отримано")
		o.NextAt = now.Add(s.between(3, 10))
	case "unpaid":
		if luck < 50 {
			o.move(now, "cancelled", "скасовано", "Не оплачено вчасно")
			items = s.release(o, now, false)
			o.NextAt = time.Time{}
			break
		}
		o.Payments[0].State, o.Payments[0].Error, o.Payments[0].At = care.PaymentPaid, "", now
		o.move(now, "confirmed", "підтверджено", "Оплату отримано з другої спроби")
		o.NextAt = now.Add(s.between(3, 10))
	case "confirmed":
		o.move(now, "packed", "зібрано", "Зібрано на складі")
		o.NextAt = now.Add(s.between(4, 12))
	case "packed":
		items = s.release(o, now, true)
		o.Shipments = []care.ShopShipment{{ExternalID: o.ID + "-s", Carrier: o.ShipMethod, Tracking: fmt.Sprintf("2045%010d", s.state.Serial*7919%1e10), State: care.ShipmentHandedOver, ShippedAt: now, ETA: now.AddDate(0, 0, 2)}}
		o.Shipments[0].Checkpoints = []care.ShopCheckpoint{{At: now, State: care.ShipmentHandedOver, Text: "Прийнято до перевезення", Place: "Київ"}}
		o.move(now, "shipped", "відправлено", "Передано перевізнику")
		o.NextAt = now.Add(s.between(6, 20))
	case "shipped":
		o.checkpoint(now, care.ShipmentInTransit, "У дорозі")
		o.Step, o.NextAt = "in_transit", now.Add(s.between(8, 25))
	case "in_transit":
		if luck < 8 {
			o.checkpoint(now, care.ShipmentException, "Затримка на сортуванні")
			o.NextAt = now.Add(s.between(20, 60))
			break
		}
		o.checkpoint(now, care.ShipmentAtPickupPoint, "Чекає у відділенні")
		o.Step, o.NextAt = "waiting", now.Add(s.between(10, 40))
	case "waiting":
		o.checkpoint(now, care.ShipmentDelivered, "Видано одержувачу")
		o.move(now, "done", "виконано", "Замовлення виконано")
		if len(o.Payments) == 0 {
			o.Payments = []care.ShopPayment{{ExternalID: o.ID + "-p", Method: o.PayMethod, State: care.PaymentPaid, Amount: o.Total, At: now}}
		}
		o.NextAt = time.Time{}
		if luck < 9 {
			o.NextAt = now.Add(s.between(30, 90))
		}
	case "done":
		o.Refunds = []care.ShopRefund{{ExternalID: o.ID + "-r", Amount: o.Lines[0].Total, Reason: "Не підійшов розмір", Settled: true, At: now}}
		o.move(now, "returned", "повернення", "Товар прийнято, гроші повернуто")
		o.NextAt = time.Time{}
	default:
		o.NextAt = time.Time{}
	}
	return append(items, o.item())
}

func (o *order) checkpoint(now time.Time, state care.ShipmentState, text string) {
	sh := &o.Shipments[0]
	sh.State = state
	sh.Checkpoints = append(sh.Checkpoints, care.ShopCheckpoint{At: now, State: state, Text: text, Place: o.ShipTo.City})
	o.UpdatedAt = now
}

// release frees what an order had reserved; gone takes it off the shelf too.
func (s *shop) release(o *order, now time.Time, gone bool) (touched []item) {
	for _, t := range o.Takes {
		l := s.state.Stock[t.Key]
		l.Reserved -= t.N
		if gone {
			l.OnHand -= t.N
		}
		touched = append(touched, l.item(now))
	}
	o.Takes = nil
	return touched
}

// restock brings a delivery for something that has run out.
func (s *shop) restock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var low []*level
	for _, p := range catalogue {
		for i := range p.stock {
			if l := s.state.Stock[p.variantID(i)+"@"+locations[0].id]; l.OnHand-l.Reserved <= 1 && !slices.Contains(awaited, p.variantID(i)) {
				low = append(low, l)
			}
		}
	}
	if len(low) == 0 {
		return
	}
	l := pick(s.rand, low)
	l.OnHand += 6 + int64(s.rand.IntN(10))
	l.Incoming, l.IncomingAt = 0, time.Time{}
	s.told(l.item(s.now()))
	s.save()
}

// lastOrder returns the latest order of a person, or nil.
func (s *shop) lastOrder(who int) *order {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.state.Orders) - 1; i >= 0; i-- {
		if s.state.Orders[i].Person == who {
			return s.state.Orders[i]
		}
	}
	return nil
}
