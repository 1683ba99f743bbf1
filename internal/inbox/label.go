package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
)

// Draft is what an agent has begun to write in a conversation.
type Draft struct {
	Body      string  `json:"body"`
	Mode      string  `json:"mode" enum:"reply,note"`
	UpdatedAt db.Time `json:"updated_at"`
}

// SaveDraft keeps what an agent is writing; an empty body removes it. Drafts belong to the agent alone.
func (i *Inbox) SaveDraft(ctx context.Context, scope care.Scope, id int64, body, mode string) error {
	if scope.Agent == 0 {
		return care.Forbidden(care.PermInboxWrite)
	}
	if mode != KindReply && mode != KindNote {
		return care.Invalid("mode", "value_invalid")
	}
	if err := checkText("body", body, MaxBody); err != nil {
		return err
	}
	c, err := visible(ctx, i.db.Read(), false, scope, id, care.PermInboxWrite)
	if err != nil {
		return err
	}
	return i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		if strings.TrimSpace(body) == "" {
			return query.New(tx).DropDraft(ctx, query.DropDraftParams{ConversationID: c.ID, AgentID: scope.Agent})
		}
		return query.New(tx).SaveDraft(ctx, query.SaveDraftParams{AgentID: scope.Agent, ConversationID: c.ID, Body: body, Mode: mode, UpdatedAt: db.At(tx.Now)})
	})
}

// Tag is a label of a store.
type Tag struct {
	ID    int64  `json:"id"`
	Store int64  `json:"store_id"`
	Name  string `json:"name"`
}

const maxTags = 20

// SetTags gives a conversation exactly these tags; new ones are made.
func (i *Inbox) SetTags(ctx context.Context, scope care.Scope, id int64, names []string) (Row, error) {
	if len(names) > maxTags {
		return Row{}, care.Invalid("tags", "too_many_items", "max", maxTags)
	}
	clean := make([]string, 0, len(names))
	for _, n := range names {
		if n = strings.TrimSpace(n); n == "" {
			continue
		}
		if err := checkText("tags", n, 50); err != nil {
			return Row{}, err
		}
		clean = append(clean, n)
	}
	slices.Sort(clean)
	clean = slices.Compact(clean)
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		if sameTags(e.was.Tags, clean) {
			return nil
		}
		return e.retag(clean)
	}))
}

// retag gives the conversation exactly these tags.
func (e *edit) retag(names []string) error {
	slices.Sort(names)
	raw, _ := json.Marshal(names) // strings only
	e.now.Tags = string(raw)
	e.note(SystemTagged, "tags", strings.Join(names, ", "))
	q := query.New(e.Tx)
	if err := q.UntagAll(e.ctx, e.now.ID); err != nil {
		return err
	}
	for _, n := range names {
		tag, err := q.EnsureTag(e.ctx, query.EnsureTagParams{ID: e.ID(), StoreID: e.now.Store, Name: n, CreatedAt: db.At(e.Now)})
		if err != nil {
			return err
		}
		if err := q.TagConversation(e.ctx, query.TagConversationParams{ConversationID: e.now.ID, TagID: tag}); err != nil {
			return err
		}
	}
	return nil
}

// sameTags compares values: the engines write JSON differently.
func sameTags(raw string, names []string) bool {
	var had []string
	return json.Unmarshal([]byte(raw), &had) == nil && slices.Equal(had, names)
}

// Tags returns the tags of the stores that the caller may read.
func (i *Inbox) Tags(ctx context.Context, scope care.Scope, store int64) ([]Tag, error) {
	rows, err := query.New(i.db.Read()).TagsOf(ctx, scope.StoresWith(care.PermInboxRead, store))
	if err != nil {
		return nil, err
	}
	out := make([]Tag, len(rows))
	for n, r := range rows {
		out[n] = Tag{r.ID, r.StoreID, r.Name}
	}
	return out, nil
}

// Topic is why customers write to a store.
type Topic struct {
	ID         int64  `json:"id"`
	Store      int64  `json:"store_id"`
	Name       string `json:"name"`
	Department int64  `json:"department_id"` // that causes it
	Position   int64  `json:"position"`
}

// Topics returns the topics of the stores that the caller may read.
func (i *Inbox) Topics(ctx context.Context, scope care.Scope, store int64) ([]Topic, error) {
	rows, err := query.New(i.db.Read()).TopicsOf(ctx, scope.StoresWith(care.PermInboxRead, store))
	if err != nil {
		return nil, err
	}
	out := make([]Topic, len(rows))
	for n, r := range rows {
		out[n] = topicFrom(r)
	}
	return out, nil
}

func topicFrom(r query.Topic) Topic {
	return Topic{r.ID, r.StoreID, r.Name, r.DepartmentID, r.Position}
}

// AddTopic makes a topic.
func (i *Inbox) AddTopic(ctx context.Context, scope care.Scope, t Topic) (Topic, error) {
	if err := scope.Check(t.Store, care.PermSettings); err != nil {
		return Topic{}, err
	}
	if err := t.check(); err != nil {
		return Topic{}, err
	}
	err := i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		if err := departmentOf(ctx, tx, t.Store, t.Department); err != nil {
			return err
		}
		t.ID = tx.ID()
		return query.New(tx).InsertTopic(ctx, query.InsertTopicParams{ID: t.ID, StoreID: t.Store, Name: t.Name, DepartmentID: t.Department, Position: t.Position, CreatedAt: db.At(tx.Now)})
	})
	return t, taken(err, "name")
}

// ChangeTopic changes a topic; conversations show its new name at once.
func (i *Inbox) ChangeTopic(ctx context.Context, scope care.Scope, id int64, change func(*Topic)) (Topic, error) {
	return i.changeTopic(ctx, scope, id, true, change)
}

// RemoveTopic retires a topic: conversations keep it, nobody can choose it any more.
func (i *Inbox) RemoveTopic(ctx context.Context, scope care.Scope, id int64) error {
	_, err := i.changeTopic(ctx, scope, id, false, func(*Topic) {})
	return err
}

func (i *Inbox) changeTopic(ctx context.Context, scope care.Scope, id int64, active bool, change func(*Topic)) (Topic, error) {
	was, err := query.New(i.db.Read()).Topic(ctx, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && (!scope.In(was.StoreID) || !was.Active) {
		return Topic{}, care.NotFound("topic")
	}
	if err != nil {
		return Topic{}, err
	}
	if err := scope.Check(was.StoreID, care.PermSettings); err != nil {
		return Topic{}, err
	}
	t := topicFrom(was)
	change(&t)
	if err := t.check(); err != nil {
		return Topic{}, err
	}
	err = i.db.Write(ctx, actorOf(scope), func(tx *db.Tx) error {
		if err := departmentOf(ctx, tx, t.Store, t.Department); err != nil && active {
			return err
		}
		_, err := query.New(tx).UpdateTopic(ctx, query.UpdateTopicParams{Name: t.Name, DepartmentID: t.Department, Position: t.Position, Active: active, ID: t.ID, StoreID: t.Store})
		return err
	})
	return t, taken(err, "name")
}

func (t *Topic) check() error {
	t.Name = strings.TrimSpace(t.Name)
	if t.Name == "" {
		return care.Invalid("name", "required")
	}
	return checkText("name", t.Name, 80)
}

func departmentOf(ctx context.Context, q db.Querier, store, id int64) error {
	if id == 0 {
		return nil
	}
	var one int64
	err := q.QueryRow(ctx, `SELECT id FROM departments WHERE id = $1 AND store_id = $2`, id, store).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound("department")
	}
	return err
}

// SetTopic says why the customer wrote; the topic is named, empty takes it away.
func (i *Inbox) SetTopic(ctx context.Context, scope care.Scope, id int64, name string) (Row, error) {
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		if name == e.now.TopicOf {
			return nil
		}
		if name == "" {
			e.now.Topic, e.now.TopicOf = 0, ""
			return nil
		}
		t, err := query.New(e.Tx).TopicByName(ctx, query.TopicByNameParams{StoreID: e.now.Store, Name: name})
		if errors.Is(err, db.ErrNoRows) || err == nil && !t.Active {
			return care.Invalid("topic", "value_invalid")
		}
		if err != nil {
			return err
		}
		e.now.Topic, e.now.TopicOf = t.ID, t.Name
		e.note(SystemTopic, "topic", t.Name)
		return nil
	}))
}

// SetPriority says how much a conversation matters: 0 to 3.
func (i *Inbox) SetPriority(ctx context.Context, scope care.Scope, id, priority int64) (Row, error) {
	if priority < 0 || priority > 3 {
		return Row{}, care.Invalid("priority", "above", "max", 3)
	}
	return i.rowOf(i.act(ctx, scope, id, func(e *edit) error {
		e.now.Priority = priority
		return nil
	}))
}
