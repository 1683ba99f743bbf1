package phone

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/messages"
)

// QueueSkill is what a queue asks of the agent.
type QueueSkill struct {
	Kind  string `json:"kind" enum:"channel,language,topic,store"`
	Value string `json:"value" maxLength:"100"`
}

// Queue is where callers wait.
type Queue struct {
	ID         int64         `json:"id"`
	Store      int64         `json:"store_id"`
	Name       string        `json:"name" minLength:"1" maxLength:"80"`
	Numbers    []string      `json:"numbers" maxItems:"50" doc:"E.164: what was called; empty: whatever else rings in"`
	Skills     []QueueSkill  `json:"skills" maxItems:"20"`
	Team       int64         `json:"team_id"`
	MaxLength  int64         `json:"max_length" minimum:"0" maximum:"1000" doc:"Callers who may wait; 0: any number"`
	MaxWait    int64         `json:"max_wait_s" minimum:"0" maximum:"7200"`
	Overflow   string        `json:"overflow" enum:"callback,hangup,queue,voicemail,number" doc:"What becomes of a caller beyond the limits: he is rung back, told to call again, goes to another queue, leaves a message, or is connected with a number outside"`
	OverflowTo int64         `json:"overflow_queue_id"`
	OverflowNo string        `json:"overflow_number" doc:"E.164"`
	Widen      int64         `json:"widen_s" minimum:"0" maximum:"7200" doc:"After so long others than the team take too; 0: never"`
	Ring       int64         `json:"ring_s" minimum:"0" maximum:"300" doc:"How long it rings at one agent before the next; 0: as the store's rules say"`
	Hours      *cal.Settings `json:"hours,omitempty" doc:"Opening hours; none: the store's"`
	Closed     string        `json:"closed" enum:"callback,offer,message,voicemail" doc:"What becomes of a caller outside the hours"`
	Languages  []string      `json:"languages" maxItems:"4" doc:"That callers may choose from, in the order of the keys; fewer than two: they aren't asked"`
	VoicemailS int64         `json:"voicemail_s" minimum:"10" maximum:"600" doc:"How long a message may be"`
	Announce   int64         `json:"announce_s" minimum:"15" maximum:"600" doc:"How often place and wait are told"`
	Position   int64         `json:"position"`
	Recording  string        `json:"recording" enum:",off,all,on_demand" doc:"Empty: as the store does"`
	WaitMS     int64         `json:"expected_wait_ms" readOnly:"true"`
}

const queueColumns = `id, store_id, name, numbers, skills, team_id, max_length, max_wait_s, overflow, overflow_id, announce_s, position, wait_ms, recording,
overflow_number, widen_s, ring_s, hours, closed, languages, voicemail_s`

func (q *Queue) scan(row interface{ Scan(...any) error }) error {
	var numbers, skills, hours, languages []byte
	if err := row.Scan(&q.ID, &q.Store, &q.Name, &numbers, &skills, &q.Team, &q.MaxLength, &q.MaxWait, &q.Overflow, &q.OverflowTo, &q.Announce, &q.Position, &q.WaitMS, &q.Recording,
		&q.OverflowNo, &q.Widen, &q.Ring, &hours, &q.Closed, &languages, &q.VoicemailS); err != nil {
		return err
	}
	return errors.Join(json.Unmarshal(numbers, &q.Numbers), json.Unmarshal(skills, &q.Skills), json.Unmarshal(hours, &q.Hours), json.Unmarshal(languages, &q.Languages))
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
		if in.Hours != nil && in.Hours.Zone == "" {
			facts, err := p.store(ctx, tx, store)
			if err != nil {
				return err
			}
			in.Hours.Zone = facts.Zone
		}
		if err := in.check(); err != nil {
			return err
		}
		if in.OverflowNo != "" {
			if _, err := p.outside(ctx, tx, store, in.OverflowNo); err != nil {
				return err
			}
		}
		if in.ID == 0 {
			in.ID = tx.ID()
			if _, err := tx.Exec(ctx, `INSERT INTO phone_queues (id, store_id, name, numbers, skills, created_at) VALUES ($1, $2, '', '[]', '[]', $3)`, in.ID, store, db.At(tx.Now)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE phone_queues SET name = $2, numbers = $3, skills = $4, team_id = $5, max_length = $6, max_wait_s = $7, overflow = $8, overflow_id = $9, announce_s = $10,
position = $11, recording = $12, overflow_number = $13, widen_s = $14, ring_s = $15, hours = $16, closed = $17, languages = $18, voicemail_s = $19 WHERE id = $1`,
			in.ID, in.Name, asJSON(in.Numbers), asJSON(in.Skills), in.Team, in.MaxLength, in.MaxWait, in.Overflow, in.OverflowTo, in.Announce,
			in.Position, in.Recording, in.OverflowNo, in.Widen, in.Ring, asJSON(in.Hours), in.Closed, asJSON(in.Languages), in.VoicemailS)
		return err
	})
	return in, err
}

// check finds what can't be, and puts in what goes without saying.
func (q *Queue) check() error {
	q.Overflow, q.Closed = cmp.Or(q.Overflow, OverflowCallback), cmp.Or(q.Closed, ClosedCallback)
	q.Announce, q.VoicemailS = cmp.Or(q.Announce, 45), cmp.Or(q.VoicemailS, 180)
	if q.Numbers == nil {
		q.Numbers = []string{}
	}
	if q.Skills == nil {
		q.Skills = []QueueSkill{}
	}
	if q.Languages == nil {
		q.Languages = []string{}
	}
	for i, l := range q.Languages {
		if !slices.Contains(messages.Languages, l) || slices.Contains(q.Languages[:i], l) {
			return care.Invalid("languages", "value_invalid")
		}
	}
	switch {
	case q.Overflow == OverflowQueue && (q.OverflowTo == 0 || q.OverflowTo == q.ID):
		return care.Invalid("overflow_queue_id", "required")
	case q.Overflow == OverflowNumber && q.OverflowNo == "":
		return care.Invalid("overflow_number", "required")
	case q.OverflowNo != "" && (q.OverflowNo[0] != '+' || !digits(q.OverflowNo[1:])):
		return care.Invalid("overflow_number", "phone_invalid")
	}
	if q.Hours == nil {
		return nil
	}
	var faults cal.Problems
	if errors.As(q.Hours.Validate(), &faults) && len(faults) > 0 {
		return care.Invalid("hours."+faults[0].Field, faults[0].Code)
	}
	return nil
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
