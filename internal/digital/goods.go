package digital

import (
	"context"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/jackc/pgx/v5"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// Goods is a variant that is delivered electronically.
type Goods struct {
	ID           int64   `json:"id"`
	Store        int64   `json:"store_id"`
	Variant      int64   `json:"variant_id"`
	Product      string  `json:"product"`
	SKU          string  `json:"sku"`
	Kind         string  `json:"kind" enum:"key,file,action"`
	Instructions string  `json:"instructions" doc:"For the customer, beside what he gets"`
	LowWater     int64   `json:"low_water" doc:"Fewer free keys than this are too few; 0: never"`
	MaxDownloads int64   `json:"max_downloads" doc:"Of a file, by one customer"`
	LinkDays     int64   `json:"link_days" doc:"How long the customer's page opens"`
	FileName     string  `json:"file_name"`
	FileSize     int64   `json:"file_size"`
	ActionURL    string  `json:"action_url" doc:"The shop's own delivery"`
	HasSecret    bool    `json:"has_secret"`
	Free         int64   `json:"free" doc:"Keys that nobody has"`
	Given        int64   `json:"given"`
	Short        int64   `json:"short" doc:"Pieces that are paid for and can't be given"`
	Low          bool    `json:"low"`
	UpdatedAt    db.Time `json:"updated_at"`
}

// GoodsInput says how a variant is delivered.
type GoodsInput struct {
	Store        int64  `json:"store_id" minimum:"1"`
	Variant      int64  `json:"variant_id" minimum:"1"`
	Kind         string `json:"kind" enum:"key,file,action"`
	Instructions string `json:"instructions,omitempty" maxLength:"4000"`
	LowWater     int64  `json:"low_water,omitempty" minimum:"0" maximum:"1000000"`
	MaxDownloads int64  `json:"max_downloads,omitempty" minimum:"0" maximum:"1000" doc:"5 if not given"`
	LinkDays     int64  `json:"link_days,omitempty" minimum:"0" maximum:"365" doc:"30 if not given"`
	ActionURL    string `json:"action_url,omitempty" maxLength:"1000"`
	ActionSecret string `json:"action_secret,omitempty" maxLength:"200" doc:"Kept as it is if not given"`
}

const goodsColumns = `g.id, g.store_id, g.variant_id, coalesce(p.name, ''), coalesce(v.sku, ''), g.kind, g.instructions, g.low_water, g.max_downloads, g.link_days, g.file_name, g.file_size, g.action_url, length(g.action_secret) > 0,
(SELECT count(*) FROM digital_keys k WHERE k.goods_id = g.id AND k.state = 'free'), (SELECT count(*) FROM digital_keys k WHERE k.goods_id = g.id AND k.state = 'given'),
(SELECT count(*) FROM digital_pieces x WHERE x.goods_id = g.id AND x.state = 'short'), g.updated_at
FROM digital_goods g LEFT JOIN variants v ON v.id = g.variant_id LEFT JOIN products p ON p.id = v.product_id`

func scanGoods(row pgx.Row, x *Goods) error {
	err := row.Scan(&x.ID, &x.Store, &x.Variant, &x.Product, &x.SKU, &x.Kind, &x.Instructions, &x.LowWater, &x.MaxDownloads, &x.LinkDays, &x.FileName, &x.FileSize, &x.ActionURL, &x.HasSecret,
		&x.Free, &x.Given, &x.Short, &x.UpdatedAt)
	x.Low = x.Kind == KindKey && x.Free < x.LowWater
	return err
}

// List returns the electronic goods of a store, by their ids above after.
func (g *Digital) List(ctx context.Context, s care.Scope, store, after, limit int64) ([]Goods, error) {
	rows, err := g.db.Read().Query(ctx, `SELECT `+goodsColumns+` WHERE g.store_id = ANY($1::bigint[]) AND g.id > $2 ORDER BY g.id LIMIT $3`, s.StoresWith(care.PermCommerceRead, store), after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Goods{}
	for rows.Next() {
		var x Goods
		if err := scanGoods(rows, &x); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// find returns goods of the caller's stores.
func (g *Digital) find(ctx context.Context, s care.Scope, id int64, p care.Permission) (x Goods, err error) {
	if err := scanGoods(g.db.Read().QueryRow(ctx, `SELECT `+goodsColumns+` WHERE g.id = $1`, id), &x); err != nil {
		return x, missing(err, "goods")
	}
	if !s.In(x.Store) {
		return Goods{}, care.NotFound("goods")
	}
	return x, s.Check(x.Store, p)
}

// Get returns goods.
func (g *Digital) Get(ctx context.Context, s care.Scope, id int64) (Goods, error) {
	return g.find(ctx, s, id, care.PermCommerceRead)
}

// Mark makes a variant electronic, or changes how it is delivered. Orders placed before aren't delivered by themselves.
func (g *Digital) Mark(ctx context.Context, by account.By, in GoodsInput) (Goods, error) {
	if err := by.Check(in.Store, care.PermSettings); err != nil {
		return Goods{}, err
	}
	if in.MaxDownloads == 0 {
		in.MaxDownloads = 5
	}
	if in.LinkDays == 0 {
		in.LinkDays = 30
	}
	if err := text.ValidText(in.Instructions, 4000); err != nil {
		return Goods{}, care.Invalid("instructions", "text_invalid")
	}
	if in.Kind == KindAction {
		u, err := url.Parse(in.ActionURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			return Goods{}, care.Invalid("action_url", "url_invalid")
		}
	} else {
		in.ActionURL, in.ActionSecret = "", ""
	}
	var id int64
	err := g.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var store int64
		var name string
		err := tx.QueryRow(ctx, `SELECT v.store_id, p.name FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = $1`, in.Variant).Scan(&store, &name)
		if err != nil || store != in.Store {
			return care.NotFound("variant")
		}
		id = tx.ID()
		err = tx.QueryRow(ctx, `SELECT id FROM digital_goods WHERE variant_id = $1`, in.Variant).Scan(&id)
		known := err == nil
		secret := []byte{}
		if in.ActionSecret != "" {
			secret = g.o.Sealer.Seal([]byte(in.ActionSecret), "digital action "+itoa(id))
		}
		if !known {
			_, err = tx.Exec(ctx, `INSERT INTO digital_goods (id, store_id, variant_id, kind, instructions, low_water, max_downloads, link_days, action_url, action_secret, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`, id, in.Store, in.Variant, in.Kind, in.Instructions, in.LowWater, in.MaxDownloads, in.LinkDays, in.ActionURL, secret, db.At(tx.Now))
		} else {
			_, err = tx.Exec(ctx, `UPDATE digital_goods SET kind = $1, instructions = $2, low_water = $3, max_downloads = $4, link_days = $5, action_url = $6,
action_secret = CASE WHEN $7 THEN $8 ELSE action_secret END, updated_at = $9 WHERE id = $10`,
				in.Kind, in.Instructions, in.LowWater, in.MaxDownloads, in.LinkDays, in.ActionURL, in.ActionSecret != "" || in.Kind != KindAction, secret, db.At(tx.Now), id)
		}
		if err != nil {
			return err
		}
		g.o.Audit(tx, by, in.Store, "goods.marked", id, name, nil, map[string]any{"kind": in.Kind, "low_water": in.LowWater, "max_downloads": in.MaxDownloads, "link_days": in.LinkDays, "action_url": in.ActionURL})
		return g.again(ctx, tx, id)
	})
	if err != nil {
		return Goods{}, err
	}
	g.forget()
	return g.Get(ctx, by.Scope, id)
}

// Unmark makes a variant an ordinary one again. What was given stays given; keys that are free can't be left behind.
func (g *Digital) Unmark(ctx context.Context, by account.By, id int64) error {
	x, err := g.find(ctx, by.Scope, id, care.PermSettings)
	if err != nil {
		return err
	}
	err = g.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var left int64
		if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM digital_keys WHERE goods_id = $1) + (SELECT count(*) FROM digital_pieces WHERE goods_id = $1)`, id).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return care.Conflict("goods.in_use")
		}
		tx.Defer(`DELETE FROM digital_goods WHERE id = $1`, id)
		g.o.Audit(tx, by, x.Store, "goods.unmarked", id, x.Product, nil, nil)
		return nil
	})
	g.forget()
	return err
}

// MaxFileBytes bounds a file that is sold.
const MaxFileBytes = 64 << 20

// SetFile gives the file that is delivered. Who bought it already gets the new one.
func (g *Digital) SetFile(ctx context.Context, by account.By, id int64, name, contentType string, r io.Reader, size int64) (Goods, error) {
	x, err := g.find(ctx, by.Scope, id, care.PermSettings)
	if err != nil {
		return x, err
	}
	name = path.Base(strings.TrimSpace(strings.ReplaceAll(name, "\\", "/")))
	switch {
	case x.Kind != KindFile:
		return x, care.Conflict("goods.no_file")
	case size == 0:
		return x, care.Invalid("file", "required")
	case size > MaxFileBytes:
		return x, &care.Error{Code: "too_large", Kind: care.KindTooLarge, Args: map[string]any{"limit": MaxFileBytes}}
	case name == "." || name == "/" || text.ValidText(name, 200) != nil || strings.ContainsAny(name, "\r\n\""):
		return x, care.Invalid("name", "text_invalid")
	}
	key := "goods/" + itoa(x.Store) + "/" + itoa(g.db.ID())
	if err := g.o.Files.Put(ctx, key, r, size, contentType); err != nil {
		return x, err
	}
	var old string
	err = g.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT blob_key FROM digital_goods WHERE id = $1 FOR UPDATE`, id).Scan(&old); err != nil {
			return missing(err, "goods")
		}
		tx.Defer(`UPDATE digital_goods SET file_name = $1, file_type = $2, file_size = $3, blob_key = $4, updated_at = $5 WHERE id = $6`, name, contentType, size, key, db.At(tx.Now), id)
		g.o.Audit(tx, by, x.Store, "goods.file_set", id, x.Product, nil, map[string]any{"name": name, "size": size})
		return g.again(ctx, tx, id)
	})
	if err != nil {
		_ = g.o.Files.Delete(ctx, key)
		return x, err
	}
	if old != "" {
		_ = g.o.Files.Delete(ctx, old)
	}
	return g.Get(ctx, by.Scope, id)
}
