// Package bus carries hints between the parts of the program and between its nodes, after a commit. A hint may be
// lost or come twice; what must not be lost is a job. Receivers of a hint read the database or show what it says.
package bus

import (
	"strings"
	"sync"
)

// Bus is where hints go.
type Bus interface {
	// Publish sends data to the subscribers of every node, this one included. It doesn't wait for them.
	Publish(topic string, data []byte)
	// Subscribe calls f for each hint whose topic begins with prefix, one at a time, in the order of one publisher. f must not block for long.
	Subscribe(prefix string, f func(topic string, data []byte)) (cancel func())
	// Err tells why hints don't reach other nodes at the moment; nil when they do.
	Err() error
	Close() error
}

// Local is the bus of a program that runs alone.
type Local struct {
	mu   sync.RWMutex
	subs map[int]*subscriber
	next int
}

// NewLocal returns a bus within this process.
func NewLocal() *Local { return &Local{subs: map[int]*subscriber{}} }

// Publish implements Bus.
func (b *Local) Publish(topic string, data []byte) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.subs {
		if strings.HasPrefix(topic, s.prefix) {
			s.offer(hint{topic, data})
		}
	}
}

// Subscribe implements Bus.
func (b *Local) Subscribe(prefix string, f func(topic string, data []byte)) (cancel func()) {
	s := &subscriber{prefix: prefix, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	go s.run(f)
	b.mu.Lock()
	defer b.mu.Unlock()
	id := b.next
	b.next++
	b.subs[id] = s
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.subs[id] != nil {
			delete(b.subs, id)
			close(s.quit)
		}
	}
}

// Err implements Bus.
func (b *Local) Err() error { return nil }

// Close implements Bus.
func (b *Local) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, s := range b.subs {
		delete(b.subs, id)
		close(s.quit)
	}
	return nil
}

type hint struct {
	topic string
	data  []byte
}

// maxBehind bounds what a stuck subscriber can hold; beyond it the oldest hints are dropped, as hints may be.
const maxBehind = 100_000

type subscriber struct {
	prefix string
	mu     sync.Mutex
	queue  []hint
	wake   chan struct{}
	quit   chan struct{}
}

func (s *subscriber) offer(h hint) {
	s.mu.Lock()
	if len(s.queue) >= maxBehind {
		s.queue = s.queue[maxBehind/2:]
	}
	s.queue = append(s.queue, h)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) run(f func(string, []byte)) {
	var batch []hint
	for {
		select {
		case <-s.wake:
		case <-s.quit:
			return
		}
		s.mu.Lock()
		batch, s.queue = s.queue, batch[:0]
		s.mu.Unlock()
		for i, h := range batch {
			f(h.topic, h.data)
			batch[i] = hint{}
		}
	}
}
