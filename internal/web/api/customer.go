package api

import (
	"context"

	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
)

// CustomerCard is a customer with what he has been to the store so far.
type CustomerCard struct {
	Customer customer.Profile `json:"customer"`
	Stats    customer.Stats   `json:"stats"`
}

// ConsentChange is what a customer answered; what is absent stays as it is.
type ConsentChange struct {
	DoNotCall        *bool   `json:"do_not_call,omitempty"`
	Email            *bool   `json:"email,omitempty"`
	SMS              *bool   `json:"sms,omitempty"`
	Messenger        *bool   `json:"messenger,omitempty"`
	PreferredChannel *string `json:"preferred_channel,omitempty" maxLength:"20"`
	QuietFrom        *string `json:"quiet_from,omitempty" maxLength:"5" doc:"HH:MM, empty for none"`
	QuietTo          *string `json:"quiet_to,omitempty" maxLength:"5"`
}

// CustomerChange is what of a customer is changed; what is absent stays as it is.
type CustomerChange struct {
	Name     *string        `json:"name,omitempty" maxLength:"200"`
	Language *string        `json:"language,omitempty" maxLength:"10"`
	Birthday *string        `json:"birthday,omitempty" maxLength:"10" pattern:"^(\\d{4}-\\d{2}-\\d{2})?$"`
	Note     *string        `json:"note,omitempty" maxLength:"10000"`
	Consent  *ConsentChange `json:"consent,omitempty"`
	Source   string         `json:"source,omitempty" enum:"agent,customer,shop,import" doc:"Who says so; agent if absent"`
}

// NewContact is a phone number or e-mail address of a customer, as people write it.
type NewContact struct {
	Kind    string `json:"kind" enum:"phone,email"`
	Value   string `json:"value" minLength:"1" maxLength:"320"`
	Country string `json:"country,omitempty" maxLength:"2" doc:"ISO 3166 code by which a national phone number is read"`
}

// NewCustomer is a customer made by hand.
type NewCustomer struct {
	StoreID  int64        `json:"store_id" minimum:"1"`
	Name     string       `json:"name" maxLength:"200"`
	Language string       `json:"language,omitempty" maxLength:"10"`
	Contacts []NewContact `json:"contacts,omitempty" maxItems:"20"`
}

// MergeID names a merge, to undo it by.
type MergeID struct {
	Merge int64 `json:"merge_id"`
}

func (a *API) registerCustomer() {
	if a.Customers == nil {
		return
	}
	read, write := needs(care.PermCustomerRead), needs(care.PermCustomerWrite)
	const tag = "Customers"
	register(a, op{ID: "list-customers", Method: "GET", Path: "/customers", Tag: tag, Summary: "List customers, the newest first", Access: read},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[customer.Row]], error) {
			from, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := a.Customers.List(ctx, scope(ctx), in.StoreID, from.After, int(from.Limit))
			return pageByID(in.Paging, rows, func(r customer.Row) int64 { return r.ID }, err)
		})
	register(a, op{ID: "create-customer", Method: "POST", Path: "/customers", Tag: tag, Summary: "Make a customer", Access: write, Status: 201,
		Detail: "If a shop's records know somebody by the same phone or e-mail, that customer is returned."},
		func(ctx context.Context, in *struct{ Body NewCustomer }) (*Out[customer.Profile], error) {
			var ids []care.Identity
			for _, c := range in.Body.Contacts {
				id, err := customer.ContactOf(care.IdentityKind(c.Kind), c.Value, c.Country)
				if err != nil {
					return nil, err
				}
				ids = append(ids, id)
			}
			id, _, err := a.Customers.Create(ctx, scope(ctx), in.Body.StoreID, ids, customer.Hint{Name: in.Body.Name, Language: in.Body.Language})
			if err != nil {
				return nil, err
			}
			return out(a.Customers.Get(ctx, scope(ctx), id))
		})
	register(a, op{ID: "get-customer", Method: "GET", Path: "/customers/{id}", Tag: tag, Summary: "Get a customer", Access: read,
		Detail: "Asked for one that was merged, it answers with the customer that it became part of."},
		func(ctx context.Context, in *ByID) (*Out[CustomerCard], error) {
			p, err := a.Customers.Get(ctx, scope(ctx), in.ID)
			if err != nil {
				return nil, err
			}
			st, err := a.Customers.Stats(ctx, scope(ctx), p.ID)
			return out(CustomerCard{p, st}, err)
		})
	register(a, op{ID: "change-customer", Method: "PATCH", Path: "/customers/{id}", Tag: tag, Summary: "Change a customer, or note what he allows", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body CustomerChange
		}) (*Out[customer.Profile], error) {
			return out(a.Customers.Update(ctx, scope(ctx), in.ID, in.Body.change()))
		})
	register(a, op{ID: "add-customer-contact", Method: "POST", Path: "/customers/{id}/identities", Tag: tag, Summary: "Add a phone number or e-mail address", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body NewContact
		}) (*Out[customer.Profile], error) {
			return out(a.Customers.AddIdentity(ctx, scope(ctx), in.ID, care.IdentityKind(in.Body.Kind), in.Body.Value, in.Body.Country))
		})
	register(a, op{ID: "remove-customer-contact", Method: "DELETE", Path: "/customers/{id}/identities/{identity}", Tag: tag, Summary: "Remove a phone number or e-mail address", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Identity int64 `path:"identity" minimum:"1"`
		}) (*None, error) {
			return none(a.Customers.RemoveIdentity(ctx, scope(ctx), in.ID, in.Identity))
		})
	register(a, op{ID: "get-customer-timeline", Method: "GET", Path: "/customers/{id}/timeline", Tag: tag, Summary: "What happened with a customer, the latest first", Access: read},
		func(ctx context.Context, in *struct {
			ByID
			Paging
		}) (*Out[List[customer.Item]], error) {
			items, next, err := a.Customers.Timeline(ctx, scope(ctx), in.ID, in.Cursor, int(in.Limit))
			return out(List[customer.Item]{items, next}, err)
		})
	register(a, op{ID: "list-duplicates", Method: "GET", Path: "/customers/{id}/duplicates", Tag: tag, Summary: "Who may be the same person", Access: read},
		func(ctx context.Context, in *ByID) (*Out[List[customer.Duplicate]], error) {
			list, err := a.Customers.Duplicates(ctx, scope(ctx), in.ID)
			return out(List[customer.Duplicate]{Items: list}, err)
		})
	register(a, op{ID: "merge-customers", Method: "POST", Path: "/customers/{id}/merge", Tag: tag, Summary: "Make another customer a part of this one", Access: write},
		func(ctx context.Context, in *struct {
			ByID
			Body struct {
				Other int64 `json:"other_id" minimum:"1"`
			}
		}) (*Out[MergeID], error) {
			id, err := a.Customers.Merge(ctx, scope(ctx), in.ID, in.Body.Other)
			return out(MergeID{id}, err)
		})
	register(a, op{ID: "undo-merge", Method: "POST", Path: "/merges/{id}/undo", Tag: tag, Summary: "Take a merge back", Access: write},
		func(ctx context.Context, in *ByID) (*None, error) {
			return none(a.Customers.Undo(ctx, scope(ctx), in.ID))
		})
	if a.Commerce == nil {
		return
	}
	register(a, op{ID: "list-customer-orders", Method: "GET", Path: "/customers/{id}/orders", Tag: tag, Summary: "Orders of a customer, the latest first", Access: needs(care.PermCommerceRead)},
		func(ctx context.Context, in *struct {
			ByID
			Paging
		}) (*Out[List[commerce.Order]], error) {
			return orderPage(in.Paging, func(from commerce.OrderPlace, limit int64) ([]commerce.Order, error) {
				return a.Commerce.OrdersOf(ctx, scope(ctx), in.ID, from, limit)
			})
		})
}

func (c CustomerChange) change() customer.Change {
	ch := customer.Change{Name: c.Name, Language: c.Language, Birthday: c.Birthday, Note: c.Note, Consents: map[string]bool{}, Source: c.Source}
	if ch.Source == "" {
		ch.Source = "agent"
	}
	if k := c.Consent; k != nil {
		ch.PreferredChannel, ch.QuietFrom, ch.QuietTo = k.PreferredChannel, k.QuietFrom, k.QuietTo
		for subject, given := range map[string]*bool{
			customer.SubjectDoNotCall: k.DoNotCall, customer.SubjectEmail: k.Email, customer.SubjectSMS: k.SMS, customer.SubjectMessenger: k.Messenger,
		} {
			if given != nil {
				ch.Consents[subject] = *given
			}
		}
	}
	return ch
}
