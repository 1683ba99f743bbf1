package api

import (
	"encoding/base64"
	"encoding/json"

	"opeka/internal/account"
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

// page is the part of a list ordered by id that is asked for; a row more tells whether there is a next one.
func (p Paging) page() (account.Page, error) {
	out := account.Page{Limit: p.Limit + 1}
	return out, place(p.Cursor, &out.After)
}

// pageByID makes a page of rows ordered by id, of which one more than the limit was asked for.
func pageByID[T any](p Paging, rows []T, id func(T) int64, err error) (*Out[List[T]], error) {
	if err != nil {
		return nil, err
	}
	l := List[T]{Items: rows}
	if int64(len(rows)) > p.Limit {
		l.Items = rows[:p.Limit]
		l.Next = cursor(id(l.Items[p.Limit-1]))
	}
	if l.Items == nil {
		l.Items = []T{}
	}
	return &Out[List[T]]{l}, nil
}
