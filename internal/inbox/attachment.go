package inbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"opeka/internal/blob"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/inbox/query"
	"opeka/internal/text"
)

// MaxFileSize is what one attachment may have, in bytes.
const MaxFileSize = 20 << 20

// Attachment is a file of a message.
type Attachment struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	URL         string `json:"url"`
	Width       int64  `json:"width"` // of an image, in pixels; 0 otherwise
	Height      int64  `json:"height"`
	ThumbURL    string `json:"thumb_url"` // empty when there is none
}

// Paths under which the doors serve attachments: to agents, and to whoever holds a signed address.
const (
	agentFiles  = "/api/v1/attachments/"
	signedFiles = "/api/v1/files/"
)

func attachmentFrom(r query.Attachment) Attachment {
	a := Attachment{ID: r.ID, Name: r.Name, ContentType: r.ContentType, Size: r.Size, Width: r.Width, Height: r.Height, URL: agentFiles + itoa64(r.ID)}
	if r.ThumbKey != "" {
		a.ThumbURL = a.URL + "?thumb=true"
	}
	return a
}

// Upload is a file that somebody wants to send. Its owner alone can attach it to a message.
type Upload struct {
	Store     int64  // 0 for an agent, who may send it in any of his stores
	OwnerKind string // care.ActorAgent, care.ActorCustomer, care.ActorPlug
	Owner     string // the agent's id, or the thread of the customer
	Name      string
	Content   io.Reader
}

// Upload keeps a file. What it is is told by its bytes, not by its name, and only kinds on the list are
// accepted. A file that isn't sent within a day is removed.
func (i *Inbox) Upload(ctx context.Context, u Upload) (Attachment, error) {
	if err := checkText("file", u.Name, 500); err != nil {
		return Attachment{}, err
	}
	select { // each upload holds its file in memory
	case i.uploads <- struct{}{}:
		defer func() { <-i.uploads }()
	case <-ctx.Done():
		return Attachment{}, ctx.Err()
	}
	content, err := io.ReadAll(io.LimitReader(u.Content, MaxFileSize+1))
	if err != nil {
		return Attachment{}, fmt.Errorf("inbox: upload: %w", err)
	}
	if len(content) > MaxFileSize {
		return Attachment{}, &care.Error{Code: "file.too_large", Kind: care.KindTooLarge, Field: "file", Args: map[string]any{"limit": MaxFileSize}}
	}
	f, err := examine(u.Name, content)
	if err != nil {
		return Attachment{}, err
	}
	id, now := i.db.ID(), i.db.Now()
	row := query.InsertAttachmentParams{ID: id, StoreID: u.Store, OwnerKind: u.OwnerKind, Owner: u.Owner, Name: f.name, ContentType: f.contentType,
		Size: int64(len(content)), Width: f.width, Height: f.height, BlobKey: "a/" + now.Format("2006/01/") + itoa64(id), CreatedAt: db.At(now)}
	if err := i.files.Put(ctx, row.BlobKey, bytes.NewReader(content), row.Size, f.contentType); err != nil {
		return Attachment{}, fmt.Errorf("inbox: upload: %w", err)
	}
	if f.thumb != nil {
		row.ThumbKey = row.BlobKey + ".thumb"
		if err := i.files.Put(ctx, row.ThumbKey, bytes.NewReader(f.thumb), int64(len(f.thumb)), "image/jpeg"); err != nil {
			return Attachment{}, fmt.Errorf("inbox: upload: %w", err)
		}
	}
	err = i.db.Write(ctx, db.System, func(tx *db.Tx) error { return query.New(tx).InsertAttachment(ctx, row) })
	if err != nil {
		return Attachment{}, err
	}
	return attachmentFrom(query.Attachment{ID: id, Name: row.Name, ContentType: row.ContentType, Size: row.Size, Width: row.Width, Height: row.Height, ThumbKey: row.ThumbKey}), nil
}

// attachable returns the owner's unsent files with these ids; one that isn't there, or isn't his, is NotFound.
func attachable(ctx context.Context, q db.Querier, store int64, kind, owner string, files []int64) ([]Attachment, error) {
	if len(files) == 0 {
		return nil, nil
	}
	if len(files) > MaxFiles {
		return nil, care.Invalid("attachment_ids", "too_many_items", "max", MaxFiles)
	}
	rows, err := query.New(q).UnsentAttachments(ctx, query.UnsentAttachmentsParams{Ids: files, StoreID: store, OwnerKind: kind, Owner: owner})
	if err != nil {
		return nil, err
	}
	out := make([]Attachment, 0, len(rows))
	for _, id := range files {
		n := slices.IndexFunc(rows, func(r query.Attachment) bool { return r.ID == id })
		if n < 0 {
			return nil, care.NotFound("attachment")
		}
		out = append(out, attachmentFrom(rows[n]))
	}
	return out, nil
}

// File is an attachment's content; close it.
type File struct {
	io.ReadCloser
	Name        string
	ContentType string
	Size        int64 // -1: not known
	// Inline tells whether a browser may show it instead of saving it: plain images only.
	Inline bool
}

// Open gives an agent or a key the content of an attachment: one that was sent in a store of theirs, or the agent's own upload.
func (i *Inbox) Open(ctx context.Context, scope care.Scope, id int64, thumb bool) (File, error) {
	row, err := query.New(i.db.Read()).Attachment(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return File{}, care.NotFound("attachment")
	}
	if err != nil {
		return File{}, err
	}
	if row.MessageID == 0 {
		if scope.Agent == 0 || row.OwnerKind != care.ActorAgent || row.Owner != itoa64(scope.Agent) {
			return File{}, care.NotFound("attachment")
		}
	} else if !scope.In(row.StoreID) {
		return File{}, care.NotFound("attachment")
	} else if err := scope.Check(row.StoreID, care.PermInboxRead); err != nil {
		return File{}, err
	}
	return i.open(ctx, row, thumb)
}

// OpenSigned gives whoever holds a signed address the content, until it expires.
func (i *Inbox) OpenSigned(ctx context.Context, id, expires int64, signature string, thumb bool) (File, error) {
	if !hmac.Equal([]byte(signature), []byte(i.sign(id, expires))) || i.db.Now().Unix() > expires {
		return File{}, care.NotFound("attachment")
	}
	row, err := query.New(i.db.Read()).Attachment(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return File{}, care.NotFound("attachment")
	}
	if err != nil {
		return File{}, err
	}
	return i.open(ctx, row, thumb)
}

func (i *Inbox) open(ctx context.Context, row query.Attachment, thumb bool) (File, error) {
	f := File{Name: row.Name, ContentType: row.ContentType, Size: row.Size, Inline: slices.Contains(images, row.ContentType)}
	key := row.BlobKey
	if thumb {
		if row.ThumbKey == "" {
			return File{}, care.NotFound("attachment")
		}
		key, f.ContentType, f.Size = row.ThumbKey, "image/jpeg", -1
	}
	r, err := i.files.Get(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return File{}, care.NotFound("attachment")
	}
	f.ReadCloser = r
	return f, err
}

// signedFor is for how long at least a visitor can fetch a file by the address that he was given.
const signedFor = 7 * 24 * time.Hour

// signed gives the attachment addresses that need no session. They change once a day, so that browsers can cache what they fetched.
func (i *Inbox) signed(a Attachment) Attachment {
	day := i.db.Now().Add(signedFor + 24*time.Hour).Truncate(24 * time.Hour).Unix()
	a.URL = signedFiles + itoa64(a.ID) + "?expires=" + itoa64(day) + "&signature=" + i.sign(a.ID, day)
	if a.ThumbURL != "" {
		a.ThumbURL = a.URL + "&thumb=true"
	}
	return a
}

// Signed gives an attachment that a visitor has just uploaded the addresses by which he can fetch it.
func (i *Inbox) Signed(a Attachment) Attachment { return i.signed(a) }

func (i *Inbox) sign(id, expires int64) string {
	m := hmac.New(sha256.New, i.secret)
	_, _ = m.Write([]byte("attachment:" + strconv.FormatInt(id, 10) + ":" + strconv.FormatInt(expires, 10)))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// sweep removes files that nobody sent within a day.
func (i *Inbox) sweep(ctx context.Context) error {
	for {
		rows, err := query.New(i.db.Read()).AbandonedAttachments(ctx, db.At(i.db.Now().Add(-24*time.Hour)))
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			var gone int64
			err := i.db.Write(ctx, db.System, func(tx *db.Tx) (err error) {
				gone, err = query.New(tx).DropAttachment(ctx, r.ID)
				return err
			})
			if err != nil {
				return err
			}
			if gone == 0 { // sent in this very moment
				continue
			}
			// The row goes first: a file without a row is waste, a row without a file would be a broken message.
			if err := errors.Join(i.files.Delete(ctx, r.BlobKey), deleteIf(ctx, i.files, r.ThumbKey)); err != nil {
				return err
			}
		}
	}
}

func deleteIf(ctx context.Context, s blob.Store, key string) error {
	if key == "" {
		return nil
	}
	return s.Delete(ctx, key)
}

// fileName makes a name from outside fit to be shown and saved: no path, no control characters, not too long.
func fileName(s, ext string) string {
	s = path.Base(strings.ReplaceAll(text.Repair(s), `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`<>:"|?*`, r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 { // the last: text direction, which can hide an extension
			return -1
		}
		return r
	}, s)
	s = strings.Trim(s, " .")
	if s == "" || s == "/" {
		s = "file" + ext
	}
	if r := []rune(s); len(r) > 120 {
		e := path.Ext(s)
		s = string(r[:120-min(len([]rune(e)), 20)]) + e
	}
	return s
}
