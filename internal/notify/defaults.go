package notify

import "opeka/internal/care"

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// DefaultPolicy is what a store begins with: on placing an order a letter and nothing else, once the goods are put aside; what rings is
// kept for the moments when the customer has to do something or waits for it, and for when something is wrong.
func DefaultPolicy() Policy {
	letter := []Step{{Channel: care.ChannelEmail}}
	// Messengers reach who writes there already; SMS reaches everybody with a phone.
	ring := []Step{{Channel: care.ChannelTelegram}, {Channel: care.ChannelViber, WaitS: 30 * minute}, {Channel: care.ChannelWhatsApp, WaitS: 30 * minute}, {Channel: care.ChannelSMS}}
	// What he must hear goes by letter where nothing else leads to him.
	surely := append(append([]Step{}, ring...), Step{Channel: care.ChannelEmail})
	mail := func(moment string) Notice {
		return Notice{Key: moment + ".email", Moment: moment, On: true, Channels: letter, Once: "part"}
	}
	short := func(moment string, steps []Step) Notice {
		return Notice{Key: moment, Moment: moment, On: true, Channels: steps, PreferOwn: true, Once: "part"}
	}
	off := func(n Notice) Notice { n.On = false; return n }
	late := func(n Notice, seconds int64) Notice { n.DelayS = seconds; return n }
	early := func(n Notice, group string) Notice { n.Group = group; return n }
	p := Policy{
		Notices: []Notice{
			mail("accepted"),
			late(mail("payment_failed"), 20*minute),
			short("payment_received", surely),
			{Key: "goods_ready", Moment: "goods_ready", On: true, Channels: append(append([]Step{}, letter...), ring...), Once: "part"},
			mail("confirmed"),
			off(mail("packed")),
			mail("handed_over"), short("handed_over", ring),
			mail("out_for_delivery"), short("out_for_delivery", ring),
			// Who is told that his order came early isn't told in the same breath that it came.
			early(mail("arrived_early"), "arrived.email"), early(short("arrived_early", surely), "arrived"),
			early(mail("at_pickup_point"), "arrived.email"), early(short("at_pickup_point", surely), "arrived"),
			mail("delivered"),
			off(late(mail("review"), 4*day)),
			mail("cancelled"), mail("refunded"), mail("return_approved"), mail("return_received"),
			short("returning", surely),
		},
		Quiet:    Quiet{From: "21:00", To: "09:00", Channels: []string{care.ChannelSMS, care.ChannelTelegram, care.ChannelViber, care.ChannelWhatsApp, care.ChannelMessenger}},
		Caps:     []Cap{{Channels: []string{care.ChannelSMS, care.ChannelTelegram, care.ChannelViber, care.ChannelWhatsApp, care.ChannelMessenger}, Max: 6, WithinS: day}},
		Language: "customer", MaxAgeS: 2 * day, ReservationS: 30 * minute, StorageDays: 7,
	}
	for _, k := range Exceptions() {
		n := short(string(k), surely)
		switch k {
		case care.ExceptionPaymentMissing:
			n.Channels = letter
		case care.ExceptionNotConfirmed:
			n.Channels, n.On = letter, false // it is ours to hurry; the customer hears when a promise is at stake
		}
		p.Notices = append(p.Notices, n)
	}
	p.Detectors = []Detector{
		{Kind: care.ExceptionPaymentMissing, On: true, AfterS: 20 * hour, Work: care.WorkNone},
		{Kind: care.ExceptionReservationFailed, On: true, Work: care.WorkCallback, DeadlineS: 4 * hour},
		{Kind: care.ExceptionNotConfirmed, On: true, AfterS: 4 * hour, Working: true, Work: care.WorkTask, DeadlineS: 2 * hour},
		{Kind: care.ExceptionNotShipped, On: true, AfterS: 2 * day, Work: care.WorkTask, DeadlineS: day},
		{Kind: care.ExceptionParcelStuck, On: true, AfterS: 3 * day, Work: care.WorkTask, DeadlineS: day},
		{Kind: care.ExceptionAttemptFailed, On: true, Work: care.WorkCallback, DeadlineS: 8 * hour},
		{Kind: care.ExceptionParcelTrouble, On: true, Work: care.WorkCallback, DeadlineS: 8 * hour},
		{Kind: care.ExceptionStorageEnding, On: true, AfterS: 5 * day, Work: care.WorkNone},
		{Kind: care.ExceptionGoodsMissing, On: true, Work: care.WorkTask, DeadlineS: 2 * hour},
		{Kind: care.ExceptionRefundOverdue, On: true, AfterS: 3 * day, Work: care.WorkTask, DeadlineS: day},
	}
	return p
}
