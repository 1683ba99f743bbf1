package phone

import (
	"context"
	"time"

	"opeka/internal/db"
	"opeka/internal/sound/browser"
)

const (
	// comeBack is how long a browser may be away, while its page is loaded anew, before its agent counts as not there.
	comeBack = 10 * time.Second
	// browserGone is why an agent was taken off the telephone whose browser went away.
	browserGone = "browser_gone"
)

// attend takes an agent off the telephone when his browser goes away and stays away: a customer who is rung must find somebody there.
func (p *Phone) attend(agent int64, s *browser.Session) {
	s.OnState(func(state browser.State) {
		if state != browser.Lost && state != browser.Closed || p.ctx.Err() != nil {
			return
		}
		p.work.Go(func() {
			timer, stop := p.db.Clock.Timer(p.db.Now().Add(comeBack))
			defer stop()
			select {
			case <-timer:
			case <-p.ctx.Done():
				return
			}
			if now := s.State(); now == browser.Connected || now == browser.Connecting || !p.booth.has(agent, s) {
				return
			}
			err := p.db.Write(p.ctx, db.System, func(tx *db.Tx) error {
				tag, err := tx.Exec(p.ctx, `UPDATE phone_agents SET reachable = FALSE, reason = $1 WHERE agent_id = $2 AND reachable AND device = ''`, browserGone, agent)
				if err != nil || tag.RowsAffected() == 0 {
					return err
				}
				p.hintAgent(tx, agent, map[string]any{"t": "phone", "event": "off", "reason": browserGone})
				p.agentChanged(p.ctx, tx, agent, "")
				return p.atDesk(p.ctx, tx, agent)
			})
			if err != nil && p.ctx.Err() == nil {
				p.log.Error("an agent whose browser is gone is still at the telephone", "agent", agent, "err", err)
			}
		})
	})
}

// back puts an agent back to the telephone whose browser was away too long.
func (p *Phone) back(ctx context.Context, agent int64) error {
	return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE phone_agents SET reachable = TRUE, reason = '' WHERE agent_id = $1 AND reason = $2 AND NOT reachable`, agent, browserGone)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if err := p.atDesk(ctx, tx, agent); err != nil {
			return err
		}
		p.agentChanged(ctx, tx, agent, "")
		return p.serve(ctx, tx, agent)
	})
}
