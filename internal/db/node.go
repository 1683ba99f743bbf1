package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A node number keeps the ids of nodes on one database apart. It is leased: a node that dies
// gives it back by not renewing. The lease row also remembers how far ids went, so that
// a clock set back between two starts can't make one twice.
const (
	nodeLease   = 60 * time.Second
	nodeRenewal = 10 * time.Second
)

type node struct {
	number int64
	since  Time // with number: who we are, among those that had the number
	stop   chan struct{}
	lost   chan struct{}
	once   sync.Once
	ended  sync.WaitGroup
}

// Node is the number of this process among those on the same database, from 0.
func (d *DB) Node() int64 { return d.node.number }

// Lost is closed when the node's number couldn't be renewed in time: the program must stop, since another may have taken it.
func (d *DB) Lost() <-chan struct{} { return d.node.lost }

// takeNode leases the smallest free number. Leases go by the real clock: they concern processes, not the shop's time.
func (d *DB) takeNode(ctx context.Context) error {
	for n := int64(0); n < MaxNodes; n++ {
		now := At(RealClock{}.Now())
		var highWater Time
		err := d.Write(ctx, System, func(tx *Tx) error {
			// On SQLite there is one process, so a lease left by a crash is ours again at once.
			return tx.QueryRow(ctx, `INSERT INTO nodes (id, since_at, lease_until_at, ids_until_at) VALUES ($1, $2, $3, $2)
ON CONFLICT (id) DO UPDATE SET since_at = excluded.since_at, lease_until_at = excluded.lease_until_at
WHERE nodes.lease_until_at < excluded.since_at OR $4 RETURNING ids_until_at`,
				n, now, now.Add(nodeLease), d.Engine == SQLite).Scan(&highWater)
		})
		if errors.Is(err, ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("db: node number: %w", err)
		}
		d.ids.mu.Lock()
		d.ids.node = n
		d.ids.mu.Unlock()
		d.ids.notBefore(highWater.Time())
		d.node = &node{number: n, since: now, stop: make(chan struct{}), lost: make(chan struct{})}
		if err := d.renewNode(ctx); err != nil {
			return err
		}
		d.node.ended.Go(d.keepNode)
		return nil
	}
	return fmt.Errorf("db: all %d node numbers are taken; stop a node or wait a minute", MaxNodes)
}

// renewNode extends the lease and notes that ids up to its end may be in use.
func (d *DB) renewNode(ctx context.Context) error {
	until := At(RealClock{}.Now()).Add(nodeLease)
	return d.Write(ctx, System, func(tx *Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE nodes SET lease_until_at = $1, ids_until_at = greatest(ids_until_at, $1) WHERE id = $2 AND since_at = $3`,
			until, d.node.number, d.node.since)
		if err == nil && tag.RowsAffected() == 0 {
			return errNodeTaken
		}
		return err
	})
}

var errNodeTaken = errors.New("db: this node's number was taken by another")

func (d *DB) keepNode() {
	t := time.NewTicker(nodeRenewal)
	defer t.Stop()
	good := time.Now()
	for {
		select {
		case <-d.node.stop:
			return
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), nodeRenewal)
		err := d.renewNode(ctx)
		cancel()
		switch {
		case err == nil:
			good = time.Now()
		case errors.Is(err, errNodeTaken) || time.Since(good) > nodeLease-2*nodeRenewal:
			d.log.Error("node number lost", "node", d.node.number, "err", err)
			close(d.node.lost)
			return
		default:
			d.log.Warn("node number not renewed", "node", d.node.number, slog.Any("err", err))
		}
	}
}

func (d *DB) leaveNode() {
	if d.node == nil {
		return
	}
	d.node.once.Do(func() {
		close(d.node.stop)
		d.node.ended.Wait()
		now := At(RealClock{}.Now())
		_ = d.Write(context.Background(), System, func(tx *Tx) error {
			_, err := tx.Exec(context.Background(), `UPDATE nodes SET lease_until_at = 0, ids_until_at = $1 WHERE id = $2 AND since_at = $3`, now.Add(time.Second), d.node.number, d.node.since)
			return err
		})
	})
}
