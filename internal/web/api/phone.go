package api

import (
	"context"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/phone"
)

const tagPhone = "Phone"

// NewPhoneQueue is a telephone queue to make.
type NewPhoneQueue struct {
	StoreID int64 `json:"store_id" minimum:"1"`
	PhoneQueueSettings
}

// PhoneQueueSettings are what can be set of a telephone queue.
type PhoneQueueSettings struct {
	Name       string             `json:"name" minLength:"1" maxLength:"80"`
	Numbers    []string           `json:"numbers,omitempty" maxItems:"50" doc:"E.164: what was called; none: whatever else rings in"`
	Skills     []phone.QueueSkill `json:"skills,omitempty" maxItems:"20"`
	Team       int64              `json:"team_id,omitempty" minimum:"0"`
	MaxLength  int64              `json:"max_length,omitempty" minimum:"0" maximum:"1000"`
	MaxWait    int64              `json:"max_wait_s,omitempty" minimum:"0" maximum:"7200"`
	Overflow   string             `json:"overflow,omitempty" enum:"callback,hangup,queue" default:"callback"`
	OverflowTo int64              `json:"overflow_queue_id,omitempty" minimum:"0"`
	Announce   int64              `json:"announce_s,omitempty" minimum:"15" maximum:"600" default:"45"`
	Position   int64              `json:"position,omitempty" minimum:"0"`
	Recording  string             `json:"recording,omitempty" enum:",off,all,on_demand" doc:"Empty: as the store does"`
}

func (s PhoneQueueSettings) queue(id, store int64) phone.Queue {
	return phone.Queue{ID: id, Store: store, Name: s.Name, Numbers: s.Numbers, Skills: s.Skills, Team: s.Team, MaxLength: s.MaxLength, MaxWait: s.MaxWait, Overflow: s.Overflow,
		OverflowTo: s.OverflowTo, Announce: s.Announce, Position: s.Position, Recording: s.Recording}
}

// LegAnswer is what a browser is answered.
type LegAnswer struct {
	Answer string `json:"answer" doc:"SDP"`
}

func (a *API) registerPhone() {
	use, mine, supervise := needs(care.PermPhone), agentNeeds(care.PermPhone), agentNeeds(care.PermSupervise)
	register(a, op{ID: "connect-my-phone", Method: "POST", Path: "/phone/leg", Tag: tagPhone, Summary: "Connect the caller's browser by WebRTC", Access: mine, OwnIdempotency: true,
		Detail: "The offer names all its addresses (no trickle). Sent again after a reload the browser comes back into its call."},
		func(ctx context.Context, in *struct {
			Body struct {
				Offer string `json:"offer" minLength:"1" maxLength:"65536" doc:"SDP"`
			}
		}) (*Out[LegAnswer], error) {
			answer, err := a.Phone.Leg(ctx, scope(ctx), in.Body.Offer)
			return out(LegAnswer{answer}, err)
		})
	register(a, op{ID: "get-phone-live", Method: "GET", Path: "/stores/{id}/phone-live", Tag: tagPhone, Summary: "How the telephone fares now: service level, waits, agents", Access: use},
		func(ctx context.Context, in *ByID) (*Out[phone.Live], error) {
			return out(a.Phone.LiveOf(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-calls", Method: "GET", Path: "/calls", Tag: tagPhone, Summary: "List calls, the latest first", Access: use},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Customer int64 `query:"customer_id" minimum:"0"`
			Live     bool  `query:"live" doc:"Only those that go on"`
		}) (*Out[List[phone.Call]], error) {
			from, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Phone.Calls(ctx, scope(ctx), in.StoreID, in.Customer, in.Live, from.After, from.Limit)
			return pageByID(in.Paging, rows, func(c phone.Call) int64 { return c.ID }, err)
		})
	register(a, op{ID: "dial-call", Method: "POST", Path: "/calls", Tag: tagPhone, Summary: "Ring a number", Access: mine, Status: 201},
		func(ctx context.Context, in *struct {
			Body struct {
				StoreID  int64  `json:"store_id" minimum:"1"`
				Number   string `json:"number" minLength:"1" maxLength:"80"`
				Country  string `json:"country,omitempty" maxLength:"2"`
				Customer int64  `json:"customer_id,omitempty" minimum:"0"`
			}
		}) (*Out[phone.Call], error) {
			b := in.Body
			return out(a.Phone.Dial(ctx, scope(ctx), b.StoreID, b.Number, b.Country, b.Customer))
		})
	register(a, op{ID: "get-call", Method: "GET", Path: "/calls/{id}", Tag: tagPhone, Summary: "Get a call", Access: use},
		func(ctx context.Context, in *ByID) (*Out[phone.Call], error) {
			return out(a.Phone.Call(ctx, scope(ctx), in.ID))
		})
	for _, v := range []struct {
		id, verb, summary string
		do                func(context.Context, care.Scope, int64) (phone.Call, error)
	}{
		{"answer-call", "answer", "Answer an offered caller", a.Phone.Answer},
		{"hang-up-call", "hangup", "End a call", a.Phone.Hangup},
		{"hold-call", "hold", "Put the customer on hold", func(ctx context.Context, s care.Scope, id int64) (phone.Call, error) {
			return a.Phone.Hold(ctx, s, id, true)
		}},
		{"resume-call", "resume", "Bring the customer back", func(ctx context.Context, s care.Scope, id int64) (phone.Call, error) {
			return a.Phone.Hold(ctx, s, id, false)
		}},
	} {
		register(a, op{ID: v.id, Method: "POST", Path: "/calls/{id}/" + v.verb, Tag: tagPhone, Summary: v.summary, Access: mine, OwnIdempotency: true},
			func(ctx context.Context, in *ByID) (*Out[phone.Call], error) {
				return out(v.do(ctx, scope(ctx), in.ID))
			})
	}
	register(a, op{ID: "send-call-keys", Method: "POST", Path: "/calls/{id}/keys", Tag: tagPhone, Summary: "Send keys (DTMF)", Access: mine, OwnIdempotency: true},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Keys string `json:"keys" minLength:"1" maxLength:"32"`
			}
		}) (*Out[phone.Call], error) {
			return out(a.Phone.Keys(ctx, scope(ctx), in.ID, in.Body.Keys))
		})
	register(a, op{ID: "wrap-up-call", Method: "POST", Path: "/calls/{id}/wrap-up", Tag: tagPhone, Summary: "Say what came of a call", Access: mine,
		Detail: "A callback's call is wrapped up by dispose-callback."},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Disposition string `json:"disposition" enum:"settled,ordered,not_wanted,wrong_number,machine,do_not_call"`
				Note        string `json:"note,omitempty" maxLength:"4000"`
			}
		}) (*Out[phone.Call], error) {
			return out(a.Phone.WrapUp(ctx, scope(ctx), in.ID, phone.Disposition(in.Body.Disposition), in.Body.Note))
		})
	register(a, op{ID: "supervise-call", Method: "POST", Path: "/calls/{id}/supervise", Tag: tagPhone, Summary: "Listen to a call, whisper to its agent, or join it", Access: supervise},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Mode string `json:"mode" enum:"listen,whisper,barge,off"`
			}
		}) (*Out[phone.Call], error) {
			c, err := a.Phone.Supervise(ctx, scope(ctx), in.ID, in.Body.Mode)
			if err == nil && in.Body.Mode != "off" {
				err = a.auditCall(ctx, c, "call.supervised", in.Body.Mode)
			}
			return out(c, err)
		})
	a.registerPhoneQueues()
	a.registerRecordings()
}

// auditCall notes that somebody listened.
func (a *API) auditCall(ctx context.Context, c phone.Call, action, mode string) error {
	return a.DB.Write(ctx, by(ctx).Actor(), func(tx *db.Tx) error {
		a.Accounts.Record(tx, account.By(by(ctx)), c.Store, action, c.ID, c.Number, nil, map[string]string{"mode": mode})
		return nil
	})
}

func (a *API) registerPhoneQueues() {
	use, manage := needs(care.PermPhone), needs(care.PermSettings)
	register(a, op{ID: "list-phone-queues", Method: "GET", Path: "/phone-queues", Tag: tagPhone, Summary: "List telephone queues", Access: use},
		func(ctx context.Context, in *struct {
			StoreID int64 `query:"store_id" minimum:"0"`
		}) (*Out[List[phone.Queue]], error) {
			return whole(a.Phone.Queues(ctx, scope(ctx), in.StoreID))
		})
	register(a, op{ID: "add-phone-queue", Method: "POST", Path: "/phone-queues", Tag: tagPhone, Summary: "Make a telephone queue", Access: manage, Status: 201},
		func(ctx context.Context, in *struct{ Body NewPhoneQueue }) (*Out[phone.Queue], error) {
			return out(a.Phone.SaveQueue(ctx, scope(ctx), in.Body.queue(0, in.Body.StoreID)))
		})
	register(a, op{ID: "change-phone-queue", Method: "PUT", Path: "/phone-queues/{id}", Tag: tagPhone, Summary: "Change a telephone queue", Access: manage},
		func(ctx context.Context, in *struct {
			ByID
			Body PhoneQueueSettings
		}) (*Out[phone.Queue], error) {
			return out(a.Phone.SaveQueue(ctx, scope(ctx), in.Body.queue(in.ID, 0)))
		})
	register(a, op{ID: "remove-phone-queue", Method: "DELETE", Path: "/phone-queues/{id}", Tag: tagPhone, Summary: "Retire a telephone queue", Access: manage},
		func(ctx context.Context, in *struct{ ByID }) (*None, error) {
			return none(a.Phone.RemoveQueue(ctx, scope(ctx), in.ID))
		})
}
