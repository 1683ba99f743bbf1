package api

// What can be done with a call that is under way. A call bar needs no polling: each change of a call that the agent is in comes to his socket as
//
//	{"t":"phone","event":"call","call_id":...,"state":...,"step":...,"params":{...}}    ask for /calls/current anew
//	{"t":"phone","event":"ring","call_id":...,"role":"transfer|consult|agent","from_agent_id":...,"until_at":...}    he is asked to take or to join a call
//
// and supervisors' screens hear {"t":"call",...} of every call of their stores. Of the parties in a call the customer and the agent whose call it is have id 0.
//
//	GET    /calls/current                  the calls that I am in: parties, hold, mute, what it is about, and "can": the verbs that are possible now
//	GET    /calls                          all calls; filters store_id, customer_id, agent_id, queue_id, direction, result, live
//	GET    /calls/{id}                     one;  GET /calls/{id}/course  what happened in it, step by step
//	POST   /calls                          ring a number, or a customer {store_id, number | customer_id, despite_wish}
//	POST   /calls/{id}/answer, /decline    take an offered caller or an invitation, or not
//	POST   /calls/{id}/hangup              end it for everybody (of a colleague who was asked in: leave it)
//	POST   /calls/{id}/hold, /resume       the customer hears music, or is back
//	POST   /calls/{id}/mute, /unmute       nobody hears me
//	POST   /calls/{id}/keys                {keys, party_id}
//	POST   /calls/{id}/transfer            {agent_id | queue_id | number}: without a word; comes back when nobody takes it
//	POST   /calls/{id}/consult             {agent_id | queue_id | number}: ask aside, the customer hears music
//	POST   /calls/{id}/consult/complete    hand over to the one who was asked
//	POST   /calls/{id}/consult/cancel      let him go, back to the customer
//	POST   /calls/{id}/consult/swap        to and fro between the two
//	POST   /calls/{id}/consult/join        all talk with each other
//	POST   /calls/{id}/parties             {agent_id | queue_id | number}: ask into the conversation
//	DELETE /calls/{id}/parties/{party}     take out of it
//	POST   /calls/{id}/leave               go; a colleague in it has the call then. The last agent can't: 409 phone.last_agent
//	POST   /calls/{id}/supervise           {mode: listen | whisper | barge | off}
//	POST   /calls/{id}/wrap-up             {disposition, note}; of a callback's call: POST /callbacks/{id}/disposition

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/phone"
)

// CallTarget is whom a call is handed over to, or who is asked in: one of the three.
type CallTarget struct {
	Agent  int64  `json:"agent_id,omitempty" minimum:"0" doc:"A colleague who is at the telephone and free"`
	Queue  int64  `json:"queue_id,omitempty" minimum:"0" doc:"Somebody who serves the queue"`
	Number string `json:"number,omitempty" maxLength:"80" doc:"An outside number that the store's rules of dialling allow"`
}

func (t CallTarget) target() phone.Target {
	return phone.Target{Agent: t.Agent, Queue: t.Queue, Number: t.Number}
}

func (a *API) registerCalls() {
	use, mine, supervise := needs(care.PermPhone), agentNeeds(care.PermPhone), agentNeeds(care.PermSupervise)
	register(a, op{ID: "list-calls", Method: "GET", Path: "/calls", Tag: tagPhone, Summary: "List calls, the latest first", Access: use},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Customer  int64  `query:"customer_id" minimum:"0"`
			Agent     int64  `query:"agent_id" minimum:"0"`
			Queue     int64  `query:"queue_id" minimum:"0"`
			Direction string `query:"direction" enum:"in,out"`
			Result    string `query:"result" maxLength:"40"`
			Live      bool   `query:"live" doc:"Only those that go on"`
		}) (*Out[List[phone.Call]], error) {
			from, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Phone.Calls(ctx, scope(ctx), phone.CallFilter{Store: in.StoreID, Customer: in.Customer, Agent: in.Agent, Queue: in.Queue, Direction: in.Direction,
				Result: phone.Result(in.Result), Live: in.Live, Before: from.After, Limit: from.Limit})
			return pageByID(in.Paging, rows, func(c phone.Call) int64 { return c.ID }, err)
		})
	register(a, op{ID: "list-current-calls", Method: "GET", Path: "/calls/current", Tag: tagPhone, Summary: "The calls that the caller is in, asked into, or has to wrap up", Access: mine},
		func(ctx context.Context, _ *struct{}) (*Out[List[phone.CurrentCall]], error) {
			return whole(a.Phone.CurrentCalls(ctx, scope(ctx)))
		})
	register(a, op{ID: "get-call", Method: "GET", Path: "/calls/{id}", Tag: tagPhone, Summary: "Get a call", Access: use},
		func(ctx context.Context, in *ByID) (*Out[phone.Call], error) {
			return out(a.Phone.Call(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "get-call-course", Method: "GET", Path: "/calls/{id}/course", Tag: tagPhone, Summary: "What happened in a call, step by step", Access: use},
		func(ctx context.Context, in *ByID) (*Out[List[phone.Step]], error) {
			return whole(a.Phone.Course(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "dial-call", Method: "POST", Path: "/calls", Tag: tagPhone, Summary: "Ring a number or a customer", Access: mine, Status: 201,
		Detail: "A number that the store's rules of dialling don't allow is refused with 403 phone.number_denied; somebody who doesn't want to be rung with 409 phone.do_not_call, unless despite_wish is set."},
		func(ctx context.Context, in *struct {
			Body struct {
				StoreID  int64  `json:"store_id" minimum:"1"`
				Number   string `json:"number,omitempty" maxLength:"80" doc:"As people write it; the customer's own if absent"`
				Country  string `json:"country,omitempty" maxLength:"2" doc:"By which a national number is read; the store's if absent"`
				Customer int64  `json:"customer_id,omitempty" minimum:"0"`
				Despite  bool   `json:"despite_wish,omitempty" doc:"Ring although he doesn't want to be rung; it is kept that the caller knew"`
			}
		}) (*Out[phone.Call], error) {
			b := in.Body
			return out(a.Phone.Dial(ctx, scope(ctx), phone.NewCall{Store: b.StoreID, Number: b.Number, Country: b.Country, Customer: b.Customer, Despite: b.Despite}))
		})
	a.registerCallVerbs(mine)
	a.registerCallTargets(mine)
	register(a, op{ID: "supervise-call", Method: "POST", Path: "/calls/{id}/supervise", Tag: tagPhone, Summary: "Listen to a call, whisper to its agents, or join it", Access: supervise,
		Detail: "Changes between the modes while the call lasts; off ends it. Each is audited."},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Mode string `json:"mode" enum:"listen,whisper,barge,off"`
			}
		}) (*Out[phone.Call], error) {
			return out(a.Phone.Supervise(ctx, by(ctx), in.ID, in.Body.Mode))
		})
}

// registerCallVerbs adds what needs no more than the call.
func (a *API) registerCallVerbs(mine Access) {
	p := a.Phone
	with := func(f func(context.Context, care.Scope, int64, bool) (phone.Call, error), on bool) func(context.Context, care.Scope, int64) (phone.Call, error) {
		return func(ctx context.Context, s care.Scope, id int64) (phone.Call, error) { return f(ctx, s, id, on) }
	}
	for _, v := range []struct {
		id, verb, summary string
		do                func(context.Context, care.Scope, int64) (phone.Call, error)
	}{
		{"answer-call", "answer", "Take an offered caller, or come into a call", p.Answer},
		{"decline-call", "decline", "Don't take an offered caller, or an invitation", p.DeclineCall},
		{"hang-up-call", "hangup", "End a call", p.Hangup},
		{"hold-call", "hold", "Put the customer on hold", with(p.Hold, true)},
		{"resume-call", "resume", "Bring the customer back", with(p.Hold, false)},
		{"mute-call", "mute", "Be heard by nobody", with(p.Mute, true)},
		{"unmute-call", "unmute", "Be heard again", with(p.Mute, false)},
		{"leave-call", "leave", "Leave a conversation that goes on", p.Leave},
		{"complete-consult", "consult/complete", "Hand the customer over to the one who was asked aside", p.CompleteConsult},
	} {
		register(a, op{ID: v.id, Method: "POST", Path: "/calls/{id}/" + v.verb, Tag: tagPhone, Summary: v.summary, Access: mine, OwnIdempotency: true},
			func(ctx context.Context, in *ByID) (*Out[phone.Call], error) {
				return out(v.do(ctx, scope(ctx), in.ID))
			})
	}
	for _, v := range []struct {
		id, verb, summary string
		do                func(context.Context, care.Scope, int64) (phone.CurrentCall, error)
	}{
		{"cancel-consult", "consult/cancel", "Let the one go who was asked aside, and bring the customer back", p.CancelConsult},
		{"swap-consult", "consult/swap", "Change between the customer and the one who was asked aside", p.Swap},
		{"join-consult", "consult/join", "Bring all into one conversation", p.Join},
	} {
		register(a, op{ID: v.id, Method: "POST", Path: "/calls/{id}/" + v.verb, Tag: tagPhone, Summary: v.summary, Access: mine, OwnIdempotency: true},
			func(ctx context.Context, in *ByID) (*Out[phone.CurrentCall], error) {
				return out(v.do(ctx, scope(ctx), in.ID))
			})
	}
	register(a, op{ID: "send-call-keys", Method: "POST", Path: "/calls/{id}/keys", Tag: tagPhone, Summary: "Send keys (DTMF)", Access: mine, OwnIdempotency: true},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Keys  string `json:"keys" minLength:"1" maxLength:"32"`
				Party int64  `json:"party_id,omitempty" minimum:"0" doc:"An outside number in the call; 0: the customer"`
			}
		}) (*Out[phone.Call], error) {
			return out(p.Keys(ctx, scope(ctx), in.ID, in.Body.Party, in.Body.Keys))
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
			return out(p.WrapUp(ctx, scope(ctx), in.ID, phone.Disposition(in.Body.Disposition), in.Body.Note))
		})
}

// registerCallTargets adds what brings others into a call.
func (a *API) registerCallTargets(mine Access) {
	register(a, op{ID: "transfer-call", Method: "POST", Path: "/calls/{id}/transfer", Tag: tagPhone, Summary: "Hand the customer over without a word", Access: mine, OwnIdempotency: true,
		Detail: "He hears music until he is taken. When nobody takes him he comes back to the caller, if he is free, and else waits for whoever is."},
		func(ctx context.Context, in *struct {
			ByID
			Body CallTarget
		}) (*Out[phone.Call], error) {
			return out(a.Phone.Transfer(ctx, scope(ctx), in.ID, in.Body.target()))
		})
	for _, v := range []struct {
		id, path, summary string
		do                func(context.Context, care.Scope, int64, phone.Target) (phone.CurrentCall, error)
	}{
		{"consult", "consult", "Ask somebody aside while the customer hears music", a.Phone.Consult},
		{"invite-to-call", "parties", "Ask somebody into the conversation", a.Phone.Invite},
	} {
		register(a, op{ID: v.id, Method: "POST", Path: "/calls/{id}/" + v.path, Tag: tagPhone, Summary: v.summary, Access: mine, OwnIdempotency: true},
			func(ctx context.Context, in *struct {
				ByID
				Body CallTarget
			}) (*Out[phone.CurrentCall], error) {
				return out(v.do(ctx, scope(ctx), in.ID, in.Body.target()))
			})
	}
	register(a, op{ID: "remove-from-call", Method: "DELETE", Path: "/calls/{id}/parties/{party}", Tag: tagPhone, Summary: "Take somebody out of the conversation, or an invitation back", Access: mine},
		func(ctx context.Context, in *struct {
			ByID
			Party int64 `path:"party" minimum:"1"`
		}) (*Out[phone.CurrentCall], error) {
			return out(a.Phone.Remove(ctx, scope(ctx), in.ID, in.Party))
		})
}
