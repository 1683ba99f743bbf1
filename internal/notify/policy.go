package notify

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"opeka/internal/cal"
	"opeka/internal/care"
)

// Policy says what the customers of a store are told, when, on which channel and on what condition. It is data: kept in versions, copied
// onto the work that it governs, and looked at beforehand by running it (preview.go).
type Policy struct {
	Notices   []Notice   `json:"notices" maxItems:"100"`
	Detectors []Detector `json:"detectors" maxItems:"20"`
	Quiet     Quiet      `json:"quiet"`
	Caps      []Cap      `json:"caps" maxItems:"10" doc:"How much a customer gets at most"`
	Language  string     `json:"language" enum:"customer,en,uk,ru,pl" doc:"customer: his own, else the order's, else the store's"`
	MaxAgeS   int64      `json:"max_age_s" minimum:"3600" maximum:"2592000" doc:"What happened longer ago is never told"`
	// ReservationS is how long the news of an order waits for the shop to tell its stock.
	ReservationS int64 `json:"reservation_s" minimum:"0" maximum:"86400" doc:"How long a new order waits for the shop's stock to say that the goods are there"`
	StorageDays  int64 `json:"storage_days" minimum:"1" maximum:"60" doc:"How long a pickup point keeps a parcel"`
}

// Notice is one thing that a customer may be told.
type Notice struct {
	Key      string `json:"key" minLength:"1" maxLength:"40" pattern:"^[a-z0-9_.]+$" doc:"Its name within the policy"`
	Moment   string `json:"moment" maxLength:"40" doc:"The point of an order's life that it is about"`
	On       bool   `json:"on"`
	Template string `json:"template" maxLength:"40" doc:"Which words; the moment's own if empty"`
	When     string `json:"when" maxLength:"1000" doc:"A condition, such as order.total > 1000; empty: always"`
	Channels []Step `json:"channels" minItems:"1" maxItems:"8" doc:"In the order of preference"`
	// PreferOwn puts the customer's preferred channel first, if it is among the channels.
	PreferOwn bool  `json:"prefer_own" doc:"The customer's preferred channel first"`
	DelayS    int64 `json:"delay_s" minimum:"0" maximum:"2592000"`
	// Group is shared by notices of which a customer gets at most one.
	Group string `json:"group" maxLength:"40" doc:"Of notices with the same group a customer gets one"`
	Once  string `json:"once" enum:"part,order,customer" doc:"How often: once for each parcel, refund or return (or the order, where there is none), once for the order, or once for the customer"`
}

// Step is a channel to try.
type Step struct {
	Channel string `json:"channel" enum:"email,sms,telegram,viber,whatsapp,messenger"`
	// WaitS is how long to wait for the delivery before the next channel is tried; 0: only a failure moves on.
	WaitS int64 `json:"wait_s" minimum:"0" maximum:"604800" doc:"When it isn't delivered within this time, the next channel; 0: only when it fails"`
}

// Quiet are the hours in which nothing that rings is sent, in the store's zone. Customers' own quiet hours hold for the same channels.
type Quiet struct {
	From     string   `json:"from" maxLength:"5"`
	To       string   `json:"to" maxLength:"5"`
	Channels []string `json:"channels" maxItems:"8" doc:"Those that ring; letters don't"`
}

// Cap is the most that a customer gets on some channels within a time.
type Cap struct {
	Channels []string `json:"channels" maxItems:"8"`
	Max      int      `json:"max" minimum:"1" maximum:"1000"`
	WithinS  int64    `json:"within_s" minimum:"60" maximum:"2592000"`
}

// Detector watches for one kind of exception.
type Detector struct {
	Kind       care.ExceptionKind `json:"kind" maxLength:"40"`
	On         bool               `json:"on"`
	AfterS     int64              `json:"after_s" minimum:"0" maximum:"5184000" doc:"Patience before it is one"`
	Working    bool               `json:"working" doc:"Patience counts in opening hours"`
	Work       string             `json:"work" enum:"task,callback,none"`
	Department int64              `json:"department_id" minimum:"0" doc:"Whose work it is; 0: anybody's"`
	DeadlineS  int64              `json:"deadline_s" minimum:"0" maximum:"2592000" doc:"By when the work is to be done; 0: a day"`
}

var written = []string{care.ChannelEmail, care.ChannelSMS, care.ChannelTelegram, care.ChannelViber, care.ChannelWhatsApp, care.ChannelMessenger}

var keyForm = regexp.MustCompile(`^[a-z0-9_.]{1,40}$`)

const maxNotices = 100

// Compiled is a policy that has been checked and is ready to decide with. It is safe for concurrent use.
type Compiled struct {
	Policy
	Version int64
	zone    string
	notices []compiledNotice
	byEvent map[string][]int // notices by the events that may bring their moments
	quiet   *cal.Quiet       // nil: never
}

type compiledNotice struct {
	Notice
	moment *moment
	when   *condition
}

// Compile checks a policy for a store in zone; the error is a care.Error whose Fields name every mistake with its place.
func Compile(p Policy, version int64, zone *time.Location) (*Compiled, error) {
	if zone == nil {
		zone = time.UTC
	}
	c := &Compiled{Policy: p, Version: version, zone: zone.String(), byEvent: map[string][]int{}}
	var wrong []care.Error
	refuse := func(e *care.Error) { wrong = append(wrong, *e) }
	if len(p.Notices) > maxNotices {
		refuse(care.Invalid("notices", "notices_too_many", "max", maxNotices))
		return nil, several(wrong)
	}
	keys := map[string]bool{}
	for i, n := range p.Notices {
		at := func(field string) string { return fmt.Sprintf("notices[%d].%s", i, field) }
		m := momentOf(n.Moment)
		if m == nil {
			refuse(care.Invalid(at("moment"), "notice_moment_unknown", "moment", n.Moment))
			continue
		}
		if !keyForm.MatchString(n.Key) || keys[n.Key] {
			refuse(care.Invalid(at("key"), "notice_key_taken", "key", n.Key))
		}
		keys[n.Key] = true
		if len(n.Channels) == 0 {
			refuse(care.Invalid(at("channels"), "required"))
		}
		for j, s := range n.Channels {
			if !slices.Contains(written, s.Channel) {
				refuse(care.Invalid(at(fmt.Sprintf("channels[%d]", j)), "notice_channel_unknown", "channel", s.Channel))
			}
		}
		if n.Template != "" && momentOf(n.Template) == nil {
			refuse(care.Invalid(at("template"), "template_unknown", "template", n.Template))
		}
		when, err := compileCondition(n.When)
		if err != nil {
			err.Field = at("when")
			refuse(err)
		}
		c.notices = append(c.notices, compiledNotice{Notice: n, moment: m, when: when})
		for _, e := range append(slices.Clone(m.brings), m.mayBring...) {
			c.byEvent[e] = append(c.byEvent[e], len(c.notices)-1)
		}
	}
	seen := map[care.ExceptionKind]bool{}
	for i, d := range p.Detectors {
		if _, known := causes[d.Kind]; !known || seen[d.Kind] {
			refuse(care.Invalid(fmt.Sprintf("detectors[%d].kind", i), "exception_unknown", "kind", string(d.Kind)))
		}
		seen[d.Kind] = true
	}
	if p.Quiet.From != "" || p.Quiet.To != "" {
		q, err := cal.NewQuiet(cal.QuietSettings{Zone: zone.String(), From: p.Quiet.From, To: p.Quiet.To})
		if err != nil {
			refuse(care.Invalid("quiet", "quiet_invalid"))
		}
		c.quiet = q
	}
	for i, k := range p.Caps {
		if k.Max < 1 || k.WithinS < 60 {
			refuse(care.Invalid(fmt.Sprintf("caps[%d]", i), "value_invalid"))
		}
	}
	if len(wrong) > 0 {
		return nil, several(wrong)
	}
	return c, nil
}

// several makes one error of all mistakes.
func several(wrong []care.Error) error {
	first := wrong[0]
	first.Fields = wrong
	return &first
}

// notice finds a compiled notice by its key.
func (c *Compiled) notice(key string) *compiledNotice {
	for i := range c.notices {
		if c.notices[i].Key == key {
			return &c.notices[i]
		}
	}
	return nil
}

// rings tells whether a channel keeps to the quiet hours.
func (c *Compiled) rings(channel string) bool { return slices.Contains(c.Quiet.Channels, channel) }
