// Package cal answers questions about business time: is this shop open now, when
// does it open next, when is a deadline of four working hours due, and may this
// person be disturbed at this moment. It owns weekly hours, holidays, quiet hours
// and everything daylight saving does to them. It is pure: it reads no clock and
// no database, and it knows nothing of shops, agents or deadlines' owners.
package cal
