package phone

import "time"

// claim is somebody who waits for a variant; in the order of asking.
type claim struct {
	ID       int64
	Quantity int64
	State    string
	Held     time.Time // told: his pieces are kept until then
}

// States of a subscription.
const (
	SubWaiting   = "waiting"
	SubAllotted  = "allotted" // pieces are meant for him; he is being told
	SubTold      = "told"
	SubClosed    = "closed"
	SubCancelled = "cancelled"
)

// allot says who is told of goods: no more of them than there are pieces, in the order of asking. Those whom pieces are meant for already
// keep theirs before anybody new comes. Who wants more than what is left is passed over, so that he doesn't keep the rest from those behind him.
// short are allotted ones whose pieces are no longer there: they are to wait again, the last who asked first.
func allot(available int64, claims []claim, now time.Time) (chosen, short []int64) {
	left := available
	for _, c := range claims {
		if c.State == SubTold && now.Before(c.Held) {
			left -= c.Quantity
		}
	}
	for _, c := range claims {
		if c.State != SubAllotted {
			continue
		}
		if c.Quantity > left {
			short = append(short, c.ID)
			continue
		}
		left -= c.Quantity
	}
	for _, c := range claims {
		if c.State == SubWaiting && c.Quantity <= left {
			chosen = append(chosen, c.ID)
			left -= c.Quantity
		}
	}
	return chosen, short
}
