package text

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/russian"
)

// The Snowball stemmers take microseconds a word, and people use the same words
// again and again, so what was stemmed lately is remembered.
var (
	russianStems = newMemory(func(word string) string { return russian.Stem(word, true) })
	englishStems = newMemory(func(word string) string { return english.Stem(word, true) })
)

func stemRussian(word string) string { return russianStems.of(word) }

func stemEnglish(word string) string { return englishStems.of(word) }

const memorySize = 1 << 13

// memory keeps the last answer for each of its places: a bounded cache without locks.
type memory struct {
	stem   func(string) string
	seed   maphash.Seed
	places [memorySize]atomic.Pointer[remembered]
}

type remembered struct{ word, stem string }

func newMemory(stem func(string) string) *memory {
	return &memory{stem: stem, seed: maphash.MakeSeed()}
}

func (m *memory) of(word string) string {
	place := &m.places[maphash.String(m.seed, word)%memorySize]
	if known := place.Load(); known != nil && known.word == word {
		return known.stem
	}
	// A copy, because the word may be a piece of a long text that would stay with it.
	word = strings.Clone(word)
	stem := m.stem(word)
	place.Store(&remembered{word, stem})
	return stem
}
