package post

import (
	"context"
	"errors"
	"time"

	"opeka/internal/care"
)

// templatesKept is how long a service's list is believed: what it withdraws meanwhile, it refuses by itself.
const templatesKept = 5 * time.Minute

// Templates lists the messages that the service of a connection of the store has approved; none where it approves nothing.
func (p *Post) Templates(ctx context.Context, store, connection int64) ([]care.ApprovedTemplate, error) {
	l, err := p.open(ctx, connection)
	if err != nil {
		return nil, err
	}
	if l.Store != store {
		return nil, care.NotFound("connection")
	}
	lister, ok := l.channel.(care.TemplateLister)
	if !ok {
		return nil, nil
	}
	now := p.db.Now()
	l.mu.Lock()
	kept, until := l.templates, l.templatesUntil
	l.mu.Unlock()
	if now.Before(until) {
		return kept, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	list, err := lister.Templates(ctx)
	if err != nil {
		var known *care.Error
		if errors.As(err, &known) {
			return nil, err
		}
		return nil, &care.Error{Code: "channel.templates", Kind: care.KindUnavailable, Cause: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.templates, l.templatesUntil = list, now.Add(templatesKept)
	return list, nil
}
