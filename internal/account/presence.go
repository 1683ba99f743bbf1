package account

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// States of presence. Only who is ready is given conversations.
const (
	Ready   = "ready"
	Busy    = "busy"
	Away    = "away"
	Offline = "offline"
)

// PresenceStates lists them.
var PresenceStates = []string{Ready, Busy, Away, Offline}

// Presence is an agent's state and since when.
type Presence struct {
	State   string  `json:"state" enum:"ready,busy,away,offline"`
	SinceAt db.Time `json:"since_at"`
}

// heartbeats come every 30 s; who misses three is offline until he comes back.
const (
	unseenAfter = 90 * time.Second
	sweepEvery  = 15 * time.Second
	seenEvery   = 10 * time.Second // heartbeats of several tabs needn't all be written
	jobSweep    = "account.presence"
	jobTidy     = "account.tidy"
)

// Jobs registers what the room does by itself.
func (a *Accounts) Jobs(r *job.Runner) {
	r.Every(jobSweep, sweepEvery, func(ctx context.Context, _ job.Job) (job.Done, error) { return nil, a.SweepPresence(ctx) })
	r.Every(jobTidy, time.Hour, job.InTx(a.tidy))
}

// SetPresence is an agent's own choice.
func (a *Accounts) SetPresence(ctx context.Context, by By, state string) (p Presence, err error) {
	if !slices.Contains(PresenceStates, state) {
		return p, care.Invalid("state", "not_one_of", "values", "ready, busy, away, offline")
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		before, err := q.Presence(ctx, by.Agent)
		if err != nil {
			return missing(err, "agent")
		}
		p = Presence{before.State, before.SinceAt}
		if before.State == state && before.Resume == "" {
			_, err = q.Seen(ctx, query.SeenParams{SeenAt: db.At(tx.Now), AgentID: by.Agent})
			return err
		}
		p = Presence{state, db.At(tx.Now)}
		return a.setPresence(ctx, tx, q, by.Agent, before.State, state)
	})
	return p, err
}

// Heartbeat says that the agent's browser is there. Who had dropped out comes back to the state he was in.
func (a *Accounts) Heartbeat(ctx context.Context, by By) (p Presence, err error) {
	row, err := a.read().Presence(ctx, by.Agent)
	if err != nil {
		return p, missing(err, "agent")
	}
	p = Presence{row.State, row.SinceAt}
	if row.Resume == "" && a.db.Now().Sub(row.SeenAt.Time()) < seenEvery {
		return p, nil
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := q.Presence(ctx, by.Agent)
		if err != nil {
			return err
		}
		if row.Resume == "" {
			p = Presence{row.State, row.SinceAt}
			_, err = q.Seen(ctx, query.SeenParams{SeenAt: db.At(tx.Now), AgentID: by.Agent})
			return err
		}
		p = Presence{row.Resume, db.At(tx.Now)}
		return a.setPresence(ctx, tx, q, by.Agent, row.State, row.Resume)
	})
	return p, err
}

// PresenceOf returns an agent's presence.
func (a *Accounts) PresenceOf(ctx context.Context, agent int64) (Presence, error) {
	row, err := a.read().Presence(ctx, agent)
	return Presence{row.State, row.SinceAt}, missing(err, "agent")
}

// SweepPresence sets those offline whose browsers have fallen silent.
func (a *Accounts) SweepPresence(ctx context.Context) error {
	for {
		unseen, err := a.read().Unseen(ctx, db.At(a.db.Now().Add(-unseenAfter)))
		if err != nil || len(unseen) == 0 {
			return err
		}
		err = a.db.Write(ctx, db.System, func(tx *db.Tx) error {
			q := query.New(tx)
			for _, agent := range unseen {
				before, err := q.DropOut(ctx, query.DropOutParams{SinceAt: db.At(tx.Now), AgentID: agent, SeenAt: db.At(tx.Now.Add(-unseenAfter))})
				if errors.Is(err, db.ErrNoRows) {
					continue // seen meanwhile
				}
				if err != nil {
					return err
				}
				if err := a.tellPresence(ctx, tx, q, agent, before, Offline); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func (a *Accounts) setPresence(ctx context.Context, tx *db.Tx, q *query.Queries, agent int64, before, state string) error {
	if _, err := q.SetPresence(ctx, query.SetPresenceParams{State: state, SinceAt: db.At(tx.Now), AgentID: agent}); err != nil {
		return err
	}
	if before == state {
		return nil
	}
	return a.tellPresence(ctx, tx, q, agent, before, state)
}

// tellPresence emits the change in each store of the agent, and hints at it to the colleagues' screens.
func (a *Accounts) tellPresence(ctx context.Context, tx *db.Tx, q *query.Queries, agent int64, before, state string) error {
	stores, err := q.StoresOf(ctx, agent)
	if err != nil {
		return err
	}
	hint, err := json.Marshal(map[string]any{"t": "presence", "agent_id": agent, "state": state})
	if err != nil {
		return err
	}
	for _, s := range stores {
		tx.Emit(db.Event{Store: s, Type: care.EventAgentPresence, Subject: agent, Payload: care.PresenceEvent{Agent: agent, Before: before, State: state}})
		tx.AfterCommit(func() { a.bus.Publish("live.agents."+strconv.FormatInt(s, 10), hint) })
	}
	return nil
}

// tidy forgets what has expired.
func (a *Accounts) tidy(ctx context.Context, tx *db.Tx, _ job.Job) error {
	q := query.New(tx)
	if _, err := q.DeleteExpiredSessions(ctx, db.At(tx.Now)); err != nil {
		return err
	}
	if _, err := q.DeleteExpiredInvitations(ctx, db.At(tx.Now)); err != nil {
		return err
	}
	_, err := q.DeleteOldIdempotency(ctx, db.At(tx.Now.Add(-idempotencyAge)))
	return err
}
