package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"opeka/internal/peer"
)

// What shoppers and agents say to each other while both are there.

// crowd are visitors with open sockets, each with a conversation.
type crowd struct {
	visitors []*peer.Visitor
	sockets  []*peer.Socket
	said     []peer.Said
	client   *http.Client
	hang     context.CancelFunc
	heard    sync.WaitGroup
}

// gather opens n widgets. Each frame that a widget hears goes to hear. With talk each has said a first word.
func (d *desk) gather(ctx context.Context, n int, talk bool, hear func(frame []byte)) (*crowd, error) {
	listening, hang := context.WithCancel(ctx)
	c := &crowd{visitors: make([]*peer.Visitor, n), sockets: make([]*peer.Socket, n), said: make([]peer.Said, n), client: peer.Client(), hang: hang}
	_, err := counted(ctx, 16, int64(n), func(ctx context.Context, _ int, k int64) (err error) {
		v := &peer.Visitor{URL: d.url, Store: d.Slug, HTTP: c.client}
		if err := v.Arrive(ctx, "uk", "https://shop.example/", nil); err != nil {
			return err
		}
		if talk {
			if c.said[k], err = v.Say(ctx, "first", "Доброго дня!", "https://shop.example/"); err != nil {
				return err
			}
		}
		if c.sockets[k], err = v.Listen(ctx); err != nil {
			return err
		}
		c.visitors[k] = v
		c.heard.Go(func() { _ = c.sockets[k].Hear(listening, hear) })
		return nil
	})
	if err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

func (c *crowd) leave() {
	c.hang()
	for _, s := range c.sockets {
		if s != nil {
			s.Close()
		}
	}
	c.heard.Wait()
	c.client.CloseIdleConnections()
}

// arrivals are when marked messages came to a socket.
type arrivals struct {
	at    []atomic.Int64 // by number, in nanoseconds after begun
	begun time.Time
}

func newArrivals(n int) *arrivals { return &arrivals{at: make([]atomic.Int64, n), begun: time.Now()} }

var marker, message = []byte("bench#"), []byte(`"t":"message"`)

// hear finds the numbers of marked messages in a frame.
func (a *arrivals) hear(frame []byte) {
	now := int64(time.Since(a.begun))
	for _, line := range bytes.Split(frame, []byte("\n")) {
		if !bytes.Contains(line, message) {
			continue
		}
		_, rest, found := bytes.Cut(line, marker)
		if !found {
			continue
		}
		end := bytes.IndexByte(rest, '#')
		if n, err := strconv.Atoi(string(rest[:max(end, 0)])); err == nil && n < len(a.at) {
			a.at[n].CompareAndSwap(0, now)
		}
	}
}

// lap waits for the last ones and tells how long each took from when it was due, and how many never came.
func (a *arrivals) lap(due []time.Time) (l lap, lost int) {
	for wait := time.Now(); time.Since(wait) < 10*time.Second && a.missing() > 0; {
		time.Sleep(50 * time.Millisecond)
	}
	for n := range a.at {
		if at := a.at[n].Load(); at != 0 {
			l.took = append(l.took, a.begun.Add(time.Duration(at)).Sub(due[n]))
		} else {
			lost++
		}
	}
	return l, lost
}

func (a *arrivals) missing() (n int) {
	for k := range a.at {
		if a.at[k].Load() == 0 {
			n++
		}
	}
	return n
}

var visitorSendRow = row{name: "visitor-send", what: "visitor's send to agent's socket", peer: "7.8 ms; saturated at 1,685", measure: func(ctx context.Context, b *bench) error {
	return b.withDesk(ctx, 1_000, func(d *desk) error {
		widgets := b.smaller(1_000, 200)
		c, err := d.gather(ctx, widgets, false, func([]byte) {})
		if err != nil {
			return err
		}
		defer c.leave()
		for _, load := range []struct {
			rate int
			bar  float64
		}{{50, 10}, {b.smaller(400, 100), 50}} {
			t := b.shorter(10 * time.Second)
			total := int(t.Seconds() * float64(load.rate))
			heard, due := newArrivals(total), make([]time.Time, total)
			desk, err := d.office.Listen(ctx)
			if err != nil {
				return err
			}
			listening, hang := context.WithCancel(ctx)
			go func() { _ = desk.Hear(listening, heard.hear) }()
			err = paced(ctx, load.rate, t, func(ctx context.Context, n int, at time.Time) error {
				due[n] = at
				_, err := c.visitors[n%widgets].Say(ctx, fmt.Sprint(load.rate, "-", n), fmt.Sprintf("bench#%d# Коли буде доставка?", n), "https://shop.example/")
				return err
			})
			l, lost := heard.lap(due)
			hang()
			desk.Close()
			if err != nil {
				return err
			}
			b.atMost(fmt.Sprintf("%d widgets, %d/s, p99", widgets, load.rate), l.quantile(0.99), "ms", load.bar, fmt.Sprintf("p50 %.1f ms, %d of %d lost", l.quantile(0.5), lost, total))
		}
		return nil
	})
}}

var agentSendRow = row{name: "agent-send", what: "agent's send to visitor's socket, 200/s", peer: "59 ms; -", measure: func(ctx context.Context, b *bench) error {
	for _, load := range []struct {
		widgets int
		bar     float64
	}{{b.smaller(1_000, 200), 20}, {b.smaller(5_000, 400), 100}} {
		err := b.withDesk(ctx, 1_000, func(d *desk) error {
			const rate = 200
			t := b.shorter(10 * time.Second)
			total := int(t.Seconds() * rate)
			heard, due := newArrivals(total), make([]time.Time, total)
			c, err := d.gather(ctx, load.widgets, true, heard.hear)
			if err != nil {
				return err
			}
			defer c.leave()
			err = paced(ctx, rate, t, func(ctx context.Context, n int, at time.Time) error {
				due[n] = at
				return d.office.Do(ctx, http.MethodPost, fmt.Sprintf("/conversations/%d/messages", c.said[n*7%load.widgets].Conversation),
					map[string]any{"kind": "reply", "body": fmt.Sprintf("bench#%d# Вже в дорозі.", n), "client_id": strconv.Itoa(n)}, nil)
			})
			l, lost := heard.lap(due)
			if err != nil {
				return err
			}
			b.atMost(fmt.Sprintf("%d widgets, p99", load.widgets), l.quantile(0.99), "ms", load.bar, fmt.Sprintf("p50 %.1f ms", l.quantile(0.5)))
			b.nothing(fmt.Sprintf("%d widgets, lost of %d", load.widgets, total), lost)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}}

var memoryRow = row{name: "memory", what: "memory", peer: "51 KB; 60 + 51 + 7 MB", measure: func(ctx context.Context, b *bench) error {
	s, err := b.seeded(ctx, 1_000)
	if err != nil {
		return err
	}
	p, err := serve(ctx, s.dir, "") // nobody signs in: hashing a password takes memory for a while
	if err != nil {
		return err
	}
	defer p.stop()
	d := &desk{program: p, seed: s}
	time.Sleep(3 * time.Second)
	idle := d.memory()
	b.atMost("the program, idle", idle/1024, "MB", 80)
	widgets := b.smaller(5_000, 500)
	c, err := d.gather(ctx, widgets, false, func([]byte) {})
	if err != nil {
		return err
	}
	defer c.leave()
	time.Sleep(2 * time.Second)
	b.atMost(fmt.Sprintf("each of %d connected visitors", widgets), (d.memory()-idle)/float64(widgets), "KB", 35)
	return nil
}}

// withDesk serves a seed while f does something with it.
func (b *bench) withDesk(ctx context.Context, conversations int, f func(d *desk) error) error {
	s, err := b.seeded(ctx, conversations)
	if err != nil {
		return err
	}
	d, err := b.open(ctx, s, "")
	if err != nil {
		return err
	}
	return errors.Join(f(d), d.stop())
}
