package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"opeka/internal/db"
	"opeka/internal/find"
)

// crowdOf makes people whose surnames are as unevenly spread as surnames are, and numbers for what they ordered.
type crowdOf struct {
	surnames []string
	often    *rand.Zipf
	r        *rand.Rand
}

func newCrowdOf(customers int) *crowdOf {
	c := &crowdOf{r: rand.New(rand.NewPCG(1, 2))}
	begins := strings.Fields("Ко Бон Шев Мель Гон Ру Са Ли По За Гри Хо Яр Да Гна Ле Мо Кузь Фе Пан Си Ти Юр Зай Вов Со Гор Бу Ду Виш")
	middles := strings.Fields("ва да че ни ча ле ви рі мо ба ка ра ти ло ма пу")
	ends := strings.Fields("ль нко ченко юк чук ський ець ак ик ів ишин ова енко")
	seen := map[string]bool{}
	for want := max(100, customers/8); len(c.surnames) < want; {
		s := begins[c.r.IntN(len(begins))]
		for range 1 + c.r.IntN(4) {
			s += middles[c.r.IntN(len(middles))]
		}
		if s += ends[c.r.IntN(len(ends))]; !seen[s] {
			seen[s] = true
			c.surnames = append(c.surnames, s)
		}
	}
	c.often = rand.NewZipf(c.r, 1.15, 40, uint64(len(c.surnames)-1))
	return c
}

func phone(c int) string   { return fmt.Sprintf("+380%02d%07d", 50+c%50, (c*7919+13)%10_000_000) }
func order(n int) string   { return fmt.Sprint(1_000_000 + n) }
func tracked(n int) string { return fmt.Sprintf("2045%010d", n*104729%10_000_000_000) }

// index fills a finder with customers and three orders each, and returns some of the names.
func (c *crowdOf) index(ctx context.Context, d *db.DB, f *find.Finder, customers int) (names []string, err error) {
	const batch = 500
	for from := 0; from < customers; from += batch {
		var things []find.Thing
		for k := from; k < min(from+batch, customers); k++ {
			name := c.surnames[c.often.Uint64()] + " " + givenNames[c.r.IntN(len(givenNames))]
			at := db.At(d.Now().AddDate(0, 0, -(k * 7919 % 900)))
			things = append(things, find.Thing{Store: 1, Kind: find.Customer, Ref: int64(k + 1), Entry: find.Entry{Title: name, Customer: int64(k + 1), Names: []string{name}, Phones: []string{phone(k)}, Emails: []string{email(k)}, Recency: at}})
			for o := range 3 {
				n := k*3 + o
				things = append(things, find.Thing{Store: 1, Kind: find.Order, Ref: int64(n + 1), Entry: find.Entry{Title: "#" + order(n), Subtitle: name, Customer: int64(k + 1), Numbers: []string{order(n)}, Tracking: []string{tracked(n)}, Recency: at}})
			}
			if k%97 == 0 {
				names = append(names, name)
			}
		}
		if err := d.Write(ctx, db.System, func(tx *db.Tx) error { return f.PutAll(ctx, tx, things) }); err != nil {
			return nil, err
		}
	}
	return names, nil
}

const crowdFile, namesFile = "find.db", "names.json"

// crowded makes a database in which a crowd can be found, and a file of some of the names.
func crowded(ctx context.Context, dir string, customers int) (err error) {
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(dir, crowdFile), db.Options{Log: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	names, err := newCrowdOf(customers).index(ctx, d, find.New(d), customers)
	if err != nil {
		return err
	}
	text, err := json.Marshal(names)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, namesFile), text, 0o600)
}

var findRow = row{name: "find", what: "find by anything", peer: "e-mail only", measure: func(ctx context.Context, b *bench) (err error) {
	customers := b.smaller(1_000_000, 5_000)
	kept, err := b.kept(fmt.Sprintf("find-%d", customers), func(dir string) error { return crowded(ctx, dir, customers) })
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(kept, crowdFile), db.Options{Log: quiet}) // only read
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	f := find.New(d)
	var names []string
	if text, err := os.ReadFile(filepath.Join(kept, namesFile)); err != nil {
		return err
	} else if err := json.Unmarshal(text, &names); err != nil {
		return err
	}
	surname := func(n int) []rune { return []rune(strings.Fields(names[n*7%len(names)])[0]) }
	questions := []func(n int) string{
		func(n int) string { return order(n * 997 % (customers * 3)) },
		func(n int) string { return tracked(n * 997 % (customers * 3)) },
		func(n int) string { return "0" + phone(n * 331 % customers)[4:] },
		func(n int) string { return phone(n * 331 % customers)[9:] },
		func(n int) string { return email(n * 331 % customers) },
		func(n int) string { return string(surname(n)) },
		func(n int) string { return string(surname(n)[:3]) },
		func(n int) string { s := surname(n); s[2], s[3] = s[3], s[2]; return string(s) },
		func(n int) string { return names[n*7%len(names)] },
	}
	within := []find.Within{{Store: 1, Kinds: find.Kinds}}
	found := 0
	l, err := counted(ctx, 1, int64(b.smaller(200, 40)*len(questions)), func(ctx context.Context, _ int, n int64) error {
		hits, err := f.Find(ctx, within, questions[int(n)%len(questions)](int(n)/len(questions)+1), 20)
		if len(hits) > 0 {
			found++
		}
		return err
	})
	if err != nil {
		return err
	}
	b.atMost(fmt.Sprintf("%d customers, %d orders, nine sorts of questions, p95", customers, customers*3), l.quantile(0.95), "ms", 50,
		fmt.Sprintf("p50 %.1f, p99 %.1f ms; %d of %d found something", l.quantile(0.5), l.quantile(0.99), found, len(l.took)))
	return nil
}}
