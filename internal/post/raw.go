package post

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

const setCursor = `INSERT INTO post_channels (connection_id, store_id, cursor) VALUES ($1, $2, $3) ON CONFLICT (connection_id) DO UPDATE SET cursor = excluded.cursor`

// maxRaw is the largest letter that is taken at our doors.
const maxRaw = 45 << 20

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
		_, err := p.keepRaw(ctx, l, raw, cursor)
		return err
	})
}

// keepRaw writes a letter down as it came, once, with the job that reads it.
func (p *Post) keepRaw(ctx context.Context, l live, raw []byte, cursor string) (kept, error) {
	line := ""
	if r, ok := l.channel.(care.RawReader); ok {
		sum := sha256.Sum256([]byte(r.LineOf(raw)))
		line = hex.EncodeToString(sum[:8])
	}
	return p.keepItems(ctx, l, raw, []item{{arrivedRaw, line, []byte("{}")}}, "", cursor)
}

// ReceiveRaw takes what somebody hands us for a connection: a mail server, or a program by the API. It knows no scope.
func (p *Post) ReceiveRaw(ctx context.Context, connection int64, raw []byte) (Pushed, error) {
	l, err := p.open(ctx, connection)
	if err != nil {
		return Pushed{}, err
	}
	if _, ok := l.channel.(care.RawReader); !ok {
		return Pushed{}, care.NotFound("connection")
	}
	if len(raw) == 0 {
		return Pushed{}, care.Invalid("body", "required")
	}
	if len(raw) > maxRaw {
		return Pushed{}, &care.Error{Code: "file.too_large", Kind: care.KindTooLarge, Field: "body", Args: map[string]any{"limit": maxRaw}}
	}
	k, err := p.keepRaw(ctx, l, raw, "")
	return Pushed{Verdict: k.verdict, Duplicate: k.duplicate}, err
}

// Upload is ReceiveRaw for a caller who manages the connection.
func (p *Post) Upload(ctx context.Context, scope care.Scope, connection int64, raw []byte) (Pushed, error) {
	c, err := p.connections.Connection(ctx, connection)
	if err != nil {
		return Pushed{}, err
	}
	if !scope.In(c.Store) {
		return Pushed{}, care.NotFound("connection")
	}
	if err := scope.Check(c.Store, care.PermConnections); err != nil {
		return Pushed{}, err
	}
	return p.ReceiveRaw(ctx, connection, raw)
}

// MailboxFor finds the connection to which letters for an address belong; 0 when there is none in service.
func (p *Post) MailboxFor(ctx context.Context, address string) (int64, error) {
	all, err := p.connections.Connections(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		if p.channelOf(c.Plug) != care.ChannelEmail || c.State == account.StatePaused {
			continue
		}
		s, err := p.session(c)
		if err != nil {
			continue
		}
		if a, ok := s.channel.(care.Addressed); ok && a.Takes(address) {
			return c.ID, nil
		}
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
	read, files := reader.ReadRaw(raw)
	for _, m := range read.Messages {
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
