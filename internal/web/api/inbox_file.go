package api

import (
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/care"
	"opeka/internal/inbox"
)

func (a *API) registerFiles() {
	register(a, op{ID: "upload-file", Method: http.MethodPost, Path: "/uploads", Tag: tagInbox, Summary: "Upload a file to send with a message",
		Detail: "Images, PDF, office documents, text, audio and video up to 20 MiB. A file that isn't sent within a day is removed.",
		Access: agentNeeds(care.PermInboxWrite), MaxBody: inbox.MaxFileSize + 1<<16, OwnIdempotency: true},
		func(ctx context.Context, in *struct {
			RawBody multipart.Form
		}) (*Out[inbox.Attachment], error) {
			files := in.RawBody.File["file"]
			if len(files) != 1 {
				return nil, care.Invalid("file", "required")
			}
			f, err := files[0].Open()
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return out(a.Inbox.Upload(ctx, inbox.Upload{OwnerKind: care.ActorAgent, Owner: strconv.FormatInt(scope(ctx).Agent, 10), Name: files[0].Filename, Content: f}))
		})
	register(a, op{ID: "get-attachment", Method: http.MethodGet, Path: "/attachments/{id}", Tag: tagInbox, Summary: "Get a file of a message", Access: needs(care.PermInboxRead)},
		func(ctx context.Context, in *struct {
			ByID
			Thumb bool `query:"thumb" doc:"The small picture of an image"`
		}) (*huma.StreamResponse, error) {
			return serveFile(a.Inbox.Open(ctx, scope(ctx), in.ID, in.Thumb))
		})
	register(a, op{ID: "get-signed-file", Method: http.MethodGet, Path: "/files/{id}", Tag: tagInbox, Summary: "Get a file by the address that its receiver was given", Access: public},
		func(ctx context.Context, in *struct {
			ByID
			Expires   int64  `query:"expires" required:"true"`
			Signature string `query:"signature" required:"true" maxLength:"64"`
			Thumb     bool   `query:"thumb"`
		}) (*huma.StreamResponse, error) {
			return serveFile(a.Inbox.OpenSigned(ctx, in.ID, in.Expires, in.Signature, in.Thumb))
		})
}

// serveFile sends what strangers may have uploaded: a browser shows plain images only, runs nothing, and guesses no type.
func serveFile(f inbox.File, err error) (*huma.StreamResponse, error) {
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		kind := "attachment"
		if f.Inline {
			kind = "inline"
		}
		hc.SetHeader("Content-Type", f.ContentType)
		hc.SetHeader("Content-Disposition", mime.FormatMediaType(kind, map[string]string{"filename": f.Name}))
		hc.SetHeader("X-Content-Type-Options", "nosniff")
		hc.SetHeader("Content-Security-Policy", "default-src 'none'; sandbox")
		hc.SetHeader("Cross-Origin-Resource-Policy", "cross-origin")
		hc.SetHeader("Cache-Control", "private, max-age=86400, immutable")
		if f.Size >= 0 {
			hc.SetHeader("Content-Length", strconv.FormatInt(f.Size, 10))
		}
		_, _ = io.Copy(hc.BodyWriter(), f) // a caller that has gone away needs no more
	}}, nil
}
