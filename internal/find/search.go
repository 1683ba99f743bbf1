package find

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"opeka/internal/text"
)

// rank is how much a key tells; the lower, the earlier a hit stands. Within a rank newer things stand first.
type rank int

const (
	wholeNumber rank = iota // an order, parcel, phone or address, whole
	partNumber              // its beginning or end
	wholeName
	sameSound  // the name in another spelling or alphabet
	beginsSo   // a name not typed to its end, or an address that begins like a name
	withSlip   // a name with a slip
	oneOfWords // only some of the words
)

var rankOf = map[grade]rank{same: wholeName, sounds: sameSound, begins: beginsSo, slips: withSlip}

// candidate is a thing that may be meant, by the best of its keys.
type candidate struct {
	id      thingID
	rank    rank
	near    float64 // of names: 1 is the same
	day     int64
	matched string
}

// search is one look-up: what is asked, where, and what has been found so far.
type search struct {
	f      *Finder
	q      question
	stores []int64
	kinds  []int64
	found  map[thingID]candidate
}

const (
	defaultLimit = 20
	maxLimit     = 50
	minQuery     = 2
)

// Find gives what the query may mean in the stores, best first: whole numbers, phones and addresses, then
// parts of them, then names, then names with a slip; among equals customers, then the newest. The newest orders of customers that were found come after them.
func (f *Finder) Find(ctx context.Context, in []Within, query string, limit int) ([]Hit, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	q := ask(query)
	if q.empty() || len([]rune(strings.TrimSpace(query))) < minQuery {
		return nil, nil
	}
	var things []ranked
	for _, g := range together(in) {
		s := &search{f: f, q: q, stores: g.stores, kinds: g.kinds, found: map[thingID]candidate{}}
		part, err := s.run(ctx, limit)
		if err != nil {
			return nil, fmt.Errorf("find: %w", err)
		}
		things = append(things, part...)
	}
	sortRanked(things)
	hits := make([]Hit, 0, min(limit, len(things)))
	for _, t := range things[:min(limit, len(things))] {
		hits = append(hits, t.hit())
	}
	return hits, nil
}

// group is stores in which the same kinds may be seen.
type group struct{ stores, kinds []int64 }

func together(in []Within) []group {
	var out []group
	for _, w := range in {
		var kinds []int64
		for _, k := range w.Kinds {
			if n, ok := kindNumbers[k]; ok && !slices.Contains(kinds, n) {
				kinds = append(kinds, n)
			}
		}
		if len(kinds) == 0 {
			continue
		}
		slices.Sort(kinds)
		i := slices.IndexFunc(out, func(g group) bool { return slices.Equal(g.kinds, kinds) })
		if i < 0 {
			out, i = append(out, group{kinds: kinds}), len(out)
		}
		if !slices.Contains(out[i].stores, w.Store) {
			out[i].stores = append(out[i].stores, w.Store)
		}
	}
	return out
}

// ranked is a thing with its place.
type ranked struct {
	thing
	candidate
}

func sortRanked(things []ranked) {
	slices.SortFunc(things, func(a, b ranked) int {
		return cmp.Or(
			cmp.Compare(a.rank, b.rank),
			cmp.Compare(tenths(b.near), tenths(a.near)),
			cmp.Compare(a.thing.id.impersonal(), b.thing.id.impersonal()),
			cmp.Compare(b.recency, a.recency),
			cmp.Compare(b.candidate.id.ref, a.candidate.id.ref))
	})
}

// impersonal puts customers before their orders.
func (id thingID) impersonal() int {
	if id.kind == kindNumbers[Customer] {
		return 0
	}
	return 1
}

// tenths keeps hair's breadths of likeness from standing before recency.
func tenths(near float64) int { return int(near*10 + 0.5) }

func (r ranked) hit() Hit {
	return Hit{
		Store: r.thing.id.store, Kind: kindsByNumber[r.thing.id.kind], ID: r.thing.id.ref, Title: r.title, Subtitle: r.subtitle,
		Matched: r.matched, Customer: r.customer, Conversation: r.conversation, Recency: r.recency,
	}
}

func (s *search) run(ctx context.Context, limit int) ([]ranked, error) {
	for _, look := range []func(context.Context) error{s.numbers, s.phones, s.emails, s.names} {
		if err := look(ctx); err != nil {
			return nil, err
		}
	}
	best := make([]candidate, 0, len(s.found))
	for _, c := range s.found {
		best = append(best, c)
	}
	slices.SortFunc(best, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(tenths(b.near), tenths(a.near)), cmp.Compare(a.id.impersonal(), b.id.impersonal()), cmp.Compare(b.day, a.day), cmp.Compare(b.id.ref, a.id.ref))
	})
	best = best[:min(len(best), 2*limit)]
	ids := make([]thingID, len(best))
	for i, c := range best {
		ids[i] = c.id
	}
	rows, err := s.f.things(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]ranked, 0, len(rows))
	for _, t := range rows {
		if c, ok := s.found[t.id]; ok {
			out = append(out, ranked{t, s.judge(t, c)})
		}
	}
	sortRanked(out)
	return s.withOrders(ctx, out, limit)
}

// judge looks at what was found: which of its numbers it was, and whether the other words of the query fit.
func (s *search) judge(t thing, c candidate) candidate {
	var f facts
	if json.Unmarshal([]byte(t.facts), &f) != nil {
		return c
	}
	if c.matched == "number" {
		for _, sort := range []struct {
			list []string
			name string
		}{{f.Numbers, "number"}, {f.Tracking, "tracking"}, {f.Codes, "sku"}} {
			if slices.ContainsFunc(sort.list, s.fits) {
				c.matched = sort.name
				break
			}
		}
		return c
	}
	if c.matched != "name" || len(s.q.words) < 2 || c.rank == oneOfWords {
		return c
	}
	digits := tail(s.q.phone)
	names := strings.Join(f.Names, " ")
	for i, w := range s.q.words {
		switch {
		case !hasLetter(w.folded) && digits != "":
			if !slices.ContainsFunc(phones(f.Phones), func(p string) bool { return strings.HasPrefix(p, digits) }) && text.NameSimilarity(w.folded, names) < minNear && !strings.Contains(text.Fold(names), w.folded) {
				c.rank = oneOfWords
			}
		case hasLetter(w.folded) && i >= 2 && text.NameSimilarity(w.spelled, names) < minNear:
			c.rank = oneOfWords
		}
	}
	return c
}

// fits tells whether the query, or a number in it, is a number of the thing or a part of it.
func (s *search) fits(number string) bool {
	asked := slices.Clone(s.q.number)
	for _, e := range s.q.ends {
		asked = append(asked, reverse(e))
	}
	for _, p := range s.q.parts {
		asked = append(asked, numberForms(p)...)
	}
	for _, form := range numberForms(number) {
		for _, a := range asked {
			if strings.HasPrefix(form, a) || strings.HasSuffix(form, a) {
				return true
			}
		}
	}
	return false
}

func (s *search) take(traces []trace, matched string, judge func(trace) (rank, float64)) {
	for _, t := range traces {
		r, near := judge(t)
		c := candidate{t.id, r, near, t.day, matched}
		old, ok := s.found[t.id]
		if !ok || c.rank < old.rank || c.rank == old.rank && c.near > old.near {
			s.found[t.id] = c
		}
	}
}

func always(r rank) func(trace) (rank, float64) {
	return func(trace) (rank, float64) { return r, 1 }
}

// numbers looks for orders, parcels, conversations and articles.
func (s *search) numbers(ctx context.Context) error {
	if len(s.q.number) > 0 {
		got, err := s.f.exactly(ctx, s.stores, s.kinds, fieldNumber, s.q.number, perRange)
		if err != nil {
			return err
		}
		s.take(got, "number", always(wholeNumber))
		for _, form := range s.q.number {
			if len([]rune(form)) < minNumber {
				continue
			}
			if err := s.partNumbers(ctx, fieldNumber, form); err != nil {
				return err
			}
		}
		for _, end := range s.q.ends {
			if err := s.partNumbers(ctx, fieldNumberEnd, end); err != nil {
				return err
			}
		}
	}
	for _, part := range s.q.parts {
		forms := numberForms(part)
		got, err := s.f.exactly(ctx, s.stores, s.kinds, fieldNumber, forms, perRange)
		if err != nil {
			return err
		}
		// "iphone 15" is hardly about order 15.
		r := oneOfWords
		if len(forms) > 0 && len(forms[0]) >= minFragment {
			r = partNumber
		}
		s.take(got, "number", always(r))
	}
	return nil
}

func (s *search) partNumbers(ctx context.Context, fd field, beginning string) error {
	got, err := s.f.beginning(ctx, s.stores, s.kinds, fd, beginning, perRange)
	if err == nil {
		s.take(got, "number", always(partNumber))
	}
	return err
}

// phones looks for a number in any writing, or its last digits.
func (s *search) phones(ctx context.Context) error {
	r := s.q.phone
	if len(r) < minFragment || len(s.q.words) > 0 && slices.ContainsFunc(s.q.words, func(w word) bool { return hasLetter(w.folded) }) && len(r) < minFragment+3 {
		return nil // with words beside them a few digits are looked for together with these
	}
	ways := []string{tail(r)}
	if trunk := strings.TrimRight(r, "0"); len(r) < nationalDigits+1 && len(r) > minFragment+2 && trunk != r {
		ways = append(ways, trunk) // 0 and the beginning of the country's own number
	}
	for _, way := range ways {
		got, err := s.f.beginning(ctx, s.stores, s.kinds, fieldPhone, way, perRange)
		if err != nil {
			return err
		}
		s.take(got, "phone", func(t trace) (rank, float64) {
			if len(way) >= nationalDigits || len(way) > minFragment+1 && len(way) >= len(t.key)-3 {
				return wholeNumber, 1
			}
			return partNumber, 1
		})
	}
	return nil
}

// emails looks for an address or its beginning.
func (s *search) emails(ctx context.Context) error {
	if len([]rune(s.q.email)) < minQuery {
		return nil
	}
	got, err := s.f.exactly(ctx, s.stores, s.kinds, fieldEmail, []string{s.q.email}, perRange)
	if err != nil {
		return err
	}
	s.take(got, "email", always(wholeNumber))
	if got, err = s.f.beginning(ctx, s.stores, s.kinds, fieldEmail, s.q.email, perRange); err != nil {
		return err
	}
	s.take(got, "email", func(t trace) (rank, float64) {
		switch {
		case t.key == s.q.email:
			return wholeNumber, 1
		case s.q.mail:
			return partNumber, 1
		}
		return beginsSo, 1
	})
	return nil
}

const ordersShown = 3

// withOrders puts the newest orders of the first customers after everything found.
func (s *search) withOrders(ctx context.Context, found []ranked, limit int) ([]ranked, error) {
	if !slices.Contains(s.kinds, kindNumbers[Order]) {
		return found, nil
	}
	asked := 0
	for _, r := range slices.Clone(found) {
		if len(found) >= limit || asked == ordersShown {
			break
		}
		if r.thing.id.kind != kindNumbers[Customer] {
			continue
		}
		asked++
		orders, err := s.f.ordersOf(ctx, r.thing.id.store, r.thing.id.ref, ordersShown)
		if err != nil {
			return nil, err
		}
		for _, o := range orders {
			if _, ok := s.found[o.id]; !ok {
				c := candidate{id: o.id, rank: oneOfWords + 1, matched: r.matched}
				s.found[o.id] = c
				found = append(found, ranked{o, c})
			}
		}
	}
	return found, nil
}

func hasLetter(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }
