package db

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestChangesAreWovenInTheirOrder(t *testing.T) {
	const (
		update = `UPDATE t SET a = $1 WHERE id = $2`
		one    = `INSERT INTO one (id, x) VALUES ($1, $2)`
		twice  = `INSERT INTO twice AS t (id, x, y) VALUES ($1, $2, $2) ON CONFLICT (id) DO NOTHING`
		pairs  = `INSERT INTO pairs (id, x) VALUES ($1,$2),($3,$4)`
		upsert = `INSERT INTO up (id, x) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET x = excluded.x`
	)
	r := rand.New(rand.NewPCG(3, 5))
	for range 300 {
		changes := make([][]deferred, 1+r.IntN(70))
		for c := range changes {
			for n := range r.IntN(9) {
				mark := int64(c*100 + n)
				w := [...]deferred{{update, []any{mark, int64(1)}}, {one, []any{mark, "x"}}, {twice, []any{mark, "x"}}, {pairs, []any{mark, "x", mark, "y"}}, {upsert, []any{mark, "x"}}}[r.IntN(5)]
				changes[c] = append(changes[c], w)
			}
		}
		// Taken apart again, each change must be found with all of its writes, in their order.
		found := make([][]string, len(changes))
		weave(changes, func(sql string, args []any) {
			if n := len(reParam.FindAllString(sql, -1)); n < len(args) {
				t.Fatalf("%d places for %d arguments: %s", n, len(args), sql)
			}
			plain, width := sql, len(args)
			for _, s := range []string{one, twice, pairs} {
				if table := strings.Fields(s)[2]; strings.Fields(sql)[2] == table {
					plain, width = s, insertOf(s).params
				}
			}
			for ; len(args) > 0; args = args[width:] {
				mark := args[0].(int64)
				found[mark/100] = append(found[mark/100], fmt.Sprint(plain, mark))
			}
		})
		for c, writes := range changes {
			var want []string
			for _, w := range writes {
				want = append(want, fmt.Sprint(w.sql, w.args[0]))
			}
			if fmt.Sprint(want) != fmt.Sprint(found[c]) {
				t.Fatalf("change %d\n%q became\n%q", c, want, found[c])
			}
		}
	}
}

func TestInsertionsOfSeveralRows(t *testing.T) {
	for sql, want := range map[string]string{
		`INSERT INTO a (x, y, z) VALUES ($1, $2, $2)`:                       `INSERT INTO a (x, y, z) VALUES ($1, $2, $2), ($3, $4, $4)`,
		insertJob + keepJob:                                                 insertJob + ", ($10, $11, $12, $13, $14, $15, $16, $17, $18)" + keepJob,
		`INSERT INTO a (x) VALUES ($1),($2) ON CONFLICT DO NOTHING`:         `INSERT INTO a (x) VALUES ($1),($2), ($3),($4) ON CONFLICT DO NOTHING`,
		`INSERT INTO a (x) VALUES ($1) RETURNING x`:                         "",
		`INSERT INTO a (x) VALUES ($1::bigint)`:                             "",
		`INSERT INTO a (x, y) VALUES ($1, 'now')`:                           "",
		`INSERT INTO a (x) SELECT $1`:                                       "",
		insertJob + moveJob:                                                 "",
		`INSERT INTO a (x) VALUES ($1) ON CONFLICT (x) DO UPDATE SET x = 1`: "",
		`UPDATE a SET x = $1`:                                               "",
	} {
		if (want != "") != severalRows(sql) {
			t.Errorf("several rows: %v: %s", severalRows(sql), sql)
		} else if want != "" && ofRows(sql, 2) != want {
			t.Errorf("%s\nbecame %s", sql, ofRows(sql, 2))
		}
	}
}
