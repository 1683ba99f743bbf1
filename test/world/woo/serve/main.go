// Command serve runs the fake WooCommerce shop by itself, for tests that aren't written in Go. It prints one line of JSON with its address and
// keys, delivers its hooks as they come, and ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"testing"
	"time"

	"opeka/test/world/woo"
)

// life stands in for a test: the shop closes with the program.
type life struct{ testing.TB }

func (life) Helper()        {}
func (life) Cleanup(func()) {}

func main() {
	shop := woo.New(life{})
	item, _ := shop.AddProduct(woo.Product{Name: "Ліхтар «Зоря»", SKU: "ZORIA", Price: "1190.00", Stock: 12})
	who := woo.Person{First: "Олена", Last: "Коваль", Email: "olena@example.com", Phone: "0501112233", City: "Київ", Country: "UA"}
	customer := shop.AddCustomer(who)
	var orders []int64
	for range 3 {
		orders = append(orders, shop.Place(woo.Order{Customer: customer, Person: who, Items: map[int64]int64{item: 2}, Method: "cod"}))
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"url": shop.URL, "key": woo.Key, "secret": woo.Secret, "orders": orders})
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			shop.Deliver(context.Background())
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
