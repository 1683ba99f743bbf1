package post

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Reply is an answer that goes on in an exchange.
type Reply struct {
	Store        int64
	Channel      string
	Thread       string // as Incoming had it
	Conversation int64
	Message      int64
	RunAt        time.Time
	Body         Body
	// To, if set, is the address, instead of the one from which the customer wrote last.
	To string
}

// Reply sends an answer in the caller's transaction, over the connection by which the customer wrote; when that is gone, over the one that
// speaks for the store now.
func (p *Post) Reply(ctx context.Context, tx *db.Tx, r Reply) (send int64, err error) {
	s := Send{Store: r.Store, Channel: r.Channel, Class: ClassReply, Kind: "message", Ref: r.Message, To: r.To, RunAt: r.RunAt, Body: r.Body}
	connection, thread, own := split(r.Thread)
	if own {
		var address, last string
		err := tx.QueryRow(ctx, `SELECT t.address, t.external_id FROM post_threads t JOIN connections c ON c.id = t.connection_id
WHERE t.connection_id = $1 AND t.thread = $2 AND t.store_id = $3`, connection, thread, r.Store).Scan(&address, &last)
		switch {
		case err == nil:
			s.Connection = connection
			if s.To == "" {
				s.To = address
			}
			if s.Body.ReplyTo == "" {
				s.Body.ReplyTo = last
			}
		case !errors.Is(err, db.ErrNoRows):
			return 0, err
		}
	}
	if s.Connection == 0 {
		if s.Connection, err = p.Speaker(ctx, tx, r.Store, r.Channel); err != nil {
			return 0, err
		}
		if s.Connection == 0 {
			return 0, care.Conflict("channel.none", "channel", r.Channel)
		}
		thread = ""
	}
	if s.To == "" {
		return 0, care.Conflict("channel.no_address", "channel", r.Channel)
	}
	return p.write(ctx, tx, s, thread)
}

// Write is Reply over a channel on which the customer hasn't written from this conversation: what he answers comes into it.
func (p *Post) Write(ctx context.Context, tx *db.Tx, r Reply, customer int64) (send int64, err error) {
	if r.To == "" {
		return 0, care.Conflict("channel.no_address", "channel", r.Channel)
	}
	connection, err := p.Speaker(ctx, tx, r.Store, r.Channel)
	if err != nil {
		return 0, err
	}
	if connection == 0 {
		return 0, care.Conflict("channel.none", "channel", r.Channel)
	}
	// Messengers and SMS have one exchange per address; e-mail has its own ways to find the conversation.
	_, err = tx.Exec(ctx, `INSERT INTO post_threads (connection_id, thread, store_id, address, name, customer_id, external_id, conversation_id, received_at)
VALUES ($1, $2, $3, $2, $4, $5, '', $6, 0) ON CONFLICT (connection_id, thread) DO UPDATE SET conversation_id = excluded.conversation_id`,
		connection, r.To, r.Store, r.Body.ToName, customer, r.Conversation)
	if err != nil {
		return 0, err
	}
	return p.write(ctx, tx, Send{Store: r.Store, Connection: connection, Channel: r.Channel, Class: ClassReply, Kind: "message", Ref: r.Message, To: r.To, RunAt: r.RunAt, Body: r.Body}, r.To)
}

func split(thread string) (connection int64, bare string, ok bool) {
	head, bare, ok := strings.Cut(thread, ":")
	if !ok {
		return 0, "", false
	}
	connection, err := strconv.ParseInt(head, 10, 64)
	return connection, bare, err == nil
}

// windowUntil is until when free text may be sent to an address.
func (p *Post) windowUntil(ctx context.Context, q db.Querier, connection int64, address string, window time.Duration) (time.Time, error) {
	var at db.Time
	err := q.QueryRow(ctx, `SELECT coalesce(max(received_at), 0) FROM post_threads WHERE connection_id = $1 AND address = $2`, connection, address).Scan(&at)
	if err != nil || at == 0 {
		return time.Time{}, err
	}
	return at.Time().Add(window), nil
}

// Way is a channel by which somebody can be written to, with its limits.
type Way struct {
	Channel       string                `json:"channel"`
	Connection    int64                 `json:"connection_id"`
	Name          string                `json:"name" doc:"Of the connection"`
	Address       string                `json:"address"`
	State         string                `json:"state" enum:"ok,degraded,auth_failed,paused" doc:"Of the connection"`
	WindowUntil   db.Time               `json:"window_until" doc:"Until when free text may be sent; null: no such limit, or nothing may be sent without a template"`
	WindowSeconds int64                 `json:"window_s" doc:"How long after the customer's last message free text may be sent; 0: always"`
	OptedOut      string                `json:"opted_out" doc:"Why notices aren't sent to the address: stop, blocked, bounce, complaint, agent; empty if they are"`
	Abilities     care.ChannelAbilities `json:"abilities"`
}

// Address is where somebody may be reached on a channel.
type Address struct {
	Channel string
	Address string
	Thread  string // of an exchange that is going on; empty when we would write first
}

// Ways tells how the addresses can be written to at this moment, in their order; those without a connection are left out.
func (p *Post) Ways(ctx context.Context, store int64, addresses []Address) ([]Way, error) {
	q := p.db.Read()
	var out []Way
	for _, a := range addresses {
		connection, bare, own := split(a.Thread)
		if own && a.Address == "" {
			err := q.QueryRow(ctx, `SELECT address FROM post_threads WHERE connection_id = $1 AND thread = $2 AND store_id = $3`, connection, bare, store).Scan(&a.Address)
			if err != nil && !errors.Is(err, db.ErrNoRows) {
				return nil, err
			}
		}
		var l live
		var err error
		if own {
			l, err = p.open(ctx, connection)
		}
		if !own || err != nil {
			speaker, serr := p.Speaker(ctx, q, store, a.Channel)
			if serr != nil {
				return nil, serr
			}
			if speaker == 0 {
				continue
			}
			if l, err = p.open(ctx, speaker); err != nil {
				continue // its settings don't open: shown where connections are
			}
		}
		if a.Address == "" || l.Store != store {
			continue
		}
		w := Way{Channel: a.Channel, Connection: l.ID, Name: l.Name, Address: a.Address, State: l.State, Abilities: l.channel.Can()}
		if w.WindowSeconds = int64(w.Abilities.Window.Seconds()); w.Abilities.Window > 0 {
			until, err := p.windowUntil(ctx, q, l.ID, a.Address, w.Abilities.Window)
			if err != nil {
				return nil, err
			}
			w.WindowUntil = db.At(until)
		}
		if w.OptedOut, err = p.OptedOut(ctx, q, store, a.Channel, a.Address); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// Letterhead is what stands on a store's letters.
type Letterhead struct {
	From      string
	Signature string
	own       care.Channel
}

// Own tells whether an address is the store's.
func (l Letterhead) Own(address string) bool {
	a, ok := l.own.(care.Addressed)
	return ok && a.Takes(address)
}

// Letterhead returns that of the mailbox by which a thread is answered, or of the one that speaks for the store; a zero one if there is none.
func (p *Post) Letterhead(ctx context.Context, store int64, thread string) (Letterhead, error) {
	connection, _, own := split(thread)
	var l live
	var err error
	if own {
		l, err = p.open(ctx, connection)
	}
	if !own || err != nil || l.Store != store {
		speaker, err := p.Speaker(ctx, p.db.Read(), store, care.ChannelEmail)
		if err != nil || speaker == 0 {
			return Letterhead{}, err
		}
		if l, err = p.open(ctx, speaker); err != nil {
			return Letterhead{}, nil // its settings don't open: shown where connections are
		}
	}
	head := Letterhead{own: l.channel}
	if s, ok := l.channel.(care.Signed); ok {
		head.From, head.Signature = s.Letterhead()
	}
	return head, nil
}

// Channels lists the media on which a store has a connection in service, with what they can carry.
func (p *Post) Channels(ctx context.Context, store int64) (map[string]care.ChannelAbilities, error) {
	all, err := p.connections.Connections(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]care.ChannelAbilities{}
	for _, c := range all {
		if c.Store != store || p.plugs[c.Plug] == nil || c.State == account.StatePaused {
			continue
		}
		if s, err := p.session(c); err == nil {
			if _, has := out[s.name]; !has {
				out[s.name] = s.channel.Can()
			}
		}
	}
	return out, nil
}
