package faults_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/peer"
	"opeka/test/world/woo"
)

// said is a message as the program acknowledged it.
type said struct{ conversation, seq, id int64 }

// load is everybody who uses the program at once, and what they were told. Each of them sends again what isn't acknowledged, as
// the widget, the console and a careful shop do.
type load struct {
	t       *testing.T
	program *program
	office  *peer.Office
	store   int64
	slug    string
	shop    *peer.Shop
	woo     *woo.Shop
	wooConn int64

	mu     sync.Mutex
	said   map[string]said   // by client id
	orders map[string]string // the shop's orders and their newest status
	stock  map[string]int64  // by external id
	pushed map[string]string // WooCommerce's orders, as the last acknowledged hook left them

	stopped chan struct{} // no new work; what is begun is brought to its end
	work    sync.WaitGroup
}

func (l *load) over() bool {
	select {
	case <-l.stopped:
		return true
	default:
		return false
	}
}

// until repeats f until the program has acknowledged it, however often it dies meanwhile.
func (l *load) until(what string, f func(ctx context.Context) error) bool {
	ctx := l.t.Context()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); {
		err := once(ctx, f)
		if err == nil {
			return true
		}
		if !passing(err) {
			l.t.Errorf("%s: %v", what, err)
			return false
		}
		if !pause(ctx, 30*time.Millisecond) {
			return false
		}
	}
	l.t.Errorf("%s is never acknowledged", what)
	return false
}

func once(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return f(ctx)
}

// passing tells whether it is worth trying again: no answer, or one that says so.
func passing(err error) bool {
	var refused *peer.Refused
	return !errors.As(err, &refused) || refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusTooManyRequests
}

func (l *load) begin() {
	for n := range 6 {
		l.work.Go(func() { l.visitors(n) })
	}
	for n := range 3 {
		l.work.Go(func() { l.agent(n) })
	}
	for n := range 3 {
		l.work.Go(func() { l.seller(n) })
	}
	l.work.Go(l.woocommerce)
}

// end lets everybody finish.
func (l *load) end() {
	close(l.stopped)
	l.work.Wait()
}

func (l *load) acknowledged(client string, s said) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said[client] = s
}

// visitors come one after another; each says a few things.
func (l *load) visitors(n int) {
	client := peer.Client()
	for v := 0; !l.over(); v++ {
		visitor := &peer.Visitor{URL: l.program.url, Store: l.slug, HTTP: client}
		if !l.until("a visitor's session", func(ctx context.Context) error { return visitor.Arrive(ctx, "uk", "http://shop.example/", nil) }) {
			return
		}
		for m := 0; m < 8 && !l.over(); m++ {
			id := fmt.Sprintf("v-%d-%d-%d", n, v, m)
			var got peer.Said
			if !l.until("a visitor's message", func(ctx context.Context) (err error) {
				got, err = visitor.Say(ctx, id, fmt.Sprintf("Чи є розмір %d? (%s)", 36+m, id), "http://shop.example/boots")
				return err
			}) {
				return
			}
			l.acknowledged(id, said{got.Conversation, got.Seq, got.ID})
			pause(l.t.Context(), 25*time.Millisecond)
		}
	}
}

// agent answers whatever is open.
func (l *load) agent(n int) {
	for m := 0; !l.over(); {
		var open struct {
			Items []struct {
				ID int64 `json:"id"`
			} `json:"items"`
		}
		if !l.until("the inbox", func(ctx context.Context) error {
			return l.office.Do(ctx, http.MethodGet, "/conversations?view=open&limit=30", nil, &open)
		}) {
			return
		}
		for i := n; i < len(open.Items) && !l.over(); i += 3 {
			m++
			id := fmt.Sprintf("a-%d-%d", n, m)
			var got struct {
				ID           int64 `json:"id"`
				Seq          int64 `json:"seq"`
				Conversation int64 `json:"conversation_id"`
			}
			if !l.until("an agent's answer", func(ctx context.Context) error {
				return l.office.Do(ctx, http.MethodPost, fmt.Sprintf("/conversations/%d/messages", open.Items[i].ID),
					map[string]any{"kind": "reply", "body": "Так, є. " + id, "client_id": id, "resolve": m%4 == 0}, &got)
			}) {
				return
			}
			l.acknowledged(id, said{got.Conversation, got.Seq, got.ID})
		}
		pause(l.t.Context(), 25*time.Millisecond)
	}
}

// batch is what a shop must still tell.
type batch struct {
	key    string
	items  []peer.Item
	orders map[string]string
	stock  map[string]int64
}

// seller is a shop that tells of new orders, of changes to old ones, and of its stock. A batch without an answer
// is sent again with its key, while later ones overtake it.
func (l *load) seller(n int) {
	statuses := []string{"new", "confirmed", "packed", "shipped", "delivered", "completed"}
	step := map[string]int{}
	var waiting []batch
	send := func(b batch) bool {
		err := once(l.t.Context(), func(ctx context.Context) error {
			taken, err := l.shop.Batch(ctx, b.key, b.items)
			for _, r := range taken.Results {
				if r.Code != "" {
					l.t.Errorf("the shop's %s is refused: %s %s", r.ID, r.Code, r.Message)
				}
			}
			return err
		})
		if err != nil && !passing(err) {
			l.t.Error("a batch: ", err)
		}
		return err == nil
	}
	for round := 0; !l.over() || len(waiting) > 0; round++ {
		if l.t.Context().Err() != nil {
			return
		}
		if !l.over() && len(waiting) < 20 {
			waiting = append(waiting, l.batch(n, round, statuses, step))
		}
		slices.Reverse(waiting) // the newest first: what is older must not undo it
		waiting = slices.DeleteFunc(waiting, send)
		slices.Reverse(waiting)
		pause(l.t.Context(), 60*time.Millisecond)
	}
}

func (l *load) batch(n, round int, statuses []string, step map[string]int) batch {
	b := batch{key: rand.Text(), orders: map[string]string{}, stock: map[string]int64{}}
	at := time.Now().UTC()
	for i := range 4 {
		id := fmt.Sprintf("o-%d-%d-%d", n, round, i)
		if i >= 2 { // an order of an earlier batch goes on
			if round == 0 {
				continue
			}
			id = fmt.Sprintf("o-%d-%d-%d", n, max(0, round-1-i), i-2)
			if _, twice := b.orders[id]; twice {
				continue
			}
		}
		status := statuses[min(step[id], len(statuses)-1)]
		step[id]++
		b.orders[id] = status
		who := fmt.Sprintf("%d-%d", n, round%7)
		total := care.Money{Amount: 129900, Currency: "UAH"}
		b.items = append(b.items, peer.Item{Kind: care.KindOrder, Op: "upsert", ID: id, At: at, Data: care.ShopOrder{
			Number: id, RawStatus: status, Currency: "UAH", Total: total, PlacedAt: at,
			Customer: care.CustomerRef{ExternalID: "c-" + who, Name: "Олена Коваль", Email: who + "@example.com"},
			Lines:    []care.ShopLine{{ExternalID: id + "-1", Variant: "boots-38", SKU: "BOOTS-38", Name: "Черевики", Quantity: 1, Price: total, Total: total}},
		}})
	}
	level := fmt.Sprintf("boots-38@place-%d", n)
	b.stock[level] = int64(round)
	b.items = append(b.items, peer.Item{Kind: care.KindStock, Op: "upsert", ID: level, At: at, Data: care.ShopStock{Variant: "boots-38", Location: fmt.Sprintf("place-%d", n), OnHand: int64(round)}})
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, status := range b.orders {
		l.orders[id] = status
	}
	for id, have := range b.stock {
		l.stock[id] = have
	}
	return b
}

// woocommerce sells on, and its signed hooks tell of it. A hook that wasn't taken is lost, as with the real one: the order
// changes once more, until the program has heard of its last change.
func (l *load) woocommerce() {
	product, _ := l.woo.AddProduct(woo.Product{Name: "Шапка", SKU: "CAP", Price: "399.00", Stock: 1 << 30})
	for !l.over() {
		order := l.woo.Place(woo.Order{Person: woo.Person{First: "Ада", Last: "Зоря", Email: "ada@example.com"}, Items: map[int64]int64{product: 1}, Method: "liqpay"})
		l.woo.Pay(order, fmt.Sprint("TX-", order))
		status := "processing"
		for !l.delivered() {
			if l.t.Context().Err() != nil {
				return
			}
			l.program.waitReady(l.t.Context()) // seven failures in a row would switch the hook off
			if status = "on-hold"; time.Now().UnixNano()%2 == 0 {
				status = "processing"
			}
			l.woo.SetStatus(order, "cancelled")
			l.woo.SetStatus(order, status)
		}
		l.mu.Lock()
		l.pushed[fmt.Sprint(order)] = status
		l.mu.Unlock()
		pause(l.t.Context(), 150*time.Millisecond)
	}
}

func (l *load) delivered() bool {
	answers := l.woo.Deliver(l.t.Context())
	for _, a := range answers {
		if a != http.StatusOK {
			return false
		}
	}
	return len(answers) > 0
}

// waitReady waits for a life of the program that serves, or the end of the test.
func (p *program) waitReady(ctx context.Context) {
	for !p.ready(ctx) && pause(ctx, 20*time.Millisecond) {
	}
}
