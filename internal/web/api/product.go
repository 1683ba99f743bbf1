package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/commerce"
)

func (a *API) registerProduct() {
	if a.Commerce == nil {
		return
	}
	read := needs(care.PermCommerceRead)
	const tag = "Products"
	register(a, op{ID: "list-products", Method: "GET", Path: "/products", Tag: tag, Summary: "Find products with their live stock", Access: read},
		func(ctx context.Context, in *struct {
			Paging
			InStore
			Q        string `query:"q" maxLength:"200" doc:"Words of the name, a SKU or a barcode"`
			Location int64  `query:"location_id" minimum:"0" doc:"Only the stock of this place"`
		}) (*Out[List[commerce.Product]], error) {
			from, err := in.page()
			if err != nil {
				return nil, err
			}
			list, err := a.Commerce.Products(ctx, scope(ctx), in.StoreID, in.Location, in.Q, from.After, from.Limit)
			return pageByID(in.Paging, list, func(p commerce.Product) int64 { return p.ID }, err)
		})
	register(a, op{ID: "get-stock", Method: "GET", Path: "/variants/{id}/stock", Tag: tag, Summary: "Where a variant is, and how much of it", Access: read},
		func(ctx context.Context, in *ByID) (*Out[List[commerce.Stock]], error) {
			list, err := a.Commerce.StockOf(ctx, scope(ctx), in.ID)
			return out(List[commerce.Stock]{Items: list}, err)
		})
	register(a, op{ID: "list-places", Method: "GET", Path: "/places", Tag: tag, Summary: "Places that hold stock", Access: read},
		func(ctx context.Context, in *InStore) (*Out[List[commerce.PlaceRow]], error) {
			list, err := a.Commerce.Places(ctx, scope(ctx), in.StoreID)
			return out(List[commerce.PlaceRow]{Items: list}, err)
		})
}
