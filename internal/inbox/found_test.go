package inbox_test

import (
	"context"
	"testing"

	"opeka/internal/blob"
	"opeka/internal/customer"
	"opeka/internal/find"
	"opeka/internal/inbox"
)

func TestConversationsAreFoundByNumberAndSubject(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		files, err := blob.NewDisk(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		finder := find.New(h.db)
		i := inbox.New(h.db, customer.New(h.db, h.bus, nil), files, h.bus, inbox.Options{Index: finder})
		t.Cleanup(i.Close)
		in := h.from("visitor-1", "Доброго дня")
		in.Subject = "Повернення кросівок"
		r, err := i.Receive(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		here := []find.Within{{Store: h.store, Kinds: find.Kinds}}
		for _, query := range []string{"#1", "повернення", "кросівок повернення"} {
			hits, err := finder.Find(ctx, here, query, 5)
			if err != nil || len(hits) != 1 || hits[0].ID != r.Conversation || hits[0].Conversation != r.Conversation || hits[0].Title != in.Subject {
				t.Errorf("%q: %v %v", query, hits, err)
			}
		}
		things, upto, err := i.Source().Page(ctx, h.db.Read(), h.store, 0, 10)
		if err != nil || upto != 0 || len(things) != 1 || things[0].Title != in.Subject || things[0].Customer != r.Customer {
			t.Errorf("the source gives %v up to %d: %v", things, upto, err)
		}
	})
}
