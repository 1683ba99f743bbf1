package sound

import "sync"

// Aside runs what is to be told to others beside the tick, one after the other in order. It keeps no goroutine while there is nothing to tell.
type Aside struct {
	mu      sync.Mutex
	waiting []func()
	running bool
}

// Do has f called soon.
func (a *Aside) Do(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, f)
	if !a.running {
		a.running = true
		go a.run()
	}
}

func (a *Aside) run() {
	for {
		a.mu.Lock()
		if len(a.waiting) == 0 {
			a.running, a.waiting = false, nil
			a.mu.Unlock()
			return
		}
		f := a.waiting[0]
		a.waiting = a.waiting[1:]
		a.mu.Unlock()
		f()
	}
}
