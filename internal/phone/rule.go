package phone

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Trigger is what makes the system owe a call.
type Trigger string

// The triggers.
const (
	TriggerAsked     Trigger = "asked"     // by the customer: in the widget, a form, the API, or by a key while he waited
	TriggerAbandoned Trigger = "abandoned" // he hung up while he waited
	TriggerMissed    Trigger = "missed"    // nobody could answer him
	TriggerDropped   Trigger = "dropped"   // his call broke off
	TriggerVoicemail Trigger = "voicemail"
	TriggerStock     Trigger = "stock"   // what he waits for is there
	TriggerInquiry   Trigger = "inquiry" // his question is answered
	TriggerPayment   Trigger = "payment" // failed or missing
	TriggerConfirm   Trigger = "confirm" // the order needs confirming
	TriggerParcel    Trigger = "parcel"  // stuck, or its delivery failed
	TriggerPromise   Trigger = "promise" // an agent's own
)

// Triggers lists them.
var Triggers = []Trigger{TriggerAsked, TriggerPromise, TriggerStock, TriggerInquiry, TriggerDropped, TriggerAbandoned, TriggerMissed, TriggerVoicemail, TriggerPayment, TriggerConfirm, TriggerParcel}

// requested tells whether the customer himself began it: then a wish not to be called that is older doesn't stand against it.
func (t Trigger) requested() bool {
	switch t {
	case TriggerPayment, TriggerConfirm, TriggerParcel:
		return false
	}
	return true
}

// Modes of dialling. Nobody is dialled before an agent is reserved for him.
const (
	CustomerFirst = "customer_first" // an agent is reserved, then the customer is rung
	AgentFirst    = "agent_first"    // an agent sees the case and accepts, then the customer is rung
)

// Rule says what a trigger leads to. Its values are copied onto each callback that it makes.
type Rule struct {
	Trigger     Trigger `json:"trigger" enum:"asked,promise,stock,inquiry,dropped,abandoned,missed,voicemail,payment,confirm,parcel"`
	Active      bool    `json:"active"`
	Priority    int64   `json:"priority" minimum:"0" maximum:"100" doc:"Higher comes first"`
	Delay       int64   `json:"delay_s" minimum:"0" maximum:"604800" doc:"How long after what happened"`
	Window      int64   `json:"window_s" minimum:"600" maximum:"2592000" doc:"Then it expires, and the customer is told in writing"`
	MaxAttempts int64   `json:"max_attempts" minimum:"1" maximum:"10"`
	Mode        string  `json:"mode" enum:"customer_first,agent_first"`
}

// defaultRules are what a store begins with.
var defaultRules = []Rule{
	{TriggerAsked, true, 60, 0, 24 * hour, 3, CustomerFirst},
	{TriggerPromise, true, 80, 0, 8 * hour, 3, CustomerFirst},
	{TriggerStock, true, 50, 0, 48 * hour, 3, CustomerFirst},
	{TriggerInquiry, true, 70, 0, 24 * hour, 3, CustomerFirst},
	{TriggerDropped, true, 90, 0, 4 * hour, 3, CustomerFirst},
	{TriggerAbandoned, true, 50, 60, 12 * hour, 2, CustomerFirst},
	{TriggerMissed, true, 50, 60, 24 * hour, 3, CustomerFirst},
	{TriggerVoicemail, false, 40, 300, 24 * hour, 3, AgentFirst},
	{TriggerPayment, false, 40, 900, 24 * hour, 2, AgentFirst},
	{TriggerConfirm, false, 45, 60, 24 * hour, 3, CustomerFirst},
	{TriggerParcel, false, 40, 0, 48 * hour, 2, AgentFirst},
}

const hour = 3600

// Policy is how a store rings people, whatever the reason.
type Policy struct {
	From         string   `json:"from" maxLength:"5" doc:"HH:MM by the customer's own clock: not earlier"`
	To           string   `json:"to" maxLength:"5" doc:"HH:MM by the customer's own clock: not later"`
	Days         []string `json:"days" maxItems:"7" doc:"mon..sun; empty: every day"`
	OpeningHours bool     `json:"opening_hours" doc:"Only while the store is open"`
	PerDay       int64    `json:"per_day" minimum:"1" maximum:"20" doc:"Calls to one number in 24 hours"`
	Ring         int64    `json:"ring_s" minimum:"15" maximum:"120"`
	Offer        int64    `json:"offer_s" minimum:"5" maximum:"300" doc:"How long an agent may look at a case before he accepts it"`
	WrapUp       int64    `json:"wrap_up_s" minimum:"0" maximum:"3600"`
	WrapUpOthers int64    `json:"wrap_up_others_s" required:"false" minimum:"0" maximum:"3600" doc:"After-call work of agents who took part in a call and aren't the one who says what came of it: who handed it over, a colleague in a conference. 0: none"`
	NoAnswer     int64    `json:"no_answer_s" minimum:"60" maximum:"604800" doc:"Pause before the next attempt"`
	Busy         int64    `json:"busy_s" minimum:"60" maximum:"604800"`
	Rejected     int64    `json:"rejected_s" minimum:"60" maximum:"604800"`
	LateAfter    int64    `json:"late_after_s" minimum:"60" maximum:"86400" doc:"Later than this after its time a callback is late"`
	OwnerFirst   int64    `json:"owner_first_s" minimum:"0" maximum:"86400" doc:"How long a promise waits for the agent who made it"`
	HoldPieces   int64    `json:"hold_pieces_s" minimum:"0" maximum:"604800" doc:"How long pieces count as promised after the customer was told of them"`
	CallerID     string   `json:"caller_id" maxLength:"20" doc:"E.164; empty: the trunk's own"`
	Countries    []string `json:"countries" required:"false" maxItems:"100" doc:"ISO 3166 codes of the countries in which shoppers may ask to be rung by themselves; empty: any. Numbers at premium rates never"`
	Target       int64    `json:"target_s" minimum:"1" maximum:"3600" doc:"Of the service level: answered within"`
	Dialling     Dialling `json:"dialling,omitzero" doc:"Which numbers may be rung"`
	Trunks       []int64  `json:"trunks" required:"false" maxItems:"100" doc:"Connections in the order in which they are tried; any others after them"`
}

// DefaultPolicy is what a store begins with.
var DefaultPolicy = Policy{From: "08:00", To: "21:00", Days: []string{}, Countries: []string{}, Trunks: []int64{}, PerDay: 3, Ring: 25, Offer: 20, WrapUp: 60, NoAnswer: hour, Busy: 600, Rejected: 4 * hour,
	LateAfter: 600, OwnerFirst: 900, HoldPieces: hour, Target: 20}

// ownerFirst is how long a promise waits for the agent who made it: never so long that it becomes late by it.
func (p Policy) ownerFirst() time.Duration { return seconds(min(p.OwnerFirst, p.LateAfter/2)) }

// Settings are a store's policy and the rules of all triggers.
type Settings struct {
	Policy Policy `json:"policy"`
	Rules  []Rule `json:"rules" maxItems:"11"`
}

func (s Settings) rule(t Trigger) Rule {
	for _, r := range s.Rules {
		if r.Trigger == t {
			return r
		}
	}
	return Rule{Trigger: t}
}

// settings reads a store's; what it has never set is as the defaults say.
func settings(ctx context.Context, q db.Querier, store int64) (Settings, error) {
	s := Settings{Policy: DefaultPolicy, Rules: slices.Clone(defaultRules)}
	var policy, rules []byte
	err := q.QueryRow(ctx, `SELECT policy, rules FROM phone_policies WHERE store_id = $1`, store).Scan(&policy, &rules)
	if errors.Is(err, db.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(policy, &s.Policy); err != nil {
		return s, err
	}
	var own []Rule
	if err := json.Unmarshal(rules, &own); err != nil {
		return s, err
	}
	for _, r := range own {
		if i := slices.IndexFunc(s.Rules, func(x Rule) bool { return x.Trigger == r.Trigger }); i >= 0 {
			s.Rules[i] = r
		}
	}
	return s, nil
}

// Settings returns a store's policy and rules.
func (p *Phone) Settings(ctx context.Context, s care.Scope, store int64) (Settings, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return Settings{}, err
	}
	return settings(ctx, p.db.Read(), store)
}

func (s Settings) check() error {
	for field, v := range map[string]string{"policy.from": s.Policy.From, "policy.to": s.Policy.To} {
		if _, ok := clockMinutes(v); !ok {
			return care.Invalid(field, "calendar.time_invalid")
		}
	}
	from, _ := clockMinutes(s.Policy.From)
	to, _ := clockMinutes(s.Policy.To)
	if from >= to {
		return care.Invalid("policy.to", "phone.hours_empty")
	}
	for _, d := range s.Policy.Days {
		if !slices.Contains(days, d) {
			return care.Invalid("policy.days", "calendar.day_unknown")
		}
	}
	for _, c := range s.Policy.Countries {
		if len(c) != 2 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return care.Invalid("policy.countries", "value_invalid")
		}
	}
	if c := s.Policy.CallerID; c != "" && (c[0] != '+' || !digits(c[1:])) {
		return care.Invalid("policy.caller_id", "phone_invalid")
	}
	if err := s.Policy.Dialling.check(); err != nil {
		return err
	}
	for _, r := range s.Rules {
		if !slices.Contains(Triggers, r.Trigger) {
			return care.Invalid("rules", "value_invalid")
		}
	}
	return nil
}

func (d Dialling) check() error {
	for _, p := range slices.Concat(d.Allowed, d.Denied) {
		if len(p) < 2 || len(p) > 16 || p[0] != '+' || strings.Trim(p[1:], "0123456789") != "" {
			return care.Invalid("policy.dialling", "phone_invalid")
		}
	}
	return nil
}

var days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// clockMinutes reads HH:MM, up to 24:00, as minutes of the day.
func clockMinutes(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(s) >= 5 && len(s) <= 15
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
