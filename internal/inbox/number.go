package inbox

import (
	"context"
	"sync"
	"time"

	"opeka/internal/db"
)

const drawNumbers = `INSERT INTO conversation_numbers (store_id, last) VALUES ($1, $2)
ON CONFLICT (store_id) DO UPDATE SET last = conversation_numbers.last + excluded.last RETURNING last`

// number gives a new conversation its number, unless it has one. It is called last: the number's row is locked until the commit.
func (e *edit) number() error {
	if e.now.Number != 0 {
		return nil
	}
	return e.QueryRow(e.ctx, drawNumbers, e.now.Store, int64(1)).Scan(&e.now.Number)
}

// numbers draws numbers ahead of the transactions that use them, where there are several writers: each would otherwise wait for the
// commit of the one before. A store in which conversations begin seldom draws them one by one; where they come fast, in blocks, of which a node that
// stops may leave the rest unused.
type numbers struct {
	db     *db.DB
	mu     sync.Mutex
	stores map[int64]*numberBlock
}

type numberBlock struct {
	mu         sync.Mutex
	next, last int64
	size       int64
	drawn      time.Time
}

const (
	maxNumberBlock  = 64
	fastNumberBlock = time.Second // a block used up within it is followed by a larger one
)

// next returns a number that no other conversation of the store has or will have.
func (n *numbers) next(ctx context.Context, store int64) (int64, error) {
	n.mu.Lock()
	b := n.stores[store]
	if b == nil {
		b = &numberBlock{next: 1}
		n.stores[store] = b
	}
	n.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next > b.last {
		now, size := n.db.Now(), int64(1)
		if now.Sub(b.drawn) < fastNumberBlock {
			size = min(b.size*2, maxNumberBlock)
		}
		var last int64
		err := n.db.Write(ctx, db.System, func(tx *db.Tx) error {
			return tx.QueryRow(ctx, drawNumbers, store, size).Scan(&last)
		})
		if err != nil {
			return 0, err
		}
		b.next, b.last, b.size, b.drawn = last-size+1, last, size, now
	}
	b.next++
	return b.next - 1, nil
}
