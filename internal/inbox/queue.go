package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
)

// Queue is where conversations of some channels wait. A conversation that fits none waits in the store's own
// line, which has the id 0, no skills and the default target.
type Queue struct {
	ID            int64    `json:"id"`
	Store         int64    `json:"store_id"`
	Name          string   `json:"name"`
	Channels      []string `json:"channels"` // none: every one
	Skills        []Skill  `json:"skills"`
	Team          int64    `json:"team_id"`
	FirstResponse int64    `json:"first_response_s"`
	Position      int64    `json:"position"`
	CreatedAt     db.Time  `json:"created_at"`
}

// defaultResponse is the first-response target of what waits in no queue, in seconds.
const defaultResponse = 10 * 60

// Queues returns the queues of the stores that the caller may read.
func (i *Inbox) Queues(ctx context.Context, scope care.Scope, store int64) ([]Queue, error) {
	return queuesOf(ctx, i.db.Read(), scope.StoresWith(care.PermInboxRead, store))
}

// AddQueue makes a queue.
func (i *Inbox) AddQueue(ctx context.Context, scope care.Scope, q Queue) (Queue, error) {
	if err := scope.Check(q.Store, care.PermSettings); err != nil {
		return Queue{}, err
	}
	if err := q.check(); err != nil {
		return Queue{}, err
	}
	err := i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		q.ID, q.CreatedAt = tx.ID(), db.At(tx.Now)
		if err := teamOf(ctx, tx, q.Store, q.Team); err != nil {
			return err
		}
		channels, skills := q.json()
		return query.New(tx).InsertQueue(ctx, query.InsertQueueParams{ID: q.ID, StoreID: q.Store, Name: q.Name, Channels: channels, Skills: skills,
			TeamID: q.Team, FirstResponseS: q.FirstResponse, Position: q.Position, CreatedAt: q.CreatedAt})
	})
	return q, taken(err, "name")
}

// ChangeQueue changes what can be set of a queue. Conversations that wait in it keep the deadline that they were given.
func (i *Inbox) ChangeQueue(ctx context.Context, scope care.Scope, id int64, change func(*Queue)) (Queue, error) {
	q, err := i.queue(ctx, scope, id)
	if err != nil {
		return Queue{}, err
	}
	change(&q)
	if err := q.check(); err != nil {
		return Queue{}, err
	}
	err = i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		if err := teamOf(ctx, tx, q.Store, q.Team); err != nil {
			return err
		}
		channels, skills := q.json()
		n, err := query.New(tx).UpdateQueue(ctx, query.UpdateQueueParams{Name: q.Name, Channels: channels, Skills: skills, TeamID: q.Team,
			FirstResponseS: q.FirstResponse, Position: q.Position, ID: q.ID, StoreID: q.Store})
		if err == nil && n == 0 {
			return care.NotFound("queue")
		}
		tx.Enqueue(db.Job{Store: q.Store, Kind: JobDrain, Key: itoa64(q.Store), Payload: drainPayload{q.Store}})
		return err
	})
	return q, taken(err, "name")
}

// RemoveQueue retires a queue: nothing new comes into it, and what waits there is still served by its rules.
func (i *Inbox) RemoveQueue(ctx context.Context, scope care.Scope, id int64) error {
	q, err := i.queue(ctx, scope, id)
	if err != nil {
		return err
	}
	return i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		n, err := query.New(tx).RetireQueue(ctx, query.RetireQueueParams{ID: id, StoreID: q.Store})
		if err == nil && n == 0 {
			return care.NotFound("queue")
		}
		return err
	})
}

// queue returns one for changing.
func (i *Inbox) queue(ctx context.Context, scope care.Scope, id int64) (Queue, error) {
	row, err := query.New(i.db.Read()).Queue(ctx, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && (!scope.In(row.StoreID) || !row.Active) {
		return Queue{}, care.NotFound("queue")
	}
	if err != nil {
		return Queue{}, err
	}
	if err := scope.Check(row.StoreID, care.PermSettings); err != nil {
		return Queue{}, err
	}
	return queueFrom(row)
}

func (q *Queue) check() error {
	q.Name = strings.TrimSpace(q.Name)
	if q.Name == "" {
		return care.Invalid("name", "required")
	}
	if err := checkText("name", q.Name, 80); err != nil {
		return err
	}
	if q.FirstResponse < 0 || q.FirstResponse > 30*24*3600 {
		return care.Invalid("first_response_s", "above", "max", 30*24*3600)
	}
	if len(q.Channels) > 20 || len(q.Skills) > 20 {
		return care.Invalid("skills", "too_many_items", "max", 20)
	}
	for _, s := range q.Skills {
		if !slices.Contains([]string{"channel", "language", "topic", "store"}, s.Kind) || s.Value == "" || checkText("skills", s.Value, 100) != nil {
			return care.Invalid("skills", "value_invalid")
		}
	}
	return nil
}

func (q *Queue) json() (channels, skills json.RawMessage) {
	if q.Channels == nil {
		q.Channels = []string{}
	}
	if q.Skills == nil {
		q.Skills = []Skill{}
	}
	channels, _ = json.Marshal(q.Channels) // strings only
	skills, _ = json.Marshal(q.Skills)
	return channels, skills
}

func queueFrom(r query.Queue) (Queue, error) {
	q := Queue{ID: r.ID, Store: r.StoreID, Name: r.Name, Team: r.TeamID, FirstResponse: r.FirstResponseS, Position: r.Position, CreatedAt: r.CreatedAt}
	return q, errors.Join(json.Unmarshal(r.Channels, &q.Channels), json.Unmarshal(r.Skills, &q.Skills))
}

func queuesOf(ctx context.Context, q db.Querier, stores []int64) ([]Queue, error) {
	rows, err := query.New(q).QueuesOf(ctx, stores)
	if err != nil {
		return nil, err
	}
	out := make([]Queue, len(rows))
	for n, r := range rows {
		if out[n], err = queueFrom(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// queuesByID returns the store's queues; those that were retired too serve what waits in them, by their skills.
func queuesByID(ctx context.Context, q db.Querier, store int64) (map[int64]Queue, error) {
	rows, err := query.New(q).AllQueuesOf(ctx, store)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]Queue, len(rows))
	for _, r := range rows {
		if out[r.ID], err = queueFrom(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func queueIn(ctx context.Context, q db.Querier, store, id int64) (Queue, error) {
	row, err := query.New(q).Queue(ctx, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && (row.StoreID != store || !row.Active) {
		return Queue{}, care.NotFound("queue")
	}
	if err != nil {
		return Queue{}, err
	}
	return queueFrom(row)
}

// admitting picks the first queue that takes the channel.
func admitting(queues []Queue, channel string) Queue {
	for _, q := range queues {
		if len(q.Channels) == 0 || slices.Contains(q.Channels, channel) {
			return q
		}
	}
	return Queue{FirstResponse: defaultResponse}
}

// storeFacts is what of a store's settings conversations go by.
type storeFacts struct {
	found    bool
	calendar *cal.Calendar // nil: it never closes
	language string
	queues   []Queue // in their order
}

// store reads a store's settings.
func (i *Inbox) store(ctx context.Context, q db.Querier, id int64) (s storeFacts, err error) {
	if err = db.Answer(ctx, q, i.askStore(&s, id)); err == nil && !s.found {
		err = care.NotFound("store")
	}
	return s, err
}

func (i *Inbox) askStore(s *storeFacts, id int64) db.Ask {
	return db.Ask{SQL: `SELECT s.calendar, s.language, coalesce(q.id, 0), coalesce(q.name, ''), q.channels, q.skills, coalesce(q.team_id, 0), coalesce(q.first_response_s, 0), coalesce(q.position, 0), coalesce(q.created_at, 0)
FROM stores s LEFT JOIN queues q ON q.store_id = s.id AND q.active WHERE s.id = $1 AND s.archived_at = 0 ORDER BY q.position, q.id`, Args: []any{id}, Read: func(rows pgx.Rows) error {
		*s = storeFacts{}
		for rows.Next() {
			var raw []byte
			r := query.Queue{StoreID: id}
			if err := rows.Scan(&raw, &s.language, &r.ID, &r.Name, &r.Channels, &r.Skills, &r.TeamID, &r.FirstResponseS, &r.Position, &r.CreatedAt); err != nil {
				return err
			}
			if !s.found {
				s.found, s.calendar = true, i.calendar(raw)
			}
			if r.ID == 0 {
				continue
			}
			queue, err := queueFrom(r)
			if err != nil {
				return err
			}
			s.queues = append(s.queues, queue)
		}
		return nil
	}}
}

// calendar compiles a calendar once per text. One that can't be read counts as always open: a deadline too
// early is better than none; account refuses such settings when they are made.
func (i *Inbox) calendar(raw []byte) *cal.Calendar {
	if c, ok := i.calendars.Load(string(raw)); ok {
		return c.(*cal.Calendar)
	}
	var s cal.Settings
	c, err := (*cal.Calendar)(nil), json.Unmarshal(raw, &s)
	if err == nil {
		c, err = cal.New(s)
	}
	if err != nil {
		i.log.Warn("calendar can't be read; taken as always open", "err", err)
		c = nil
	}
	i.calendars.Store(string(raw), c)
	return c
}

func teamOf(ctx context.Context, q db.Querier, store, team int64) error {
	if team == 0 {
		return nil
	}
	var one int64
	err := q.QueryRow(ctx, `SELECT id FROM teams WHERE id = $1 AND store_id = $2`, team, store).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound("team")
	}
	return err
}

// taken turns the refusal of a unique index into an answer about the field.
func taken(err error, field string) error {
	if db.Conflicts(err) {
		return care.Invalid(field, "name_taken")
	}
	return err
}
