package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lap is what a load took, request by request.
type lap struct {
	took    []time.Duration
	elapsed time.Duration
}

func (l *lap) perSecond() float64 { return float64(len(l.took)) / l.elapsed.Seconds() }

// quantile is in milliseconds.
func (l *lap) quantile(q float64) float64 {
	if len(l.took) == 0 {
		return 0
	}
	slices.Sort(l.took)
	return milliseconds(l.took[min(int(float64(len(l.took))*q), len(l.took)-1)])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// closed has workers call f one after the other for a time; f gets the worker and the number of the call.
func closed(ctx context.Context, workers int, d time.Duration, f func(ctx context.Context, worker int, n int64) error) (*lap, error) {
	return run(ctx, workers, func(int64) bool { return true }, d, f)
}

// counted is closed for a number of calls rather than a time.
func counted(ctx context.Context, workers int, calls int64, f func(ctx context.Context, worker int, n int64) error) (*lap, error) {
	return run(ctx, workers, func(n int64) bool { return n < calls }, time.Hour, f)
}

func run(ctx context.Context, workers int, more func(n int64) bool, d time.Duration, f func(ctx context.Context, worker int, n int64) error) (*lap, error) {
	ctx, cancel := context.WithTimeout(ctx, d+time.Minute) // what is under way at the end may finish
	defer cancel()
	var n atomic.Int64
	var wg sync.WaitGroup
	took, errs := make([][]time.Duration, workers), make([]error, workers)
	begun := time.Now()
	for w := range workers {
		wg.Go(func() {
			for ctx.Err() == nil && time.Since(begun) < d {
				k := n.Add(1) - 1
				if !more(k) {
					return
				}
				at := time.Now()
				if errs[w] = f(ctx, w, k); errs[w] != nil {
					cancel()
					return
				}
				took[w] = append(took[w], time.Since(at))
			}
		})
	}
	wg.Wait()
	return &lap{slices.Concat(took...), time.Since(begun)}, first(errs)
}

// first is the error that ended a load; those of the other workers only follow from it.
func first(errs []error) error {
	var cancelled error
	for _, err := range errs {
		switch {
		case errors.Is(err, context.Canceled):
			cancelled = err
		case err != nil:
			return err
		}
	}
	return cancelled
}

// paced calls f at a steady rate for a time, whether or not the earlier calls have been answered. f is told when it was due:
// a call that couldn't even begin in time is late by that too.
func paced(ctx context.Context, perSecond int, d time.Duration, f func(ctx context.Context, n int, due time.Time) error) error {
	ctx, cancel := context.WithTimeout(ctx, d+time.Minute)
	defer cancel()
	total := int(d.Seconds() * float64(perSecond))
	errs := make([]error, total)
	var wg sync.WaitGroup
	begun := time.Now()
	for n := range total {
		due := begun.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			if errs[n] = f(ctx, n, due); errs[n] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return first(errs)
}
