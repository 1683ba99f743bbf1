package find

import (
	"cmp"
	"context"
	"slices"
)

const (
	maxAsked = 3   // words of a query that are looked for; the others must fit
	maxPairs = 128 // of words that may be meant together
)

// names looks for persons, products and subjects by their words.
func (s *search) names(ctx context.Context) error {
	words := s.q.words[:min(len(s.q.words), maxAsked)]
	if len(words) == 0 {
		return nil
	}
	readings := make([][]reading, len(words))
	for i, w := range words {
		var err error
		if readings[i], err = s.f.read(ctx, s.stores, w, s.q.open && i == len(s.q.words)-1); err != nil {
			return err
		}
	}
	if len(words) == 1 {
		return s.single(ctx, readings[0], func(g grade) rank { return rankOf[g] })
	}
	before := len(s.found)
	if err := s.pairs(ctx, words, readings); err != nil || len(s.found) > before {
		return err
	}
	// Nothing has two of the words: then what has one of them, if it is spelled so.
	for _, of := range readings {
		of = slices.DeleteFunc(slices.Clone(of), func(r reading) bool { return r.grade > sounds })
		if err := s.single(ctx, of, func(grade) rank { return oneOfWords }); err != nil {
			return err
		}
	}
	return nil
}

// single looks for the newest things that have one of the words.
func (s *search) single(ctx context.Context, of []reading, place func(grade) rank) error {
	slices.SortStableFunc(of, func(a, b reading) int { return cmp.Or(cmp.Compare(a.grade, b.grade), cmp.Compare(b.near, a.near)) })
	var words []storeWord
	by := map[storeWord]reading{}
	for _, r := range of {
		w := storeWord{r.store, r.word}
		if _, ok := by[w]; !ok {
			by[w], words = r, append(words, w)
		}
	}
	most := maxWays / len(s.fields())
	for len(words) > 0 {
		n := min(len(words), most)
		var ways []way
		for _, w := range words[:n] {
			for _, f := range s.fields() {
				ways = append(ways, way{f.name, w.store, w.word})
			}
		}
		got, err := s.f.newest(ctx, s.kinds, ways)
		if err != nil {
			return err
		}
		s.take(got, "name", func(t trace) (rank, float64) {
			r := by[storeWord{t.id.store, t.key}]
			return place(r.grade), r.near
		})
		if words = words[n:]; len(words) > 0 && by[words[0]].grade > sounds && len(s.found) > 0 {
			break // what is spelled so is enough
		}
	}
	return nil
}

// named is where names of customers stand, or those of anything else.
type named struct{ name, two field }

func (s *search) fields() []named {
	var out []named
	if slices.Contains(s.kinds, kindNumbers[Customer]) {
		out = append(out, named{fieldName, fieldPair})
	}
	if len(s.kinds) > len(out) {
		out = append(out, named{fieldTitle, fieldTitlePair})
	}
	return out
}

// pairs looks for things that have two of the words, each in any of its readings.
func (s *search) pairs(ctx context.Context, words []word, readings [][]reading) error {
	type both struct {
		key   string
		grade grade
		near  float64
	}
	var ways []both
	var open []way
	for i := range words {
		for j := i + 1; j < len(words); j++ {
			if words[i].folded == words[j].folded {
				continue
			}
			first, second := s.asked(i, words, readings), s.asked(j, words, readings)
			if !hasLetter(words[i].folded) { // the last digits of a phone stand after the name
				first, second = second, first
			}
			for _, a := range first {
				for _, b := range second {
					if a.store == b.store {
						ways = append(ways, both{pair(a.word, b.word), max(a.grade, b.grade), a.near * b.near})
					}
				}
			}
			if last := len(s.q.words) - 1; s.q.open && j == last {
				for _, a := range readings[i] {
					for _, f := range s.fields() {
						if a.grade <= sounds && len(open) < maxWays {
							open = append(open, way{f.two, a.store, pair(a.word, words[j].folded)})
						}
					}
				}
			}
		}
	}
	slices.SortStableFunc(ways, func(a, b both) int { return cmp.Or(cmp.Compare(a.grade, b.grade), cmp.Compare(b.near, a.near)) })
	by := map[string]both{}
	var keys []string
	for _, w := range ways {
		if _, ok := by[w.key]; !ok && len(keys) < maxPairs {
			by[w.key], keys = w, append(keys, w.key)
		}
	}
	for _, f := range s.fields() {
		if len(keys) == 0 {
			break
		}
		got, err := s.f.exactly(ctx, s.stores, s.kinds, f.two, keys, perPairs)
		if err != nil {
			return err
		}
		s.take(got, "name", func(t trace) (rank, float64) { return rankOf[by[t.key].grade], by[t.key].near })
	}
	got, err := s.f.beginningAny(ctx, s.kinds, open)
	if err != nil {
		return err
	}
	s.take(got, "name", func(trace) (rank, float64) { return beginsSo, 1 })
	return nil
}

// asked gives the readings of a word; of a row of digits beside words, its last ones, by which a phone stands with a name.
func (s *search) asked(i int, words []word, readings [][]reading) []reading {
	out := readings[i]
	if digits := reverse(s.q.phone); digits != "" && !hasLetter(words[i].folded) && len(digits) >= minFragment {
		for _, store := range s.stores {
			out = append(out, reading{store, digits[len(digits)-minFragment:], same, 1})
		}
	}
	return out
}
