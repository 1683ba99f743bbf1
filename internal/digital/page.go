package digital

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// PagePath is below which a customer finds what he bought.
const PagePath = "/g/"

const macBytes = 16

// Link is the address of the page with an order's electronic goods, which opens until then.
func (g *Digital) Link(order int64, until time.Time) string {
	return g.o.PublicURL + PagePath + g.token(order, until)
}

func (g *Digital) token(order int64, until time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(order))
	b = binary.BigEndian.AppendUint32(b, uint32(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, g.mac("page", b)...))
}

func (g *Digital) mac(what string, b []byte) []byte {
	m := hmac.New(sha256.New, g.links)
	m.Write([]byte(what + "\x00"))
	m.Write(b)
	return m.Sum(nil)[:macBytes]
}

// Page is what a customer sees of his order.
type Page struct {
	Store     string
	StoreID   int64
	Language  string
	Number    string
	Until     time.Time
	Expired   bool
	Pieces    []Piece
	contents  map[int64]string
	orderID   int64
	storeZone string
}

// Content is a piece as it is, once it was asked for.
func (p *Page) Content(id int64) string { return p.contents[id] }

// ByToken returns the page of a link. A link that nobody made is not found; one that has run out shows nothing of the goods.
func (g *Digital) ByToken(ctx context.Context, token string) (p Page, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != 12+macBytes || !hmac.Equal(b[12:], g.mac("page", b[:12])) {
		return p, care.NotFound("goods")
	}
	p.orderID, p.Until = int64(binary.BigEndian.Uint64(b)), time.Unix(int64(binary.BigEndian.Uint32(b[8:])), 0).UTC()
	q := g.db.Read()
	err = q.QueryRow(ctx, `SELECT s.id, s.name, CASE WHEN coalesce(c.language, '') = '' THEN s.language ELSE c.language END, s.time_zone, o.number
FROM orders o JOIN stores s ON s.id = o.store_id LEFT JOIN customers c ON c.id = o.customer_id WHERE o.id = $1`, p.orderID).Scan(&p.StoreID, &p.Store, &p.Language, &p.storeZone, &p.Number)
	if err != nil {
		return p, missing(err, "goods")
	}
	if zone, err := time.LoadLocation(p.storeZone); err == nil {
		p.Until = p.Until.In(zone)
	}
	if p.Expired = !g.db.Now().Before(p.Until); p.Expired {
		return p, nil
	}
	p.Pieces, err = g.pieces(ctx, q, `x.order_id = $1 ORDER BY x.id LIMIT 1000`, p.orderID)
	return p, err
}

// Show opens a page's keys for the customer, and keeps when he first looked.
func (g *Digital) Show(ctx context.Context, token string) (Page, error) {
	p, err := g.ByToken(ctx, token)
	if err != nil || p.Expired {
		return p, err
	}
	p.contents = map[int64]string{}
	return p, g.db.Write(ctx, db.Actor{Kind: care.ActorCustomer}, func(tx *db.Tx) error {
		for i := range p.Pieces {
			x := &p.Pieces[i]
			if x.State != Delivered || x.Kind == KindFile {
				continue
			}
			if p.contents[x.ID], err = g.open(ctx, tx, x); err != nil {
				return err
			}
			tx.Defer(`UPDATE digital_pieces SET seen_at = $1 WHERE id = $2 AND seen_at = 0`, db.At(tx.Now), x.ID)
		}
		return nil
	})
}

// Download is a file on its way to a customer.
type Download struct {
	io.ReadCloser
	Name, Type string
	Size       int64
}

// Fetch opens a file for the customer, which counts; beyond what is allowed it is refused.
func (g *Digital) Fetch(ctx context.Context, token string, piece int64) (d Download, err error) {
	p, err := g.ByToken(ctx, token)
	if err != nil {
		return d, err
	}
	if p.Expired {
		return d, care.Conflict("goods.link_expired")
	}
	for _, x := range p.Pieces {
		if x.ID != piece || x.Kind != KindFile || x.State != Delivered || x.blob == "" {
			continue
		}
		// The file is at hand before it counts, so that our own trouble costs the customer nothing.
		if d.ReadCloser, err = g.o.Files.Get(ctx, x.blob); err != nil {
			return d, err
		}
		d.Name, d.Type, d.Size = x.file, x.fileType, x.size
		err = g.db.Write(ctx, db.Actor{Kind: care.ActorCustomer}, func(tx *db.Tx) error {
			tag, err := tx.Exec(ctx, `UPDATE digital_pieces SET downloads = downloads + 1, seen_at = CASE WHEN seen_at = 0 THEN $1 ELSE seen_at END
WHERE id = $2 AND state = 'delivered' AND downloads < $3`, db.At(tx.Now), piece, x.MaxDownloads)
			if err == nil && tag.RowsAffected() == 0 {
				err = care.Conflict("goods.downloads_used", "max", x.MaxDownloads)
			}
			return err
		})
		if err != nil {
			_ = d.Close()
			return Download{}, err
		}
		return d, nil
	}
	return d, care.NotFound("goods")
}

// A letter holds a key's place until it goes out, so that no key lies readable among what is sent. The place proves that we made it.
var places = regexp.MustCompile(`⟦goods:(\d{1,19}):([0-9A-Za-z_-]{22})\|([^⟧]{0,40})⟧`)

// Place is what stands for a piece in words that are kept.
func (g *Digital) Place(piece int64, kind, hint string) string {
	return "⟦goods:" + itoa(piece) + ":" + g.placeMAC(itoa(piece)) + "|" + mask(kind, hint) + "⟧"
}

func (g *Digital) placeMAC(id string) string {
	return base64.RawURLEncoding.EncodeToString(g.mac("place", []byte(id)))
}

// Bare is words with their places masked, for people to read.
func (g *Digital) Bare(s string) string { return places.ReplaceAllString(s, "$3") }

// Fill puts the keys of a store where words keep places for them, at the moment of sending. What was withdrawn meanwhile stays masked.
func (g *Digital) Fill(ctx context.Context, store int64, s string, asHTML bool) (string, error) {
	if !strings.Contains(s, "⟦goods:") {
		return s, nil
	}
	var failed error
	out := places.ReplaceAllStringFunc(s, func(place string) string {
		m := places.FindStringSubmatch(place)
		id, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || !hmac.Equal([]byte(m[2]), []byte(g.placeMAC(m[1]))) {
			return m[3]
		}
		list, err := g.pieces(ctx, g.db.Read(), `x.id = $1 AND x.store_id = $2 AND x.state = 'delivered'`, id, store)
		if err != nil || len(list) == 0 {
			failed = err
			return m[3]
		}
		content, err := g.open(ctx, g.db.Read(), &list[0])
		if err != nil {
			failed = err
			return m[3]
		}
		if asHTML {
			return html.EscapeString(content)
		}
		return content
	})
	return out, failed
}
