package post

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

const setCursor = `INSERT INTO post_channels (connection_id, store_id, cursor) VALUES ($1, $2, $3) ON CONFLICT (connection_id) DO UPDATE SET cursor = excluded.cursor`

// MaxRaw is the largest letter that is taken at our doors.
const MaxRaw = 45 << 20

func listens(c care.Channel) bool {
	switch c.(type) {
	case care.Listener, care.CursorListener:
		return true
	}
	return false
}

// listen reads a connection until it breaks.
func (p *Post) listen(ctx context.Context, l live) error {
	if c, ok := l.channel.(care.Listener); ok {
		return c.Listen(ctx, func(ctx context.Context, raw []byte, a care.Arrivals, delivery string) error {
			_, err := p.keep(ctx, l, raw, a, delivery)
			return err
		})
	}
	var from string
	err := p.db.Read().QueryRow(ctx, `SELECT cursor FROM post_channels WHERE connection_id = $1`, l.ID).Scan(&from)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return err
	}
	return l.channel.(care.CursorListener).ListenFrom(ctx, from, func(ctx context.Context, raw []byte, cursor string) error {
		if raw == nil {
			return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
				tx.Defer(setCursor, l.ID, l.Store, cursor)
				return nil
			})
		}
		_, err := p.keepRaw(ctx, l, raw, rawFacts{}, "", cursor)
		return err
	})
}

// keepRaw writes a letter down as it came, once, with the job that reads it. delivery is what it is known by; empty: its bytes.
func (p *Post) keepRaw(ctx context.Context, l live, raw []byte, facts rawFacts, delivery, cursor string) (kept, error) {
	line := ""
	if r, ok := l.channel.(care.RawReader); ok {
		sum := sha256.Sum256([]byte(r.LineOf(raw)))
		line = hex.EncodeToString(sum[:8])
	}
	body, err := json.Marshal(facts)
	if err != nil {
		return kept{}, err
	}
	return p.keepItems(ctx, l, raw, []item{{arrivedRaw, line, body}}, delivery, cursor)
}

// rawReader opens a connection that takes letters, and looks whether this one can be taken at all.
func (p *Post) rawReader(ctx context.Context, connection int64, raw []byte) (live, error) {
	l, err := p.open(ctx, connection)
	if err != nil {
		return live{}, err
	}
	if _, ok := l.channel.(care.RawReader); !ok {
		return live{}, care.NotFound("connection")
	}
	if len(raw) == 0 {
		return live{}, care.Invalid("body", "required")
	}
	if len(raw) > MaxRaw {
		return live{}, &care.Error{Code: "file.too_large", Kind: care.KindTooLarge, Field: "body", Args: map[string]any{"limit": MaxRaw}}
	}
	return l, nil
}

// ReceiveRaw takes what somebody hands us for a connection as it came. It knows no scope.
func (p *Post) ReceiveRaw(ctx context.Context, connection int64, raw []byte) (Pushed, error) {
	l, err := p.rawReader(ctx, connection, raw)
	if err != nil {
		return Pushed{}, err
	}
	if l.State == account.StatePaused {
		return Pushed{}, care.Conflict("connection.paused")
	}
	k, err := p.keepRaw(ctx, l, raw, rawFacts{}, "", "")
	return Pushed{Verdict: k.verdict, Duplicate: k.duplicate}, err
}

// Upload is ReceiveRaw for a caller who manages the connection. It is found by its id, or by an address under which letters come to it.
func (p *Post) Upload(ctx context.Context, scope care.Scope, connection int64, address string, raw []byte) (Pushed, error) {
	c, err := p.mailboxIn(ctx, scope, connection, address)
	if err != nil {
		return Pushed{}, err
	}
	if err := scope.Check(c.Store, care.PermConnections); err != nil {
		return Pushed{}, err
	}
	return p.ReceiveRaw(ctx, c.ID, raw)
}

func (p *Post) mailboxIn(ctx context.Context, scope care.Scope, connection int64, address string) (account.LiveConnection, error) {
	if connection == 0 {
		all, err := p.connections.Connections(ctx)
		if err != nil {
			return account.LiveConnection{}, err
		}
		for _, c := range all {
			if scope.In(c.Store) && p.takes(c, address) {
				return c, nil
			}
		}
		return account.LiveConnection{}, care.NotFound("connection")
	}
	c, err := p.connections.Connection(ctx, connection)
	if err == nil && !scope.In(c.Store) {
		err = care.NotFound("connection")
	}
	return c, err
}

// takes tells whether letters for the address come to the connection.
func (p *Post) takes(c account.LiveConnection, address string) bool {
	if p.channelOf(c.Plug) != care.ChannelEmail {
		return false
	}
	s, err := p.session(c)
	if err != nil {
		return false // badly set up: shown where connections are
	}
	a, ok := s.channel.(care.Addressed)
	return ok && a.Takes(address)
}

// MailboxFor finds the connection to which letters for an address belong; 0 when there is none. When all that there are have been paused it
// refuses with connection.paused.
func (p *Post) MailboxFor(ctx context.Context, address string) (int64, error) {
	all, err := p.connections.Connections(ctx)
	if err != nil {
		return 0, err
	}
	paused := false
	for _, c := range all {
		if !p.takes(c, address) {
			continue
		}
		if c.State != account.StatePaused {
			return c.ID, nil
		}
		paused = true
	}
	if paused {
		return 0, care.Conflict("connection.paused")
	}
	return 0, nil
}

// takeRaw reads what came as it came. What its reader makes of it is handed on in one go.
func (p *Post) takeRaw(ctx context.Context, l live, a arrival) error {
	reader, ok := l.channel.(care.RawReader)
	if !ok {
		return care.Invalid("body", "value_invalid")
	}
	r, err := p.Raw(ctx, a.push)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("post: raw: %w", err)
	}
	var facts rawFacts
	if err := json.Unmarshal(a.body, &facts); err != nil {
		return care.Invalid("body", "value_invalid")
	}
	read, files := reader.ReadRaw(raw)
	for _, m := range read.Messages {
		facts.judge(&m)
		err := p.hand(ctx, l, a, m, files)
		var refused *care.Error
		if errors.As(err, &refused) && refused.Kind == care.KindInvalid {
			// Something in it can't be kept as it is: then it goes on as it came, and a person looks.
			m.Body, m.Name, m.Subject = "—", "", ""
			m.Files = []care.FileRef{{Ref: "raw", Name: "letter.eml", ContentType: "message/rfc822", Size: int64(len(raw))}}
			if m.Mail != nil {
				facts := *m.Mail
				facts.HTML, facts.Quoted = "", ""
				m.Mail = &facts
			}
			err = p.hand(ctx, l, a, m, map[string][]byte{"raw": raw})
		}
		if err != nil {
			return err
		}
	}
	if len(read.Messages) > 0 {
		return nil
	}
	return p.db.Write(ctx, db.System, func(tx *db.Tx) error {
		known := len(read.Reports) == 0
		for _, o := range read.Opted {
			// Anybody can write such a letter: it counts for those to whom we have written.
			var ours bool
			if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM post_sends WHERE connection_id = $1 AND address = $2 AND sent_at > 0)`, l.ID, o.Address).Scan(&ours); err != nil || !ours {
				if err != nil {
					return err
				}
				continue
			}
			if err := p.opted(ctx, tx, l, o); err != nil {
				return err
			}
		}
		for _, rep := range read.Reports {
			switch err := p.report(ctx, tx, l, rep); {
			case err == nil:
				known = true
			case !errors.Is(err, errUnknownSend):
				return err
			}
		}
		if !known {
			return errUnknownSend
		}
		state := arrivalDone
		if len(read.Reports)+len(read.Opted) == 0 {
			state = arrivalIgnored
		}
		tx.Defer(`UPDATE post_arrivals SET state = $1, error = '' WHERE id = $2`, state, a.id)
		return nil
	})
}
