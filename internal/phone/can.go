package phone

import (
	"opeka/internal/care"
)

// can tells what somebody may do with a call as it stands: the verbs that would not be refused for its state.
func can(c *call, all []party, s care.Scope) []string {
	out := []string{}
	may := func(ok bool, verbs ...string) {
		if ok {
			out = append(out, verbs...)
		}
	}
	var mine *party
	for i := range all {
		if all[i].Agent == s.Agent && s.Agent != 0 {
			mine = &all[i]
		}
	}
	aside, lead := consulted(all), c.Agent == s.Agent && s.Agent != 0
	switch {
	case lead && c.State == CallOffered:
		may(true, "answer", "decline")
	case lead && c.State == CallWrapUp:
		may(true, "wrap_up")
	case lead && c.stands():
		may(true, "hangup")
		may(c.Muted, "unmute")
		may(!c.Muted, "mute")
		may(aside == nil && c.State == CallTalking, "hold", "keys")
		may(aside == nil && c.State == CallHeld, "resume")
		may(aside == nil && !company(all), "transfer")
		may(aside == nil && len(all) < maxParties, "consult", "invite")
		may(aside != nil, "cancel")
		may(aside != nil && !others(all, aside), "complete")
		may(aside != nil && aside.State == partyTalking, "swap", "join")
		may(company(all), "remove")
		may(aside == nil && heirOf(all) != nil, "leave")
	case lead && c.State != CallEnded: // it is being rung
		may(true, "hangup")
	case mine != nil && mine.State != partyTalking:
		may(true, "answer", "decline")
	case mine != nil:
		may(true, "leave")
		may(mine.Muted, "unmute")
		may(!mine.Muted, "mute")
		may(mine.supervises(), "supervise")
	default:
		may(c.stands() && s.May(c.Store, care.PermSupervise), "supervise")
	}
	return out
}
