package inbox

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/post"
)

// Opening is a conversation that the store begins.
type Opening struct {
	Customer int64
	Channel  string
	Answer   // Address: one of the customer's on the channel; empty: the first
}

// WaysTo tells by which channels the store may write to a customer first.
func (i *Inbox) WaysTo(ctx context.Context, scope care.Scope, customer int64) ([]post.Way, error) {
	store, _, _, err := i.person(ctx, scope, customer, care.PermInboxRead)
	if err != nil || i.post == nil {
		return []post.Way{}, err
	}
	known, err := addressesOf(ctx, i.db.Read(), customer)
	if err != nil {
		return nil, err
	}
	ways, err := i.post.Ways(ctx, store, known)
	return slices.DeleteFunc(append([]post.Way{}, ways...), func(w post.Way) bool {
		return !w.Abilities.Unprompted || w.WindowSeconds > 0 && !w.Abilities.Templates
	}), err
}

// person finds a customer of a store in which the caller may do this.
func (i *Inbox) person(ctx context.Context, scope care.Scope, id int64, p care.Permission) (store int64, name, language string, err error) {
	err = i.db.Read().QueryRow(ctx, `SELECT store_id, name, language FROM customers WHERE id = $1 AND merged_into = 0`, id).Scan(&store, &name, &language)
	if errors.Is(err, db.ErrNoRows) || err == nil && !scope.In(store) {
		return 0, "", "", care.NotFound("customer")
	}
	if err == nil {
		err = scope.Check(store, p)
	}
	return store, name, language, err
}

// Begin writes to a customer first. Where an exchange with the address is going on, it goes on there; otherwise a conversation begins, which waits for the customer.
func (i *Inbox) Begin(ctx context.Context, scope care.Scope, o Opening) (Row, error) {
	store, name, language, err := i.person(ctx, scope, o.Customer, care.PermInboxWrite)
	if err != nil {
		return Row{}, err
	}
	o.Kind = KindReply
	ways, err := i.WaysTo(ctx, scope, o.Customer)
	if err != nil {
		return Row{}, err
	}
	if o.Template != nil {
		who := conversation{Store: store, Person: o.Customer, PersonName: name, Language: language, Channel: o.Channel}
		if err := i.fillTemplate(ctx, scope, who, ways, &o.Answer); err != nil {
			return Row{}, err
		}
	}
	if err := o.check(i.db.Now()); err != nil {
		return Row{}, err
	}
	n := slices.IndexFunc(ways, func(w post.Way) bool { return w.Channel == o.Channel && (o.Address == "" || o.Address == w.Address) })
	if n < 0 {
		return Row{}, care.Conflict("channel.no_address", "channel", o.Channel)
	}
	way := ways[n]
	o.Address = way.Address
	thread := itoa64(way.Connection) + ":" + way.Address
	if o.Channel == care.ChannelEmail { // each letter that begins something is an exchange of its own
		thread = "mail:begun:" + itoa64(i.db.ID())
		if len(o.To) == 0 {
			o.To = []string{way.Address}
		}
	}
	actor := ""
	if scope.Agent != 0 {
		actor = i.agentName(ctx, scope.Agent)
	}
	for try := 1; ; try++ {
		in := care.Inbound{Store: store, Channel: o.Channel, Thread: thread, Language: language, Body: o.Body}
		before, err := i.liveIn(ctx, i.db.Read(), in, false)
		if err != nil {
			return Row{}, err
		}
		if before.ID != 0 && !before.expired(db.At(i.db.Now())) {
			return i.rowOf(i.act(ctx, scope, before.ID, func(e *edit) error { return e.answer(scope, o.Answer) }))
		}
		row, err := i.openFor(ctx, scope, o, in, before, name, actor)
		if !db.Conflicts(err) || try == tries {
			return row, err
		}
	}
}

func (i *Inbox) openFor(ctx context.Context, scope care.Scope, o Opening, in care.Inbound, before conversation, name, actor string) (row Row, err error) {
	plan, err := i.admit(ctx, i.db.Read(), in, before)
	if err != nil {
		return row, err
	}
	err = i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		if before.ID != 0 {
			tx.Defer(`UPDATE conversations SET latest = FALSE, version = CASE WHEN version = $1 THEN version + 1 END WHERE id = $2`, before.Version, before.ID)
		}
		e := &edit{Tx: tx, ctx: ctx, inbox: i, actor: actor, created: true, now: conversation{ID: tx.ID(), Store: in.Store, Version: 1, Status: Open, Channel: in.Channel,
			Thread: in.Thread, Latest: true, Previous: before.ID, Customer: o.Customer, Person: o.Customer, PersonName: name, Subject: o.Subject,
			Language: cmp.Or(in.Language, plan.language), Queue: plan.queue.ID, Team: plan.queue.Team, Tags: "[]", CreatedAt: db.At(tx.Now)}}
		e.event(care.EventConversationCreated)
		if err := e.answer(scope, o.Answer); err != nil {
			return err
		}
		if e.now.Status == Open { // nobody has to do anything until the customer writes
			e.leave(Pending)
		}
		if err := e.number(); err != nil {
			return err
		}
		if i.index != nil {
			if err := i.index.Add(tx, entryOf(e.now)); err != nil {
				return err
			}
		}
		e.save()
		row = e.now.row()
		return nil
	})
	return row, err
}
