package digital_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/digital"
	"opeka/internal/job"
)

const store = 7

var shop = care.Connection{ID: 40, Store: store, Plug: "generic", Name: "Shop"}

type world struct {
	*digital.Digital
	t     *testing.T
	db    *db.DB
	clock *db.MovableClock
	shop  *commerce.Commerce
	by    account.By
	mu    sync.Mutex
	audit []string
}

func play(t *testing.T, f func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) { f(begin(t, d, clock)) })
}

func begin(t *testing.T, d *db.DB, clock *db.MovableClock) *world {
	t.Helper()
	sealer, err := account.NewSealer(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	files, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: d, clock: clock}
	w.write(func(tx *db.Tx) {
		tx.Defer(`INSERT INTO stores (id, name, slug, language, currency, time_zone, calendar, widget, identity_secret, identity_secret_old, created_at, updated_at)
VALUES ($1, 'Стежка', 'stezhka', 'uk', 'UAH', 'Europe/Kyiv', '{}', '{}', $2, $2, 0, 0)`, store, []byte{})
		tx.Defer(`INSERT INTO connections (id, store_id, plug, name, settings, secrets, hook_token, state_at, created_at, updated_at) VALUES ($1, $2, 'generic', 'Shop', '{}', $3, 'token', 0, 0, 0)`, shop.ID, store, []byte{})
	})
	w.shop = commerce.New(d, customer.New(d, nil, nil), commerce.Options{})
	w.Digital = digital.New(d, digital.Options{Sealer: sealer, Files: files, PublicURL: "https://opeka.example", Audit: func(_ *db.Tx, _ account.By, _ int64, action string, _ int64, _ string, _, _ any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.audit = append(w.audit, action)
	}})
	w.by = account.By{Scope: care.Scope{Agent: 1, Stores: []int64{store}, Permissions: map[int64][]care.Permission{store: {care.PermSettings, care.PermCommerceRead, care.PermCommerceWrite}}}}
	for _, e := range digital.Events {
		d.RouteWhen(e, digital.JobOrder, w.Wanted)
	}
	r := job.New(d, slog.New(slog.DiscardHandler))
	w.Jobs(r)
	w.shop.Jobs(r)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop(context.Background()) })
	return w
}

func (w *world) write(f func(tx *db.Tx)) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), db.System, func(tx *db.Tx) error { f(tx); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.Read().QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) rest() {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(3 * time.Millisecond) {
		if w.count(`SELECT count(*) FROM jobs WHERE state = 'dead'`) > 0 {
			var kind, problem string
			_ = w.db.Read().QueryRow(w.t.Context(), `SELECT kind, last_error FROM jobs WHERE state = 'dead' LIMIT 1`).Scan(&kind, &problem)
			w.t.Fatalf("%s failed: %s", kind, problem)
		}
		if w.count(`SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'ready' AND run_at <= $1`, db.At(w.clock.Now())) == 0 {
			return
		}
		if time.Now().After(end) {
			w.t.Fatal("work went on and on")
		}
	}
}

func (w *world) apply(o commerce.ApplyOptions, records ...care.Record) {
	w.t.Helper()
	a, err := w.shop.Apply(w.t.Context(), shop, records, o)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, err := range a.Errors {
		w.t.Fatal(err)
	}
}

func (w *world) tell(records ...care.Record) {
	w.t.Helper()
	w.apply(commerce.ApplyOptions{}, records...)
	w.rest()
}

// sells has the shop sell a product, electronically.
func (w *world) sells(sku, kind string, more digital.GoodsInput) digital.Goods {
	w.t.Helper()
	w.tell(care.Record{Kind: care.KindProduct, ExternalID: "p-" + sku, UpdatedAt: w.clock.Now(), Data: &care.ShopProduct{Name: "Товар " + sku, Virtual: true,
		Variants: []care.ShopVariant{{ExternalID: sku, SKU: sku, Price: care.Money{Amount: 50000, Currency: "UAH"}}}}})
	more.Store, more.Variant, more.Kind = store, w.count(`SELECT id FROM variants WHERE sku = $1`, sku), kind
	g, err := w.Mark(w.t.Context(), w.by, more)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clock.Move(time.Second)
	return g
}

func (w *world) keys(g digital.Goods, list ...string) digital.TakenKeys {
	w.t.Helper()
	taken, err := w.AddKeys(w.t.Context(), w.by, g.ID, digital.KeyFile{CSV: "key\n" + strings.Join(list, "\n")})
	if err != nil {
		w.t.Fatal(err)
	}
	w.rest()
	return taken
}

func (w *world) bought(number, sku string, quantity int64, payment care.PaymentState) care.Record {
	total := care.Money{Amount: 50000 * quantity, Currency: "UAH"}
	return care.Record{Kind: care.KindOrder, ExternalID: number, UpdatedAt: w.clock.Now(), Data: &care.ShopOrder{Number: number, RawStatus: string(payment), Order: care.OrderPlaced, Payment: payment, Fulfilment: care.FulfilmentUnfulfilled,
		Currency: "UAH", Total: total, PlacedAt: w.clock.Now(), Customer: care.CustomerRef{Name: "Олена", Email: number + "@example.com"},
		Lines: []care.ShopLine{{Variant: sku, SKU: sku, Name: "Товар " + sku, Quantity: quantity, Price: total, Total: total}}}}
}

func (w *world) order(number string) int64 {
	return w.count(`SELECT id FROM orders WHERE external_id = $1`, number)
}

func (w *world) pieces(number string) []digital.Piece {
	w.t.Helper()
	list, err := w.OfOrder(w.t.Context(), w.by.Scope, w.order(number))
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *world) events(kind string) int64 {
	return w.count(`SELECT count(*) FROM events WHERE type = $1`, kind)
}

func codes(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("ABCD-EFGH-%04d", i))
	}
	return out
}

func TestAKeyIsGivenOnceThePaymentIsConfirmed(t *testing.T) {
	play(t, func(w *world) {
		g := w.sells("GAME", digital.KindKey, digital.GoodsInput{LowWater: 2})
		if taken := w.keys(g, "ABCD-EFGH-0001", "ABCD-EFGH-0002", "", "ABCD-EFGH-0001", strings.Repeat("x", 2000)); taken.Added != 2 || len(taken.Errors) != 2 || taken.Errors[0].Row != 5 || taken.Errors[0].Code != "goods.key_twice" || taken.Errors[1].Code != "goods.key_invalid" {
			w.t.Fatalf("%+v", taken)
		}
		if taken := w.keys(g, "ABCD-EFGH-0001"); taken.Added != 0 || taken.Errors[0].Code != "goods.key_known" {
			w.t.Errorf("%+v", taken)
		}
		for _, p := range []care.PaymentState{care.PaymentUnpaid, care.PaymentPending, care.PaymentAuthorized, care.PaymentPartiallyPaid} {
			w.clock.Move(time.Second)
			w.tell(w.bought("A-1", "GAME", 1, p))
			if len(w.pieces("A-1")) != 0 {
				w.t.Fatalf("given when %s", p)
			}
		}
		w.clock.Move(time.Second)
		w.tell(w.bought("A-1", "GAME", 1, care.PaymentPaid))
		w.tell(w.bought("A-1", "GAME", 1, care.PaymentPaid)) // the shop says it twice
		got := w.pieces("A-1")
		if len(got) != 1 || got[0].State != digital.Delivered || got[0].Masked != "••••0001" || w.events(care.EventGoodsDelivered) != 1 || w.events(care.EventKeysLow) != 1 {
			w.t.Fatalf("%+v", got)
		}
		if n := w.count(`SELECT count(*) FROM digital_keys WHERE seal = $1 OR hash = 'ABCD-EFGH-0001'`, []byte("ABCD-EFGH-0001")); n != 0 {
			w.t.Error("a key lies open")
		}
		key, err := w.Reveal(w.t.Context(), w.by, got[0].ID)
		if err != nil || key != "ABCD-EFGH-0001" || w.audit[len(w.audit)-1] != "goods.revealed" {
			w.t.Errorf("%q %v %v", key, err, w.audit)
		}
		if _, err := w.Reveal(w.t.Context(), account.By{Scope: care.Scope{Stores: []int64{8}}}, got[0].ID); !errors.Is(err, care.NotFound("")) {
			w.t.Errorf("another store sees it: %v", err)
		}

		// The money goes back: so does the key, for good.
		w.clock.Move(time.Second)
		w.tell(w.bought("A-1", "GAME", 1, care.PaymentRefunded))
		if got := w.pieces("A-1"); got[0].State != digital.Withdrawn || w.events(care.EventGoodsWithdrawn) != 1 || w.count(`SELECT count(*) FROM digital_keys WHERE state = 'withdrawn'`) != 1 {
			w.t.Errorf("%+v", got)
		}
		w.clock.Move(time.Second)
		w.tell(w.bought("A-2", "GAME", 1, care.PaymentPaid))
		if got := w.pieces("A-2"); len(got) != 1 || got[0].Masked != "••••0002" {
			w.t.Errorf("%+v", got)
		}
	})
}

func TestWhoPaysAtTheSameTimeGetsDifferentKeys(t *testing.T) {
	play(t, func(w *world) {
		g := w.sells("GAME", digital.KindKey, digital.GoodsInput{})
		w.keys(g, codes(25)...)
		// Thirty orders for twenty-five keys, all paid at once.
		var wait sync.WaitGroup
		for i := range 30 {
			wait.Go(func() {
				r := w.bought(fmt.Sprint("S-", i), "GAME", 1, care.PaymentPaid)
				if a, err := w.shop.Apply(w.t.Context(), shop, []care.Record{r}, commerce.ApplyOptions{}); err != nil || len(a.Errors) > 0 {
					w.t.Error(err, a.Errors)
				}
			})
		}
		wait.Wait()
		settle := func() {
			for range 5 { // those who found the last keys in others' hands look again
				w.rest()
				w.clock.Move(2 * time.Second)
			}
			w.rest()
		}
		settle()
		if n := w.count(`SELECT count(DISTINCT key_id) FROM digital_pieces WHERE state = 'delivered'`); n != 25 {
			w.t.Errorf("%d keys are given", n)
		}
		if n := w.count(`SELECT count(*) FROM digital_pieces WHERE state = 'short'`); n != 5 {
			w.t.Errorf("%d orders are short", n)
		}
		if n := w.count(`SELECT count(*) FROM digital_keys WHERE state = 'given'`); n != 25 {
			w.t.Errorf("%d keys are taken", n)
		}
		// More come in: who waited gets them, and nobody anything twice.
		w.keys(g, codes(40)...)
		settle()
		if n, all := w.count(`SELECT count(DISTINCT key_id) FROM digital_pieces WHERE state = 'delivered'`), w.count(`SELECT count(*) FROM digital_pieces`); n != 30 || all != 30 {
			w.t.Errorf("%d of %d", n, all)
		}
	})
}

func TestOldOrdersAreNotDeliveredByThemselves(t *testing.T) {
	play(t, func(w *world) {
		g := w.sells("OTHER", digital.KindKey, digital.GoodsInput{})
		w.keys(g, codes(3)...)
		old := w.bought("O-1", "GAME", 2, care.PaymentPaid)
		w.tell(old)
		game := w.sells("GAME", digital.KindKey, digital.GoodsInput{})
		w.keys(game, codes(5)...)
		again := *old.Data.(*care.ShopOrder)
		again.Note = "a word"
		w.tell(care.Record{Kind: care.KindOrder, ExternalID: "O-1", UpdatedAt: w.clock.Now(), Data: &again})
		w.apply(commerce.ApplyOptions{Backfill: true}, w.bought("O-2", "GAME", 1, care.PaymentPaid))
		w.rest()
		if n := w.count(`SELECT count(*) FROM digital_pieces`); n != 0 {
			w.t.Fatalf("%d pieces of old orders", n)
		}
		if list, err := w.Deliver(w.t.Context(), w.by, w.order("O-1")); err != nil || len(list) != 2 || list[1].State != digital.Delivered {
			w.t.Errorf("%+v %v", list, err)
		}
		if _, err := w.Deliver(w.t.Context(), w.by, w.order("O-1")); !errors.Is(err, care.Conflict("goods.nothing_due")) {
			w.t.Errorf("%v", err)
		}
	})
}

func TestAFileIsFetchedSoOftenAndNoMore(t *testing.T) {
	play(t, func(w *world) {
		g := w.sells("BOOK", digital.KindFile, digital.GoodsInput{MaxDownloads: 2, LinkDays: 3})
		w.tell(w.bought("F-1", "BOOK", 1, care.PaymentPaid))
		if got := w.pieces("F-1"); got[0].State != digital.Short {
			w.t.Fatalf("%+v", got)
		}
		if _, err := w.SetFile(w.t.Context(), w.by, g.ID, "../книга.pdf", "application/pdf", strings.NewReader("the book"), 8); err != nil {
			w.t.Fatal(err)
		}
		w.rest()
		piece := w.pieces("F-1")[0]
		if piece.State != digital.Delivered || piece.Masked != "книга.pdf" {
			w.t.Fatalf("%+v", piece)
		}
		link := w.Link(w.order("F-1"), w.clock.Now().AddDate(0, 0, 3))
		token := strings.TrimPrefix(link, "https://opeka.example"+digital.PagePath)
		fetch := func(token string) error {
			d, err := w.Fetch(w.t.Context(), token, piece.ID)
			if err != nil {
				return err
			}
			defer d.Close()
			if b, err := io.ReadAll(d); err != nil || string(b) != "the book" || d.Name != "книга.pdf" {
				w.t.Errorf("%q %v", b, err)
			}
			return nil
		}
		if fetch(token) != nil || fetch(token) != nil || !errors.Is(fetch(token), care.Conflict("goods.downloads_used")) {
			w.t.Error("the limit doesn't hold")
		}
		if _, err := w.SendAgain(w.t.Context(), w.by, w.order("F-1")); err != nil || fetch(token) != nil {
			w.t.Errorf("sent again: %v", err)
		}
		for _, wrong := range []string{"", "x", token[1:], token[:len(token)-2] + "AA", w.Link(1, w.clock.Now().AddDate(1, 0, 0))[len("https://opeka.example/g/"):]} {
			if err := fetch(wrong); !errors.Is(err, care.NotFound("")) {
				w.t.Errorf("%q: %v", wrong, err)
			}
		}
		w.clock.Move(4 * 24 * time.Hour)
		if p, err := w.ByToken(w.t.Context(), token); err != nil || !p.Expired || len(p.Pieces) != 0 || !errors.Is(fetch(token), care.Conflict("goods.link_expired")) {
			w.t.Errorf("%+v %v", p, err)
		}
	})
}

func TestTheShopsOwnDeliveryIsAskedOnceForEachPiece(t *testing.T) {
	play(t, func(w *world) {
		var mu sync.Mutex
		asked := map[string]int{}
		fail := true
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			var q digital.Request
			if json.NewDecoder(r.Body).Decode(&q) != nil || r.Header.Get("Idempotency-Key") != q.ActionID || !strings.HasPrefix(r.Header.Get("X-Signature"), "t=") {
				rw.WriteHeader(http.StatusBadRequest)
				return
			}
			asked[q.Action+"/"+q.ActionID]++
			switch {
			case fail:
				fail = false
				rw.WriteHeader(http.StatusBadGateway)
			case q.Order == "R-2":
				_ = json.NewEncoder(rw).Encode(digital.Answer{State: "refused", Reason: "немає квот"})
			default:
				_ = json.NewEncoder(rw).Encode(digital.Answer{State: "done", Content: fmt.Sprintf("LICENCE-%s-%d", q.Order, q.Unit)})
			}
		}))
		defer server.Close()
		w.sells("SAAS", digital.KindAction, digital.GoodsInput{ActionURL: server.URL, ActionSecret: "s3cret"})
		w.tell(w.bought("R-1", "SAAS", 2, care.PaymentPaid))
		for range 8 {
			w.clock.Move(time.Minute)
			w.rest()
		}
		got := w.pieces("R-1")
		if len(got) != 2 || got[0].State != digital.Delivered || got[1].State != digital.Delivered {
			w.t.Fatalf("%+v", got)
		}
		if s, err := w.Reveal(w.t.Context(), w.by, got[1].ID); err != nil || s != "LICENCE-R-1-2" {
			w.t.Errorf("%q %v", s, err)
		}
		w.tell(w.bought("R-2", "SAAS", 1, care.PaymentPaid))
		if got := w.pieces("R-2"); got[0].State != digital.Failed || got[0].Problem != "немає квот" || w.events(care.EventGoodsShort) != 1 {
			w.t.Errorf("%+v", got)
		}
		w.clock.Move(time.Second)
		w.tell(w.bought("R-1", "SAAS", 2, care.PaymentRefunded))
		mu.Lock()
		defer mu.Unlock()
		if n := asked["withdraw/back-"+fmt.Sprint(got[0].ID)]; n != 1 {
			w.t.Errorf("%v", asked)
		}
	})
}

func TestAPlaceInALetterIsFilledOnlyIfWeMadeIt(t *testing.T) {
	play(t, func(w *world) {
		g := w.sells("GAME", digital.KindKey, digital.GoodsInput{})
		w.keys(g, "<b>&KEY-0001")
		w.tell(w.bought("A-1", "GAME", 1, care.PaymentPaid))
		piece := w.pieces("A-1")[0]
		place := w.Place(piece.ID, piece.Kind, "0001")
		fill := func(store int64, s string, html bool) string {
			out, err := w.Fill(w.t.Context(), store, s, html)
			if err != nil {
				w.t.Fatal(err)
			}
			return out
		}
		if got := fill(store, "Ваш ключ: "+place+".", false); got != "Ваш ключ: <b>&KEY-0001." {
			w.t.Errorf("%q", got)
		}
		if got := fill(store, place, true); got != "&lt;b&gt;&amp;KEY-0001" {
			w.t.Errorf("%q", got)
		}
		if got := w.Bare("Ваш ключ: " + place); got != "Ваш ключ: ••••0001" {
			w.t.Errorf("%q", got)
		}
		forged := strings.Replace(place, fmt.Sprint(piece.ID), fmt.Sprint(piece.ID+1), 1)
		for _, s := range []string{fill(8, place, false), fill(store, forged, false), fill(store, "⟦goods:"+fmt.Sprint(piece.ID)+":AAAAAAAAAAAAAAAAAAAAAA|x⟧", false)} {
			if strings.Contains(s, "KEY-0001") {
				w.t.Errorf("%q", s)
			}
		}
		w.clock.Move(time.Second)
		w.tell(w.bought("A-1", "GAME", 1, care.PaymentRefunded))
		if got := fill(store, place, false); got != "••••0001" {
			w.t.Errorf("a key that was taken back goes out: %q", got)
		}
	})
}

func FuzzReadKeys(f *testing.F) {
	f.Add("key\nAAAA\nBBBB;x\n")
	f.Add("\ufeffкод\t1\n\"a\nb\"\n")
	f.Fuzz(func(t *testing.T, s string) {
		keys, wrong, err := digital.ReadKeys(s)
		if err == nil && len(keys)+len(wrong) > strings.Count(s, "\n")+1 {
			t.Errorf("%d keys and %d wrong rows of %q", len(keys), len(wrong), s)
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"state":"done","content":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := digital.ReadAnswer(b); err == nil && a.State == "done" && a.Content == "" {
			t.Error("done without content")
		}
	})
}
