package live

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"opeka/internal/care"
)

// presence knows which visitors are here: on this node by their sockets, on others by what those
// announce. Leaving counts after a grace, because every click on a shop's page closes a socket and opens another.
type presence struct {
	live *Live
	name string // of this node

	mu    sync.Mutex
	here  map[string]*visit
	there map[string]remote
}

type visit struct {
	store   int64
	sockets int
	page    care.Page
	gone    *time.Timer // running when there is no socket
}

// remote is a visitor held by another node, believed until it should have been announced again.
type remote struct {
	node  string
	page  care.Page
	until time.Time
}

// announcement is what nodes tell each other.
type announcement struct {
	Node    string               `json:"node"`
	Online  map[string]care.Page `json:"online,omitempty"`
	Offline []string             `json:"offline,omitempty"`
}

// visitorSeen tells agents about a visitor.
type visitorSeen struct {
	T            string    `json:"t"`
	Conversation int64     `json:"conversation_id"`
	Online       bool      `json:"online"`
	Page         care.Page `json:"page,omitzero"`
}

func newPresence(l *Live, name string) *presence {
	return &presence{live: l, name: name, here: map[string]*visit{}, there: map[string]remote{}}
}

// Online tells whether the visitor has the shop open somewhere, and the page on which he is.
func (l *Live) Online(visitor string) (care.Page, bool) {
	p := l.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.here[visitor]; ok {
		return v.page, true
	}
	r, ok := p.there[visitor]
	return r.page, ok && time.Now().Before(r.until)
}

func (p *presence) enter(v Visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, known := p.here[v.ID]
	if !known {
		at = &visit{store: v.Store}
		p.here[v.ID] = at
	}
	if at.gone != nil {
		at.gone.Stop()
		at.gone = nil
	}
	at.sockets++
	if !known {
		go p.tell(v)
	}
}

func (p *presence) leave(v Visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.here[v.ID]
	if at == nil {
		return
	}
	if at.sockets--; at.sockets > 0 || at.gone != nil {
		return
	}
	at.gone = time.AfterFunc(p.live.o.Grace, func() { p.left(v, at) })
}

func (p *presence) left(v Visitor, at *visit) {
	p.mu.Lock()
	if at.sockets > 0 || p.here[v.ID] != at {
		p.mu.Unlock()
		return
	}
	delete(p.here, v.ID)
	_, elsewhere := p.there[v.ID]
	p.mu.Unlock()
	if elsewhere {
		p.announce(announcement{Offline: []string{v.ID}})
		return
	}
	p.tell(v)
}

func (p *presence) moved(v Visitor, page care.Page) {
	p.mu.Lock()
	if at := p.here[v.ID]; at != nil {
		at.page = page
	}
	p.mu.Unlock()
	p.tell(v)
}

// tell lets the other nodes and the agents of the store know how it stands with the visitor now.
func (p *presence) tell(v Visitor) {
	p.mu.Lock()
	at, online := p.here[v.ID]
	var page care.Page
	if online {
		page = at.page
	}
	p.mu.Unlock()
	if online {
		p.announce(announcement{Online: map[string]care.Page{v.ID: page}})
	} else {
		p.announce(announcement{Offline: []string{v.ID}})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	id, err := p.live.o.Visitors.Conversation(ctx, v)
	if err != nil {
		p.live.o.Log.Warn("live: conversation of a visitor", "error", err)
	}
	if id == 0 {
		return // nobody is looking at somebody who hasn't written
	}
	p.live.tell(v.Store, visitorSeen{T: "visitor", Conversation: id, Online: online, Page: page})
}

func (p *presence) announce(a announcement) {
	a.Node = p.name
	data, err := json.Marshal(a)
	if err != nil {
		p.live.o.Log.Error("live: announcement", "error", err)
		return
	}
	p.live.bus.Publish(topicPresence+p.name, data)
}

// heard takes in what a node announced.
func (p *presence) heard(data []byte) {
	var a announcement
	if json.Unmarshal(data, &a) != nil || a.Node == p.name {
		return
	}
	until := time.Now().Add(5 * p.live.o.Announce / 2)
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, page := range a.Online {
		p.there[id] = remote{node: a.Node, page: page, until: until}
	}
	for _, id := range a.Offline {
		if p.there[id].node == a.Node {
			delete(p.there, id)
		}
	}
}

// run announces whom this node holds now and then, for nodes that came later, and forgets what others no longer confirm.
func (p *presence) run() (stop func()) {
	quit := make(chan struct{})
	var once sync.Once
	go func() {
		tick := time.NewTicker(p.live.o.Announce)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case now := <-tick.C:
				for _, a := range p.sweep(now) {
					p.announce(a)
				}
			}
		}
	}()
	return func() { once.Do(func() { close(quit) }) }
}

// sweep returns announcements of at most 200 visitors each, so that none outgrows a message of the bus.
func (p *presence) sweep(now time.Time) []announcement {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, r := range p.there {
		if now.After(r.until) {
			delete(p.there, id)
		}
	}
	var out []announcement
	batch := make(map[string]care.Page)
	for id, v := range p.here {
		batch[id] = v.page
		if len(batch) == 200 {
			out = append(out, announcement{Online: batch})
			batch = make(map[string]care.Page)
		}
	}
	if len(batch) > 0 {
		out = append(out, announcement{Online: batch})
	}
	return out
}
