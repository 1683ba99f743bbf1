package api

import (
	"context"
	"net/http"
	"time"

	"opeka/internal/care"
	"opeka/internal/inbox"
)

// registerInbox lists the operations of the inbox room, a file each.
func (a *API) registerInbox() {
	if a.Inbox == nil {
		return
	}
	a.registerConversations()
	a.registerMessages()
	a.registerLetters()
	a.registerFiles()
	a.registerQueues()
	a.registerTopics()
	a.registerMacros()
}

const tagInbox = "Inbox"

type listConversations struct {
	Paging
	InStore
	View     string `query:"view" enum:"open,mine,unassigned,pending,snoozed,resolved,all" default:"open"`
	Queue    int64  `query:"queue_id" minimum:"0"`
	Assignee int64  `query:"assignee_id" minimum:"0"`
	Channel  string `query:"channel" maxLength:"30"`
	Tag      string `query:"tag" maxLength:"50"`
	Topic    string `query:"topic" maxLength:"80" doc:"The name of a topic"`
	Text     string `query:"q" maxLength:"500" doc:"Words of the messages; the order is then by the newest message found"`
	Sort     string `query:"sort" enum:"latest,oldest,waiting,due" default:"latest" doc:"waiting lists only those whose customer waits, the longest wait first; due those whose first response is due, the earliest deadline first"`
}

type byStore struct {
	StoreID int64 `query:"store_id" minimum:"0"`
}

func (a *API) registerConversations() {
	read, write := needs(care.PermInboxRead), needs(care.PermInboxWrite)
	register(a, op{ID: "inbox-counts", Method: http.MethodGet, Path: "/inbox/counts", Tag: tagInbox, Summary: "Count the conversations of each view and queue", Access: read},
		func(ctx context.Context, in *byStore) (*Out[inbox.Counts], error) {
			return out(a.Inbox.Counts(ctx, scope(ctx), in.StoreID))
		})
	register(a, op{ID: "list-conversations", Method: http.MethodGet, Path: "/conversations", Tag: tagInbox, Summary: "List conversations", Access: read},
		func(ctx context.Context, in *listConversations) (*Out[inbox.Page], error) {
			return out(a.Inbox.List(ctx, scope(ctx), inbox.Filter{View: in.View, Store: in.StoreID, Queue: in.Queue, Assignee: in.Assignee, Channel: in.Channel,
				Tag: in.Tag, Topic: in.Topic, Text: in.Text, Sort: in.Sort, Cursor: in.Cursor, Limit: int(in.Limit)}))
		})
	register(a, op{ID: "get-conversation", Method: http.MethodGet, Path: "/conversations/{id}", Tag: tagInbox, Summary: "Open a conversation",
		Detail: "With its last messages, the caller's draft and the agents who look at it. Opening it shows the caller to them too.", Access: read},
		func(ctx context.Context, in *struct{ ByID }) (*Out[inbox.Detail], error) {
			d, err := a.Inbox.Show(ctx, scope(ctx), in.ID)
			if v := d.Conversation.Visitor; err == nil && v != nil && a.VisitorOnline != nil {
				v.Online = a.VisitorOnline(v.Thread)
			}
			return out(d, err)
		})
	for _, v := range []struct {
		id, path, summary string
		act               func(context.Context, care.Scope, int64) (inbox.Row, error)
	}{
		{"resolve-conversation", "resolve", "Close a conversation", a.Inbox.Resolve},
		{"reopen-conversation", "reopen", "Open a conversation again", a.Inbox.Reopen},
		{"pend-conversation", "pending", "Wait for the customer", a.Inbox.Pend},
	} {
		register(a, op{ID: v.id, Method: http.MethodPost, Path: "/conversations/{id}/" + v.path, Tag: tagInbox, Summary: v.summary, Access: write},
			func(ctx context.Context, in *struct{ ByID }) (*Out[inbox.Row], error) {
				return out(v.act(ctx, scope(ctx), in.ID))
			})
	}
	register(a, op{ID: "snooze-conversation", Method: http.MethodPost, Path: "/conversations/{id}/snooze", Tag: tagInbox, Summary: "Put a conversation aside until a time, or until the customer writes", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Until time.Time `json:"until"`
			}
		}) (*Out[inbox.Row], error) {
			return out(a.Inbox.Snooze(ctx, scope(ctx), in.ID, in.Body.Until))
		})
	register(a, op{ID: "assign-conversation", Method: http.MethodPost, Path: "/conversations/{id}/assign", Tag: tagInbox, Summary: "Give a conversation to an agent, a team or a queue",
		Detail: "What is left out stays as it is; null takes the agent or the team away.", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body assignment
		}) (*Out[inbox.Row], error) {
			return out(a.Inbox.Assign(ctx, scope(ctx), in.ID, inbox.Assignment{Agent: in.Body.Agent.id(), Team: in.Body.Team.id(), Queue: in.Body.Queue.id()}))
		})
	register(a, op{ID: "tag-conversation", Method: http.MethodPut, Path: "/conversations/{id}/tags", Tag: tagInbox, Summary: "Set the tags of a conversation", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Tags []string `json:"tags" maxItems:"20"`
			}
		}) (*Out[inbox.Row], error) {
			return out(a.Inbox.SetTags(ctx, scope(ctx), in.ID, in.Body.Tags))
		})
	register(a, op{ID: "set-conversation-topic", Method: http.MethodPut, Path: "/conversations/{id}/topic", Tag: tagInbox, Summary: "Say why the customer wrote", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Topic string `json:"topic" maxLength:"80" doc:"The name of one of the store's topics; empty takes it away"`
			}
		}) (*Out[inbox.Row], error) {
			return out(a.Inbox.SetTopic(ctx, scope(ctx), in.ID, in.Body.Topic))
		})
	register(a, op{ID: "set-conversation-priority", Method: http.MethodPut, Path: "/conversations/{id}/priority", Tag: tagInbox, Summary: "Say how much a conversation matters", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Priority int64 `json:"priority" minimum:"0" maximum:"3"`
			}
		}) (*Out[inbox.Row], error) {
			return out(a.Inbox.SetPriority(ctx, scope(ctx), in.ID, in.Body.Priority))
		})
}
