package phone

import (
	"context"
	"sync"
	"time"
)

// awaited knows which variants somebody waits for, so that the stock of a whole catalogue can change without a job for each piece. It errs on the side
// of a job: a list older than awaitedAge is read anew, and while it can't be, everything is awaited. What another node's customers began to wait for within
// that time isn't missed either: a new wish looks at the stock itself.
type awaited struct {
	mu   sync.Mutex
	set  map[int64]bool
	read time.Time
}

const awaitedAge = 2 * time.Second

// Awaited tells whether somebody waits for the variant. It may be asked within a transaction.
func (p *Phone) Awaited(variant int64) bool {
	p.awaited.mu.Lock()
	defer p.awaited.mu.Unlock()
	if now := time.Now(); p.awaited.set == nil || now.Sub(p.awaited.read) > awaitedAge {
		rows, err := p.db.Read().Query(context.Background(), `SELECT DISTINCT variant_id FROM stock_subscriptions WHERE state IN ('waiting', 'allotted', 'told')`)
		if err != nil {
			return true
		}
		defer rows.Close()
		set := map[int64]bool{}
		for rows.Next() {
			var id int64
			if rows.Scan(&id) != nil {
				return true
			}
			set[id] = true
		}
		if rows.Err() != nil {
			return true
		}
		p.awaited.set, p.awaited.read = set, now
	}
	return p.awaited.set[variant]
}

// forgetAwaited makes the list be read anew: this node's customers have begun to wait for something.
func (p *Phone) forgetAwaited() {
	p.awaited.mu.Lock()
	defer p.awaited.mu.Unlock()
	p.awaited.set = nil
}
