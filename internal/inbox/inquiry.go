package inbox

import (
	"context"
	"errors"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// JobInquiry listens to inquiry.*: what a department was asked about a conversation's matter, and what it said, stands in the thread.
const JobInquiry = "inbox.inquiry"

// inquired notes it. An answer, or a department's silence, makes the conversation open again: somebody has to go on with it.
func (i *Inbox) inquired(ctx context.Context, tx *db.Tx, j job.Job) error {
	var p care.InquiryEvent
	if err := j.Decode(&p); err != nil {
		return err
	}
	if p.Conversation == 0 {
		return nil
	}
	was, err := load(ctx, tx, true, byID, p.Conversation)
	if errors.Is(err, care.NotFound("")) {
		return nil
	}
	if err != nil {
		return err
	}
	e := &edit{Tx: tx, ctx: ctx, inbox: i, was: was, now: was}
	switch j.Event.Type {
	case care.EventInquiryAsked:
		e.note(SystemAsked, "department", p.Department, "text", p.Question)
	case care.EventInquiryAnswered:
		verdict := p.Verdict
		if p.Quantity > 0 {
			verdict += "_counted"
		}
		e.note(SystemAnswered, "department", p.Department, "reason", verdict, "quantity", p.Quantity, "day", p.ExpectedOn, "text", p.Answer)
	case care.EventInquiryOverdue:
		e.note(SystemSilent, "department", p.Department, "text", p.Question)
		if p.Level > 1 { // told before, and nobody moved
			e.now.Priority = max(e.now.Priority, 2)
		}
	default:
		e.note(SystemUnasked, "department", p.Department)
	}
	if e.now.Status != Open && e.now.Latest && j.Event.Type != care.EventInquiryAsked && j.Event.Type != care.EventInquiryCancelled {
		e.reopen("inquiry")
	}
	e.save()
	return nil
}
