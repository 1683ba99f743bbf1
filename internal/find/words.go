package find

import (
	"context"
	"slices"
	"strings"
	"sync"

	"opeka/internal/db"
	"opeka/internal/text"
)

// The vocabulary of a store: each distinct word of its names once, however many bear it. A search
// turns what was typed into words that exist, and then looks for these.
const (
	formLetters = 0 // word -> itself, for its beginning
	formSound   = 1 // skeleton -> words
	formSlip    = 2 // skeleton without a letter -> skeletons
)

type entryOfWord struct {
	form      int64
	key, word string
}

// learned lists the rows by which a word is found.
func learned(w word) []entryOfWord {
	out := []entryOfWord{{formLetters, w.folded, w.folded}}
	for _, skeleton := range text.Skeletons(w.spelled) {
		skeleton = clip(skeleton, maxKey)
		out = append(out, entryOfWord{formSound, skeleton, w.folded})
		for _, slip := range text.Deletes(skeleton, 1)[1:] {
			out = append(out, entryOfWord{formSlip, slip, skeleton})
		}
	}
	return out
}

// learn adds to the vocabulary what this process hasn't met yet.
func (f *Finder) learn(tx *db.Tx, store int64, ws []word) {
	ws = slices.DeleteFunc(ws, func(w word) bool { return f.known.has(store, w.spelled) })
	if len(ws) == 0 {
		return
	}
	// Always in one order, so that two transactions don't wait for each other in a ring.
	slices.SortFunc(ws, func(a, b word) int { return strings.Compare(a.spelled, b.spelled) })
	ws = slices.Compact(ws)
	var rows [][]any
	for _, w := range ws {
		for _, e := range learned(w) {
			rows = append(rows, []any{store, e.form, e.key, e.word})
		}
	}
	deferRows(tx, `INSERT INTO find_words (store_id, form, key, word) VALUES `, ` ON CONFLICT DO NOTHING`, rows)
	tx.AfterCommit(func() { f.known.add(store, ws) })
}

// known remembers which words are in the tables for certain, since almost every name consists of such.
type known struct {
	mu sync.RWMutex
	m  map[knownWord]struct{}
}

type knownWord struct {
	store   int64
	spelled string
}

const maxKnown = 100_000

func newKnown() *known { return &known{m: map[knownWord]struct{}{}} }

func (k *known) has(store int64, spelled string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.m[knownWord{store, spelled}]
	return ok
}

func (k *known) add(store int64, ws []word) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.m)+len(ws) > maxKnown {
		clear(k.m)
	}
	for _, w := range ws {
		k.m[knownWord{store, w.spelled}] = struct{}{}
	}
}

// How well a word of the vocabulary answers one that was typed.
type grade int

const (
	same   grade = iota // letter for letter
	sounds              // in another spelling or alphabet
	begins              // begins so
	slips               // with a slip
)

// reading is a word of a store that may be meant.
type reading struct {
	store int64
	word  string
	grade grade
	near  float64
}

const (
	maxReadings = 16 // of each grade
	// A word must be so long for a slip in it to be told from another word.
	minForSlips = 4
	minNear     = 0.6
)

// read finds the words that may be meant by w in the stores, best first; partial tells that it may not be typed to its end.
func (f *Finder) read(ctx context.Context, stores []int64, w word, partial bool) ([]reading, error) {
	var out []reading
	for _, s := range stores {
		out = append(out, reading{s, w.folded, same, 1})
	}
	skeletons := text.Skeletons(w.spelled)
	add := func(g grade, rows []storeWord) {
		var found []reading
		for _, r := range rows {
			if slices.ContainsFunc(out, func(o reading) bool { return o.store == r.store && o.word == r.word }) {
				continue
			}
			near := 1.0
			if g != begins {
				near = text.NameSimilarity(w.folded, r.word)
			}
			if g != slips || near >= minNear {
				found = append(found, reading{r.store, r.word, g, near})
			}
		}
		slices.SortStableFunc(found, func(a, b reading) int {
			if a.near != b.near {
				if a.near > b.near {
					return -1
				}
				return 1
			}
			return len(a.word) - len(b.word)
		})
		out = append(out, found[:min(len(found), maxReadings)]...)
	}
	if len(skeletons) > 0 {
		rows, err := f.wordsByKey(ctx, stores, formSound, skeletons)
		if err != nil {
			return nil, err
		}
		add(sounds, rows)
	}
	if partial && len([]rune(w.folded)) >= 2 {
		rows, err := f.wordsBeginning(ctx, stores, formLetters, w.folded)
		if err != nil {
			return nil, err
		}
		if len(skeletons) > 0 && len([]rune(skeletons[0])) >= 2 && len(rows) < maxReadings {
			more, err := f.wordsBeginning(ctx, stores, formSound, skeletons[0])
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
		add(begins, rows)
	}
	if len([]rune(w.folded)) < minForSlips || len(skeletons) == 0 {
		return out, nil
	}
	var near []string
	for _, s := range skeletons {
		near = append(near, text.Deletes(s, 1)...)
	}
	rows, err := f.wordsByKey(ctx, stores, formSlip, near)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		near = append(near, r.word) // a skeleton
	}
	slices.Sort(near)
	if rows, err = f.wordsByKey(ctx, stores, formSound, slices.Compact(near)); err != nil {
		return nil, err
	}
	add(slips, rows)
	return out, nil
}
