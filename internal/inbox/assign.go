package inbox

import (
	"context"
	"errors"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Assignment is what changes of whose a conversation is; nil leaves as it is.
type Assignment struct {
	Agent *int64 // 0: nobody's, it goes back to its queue
	Team  *int64
	Queue *int64
}

// Assign gives a conversation to an agent, a team or a queue of its store. A person may give an agent more than his capacity.
func (i *Inbox) Assign(ctx context.Context, scope care.Scope, id int64, a Assignment) (Row, error) {
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		if a.Queue != nil && *a.Queue != e.now.Queue {
			if err := e.move(*a.Queue); err != nil {
				return err
			}
		}
		if a.Team != nil && *a.Team != e.now.Team {
			name, err := e.name(`SELECT name FROM teams WHERE id = $1 AND store_id = $2`, *a.Team, "team")
			if err != nil {
				return err
			}
			e.now.Team = *a.Team
			e.note(SystemTeam, "team", name)
		}
		switch {
		case a.Agent == nil || *a.Agent == e.now.Assignee:
		case *a.Agent == 0:
			if scope.Agent == e.now.Assignee {
				e.now.Declined = scope.Agent
			}
			e.unassign(SystemUnassigned)
			e.drain()
		default:
			name, err := e.name(`SELECT a.name FROM agents a JOIN memberships m ON m.agent_id = a.id WHERE a.id = $1 AND m.store_id = $2 AND a.active`, *a.Agent, "agent")
			if err != nil {
				return err
			}
			e.assign(*a.Agent, name)
		}
		return nil
	}))
}

// name looks up something of the conversation's store; id 0 has none.
func (e *edit) name(sql string, id int64, what string) (string, error) {
	if id == 0 {
		return "", nil
	}
	var name string
	err := e.QueryRow(e.ctx, sql, id, e.now.Store).Scan(&name)
	if errors.Is(err, db.ErrNoRows) {
		return "", care.NotFound(what)
	}
	return name, err
}

// move puts the conversation in another queue, whose team and target count from now on.
func (e *edit) move(queue int64) error {
	q := Queue{}
	if queue != 0 {
		var err error
		if q, err = queueIn(e.ctx, e.Tx, e.now.Store, queue); err != nil {
			return err
		}
	}
	e.now.Queue, e.now.Team, e.now.Declined = queue, q.Team, 0
	e.note(SystemQueued, "queue", q.Name)
	if e.now.Assignee != 0 {
		e.unassign(SystemUnassigned)
	}
	e.drain()
	return nil
}

func (e *edit) assign(agent int64, name string) {
	e.now.Assignee, e.now.AgentName, e.now.Declined = agent, name, 0
	code := SystemAssigned
	if e.Actor.Kind != care.ActorAgent || e.Actor.ID == agent {
		code = SystemClaimed
	}
	e.note(code, "agent", name)
	e.event(care.EventConversationAssigned)
}

func (e *edit) unassign(code string) {
	name := e.now.AgentName
	e.now.Assignee, e.now.AgentName = 0, ""
	e.note(code, "agent", name)
	e.event(care.EventConversationAssigned)
}

// drain has the store's waiting conversations looked at after this change.
func (e *edit) drain() {
	e.Enqueue(db.Job{Store: e.now.Store, Kind: JobDrain, Key: itoa64(e.now.Store), Payload: drainPayload{e.now.Store}})
}

// named is an agent's name and until when it needn't be read again.
type named struct {
	name  string
	until db.Time
}

// agentName is for messages and hints, where a name that is a minute old does no harm.
func (i *Inbox) agentName(ctx context.Context, id int64) string {
	if id == 0 {
		return ""
	}
	now := db.At(i.db.Now())
	if n, ok := i.names.Load(id); ok && n.(named).until > now {
		return n.(named).name
	}
	var name string
	if err := i.db.Read().QueryRow(ctx, `SELECT name FROM agents WHERE id = $1`, id).Scan(&name); err != nil {
		return ""
	}
	i.names.Store(id, named{name, now.Add(time.Minute)})
	return name
}
