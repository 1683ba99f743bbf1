package api

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"opeka/internal/care"
	"opeka/internal/phone"
)

func (a *API) registerRecordings() {
	mine := agentNeeds(care.PermPhone)
	for _, v := range []struct{ verb, summary string }{
		{phone.TapeStart, "Begin to record a call, where the store leaves that to agents"},
		{phone.TapeStop, "End the recording of a call, where the store leaves that to agents"},
		{phone.TapePause, "Pause a call's recording while the customer tells what must not be kept, such as a card's number"},
		{phone.TapeResume, "Go on with a call's recording"},
	} {
		register(a, op{ID: v.verb + "-call-recording", Method: http.MethodPost, Path: "/calls/{id}/recording/" + v.verb, Tag: tagPhone, Summary: v.summary, Access: mine, OwnIdempotency: true},
			func(ctx context.Context, in *ByID) (*Out[phone.Call], error) {
				return out(a.Phone.Tape(ctx, scope(ctx), in.ID, v.verb))
			})
	}
	register(a, op{ID: "get-recording-policy", Method: http.MethodGet, Path: "/stores/{id}/recording-policy", Tag: tagPhone, Summary: "How a store records calls", Access: needs(care.PermPhone)},
		func(ctx context.Context, in *ByID) (*Out[phone.RecordingPolicy], error) {
			return out(a.Phone.RecordingPolicyOf(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "set-recording-policy", Method: http.MethodPut, Path: "/stores/{id}/recording-policy", Tag: tagPhone, Summary: "Say how a store records calls", Access: needs(care.PermSettings)},
		func(ctx context.Context, in *struct {
			ByID
			Body phone.RecordingPolicy
		}) (*Out[phone.RecordingPolicy], error) {
			return out(in.Body, a.Phone.SetRecordingPolicy(ctx, by(ctx), in.ID, in.Body))
		})

	// What was said with agents is for those who may hear recordings; a customer's message on the answering machine also for those who answer the telephone.
	register(a, op{ID: "list-call-recordings", Method: http.MethodGet, Path: "/calls/{id}/recordings", Tag: tagPhone, Summary: "List what was recorded of a call", Access: known},
		func(ctx context.Context, in *ByID) (*Out[List[phone.Recording]], error) {
			return whole(a.Phone.Recordings(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "list-recordings", Method: http.MethodGet, Path: "/recordings", Tag: tagPhone, Summary: "List recordings, the latest first", Access: needs(care.PermRecordings)},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Agent    int64     `query:"agent_id" minimum:"0" doc:"Who was on the line when it began"`
			Customer int64     `query:"customer_id" minimum:"0"`
			Kind     string    `query:"kind" enum:"call,voicemail"`
			From     time.Time `query:"from" doc:"Begun at this time or later"`
			Until    time.Time `query:"until" doc:"Begun before this time"`
		}) (*Out[List[phone.Recording]], error) {
			from, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Phone.AllRecordings(ctx, scope(ctx), phone.RecordingFilter{Store: in.StoreID, Agent: in.Agent, Customer: in.Customer, Kind: in.Kind, From: in.From, Until: in.Until, Before: from.After, Limit: from.Limit})
			return pageByID(in.Paging, rows, func(r phone.Recording) int64 { return r.ID }, err)
		})
	register(a, op{ID: "get-recording", Method: http.MethodGet, Path: "/recordings/{id}", Tag: tagPhone, Summary: "Get what is known of a recording", Access: known},
		func(ctx context.Context, in *ByID) (*Out[phone.Recording], error) {
			return out(a.Phone.Recording(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "hear-recording", Method: http.MethodPost, Path: "/recordings/{id}/hearings", Tag: tagPhone, Summary: "Note that the caller is going to hear a recording", Access: known, Status: 201, OwnIdempotency: true,
		Detail: "A player does this once and gives the hearing's id with each part of the sound that it fetches. Every hearing is in the audit log."},
		func(ctx context.Context, in *ByID) (*Out[phone.Hearing], error) {
			return out(a.Phone.Hear(ctx, by(ctx), in.ID, false))
		})
	register(a, op{ID: "list-recording-hearings", Method: http.MethodGet, Path: "/recordings/{id}/hearings", Tag: tagPhone, Summary: "List who heard a recording, the latest first", Access: needs(care.PermRecordings)},
		func(ctx context.Context, in *struct {
			ByID
			Paging
		}) (*Out[List[phone.Hearing]], error) {
			from, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Phone.Hearings(ctx, scope(ctx), in.ID, from.After, from.Limit)
			return pageByID(in.Paging, rows, func(h phone.Hearing) int64 { return h.ID }, err)
		})
	register(a, op{ID: "get-recording-sound", Method: http.MethodGet, Path: "/recordings/{id}/sound", Tag: tagPhone, Summary: "Get a recording's sound: WAV, the customer left, we right", Access: known,
		Detail: "Ranges are served. Without the id of a hearing of the caller's, each request is noted as one."},
		func(ctx context.Context, in *struct {
			ByID
			Hearing  int64 `query:"hearing" minimum:"0" doc:"From hear-recording"`
			Download bool  `query:"download" doc:"To be saved: noted as such"`
		}) (*huma.StreamResponse, error) {
			r, f, err := a.Phone.Sound(ctx, by(ctx), in.ID, in.Hearing, in.Download)
			if err != nil {
				return nil, err
			}
			name := ""
			if in.Download {
				name = fmt.Sprintf("call-%d-%s.wav", r.Call, r.StartedAt.Time().UTC().Format("2006-01-02-1504"))
			}
			return serveSound(f, name, r.Size), nil
		})
	register(a, op{ID: "delete-recording", Method: http.MethodDelete, Path: "/recordings/{id}", Tag: tagPhone, Summary: "Delete a recording's sound, as a customer may demand", Access: needs(care.PermSettings)},
		func(ctx context.Context, in *struct {
			ByID
			Reason string `query:"reason" maxLength:"500" doc:"What for: kept with who did it"`
		}) (*None, error) {
			return none(a.Phone.DeleteRecording(ctx, by(ctx), in.ID, in.Reason))
		})
}

// serveSound sends a sound, or the part of it that is asked for. No cache may keep it.
func serveSound(f io.ReadCloser, saveAs string, size int64) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		r, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", "audio/wav")
		h.Set("Cache-Control", "private, no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if saveAs != "" {
			h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": saveAs}))
		}
		if s, ok := f.(io.ReadSeeker); ok {
			http.ServeContent(w, r, "", time.Time{}, s)
			return
		}
		h.Set("Content-Length", strconv.FormatInt(size, 10))
		_, _ = io.Copy(w, f) // a caller that has gone away needs no more
	}}
}
