package api

import (
	"context"
	"net/http"

	"opeka/internal/care"
	"opeka/internal/inbox"
)

// QueueSettings is what can be set of a queue.
type QueueSettings struct {
	Name          string        `json:"name" minLength:"1" maxLength:"80"`
	Channels      []string      `json:"channels,omitempty" maxItems:"20" doc:"Only these; none: every channel"`
	Skills        []inbox.Skill `json:"skills,omitempty" maxItems:"20" doc:"All of them are required of the agent"`
	Team          int64         `json:"team_id,omitempty" minimum:"0" doc:"Only its members, when not 0"`
	FirstResponse int64         `json:"first_response_s,omitempty" minimum:"0" maximum:"2592000" doc:"Target in seconds of the store's opening hours; 0: none"`
	Position      int64         `json:"position,omitempty" minimum:"0" doc:"The first queue that fits gets the conversation"`
}

func (s QueueSettings) queue(id, store int64) inbox.Queue {
	return inbox.Queue{ID: id, Store: store, Name: s.Name, Channels: s.Channels, Skills: s.Skills, Team: s.Team, FirstResponse: s.FirstResponse, Position: s.Position}
}

// queueChange is settings of which those left out stay.
type queueChange struct {
	Name          *string        `json:"name,omitempty" minLength:"1" maxLength:"80"`
	Channels      *[]string      `json:"channels,omitempty" maxItems:"20"`
	Skills        *[]inbox.Skill `json:"skills,omitempty" maxItems:"20"`
	Team          *int64         `json:"team_id,omitempty" minimum:"0"`
	FirstResponse *int64         `json:"first_response_s,omitempty" minimum:"0" maximum:"2592000"`
	Position      *int64         `json:"position,omitempty" minimum:"0"`
}

func (c queueChange) apply(q *inbox.Queue) {
	set(&q.Name, c.Name)
	set(&q.Channels, c.Channels)
	set(&q.Skills, c.Skills)
	set(&q.Team, c.Team)
	set(&q.FirstResponse, c.FirstResponse)
	set(&q.Position, c.Position)
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

type newQueue struct {
	StoreID int64 `json:"store_id" minimum:"1"`
	QueueSettings
}

// TopicSettings is what can be set of a topic.
type TopicSettings struct {
	Name       string `json:"name" minLength:"1" maxLength:"80"`
	Department int64  `json:"department_id,omitempty" minimum:"0" doc:"The department that causes it"`
	Position   int64  `json:"position,omitempty" minimum:"0"`
}

// topicChange is settings of which those left out stay.
type topicChange struct {
	Name       *string `json:"name,omitempty" minLength:"1" maxLength:"80"`
	Department *int64  `json:"department_id,omitempty" minimum:"0"`
	Position   *int64  `json:"position,omitempty" minimum:"0"`
}

func (c topicChange) apply(t *inbox.Topic) {
	set(&t.Name, c.Name)
	set(&t.Department, c.Department)
	set(&t.Position, c.Position)
}

type newTopic struct {
	StoreID int64 `json:"store_id" minimum:"1"`
	TopicSettings
}

func (a *API) registerQueues() {
	read, manage := needs(care.PermInboxRead), needs(care.PermSettings)
	register(a, op{ID: "list-queues", Method: http.MethodGet, Path: "/queues", Tag: tagInbox, Summary: "List queues", Access: read},
		func(ctx context.Context, in *byStore) (*Out[List[inbox.Queue]], error) {
			return whole(a.Inbox.Queues(ctx, scope(ctx), in.StoreID))
		})
	register(a, op{ID: "add-queue", Method: http.MethodPost, Path: "/queues", Tag: tagInbox, Summary: "Make a queue", Access: manage, Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body newQueue }) (*Out[inbox.Queue], error) {
			return out(a.Inbox.AddQueue(ctx, scope(ctx), in.Body.queue(0, in.Body.StoreID)))
		})
	register(a, op{ID: "change-queue", Method: http.MethodPatch, Path: "/queues/{id}", Tag: tagInbox, Summary: "Change a queue",
		Detail: "Conversations that wait in it keep their deadlines.", Access: manage},
		func(ctx context.Context, in *struct {
			ByID
			Body queueChange
		}) (*Out[inbox.Queue], error) {
			return out(a.Inbox.ChangeQueue(ctx, scope(ctx), in.ID, in.Body.apply))
		})
	register(a, op{ID: "remove-queue", Method: http.MethodDelete, Path: "/queues/{id}", Tag: tagInbox, Summary: "Retire a queue",
		Detail: "Nothing new comes into it; what waits in it is still served.", Access: manage},
		func(ctx context.Context, in *struct{ ByID }) (*None, error) {
			return none(a.Inbox.RemoveQueue(ctx, scope(ctx), in.ID))
		})
}

func (a *API) registerTopics() {
	read, manage := needs(care.PermInboxRead), needs(care.PermSettings)
	register(a, op{ID: "list-topics", Method: http.MethodGet, Path: "/topics", Tag: tagInbox, Summary: "List the reasons why customers write", Access: read},
		func(ctx context.Context, in *byStore) (*Out[List[inbox.Topic]], error) {
			return whole(a.Inbox.Topics(ctx, scope(ctx), in.StoreID))
		})
	register(a, op{ID: "add-topic", Method: http.MethodPost, Path: "/topics", Tag: tagInbox, Summary: "Make a topic", Access: manage, Status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body newTopic }) (*Out[inbox.Topic], error) {
			b := in.Body
			return out(a.Inbox.AddTopic(ctx, scope(ctx), inbox.Topic{Store: b.StoreID, Name: b.Name, Department: b.Department, Position: b.Position}))
		})
	register(a, op{ID: "change-topic", Method: http.MethodPatch, Path: "/topics/{id}", Tag: tagInbox, Summary: "Change a topic", Access: manage},
		func(ctx context.Context, in *struct {
			ByID
			Body topicChange
		}) (*Out[inbox.Topic], error) {
			return out(a.Inbox.ChangeTopic(ctx, scope(ctx), in.ID, in.Body.apply))
		})
	register(a, op{ID: "remove-topic", Method: http.MethodDelete, Path: "/topics/{id}", Tag: tagInbox, Summary: "Retire a topic",
		Detail: "Conversations keep it; nobody can choose it any more.", Access: manage},
		func(ctx context.Context, in *struct{ ByID }) (*None, error) {
			return none(a.Inbox.RemoveTopic(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-tags", Method: http.MethodGet, Path: "/tags", Tag: tagInbox, Summary: "List tags", Access: read},
		func(ctx context.Context, in *byStore) (*Out[List[inbox.Tag]], error) {
			return whole(a.Inbox.Tags(ctx, scope(ctx), in.StoreID))
		})
}

// whole is a list that is short enough to come in one page.
func whole[T any](items []T, err error) (*Out[List[T]], error) {
	if items == nil {
		items = []T{}
	}
	return out(List[T]{Items: items}, err)
}
