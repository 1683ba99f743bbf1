package api

import (
	"net/url"
	"slices"
	"testing"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/find"
)

func TestFindShowsWhatTheCallerMayRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *desk) {
		f := find.New(s.db)
		other := s.openStore("Druha")
		s.relogin()
		err := s.db.Write(t.Context(), db.System, func(tx *db.Tx) error {
			return f.PutAll(t.Context(), tx, []find.Thing{
				{Store: s.store, Kind: find.Customer, Ref: 11, Entry: find.Entry{Title: "Шевченко Тарас", Subtitle: "+380671234567", Customer: 11, Names: []string{"Шевченко Тарас"}, Phones: []string{"+380671234567"}}},
				{Store: s.store, Kind: find.Order, Ref: 12, Entry: find.Entry{Title: "#10045", Customer: 11, Numbers: []string{"10045"}}},
				{Store: s.store, Kind: find.Conversation, Ref: 13, Entry: find.Entry{Title: "№ 10045?", Customer: 11, Conversation: 13, Numbers: []string{"10045"}}},
				{Store: other, Kind: find.Customer, Ref: 21, Entry: find.Entry{Title: "Shevchenko", Names: []string{"Shevchenko"}}},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		search := func(b browser, query string, only int64) []int64 {
			t.Helper()
			var got Found
			path := "/find?q=" + url.QueryEscape(query)
			if only != 0 {
				path += "&store_id=" + id(only)
			}
			s.do(b, "GET", path, nil, 200, &got)
			ids := []int64{}
			for _, i := range got.Items {
				ids = append(ids, i.ID)
			}
			slices.Sort(ids)
			return ids
		}
		clerk, _ := s.hire("clerk@example.com", account.Membership{StoreID: s.store, Role: account.RoleClerk})
		for _, c := range []struct {
			who   string
			b     browser
			query string
			only  int64
			want  []int64
		}{
			{"administrator", s.admin, "Shevchenko", 0, []int64{11, 12, 21}},
			{"administrator, one store", s.admin, "Shevchenko", other, []int64{21}},
			{"administrator", s.admin, "10045", 0, []int64{12, 13}},
			{"clerk", clerk, "Shevchenko", 0, []int64{11, 12}},
			{"clerk", clerk, "10045", 0, []int64{12}},
			{"key for orders", s.key(s.store, care.PermCommerceRead), "Shevchenko 4567", 0, []int64{}},
			{"key for orders", s.key(s.store, care.PermCommerceRead), "#10045", 0, []int64{12}},
			{"key for people", s.key(s.store, care.PermPeople), "10045", 0, []int64{}},
		} {
			if got := search(c.b, c.query, c.only); !slices.Equal(got, c.want) {
				t.Errorf("%s found %v by %q, wanted %v", c.who, got, c.query, c.want)
			}
		}
		s.code(clerk, "GET", "/find?q=10045&store_id="+id(other), nil, 404)
		s.code(s.admin, "GET", "/find?q=1", nil, 422)
		s.code(s.admin, "GET", "/find", nil, 422)
		s.code(browser{}, "GET", "/find?q=10045", nil, 401)
	})
}
