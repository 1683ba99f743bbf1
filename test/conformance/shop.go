// Package conformance holds the suites that every plug of a port must pass, whatever it is
// connected to. A plug's test makes a world with the other side in it and hands both over.
package conformance

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"opeka/internal/care"
)

// ShopWorld is a shop in which the suite can make things happen. It begins with at least three orders.
type ShopWorld interface {
	// Connection is one that works; Refused has keys that the shop doesn't know.
	Connection() care.Connection
	Refused() care.Connection
	Client() *http.Client
	// Place makes an order, Change changes one so that a poll can see it, Remove deletes one for good.
	Place() (id string)
	Change(id string)
	Remove(id string)
	// Break makes the next n requests fail as an overloaded shop does.
	Break(n int)
}

// HookWorld is a ShopWorld whose shop pushes.
type HookWorld interface {
	ShopWorld
	// Pushed returns what the shop would push about an order, signed for the connection.
	Pushed(order string) (http.Header, []byte)
	// Kill does to the registered hooks what the shop does to dead ones.
	Kill()
}

// Shop runs the suite of care.ShopPlug. make opens a new world for each test.
func Shop(t *testing.T, plug care.ShopPlug, make func(t *testing.T) ShopWorld) {
	open := func(t *testing.T, w ShopWorld, c care.Connection) care.Shop {
		t.Helper()
		s, err := plug.Open(c, w.Client())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Run("describes itself", func(t *testing.T) {
		if plug.Name() == "" || plug.Name() != strings.ToLower(plug.Name()) {
			t.Errorf("name %q", plug.Name())
		}
		seen := map[string]bool{}
		for _, f := range plug.Fields() {
			if f.Name == "" || seen[f.Name] {
				t.Errorf("field %q is nameless or twice there", f.Name)
			}
			seen[f.Name] = true
			if !slices.Contains([]string{"text", "secret", "url", "number", "bool", "choice"}, f.Kind) {
				t.Errorf("field %s is of kind %q", f.Name, f.Kind)
			}
		}
	})
	t.Run("names what is missing in the settings", func(t *testing.T) {
		_, err := plug.Open(care.Connection{Settings: []byte(`{}`), Secrets: []byte(`{}`)}, nil)
		var e *care.Error
		if !errors.As(err, &e) || e.Field == "" || e.Kind != care.KindInvalid {
			t.Errorf("got %v, want an invalid field", err)
		}
		if _, err := plug.Open(care.Connection{Settings: []byte(`[1`), Secrets: []byte(`"`)}, nil); err == nil {
			t.Error("broken settings are taken")
		}
	})
	t.Run("tests the connection", func(t *testing.T) {
		w := make(t)
		info, err := open(t, w, w.Connection()).Test(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Currency) != 3 || info.URL == "" {
			t.Errorf("found %+v", info)
		}
		if _, err := time.LoadLocation(info.TimeZone); err != nil && !strings.ContainsAny(info.TimeZone, "+-") {
			t.Errorf("time zone %q", info.TimeZone)
		}
	})
	t.Run("tells refused keys from trouble", func(t *testing.T) {
		w := make(t)
		var auth *care.AuthError
		if _, err := open(t, w, w.Refused()).Test(t.Context()); !errors.As(err, &auth) {
			t.Errorf("refused keys: %v", err)
		}
		s := open(t, w, w.Connection())
		if _, err := s.Test(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Break(1)
		var later *care.TemporaryError
		if _, err := s.Test(t.Context()); !errors.As(err, &later) {
			t.Errorf("overload: %v", err)
		}
		if _, err := s.Test(t.Context()); err != nil {
			t.Errorf("after the overload: %v", err)
		}
	})
	t.Run("imports everything once, and goes on where it was broken off", func(t *testing.T) {
		w := make(t)
		s := open(t, w, w.Connection())
		for _, kind := range s.Kinds() {
			seen := map[string]int{}
			cursor := ""
			for n := 0; ; n++ {
				if n > 1000 {
					t.Fatalf("%s: the import doesn't end", kind)
				}
				records, next, more, err := s.Changes(t.Context(), kind, cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range records {
					checkRecord(t, kind, r)
					seen[r.ExternalID]++
				}
				if !more {
					cursor = next
					break
				}
				if next == cursor && len(records) > 0 {
					t.Fatalf("%s: the cursor stands still", kind)
				}
				cursor = next
				s = open(t, w, w.Connection()) // another process goes on with nothing but the cursor
			}
			if kind == care.KindOrder && len(seen) < 3 {
				t.Errorf("found %d orders", len(seen))
			}
			records, _, more, err := s.Changes(t.Context(), kind, cursor)
			if err != nil || more {
				t.Fatalf("%s: polling after the import: more %v, %v", kind, more, err)
			}
			for _, r := range records { // the window overlaps, but nothing is new
				if seen[r.ExternalID] == 0 {
					t.Errorf("%s %s was missed by the import", kind, r.ExternalID)
				}
			}
		}
	})
	t.Run("finds changes", func(t *testing.T) {
		w := make(t)
		s := open(t, w, w.Connection())
		if !slices.Contains(s.Kinds(), care.KindOrder) {
			t.Skip("keeps no orders")
		}
		_, cursor := drain(t, s, care.KindOrder, "")
		id := w.Place()
		found, cursor := drain(t, s, care.KindOrder, cursor)
		if !slices.Contains(found, id) {
			t.Errorf("the new order %s is not among %v", id, found)
		}
		w.Change(id)
		if found, _ = drain(t, s, care.KindOrder, cursor); !slices.Contains(found, id) {
			t.Errorf("the changed order %s is not among %v", id, found)
		}
	})
	t.Run("fetches by id", func(t *testing.T) {
		w := make(t)
		s := open(t, w, w.Connection())
		a, b := w.Place(), w.Place()
		w.Remove(b)
		records, err := s.Fetch(t.Context(), care.KindOrder, []string{a, b})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, r := range records {
			checkRecord(t, care.KindOrder, r)
			got[r.ExternalID] = r.Deleted
		}
		if deleted, ok := got[a]; !ok || deleted {
			t.Errorf("order %s: %v", a, got)
		}
		if deleted, ok := got[b]; !ok || !deleted {
			t.Errorf("removed order %s: %v", b, got)
		}
	})
	t.Run("receives hooks", func(t *testing.T) { hooks(t, make, open) })
}

func hooks(t *testing.T, make func(*testing.T) ShopWorld, open func(*testing.T, ShopWorld, care.Connection) care.Shop) {
	w, ok := make(t).(HookWorld)
	if !ok {
		t.Skip("the shop doesn't push")
	}
	s := open(t, w, w.Connection())
	receiver, ok := s.(care.HookReceiver)
	if !ok {
		t.Skip("the shop doesn't push")
	}
	address := w.Connection().HookURL
	first, err := receiver.RegisterHooks(t.Context(), address)
	if err != nil || len(first) == 0 {
		t.Fatalf("registered %v, %v", first, err)
	}
	id := w.Place()
	header, body := w.Pushed(id)
	hints, delivery, err := receiver.VerifyHook(header, body)
	if err != nil || !slices.ContainsFunc(hints, func(h care.Hint) bool { return h.Kind == care.KindOrder && h.ExternalID == id }) {
		t.Errorf("hints %v, %v", hints, err)
	}
	if _, again, err := receiver.VerifyHook(header, body); err != nil || again != delivery {
		t.Errorf("the same delivery is once %q and once %q, %v", delivery, again, err)
	}
	forged := append([]byte(" "), body...)
	if _, _, err := receiver.VerifyHook(header, forged); err == nil {
		t.Error("a changed body passes")
	}
	if _, _, err := receiver.VerifyHook(http.Header{}, body); err == nil {
		t.Error("an unsigned body passes")
	}
	again, err := receiver.RegisterHooks(t.Context(), address)
	if err != nil || len(again) != len(first) {
		t.Errorf("registering twice: %v, %v", again, err)
	}
	for _, h := range again {
		if !h.Active || h.Revived {
			t.Errorf("registered again: %+v", h)
		}
	}
	w.Kill()
	revived, err := receiver.RegisterHooks(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range revived {
		if !h.Active {
			t.Errorf("not revived: %+v", h)
		}
	}
	if err := receiver.UnregisterHooks(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if err := receiver.UnregisterHooks(t.Context(), address); err != nil {
		t.Errorf("unregistering twice: %v", err)
	}
}

// drain reads a kind to its end and returns the ids that it met.
func drain(t *testing.T, s care.Shop, kind care.RecordKind, cursor string) ([]string, string) {
	t.Helper()
	var ids []string
	for range 1000 {
		records, next, more, err := s.Changes(t.Context(), kind, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			ids = append(ids, r.ExternalID)
		}
		if cursor = next; !more {
			return ids, cursor
		}
	}
	t.Fatalf("%s doesn't end", kind)
	return nil, ""
}

func checkRecord(t *testing.T, kind care.RecordKind, r care.Record) {
	t.Helper()
	if r.Kind != kind || r.ExternalID == "" {
		t.Errorf("record %s %q among %s", r.Kind, r.ExternalID, kind)
	}
	if r.UpdatedAt.Location() != time.UTC && !r.UpdatedAt.IsZero() {
		t.Errorf("%s %s: time in %s", kind, r.ExternalID, r.UpdatedAt.Location())
	}
	if len(r.Raw) > 256<<10 {
		t.Errorf("%s %s: %d bytes of original", kind, r.ExternalID, len(r.Raw))
	}
	if r.Deleted {
		return
	}
	switch d := r.Data.(type) {
	case care.ShopOrder:
		if d.Number == "" || len(d.Currency) != 3 || d.RawStatus == "" || d.Total.Currency != d.Currency {
			t.Errorf("order %s lacks number, currency or status: %+v", r.ExternalID, d)
		}
		for _, l := range d.Lines {
			if l.Total.Currency != d.Currency || l.Price.Currency != d.Currency {
				t.Errorf("order %s: a line in another currency", r.ExternalID)
			}
		}
		if !slices.IsSortedFunc(d.History, func(a, b care.ShopHistory) int { return a.At.Compare(b.At) }) {
			t.Errorf("order %s: history is not in order", r.ExternalID)
		}
	case care.ShopProduct:
		if d.Name == "" {
			t.Errorf("product %s has no name", r.ExternalID)
		}
		for _, v := range d.Variants {
			if v.ExternalID == "" || len(v.Price.Currency) != 3 {
				t.Errorf("product %s: variant %+v", r.ExternalID, v)
			}
		}
	case care.ShopCustomer, care.ShopStock, care.ShopLocation, care.ShopPickupPoint, care.ShopCart, care.ShopInvoice:
	default:
		t.Errorf("%s %s holds a %T", kind, r.ExternalID, d)
	}
}
