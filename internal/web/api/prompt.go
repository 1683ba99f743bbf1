package api

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"opeka/internal/care"
	"opeka/internal/phone"
)

// PromptPath names one of what callers hear.
type PromptPath struct {
	ByID
	Kind     string `path:"kind" maxLength:"20" doc:"As list-phone-prompts names them"`
	Language string `path:"language" maxLength:"2"`
}

func (a *API) registerPrompts() {
	use, manage := needs(care.PermPhone), needs(care.PermSettings)
	register(a, op{ID: "list-phone-prompts", Method: http.MethodGet, Path: "/stores/{id}/phone-prompts", Tag: tagPhone, Summary: "List what callers hear, in every language: recorded, or said by the built-in voice", Access: use},
		func(ctx context.Context, in *ByID) (*Out[List[phone.Prompt]], error) {
			return whole(a.Phone.Prompts(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "get-phone-prompt-sound", Method: http.MethodGet, Path: "/stores/{id}/phone-prompt-sound", Tag: tagPhone, Summary: "Hear what callers hear: WAV", Access: use},
		func(ctx context.Context, in *struct {
			ByID
			Kind     string `query:"kind" maxLength:"20" default:"music"`
			Language string `query:"language" maxLength:"2" doc:"None: the store's"`
		}) (*huma.StreamResponse, error) {
			b, err := a.Phone.PromptSound(ctx, scope(ctx), in.ID, in.Kind, in.Language)
			if err != nil {
				return nil, err
			}
			return serveSound(struct {
				io.ReadSeeker
				io.Closer
			}{bytes.NewReader(b), io.NopCloser(nil)}, "", int64(len(b))), nil
		})
	register(a, op{ID: "set-phone-prompt", Method: http.MethodPut, Path: "/stores/{id}/phone-prompts/{kind}/{language}", Tag: tagPhone, Summary: "Give what callers hear in a language: a WAV file, PCM or G.711, of any usual rate", Access: manage, MaxBody: phone.MaxPromptBytes},
		func(ctx context.Context, in *struct {
			PromptPath
			RawBody []byte `contentType:"audio/wav" required:"false"`
		}) (*Out[phone.Prompt], error) {
			return out(a.Phone.SetPrompt(ctx, by(ctx), in.ID, in.Kind, in.Language, in.RawBody))
		})
	register(a, op{ID: "remove-phone-prompt", Method: http.MethodDelete, Path: "/stores/{id}/phone-prompts/{kind}/{language}", Tag: tagPhone, Summary: "Have the built-in voice say it again", Access: manage},
		func(ctx context.Context, in *PromptPath) (*None, error) {
			return none(a.Phone.RemovePrompt(ctx, by(ctx), in.ID, in.Kind, in.Language))
		})
	register(a, op{ID: "get-call-priority", Method: http.MethodGet, Path: "/stores/{id}/call-priority", Tag: tagPhone, Summary: "Who of those that wait is taken first", Access: use},
		func(ctx context.Context, in *ByID) (*Out[phone.Weights], error) {
			return out(a.Phone.WeightsOf(ctx, scope(ctx), in.ID))
		})
	register(a, op{ID: "set-call-priority", Method: http.MethodPut, Path: "/stores/{id}/call-priority", Tag: tagPhone, Summary: "Say who of those that wait is taken first", Access: manage},
		func(ctx context.Context, in *struct {
			ByID
			Body phone.Weights
		}) (*Out[phone.Weights], error) {
			return out(in.Body, a.Phone.SetWeights(ctx, by(ctx), in.ID, in.Body))
		})
}
