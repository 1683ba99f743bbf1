package sound

// Role says what a leg is in a bridge, and by that whom it hears and who hears it.
type Role uint8

// The roles.
const (
	Customer Role = iota // somebody outside
	Agent                // who talks with the customer
	Listen               // a supervisor who only hears
	Whisper              // a supervisor whom agents hear and customers don't
	Barge                // a supervisor whom everybody hears
	Consult              // a colleague who is asked aside: hears agents and not the customer, and isn't heard by the customer
	Prompt               // an announcement to everybody in the bridge
	roles
)

func (r Role) String() string {
	return [...]string{"customer", "agent", "listen", "whisper", "barge", "consult", "prompt"}[r]
}

// hears is who hears whom: a row per listener, a bit per speaker.
var hears = [roles]uint8{
	Customer: only(Customer, Agent, Barge, Prompt),
	Agent:    only(Customer, Agent, Whisper, Barge, Consult, Prompt),
	Listen:   only(Customer, Agent, Whisper, Barge, Consult, Prompt),
	Whisper:  only(Customer, Agent, Whisper, Barge, Consult, Prompt),
	Barge:    only(Customer, Agent, Whisper, Barge, Consult, Prompt),
	Consult:  only(Agent, Whisper, Barge, Consult),
	Prompt:   0,
}

// What a recording holds: customers on the left; on the right those whom customers hear.
var (
	recordedLeft  = only(Customer)
	recordedRight = only(Agent, Barge, Prompt)
)

func only(of ...Role) (out uint8) {
	for _, r := range of {
		out |= 1 << r
	}
	return out
}

// Hears tells whether a leg of this role hears legs of the other.
func (r Role) Hears(speaker Role) bool { return hears[r]&(1<<speaker) != 0 }
