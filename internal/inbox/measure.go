package inbox

import (
	"opeka/internal/care"
	"opeka/internal/db"
)

// What later figures are counted from: each closing, and whether its customer came back. Kept raw; how many days count is the figure's matter.

// closed writes a closing down.
func (e *edit) closed() {
	var agent int64
	if e.Actor.Kind == care.ActorAgent {
		agent = e.Actor.ID
	}
	e.Defer(`INSERT INTO resolutions (id, store_id, conversation_id, customer_id, channel, topic_id, agent_id, resolved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID(), e.now.Store, e.now.ID, e.now.Person, e.now.Channel, e.now.Topic, agent, db.At(e.Now))
}

// unclosed: an agent has opened the conversation again, so its last closing was none.
func (e *edit) unclosed() {
	e.Defer(`UPDATE resolutions SET undone_at = $1 WHERE id = (SELECT max(id) FROM resolutions WHERE conversation_id = $2) AND returned_at = 0 AND undone_at = 0`, db.At(e.Now), e.now.ID)
}

// returned: a customer has written again, in a closed conversation or in a new one; every closing of his that was still good isn't any more.
func (e *edit) returned() {
	e.Defer(`UPDATE resolutions SET returned_at = $1, returned_id = $2 WHERE customer_id = $3 AND store_id = $4 AND returned_at = 0 AND undone_at = 0`, db.At(e.Now), e.now.ID, e.now.Person, e.now.Store)
}
