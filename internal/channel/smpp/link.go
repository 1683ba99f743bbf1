package smpp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"opeka/internal/care"
)

const (
	answerWithin  = 30 * time.Second
	enquireEvery  = 30 * time.Second
	enquireWithin = 10 * time.Second
	queued        = 64 // deliveries that wait to be kept
)

// link is one bound connection. It ends with its first error.
type link struct {
	conn     net.Conn
	listener chan listener // by then deliveries wait
	mu       sync.Mutex
	seq      uint32
	waiting  map[uint32]chan pdu
	done     chan struct{}
	cause    error
	once     sync.Once
	incoming chan pdu
}

// listener keeps what was handed over and gives the status of the answer; unwritten hears of an answer that couldn't be given.
type listener struct {
	deliver   func(p pdu) uint32
	unwritten func(p pdu)
}

// listen says who takes what comes. A link that nobody listens to is bound for sending, and nothing comes.
func (l *link) listen(deliver func(p pdu) uint32, unwritten func(p pdu)) {
	l.listener <- listener{deliver, unwritten}
}

func newLink(conn net.Conn) *link {
	return &link{conn: conn, waiting: map[uint32]chan pdu{}, done: make(chan struct{}), incoming: make(chan pdu, queued), listener: make(chan listener, 1)}
}

// run reads until the connection breaks.
func (l *link) run() {
	var group sync.WaitGroup
	group.Go(func() {
		var to listener
		for p := range l.incoming {
			if to.deliver == nil {
				select {
				case to = <-l.listener:
				case <-l.done:
					continue
				}
			}
			status := to.deliver(p)
			if err := l.write(pdu{cmdDeliver | respond, status, p.seq, []byte{0}}); err != nil && status == ok {
				to.unwritten(p)
			}
		}
	})
	r := bufio.NewReader(l.conn)
	for {
		p, err := readPDU(r)
		if err != nil {
			l.end(err)
			break
		}
		if p.command&respond != 0 {
			l.mu.Lock()
			c := l.waiting[p.seq]
			delete(l.waiting, p.seq)
			l.mu.Unlock()
			if c != nil {
				c <- p
			}
			continue
		}
		switch p.command {
		case cmdDeliver:
			select {
			case l.incoming <- p:
			case <-l.done:
			}
		case cmdEnquire:
			_ = l.write(pdu{cmdEnquire | respond, 0, p.seq, nil})
		case cmdUnbind:
			_ = l.write(pdu{cmdUnbind | respond, 0, p.seq, nil})
			l.end(errors.New("the SMSC has ended the connection"))
		default:
			_ = l.write(pdu{cmdNack, 0x03, p.seq, nil})
		}
	}
	close(l.incoming)
	group.Wait()
}

// keepAlive asks now and then whether the other side is still there.
func (l *link) keepAlive() {
	t := time.NewTicker(enquireEvery)
	defer t.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-t.C:
			ctx, cancel := context.WithTimeout(context.Background(), enquireWithin)
			_, err := l.ask(ctx, pdu{command: cmdEnquire})
			cancel()
			if err != nil {
				l.end(fmt.Errorf("the SMSC doesn't answer: %w", err))
				return
			}
		}
	}
}

func (l *link) end(err error) {
	l.once.Do(func() {
		l.cause = err
		close(l.done)
		_ = l.conn.Close()
	})
}

func (l *link) alive() bool {
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

func (l *link) write(p pdu) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(answerWithin))
	_, err := l.conn.Write(p.bytes())
	return err
}

// ask sends a request and waits for its answer. Without one nobody knows whether it was taken.
func (l *link) ask(ctx context.Context, p pdu) (pdu, error) {
	c := make(chan pdu, 1)
	l.mu.Lock()
	l.seq++
	p.seq = l.seq
	l.waiting[p.seq] = c
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, p.seq)
		l.mu.Unlock()
	}()
	if err := l.write(p); err != nil {
		return pdu{}, &care.UncertainError{Cause: err}
	}
	timeout := time.NewTimer(answerWithin)
	defer timeout.Stop()
	select {
	case a := <-c:
		return a, nil
	case <-l.done:
		select { // the answer may have been the last thing that came
		case a := <-c:
			return a, nil
		default:
			return pdu{}, &care.UncertainError{Cause: l.cause}
		}
	case <-timeout.C:
		return pdu{}, &care.UncertainError{Cause: errors.New("no answer came")}
	case <-ctx.Done():
		return pdu{}, &care.UncertainError{Cause: ctx.Err()}
	}
}

// unbind says goodbye, as far as there is time.
func (l *link) unbind() {
	if !l.alive() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, _ = l.ask(ctx, pdu{command: cmdUnbind})
	l.end(net.ErrClosed)
}
