package api

import (
	"encoding/base64"
	"encoding/json"

	"opeka/internal/care"
)

// Paging is the input of every list.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"500" doc:"next of the page before"`
	Limit  int64  `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

// InStore narrows a list to one store.
type InStore struct {
	StoreID int64 `query:"store_id" minimum:"0" doc:"Only of this store"`
}

// List is a page of a list. Next is empty on the last one.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// cursor hides the place in a list from callers, who only send it back.
func cursor(place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		return "" // places are numbers and strings
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// place reads a cursor into its place; an empty cursor leaves it as it is.
func place(cursor string, into any) error {
	if cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(b, into) != nil {
		return care.Invalid("cursor", "cursor_invalid")
	}
	return nil
}

// after is the place of lists that are ordered by id.
func (p Paging) after() (id int64, err error) {
	err = place(p.Cursor, &id)
	return id, err
}

// pageByID makes a page of rows ordered by id, of which one more than the limit was read.
func pageByID[T any](p Paging, rows []T, id func(T) int64) *Out[List[T]] {
	l := List[T]{Items: rows}
	if int64(len(rows)) > p.Limit {
		l.Items = rows[:p.Limit]
		l.Next = cursor(id(l.Items[p.Limit-1]))
	}
	if l.Items == nil {
		l.Items = []T{}
	}
	return &Out[List[T]]{l}
}
