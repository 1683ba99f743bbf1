package commerce

import (
	"strings"
	"testing"

	"opeka/internal/blob"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
)

func TestAFileIsCheckedThenImportedAndImportedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		m := room(t, d)
		files, err := blob.NewDisk(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		m.files = files
		run(t, m, d)
		const file = "Артикул;Назва;Ціна;Залишок\nM-1;Горнятко;250,50;5\nM-2;=Ложка;дорого;1\nM-3;Тарілка;100;0\n"
		through := func(dry bool, id int64) Import {
			t.Helper()
			if _, err := m.RunImport(t.Context(), scope, id, Format{}, nil, dry); err != nil {
				t.Fatal(err)
			}
			var im Import
			waitFor(t, func() bool {
				im, err = m.Import(t.Context(), scope, id)
				return err != nil || im.State == "checked" || im.State == "done" || im.State == "failed"
			})
			return im
		}
		im, err := m.Upload(t.Context(), scope, shop.ID, care.KindProduct, "goods.csv", []byte(file))
		if err != nil || im.Rows != 3 || len(im.Mapping) != 4 {
			t.Fatalf("%+v %v", im, err)
		}
		if im = through(true, im.ID); im.Created != 2 || im.Errors != 1 || count(t, d, `SELECT count(*) FROM products`) != 0 {
			t.Fatalf("a dry run: %+v", im)
		}
		list, err := m.ImportErrors(t.Context(), scope, im.ID)
		if err != nil || !strings.Contains(string(list), "3,price,") || !strings.Contains(string(list), "'=Ложка") {
			t.Fatalf("%s %v", list, err)
		}
		if im = through(false, im.ID); im.State != "done" || im.Created != 2 || count(t, d, `SELECT sum(available) FROM stock_levels`) != 5 {
			t.Fatalf("a run: %+v", im)
		}
		again, err := m.Upload(t.Context(), scope, shop.ID, care.KindProduct, "goods.csv", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if again = through(false, again.ID); again.Created != 0 || again.Unchanged != 2 {
			t.Fatalf("again: %+v", again)
		}
	})
}
