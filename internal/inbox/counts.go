package inbox

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Counts are how many conversations each view and each queue holds.
type Counts struct {
	Views  []ViewCount  `json:"views"`
	Queues []QueueCount `json:"queues"`
}

// ViewCount is the size of a view.
type ViewCount struct {
	Key   string `json:"key" enum:"open,mine,unassigned,pending,snoozed,resolved,all"`
	Count int64  `json:"count"`
}

// QueueCount is how many open conversations a queue has.
type QueueCount struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Store int64  `json:"store_id"`
	Open  int64  `json:"open"`
}

// Counts returns the exact sizes of the views of one store, or of all of the caller's when store is 0.
func (i *Inbox) Counts(ctx context.Context, scope care.Scope, store int64) (Counts, error) {
	stores, err := readable(scope, store)
	if err != nil {
		return Counts{}, err
	}
	q := i.db.Read()
	rows, err := q.Query(ctx, `SELECT queue_id, status, sum(n)::bigint, sum(CASE WHEN assignee_id = 0 THEN n ELSE 0 END)::bigint, sum(CASE WHEN assignee_id = $2 THEN n ELSE 0 END)::bigint
FROM conversation_counts WHERE store_id = ANY($1::bigint[]) GROUP BY queue_id, status`, stores, mineOr(scope))
	if err != nil {
		return Counts{}, err
	}
	by := map[string]int64{}
	open := map[int64]int64{}
	for rows.Next() {
		var queue, n, nobodys, mine int64
		var status string
		if err := rows.Scan(&queue, &status, &n, &nobodys, &mine); err != nil {
			rows.Close()
			return Counts{}, err
		}
		by[status] += n
		by[ViewAll] += n
		if status == Open {
			by[ViewUnassigned] += nobodys
			by[ViewMine] += mine
			open[queue] += n
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return Counts{}, err
	}
	var c Counts
	for _, v := range views {
		c.Views = append(c.Views, ViewCount{v, by[v]})
	}
	queues, err := queuesOf(ctx, q, stores)
	if err != nil {
		return Counts{}, err
	}
	c.Queues = make([]QueueCount, len(queues))
	for n, q := range queues {
		c.Queues[n] = QueueCount{q.ID, q.Name, q.Store, open[q.ID]}
	}
	return c, nil
}

// readable is the stores of the scope in which it may read conversations, narrowed to one unless only is 0.
func readable(scope care.Scope, only int64) ([]int64, error) {
	if only != 0 {
		if err := scope.Check(only, care.PermInboxRead); err != nil {
			return nil, err
		}
	}
	return scope.StoresWith(care.PermInboxRead, only), nil
}

// mineOr is the agent of the scope, or an id that nobody has: 0 would mean unassigned.
func mineOr(scope care.Scope) int64 {
	if scope.Agent == 0 {
		return -1
	}
	return scope.Agent
}

// Recount compares the kept counters with the conversations themselves; the differences are for doctor to
// report, and empty when all is well.
func Recount(ctx context.Context, q db.Querier) (wrong int64, err error) {
	err = q.QueryRow(ctx, `SELECT count(*) FROM (
SELECT store_id, queue_id, assignee_id, status, sum(n) AS n FROM (
  SELECT store_id, queue_id, assignee_id, status, n FROM conversation_counts
  UNION ALL SELECT store_id, queue_id, assignee_id, status, -count(*) FROM conversations GROUP BY store_id, queue_id, assignee_id, status) AS parts
GROUP BY store_id, queue_id, assignee_id, status HAVING sum(n) <> 0) AS differing`).Scan(&wrong)
	return wrong, err
}
