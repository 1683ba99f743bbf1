package phone

import "opeka/internal/sound"

// seat is one party of a call as its stage is to have him.
type seat struct {
	who   int64 // an agent's id; of an outside number the party's, negative; theCustomer
	role  sound.Role
	muted bool
	music bool // hears it instead of the others, and isn't heard
}

const theCustomer = 0

// seats says of a call as it is written down who hears whom. Nothing else does: what was done to a call is written first and then seated, so that a lost hint, a
// browser that comes back or a second look change nothing. An outside number counts as a customer: it must hear no more of what is whispered than he does.
func seats(c *call, all []party) []seat {
	out := []seat{{who: theCustomer, role: sound.Customer, music: c.State == CallHeld}}
	if c.Agent != 0 && c.stands() {
		out = append(out, seat{who: c.Agent, role: sound.Agent, muted: c.Muted})
	}
	for _, t := range all {
		if t.State != partyTalking {
			continue
		}
		x := seat{who: t.Agent, muted: t.Muted, music: t.Held}
		switch {
		case t.Agent == 0:
			x.who, x.role = -t.ID, sound.Customer
		case t.Role == roleConsult:
			x.role = sound.Consult
		case t.supervises():
			x.role = modes[t.Role]
		default:
			x.role = sound.Agent
		}
		out = append(out, x)
	}
	return out
}
