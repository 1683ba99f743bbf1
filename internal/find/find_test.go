package find

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

const shop, otherShop = 1, 2

func put(t testing.TB, d *db.DB, f *Finder, things ...Thing) {
	t.Helper()
	if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error { return f.PutAll(t.Context(), tx, things) }); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, d *db.DB, f *Finder, kind Kind, ref int64) {
	t.Helper()
	if err := d.Write(t.Context(), db.System, func(tx *db.Tx) error { return f.Remove(t.Context(), tx, shop, kind, ref) }); err != nil {
		t.Fatal(err)
	}
}

func everything(stores ...int64) []Within {
	var in []Within
	for _, s := range stores {
		in = append(in, Within{s, Kinds})
	}
	return in
}

func seek(t testing.TB, f *Finder, query string) []Hit {
	t.Helper()
	hits, err := f.Find(t.Context(), everything(shop), query, 20)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	return hits
}

func ids(hits []Hit) []int64 {
	out := make([]int64, len(hits))
	for i, h := range hits {
		out[i] = h.ID
	}
	return out
}

func ago(days int) db.Time { return db.At(dbtest.Start.AddDate(0, 0, -days)) }

func person(id int64, name, phone, email string, days int) Thing {
	e := Entry{Title: name, Subtitle: phone, Customer: id, Names: []string{name}, Recency: ago(days)}
	if phone != "" {
		e.Phones = []string{phone}
	}
	if email != "" {
		e.Emails = []string{email}
	}
	return Thing{shop, Customer, id, e}
}

// A small town of things that are easily confused.
func town(t testing.TB, d *db.DB) *Finder {
	f := New(d)
	put(t, d, f,
		person(1, "Шевченко Тарас", "+380671234567", "kobzar@example.com", 1),
		person(2, "Shevchenko Olena", "+380509876543", "olena.s@example.com", 2),
		person(3, "Szewczenko Jan", "+48601234567", "", 3),
		person(4, "Ковальчук Петро", "+380631112233", "petro.k@example.org", 4),
		person(5, "Wójcik Anna", "+48512345678", "anna@wojcik.example", 5),
		person(6, "О'Коннор Мар'яна", "067 555 66 77", "", 6),
		person(7, "Бондаренко-Мельник Наталія Іванівна", "+380930001122", "", 7),
		person(8, "Smith John", "+442079460958", "john@smith.example", 8),
		person(9, "Тарасенко Тарас", "", "", 9),
		Thing{shop, Order, 100, Entry{Title: "#10045", Customer: 1, Numbers: []string{"#10045"}, Tracking: []string{"20450012345678"}, Recency: ago(1)}},
		Thing{shop, Order, 101, Entry{Title: "UA-2024/000123", Customer: 2, Numbers: []string{"UA-2024/000123"}, Tracking: []string{"RB123456789UA"}, Recency: ago(2)}},
		Thing{shop, Order, 102, Entry{Title: "110045", Customer: 4, Numbers: []string{"110045"}, Recency: ago(0)}},
		Thing{shop, Product, 200, Entry{Title: "Кросівки Nike Air Max 90", Names: []string{"Кросівки Nike Air Max 90"}, Codes: []string{"NK-AM90-42", "4820001234567"}, Recency: ago(3)}},
		Thing{shop, Product, 201, Entry{Title: "iPhone 15 Pro", Names: []string{"iPhone 15 Pro"}, Codes: []string{"АВС-001"}, Recency: ago(3)}}, // in Cyrillic letters
		Thing{shop, Conversation, 300, Entry{Title: "Де моє замовлення?", Customer: 4, Conversation: 300, Names: []string{"Де моє замовлення?"}, Numbers: []string{"5501"}, Recency: ago(0)}},
		Thing{otherShop, Customer, 900, Entry{Title: "Шевченко Чужий", Names: []string{"Шевченко Чужий"}, Phones: []string{"+380671234567"}, Emails: []string{"kobzar@example.com"}, Numbers: []string{"10045"}, Recency: ago(0)}},
	)
	return f
}

func TestFindByAnything(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		f := town(t, d)
		for _, c := range []struct {
			query string
			first int64 // 0: nothing may be found
			by    string
		}{
			// Phones.
			{"+380671234567", 1, "phone"}, {"0671234567", 1, "phone"}, {"067 123-45-67", 1, "phone"}, {"(067) 123 45 67", 1, "phone"},
			{"80671234567", 1, "phone"}, {"00380671234567", 1, "phone"}, {"671234567", 1, "phone"}, {"тел. 067 123 45 67", 1, "phone"},
			{"6543", 2, "phone"}, {"987-65-43", 2, "phone"}, {"48 601 234 567", 3, "phone"}, {"601234567", 3, "phone"},
			{"+44 20 7946 0958", 8, "phone"}, {"020 7946 0958", 8, "phone"}, {"0675556677", 6, "phone"}, {"+380675556677", 6, "phone"}, {"1122", 7, "phone"},
			{"+380671234568", 0, ""},
			// E-mail.
			{"kobzar@example.com", 1, "email"}, {"KOBZAR@Example.COM", 1, "email"}, {"olena.s", 2, "email"}, {"petro.k@", 4, "email"}, {"Ян <anna@wojcik.example>", 5, "email"}, {"mailto:john@smith.example", 8, "email"},
			// Orders and parcels.
			{"10045", 100, "number"}, {"#10045", 100, "number"}, {"№ 10045", 100, "number"}, {"0010045", 100, "number"}, {"1004", 100, "number"}, {"замовлення 10045", 100, "number"},
			{"110045", 102, "number"}, {"UA-2024/000123", 101, "number"}, {"ua2024000123", 101, "number"}, {"ua 2024 123", 101, "number"}, {"UA-2024/123", 101, "number"}, {"000123", 101, "number"},
			{"20450012345678", 100, "tracking"}, {"2045 0012 3456 78", 100, "tracking"}, {"204500", 100, "tracking"}, {"5678", 5, "phone"}, {"50012345678", 100, "tracking"}, {"48512345678", 5, "phone"}, {"rb123456789ua", 101, "tracking"}, {"789ua", 101, "tracking"},
			{"5501", 300, "number"},
			// Products.
			{"NK-AM90-42", 200, "sku"}, {"nkam9042", 200, "sku"}, {"nk-am", 200, "sku"}, {"4820001234567", 200, "sku"}, {"ABC-001", 201, "sku"}, {"abc1", 201, "sku"},
			{"nike", 200, "name"}, {"nike air max 90", 200, "name"}, {"кросівки найк", 200, "name"}, {"iphone 15", 201, "name"}, {"ifone", 201, "name"},
			{"замовлення", 300, "name"},
			// Names.
			{"Шевченко", 1, "name"}, {"шевченко", 1, "name"}, {"Shevchenko", 2, "name"}, {"Szewczenko", 3, "name"}, {"Schewtschenko", 1, "name"},
			{"Шевченко Олена", 2, "name"}, {"олена шевченко", 2, "name"}, {"Елена Шевченко", 2, "name"}, {"Shevchenko Taras", 1, "name"}, {"Ян Шевченко", 3, "name"},
			{"Шевч", 1, "name"}, {"Шевченко Ол", 2, "name"}, {"Шевчнеко", 1, "name"}, {"Шевенко", 1, "name"}, {"Шевчинко", 1, "name"}, {"Shevchnko Olna", 2, "name"},
			{"Ковальчук", 4, "name"}, {"Kowalczuk", 4, "name"}, {"Kovalchuk Petr", 4, "name"}, {"Войцик", 5, "name"}, {"Вуйцик", 5, "name"}, {"wojcik", 5, "name"}, {"Wójcik", 5, "name"},
			{"О’Коннор", 6, "name"}, {"оконнор", 6, "name"}, {"O'Connor", 6, "name"}, {"Мельник", 7, "name"}, {"Мельник Наталья", 7, "name"}, {"Наталья Бондаренко Ивановна", 7, "name"}, {"Бондаренко-Мельник", 7, "name"},
			{"Джон Смит", 8, "name"}, {"Smith", 8, "name"}, {"Тарасенко", 9, "name"},
			// Two kinds of keys at once.
			{"Шевченко 4567", 1, "name"}, {"4567 Шевченко", 1, "name"}, {"Szewczenko 4567", 3, "name"}, {"Шевченко 6543", 2, "name"}, {"Шевченко 0671234567", 1, "phone"},
			{"Зимбабвенко", 0, ""}, {"zzzz@", 0, ""}, {"99999999", 0, ""},
		} {
			hits := seek(t, f, c.query)
			switch {
			case c.first == 0 && len(hits) > 0:
				t.Errorf("%q found %v, wanted nothing", c.query, hits)
			case c.first != 0 && (len(hits) == 0 || hits[0].ID != c.first):
				t.Errorf("%q found %v, wanted %d first", c.query, ids(hits), c.first)
			case c.first != 0 && hits[0].Matched != c.by:
				t.Errorf("%q matched %s by %s, wanted %s", c.query, hits[0].Title, hits[0].Matched, c.by)
			}
			if slices.ContainsFunc(hits, func(h Hit) bool { return h.Store != shop }) {
				t.Errorf("%q found another store's things: %v", c.query, hits)
			}
		}
	})
}

func TestBestFirst(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		f := town(t, d)
		// The whole number before the newer one that ends so.
		if got := ids(seek(t, f, "10045")); !slices.Equal(got, []int64{100, 102}) {
			t.Errorf("10045: %v", got)
		}
		// The spelling that was typed, then the others by recency, then the orders of these customers, the newest first.
		if got := ids(seek(t, f, "Shevchenko")); !slices.Equal(got[:3], []int64{2, 1, 3}) || !slices.Equal(got[3:], []int64{100, 101}) {
			t.Errorf("Shevchenko: %v", got)
		}
		// Whose name it is before whose name begins so.
		if got := ids(seek(t, f, "Тарас")); !slices.Equal(got[:2], []int64{1, 9}) {
			t.Errorf("Тарас: %v", got)
		}
		if hits, _ := f.Find(t.Context(), []Within{{shop, []Kind{Product}}}, "Шевченко", 20); len(hits) != 0 {
			t.Errorf("who may see products only found %v", hits)
		}
		if hits, _ := f.Find(t.Context(), []Within{{shop, []Kind{Customer}}}, "Шевченко", 20); len(hits) != 3 {
			t.Errorf("who may see customers only found %v", hits)
		}
		if hits, _ := f.Find(t.Context(), []Within{{shop, []Kind{Order}}, {otherShop, []Kind{Customer}}}, "Шевченко", 20); !slices.Equal(ids(hits), []int64{900}) {
			t.Errorf("permissions of two stores got mixed: %v", hits)
		}
		if hits, _ := f.Find(t.Context(), everything(shop, otherShop), "+380671234567", 20); len(hits) < 2 || hits[0].ID != 900 || hits[1].ID != 1 {
			t.Errorf("two stores: %v", hits)
		}
		for _, q := range []string{"", " ", "ш", "#", "@", "--"} {
			if hits := seek(t, f, q); len(hits) != 0 {
				t.Errorf("%q found %v", q, hits)
			}
		}
	})
}

// keysOfAll lists queries by which a thing must be found.
func keysOfAll(e Entry) []string {
	var out []string
	out = append(out, e.Names...)
	for _, n := range e.Names {
		for _, w := range strings.Fields(n) {
			out = append(out, w, strings.ToUpper(w))
		}
	}
	for _, p := range e.Phones {
		out = append(out, p, strings.TrimPrefix(p, "+"), "00"+p[1:], p[len(p)-9:], p[len(p)-4:], p[:4]+" ("+p[4:6]+") "+p[6:9]+"-"+p[9:])
	}
	for _, m := range e.Emails {
		out = append(out, m, strings.ToUpper(m), m[:strings.Index(m, "@")+1])
	}
	for _, list := range [][]string{e.Numbers, e.Tracking, e.Codes} {
		for _, n := range list {
			out = append(out, n, "#"+n, "00"+n, strings.ReplaceAll(n, "-", " "), n[len(n)-5:], n[:5])
		}
	}
	return out
}

func TestFoundByEachKeyUntilItChanges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		f := New(d)
		names := []string{"Іваненко Марія", "Kowalski Zbigniew", "Петров Иван Сергеевич", "Müller Jürgen", "Ґудзь Юхим"}
		entry := func(i, version int) Thing {
			n := int64(i*10 + version)
			return Thing{shop, Kinds[i%len(Kinds)], int64(i), Entry{
				Title: names[i%len(names)], Names: []string{names[(i+version)%len(names)]},
				Phones: []string{fmt.Sprintf("+38067%07d", 7654321+n*1117)}, Emails: []string{fmt.Sprintf("box%d.%d@example.com", i, version)},
				Numbers: []string{fmt.Sprintf("%d-9%05d", 2020+version, n*37)}, Tracking: []string{fmt.Sprintf("%05d%09d", 10000+n*7919%90000, n)}, Codes: []string{fmt.Sprintf("SKU%d-%05d", version, n)},
				Recency: db.At(clock.Now()),
			}}
		}
		check := func(th Thing, want bool) {
			t.Helper()
			for _, q := range keysOfAll(th.Entry) {
				got := slices.ContainsFunc(seek(t, f, q), func(h Hit) bool { return h.Kind == th.Kind && h.ID == th.Ref })
				if got != want {
					t.Fatalf("%s %d by %q: found %v, wanted %v", th.Kind, th.Ref, q, got, want)
				}
			}
		}
		for i := range 10 {
			put(t, d, f, entry(i, 0))
		}
		for i := range 10 {
			check(entry(i, 0), true)
		}
		before := count(t, d)
		put(t, d, f, entry(3, 0), entry(4, 0))
		if after := count(t, d); after != before {
			t.Errorf("putting the same again made %d keys of %d", after, before)
		}
		clock.Move(50 * time.Hour)
		for i := range 10 {
			put(t, d, f, entry(i, 1))
		}
		if after := count(t, d); after != before {
			t.Errorf("changing everything left %d keys, there were %d", after, before)
		}
		for i := range 10 {
			check(entry(i, 1), true)
			old := entry(i, 0)
			old.Names = nil // others bear them
			check(old, false)
			remove(t, d, f, old.Kind, old.Ref)
			check(entry(i, 1), false)
		}
		if n := count(t, d); n != 0 {
			t.Errorf("%d keys are left of nothing", n)
		}
	})
}

func count(t testing.TB, d *db.DB) (n int64) {
	t.Helper()
	if err := d.Read().QueryRow(t.Context(), `SELECT count(*) FROM find_keys`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Several puts of one thing in one transaction, as when a customer is made, told more about and merged.
func TestPutsInOneTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		f, ctx := New(d), t.Context()
		err := d.Write(ctx, db.System, func(tx *db.Tx) error {
			for _, name := range []string{"Перша Назва", "Друга Назва", "Третя Назва"} {
				if err := f.PutAll(ctx, tx, []Thing{person(1, "Застаріле", "", "", 0), person(1, name, "+380671234567", "", 0)}); err != nil {
					return err
				}
			}
			if err := f.Add(tx, person(3, "Новий Зиновій", "+380501112233", "", 0)); err != nil {
				return err
			}
			if err := f.Put(ctx, tx, shop, Customer, 2, person(2, "Зникле", "", "", 0).Entry); err != nil {
				return err
			}
			return f.Remove(ctx, tx, shop, Customer, 2)
		})
		if err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{"Перша": 0, "Друга": 0, "Застаріле": 0, "Зникле": 0, "Третя": 1, "Назва Третя": 1, "Новий Зиновій": 1, "1112233": 1} {
			if got := len(seek(t, f, query)); got != want {
				t.Errorf("%q found %d, wanted %d", query, got, want)
			}
		}
	})
}

func TestHostileInputs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		f := town(t, d)
		hostile := []string{
			"%", "%%", "__", "' OR 1=1 --", `"; DROP TABLE find_keys; --`, "a\x00b", "\xff\xfe\xfd", strings.Repeat("Шевченко ", 2000), strings.Repeat("1", 10000), strings.Repeat("a", 10000) + "@",
			"\u202eокнечвеШ", "שלום עולם", "مرحبا ١٢٣٤", "🙂🙂", "\\", "$1", "a%b_c", strings.Repeat("\u0301", 300), "𝟘𝟙𝟚𝟛𝟜", "ﷺﷺ", strings.Repeat("(", 200), "+", "+++1234", "\U0010FFFF\U0010FFFF",
		}
		for i, s := range hostile {
			seek(t, f, s)
			put(t, d, f, Thing{shop, Customer, int64(1000 + i), Entry{Title: s, Subtitle: s, Names: []string{s}, Phones: []string{s}, Emails: []string{s}, Numbers: []string{s}, Tracking: []string{s}, Codes: []string{s}}})
		}
		for _, s := range hostile {
			seek(t, f, s)
		}
		if hits := seek(t, f, "שלום"); len(hits) != 1 {
			t.Errorf("a name in another alphabet: %v", hits)
		}
		if hits := seek(t, f, "%"); len(hits) != 0 {
			t.Errorf("a wildcard found %v", hits)
		}
		if hits := seek(t, f, "kobz_r@"); len(hits) != 0 {
			t.Errorf("a wildcard found %v", hits)
		}
	})
}

// A name shared by thousands shows the newest of them.
func TestCommonNamesByRecency(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		f := New(d)
		var things []Thing
		for i := range 1500 {
			things = append(things, person(int64(i+1), "Іваненко "+[]string{"Петро", "Ольга", "Ігор"}[i%3], fmt.Sprintf("+38050%07d", i*5011), "", (i*7)%1500))
		}
		put(t, d, f, things...)
		for _, q := range []string{"Іваненко", "Иваненко", "Ivanenko", "Іван"} {
			hits := seek(t, f, q)
			if len(hits) != 20 || !slices.IsSortedFunc(hits, func(a, b Hit) int { return int(b.Recency - a.Recency) }) || hits[0].ID != 1 {
				t.Errorf("%q: %v", q, ids(hits))
			}
		}
		if hits := seek(t, f, "Іваненко Ольга"); len(hits) != 20 || hits[0].Title != "Іваненко Ольга" {
			t.Errorf("with the first name: %v", hits)
		}
	})
}

func FuzzAsk(f *testing.F) {
	for _, s := range []string{"Шевченко 4567", "+380 (67) 123-45-67", "UA-2024/000123", "a@b", "\x00", "№ 5", "О’Коннор", strings.Repeat("ы", 500)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := ask(s)
		if len(q.words) > maxWords || len(q.parts) > 4 || len(q.phone) > 100 || len(q.email) > 4*maxEmail {
			t.Fatalf("%q became too long a question: %+v", s, q)
		}
		for _, list := range [][]string{q.number, q.parts, {q.phone, q.email}} {
			for _, v := range list {
				if strings.ContainsRune(v, 0) || strings.ToValidUTF8(v, "") != v {
					t.Fatalf("%q gave %q, which no database takes", s, v)
				}
			}
		}
		// What is asked is found by itself, if it is a name at all.
		keys := factsOf(Entry{Names: []string{s}}).keys(kindNumbers[Customer])
		for _, w := range q.words {
			if len(s) <= maxQuery && !slices.Contains(keys, key{fieldName, w.folded}) {
				t.Fatalf("%q: the word %q isn't a key of it", s, w.folded)
			}
		}
	})
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		f := town(t, d)
		f.AddSource(Source{Customer, func(_ context.Context, _ db.Querier, store, after int64, limit int) ([]Thing, int64, error) {
			switch after {
			case 0:
				return []Thing{person(1, "Шевченко Тарас", "+380671234567", "", 0)}, 5, nil
			case 5:
				return []Thing{person(6, "Новенька Зоя", "", "", 0)}, 0, nil
			}
			t.Errorf("asked for customers after %d", after)
			return nil, 0, nil
		}})
		runRebuild(t, d, f)
		for query, want := range map[string]int64{"Шевченко": 1, "Новенька": 6, "10045": 100, "nike": 200} {
			if got := seek(t, f, query); len(got) == 0 || got[0].ID != want {
				t.Errorf("%q: %v", query, got)
			}
		}
		for _, gone := range []string{"kobzar@example.com", "Wójcik", "Тарасенко Тарас", "0679876543"} {
			if got := seek(t, f, gone); slices.ContainsFunc(got, func(h Hit) bool { return h.Kind == Customer && h.ID != 1 && h.ID != 6 }) {
				t.Errorf("%q still finds %v", gone, got)
			}
		}
	})
}
