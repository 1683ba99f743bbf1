package generic

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"opeka/internal/care"
)

// MaxItems is how many items a batch may have.
const MaxItems = 500

// Item is one record of a batch, or one hint. What Data lacks stays as it is; null clears it.
type Item struct {
	Kind       care.RecordKind `json:"kind"`
	Op         string          `json:"op"` // upsert, delete
	ExternalID string          `json:"external_id"`
	UpdatedAt  time.Time       `json:"updated_at"`
	Data       json.RawMessage `json:"data"`
}

// DecodeBatch reads {"items": [...]}, {"events": [...]} or a bare list. An item that isn't an object makes the whole body unreadable.
func DecodeBatch(body []byte) ([]Item, error) {
	if depth(body) > 32 {
		return nil, &care.Error{Code: "body_too_deep", Kind: care.KindInvalid, Args: map[string]any{"max": 32}}
	}
	var list []Item
	var err error
	if b := bytes.TrimSpace(body); len(b) > 0 && b[0] == '[' {
		err = strict(b, &list)
	} else {
		var wrapped struct {
			Items  []Item `json:"items"`
			Events []Item `json:"events"`
		}
		err = strict(b, &wrapped)
		list = append(wrapped.Items, wrapped.Events...)
	}
	switch {
	case err != nil:
		return nil, &care.Error{Code: "record.unreadable", Kind: care.KindInvalid, Args: map[string]any{"reason": err.Error()}, Cause: err}
	case len(list) == 0:
		return nil, care.Invalid("items", "required")
	case len(list) > MaxItems:
		return nil, care.Invalid("items", "too_many_items", "max", MaxItems)
	}
	return list, nil
}

// Decode reads a record that the shop answered with: {"updated_at", "data"}, whole.
func Decode(of Item, body []byte) (care.Record, error) {
	var v struct {
		UpdatedAt time.Time       `json:"updated_at"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return care.Record{}, err
	}
	if len(v.Data) == 0 {
		return care.Record{}, errors.New("an answer without data")
	}
	return care.Record{Kind: of.Kind, ExternalID: of.ExternalID, UpdatedAt: v.UpdatedAt, Data: v.Data, Raw: body}, nil
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more after the JSON")
	}
	return nil
}

// depth is how deeply brackets are nested.
func depth(b []byte) (deepest int) {
	now := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return deepest
}
