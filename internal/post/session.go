package post

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// session is an open channel of one version of a connection's settings.
type session struct {
	id      int64
	version int64
	name    string // of the medium
	channel care.Channel
	sorting gate

	mu   sync.Mutex
	next time.Time           // when the service may be sent something again
	slot map[int64]time.Time // the turns that waiting sends were given

	templates      []care.ApprovedTemplate
	templatesUntil time.Time
}

func (s *session) close() {
	if c, ok := s.channel.(io.Closer); ok {
		_ = c.Close()
	}
}

// live is what a job works on.
type live struct {
	account.LiveConnection
	*session
}

// open returns a connection with its channel, once per version of its settings.
func (p *Post) open(ctx context.Context, id int64) (live, error) {
	c, err := p.connections.Connection(ctx, id)
	if err != nil {
		return live{}, err
	}
	s, err := p.session(c)
	return live{c, s}, err
}

func (p *Post) session(c account.LiveConnection) (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	have := p.sessions[c.ID]
	if have != nil && have.version == c.Version {
		return have, nil
	}
	plug := p.plugs[c.Plug]
	if plug == nil {
		return nil, care.Invalid("plug", "plug_unknown", "value", c.Plug)
	}
	ch, err := plug.OpenChannel(c.Connection, p.o.Client)
	if err != nil {
		return nil, err
	}
	if have != nil {
		have.close()
	}
	s := &session{id: c.ID, version: c.Version, name: plug.Channel(), channel: ch, slot: map[int64]time.Time{}}
	p.sessions[c.ID] = s
	return s, nil
}

// Leave makes the service stop pushing to a connection that is about to be removed, as far as it can be reached.
func (p *Post) Leave(ctx context.Context, connection int64) {
	l, err := p.open(ctx, connection)
	if err != nil || l.HookURL == "" {
		return
	}
	receiver, ok := l.channel.(care.PushReceiver)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := receiver.UnregisterPush(ctx); err != nil && !errors.Is(err, care.ErrManual) {
		p.o.Log.Warn("a service goes on pushing to a connection that is removed", "connection", connection, "err", err)
	}
}

func (p *Post) dropSession(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[id]; s != nil {
		s.close()
		delete(p.sessions, id)
	}
}

// turn gives a send its place in the pace that the service takes; the wait is 0 when it is its turn.
func (s *session) turn(send int64, now time.Time, perSecond float64) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, given := s.slot[send]
	if !given {
		at = now
		if s.next.After(at) {
			at = s.next
		}
		s.next = at.Add(time.Duration(float64(time.Second) / perSecond))
	}
	if wait := at.Sub(now); wait > 0 {
		s.slot[send] = at
		return wait
	}
	delete(s.slot, send)
	return 0
}

// gate lets one at a time through. Who finds it busy leaves word, and whoever is inside goes round again.
type gate struct {
	mu          sync.Mutex
	busy, again bool
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy {
		g.again = true
		return false
	}
	g.busy = true
	return true
}

// leave tells whether to go round again; if not, the gate is free.
func (g *gate) leave() (again bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	again, g.again = g.again, false
	g.busy = again
	return again
}

// channelOf tells what a connection's plug speaks; "" if it is no channel.
func (p *Post) channelOf(plug string) string {
	if c := p.plugs[plug]; c != nil {
		return c.Channel()
	}
	return ""
}

type ofConnection struct {
	Connection int64 `json:"connection_id"`
}

func work(kind string, store, connection int64, at time.Time) db.Job {
	return db.Job{Store: store, Kind: kind, Key: strconv.FormatInt(connection, 10), RunAt: at, Payload: ofConnection{connection}, MaxAttempts: forever}
}

// runChanged follows a connection that was made, changed or removed.
func (p *Post) runChanged(ctx context.Context, j job.Job) (job.Done, error) {
	if j.Event == nil {
		return nil, nil
	}
	id := j.Event.Subject
	c, err := p.connections.Connection(ctx, id)
	switch {
	case isNotFound(err):
		p.dropSession(id)
		return func(tx *db.Tx) error {
			tx.Defer(`DELETE FROM post_channels WHERE connection_id = $1`, id)
			tx.AfterCommit(p.told)
			return nil
		}, nil
	case err != nil:
		return nil, err
	case p.plugs[c.Plug] == nil:
		return nil, nil
	}
	return func(tx *db.Tx) error {
		tx.Defer(`INSERT INTO post_channels (connection_id, store_id) VALUES ($1, $2)
ON CONFLICT (connection_id) DO UPDATE SET failures = 0, failing_since_at = 0, held_until_at = 0`, id, c.Store)
		push := work(jobPush, c.Store, id, tx.Now)
		push.Move = true
		tx.Enqueue(push)
		tx.Enqueue(work(jobSort, c.Store, id, tx.Now))
		if c.State != account.StatePaused { // what waited for better keys goes now
			tx.Defer(`UPDATE jobs SET run_at = $1 WHERE kind = '`+jobSend+`' AND state = 'ready' AND run_at > $1
AND key IN (SELECT CAST(id AS TEXT) FROM post_sends WHERE connection_id = $2 AND state IN ('queued', 'sending') AND attempts > 0)`, db.At(tx.Now), id)
			tx.Woke(jobSend)
		}
		tx.AfterCommit(p.told)
		return nil
	}, nil
}

// told makes every node look at its listeners.
func (p *Post) told() {
	if p.o.Bus != nil {
		p.o.Bus.Publish(topicChanged, nil)
		return
	}
	p.nudge()
}

// runPush makes the service push to us. Most forget nothing, so it is done at changes and now and then.
func (p *Post) runPush(ctx context.Context, j job.Job) (job.Done, error) {
	var w ofConnection
	if err := j.Decode(&w); err != nil {
		return nil, err
	}
	l, err := p.open(ctx, w.Connection)
	if err != nil {
		return p.closed(ctx, w.Connection, err)
	}
	receiver, pushes := l.channel.(care.PushReceiver)
	if !pushes || l.HookURL == "" || l.State == account.StatePaused {
		return nil, nil
	}
	cause := receiver.RegisterPush(ctx, l.HookURL)
	if errors.Is(cause, care.ErrManual) {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return func(tx *db.Tx) error {
		wait, err := p.note(ctx, tx, l, cause)
		if err != nil {
			return err
		}
		text := ""
		if cause != nil {
			text = reason(cause)
			tx.Enqueue(work(jobPush, l.Store, l.ID, tx.Now.Add(max(wait, time.Minute))))
		}
		tx.Defer(`UPDATE post_channels SET push_at = $1, push_error = $2 WHERE connection_id = $3`, db.At(tx.Now), text, l.ID)
		return nil
	}, nil
}

// closed decides what becomes of a job whose connection couldn't be opened: gone, it ends; badly set up, that is shown.
func (p *Post) closed(ctx context.Context, id int64, err error) (job.Done, error) {
	var e *care.Error
	switch {
	case isNotFound(err):
		return nil, nil
	case errors.As(err, &e):
		return func(tx *db.Tx) error {
			if err := p.connections.SetConnectionState(ctx, tx, id, account.StateDegraded, reason(err)); err != nil && !isNotFound(err) {
				return err
			}
			return nil
		}, nil
	}
	return nil, err
}

// watch sees to it that every channel connection has its row and its jobs, whatever happened to them.
func (p *Post) watch(ctx context.Context, _ job.Job) (job.Done, error) {
	all, err := p.connections.Connections(ctx)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		for _, c := range all {
			if p.plugs[c.Plug] == nil {
				continue
			}
			tx.Defer(`INSERT INTO post_channels (connection_id, store_id) VALUES ($1, $2) ON CONFLICT (connection_id) DO NOTHING`, c.ID, c.Store)
			if c.State == account.StatePaused {
				continue
			}
			tx.Enqueue(work(jobSort, c.Store, c.ID, tx.Now))
			tx.Enqueue(work(jobPush, c.Store, c.ID, tx.Now))
		}
		tx.AfterCommit(p.told)
		return nil
	}, nil
}
