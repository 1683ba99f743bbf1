package email

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"opeka/internal/care"
	"opeka/internal/text/letter"
)

const (
	idleFor     = 9 * time.Minute // servers and their networks forget quiet connections
	pollEvery   = time.Minute     // where there is no IDLE, and folders beside the first
	batch       = 50              // letters that are asked for at once
	batchBytes  = 24 << 20
	takers      = 8 // letters of a batch that are kept side by side
	commandTime = 2 * time.Minute
)

var readOnly = &imap.SelectOptions{ReadOnly: true}

func (m *mailbox) folders() []string {
	var out []string
	for _, f := range strings.Split(m.Folders, ",") {
		if f = strings.TrimSpace(f); f != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return []string{"INBOX"}
	}
	return out
}

// cursor is how far a mailbox has been read.
type cursor struct {
	Since   time.Time         `json:"since"` // what came before is not ours to read
	Folders map[string]folder `json:"folders"`
}

type folder struct {
	Validity uint32   `json:"validity"` // UIDVALIDITY: while it is the same, UIDs are
	Last     imap.UID `json:"last"`     // the greatest UID that was taken
}

// dialIMAP opens a connection and logs in. news, if set, is told of changes to the selected folder.
func (m *mailbox) dialIMAP(ctx context.Context, news func()) (*imapclient.Client, error) {
	conn, config, err := m.connect(ctx, m.IMAPHost, m.IMAPPort, m.IMAPSafety)
	if err != nil {
		return nil, err
	}
	o := &imapclient.Options{TLSConfig: config}
	if news != nil {
		o.UnilateralDataHandler = &imapclient.UnilateralDataHandler{Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				news()
			}
		}}
	}
	var c *imapclient.Client
	if m.IMAPSafety == "starttls" {
		if c, err = imapclient.NewStartTLS(conn, o); err != nil {
			conn.Close()
			return nil, &care.TemporaryError{Cause: err}
		}
	} else {
		c = imapclient.New(conn, o)
	}
	// The library knows no contexts: closing the connection is what ends its waiting.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	limit := time.AfterFunc(commandTime, func() { _ = conn.Close() })
	defer limit.Stop()
	if err := c.WaitGreeting(); err != nil {
		c.Close()
		return nil, &care.TemporaryError{Cause: err}
	}
	if m.Auth == "oauth2" {
		caps := c.Caps()
		sasl, err := m.bearer(ctx, func(mech string) bool { return caps.Has(imap.Cap("AUTH=" + mech)) }, m.IMAPHost, m.IMAPPort)
		if err != nil {
			c.Close()
			return nil, err
		}
		err = c.Authenticate(sasl)
		if err != nil {
			m.forgetToken()
		}
		return c, m.loggedIn(c, err)
	}
	return c, m.loggedIn(c, c.Login(m.User, m.Password).Wait())
}

func (m *mailbox) loggedIn(c *imapclient.Client, err error) error {
	if err == nil {
		return nil
	}
	c.Close()
	var token *sasl.OAuthBearerError
	if errors.As(err, &token) {
		return &care.AuthError{Cause: fmt.Errorf("%w: %s", errRefused, token.Status)}
	}
	var refused *imap.Error
	if errors.As(err, &refused) && refused.Code != imap.ResponseCodeUnavailable && refused.Code != imap.ResponseCodeServerBug {
		return &care.AuthError{Cause: fmt.Errorf("%w: %s", errRefused, refused.Text)}
	}
	return &care.TemporaryError{Cause: err}
}

// ListenFrom implements care.CursorListener: it reads the folders from where the cursor stands, waits for news and reads on. A letter is asked for
// again until it is kept; one that is gone from the folder, or was kept under other UIDs, isn't kept again.
func (m *mailbox) ListenFrom(ctx context.Context, from string, take care.TakeRaw) error {
	if m.IMAPHost == "" {
		return care.ErrPushed
	}
	at := cursor{Folders: map[string]folder{}}
	if from != "" {
		if err := json.Unmarshal([]byte(from), &at); err != nil || at.Folders == nil {
			at = cursor{Since: at.Since, Folders: map[string]folder{}}
		}
	}
	if at.Since.IsZero() {
		at.Since = m.now().UTC().AddDate(0, 0, -m.HistoryDays)
	}
	news := make(chan struct{}, 1)
	c, err := m.dialIMAP(ctx, func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	idles := c.Caps().Has(imap.CapIdle)
	folders := m.folders()
	for {
		// The first folder comes last, so that it is the one that IDLE watches.
		for n := len(folders) - 1; n >= 0; n-- {
			if err := m.readFolder(ctx, c, folders[n], &at, take); err != nil {
				return lost(ctx, err)
			}
		}
		wait := idleFor
		if !idles || len(folders) > 1 {
			wait = m.poll
		}
		if err := m.await(ctx, c, idles, wait, news); err != nil {
			return lost(ctx, err)
		}
	}
}

func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var temporary *care.TemporaryError
	if errors.As(err, &temporary) {
		return err
	}
	return &care.TemporaryError{Cause: err}
}

// await waits for news, at most so long.
func (m *mailbox) await(ctx context.Context, c *imapclient.Client, idles bool, wait time.Duration, news <-chan struct{}) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var idle *imapclient.IdleCommand
	if idles {
		var err error
		if idle, err = c.Idle(); err != nil {
			return err
		}
	}
	var err error
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.Closed():
		return io.ErrUnexpectedEOF
	case <-news:
	case <-timer.C:
	}
	if idle != nil {
		err = errors.Join(idle.Close(), idle.Wait())
	} else {
		err = c.Noop().Wait()
	}
	return err
}

// readFolder takes what is new in a folder.
func (m *mailbox) readFolder(ctx context.Context, c *imapclient.Client, name string, at *cursor, take care.TakeRaw) error {
	options := readOnly
	if m.MarkSeen {
		options = nil
	}
	selected, err := within(c, func() (*imap.SelectData, error) { return c.Select(name, options).Wait() })
	if err != nil {
		return err
	}
	was := at.Folders[name]
	now := folder{selected.UIDValidity, was.Last}
	var uids []imap.UID
	switch {
	case was.Validity == selected.UIDValidity && was.Validity != 0:
		if selected.UIDNext != 0 && selected.UIDNext <= was.Last+1 {
			return nil
		}
		uids, err = m.search(c, &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: was.Last + 1}}}})
		// "n:*" is never empty: it holds the last letter even when that is older.
		uids = slices.DeleteFunc(uids, func(u imap.UID) bool { return u <= was.Last })
	default:
		// A folder that wasn't read before, or whose UIDs have all changed: whatever came since we read here. What was kept is recognised by its bytes.
		now.Last = 0
		uids, err = m.search(c, &imap.SearchCriteria{Since: at.Since.AddDate(0, 0, -1)})
	}
	if err != nil {
		return err
	}
	slices.Sort(uids)
	fresh := was.Validity != selected.UIDValidity
	for len(uids) > 0 {
		some := uids[:min(batch, len(uids))]
		uids = uids[len(some):]
		if err := m.fetch(ctx, c, some, at.Since, fresh, take); err != nil {
			return err
		}
		now.Last = max(now.Last, some[len(some)-1])
		if err := m.advance(ctx, at, name, now, take); err != nil {
			return err
		}
	}
	if selected.UIDNext > 0 {
		now.Last = max(now.Last, selected.UIDNext-1)
	}
	if now != was {
		return m.advance(ctx, at, name, now, take)
	}
	return nil
}

func (m *mailbox) advance(ctx context.Context, at *cursor, name string, now folder, take care.TakeRaw) error {
	at.Folders[name] = now
	b, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return take(ctx, nil, string(b))
}

func (m *mailbox) search(c *imapclient.Client, by *imap.SearchCriteria) ([]imap.UID, error) {
	d, err := within(c, func() (*imap.SearchData, error) { return c.UIDSearch(by, nil).Wait() })
	if err != nil {
		return nil, err
	}
	return d.AllUIDs(), nil
}

// within bounds a command: a server that has gone silent must not hold the mailbox.
func within[T any](c *imapclient.Client, f func() (T, error)) (T, error) {
	limit := time.AfterFunc(commandTime, func() { c.Close() })
	defer limit.Stop()
	return f()
}

type sized struct {
	uid  imap.UID
	size int64
	at   time.Time
}

// fetch takes the letters with these UIDs, in their order as far as the order matters: it is the reader's to keep each sender's.
func (m *mailbox) fetch(ctx context.Context, c *imapclient.Client, uids []imap.UID, since time.Time, fresh bool, take care.TakeRaw) error {
	sizes, err := within(c, func() ([]*imapclient.FetchMessageBuffer, error) {
		return c.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true}).Collect()
	})
	if err != nil {
		return err
	}
	var want []sized
	for _, s := range sizes {
		if fresh && !s.InternalDate.IsZero() && s.InternalDate.Before(since) {
			continue
		}
		want = append(want, sized{s.UID, s.RFC822Size, s.InternalDate})
	}
	slices.SortFunc(want, func(a, b sized) int { return cmp.Compare(a.uid, b.uid) })
	for len(want) > 0 {
		n, total := 0, int64(0)
		for n < len(want) && (n == 0 || total+want[n].size <= batchBytes) {
			total += want[n].size
			n++
		}
		if err := m.fetchSome(ctx, c, want[:n], take); err != nil {
			return err
		}
		want = want[n:]
	}
	return nil
}

func (m *mailbox) fetchSome(ctx context.Context, c *imapclient.Client, some []sized, take care.TakeRaw) error {
	section := &imap.FetchItemBodySection{Peek: true}
	if some[0].size > letter.MaxSize { // alone in its batch: its head and its beginning say what it was
		section.Partial = &imap.SectionPartial{Offset: 0, Size: 256 << 10}
	}
	uids := make([]imap.UID, len(some))
	for n, s := range some {
		uids[n] = s.uid
	}
	got, err := within(c, func() ([]*imapclient.FetchMessageBuffer, error) {
		return c.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(got, func(a, b *imapclient.FetchMessageBuffer) int { return cmp.Compare(a.UID, b.UID) })
	var (
		group  sync.WaitGroup
		places = make(chan struct{}, takers)
		mu     sync.Mutex
		failed error
	)
	for _, g := range got {
		if len(g.BodySection) == 0 {
			continue // expunged while we asked
		}
		raw := g.BodySection[0].Bytes
		if section.Partial != nil {
			raw = append([]byte(fmt.Sprintf("X-Opeka-Cut: %d of %d bytes\r\n", len(raw), some[0].size)), raw...)
		}
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			if err := take(ctx, bytes.Clone(raw), ""); err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if failed != nil {
		return failed
	}
	if m.MarkSeen {
		_, err = within(c, func() (struct{}, error) {
			return struct{}{}, c.Store(imap.UIDSetNum(uids...), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
		})
	}
	return err
}
