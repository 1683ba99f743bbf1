package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/webhook"
)

// registerWebhooks lists the operations on outgoing webhooks.
func (a *API) registerWebhooks() {
	if a.Webhooks == nil {
		return
	}
	const tag = "Webhooks"
	keys := needs(care.PermKeys)

	register(a, op{ID: "list-webhooks", Method: "GET", Path: "/webhooks", Tag: tag, Summary: "List endpoints", Access: keys},
		func(ctx context.Context, in *struct {
			InStore
			Paging
		}) (*Out[List[webhook.Endpoint]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Webhooks.List(ctx, scope(ctx), in.StoreID, p)
			return pageByID(in.Paging, rows, func(e webhook.Endpoint) int64 { return e.ID }, err)
		})
	register(a, op{ID: "list-webhook-events", Method: "GET", Path: "/webhooks/events", Tag: tag, Summary: "List the types of events", Access: keys},
		func(context.Context, *struct{}) (*Out[List[string]], error) {
			return &Out[List[string]]{List[string]{Items: webhook.Events}}, nil
		})
	register(a, op{ID: "create-webhook", Method: "POST", Path: "/webhooks", Tag: tag, Summary: "Add an endpoint", Access: keys, Status: 201,
		Detail: "Events are sent as POST by the Standard Webhooks convention: verify webhook-signature over webhook-id.webhook-timestamp.body with the secret, which only this answer shows. Any 2xx answer within 15 s is success."},
		func(ctx context.Context, in *struct {
			Body struct {
				StoreID int64 `json:"store_id" minimum:"1"`
				webhook.EndpointInput
			}
		}) (*Out[webhook.Endpoint], error) {
			return out(a.Webhooks.Create(ctx, by(ctx), in.Body.StoreID, in.Body.EndpointInput))
		})
	register(a, op{ID: "get-webhook", Method: "GET", Path: "/webhooks/{id}", Tag: tag, Summary: "Get an endpoint", Access: keys},
		func(ctx context.Context, in *struct{ ByID }) (*Out[webhook.Endpoint], error) {
			return out(a.Webhooks.Get(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "update-webhook", Method: "PUT", Path: "/webhooks/{id}", Tag: tag, Summary: "Change an endpoint", Access: keys},
		func(ctx context.Context, in *struct {
			ByID
			Body webhook.EndpointInput
		}) (*Out[webhook.Endpoint], error) {
			return out(a.Webhooks.Update(ctx, by(ctx), in.ID, in.Body))
		})
	register(a, op{ID: "rotate-webhook", Method: "POST", Path: "/webhooks/{id}/rotate", Tag: tag, Summary: "Make a new secret; the old one signs too for a day", Access: keys},
		func(ctx context.Context, in *struct{ ByID }) (*Out[newSecret], error) {
			secret, err := a.Webhooks.Rotate(ctx, by(ctx), in.ID)
			return out(newSecret{secret}, err)
		})
	register(a, op{ID: "delete-webhook", Method: "DELETE", Path: "/webhooks/{id}", Tag: tag, Summary: "Remove an endpoint", Access: keys},
		func(ctx context.Context, in *struct{ ByID }) (*None, error) {
			return none(a.Webhooks.Delete(ctx, by(ctx), in.ID))
		})
	register(a, op{ID: "list-deliveries", Method: "GET", Path: "/webhooks/{id}/deliveries", Tag: tag, Summary: "List deliveries, newest first", Access: keys},
		func(ctx context.Context, in *struct {
			ByID
			Paging
		}) (*Out[List[webhook.Delivery]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Webhooks.Deliveries(ctx, by(ctx), in.ID, p)
			return pageByID(in.Paging, rows, func(d webhook.Delivery) int64 { return d.ID }, err)
		})
	register(a, op{ID: "replay-delivery", Method: "POST", Path: "/deliveries/{id}/replay", Tag: tag, Summary: "Send a delivery again", Access: keys, Status: 202},
		func(ctx context.Context, in *struct{ ByID }) (*None, error) {
			return none(a.Webhooks.Replay(ctx, by(ctx), in.ID))
		})
}

type newSecret struct {
	Secret string `json:"secret"`
}
