package post

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Classes of sends: what may be sent to whom differs.
const (
	ClassReply     = "reply"     // an answer to somebody who has written
	ClassNotice    = "notice"    // what the customer's own order makes necessary
	ClassMarketing = "marketing" // everything else
)

// States of a send beyond those of care.DeliveryState.
const (
	StateSending   = "sending"   // an attempt has begun and hasn't ended
	StateCancelled = "cancelled" // before it went out
	StateUnknown   = "unknown"   // handed over, and no answer came: it may have arrived, and isn't repeated
)

// Send is a message to one address.
type Send struct {
	Store int64
	// Connection by which it goes; 0: the one that speaks for the store on Channel.
	Connection int64
	Channel    string
	Class      string
	// Kind and Ref say what is sent: events about the send name them.
	Kind string
	Ref  int64
	// Key, if set, is sent once in a store, whoever asks how often.
	Key   string
	To    string // the address in the channel's own form
	RunAt time.Time
	// Expires is until when it may go out; zero: three days for replies, one for others.
	Expires time.Time
	Body    Body
}

// Body is what is sent.
type Body struct {
	ToName    string                `json:"to_name,omitempty"`
	ReplyTo   string                `json:"reply_to,omitempty"`
	Subject   string                `json:"subject,omitempty"`
	Text      string                `json:"text"`
	HTML      string                `json:"html,omitempty"`
	Quoted    string                `json:"quoted,omitempty"`
	Files     []File                `json:"files,omitempty"`
	Template  *care.ServiceTemplate `json:"template,omitempty"`
	Language  string                `json:"language,omitempty"`
	Automatic bool                  `json:"automatic,omitempty"`
	Headers   map[string][]string   `json:"headers,omitempty"`
}

// File is a kept file to send with a message.
type File struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	ContentID   string `json:"content_id,omitempty"`
	BlobKey     string `json:"blob_key"`
	// Path is where whoever has it can fetch the file, for services that do.
	Path string `json:"path,omitempty"`
}

const (
	expireReply = 3 * 24 * time.Hour
	expireOther = 24 * time.Hour
)

// Send writes down a message that is to go out, in the caller's transaction. It returns the send's id: the earlier one's, when the key was used
// before. It refuses with channel.none when the store has no connection for the channel.
func (p *Post) Send(ctx context.Context, tx *db.Tx, s Send) (id int64, err error) {
	if s.To == "" || s.Class == "" {
		return 0, errors.New("post: Send needs an address and a class")
	}
	if s.Connection == 0 {
		if s.Connection, err = p.Speaker(ctx, tx, s.Store, s.Channel); err != nil {
			return 0, err
		}
		if s.Connection == 0 {
			return 0, care.Conflict("channel.none", "channel", s.Channel)
		}
	}
	return p.write(ctx, tx, s, "")
}

func (p *Post) write(ctx context.Context, tx *db.Tx, s Send, thread string) (id int64, err error) {
	if s.RunAt.IsZero() || s.RunAt.Before(tx.Now) {
		s.RunAt = tx.Now
	}
	if s.Expires.IsZero() {
		s.Expires = s.RunAt.Add(expireOther)
		if s.Class == ClassReply {
			s.Expires = s.RunAt.Add(expireReply)
		}
	}
	body, err := json.Marshal(s.Body)
	if err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	id = tx.ID()
	args := []any{id, s.Store, s.Connection, s.Channel, s.Class, s.Kind, s.Ref, s.Key, s.To, thread, json.RawMessage(body), db.At(s.RunAt), db.At(s.Expires), db.At(tx.Now)}
	const insert = `INSERT INTO post_sends (id, store_id, connection_id, channel, class, kind, ref_id, key, address, thread, body, state, run_at, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', $12, $13, $14)`
	if s.Key == "" {
		tx.Defer(insert, args...)
	} else {
		tag, err := tx.Exec(ctx, insert+` ON CONFLICT (store_id, key) WHERE key <> '' DO NOTHING`, args...)
		if err != nil {
			return 0, err
		}
		if tag.RowsAffected() == 0 {
			err := tx.QueryRow(ctx, `SELECT id FROM post_sends WHERE store_id = $1 AND key = $2 AND key <> ''`, s.Store, s.Key).Scan(&id)
			return id, err
		}
	}
	tx.Enqueue(sending(s.Store, id, s.RunAt))
	return id, nil
}

type ofSend struct {
	Send int64 `json:"send_id"`
}

func sending(store, id int64, at time.Time) db.Job {
	return db.Job{Store: store, Kind: jobSend, Key: strconv.FormatInt(id, 10), Move: true, RunAt: at, Payload: ofSend{id}, MaxAttempts: forever}
}

// Cancel takes back a send that hasn't been handed over yet, and tells whether it could.
func (p *Post) Cancel(ctx context.Context, tx *db.Tx, id int64) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE post_sends SET state = 'cancelled', ended_at = $1 WHERE id = $2 AND state = 'queued'`, db.At(tx.Now), id)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	tx.CancelJob(jobSend, strconv.FormatInt(id, 10))
	s, err := loadSend(ctx, tx, id)
	if err != nil {
		return false, err
	}
	s.tell(tx)
	return true, nil
}

// Again sends once more what failed, or what nobody knows to have arrived: a person has decided so. What may still be reported of the first
// attempt is forgotten. Any other send is refused with message.not_failed.
func (p *Post) Again(ctx context.Context, tx *db.Tx, id int64) (again int64, err error) {
	s, err := loadSend(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	if s.State != string(care.DeliveryFailed) && s.State != StateUnknown {
		return 0, care.Conflict("message.not_failed")
	}
	var b Body
	if err := json.Unmarshal(s.body, &b); err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	connection := s.Connection
	var there bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM connections WHERE id = $1)`, connection).Scan(&there); err != nil {
		return 0, err
	}
	if !there {
		if connection, err = p.Speaker(ctx, tx, s.Store, s.Channel); err != nil {
			return 0, err
		}
		if connection == 0 {
			return 0, care.Conflict("channel.none", "channel", s.Channel)
		}
	}
	tx.Defer(`DELETE FROM post_receipts WHERE send_id = $1`, id)
	return p.write(ctx, tx, Send{Store: s.Store, Connection: connection, Channel: s.Channel, Class: s.Class, Kind: s.Kind, Ref: s.Ref, To: s.Address, Body: b}, s.thread)
}

// Speaker returns the connection that speaks for a store on a channel: the oldest that works, or 0.
func (p *Post) Speaker(ctx context.Context, q db.Querier, store int64, channel string) (connection int64, err error) {
	var plugs []string
	for name, plug := range p.plugs {
		if plug.Channel() == channel {
			plugs = append(plugs, name)
		}
	}
	if len(plugs) == 0 {
		return 0, nil
	}
	slices.Sort(plugs)
	err = q.QueryRow(ctx, `SELECT id FROM connections WHERE store_id = $1 AND plug = ANY($2::text[])
ORDER BY CASE state WHEN 'ok' THEN 0 WHEN 'degraded' THEN 1 WHEN 'auth_failed' THEN 2 ELSE 3 END, id LIMIT 1`, store, plugs).Scan(&connection)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return connection, err
}

// Status is how far a send has come.
type Status struct {
	ID          int64   `json:"id"`
	Store       int64   `json:"store_id"`
	Connection  int64   `json:"connection_id"`
	Channel     string  `json:"channel"`
	Class       string  `json:"class"`
	Kind        string  `json:"kind"`
	Ref         int64   `json:"ref"`
	Address     string  `json:"address"`
	State       string  `json:"state"`
	Code        string  `json:"code"`
	Detail      string  `json:"detail"`
	Parts       int64   `json:"parts"`
	Attempts    int64   `json:"attempts"`
	RunAt       db.Time `json:"run_at"`
	CreatedAt   db.Time `json:"created_at"`
	SentAt      db.Time `json:"sent_at"`
	DeliveredAt db.Time `json:"delivered_at"`
	ReadAt      db.Time `json:"read_at"`
	EndedAt     db.Time `json:"ended_at"`
}

// send is a row of post_sends.
type send struct {
	Status
	thread, externalID  string
	expiresAt, attempAt db.Time
	body                json.RawMessage
}

const sendColumns = `id, store_id, connection_id, channel, class, kind, ref_id, address, thread, body, state, code, detail, external_id, parts, attempts,
run_at, expires_at, created_at, attempted_at, sent_at, delivered_at, read_at, ended_at`

func loadSend(ctx context.Context, q db.Querier, id int64) (s send, err error) {
	err = q.QueryRow(ctx, `SELECT `+sendColumns+` FROM post_sends WHERE id = $1`, id).Scan(&s.ID, &s.Store, &s.Connection, &s.Channel, &s.Class, &s.Kind, &s.Ref,
		&s.Address, &s.thread, &s.body, &s.State, &s.Code, &s.Detail, &s.externalID, &s.Parts, &s.Attempts, &s.RunAt, &s.expiresAt, &s.CreatedAt, &s.attempAt,
		&s.SentAt, &s.DeliveredAt, &s.ReadAt, &s.EndedAt)
	if errors.Is(err, db.ErrNoRows) {
		err = care.NotFound("send")
	}
	return s, err
}

// Status returns how far a send has come. It knows no scope.
func (p *Post) Status(ctx context.Context, q db.Querier, id int64) (Status, error) {
	s, err := loadSend(ctx, q, id)
	return s.Status, err
}

// tell emits what has become of the send.
func (s *send) tell(tx *db.Tx) {
	tx.Emit(db.Event{Store: s.Store, Type: care.EventDeliveryChanged, Subject: s.ID, Payload: care.DeliveryEvent{
		Kind: s.Kind, Ref: s.Ref, Channel: s.Channel, Connection: s.Connection, State: s.State, Code: s.Code, Detail: s.Detail}})
}

// outbound makes what the plug is given.
func (p *Post) outbound(ctx context.Context, s send) (care.Outbound, error) {
	var b Body
	if err := json.Unmarshal(s.body, &b); err != nil {
		return care.Outbound{}, err
	}
	if p.o.Fill != nil && s.Class == ClassNotice {
		for _, words := range []struct {
			text *string
			html bool
		}{{&b.Subject, false}, {&b.Text, false}, {&b.HTML, true}} {
			filled, err := p.o.Fill(ctx, s.Store, *words.text, words.html)
			if err != nil {
				return care.Outbound{}, err
			}
			*words.text = filled
		}
	}
	m := care.Outbound{Key: strconv.FormatInt(s.ID, 10), To: s.Address, ToName: b.ToName, Thread: s.thread, ReplyTo: b.ReplyTo, Subject: b.Subject, Body: b.Text, HTML: b.HTML, Quoted: b.Quoted,
		Template: b.Template, Language: b.Language, Automatic: b.Automatic, Headers: b.Headers}
	for _, f := range b.Files {
		of := care.OutboundFile{Name: f.Name, ContentType: f.ContentType, Size: f.Size, ContentID: f.ContentID,
			Open: func() (io.ReadCloser, error) { return p.o.Files.Get(ctx, f.BlobKey) }}
		if p.o.PublicURL != "" && f.Path != "" {
			of.URL = strings.TrimRight(p.o.PublicURL, "/") + f.Path
		}
		m.Files = append(m.Files, of)
	}
	return m, nil
}

// usable tells whether a connection in this state may be sent by.
func usable(state string) bool { return state != account.StatePaused }
