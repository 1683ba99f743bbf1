package phone

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// QueueSkill is what a queue asks of the agent.
type QueueSkill struct {
	Kind  string `json:"kind" enum:"channel,language,topic,store"`
	Value string `json:"value" maxLength:"100"`
}

// Queue is where callers wait.
type Queue struct {
	ID         int64        `json:"id"`
	Store      int64        `json:"store_id"`
	Name       string       `json:"name" minLength:"1" maxLength:"80"`
	Numbers    []string     `json:"numbers" maxItems:"50" doc:"E.164: what was called; empty: whatever else rings in"`
	Skills     []QueueSkill `json:"skills" maxItems:"20"`
	Team       int64        `json:"team_id"`
	MaxLength  int64        `json:"max_length" minimum:"0" maximum:"1000" doc:"Callers who may wait; 0: any number"`
	MaxWait    int64        `json:"max_wait_s" minimum:"0" maximum:"7200"`
	Overflow   string       `json:"overflow" enum:"callback,hangup,queue" doc:"What becomes of a caller beyond the limits: he is rung back, told to call again, or goes to another queue"`
	OverflowTo int64        `json:"overflow_queue_id"`
	Announce   int64        `json:"announce_s" minimum:"15" maximum:"600" doc:"How often place and wait are told"`
	Position   int64        `json:"position"`
	Recording  string       `json:"recording" enum:",off,all,on_demand" doc:"Empty: as the store does"`
	WaitMS     int64        `json:"expected_wait_ms" readOnly:"true"`
}

const queueColumns = `id, store_id, name, numbers, skills, team_id, max_length, max_wait_s, overflow, overflow_id, announce_s, position, wait_ms, recording`

func (q *Queue) scan(row interface{ Scan(...any) error }) error {
	var numbers, skills []byte
	if err := row.Scan(&q.ID, &q.Store, &q.Name, &numbers, &skills, &q.Team, &q.MaxLength, &q.MaxWait, &q.Overflow, &q.OverflowTo, &q.Announce, &q.Position, &q.WaitMS, &q.Recording); err != nil {
		return err
	}
	if err := json.Unmarshal(numbers, &q.Numbers); err != nil {
		return err
	}
	return json.Unmarshal(skills, &q.Skills)
}

func queuesOf(ctx context.Context, q db.Querier, stores []int64) (out []Queue, err error) {
	rows, err := q.Query(ctx, `SELECT `+queueColumns+` FROM phone_queues WHERE store_id = ANY($1::bigint[]) AND active ORDER BY store_id, position, id`, stores)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one Queue
		if err := one.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// Queues lists the stores' telephone queues.
func (p *Phone) Queues(ctx context.Context, s care.Scope, store int64) ([]Queue, error) {
	stores := s.StoresWith(care.PermPhone, store)
	if len(stores) == 0 {
		return nil, nil
	}
	return queuesOf(ctx, p.db.Read(), stores)
}

// SaveQueue makes a queue, or changes the one with that id.
func (p *Phone) SaveQueue(ctx context.Context, s care.Scope, in Queue) (Queue, error) {
	err := p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		store := in.Store
		if in.ID != 0 {
			if err := tx.QueryRow(ctx, `SELECT store_id FROM phone_queues WHERE id = $1 AND active`, in.ID).Scan(&store); err != nil {
				return missing(err, "queue")
			}
		}
		if err := allow(s, store, care.PermSettings, "queue"); err != nil {
			return err
		}
		in.Store = store
		for _, n := range in.Numbers {
			if n == "" || n[0] != '+' || !digits(n[1:]) {
				return care.Invalid("numbers", "phone_invalid")
			}
		}
		for what, id := range map[string]int64{"team": in.Team, "phone_queue": in.OverflowTo} {
			var found int64
			if id == 0 {
				continue
			}
			if err := tx.QueryRow(ctx, `SELECT id FROM `+what+`s WHERE id = $1 AND store_id = $2`, id, store).Scan(&found); err != nil {
				return missing(err, what)
			}
		}
		if in.Overflow == "queue" && (in.OverflowTo == 0 || in.OverflowTo == in.ID) {
			return care.Invalid("overflow_queue_id", "required")
		}
		if in.Overflow == "" {
			in.Overflow = "callback"
		}
		if in.Announce == 0 {
			in.Announce = 45
		}
		if in.Numbers == nil {
			in.Numbers = []string{}
		}
		if in.Skills == nil {
			in.Skills = []QueueSkill{}
		}
		if in.ID == 0 {
			in.ID = tx.ID()
			_, err := tx.Exec(ctx, `INSERT INTO phone_queues (id, store_id, name, numbers, skills, team_id, max_length, max_wait_s, overflow, overflow_id, announce_s, position, recording, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, in.ID, store, in.Name, asJSON(in.Numbers), asJSON(in.Skills), in.Team, in.MaxLength, in.MaxWait, in.Overflow, in.OverflowTo, in.Announce, in.Position, in.Recording, db.At(tx.Now))
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE phone_queues SET name = $2, numbers = $3, skills = $4, team_id = $5, max_length = $6, max_wait_s = $7, overflow = $8, overflow_id = $9, announce_s = $10, position = $11, recording = $12 WHERE id = $1`,
			in.ID, in.Name, asJSON(in.Numbers), asJSON(in.Skills), in.Team, in.MaxLength, in.MaxWait, in.Overflow, in.OverflowTo, in.Announce, in.Position, in.Recording)
		return err
	})
	return in, err
}

// RemoveQueue retires a queue; who waits in it is still served.
func (p *Phone) RemoveQueue(ctx context.Context, s care.Scope, id int64) error {
	return p.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		var store int64
		if err := tx.QueryRow(ctx, `SELECT store_id FROM phone_queues WHERE id = $1 AND active`, id).Scan(&store); err != nil {
			return missing(err, "queue")
		}
		if err := allow(s, store, care.PermSettings, "queue"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE phone_queues SET active = FALSE WHERE id = $1`, id)
		return err
	})
}

// queueFor is where somebody who called a number waits: the queue of that number, else the first one of any.
func queueFor(queues []Queue, called string) (Queue, bool) {
	if i := slices.IndexFunc(queues, func(q Queue) bool { return slices.Contains(q.Numbers, called) }); i >= 0 {
		return queues[i], true
	}
	if i := slices.IndexFunc(queues, func(q Queue) bool { return len(q.Numbers) == 0 }); i >= 0 {
		return queues[i], true
	}
	return Queue{}, false
}

// expected predicts a caller's wait: by those before him, the agents who talk and how long a conversation lasts, where that is known; else by how long the last ones waited.
func expected(history, talk time.Duration, ahead, agents int64) time.Duration {
	if agents == 0 || talk == 0 {
		return history
	}
	return time.Duration(ahead+1) * talk / time.Duration(agents)
}

// Live is how the telephone of a store fares now.
type Live struct {
	Waiting      int64        `json:"waiting" doc:"Callers"`
	LongestMS    int64        `json:"longest_wait_ms"`
	Talking      int64        `json:"talking"`
	Offered      int64        `json:"offered_today" doc:"Answered and abandoned inbound calls"`
	Answered     int64        `json:"answered_today"`
	InTarget     int64        `json:"answered_in_target_today"`
	Abandoned    int64        `json:"abandoned_today"`
	AbandonedIn  int64        `json:"abandoned_in_target_today"`
	Callbacks    int64        `json:"callbacks_today" doc:"Made today"`
	Called       int64        `json:"called_back_today" doc:"Of which the customer was talked with"`
	TargetS      int64        `json:"target_s"`
	ServiceLevel *float64     `json:"service_level" doc:"Answered in target / (answered + abandoned after target); null while there was no call"`
	Negative     *float64     `json:"service_level_abandons_count" doc:"Answered in target / all offered"`
	Positive     *float64     `json:"service_level_abandons_met" doc:"(Answered + abandoned, both in target) / all offered"`
	Agents       []AgentState `json:"agents"`
	Queues       []QueueLive  `json:"queues"`
}

// QueueLive is one queue now.
type QueueLive struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Waiting   int64  `json:"waiting"`
	LongestMS int64  `json:"longest_wait_ms"`
	Expected  int64  `json:"expected_wait_ms"`
}

// LiveOf tells how a store's telephone fares. Callers who asked to be rung back are no abandoned ones.
func (p *Phone) LiveOf(ctx context.Context, s care.Scope, store int64) (l Live, err error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return l, err
	}
	q := p.db.Read()
	set, err := settings(ctx, q, store)
	if err != nil {
		return l, err
	}
	end, err := p.dayEnd(ctx, []int64{store})
	if err != nil {
		return l, err
	}
	l.TargetS = set.Policy.Target
	now, day, target := db.At(p.db.Now()), end.Add(-24*time.Hour), seconds(l.TargetS)
	calls, err := callsBy(ctx, q, `c.store_id = $1 AND c.created_at >= $2`, store, day)
	if err != nil {
		return l, err
	}
	queues, err := queuesOf(ctx, q, []int64{store})
	if err != nil {
		return l, err
	}
	l.Queues, l.Agents = []QueueLive{}, []AgentState{}
	for _, x := range queues {
		l.Queues = append(l.Queues, QueueLive{ID: x.ID, Name: x.Name, Expected: x.WaitMS})
	}
	for _, c := range calls {
		if c.State == CallTalking || c.State == CallHeld {
			l.Talking++
		}
		if c.Direction != "in" || c.Queued == 0 {
			continue
		}
		if c.State == CallWaiting || c.State == CallOffered {
			waited := now.Time().Sub(c.Queued.Time()).Milliseconds()
			l.Waiting++
			l.LongestMS = max(l.LongestMS, waited)
			if i := slices.IndexFunc(l.Queues, func(x QueueLive) bool { return x.ID == c.Queue }); i >= 0 {
				l.Queues[i].Waiting++
				l.Queues[i].LongestMS = max(l.Queues[i].LongestMS, waited)
			}
		}
		switch {
		case c.Answered != 0:
			l.Answered++
			if c.Answered.Time().Sub(c.Queued.Time()) <= target {
				l.InTarget++
			}
		case c.Result == ResultAbandoned:
			l.Abandoned++
			if c.Ended.Time().Sub(c.Queued.Time()) <= target {
				l.AbandonedIn++
			}
		}
	}
	l.Offered = l.Answered + l.Abandoned
	l.ServiceLevel = share(l.InTarget, l.Answered+l.Abandoned-l.AbandonedIn)
	l.Negative = share(l.InTarget, l.Offered)
	l.Positive = share(l.InTarget+l.AbandonedIn, l.Offered)
	err = q.QueryRow(ctx, `SELECT count(*), CAST(coalesce(sum(CASE WHEN c.state = 'done' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM callbacks c WHERE c.store_id = $1 AND c.id >= 0 AND (c.closed_at = 0 OR c.closed_at >= $2) AND c.created_at >= $2`,
		store, day).Scan(&l.Callbacks, &l.Called)
	if err != nil {
		return l, err
	}
	rows, err := q.Query(ctx, `SELECT `+agentColumns+` FROM memberships m JOIN phone_agents a ON a.agent_id = m.agent_id JOIN agents g ON g.id = a.agent_id JOIN presences p ON p.agent_id = a.agent_id
WHERE m.store_id = $1 ORDER BY g.name, a.agent_id`, store)
	if err != nil {
		return l, err
	}
	defer rows.Close()
	for rows.Next() {
		var a AgentState
		if err := a.scan(rows); err != nil {
			return l, err
		}
		l.Agents = append(l.Agents, a)
	}
	return l, rows.Err()
}

func share(n, of int64) *float64 {
	if of == 0 {
		return nil
	}
	f := float64(n) / float64(of)
	return &f
}
