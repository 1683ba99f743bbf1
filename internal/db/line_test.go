package db

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestALineDoesEverybodysWorkOnce(t *testing.T) {
	for _, leaders := range []int{1, 2, 5} {
		var mu sync.Mutex
		done, at, most := map[int]int{}, 0, 0
		l := line[int]{leaders: leaders, do: func(_ context.Context, works []int) error {
			mu.Lock()
			at++
			most = max(most, at)
			for _, w := range works {
				done[w]++
			}
			mu.Unlock()
			defer func() {
				mu.Lock()
				at--
				mu.Unlock()
			}()
			for _, w := range works {
				if w%37 == 0 {
					panic("at the worst time")
				}
				if w%41 == 0 {
					return errAlone
				}
			}
			return nil
		}}
		const callers, each = 40, 50
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				for n := range each {
					func() {
						defer func() { _ = recover() }() // its leader's own
						if err := l.call(t.Context(), c*each+n); err != nil && !errors.Is(err, errAlone) {
							t.Error(err)
						}
					}()
				}
			})
		}
		wg.Wait()
		if len(done) != callers*each || l.leading != 0 || len(l.queue) != 0 || most > leaders {
			t.Fatalf("%d of %d done, %d lead, %d wait, %d at once of %d", len(done), callers*each, l.leading, len(l.queue), most, leaders)
		}
		for w, n := range done {
			if n != 1 {
				t.Fatalf("%d was done %d times", w, n)
			}
		}
	}
}
