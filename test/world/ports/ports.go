// Package ports finds ports for tests that must name one before it is opened: for another program, or for a node that others are told of.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// The kernel gives ports from 32768 up to whoever asks for any, and the sound of calls takes those below 20000: one of those may be somebody else's before the
// test comes to use it. These nobody takes without being told to.
const (
	lowest  = 21000
	highest = 32000
)

var (
	mu    sync.Mutex
	given = map[int]bool{} // in this process
)

// Free is a port of this machine that nobody has, over TCP and UDP.
func Free(t testing.TB) int {
	t.Helper()
	return Row(t, 1)
}

// Row is the first of n such ports, one after another.
func Row(t testing.TB, n int) int {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		first := lowest + rand.IntN(highest-lowest-n)
		if free(first, n) {
			for p := first; p < first+n; p++ {
				given[p] = true
			}
			return first
		}
	}
	t.Fatal("this machine has no free port")
	return 0
}

// Address is a free port of loopback as host:port.
func Address(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", Free(t))
}

func free(first, n int) bool {
	for p := first; p < first+n; p++ {
		if given[p] {
			return false
		}
		// On all addresses: a port that somebody has on any of them isn't free.
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", p))
		if err != nil {
			return false
		}
		_ = l.Close()
		u, err := net.ListenPacket("udp", fmt.Sprintf(":%d", p))
		if err != nil {
			return false
		}
		_ = u.Close()
	}
	return true
}
