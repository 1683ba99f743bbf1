package commerce

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"opeka/internal/care"
	"opeka/internal/commerce/query"
	"opeka/internal/db"
)

const (
	maxID  = 200
	maxRaw = 256 << 10
)

// item is a record on its way, checked and in its canonical form.
type item struct {
	care.Record
	index int
	data  json.RawMessage // canonical; "null" when deleted
	hash  string
}

// kept is what the mirror had of a record.
type kept struct {
	local int64
	first bool // never seen before
	data  json.RawMessage
}

func (k kept) done() outcome {
	if k.first {
		return created
	}
	return updated
}

// look compares a record with the mirror and locks its row. An outcome says that there is nothing more to do, or that
// the record is gone for the first time (deleted with the row's last data); 0 means that it is new or changed.
func (a *applier) look(ctx context.Context, it item, rawStatus string) (kept, outcome, error) {
	id := a.tx.ID()
	row, err := a.q.Look(ctx, query.LookParams{
		ConnectionID: a.conn.ID, Kind: string(it.Kind), ExternalID: it.ExternalID, StoreID: a.conn.Store, LocalID: id, RawStatus: rawStatus, Hash: it.hash,
		SourceAt: db.At(it.UpdatedAt), FetchedAt: db.At(a.tx.Now), Deleted: it.Deleted, Data: it.data, Raw: rawText(it.Raw),
	})
	if err != nil {
		return kept{}, 0, err
	}
	k := kept{local: row.LocalID, first: row.LocalID == id, data: row.Data}
	source := db.At(it.UpdatedAt)
	switch {
	case k.first && it.Deleted:
		return k, deleted, nil // a tombstone, so that a late upsert stays out
	case k.first:
		return k, 0, nil
	case source != 0 && source < row.SourceAt:
		return k, older, nil
	case it.Deleted && row.Deleted, !it.Deleted && !row.Deleted && row.Hash == it.hash:
		if source > row.SourceAt {
			a.tx.Defer(`UPDATE mirror SET source_at = $1 WHERE connection_id = $2 AND kind = $3 AND external_id = $4`, source, a.conn.ID, string(it.Kind), it.ExternalID)
		}
		return k, unchanged, nil
	case it.Deleted:
		// The last snapshot stays, for what it can still tell.
		a.tx.Defer(`UPDATE mirror SET deleted = TRUE, hash = '', source_at = greatest(source_at, $1) WHERE connection_id = $2 AND kind = $3 AND external_id = $4`,
			source, a.conn.ID, string(it.Kind), it.ExternalID)
		return k, 0, nil
	}
	a.tx.Defer(`UPDATE mirror SET deleted = FALSE, hash = $1, source_at = greatest(source_at, $2), raw_status = $3, data = $4, raw = $5 WHERE connection_id = $6 AND kind = $7 AND external_id = $8`,
		it.hash, source, rawStatus, it.data, rawText(it.Raw), a.conn.ID, string(it.Kind), it.ExternalID)
	return k, 0, nil
}

// setLocal corrects the local id of a record: customers have theirs from their own room.
func (a *applier) setLocal(it item, id int64) {
	a.tx.Defer(`UPDATE mirror SET local_id = $1 WHERE connection_id = $2 AND kind = $3 AND external_id = $4`, id, a.conn.ID, string(it.Kind), it.ExternalID)
}

// canonical checks a record and brings it into the one form that is compared and kept.
func canonical(r care.Record) (item, error) {
	it := item{Record: r, data: json.RawMessage("null")}
	it.ExternalID = strings.ToValidUTF8(strings.ReplaceAll(r.ExternalID, "\x00", ""), "�")
	switch {
	case it.ExternalID == "":
		return it, care.Invalid("external_id", "required")
	case len(it.ExternalID) > maxID:
		return it, care.Invalid("external_id", "too_long", "max", maxID)
	case kindRank[r.Kind] == 0:
		return it, care.Invalid("kind", "value_invalid")
	case r.Deleted:
		it.Data = nil
		return it, nil
	}
	if p, partial := r.Data.(Patch); partial {
		return it, checkPatch(r.Kind, p)
	}
	raw, err := json.Marshal(r.Data)
	if err != nil {
		return it, unreadable(err)
	}
	// A second passing through the struct: text without NUL and broken characters, nil and empty alike.
	data, err := decode(r.Kind, withoutNUL(raw))
	if err != nil {
		return it, unreadable(err)
	}
	if err := normalise(data); err != nil {
		return it, err
	}
	if it.data, err = json.Marshal(data); err != nil {
		return it, unreadable(err)
	}
	// Compared later with what is read back, so it must be what is read back.
	if it.Data, err = decode(r.Kind, it.data); err != nil {
		return it, unreadable(err)
	}
	sum := sha256.Sum256(it.data)
	it.hash = hex.EncodeToString(sum[:16])
	return it, nil
}

func unreadable(err error) *care.Error {
	return &care.Error{Code: "record.unreadable", Kind: care.KindInvalid, Args: map[string]any{"reason": err.Error()}, Cause: err}
}

// decode reads the canonical form of a kind into its struct.
func decode(k care.RecordKind, raw []byte) (any, error) {
	var v any
	switch k {
	case care.KindOrder:
		v = &care.ShopOrder{}
	case care.KindProduct:
		v = &care.ShopProduct{}
	case care.KindStock:
		v = &care.ShopStock{}
	case care.KindCustomer:
		v = &care.ShopCustomer{}
	case care.KindCart:
		v = &care.ShopCart{}
	case care.KindInvoice:
		v = &care.ShopInvoice{}
	case care.KindLocation:
		v = &care.ShopLocation{}
	case care.KindPickup:
		v = &care.ShopPickupPoint{}
	default:
		return nil, fmt.Errorf("unknown kind %q", k)
	}
	return v, json.Unmarshal(raw, v)
}

// withoutNUL drops \u0000, which PostgreSQL can't keep in JSON.
func withoutNUL(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(`\u0000`)) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			continue
		}
		if bytes.HasPrefix(raw[i:], []byte(`\u0000`)) {
			i += 5
			continue
		}
		out = append(out, raw[i], raw[i+1])
		i++
	}
	return out
}

func rawText(raw []byte) string {
	if len(raw) > maxRaw {
		raw = raw[:maxRaw]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(raw), "�"), "\x00", "")
}
