package app

import (
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/db"
	"opeka/internal/digital"
	"opeka/internal/inbox"
	"opeka/internal/notify"
	"opeka/internal/phone"
	"opeka/internal/post"
	"opeka/internal/work"
)

// wire says who listens to which event, and who does which job: the only place where rooms of one floor meet.
func (a *App) wire() {
	a.Accounts.Jobs(a.Jobs)
	a.DB.Route(care.EventAgentPresence, inbox.JobPresence)
	a.DB.Route(care.EventConnectionUpdated, commerce.JobChanged)
	a.DB.Route(care.EventConnectionCreated, post.JobChanged)
	a.DB.Route(care.EventConnectionUpdated, post.JobChanged)
	a.DB.Route(care.EventConnectionDeleted, post.JobChanged)
	a.DB.Route(care.EventDeliveryChanged, inbox.JobDelivery)
	a.wirePhone()
	for _, e := range []string{care.EventInquiryAsked, care.EventInquiryAnswered, care.EventInquiryOverdue, care.EventInquiryCancelled} {
		a.DB.Route(e, inbox.JobInquiry)
	}
	a.DB.Route(care.EventDeliveryChanged, notify.JobDelivery)
	a.DB.Route(care.EventExceptionRaised, work.JobException)
	a.DB.Route(care.EventExceptionClosed, work.JobException)
	for _, e := range notify.Events {
		a.DB.RouteWhen(e, notify.JobEvent, notify.Wanted)
	}
	a.DB.RouteWhen(care.EventStockChanged, notify.JobStock, notify.Short)
	for _, e := range digital.Events {
		a.DB.RouteWhen(e, digital.JobOrder, a.Digital.Wanted)
	}
	a.Webhooks.Wire(a.DB)

	a.Find.AddSource(a.Customers.Source())
	for _, s := range a.Commerce.Sources() {
		a.Find.AddSource(s)
	}
	a.Find.AddSource(a.Inbox.Source())

	a.Find.Jobs(a.Jobs)
	a.Commerce.Jobs(a.Jobs)
	a.Sync.Jobs(a.Jobs)
	a.Post.Jobs(a.Jobs)
	a.Inbox.Jobs(a.Jobs)
	a.Phone.Jobs(a.Jobs)
	a.Work.Jobs(a.Jobs)
	a.Notify.Jobs(a.Jobs)
	a.Digital.Jobs(a.Jobs)
	a.Know.Jobs(a.Jobs)
	a.Webhooks.Jobs(a.Jobs)
}

// wirePhone says what makes the telephone ring.
func (a *App) wirePhone() {
	a.DB.Route(care.EventAgentPresence, phone.JobPresence)
	for _, e := range phone.Hears {
		a.DB.Route(e, phone.JobHeard)
	}
	a.DB.RouteWhen(care.EventStockChanged, phone.JobStock, func(e db.Event) bool {
		s, ok := e.Payload.(care.StockEvent)
		return ok && a.Phone.Awaited(s.Variant)
	})
	for _, e := range []string{care.EventCallbackExpired, care.EventCallbackWritten, care.EventStockTold} {
		a.DB.Route(e, phone.JobTell)
	}
	for _, e := range []string{care.EventCallEnded, care.EventCallAbandoned, care.EventCallMissed, care.EventCallDropped, care.EventCallVoicemail} {
		a.DB.Route(e, phone.JobNote)
	}
	for _, e := range []string{care.EventConnectionCreated, care.EventConnectionUpdated, care.EventConnectionDeleted} {
		a.DB.Route(e, phone.JobTrunks)
	}
}
