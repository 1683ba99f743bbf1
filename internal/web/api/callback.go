package api

import (
	"context"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/phone"
)

const tagCallbacks = "Callbacks"

// NewCallback is a call that somebody asks the system to make.
type NewCallback struct {
	StoreID      int64     `json:"store_id" minimum:"1"`
	Trigger      string    `json:"trigger,omitempty" enum:"asked,promise" doc:"asked by the customer (if absent), or the caller's own promise"`
	Customer     int64     `json:"customer_id,omitempty" minimum:"0"`
	Number       string    `json:"number,omitempty" maxLength:"80" doc:"As people write it; the customer's own if absent"`
	Country      string    `json:"country,omitempty" maxLength:"2" doc:"ISO 3166 code by which a national number is read"`
	Name         string    `json:"name,omitempty" maxLength:"200"`
	Language     string    `json:"language,omitempty" maxLength:"10"`
	Conversation int64     `json:"conversation_id,omitempty" minimum:"0"`
	Order        int64     `json:"order_id,omitempty" minimum:"0"`
	Variant      int64     `json:"variant_id,omitempty" minimum:"0"`
	At           time.Time `json:"at,omitzero" doc:"When; as soon as may be if absent"`
	Note         string    `json:"note,omitempty" maxLength:"1000"`
	Key          string    `json:"key,omitempty" maxLength:"100" doc:"The same key makes one callback"`
}

func (n NewCallback) asked() phone.Asked {
	a := phone.Asked{Store: n.StoreID, Trigger: phone.Trigger(n.Trigger), Customer: n.Customer, Number: n.Number, Country: n.Country, Name: n.Name, Language: n.Language,
		Conversation: n.Conversation, Order: n.Order, Variant: n.Variant, At: n.At, Note: n.Note, Key: n.Key}
	if a.Trigger == "" {
		a.Trigger = phone.TriggerAsked
	}
	return a
}

// NewSubscription is a customer's wish to be told when something is there.
type NewSubscription struct {
	StoreID  int64  `json:"store_id" minimum:"1"`
	Variant  int64  `json:"variant_id" minimum:"1"`
	Customer int64  `json:"customer_id,omitempty" minimum:"0"`
	Number   string `json:"number,omitempty" maxLength:"80"`
	Country  string `json:"country,omitempty" maxLength:"2"`
	Name     string `json:"name,omitempty" maxLength:"200"`
	Language string `json:"language,omitempty" maxLength:"10"`
	How      string `json:"how,omitempty" enum:"call,message" default:"call"`
	Quantity int64  `json:"quantity,omitempty" minimum:"1" maximum:"10000" default:"1"`
}

func (a *API) registerCallbacks() {
	if a.Phone == nil {
		return
	}
	use, mine := needs(care.PermPhone), agentNeeds(care.PermPhone)
	register(a, op{ID: "list-callbacks", Method: "GET", Path: "/callbacks", Tag: tagCallbacks, Summary: "List callbacks", Access: use,
		Detail: "Open ones by their time; of the column done the latest first. Without a column all that are open."},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Column   string `query:"column" enum:"due,today,waiting,no_answer,done"`
			Agent    int64  `query:"agent_id" minimum:"0" doc:"Whose they are, or who promised them"`
			Customer int64  `query:"customer_id" minimum:"0"`
		}) (*Out[List[phone.Callback]], error) {
			f := phone.BoardFilter{Store: in.StoreID, Agent: in.Agent, Customer: in.Customer, Column: in.Column, Limit: in.Limit + 1}
			if err := place(in.Cursor, &f.After); err != nil {
				return nil, err
			}
			rows, err := a.Phone.Board(ctx, scope(ctx), f)
			if err != nil {
				return nil, err
			}
			l := List[phone.Callback]{Items: rows}
			if int64(len(rows)) > in.Limit {
				l.Items = rows[:in.Limit]
				last := l.Items[in.Limit-1]
				at := last.DueAt
				if in.Column == phone.ColumnDone {
					at = last.ClosedAt
				}
				l.Next = cursor([2]int64{int64(at), last.ID})
			}
			if l.Items == nil {
				l.Items = []phone.Callback{}
			}
			return &Out[List[phone.Callback]]{l}, nil
		})
	register(a, op{ID: "count-callbacks", Method: "GET", Path: "/callback-counts", Tag: tagCallbacks, Summary: "Count the board's columns", Access: use},
		func(ctx context.Context, in *struct {
			StoreID int64 `query:"store_id" minimum:"0"`
		}) (*Out[phone.BoardCounts], error) {
			return out(a.Phone.BoardCounts(ctx, scope(ctx), in.StoreID))
		})
	register(a, op{ID: "create-callback", Method: "POST", Path: "/callbacks", Tag: tagCallbacks, Summary: "Have a customer rung", Access: use, Status: 201,
		Detail: "A call that is owed to the same number already takes the new reason up. Where the store's rules owe none, the answer is 409 with the reason."},
		func(ctx context.Context, in *struct{ Body NewCallback }) (*Out[phone.Callback], error) {
			return out(a.Phone.Ask(ctx, scope(ctx), in.Body.asked()))
		})
	register(a, op{ID: "next-callback", Method: "POST", Path: "/callback-next", Tag: tagCallbacks, Summary: "Take the most urgent callback, to look at it", Access: mine,
		Detail: "It is offered to the caller, who accepts or declines it. 404 when nothing is due that he can take."},
		func(ctx context.Context, in *struct {
			Body struct {
				StoreID int64 `json:"store_id" minimum:"1"`
			}
		}) (*Out[phone.Callback], error) {
			return out(a.Phone.Next(ctx, scope(ctx), in.Body.StoreID))
		})
	register(a, op{ID: "get-callback", Method: "GET", Path: "/callbacks/{id}", Tag: tagCallbacks, Summary: "Get a callback with its decisions and attempts", Access: use},
		func(ctx context.Context, in *ByID) (*Out[phone.Callback], error) {
			return out(a.Phone.Callback(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "accept-callback", Method: "POST", Path: "/callbacks/{id}/accept", Tag: tagCallbacks, Summary: "Accept an offered callback: the customer is rung", Access: mine},
		func(ctx context.Context, in *ByID) (*Out[phone.Callback], error) {
			return out(a.Phone.Accept(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "decline-callback", Method: "POST", Path: "/callbacks/{id}/decline", Tag: tagCallbacks, Summary: "Decline a callback before the customer has answered", Access: mine,
		Detail: "It is no attempt, and goes to somebody else."},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Reason string `json:"reason,omitempty" maxLength:"1000"`
			}
		}) (*Out[phone.Callback], error) {
			return out(a.Phone.Decline(ctx, scope(ctx), in.ID, in.Body.Reason))
		})
	register(a, op{ID: "dispose-callback", Method: "POST", Path: "/callbacks/{id}/disposition", Tag: tagCallbacks, Summary: "Say what came of a callback's call", Access: mine},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Disposition string    `json:"disposition" enum:"settled,ordered,not_wanted,later,wrong_number,machine,do_not_call"`
				At          time.Time `json:"at,omitzero" doc:"Of later: when to ring again"`
				Note        string    `json:"note,omitempty" maxLength:"4000"`
			}
		}) (*Out[phone.Callback], error) {
			return out(a.Phone.Dispose(ctx, scope(ctx), in.ID, phone.Disposition(in.Body.Disposition), in.Body.At, in.Body.Note))
		})
	register(a, op{ID: "reschedule-callback", Method: "POST", Path: "/callbacks/{id}/reschedule", Tag: tagCallbacks, Summary: "Move a callback to the time that the customer named", Access: use},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				At   time.Time `json:"at"`
				Note string    `json:"note,omitempty" maxLength:"1000"`
			}
		}) (*Out[phone.Callback], error) {
			return out(a.Phone.Reschedule(ctx, scope(ctx), in.ID, in.Body.At, in.Body.Note))
		})
	register(a, op{ID: "cancel-callback", Method: "POST", Path: "/callbacks/{id}/cancel", Tag: tagCallbacks, Summary: "Cancel a callback that isn't needed any more", Access: use},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Reason string `json:"reason" minLength:"1" maxLength:"1000"`
			}
		}) (*Out[phone.Callback], error) {
			return out(a.Phone.Cancel(ctx, scope(ctx), in.ID, in.Body.Reason))
		})
	register(a, op{ID: "get-callback-rules", Method: "GET", Path: "/stores/{id}/callback-rules", Tag: tagCallbacks, Summary: "Which trigger makes a callback, and how customers are rung", Access: use},
		func(ctx context.Context, in *ByID) (*Out[phone.Settings], error) {
			return out(a.Phone.Settings(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "set-callback-rules", Method: "PUT", Path: "/stores/{id}/callback-rules", Tag: tagCallbacks, Summary: "Change the policy, and the rules that are given", Access: needs(care.PermSettings),
		Detail: "Callbacks that are owed already keep what they were made with."},
		func(ctx context.Context, in *struct {
			ByID
			Body phone.Settings
		}) (*Out[phone.Settings], error) {
			return out(a.Phone.SetSettings(ctx, by(ctx), in.ID, in.Body))
		})
	a.registerOutgoing()
	register(a, op{ID: "list-callback-refusals", Method: "GET", Path: "/stores/{id}/callback-refusals", Tag: tagCallbacks, Summary: "Why no call was owed, the latest first", Access: use},
		func(ctx context.Context, in *struct {
			ByID
			Limit int64 `query:"limit" minimum:"1" maximum:"200" default:"50"`
		}) (*Out[List[phone.Decision]], error) {
			return whole(a.Phone.Refusals(ctx, scope(ctx), in.ID, in.Limit))
		})
	a.registerSubscriptions()
	a.registerPhoneAgent()
	a.registerPhone()
}

func (a *API) registerSubscriptions() {
	use := needs(care.PermPhone)
	register(a, op{ID: "list-stock-subscriptions", Method: "GET", Path: "/stock-subscriptions", Tag: tagCallbacks, Summary: "Who waits for which goods, the latest first", Access: use},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Variant  int64  `query:"variant_id" minimum:"0"`
			Customer int64  `query:"customer_id" minimum:"0"`
			State    string `query:"state" enum:"waiting,allotted,told,closed,cancelled"`
		}) (*Out[List[phone.Subscription]], error) {
			from, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Phone.Subscriptions(ctx, scope(ctx), phone.SubscriptionFilter{Store: in.StoreID, Variant: in.Variant, Customer: in.Customer, State: in.State, Before: from.After, Limit: from.Limit})
			return pageByID(in.Paging, rows, func(s phone.Subscription) int64 { return s.ID }, err)
		})
	register(a, op{ID: "create-stock-subscription", Method: "POST", Path: "/stock-subscriptions", Tag: tagCallbacks, Summary: "Ring or tell a customer when it is there", Access: use, Status: 201,
		Detail: "In the order of asking, no more customers are told than there are pieces."},
		func(ctx context.Context, in *struct{ Body NewSubscription }) (*Out[phone.Subscription], error) {
			b := in.Body
			return out(a.Phone.Subscribe(ctx, scope(ctx), phone.Wish{Store: b.StoreID, Variant: b.Variant, Customer: b.Customer, Number: b.Number, Country: b.Country, Name: b.Name,
				Language: b.Language, How: b.How, Quantity: b.Quantity}))
		})
	register(a, op{ID: "get-stock-subscription", Method: "GET", Path: "/stock-subscriptions/{id}", Tag: tagCallbacks, Summary: "Get one wish", Access: use},
		func(ctx context.Context, in *ByID) (*Out[phone.Subscription], error) {
			return out(a.Phone.Subscription(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "cancel-stock-subscription", Method: "DELETE", Path: "/stock-subscriptions/{id}", Tag: tagCallbacks, Summary: "Take a wish back", Access: use},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Phone.Unsubscribe(ctx, scope(ctx), in.ID))
		})
}

func (a *API) registerPhoneAgent() {
	mine := agentNeeds(care.PermPhone)
	const tag = "Phone"
	register(a, op{ID: "get-my-phone", Method: "GET", Path: "/phone/me", Tag: tag, Summary: "How the caller stands at the telephone", Access: mine},
		func(ctx context.Context, _ *struct{}) (*Out[phone.AgentState], error) {
			return out(a.Phone.Me(ctx, scope(ctx)))
		})
	register(a, op{ID: "end-my-after-call-work", Method: "POST", Path: "/phone/me/rested", Tag: tag, Summary: "End the caller's own after-call work", Access: mine, OwnIdempotency: true,
		Detail: "Of a call in which he only took part. What came of a call that is his he says with its outcome."},
		func(ctx context.Context, _ *struct{}) (*Out[phone.AgentState], error) {
			return out(a.Phone.Rested(ctx, scope(ctx)))
		})
	register(a, op{ID: "set-my-phone", Method: "PUT", Path: "/phone/me", Tag: tag, Summary: "Come to the telephone, or leave it", Access: mine,
		Detail: "Who is at it, with presence ready, is given calls. Coming to it makes him ready who was away or offline."},
		func(ctx context.Context, in *struct {
			Body struct {
				Reachable bool   `json:"reachable"`
				Device    string `json:"device,omitempty" maxLength:"100" doc:"Empty: the browser; else a registered telephone's name or a number"`
			}
		}) (*Out[phone.AgentState], error) {
			if in.Body.Reachable {
				if err := a.present(ctx); err != nil {
					return nil, err
				}
			}
			return out(a.Phone.Reachable(ctx, scope(ctx), in.Body.Reachable, in.Body.Device))
		})
}

// present makes the caller ready who was away or offline: whoever takes calls is at his desk. Busy stays busy.
func (a *API) present(ctx context.Context) error {
	now, err := a.Accounts.Heartbeat(ctx, by(ctx))
	if err == nil && (now.State == account.Offline || now.State == account.Away) {
		_, err = a.Accounts.SetPresence(ctx, by(ctx), account.Ready)
	}
	return err
}
