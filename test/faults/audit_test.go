package faults_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/webhook"
)

// looker reads the database of a program that runs.
type looker struct {
	t *testing.T
	d *sql.DB
}

func reader(t *testing.T, p *program) looker {
	driver, address := "pgx", p.database
	if p.database == "" {
		driver, address = "sqlite", "file:"+(&url.URL{Path: filepath.Join(p.data, "opeka.db")}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)"
	}
	d, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	return looker{t, d}
}

func (l looker) close() { _ = l.d.Close() }

func (l looker) count(q string, at db.Time) (n int64) {
	if err := l.d.QueryRowContext(l.t.Context(), q, int64(at)).Scan(&n); err != nil {
		l.t.Errorf("%s: %v", q, err)
	}
	return n
}

func eventOf(body []byte) int64 {
	var e struct {
		ID int64 `json:"event_id"`
	}
	_ = json.Unmarshal(body, &e)
	return e.ID
}

// audit compares what is there with what everybody was told.
func audit(t *testing.T, p *program, l *load, told *listener) {
	d := open(t, p)
	each := func(q string, args []any, dest []any, f func()) {
		t.Helper()
		rows, err := d.Read().Query(t.Context(), q, args...)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			f()
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	none := func(what, q string, args ...any) {
		t.Helper()
		var n int64
		if err := d.Read().QueryRow(t.Context(), q, args...).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d %s, %v", n, what, err)
		}
	}

	// Messages: what was acknowledged, once, under the number that was told; nothing else.
	found := map[string]int{}
	var client string
	var m said
	each(`SELECT client_id, conversation_id, seq, id FROM messages WHERE client_id <> ''`, nil, []any{&client, &m.conversation, &m.seq, &m.id}, func() {
		found[client]++
		if l.said[client] != m {
			t.Errorf("message %s is %v, and was acknowledged as %v", client, m, l.said[client])
		}
	})
	for client := range l.said {
		if found[client] != 1 {
			t.Errorf("message %s is there %d times", client, found[client])
		}
	}
	none("conversations have gaps in their numbers", `SELECT count(*) FROM (SELECT c.id FROM conversations c JOIN messages m ON m.conversation_id = c.id
GROUP BY c.id, c.last_seq HAVING count(*) <> c.last_seq OR min(m.seq) <> 1 OR max(m.seq) <> c.last_seq) AS bad`)
	none("customers' messages without their one event", `SELECT count(*) FROM (SELECT m.id FROM messages m LEFT JOIN events e ON e.subject_id = m.id AND e.type = 'message.received'
WHERE m.sender = 'customer' GROUP BY m.id HAVING count(e.id) <> 1) AS bad`)
	none("agents' messages without their one event", `SELECT count(*) FROM (SELECT m.id FROM messages m LEFT JOIN events e ON e.subject_id = m.id AND e.type = 'message.sent'
WHERE m.sender = 'agent' GROUP BY m.id HAVING count(e.id) <> 1) AS bad`)

	// Orders: once, in their newest state.
	orders := func(connection int64, want map[string]string) {
		t.Helper()
		found := map[string]int{}
		var id, status string
		each(`SELECT external_id, raw_status FROM orders WHERE connection_id = $1`, []any{connection}, []any{&id, &status}, func() {
			found[id]++
			if want[id] != "" && want[id] != status {
				t.Errorf("order %s is %q, and was told as %q", id, status, want[id])
			}
		})
		for id := range want {
			if found[id] != 1 {
				t.Errorf("order %s is there %d times", id, found[id])
			}
		}
	}
	orders(l.shop.Connection, l.orders)
	orders(l.wooConn, l.pushed)
	none("orders without their one line", `SELECT count(*) FROM (SELECT o.id FROM orders o LEFT JOIN order_lines i ON i.order_id = o.id GROUP BY o.id HAVING count(i.id) <> 1) AS bad`)
	none("orders without their one event", `SELECT count(*) FROM (SELECT o.id FROM orders o LEFT JOIN events e ON e.subject_id = o.id AND e.type = 'order.created' GROUP BY o.id HAVING count(e.id) <> 1) AS bad`)
	for id, have := range l.stock {
		var n int64
		if err := d.Read().QueryRow(t.Context(), `SELECT s.on_hand FROM stock_levels s JOIN locations l ON l.id = s.location_id WHERE l.connection_id = $1 AND l.external_id = $2`,
			l.shop.Connection, id[len("boots-38@"):]).Scan(&n); err != nil || n != have {
			t.Errorf("stock of %s is %d, want %d, %v", id, n, have, err)
		}
	}

	// Whoever wanted to be told was told of everything, each event under one id.
	told.mu.Lock()
	defer told.mu.Unlock()
	for i, w := range told.wrong {
		if i < 5 {
			t.Error("webhook: ", w)
		}
	}
	var event, delivery int64
	var state string
	events := 0
	each(`SELECT e.id, coalesce(d.id, 0), coalesce(d.state, 'none') FROM events e LEFT JOIN webhook_deliveries d ON d.event_id = e.id
WHERE e.type = ANY($1::text[]) AND e.id > (SELECT min(id) FROM webhook_endpoints)`, []any{webhook.Events}, []any{&event, &delivery, &state}, func() {
		events++
		if state != webhook.Delivered || told.events[event] != fmt.Sprint("msg_", delivery) {
			t.Errorf("event %d: delivery %d is %s, and came as %q", event, delivery, state, told.events[event])
		}
	})
	if len(told.events) != events {
		t.Errorf("%d events were told, %d have happened", len(told.events), events)
	}

	// Nothing is left, and the counters count.
	none("jobs are left running or dead", `SELECT count(*) FROM jobs WHERE state <> 'ready'`)
	none("messages can't be searched", `SELECT count(*) FROM messages_unindexed`)
	if wrong, err := inbox.Recount(t.Context(), d.Read()); err != nil || wrong != 0 {
		t.Errorf("%d counters are wrong, %v", wrong, err)
	}
	if len(l.said) < 100 || len(l.orders) < 50 || len(l.pushed) < 5 {
		t.Errorf("too little was done to prove anything: %d messages, %d orders, %d orders by hook", len(l.said), len(l.orders), len(l.pushed))
	}
	t.Logf("%d lives ended by force: %d messages, %d orders by batch, %d by hook, %d events told", lives, len(l.said), len(l.orders), len(l.pushed), events)
}
