package inbox_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/inbox"
)

// on runs a benchmark on both engines. OPEKA_BENCH_CONVERSATIONS says how many the lists have (default 2,000).
func on(b *testing.B, f func(b *testing.B, h *house)) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) {
			d, clock := dbtest.Open(b, e)
			f(b, newHouse(b, d, clock))
		})
	}
}

const text190 = "Доброго дня! Підкажіть, будь ласка, коли буде відправлено моє замовлення, бо я вже чекаю третій день і дуже хвилююся, що не встигну отримати його до свята. Дякую за відповідь наперед!"

// in32 runs f b.N times by 32 workers.
func in32(b *testing.B, f func(n int64) error) {
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	cpu := cpuTime()
	for range 32 {
		wg.Go(func() {
			for {
				k := n.Add(1)
				if k > int64(b.N) {
					return
				}
				if err := f(k); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-us/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
}

// cpuTime is what this process has used: on a machine that others use too it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkReceive(b *testing.B) {
	on(b, func(b *testing.B, h *house) {
		const visitors = 2000
		for v := range visitors {
			h.receive(h.from("v"+strconv.Itoa(v), "перше"))
		}
		in32(b, func(int64) error {
			_, err := h.inbox.Receive(context.Background(), h.from("v"+strconv.Itoa(rand.IntN(visitors)), text190))
			return err
		})
	})
}

func BenchmarkReceiveFirst(b *testing.B) {
	on(b, func(b *testing.B, h *house) {
		in32(b, func(n int64) error {
			_, err := h.inbox.Receive(context.Background(), h.from("v"+strconv.FormatInt(n, 10), text190))
			return err
		})
	})
}

func BenchmarkReply(b *testing.B) {
	on(b, func(b *testing.B, h *house) {
		olha := h.agent("Ольга", "offline")
		const visitors = 2000
		ids := make([]int64, visitors)
		for v := range visitors {
			ids[v] = h.receive(h.from("v"+strconv.Itoa(v), "перше")).Conversation
		}
		in32(b, func(n int64) error {
			_, err := h.inbox.Say(context.Background(), olha, ids[rand.IntN(visitors)], inbox.Answer{Kind: inbox.KindReply, Body: text190, ClientID: "c" + strconv.FormatInt(n, 10)})
			return err
		})
	})
}

// seed makes n conversations with 4 messages each: 40 % open, 20 % unassigned, half chat half mail, over 90 days.
func (h *house) seed(n int, agents []int64, messages bool) {
	h.t.Helper()
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields(text190)
	base := db.At(h.clock.Now().Add(-90 * 24 * time.Hour))
	step := int64(90*24*time.Hour/time.Microsecond) / int64(n)
	counts := map[[2]any]int64{}
	for from := 0; from < n; from += 200 {
		err := h.db.Write(ctx, db.System, func(tx *db.Tx) error {
			for k := from; k < min(from+200, n); k++ {
				id, at := tx.ID(), base+db.Time(int64(k)*step)
				status, channel := inbox.Resolved, care.ChannelChat
				if k%5 < 2 {
					status = inbox.Open
				}
				if k%2 == 0 {
					channel = care.ChannelEmail
				}
				var assignee int64
				if r.IntN(5) > 0 {
					assignee = agents[r.IntN(len(agents))]
				}
				counts[[2]any{assignee, status}]++
				person := int64(k/3 + 1)
				if k%3 == 0 {
					tx.Defer(`INSERT INTO customers (id, store_id, name, created_at, updated_at) VALUES ($1, $2, $3, 1, 1)`, person, h.store, "Олена Коваль")
				}
				var waiting db.Time
				if status == inbox.Open && k%10 == 0 {
					waiting = at
				}
				tx.Defer(`INSERT INTO conversations (id, store_id, number, version, status, channel, thread, latest, previous_id, customer_id, identity_hash,
subject, language, queue_id, team_id, assignee_id, declined_id, priority, topic_id, tags, preview, preview_from, last_seq, last_customer_seq, unread,
read_seq_agent, read_seq_customer, page_hash, created_at, last_message_at, listed_at, waiting_since_at, deadline_at, first_response_at, snoozed_until_at, resolved_at)
VALUES ($1, $2, $3, 1, $4, $5, $6, TRUE, 0, $7, 0, 'Замовлення', 'uk', 0, 0, $8, 0, 0, 0, '[]', $9, 'customer', 4, 3, 1, 0, 0, 0, $10, $10, $10, $11, 0, 0, 0, 0)`,
					id, h.store, int64(k+1), status, channel, "s"+strconv.Itoa(k), person, assignee, text190, at, waiting)
				for m := range 4 {
					if !messages {
						break
					}
					body := make([]string, 0, 32)
					for range 30 {
						body = append(body, words[r.IntN(len(words))])
					}
					if k%1000 == 0 && m == 0 {
						body = append(body, "TTN"+strconv.Itoa(20450000000+k))
					}
					mid := tx.ID()
					tx.Defer(`INSERT INTO messages (id, store_id, conversation_id, seq, kind, sender, author_id, body, html, attachments, client_id, delivery, delivery_reason, code, params, created_at)
VALUES ($1, $2, $3, $4, 'reply', 'customer', $5, $6, '', 0, '', '', '', '', '{}', $7)`, mid, h.store, id, int64(m+1), person, strings.Join(body, " "), at)
					tx.Defer(`INSERT INTO messages_unindexed (message_id) VALUES ($1)`, mid)
				}
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	err := h.db.Write(ctx, db.System, func(tx *db.Tx) error {
		for k, c := range counts {
			shards := int64(4) // as spread as it would be
			if k[0] == int64(0) {
				shards = 16
			}
			for shard := range shards {
				part := c / shards
				if shard == 0 {
					part += c % shards
				}
				tx.Defer(`INSERT INTO conversation_counts (store_id, queue_id, assignee_id, status, shard, n) VALUES ($1, 0, $2, $3, $4, $5)`, h.store, k[0], k[1], shard, part)
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if h.db.Engine == db.Postgres {
		h.exec(`ANALYZE`)
	}
}

// lap measures f by 8 workers and reports the percentiles.
func lap(b *testing.B, f func() error) {
	took := make([]time.Duration, b.N)
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	cpu := cpuTime()
	for range 8 {
		wg.Go(func() {
			for {
				k := n.Add(1)
				if k > int64(b.N) {
					return
				}
				begun := time.Now()
				if err := f(); err != nil {
					b.Error(err)
					return
				}
				took[k-1] = time.Since(begun)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-us/op")
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

func conversationsOfBench() int {
	n, _ := strconv.Atoi(os.Getenv("OPEKA_BENCH_CONVERSATIONS"))
	if n == 0 {
		n = 2000
	}
	return n
}

func BenchmarkInbox(b *testing.B) {
	on(b, func(b *testing.B, h *house) {
		var agents []int64
		var scope care.Scope
		for n := range 20 {
			scope = h.agent(fmt.Sprint("Agent ", n), "offline")
			agents = append(agents, scope.Agent)
		}
		begun := time.Now()
		h.seed(conversationsOfBench(), agents, os.Getenv("OPEKA_BENCH_SEARCH") != "")
		b.Logf("seeded in %v", time.Since(begun))
		for _, view := range []string{inbox.ViewAll, inbox.ViewOpen, inbox.ViewUnassigned, inbox.ViewMine} {
			b.Run("first page with counts/"+view, func(b *testing.B) {
				lap(b, func() error {
					if _, err := h.inbox.Counts(context.Background(), scope, 0); err != nil {
						return err
					}
					p, err := h.inbox.List(context.Background(), scope, inbox.Filter{View: view})
					if err == nil && len(p.Items) < 50 && view != inbox.ViewMine {
						return fmt.Errorf("%d rows", len(p.Items))
					}
					return err
				})
			})
		}
		b.Run("first page/waiting", func(b *testing.B) {
			lap(b, func() error {
				_, err := h.inbox.List(context.Background(), scope, inbox.Filter{Sort: inbox.SortWaiting})
				return err
			})
		})
		if os.Getenv("OPEKA_BENCH_SEARCH") == "" {
			return
		}
		begun = time.Now()
		total := 0
		for {
			n, err := h.inbox.Index(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			if total += n; n == 0 {
				break
			}
		}
		b.Logf("indexed %d in %v", total, time.Since(begun))
		if h.db.Engine == db.Postgres {
			h.exec(`ANALYZE`)
		}
		for name, q := range map[string]string{"common word": "замовлення", "two common words": "дякую замовлення", "rare token": "TTN20450001000", "nothing": "ксилофон"} {
			b.Run("search/"+name, func(b *testing.B) {
				lap(b, func() error {
					_, err := h.inbox.List(context.Background(), scope, inbox.Filter{View: inbox.ViewAll, Text: q})
					return err
				})
			})
		}
	})
}
