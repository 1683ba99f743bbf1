package api

import (
	"context"

	"opeka/internal/cal"
	"opeka/internal/care"
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
	Overflow   string             `json:"overflow,omitempty" enum:"callback,hangup,queue,voicemail,number" default:"callback"`
	OverflowNo string             `json:"overflow_number,omitempty" maxLength:"20" doc:"E.164"`
	Widen      int64              `json:"widen_s,omitempty" minimum:"0" maximum:"7200" doc:"After so long others than the team take too; 0: never"`
	Ring       int64              `json:"ring_s,omitempty" minimum:"0" maximum:"300" doc:"How long it rings at one agent before the next; 0: as the store's rules say"`
	Hours      *cal.Settings      `json:"hours,omitempty" doc:"Opening hours; none: the store's"`
	Closed     string             `json:"closed,omitempty" enum:"callback,offer,message,voicemail" default:"callback"`
	Languages  []string           `json:"languages,omitempty" maxItems:"4" doc:"That callers may choose from, in the order of the keys"`
	VoicemailS int64              `json:"voicemail_s,omitempty" minimum:"10" maximum:"600" default:"180"`
	OverflowTo int64              `json:"overflow_queue_id,omitempty" minimum:"0"`
	Announce   int64              `json:"announce_s,omitempty" minimum:"15" maximum:"600" default:"45"`
	Position   int64              `json:"position,omitempty" minimum:"0"`
	Recording  string             `json:"recording,omitempty" enum:",off,all,on_demand" doc:"Empty: as the store does"`
}

func (s PhoneQueueSettings) queue(id, store int64) phone.Queue {
	return phone.Queue{ID: id, Store: store, Name: s.Name, Numbers: s.Numbers, Skills: s.Skills, Team: s.Team, MaxLength: s.MaxLength, MaxWait: s.MaxWait, Overflow: s.Overflow,
		OverflowTo: s.OverflowTo, Announce: s.Announce, Position: s.Position, Recording: s.Recording,
		OverflowNo: s.OverflowNo, Widen: s.Widen, Ring: s.Ring, Hours: s.Hours, Closed: s.Closed, Languages: s.Languages, VoicemailS: s.VoicemailS}
}

// LegAnswer is what a browser is answered.
type LegAnswer struct {
	Answer string `json:"answer" doc:"SDP"`
}

func (a *API) registerPhone() {
	use, mine := needs(care.PermPhone), agentNeeds(care.PermPhone)
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
	a.registerCalls()
	a.registerHandsets()
	a.registerPhoneQueues()
	a.registerRecordings()
	a.registerPrompts()
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
