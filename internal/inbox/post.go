package inbox

import (
	"context"
	"errors"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
	"opeka/internal/job"
	"opeka/internal/post"
	"opeka/internal/text"
)

// post hands a reply to the post room.
func (e *edit) post(m Message, a Answer) error {
	if e.inbox.post == nil {
		return nil
	}
	files, err := e.outgoing(m.Attachments)
	if err != nil {
		return err
	}
	r := post.Reply{Store: e.now.Store, Channel: e.now.Channel, Thread: e.now.Thread, Conversation: e.now.ID, Message: m.ID,
		Body: post.Body{ToName: e.now.PersonName, Subject: e.now.Subject, Text: m.Body, Language: e.now.Language, Files: files}}
	if a.approved != nil {
		r.Body.Template = &a.approved.filled
		e.remember(*a.approved)
	}
	r.RunAt = a.SendAt
	if r.RunAt.After(e.Now) {
		e.said[len(e.said)-1].Delivery.SendAt = db.At(r.RunAt)
	}
	if m.HTML != nil {
		r.Body.Text, r.Body.HTML = text.MarksToText(m.Body), enclose(*m.HTML, m.Attachments, r.Body.Files)
	}
	if e.now.Channel == care.ChannelEmail && m.Channel == "" {
		return e.write(m, a, r)
	}
	if m.Channel == "" && e.created { // nobody has written yet
		r.To = a.Address
		_, err = e.inbox.post.Write(e.ctx, e.Tx, r, e.now.Customer)
		return err
	}
	if m.Channel == "" {
		_, err = e.inbox.post.Reply(e.ctx, e.Tx, r)
		return err
	}
	known, err := addressesOf(e.ctx, e.Tx, e.now.Customer)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(known, func(k post.Address) bool {
		return k.Channel == m.Channel && (a.Address == "" || a.Address == k.Address)
	})
	if n < 0 {
		return care.Conflict("channel.no_address", "channel", m.Channel)
	}
	r.Channel, r.To = m.Channel, known[n].Address
	_, err = e.inbox.post.Write(e.ctx, e.Tx, r, e.now.Customer)
	return err
}

// enclose makes the pictures in an answer's HTML those that go along with it.
func enclose(html string, files []Attachment, out []post.File) string {
	for n, f := range files {
		src := `src="` + agentFiles + itoa64(f.ID) + `"`
		if strings.Contains(html, src) {
			out[n].ContentID = itoa64(f.ID) + "@opeka"
			html = strings.ReplaceAll(html, src, `src="cid:`+out[n].ContentID+`"`)
		}
	}
	return html
}

// outgoing names the files of a message for whoever sends them.
func (e *edit) outgoing(files []Attachment) ([]post.File, error) {
	if len(files) == 0 {
		return nil, nil
	}
	out := make([]post.File, 0, len(files))
	for _, f := range files {
		row, err := query.New(e.Tx).Attachment(e.ctx, f.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, post.File{Name: row.Name, ContentType: row.ContentType, Size: row.Size, BlobKey: row.BlobKey, Path: e.inbox.signed(f).URL})
	}
	return out, nil
}

// channelsOf tells by which channels an identity can be written to.
var channelsOf = map[care.IdentityKind][]string{
	care.IdentityTelegram:  {care.ChannelTelegram},
	care.IdentityViber:     {care.ChannelViber},
	care.IdentityWhatsApp:  {care.ChannelWhatsApp},
	care.IdentityMessenger: {care.ChannelMessenger},
	care.IdentityEmail:     {care.ChannelEmail},
	care.IdentityPhone:     {care.ChannelSMS, care.ChannelViberBusiness, care.ChannelWhatsApp},
}

// addressesOf lists where a customer can be written to; what is proven comes first.
func addressesOf(ctx context.Context, q db.Querier, customer int64) (out []post.Address, err error) {
	rows, err := q.Query(ctx, `SELECT i.kind, i.value FROM identities i JOIN customers k ON k.id = i.customer_id
WHERE k.id = $1 OR k.merged_into = $1 AND k.merged_into <> 0 OR k.id = (SELECT merged_into FROM customers WHERE id = $1 AND merged_into <> 0) ORDER BY i.trust DESC, i.id`, customer)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind care.IdentityKind
		var value string
		if err := rows.Scan(&kind, &value); err != nil {
			return nil, err
		}
		for _, channel := range channelsOf[kind] {
			a := post.Address{Channel: channel, Address: value}
			if channel == care.ChannelWhatsApp { // its addresses are phone numbers without the plus
				a.Address = strings.TrimPrefix(value, "+")
			}
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out, rows.Err()
}

// Ways tells how the customer of a conversation can be answered at this moment: first as he wrote, then by the other channels on which he can be reached.
func (i *Inbox) Ways(ctx context.Context, scope care.Scope, id int64) ([]post.Way, error) {
	c, err := visible(ctx, i.db.Read(), false, scope, id, care.PermInboxRead)
	if err != nil {
		return nil, err
	}
	if i.post == nil {
		return []post.Way{}, nil
	}
	known, err := addressesOf(ctx, i.db.Read(), c.Customer)
	if err != nil {
		return nil, err
	}
	if c.Channel != care.ChannelChat {
		known = append([]post.Address{{Channel: c.Channel, Thread: c.Thread}}, known...)
	}
	ways, err := i.post.Ways(ctx, c.Store, known)
	if err != nil {
		return nil, err
	}
	out := make([]post.Way, 0, len(ways))
	for _, w := range ways {
		if !slices.ContainsFunc(out, func(o post.Way) bool { return o.Channel == w.Channel && o.Address == w.Address }) {
			out = append(out, w)
		}
	}
	return out, nil
}

// delivered writes what has become of a reply beside it.
func (i *Inbox) delivered(ctx context.Context, tx *db.Tx, j job.Job) error {
	var d care.DeliveryEvent
	if err := j.Decode(&d); err != nil {
		return err
	}
	if d.Kind != "message" {
		return nil
	}
	// Jobs may overtake one another: how far the send has come by now is what counts.
	var state, code, detail string
	err := tx.QueryRow(ctx, `SELECT state, code, detail FROM post_sends WHERE id = $1`, j.Event.Subject).Scan(&state, &code, &detail)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if state == post.StateSending {
		state = DeliveryQueued
	}
	tag, err := tx.Exec(ctx, `UPDATE messages SET delivery = $1, delivery_reason = $2, delivery_detail = $3 WHERE id = $4 AND store_id = $5`, state, code, detail, d.Ref, j.Event.Store)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	store := j.Event.Store
	found, err := i.messages(ctx, tx, `m.id = $1`, d.Ref)
	if err != nil || len(found) == 0 {
		return err
	}
	tx.AfterCommit(func() {
		i.publish(agentsTopic(store), messageHint{"message", found[0].Conversation, found[0]})
	})
	return nil
}
