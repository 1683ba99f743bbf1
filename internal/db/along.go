package db

import "context"

type alongKey struct{}

// along is work that the first change made under a context takes with it.
type along struct {
	fn   func(*Tx) error
	done bool
}

// Along returns a context under which the first Write that commits also runs fn, in its transaction and before
// its own closure; an error of fn undoes the change. It ties a mark to an effect whose code needn't know of the mark.
// The context is for one request: its Writes must not run concurrently.
func Along(ctx context.Context, fn func(*Tx) error) context.Context {
	return context.WithValue(ctx, alongKey{}, &along{fn: fn})
}

// withAlong returns fn preceded by what the context brings along.
func withAlong(ctx context.Context, fn func(*Tx) error) func(*Tx) error {
	a, ok := ctx.Value(alongKey{}).(*along)
	if !ok || a.done {
		return fn
	}
	return func(tx *Tx) error {
		if err := a.fn(tx); err != nil {
			return err
		}
		tx.AfterCommit(func() { a.done = true })
		return fn(tx)
	}
}
