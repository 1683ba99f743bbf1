package dbtest

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"

	"opeka/internal/db"
)

// large are the tables that grow with a shop's customers.
var large = func() map[string]bool {
	m := map[string]bool{}
	for _, t := range strings.Fields(`events jobs audit find_things find_keys find_words customers identities consents merges
variants products stock_levels carts orders order_lines payments payment_steps shipments checkpoints refunds returns order_history invoices
hook_deliveries conversations conversation_pages conversation_tags messages drafts attachments visits webhook_deliveries notices notice_sends exceptions tasks`) {
		m[t] = true
	}
	return m
}()

var fresh struct { // the program's statements that no test has looked at
	sync.Mutex
	sql []string
}

func init() {
	db.WatchStatements(func(sql string) {
		if !ofTest() {
			fresh.Lock()
			fresh.sql = append(fresh.sql, sql)
			fresh.Unlock()
		}
	})
}

// ofTest tells whether a test itself asks, and not the program that it tests.
func ofTest() bool {
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.File, "_test.go") {
			return true
		}
		if !more || strings.HasPrefix(f.Function, "opeka/") && !strings.HasPrefix(f.Function, "opeka/internal/db") {
			return false
		}
	}
}

// noFullScans fails the test when the program has run a statement that reads the whole of a large table: it is quick
// here and slow in a shop.
func noFullScans(t testing.TB, d *db.DB) {
	fresh.Lock()
	statements := fresh.sql
	fresh.sql = nil
	fresh.Unlock()
	for _, s := range statements {
		if plan := d.FullScan(context.Background(), s, func(table string) bool { return large[table] }); plan != "" {
			t.Errorf("%s in %s", plan, s)
		}
	}
}
