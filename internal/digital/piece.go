package digital

import (
	"context"
	"errors"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Piece is what an order's customer was given, or is owed. What it is stays hidden here.
type Piece struct {
	ID           int64   `json:"id"`
	Store        int64   `json:"store_id"`
	Order        int64   `json:"order_id"`
	Goods        int64   `json:"goods_id"`
	Name         string  `json:"name"`
	Kind         string  `json:"kind" enum:"key,file,action"`
	State        string  `json:"state" enum:"waiting,short,delivered,failed,withdrawn"`
	Masked       string  `json:"masked" doc:"The key's end, or the file's name"`
	Downloads    int64   `json:"downloads"`
	MaxDownloads int64   `json:"max_downloads"`
	Problem      string  `json:"problem" doc:"What the shop's own delivery said"`
	SeenAt       db.Time `json:"seen_at" doc:"When the customer first looked at it on our page"`
	DeliveredAt  db.Time `json:"delivered_at"`
	WithdrawnAt  db.Time `json:"withdrawn_at"`
	CreatedAt    db.Time `json:"created_at"`
	Instructions string  `json:"-"`
	key          int64
	content      []byte
	blob, file   string
	fileType     string
	size         int64
	linkDays     int64
}

// mask is how a hint is shown.
func mask(kind, hint string) string {
	switch {
	case kind == KindFile:
		return hint
	case hint == "":
		return "••••"
	}
	return "••••" + hint
}

func (g *Digital) pieces(ctx context.Context, q db.Querier, where string, args ...any) ([]Piece, error) {
	rows, err := q.Query(ctx, `SELECT x.id, x.store_id, x.order_id, x.goods_id, x.name, x.kind, x.state, x.hint, x.downloads, coalesce(g.max_downloads, 0), x.problem, x.seen_at, x.delivered_at, x.withdrawn_at, x.created_at,
coalesce(g.instructions, ''), x.key_id, x.content, coalesce(g.blob_key, ''), coalesce(g.file_name, ''), coalesce(g.file_type, ''), coalesce(g.file_size, 0), coalesce(g.link_days, 30)
FROM digital_pieces x LEFT JOIN digital_goods g ON g.id = x.goods_id WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Piece{}
	for rows.Next() {
		var p Piece
		var hint string
		if err := rows.Scan(&p.ID, &p.Store, &p.Order, &p.Goods, &p.Name, &p.Kind, &p.State, &hint, &p.Downloads, &p.MaxDownloads, &p.Problem, &p.SeenAt, &p.DeliveredAt, &p.WithdrawnAt, &p.CreatedAt,
			&p.Instructions, &p.key, &p.content, &p.blob, &p.file, &p.fileType, &p.size, &p.linkDays); err != nil {
			return nil, err
		}
		if p.State == Delivered || p.State == Withdrawn {
			p.Masked = mask(p.Kind, hint)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// order finds an order of the caller's stores.
func (g *Digital) order(ctx context.Context, s care.Scope, id int64, p care.Permission) (store int64, number string, err error) {
	err = g.db.Read().QueryRow(ctx, `SELECT store_id, number FROM orders WHERE id = $1`, id).Scan(&store, &number)
	if errors.Is(err, db.ErrNoRows) || err == nil && !s.In(store) {
		return 0, "", care.NotFound("order")
	}
	if err != nil {
		return 0, "", err
	}
	return store, number, s.Check(store, p)
}

// OfOrder lists what an order's customer was given.
func (g *Digital) OfOrder(ctx context.Context, s care.Scope, order int64) ([]Piece, error) {
	if _, _, err := g.order(ctx, s, order, care.PermCommerceRead); err != nil {
		return nil, err
	}
	return g.pieces(ctx, g.db.Read(), `x.order_id = $1 ORDER BY x.id LIMIT 1000`, order)
}

// Reveal opens a piece for an agent; that he looked is on record.
func (g *Digital) Reveal(ctx context.Context, by account.By, id int64) (content string, err error) {
	list, err := g.pieces(ctx, g.db.Read(), `x.id = $1`, id)
	if err != nil {
		return "", err
	}
	if len(list) == 0 || !by.In(list[0].Store) {
		return "", care.NotFound("piece")
	}
	p := list[0]
	if err := by.Check(p.Store, care.PermCommerceWrite); err != nil {
		return "", err
	}
	err = g.db.Write(ctx, by.Actor(), func(tx *db.Tx) (err error) {
		if content, err = g.open(ctx, tx, &p); err != nil {
			return err
		}
		g.o.Audit(tx, by, p.Store, "goods.revealed", p.ID, p.Name, nil, map[string]any{"order_id": p.Order, "masked": p.Masked})
		return nil
	})
	return content, err
}

// open reads what a piece is.
func (g *Digital) open(ctx context.Context, q db.Querier, p *Piece) (string, error) {
	if p.State != Delivered && p.State != Withdrawn {
		return "", care.Conflict("goods.not_delivered")
	}
	if p.Kind == KindFile {
		return p.file, nil
	}
	if p.Kind == KindAction {
		b, err := g.o.Sealer.Open(p.content, "digital piece "+itoa(p.ID))
		return string(b), err
	}
	var seal []byte
	if err := q.QueryRow(ctx, `SELECT seal FROM digital_keys WHERE id = $1`, p.key).Scan(&seal); err != nil {
		return "", missing(err, "piece")
	}
	b, err := g.o.Sealer.Open(seal, bound(p.key))
	return string(b), err
}

// SendAgain tells the customer once more, by the store's policy, and lets him fetch files anew.
func (g *Digital) SendAgain(ctx context.Context, by account.By, order int64) ([]Piece, error) {
	store, number, err := g.order(ctx, by.Scope, order, care.PermCommerceWrite)
	if err != nil {
		return nil, err
	}
	err = g.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		o, err := g.stand(ctx, tx, order)
		if err != nil {
			return err
		}
		batch := tx.ID()
		tag, err := tx.Exec(ctx, `UPDATE digital_pieces SET batch = $1, downloads = 0 WHERE order_id = $2 AND state = 'delivered'`, batch, order)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("goods.not_delivered")
		}
		g.o.Audit(tx, by, store, "goods.sent_again", order, number, nil, nil)
		g.emit(tx, &o, care.EventGoodsDelivered, batch)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g.OfOrder(ctx, by.Scope, order)
}

// Deliver gives an order what it wouldn't get by itself: it is older than its goods' being electronic, or the shop's delivery had refused. It must be paid for.
func (g *Digital) Deliver(ctx context.Context, by account.By, order int64) ([]Piece, error) {
	store, number, err := g.order(ctx, by.Scope, order, care.PermCommerceWrite)
	if err != nil {
		return nil, err
	}
	err = g.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		o, err := g.stand(ctx, tx, order)
		if err != nil {
			return err
		}
		if !o.Paid || o.Over {
			return care.Conflict("goods.not_paid")
		}
		if len(decide(o.standing, true).Give) == 0 {
			return care.Conflict("goods.nothing_due")
		}
		g.o.Audit(tx, by, store, "goods.delivered_by_hand", order, number, nil, nil)
		return g.look(ctx, tx, order, true)
	})
	if err != nil {
		return nil, err
	}
	return g.OfOrder(ctx, by.Scope, order)
}
