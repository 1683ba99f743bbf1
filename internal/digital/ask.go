package digital

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// asked is the payload of a job that asks the shop's own delivery: for a piece, or to take it back.
type asked struct {
	Piece int64 `json:"piece_id"`
	Back  bool  `json:"back,omitempty"`
}

// Request is what the shop's own delivery is asked. Asked again with the same action_id it must give the same answer.
type Request struct {
	Action   string `json:"action"` // deliver, withdraw
	ActionID string `json:"action_id"`
	Order    string `json:"order_number"`
	OrderRef string `json:"order_id"` // the shop's own
	SKU      string `json:"sku"`
	Variant  string `json:"variant"` // the shop's own id
	Unit     int64  `json:"unit"`
}

// Answer is what it answers: done with the content that the customer gets, refused with a reason, or pending, to be asked again.
type Answer struct {
	State   string `json:"state"`
	Content string `json:"content"`
	Reason  string `json:"reason"`
}

const (
	maxAnswer  = 64 << 10
	askWithin  = 30 * time.Second
	pendingFor = time.Minute
)

// ask asks the shop's own delivery. It is outside of any transaction; the piece's id is the key by which the shop knows the question again.
func (g *Digital) ask(ctx context.Context, j job.Job) (job.Done, error) {
	var in asked
	if err := j.Decode(&in); err != nil {
		return nil, err
	}
	var state, address string
	var secret []byte
	var goods, order, store int64
	var r Request
	err := g.db.Read().QueryRow(ctx, `SELECT x.state, x.goods_id, x.order_id, x.store_id, x.unit, g.action_url, g.action_secret, o.number, o.external_id, coalesce(v.sku, ''), coalesce(v.external_id, '')
FROM digital_pieces x JOIN digital_goods g ON g.id = x.goods_id JOIN orders o ON o.id = x.order_id LEFT JOIN variants v ON v.id = x.variant_id WHERE x.id = $1`, in.Piece).
		Scan(&state, &goods, &order, &store, &r.Unit, &address, &secret, &r.Order, &r.OrderRef, &r.SKU, &r.Variant)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.Action, r.ActionID = "deliver", "give-"+itoa(in.Piece)
	if in.Back {
		r.Action, r.ActionID = "withdraw", "back-"+itoa(in.Piece)
	}
	if !in.Back && state != Waiting || in.Back && state != Withdrawn || address == "" {
		return nil, nil
	}
	key, err := g.o.Sealer.Open(secret, "digital action "+itoa(goods))
	if err != nil {
		return nil, err
	}
	a, err := g.call(ctx, address, key, r)
	if err != nil {
		return nil, err // asked again, with growing pauses
	}
	if a.State == "pending" {
		return nil, job.After(pendingFor, errors.New("the shop's delivery isn't ready yet"))
	}
	if in.Back {
		return nil, nil
	}
	return func(tx *db.Tx) error {
		o, err := g.stand(ctx, tx, order)
		if err != nil {
			return err
		}
		now := ""
		if err := tx.QueryRow(ctx, `SELECT state FROM digital_pieces WHERE id = $1`, in.Piece).Scan(&now); err != nil || now != Waiting {
			return err
		}
		if a.State != "done" {
			tx.Defer(`UPDATE digital_pieces SET state = 'failed', problem = $1, short_at = $2 WHERE id = $3`, clip(a.Reason, 500), db.At(tx.Now), in.Piece)
			g.emit(tx, &o, care.EventGoodsShort, 0)
			return nil
		}
		batch := tx.ID()
		tx.Defer(`UPDATE digital_pieces SET state = 'delivered', content = $1, hint = $2, batch = $3, delivered_at = $4, problem = '' WHERE id = $5`,
			g.o.Sealer.Seal([]byte(a.Content), "digital piece "+itoa(in.Piece)), hintOf(a.Content), batch, db.At(tx.Now), in.Piece)
		g.emit(tx, &o, care.EventGoodsDelivered, batch)
		return nil
	}, nil
}

func (g *Digital) call(ctx context.Context, address string, key []byte, r Request) (a Answer, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Idempotency-Key", r.ActionID)
	if len(key) > 0 {
		t := strconv.FormatInt(g.db.Now().Unix(), 10)
		m := hmac.New(sha256.New, key)
		_, _ = m.Write([]byte(t + "." + string(body)))
		q.Header.Set("X-Signature", "t="+t+",v1="+hex.EncodeToString(m.Sum(nil)))
	}
	res, err := g.o.Client.Do(q)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return a, err
	}
	if res.StatusCode/100 != 2 {
		return a, fmt.Errorf("the shop's delivery answered with %s", res.Status)
	}
	return ReadAnswer(raw)
}

// ReadAnswer reads what the shop's own delivery answers.
func ReadAnswer(raw []byte) (a Answer, err error) {
	if len(raw) > maxAnswer || !utf8.Valid(raw) {
		return a, errors.New("the shop's delivery answered with more than is taken, or no text")
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, fmt.Errorf("the shop's delivery: %w", err)
	}
	switch {
	case a.State == "done" && a.Content != "", a.State == "refused", a.State == "pending":
		return a, nil
	}
	return a, fmt.Errorf("the shop's delivery answered with state %.40q", a.State)
}

func clip(s string, n int) string {
	r := []rune(s)
	return string(r[:min(len(r), n)])
}
