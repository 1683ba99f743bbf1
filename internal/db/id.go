package db

import (
	"sync"
	"time"
)

// Ids are made by the program, not by the database: 53 bits, so that they are exact as
// JSON numbers in a browser, and ordered by time, so that new rows land at the end of each index.
//
//	40 bits  milliseconds since 2026-01-01 (until 2060)
//	 5 bits  node
//	 8 bits  sequence; when a millisecond is used up the next one is borrowed
const (
	nodeBits = 5
	seqBits  = 8
	MaxNodes = 1 << nodeBits
)

var idEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

type idSource struct {
	mu   sync.Mutex
	node int64
	ms   int64
	seq  int64
}

// next returns a new id. It never goes back, also when the machine's clock does.
func (s *idSource) next() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now().UnixMilli() - idEpoch; now > s.ms {
		s.ms, s.seq = now, 0
	} else if s.seq++; s.seq == 1<<seqBits {
		s.ms, s.seq = s.ms+1, 0
	}
	return s.ms<<(nodeBits+seqBits) | s.node<<seqBits | s.seq
}

// notBefore keeps ids above those that an earlier life of the node may have made.
func (s *idSource) notBefore(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ms = max(s.ms, t.UnixMilli()-idEpoch)
}

// IDAt returns the smallest id that a row made at t or later can have: a bound for scans by time.
func IDAt(t time.Time) int64 {
	return max(0, t.UnixMilli()-idEpoch) << (nodeBits + seqBits)
}
