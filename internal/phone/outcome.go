package phone

import (
	"time"

	"opeka/internal/care"
)

// Result is how an attempt to reach a customer, or a call of his, ended.
type Result string

// The results.
const (
	ResultAnswered      Result = "answered"
	ResultBusy          Result = "busy"
	ResultNoAnswer      Result = "no_answer"
	ResultRejected      Result = "rejected"
	ResultWrongNumber   Result = "wrong_number"
	ResultNetwork       Result = "network"        // the trunk or what is behind it
	ResultUnknown       Result = "unknown"        // the program died while it rang: he may have been rung
	ResultDropped       Result = "dropped"        // answered, and over before anything was said; or broke off
	ResultMachine       Result = "machine"        // the agent says that an answering machine answered
	ResultAgentDeclined Result = "agent_declined" // no attempt at all
	ResultAbandoned     Result = "abandoned"      // the caller hung up while he waited
	ResultMissed        Result = "missed"         // nobody could take it
	ResultVoicemail     Result = "voicemail"
	ResultClosed        Result = "closed"   // he was told when to ring again
	ResultQueued        Result = "callback" // he asked to be rung instead of waiting
	ResultOverflow      Result = "overflow" // sent on to an outside number
)

// dropAfter: shorter than this, an answered call wasn't one.
const dropAfter = 6 * time.Second

// consequence is what an attempt's end means for the callback.
type consequence struct {
	Counts bool // as one of the attempts that the rule allows
	Retry  time.Duration
}

// after tells what an attempt that didn't lead to a conversation means.
func after(r Result, p Policy) consequence {
	switch r {
	case ResultBusy:
		return consequence{true, seconds(p.Busy)}
	case ResultRejected:
		return consequence{true, seconds(p.Rejected)}
	case ResultNoAnswer, ResultMachine:
		return consequence{true, seconds(p.NoAnswer)}
	case ResultWrongNumber:
		return consequence{true, 0}
	case ResultUnknown:
		return consequence{true, 5 * time.Minute}
	case ResultDropped, ResultAbandoned: // an abandoned one had talked with somebody, and was handed over
		return consequence{true, 2 * time.Minute}
	case ResultNetwork: // the customer wasn't reached by it, so it isn't held against his callback
		return consequence{false, time.Minute}
	}
	return consequence{}
}

// resultOf reads the network's cause of an end before an answer.
func resultOf(c care.LineCause) Result {
	switch c {
	case care.CauseBusy:
		return ResultBusy
	case care.CauseNoAnswer, care.CauseOurs:
		return ResultNoAnswer
	case care.CauseRejected, care.CauseHangup:
		return ResultRejected
	case care.CauseWrongNumber:
		return ResultWrongNumber
	}
	return ResultNetwork
}

// Disposition is what the agent says came of a call.
type Disposition string

// The dispositions.
const (
	Settled     Disposition = "settled" // what it was about is done
	Ordered     Disposition = "ordered" // he buys, or confirms
	NotWanted   Disposition = "not_wanted"
	Later       Disposition = "later" // "not now, ring at 18:30"
	WrongPerson Disposition = "wrong_number"
	Machine     Disposition = "machine"
	NoCalls     Disposition = "do_not_call" // he doesn't want to be called any more
	PassedOn    Disposition = "passed_on"   // handed over to an outside number: the system says so
	Unsaid      Disposition = "unsaid"      // the agent never said: the system closed it
)

// Dispositions that an agent may give.
var Dispositions = []Disposition{Settled, Ordered, NotWanted, Later, WrongPerson, Machine, NoCalls}

// closing tells in which state a disposition leaves a callback; not closed: it is planned anew.
func (d Disposition) closing() (State, bool) {
	switch d {
	case Settled, Ordered, Unsaid, PassedOn:
		return Done, true
	case NotWanted, WrongPerson, NoCalls:
		return Declined, true
	}
	return Waiting, false
}
