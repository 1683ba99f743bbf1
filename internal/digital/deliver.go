package digital

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
)

// standing is what an order's delivery is decided by.
type standing struct {
	Paid  bool // confirmed, not only authorised
	Over  bool // the money went back, or the order is called off
	Wants []want
	Has   []held
}

// want is so many pieces of a variant; Late ones were ordered before the variant became electronic.
type want struct {
	Goods, Variant, Quantity int64
	Name, Kind               string
	Late                     bool
}

// held is a piece that exists.
type held struct {
	ID, Goods, Variant, Unit int64
	Kind, State              string
}

// plan is what is to be done.
type plan struct {
	Give     []piece // new ones, and those that were short
	Withdraw []held
}

type piece struct {
	want
	ID, Unit int64 // ID 0: it doesn't exist yet
}

// most is how many pieces of a variant one order gets by itself.
const most = 500

// decide says what an order's customer is given and what is taken back. It is pure.
func decide(s standing, force bool) (p plan) {
	units := map[[2]int64]held{}
	for _, h := range s.Has {
		units[[2]int64{h.Variant, h.Unit}] = h
	}
	wanted := map[int64]int64{}
	for _, w := range s.Wants {
		wanted[w.Variant] += w.Quantity
	}
	for _, h := range s.Has {
		if h.State != Withdrawn && (s.Over || h.Unit > wanted[h.Variant]) {
			p.Withdraw = append(p.Withdraw, h)
		}
	}
	if !s.Paid || s.Over {
		return p
	}
	for _, w := range s.Wants {
		for unit := int64(1); unit <= min(w.Quantity, most); unit++ {
			h, exists := units[[2]int64{w.Variant, unit}]
			switch {
			case !exists && (!w.Late || force):
				p.Give = append(p.Give, piece{want: w, Unit: unit})
			case exists && h.State == Short, exists && h.State == Failed && force, exists && h.State == Withdrawn && force:
				p.Give = append(p.Give, piece{want: w, Unit: unit, ID: h.ID})
			}
		}
	}
	return p
}

// ordered is an order as the room needs it.
type ordered struct {
	id, store, connection, customer int64
	number                          string
	placed                          db.Time
	standing
}

// stand reads how an order stands, with its row locked: two looks at it come one after the other.
func (g *Digital) stand(ctx context.Context, tx *db.Tx, id int64) (o ordered, err error) {
	var payment, state, stage string
	var deleted bool
	err = tx.QueryRow(ctx, `SELECT id, store_id, connection_id, customer_id, number, placed_at, payment_state, order_state, stage, deleted FROM orders WHERE id = $1 FOR UPDATE`, id).
		Scan(&o.id, &o.store, &o.connection, &o.customer, &o.number, &o.placed, &payment, &state, &stage, &deleted)
	if err != nil {
		return o, missing(err, "order")
	}
	o.Paid = payment == string(care.PaymentPaid) || payment == string(care.PaymentPartiallyRefunded)
	switch care.PaymentState(payment) {
	case care.PaymentRefunded, care.PaymentVoided, care.PaymentChargedBack:
		o.Over = true
	}
	switch care.Stage(stage) {
	case care.StageCancelled, care.StageFailed, care.StageRefunded, care.StageReturned, care.StageDraft:
		o.Over = true
	}
	o.Over = o.Over || deleted
	rows, err := tx.Query(ctx, `SELECT g.id, l.variant_id, l.name, l.quantity, g.kind, g.created_at FROM order_lines l JOIN digital_goods g ON g.variant_id = l.variant_id
WHERE l.order_id = $1 AND g.store_id = $2 ORDER BY l.position`, id, o.store)
	if err != nil {
		return o, err
	}
	defer rows.Close()
	for rows.Next() {
		var w want
		var since db.Time
		if err := rows.Scan(&w.Goods, &w.Variant, &w.Name, &w.Quantity, &w.Kind, &since); err != nil {
			return o, err
		}
		w.Late = o.placed < since
		if i := slices.IndexFunc(o.Wants, func(x want) bool { return x.Variant == w.Variant }); i >= 0 {
			o.Wants[i].Quantity += w.Quantity
			continue
		}
		o.Wants = append(o.Wants, w)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return o, err
	}
	rows, err = tx.Query(ctx, `SELECT id, goods_id, variant_id, unit, kind, state FROM digital_pieces WHERE order_id = $1 ORDER BY id`, id)
	if err != nil {
		return o, err
	}
	defer rows.Close()
	for rows.Next() {
		var h held
		if err := rows.Scan(&h.ID, &h.Goods, &h.Variant, &h.Unit, &h.Kind, &h.State); err != nil {
			return o, err
		}
		o.Has = append(o.Has, h)
	}
	return o, rows.Err()
}

// look gives an order what is due to it now, and takes back what isn't its customer's any more. A product that is electronic no longer keeps its pieces:
// only the order's own course takes them back.
func (g *Digital) look(ctx context.Context, tx *db.Tx, order int64, force bool) error {
	o, err := g.stand(ctx, tx, order)
	if errors.Is(err, care.NotFound("")) {
		return nil
	}
	if err != nil || len(o.Wants) == 0 && len(o.Has) == 0 {
		return err
	}
	p := decide(o.standing, force)
	batch := tx.ID()
	given, short := 0, 0
	for _, x := range p.Give {
		state, err := g.give(ctx, tx, &o, x, batch)
		if err != nil {
			return err
		}
		switch state {
		case Delivered:
			given++
		case Short:
			if x.ID == 0 {
				short++
			}
		}
	}
	for _, h := range p.Withdraw {
		tx.Defer(`UPDATE digital_pieces SET state = 'withdrawn', withdrawn_at = $1 WHERE id = $2`, db.At(tx.Now), h.ID)
		tx.Defer(`UPDATE digital_keys SET state = 'withdrawn' WHERE piece_id = $1 AND piece_id <> 0`, h.ID)
		if h.Kind == KindAction && h.State == Delivered {
			tx.Enqueue(db.Job{Store: o.store, Kind: jobAsk, Key: fmt.Sprintf("back/%d", h.ID), Payload: asked{Piece: h.ID, Back: true}})
		}
	}
	if given > 0 {
		g.emit(tx, &o, care.EventGoodsDelivered, batch)
	}
	if short > 0 {
		g.emit(tx, &o, care.EventGoodsShort, 0)
	}
	if len(p.Withdraw) > 0 {
		g.emit(tx, &o, care.EventGoodsWithdrawn, 0)
	}
	return nil
}

func (g *Digital) emit(tx *db.Tx, o *ordered, event string, batch int64) {
	part := ""
	if batch != 0 {
		part = itoa(batch)
	}
	tx.Emit(db.Event{Store: o.store, Type: event, Subject: o.id, Payload: care.OrderEvent{Order: o.id, Customer: o.customer, Connection: o.connection, Number: o.number, Part: part}})
}

// give makes a piece what its customer paid for, or says that it is short. A piece that was withdrawn and is given anew gets another key.
func (g *Digital) give(ctx context.Context, tx *db.Tx, o *ordered, x piece, batch int64) (state string, err error) {
	fresh := x.ID == 0
	if fresh {
		x.ID = tx.ID()
		tag, err := tx.Exec(ctx, `INSERT INTO digital_pieces (id, store_id, order_id, goods_id, variant_id, unit, name, kind, state, key_id, content, hint, batch, downloads, problem, seen_at, short_at, delivered_at, withdrawn_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', 0, $9, '', 0, 0, '', 0, 0, 0, 0, $10) ON CONFLICT (order_id, variant_id, unit) DO NOTHING`,
			x.ID, o.store, o.id, x.Goods, x.Variant, x.Unit, x.Name, x.Kind, []byte{}, db.At(tx.Now))
		if err != nil || tag.RowsAffected() == 0 {
			return "", err
		}
	}
	short := func() (string, error) {
		tx.Defer(`UPDATE digital_pieces SET state = 'short', short_at = CASE WHEN short_at = 0 THEN $1 ELSE short_at END WHERE id = $2`, db.At(tx.Now), x.ID)
		return Short, nil
	}
	switch x.Kind {
	case KindKey:
		id, hint, err := g.claim(ctx, tx, x.Goods, x.ID)
		if err != nil {
			return "", err
		}
		if id == 0 {
			return short()
		}
		tx.Defer(`UPDATE digital_pieces SET state = 'delivered', key_id = $1, hint = $2, batch = $3, delivered_at = $4, withdrawn_at = 0 WHERE id = $5`, id, hint, batch, db.At(tx.Now), x.ID)
		return Delivered, g.low(ctx, tx, x.Goods)
	case KindFile:
		var name string
		if err := tx.QueryRow(ctx, `SELECT file_name FROM digital_goods WHERE id = $1`, x.Goods).Scan(&name); err != nil {
			return "", err
		}
		if name == "" {
			return short()
		}
		tx.Defer(`UPDATE digital_pieces SET state = 'delivered', hint = $1, batch = $2, delivered_at = $3, withdrawn_at = 0 WHERE id = $4`, name, batch, db.At(tx.Now), x.ID)
		return Delivered, nil
	}
	tx.Defer(`UPDATE digital_pieces SET state = 'waiting', problem = '' WHERE id = $1`, x.ID)
	tx.Enqueue(db.Job{Store: o.store, Kind: jobAsk, Key: fmt.Sprintf("give/%d", x.ID), Move: true, Payload: asked{Piece: x.ID}})
	return Waiting, nil
}
