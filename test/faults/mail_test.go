package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/peer"
	"opeka/test/world/ports"
)

// eachEngine runs a story with the database of each engine.
func eachEngine(t *testing.T, story func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { story(t, "") })
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv("OPEKA_TEST_POSTGRES") == "" {
			t.Skip("no PostgreSQL: set OPEKA_TEST_POSTGRES=postgres://... (make test starts one)")
		}
		story(t, dbtest.URL(t, db.Postgres))
	})
}

// withMailbox sets a store up that has a mailbox.
func withMailbox(t *testing.T, p *program, settings map[string]any) (office *peer.Office, store int64) {
	t.Helper()
	p.spawn()
	p.serving()
	office = peer.NewOffice(p.url)
	store, _, err := office.SetUp(t.Context(), "Стежка", "olena@example.com", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if err := office.Do(t.Context(), http.MethodPost, "/connections", map[string]any{"store_id": store, "plug": "email", "name": "Пошта", "settings": settings}, nil); err != nil {
		t.Fatal(err)
	}
	return office, store
}

// lettersOnce demands that each letter is there once, as the only message of the only conversation with its subject.
func lettersOnce(t *testing.T, p *program, letters int) {
	t.Helper()
	d := open(t, p)
	rows, err := d.Read().Query(t.Context(), `SELECT l.mail_id, count(*), count(DISTINCT l.conversation_id) FROM letters l GROUP BY l.mail_id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id string
		var messages, conversations int
		if err := rows.Scan(&id, &messages, &conversations); err != nil {
			t.Fatal(err)
		}
		n++
		if messages != 1 || conversations != 1 {
			t.Errorf("the letter %s is there %d times", id, messages)
		}
	}
	var talks, dead int
	if err := d.Read().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM post_arrivals WHERE state <> 'done')`).Scan(&talks, &dead); err != nil {
		t.Fatal(err)
	}
	if n != letters || talks != letters || dead != 0 {
		t.Errorf("%d letters in %d conversations, and %d that nobody took, instead of %d", n, talks, dead, letters)
	}
}

// handOver is a mail server's attempt to deliver.
func handOver(door, letter string, to ...string) error {
	c, err := smtp.Dial(door)
	if err != nil {
		return err
	}
	defer c.Close()
	c.CommandTimeout, c.SubmissionTimeout = 20*time.Second, 20*time.Second
	if err := c.SendMail("c@example.com", to, strings.NewReader(letter)); err != nil {
		return err
	}
	_ = c.Quit()
	return nil
}

// Servers hand letters over while the program is killed again and again. What was answered with 250 is there, once; what wasn't the servers bring
// again, as servers do, and then it is there once too.
func TestKilledWhileLettersAreHandedOver(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	eachEngine(t, func(t *testing.T, database string) {
		const servers, each, lives = 4, 40, 8
		p := newProgram(t, database)
		door := ports.Address(t)
		p.more = []string{"--mail-listen", door}
		withMailbox(t, p, map[string]any{"address": "help@shop.example", "aliases": "info@shop.example"})
		var taken, refused atomic.Int64
		var last atomic.Value
		began := time.Now()
		news := make(chan struct{}, 1) // a letter was taken
		var all sync.WaitGroup
		for s := range servers {
			all.Go(func() {
				for n := range each {
					id := fmt.Sprintf("%d-%d@mail.example.com", s, n)
					letter := fmt.Sprintf("From: Customer %d <c%d-%d@example.com>\r\nTo: help@shop.example\r\nSubject: Question %d of %d\r\nMessage-ID: <%s>\r\n\r\n%s\r\n",
						s, s, n, n, s, id, strings.Repeat("When will it come? ", 1+n*30))
					for {
						err := handOver(door, letter, "help@shop.example", "info@shop.example")
						if err == nil {
							taken.Add(1)
							select {
							case news <- struct{}{}:
							default:
							}
							break
						}
						refused.Add(1)
						last.Store(err.Error())
						if time.Since(began) > 3*time.Minute || !pause(t.Context(), 20*time.Millisecond) {
							return
						}
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		// A life ends by how much was taken in it, not by the clock: a quick machine would leave no letter for the next.
		killed := 0
		for ; killed < lives; killed++ {
			enough := int64(killed+1) * servers * each / (lives + 2)
			for over := false; !over && taken.Load() < enough; {
				select {
				case <-done:
					over = true
				case <-news:
				}
			}
			pause(t.Context(), rand.N(20*time.Millisecond))
			p.kill()
			p.spawn()
			p.serving()
		}
		<-done
		t.Logf("%d letters were taken, %d attempts failed (%v), the program was killed %d times", taken.Load(), refused.Load(), last.Load(), killed)
		d := reader(t, p)
		wait(t, "the end of reading", func() bool {
			return d.count(`SELECT count(*) FROM post_arrivals WHERE state = 'waiting' AND received_at < $1`, db.At(time.Now().Add(time.Hour))) == 0
		})
		d.close()
		p.stop()
		lettersOnce(t, p, servers*each)
	})
}
