// Package demo gives Opeka a shop to serve: a storefront with the widget on it, an engine that sells and ships, and
// shoppers who look, order, pay and ask. It stands outside of the house like any shop does: it knows Opeka by its public
// doors only (the API, the generic shop API, the widget's requests) and never touches its tables.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"opeka/internal/app"
	"opeka/internal/db"
	"opeka/internal/demo/town"
	"opeka/internal/peer"
)

// The demo's people sign in with these; they are printed at the start.
const (
	Email    = "olena@stezhka.example"
	Password = "stezhka-demo"
)

// Command runs Opeka with its demo shop.
type Command struct {
	app.Config
	Shop string `help:"Address of the demo's storefront." default:"127.0.0.1:8081" env:"OPEKA_DEMO_SHOP"`
	Town string `help:"Address of the demo's telephone network (SIP); it takes another port of that address if that one is taken." default:"127.0.0.1:5070" env:"OPEKA_DEMO_TOWN"`
	Days int    `help:"Days of history to live through at the first start." default:"5"`
}

// Run implements the command.
func (c *Command) Run(ctx context.Context) error {
	c.AllowPrivate = true // the storefront is on this machine
	if c.LogLevel == "info" {
		c.LogLevel = "warn"
	}
	listener, err := net.Listen("tcp", c.Shop)
	if err != nil {
		return fmt.Errorf("demo shop: %w", err)
	}
	defer listener.Close()
	if err := os.MkdirAll(c.Data, 0o750); err != nil {
		return err
	}
	front := "http://" + listener.Addr().String()
	keep, err := openKeep(c.Data)
	if err != nil {
		return err
	}
	if !keep.Ready {
		if err := c.past(ctx, front, keep); err != nil {
			return fmt.Errorf("demo: living through the past days: %w", err)
		}
	}
	return c.present(ctx, listener, front, keep)
}

// past makes the installation and lives through some days with a moved clock, so that the demo has a history.
func (c *Command) past(ctx context.Context, front string, k *keep) error {
	clock := db.NewMovableClock(time.Now().AddDate(0, 0, -c.Days))
	fmt.Printf("First start: living through %d days of a shop ...\n", c.Days)
	return c.during(ctx, clock, func(ctx context.Context, a *app.App, url string) error {
		office := peer.NewOffice(url)
		if err := k.install(ctx, office, url); err != nil {
			return err
		}
		w, err := c.world(ctx, a, url, front, k)
		if err != nil {
			return err
		}
		if err := w.days(ctx, clock, c.Days, office, k); err != nil {
			return err
		}
		k.Ready = true
		return k.save()
	})
}

// present serves until it is interrupted.
func (c *Command) present(ctx context.Context, l net.Listener, front string, k *keep) error {
	if k.TownPassword == "" {
		k.TownPassword = newSecret()
	}
	t, err := openTown(c.Town, k.TownPassword)
	if err != nil {
		return fmt.Errorf("demo: the telephone network: %w", err)
	}
	defer t.Close()
	c.SIPListen, c.PhoneListen = freePorts(c.SIPListen), freePort(c.PhoneListen)
	return c.during(ctx, db.RealClock{}, func(ctx context.Context, a *app.App, url string) error {
		w, err := c.world(ctx, a, url, front, k)
		if err != nil {
			return err
		}
		office := peer.NewOffice(url)
		if err := office.SignIn(ctx, Email, Password); err != nil {
			return fmt.Errorf("demo: the owner can't sign in (was the password changed? delete %s to begin anew): %w", c.Data, err)
		}
		settle(t, w.shop.state.People)
		if err := k.connectTelephone(ctx, office, t.Addr()); err != nil {
			return fmt.Errorf("demo: the telephone: %w", err)
		}
		if !k.Waiting {
			if err := w.shoppers.wait(ctx, k); err != nil {
				return fmt.Errorf("demo: shoppers who wait for goods: %w", err)
			}
		}
		handler, err := newStorefront(w.shop, url, k.Identity, &telephone{t, w.shop, office})
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(l) }()
		defer server.Close()
		fmt.Printf(welcome, url, Email, Password, front, front, url, c.Data)
		w.shoppers.live(ctx, func() int64 { return open(ctx, office) })
		return nil
	})
}

const welcome = `
  Console     %s/app/
  Sign in     %s   password: %s
  Storefront  %s/   (the chat button is on it)
  Telephones  %s/telephone   (of the shoppers)
  API         %s/api/v1/docs

Try the telephone: in the console go to the telephone and set yourself to ready (headphones help). Then, on the page of the telephones,
  - "Привезти 5 шт." brings in what has run out: the first shopper who waits for it is rung at once, and you have him on the line when he answers;
  - "Зателефонувати в магазин" has a shopper ring in; "Натиснути 1" keeps his place, and he is rung in his turn.

Stop with Ctrl+C; delete %s to begin anew.

`

// openTown opens the telephone network at an address, or on another port of it.
func openTown(address, password string) (*town.Town, error) {
	return town.Open(freePort(address), townAccount, password, slog.Default())
}

// freePort returns the address, with any port (0) when that one is taken.
func freePort(address string) string {
	for _, network := range []string{"udp", "tcp"} {
		var c io.Closer
		var err error
		if network == "udp" {
			c, err = net.ListenPacket(network, address)
		} else {
			c, err = net.Listen(network, address)
		}
		if err == nil {
			_ = c.Close()
			continue
		}
		if host, _, bad := net.SplitHostPort(address); bad == nil {
			return net.JoinHostPort(host, "0")
		}
	}
	return address
}

func freePorts(addresses []string) []string {
	out := slices.Clone(addresses)
	for i, a := range out {
		if !strings.Contains(strings.TrimLeft(a, "[0123456789abcdef:.]"), ":") { // without a transport before it
			out[i] = freePort(a)
		}
	}
	return out
}

// during runs Opeka while f does something with it, and closes it in order.
func (c *Command) during(ctx context.Context, clock db.Clock, f func(context.Context, *app.App, string) error) error {
	config := c.Config
	a, err := app.New(ctx, config, app.Options{Clock: clock})
	if err != nil {
		return err
	}
	defer a.Close()
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- a.Run(serving, func(address string) { ready <- address }) }()
	var url string
	select {
	case err := <-ended:
		return err
	case url = <-ready:
	}
	err = f(serving, a, url)
	stop()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, <-ended)
}

// world is the shop with its shoppers, connected to a running Opeka.
type world struct {
	shop     *shop
	pusher   *pusher
	shoppers *shoppers
	log      *slog.Logger
}

func (c *Command) world(ctx context.Context, a *app.App, url, front string, k *keep) (*world, error) {
	p := newPusher(&peer.Shop{URL: url, Connection: k.Connection, Secret: k.Secret, HTTP: peer.Client(), Now: a.DB.Now}, a.Log)
	s, err := openShop(c.Data, a.DB.Now, p.tell)
	if err != nil {
		return nil, fmt.Errorf("demo shop: %w", err)
	}
	go p.run(ctx)
	return &world{s, p, newShoppers(s, url, front, k.Identity, a.Log), a.Log}, nil
}

const unanswered = 9

// days lives through the past in half hours: orders by day, questions, and agents who answer most of them.
func (w *world) days(ctx context.Context, clock *db.MovableClock, days int, office *peer.Office, k *keep) error {
	w.pusher.tell(w.shop.everything()...)
	w.pusher.flush()
	if err := k.electronic(ctx, office); err != nil {
		return err
	}
	r := w.shoppers.rand
	var waiting []talk
	for step := range days * 48 {
		hour := clock.Now().In(kyiv).Hour()
		w.shop.advance()
		if hour >= 8 && hour < 23 {
			for range r.IntN(3) {
				w.shoppers.order()
			}
			if r.IntN(100) < 40 {
				t, err := w.shoppers.ask(ctx)
				if err != nil {
					return err
				}
				waiting = append(waiting, t)
			}
		}
		if step%9 == 0 {
			w.shop.restock()
		}
		// The newest questions are left unanswered: that is where whoever tries the demo begins.
		for hour >= 9 && hour < 22 && len(waiting) > unanswered {
			if err := w.answer(ctx, office, waiting[0]); err != nil {
				return err
			}
			waiting = waiting[1:]
		}
		if step%48 == 47 {
			fmt.Printf("  day %d of %d\n", step/48+1, days)
		}
		w.pusher.flush() // what is signed must arrive before the clock moves
		clock.Move(30 * time.Minute)
	}
	for _, t := range waiting {
		if t.topic == "stock" {
			return k.askWarehouse(ctx, office, t)
		}
	}
	return nil
}

// answer is what the demo's agents did with a question in the past: reply, hear thanks, close.
func (w *world) answer(ctx context.Context, office *peer.Office, t talk) error {
	r := w.shoppers.rand
	path := fmt.Sprintf("/conversations/%d/messages", t.said.Conversation)
	language := w.shop.state.People[t.person].language
	say := func(body string, resolve bool) error {
		return office.Do(ctx, http.MethodPost, path, map[string]any{"kind": "reply", "body": body, "resolve": resolve, "client_id": fmt.Sprintf("demo-%d", time.Now().UnixNano())}, nil)
	}
	if err := say(looking[language], false); err != nil {
		return err
	}
	if err := t.file(ctx, office); err != nil {
		return err
	}
	if r.IntN(100) < 60 {
		if err := w.shoppers.thank(ctx, t); err != nil {
			return err
		}
	}
	return say(answers[t.topic][language], r.IntN(100) < 85)
}

var kyiv = func() *time.Location {
	l, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		return time.UTC
	}
	return l
}()
