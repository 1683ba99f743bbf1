package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What starting or a burst of visitors took would stay with the program for minutes: Go's collector waits until as much again has been asked for. On
// a machine that the program shares with the shop it is given back once there is little to do.
const (
	tidyEach = 500 * time.Millisecond
	tidyRest = 3 * time.Second // between two times
	quietPer = 512 << 10       // bytes asked for in tidyEach: with more there is something to do
	spareMin = 5 << 20
)

// heap is what is read of the collector; neither needs the program to stop.
type heap struct {
	asked   uint64 // since the start
	objects uint64 // living and dead
	live    uint64 // as the last collection found
	free    uint64 // held, without objects
}

// spare is about how much a collection would make free to be given back.
func (h heap) spare() uint64 { return h.free + h.objects - min(h.objects, h.live) }

// worthTidying tells whether the program is quiet and holds much more than it needs.
func worthTidying(before, now heap) bool {
	return now.asked-before.asked < quietPer && now.spare() >= max(spareMin, now.live/4)
}

// tidy gives memory back in quiet moments until ctx ends.
func tidy(ctx context.Context) {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	read := func() heap {
		metrics.Read(samples)
		at := func(n int) uint64 { return samples[n].Value.Uint64() }
		return heap{asked: at(0), objects: at(1), live: at(2), free: at(3) + at(4)}
	}
	tick := time.NewTicker(tidyEach)
	defer tick.Stop()
	before, last := read(), time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-tick.C:
			now := read()
			if worthTidying(before, now) && at.Sub(last) >= tidyRest {
				debug.FreeOSMemory()
				last = at
			}
			before = now
		}
	}
}
