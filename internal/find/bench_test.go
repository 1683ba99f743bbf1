package find

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

// The bench makes a store of OPEKA_FIND_CUSTOMERS customers (5,000 by default; the promise is about
// 1,000,000) and three times as many orders, with names as unevenly spread as names are, and asks what agents ask.
// OPEKA_FIND_DB is the address of a database to use, and to use again as it was left, instead of a new one for each run.

// crowd makes persons: a few surnames are borne by many, most by few.
type crowd struct {
	rng      *rand.Rand
	surnames []string
	often    *rand.Zipf
}

func newCrowd(customers int) *crowd {
	c := &crowd{rng: rand.New(rand.NewPCG(1, 2))}
	stems := strings.Fields("Іван Петр Васил Степан Мар Коваль Бондар Ткач Кравч Олій Шевч Мельн Гонч Руд Сав Лис Пол Захар Грицьк Хом Яр Дан Гнат Левч Мороз Кузьм Федор Панч Сид Тим Юрч Зайч Вовч Соловй Горб Бук Дуб Вишн Калин Черн")
	middles := strings.Fields("а о и е ен ан ов ин ор ар ич ул ел ад ос ур ит ом ав ок")
	ends := strings.Fields("ко енко ук юк чук ський ський ченко ець ак ик ів ин ишин ов ев ова ева ская ska ski cki wicz czyk")
	seen := map[string]bool{}
	want := max(500, customers/8)
	for len(c.surnames) < want {
		n := stems[c.rng.IntN(len(stems))]
		for range c.rng.IntN(4) {
			n += middles[c.rng.IntN(len(middles))] + string([]rune("бвгдзклмнпрстхцчш")[c.rng.IntN(17)])
		}
		n += ends[c.rng.IntN(len(ends))]
		if c.rng.IntN(4) == 0 {
			n = latin(n)
		}
		if !seen[n] {
			seen[n] = true
			c.surnames = append(c.surnames, n)
		}
	}
	c.surnames[0], c.surnames[1] = "Іваненко", "Шевченко"
	c.often = rand.NewZipf(c.rng, 1.15, 40, uint64(want-1))
	return c
}

var given = strings.Fields("Олександр Олена Сергій Наталія Андрій Тетяна Іван Марія Петро Ольга Дмитро Ірина Микола Юлія Володимир Анна Віктор Світлана Ігор Катерина Тарас Оксана Юрій Людмила Роман Надія Богдан Галина Максим Вікторія Александр Елена Сергей Наталья Jan Anna Piotr Katarzyna Zbigniew Agnieszka Oleksandr Olena Serhii Iryna John Mary")

func latin(s string) string {
	return strings.NewReplacer("Ш", "Sh", "ш", "sh", "ч", "ch", "Ч", "Ch", "х", "kh", "Х", "Kh", "ц", "ts", "ю", "iu", "Ю", "Yu", "я", "ia", "Я", "Ya", "ь", "", "а", "a", "б", "b", "в", "v", "г", "h", "д", "d", "е", "e", "з", "z", "и", "y", "і", "i", "й", "i", "к", "k", "л", "l", "м", "m", "н", "n", "о", "o", "п", "p", "р", "r", "с", "s", "т", "t", "у", "u",
		"І", "I", "П", "P", "В", "V", "С", "S", "М", "M", "К", "K", "Б", "B", "Т", "T", "О", "O", "Г", "H", "Р", "R", "Л", "L", "З", "Z", "Д", "D", "Ф", "F", "Ю", "Yu", "Ч", "Ch", "ф", "f").Replace(s)
}

func (c *crowd) person(i int) (name, phone, email string) {
	name = c.surnames[c.often.Uint64()] + " " + given[c.rng.IntN(len(given))]
	phone = fmt.Sprintf("+380%02d%07d", 50+i%50, (i*7919+13)%10_000_000)
	if c.rng.IntN(10) < 7 {
		email = fmt.Sprintf("%s.%d@example.com", strings.ToLower(strings.ReplaceAll(latin(name), " ", ".")), i)
	}
	return name, phone, email
}

func benchSize() int {
	if n, err := strconv.Atoi(os.Getenv("OPEKA_FIND_CUSTOMERS")); err == nil && n > 0 {
		return n
	}
	return 5_000
}

// sample is what was put in, to ask for.
type sample struct{ names, phones, emails, orders, parcels []string }

// populate fills the store unless it is full already. The same size makes the same things.
func populate(b *testing.B, d *db.DB, f *Finder, customers int) sample {
	b.Helper()
	var s sample
	var have int64
	if err := d.Read().QueryRow(b.Context(), `SELECT count(*) FROM find_things WHERE store_id = $1 AND kind = 1`, int64(shop)).Scan(&have); err != nil {
		b.Fatal(err)
	}
	c := newCrowd(customers)
	var batch []Thing
	begun, things := time.Now(), 0
	store := putter(b, d, f)
	if customers >= bulk {
		store = loader(b, d)
	}
	flush := func() {
		if len(batch) > 0 && have < int64(customers) {
			store(batch)
			things += len(batch)
		}
		batch = batch[:0]
	}
	for i := range customers {
		id := int64(i + 1)
		name, phone, email := c.person(i)
		batch = append(batch, person(id, name, phone, email, i*7919%900))
		for k := range 3 {
			n := i*3 + k
			order, parcel := fmt.Sprintf("%d", 1_000_000+n*7%10_000_000), fmt.Sprintf("2045%010d", n*104729%10_000_000_000)
			batch = append(batch, Thing{shop, Order, int64(1_000_000_000 + n), Entry{Title: "#" + order, Subtitle: name, Customer: id, Numbers: []string{order}, Tracking: []string{parcel}, Recency: ago(n * 31 % 900)}})
			if n%997 == 0 {
				s.orders, s.parcels = append(s.orders, order), append(s.parcels, parcel)
			}
		}
		if i%331 == 0 {
			s.names, s.phones = append(s.names, name), append(s.phones, phone)
			if email != "" {
				s.emails = append(s.emails, email)
			}
		}
		if len(batch) >= customers/4 || customers < bulk && len(batch) >= 1000 {
			flush()
		}
	}
	flush()
	if have < int64(customers) {
		store(nil)
	}
	if things > 0 {
		b.Logf("%d things in %v: %.0f a second", things, time.Since(begun).Round(time.Millisecond), float64(things)/time.Since(begun).Seconds())
	}
	return s
}

// slip swaps two letters in the middle.
func slip(s string) string {
	r := []rune(s)
	if len(r) > 5 {
		r[2], r[3] = r[3], r[2]
	}
	return string(r)
}

func BenchmarkFind(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) { benchmarkFind(b, e) })
	}
}

func benchmarkFind(b *testing.B, e db.Engine) {
	address := os.Getenv("OPEKA_FIND_DB")
	switch {
	case address == "":
		address = dbtest.URL(b, e)
	case strings.HasPrefix(address, "sqlite:") != (e == db.SQLite):
		b.Skip("not the engine of OPEKA_FIND_DB")
	}
	d, err := db.Open(b.Context(), address, db.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	f := New(d)
	s := populate(b, d, f, benchSize())
	surname := func(name string) string { return strings.Fields(name)[0] }
	sorts := []struct {
		name  string
		query func(i int) string
	}{
		{"order number", func(i int) string { return s.orders[i%len(s.orders)] }},
		{"order number, end", func(i int) string { o := s.orders[i%len(s.orders)]; return o[len(o)-4:] }},
		{"tracking number", func(i int) string { return s.parcels[i%len(s.parcels)] }},
		{"tracking number, beginning", func(i int) string { return s.parcels[i%len(s.parcels)][:9] }},
		{"phone, national", func(i int) string { return "0" + s.phones[i%len(s.phones)][4:] }},
		{"phone, last 4", func(i int) string { p := s.phones[i%len(s.phones)]; return p[len(p)-4:] }},
		{"e-mail", func(i int) string { return s.emails[i%len(s.emails)] }},
		{"e-mail, beginning", func(i int) string { return s.emails[i%len(s.emails)][:5] }},
		{"surname", func(i int) string { return surname(s.names[i%len(s.names)]) }},
		{"surname, commonest", func(i int) string {
			return []string{"Іваненко", "Шевченко", "Ivanenko", "Иваненко"}[i%4]
		}},
		{"surname, being typed", func(i int) string {
			r := []rune(surname(s.names[i%len(s.names)]))
			return string(r[:min(len(r), 2+i%4)])
		}},
		{"surname with a slip", func(i int) string { return slip(surname(s.names[i%len(s.names)])) }},
		{"both names", func(i int) string { return s.names[i%len(s.names)] }},
		{"both names, commonest", func(i int) string {
			return []string{"Іваненко Олександр", "Олена Шевченко", "Ivanenko Serhii"}[i%3]
		}},
		{"both names, second being typed", func(i int) string { n := []rune(s.names[i%len(s.names)]); return string(n[:len(n)-2]) }},
		{"both names with slips", func(i int) string { n := strings.Fields(s.names[i%len(s.names)]); return slip(n[0]) + " " + slip(n[1]) }},
		{"surname and last 4 of phone", func(i int) string {
			p := s.phones[i%len(s.phones)]
			return surname(s.names[i%len(s.names)]) + " " + p[len(p)-4:]
		}},
		{"nothing", func(i int) string { return fmt.Sprintf("Ъыжщов%d", i) }},
	}
	var all []time.Duration
	var table strings.Builder
	const rounds = 200
	b.ResetTimer()
	for range b.N {
		all = all[:0]
		table.Reset()
		for _, sort := range sorts {
			took := make([]time.Duration, rounds)
			found := 0
			for i := range took {
				begun := time.Now()
				hits, err := f.Find(context.Background(), everything(shop), sort.query(i*7+3), 20)
				took[i] = time.Since(begun)
				if err != nil {
					b.Fatal(err)
				}
				if len(hits) > 0 {
					found++
				}
			}
			all = append(all, took...)
			slices.Sort(took)
			fmt.Fprintf(&table, "\n%-32s p50 %7.2f  p95 %7.2f  max %7.2f ms, found %d of %d", sort.name, ms(took[rounds/2]), ms(took[rounds*95/100]), ms(took[rounds-1]), found, rounds)
		}
	}
	b.Log(table.String())
	slices.Sort(all)
	b.ReportMetric(ms(all[len(all)/2]), "p50-ms")
	b.ReportMetric(ms(all[len(all)*95/100]), "p95-ms")
	b.ReportMetric(ms(all[len(all)*99/100]), "p99-ms")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
