package post

import (
	"context"
	"time"

	"opeka/internal/db"
	"opeka/internal/job"
)

const (
	keepPushes  = 30 * 24 * time.Hour
	forgetBatch = 500
)

// forget drops what services pushed a month ago and nobody will ask for any more. Letters stay: their raw form is what proves what was written.
func (p *Post) forget(ctx context.Context, _ job.Job) (job.Done, error) {
	for {
		rows, err := p.db.Read().Query(ctx, `SELECT x.id, x.raw_key FROM post_pushes x
WHERE x.received_at < $1 AND x.channel <> 'email' AND NOT EXISTS (SELECT 1 FROM post_arrivals a WHERE a.push_id = x.id AND a.state IN ('waiting', 'dead'))
ORDER BY x.received_at LIMIT $2`, db.At(p.db.Now().Add(-keepPushes)), int64(forgetBatch))
		if err != nil {
			return nil, err
		}
		var ids []int64
		var keys []string
		for rows.Next() {
			var id int64
			var key string
			if err := rows.Scan(&id, &key); err != nil {
				rows.Close()
				return nil, err
			}
			ids = append(ids, id)
			if key != "" {
				keys = append(keys, key)
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil || len(ids) == 0 {
			return nil, err
		}
		err = p.db.Write(ctx, db.System, func(tx *db.Tx) error {
			tx.Defer(`DELETE FROM post_arrivals WHERE push_id = ANY($1::bigint[])`, ids)
			tx.Defer(`DELETE FROM post_pushes WHERE id = ANY($1::bigint[])`, ids)
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			if err := p.o.Files.Delete(ctx, key); err != nil {
				return nil, err
			}
		}
	}
}
