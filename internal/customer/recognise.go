package customer

import (
	"context"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/customer/query"
)

// How far an identity can be trusted to be the customer's.
const (
	claimed = 0 // somebody said so
	vouched = 1 // a shop's order or record says so; people mistype and order for others
	proven  = 2 // confirmed, signed, or a shop account or browser that only its owner has
)

// claim is one identity that came with a message or record.
type claim struct {
	Kind    care.IdentityKind
	Value   string
	Display string
	Trust   int
}

// held is an identity that a customer already has.
type held struct {
	claim
	id    int64 // of the row
	owner int64 // the customer that has the row; merged ones keep theirs
}

// holder is a customer (never a merged one) with all identities, those of customers merged into it included.
type holder struct {
	id   int64
	held []held
}

// plan says who is meant and what is new.
type plan struct {
	Found  int64   // 0: nobody known
	Owner  int64   // who of his parts holds the identity that he was found by; what is new is attached there
	Merge  []int64 // customers that are proven to be the same person
	Reason string  // the identity that proved it
	Attach []claim
	Raise  []raise
	Move   []int64 // identity rows that change hands: a shared browser
}

type raise struct {
	claim
	id int64
}

func (p plan) changes() bool { return len(p.Merge)+len(p.Attach)+len(p.Raise)+len(p.Move) > 0 }

// byProof are the kinds by which a customer is recognised on proof, the strongest first.
var byProof = []care.IdentityKind{care.IdentityShop, care.IdentityTelegram, care.IdentityViber, care.IdentityWhatsApp, care.IdentityMessenger, care.IdentityEmail, care.IdentityPhone}

// decide is the rule of recognition. Knowing a customer opens his orders and conversations, so nothing that anybody can type may lead there.
//
//  1. Proven identities (shop account, messenger account, verified phone or e-mail) recognise whoever holds the same one, proven. If they
//     point at several customers these are one person, and are merged into the oldest; except that customers with different
//     accounts of one shop are never merged by themselves: then the account's holder is meant, before the e-mail's, before the phone's.
//  2. A browser (visitor) recognises its customer. If that one has nothing else that is proven it is merged into the one of rule 1; otherwise
//     the browser is shared, and goes over to the one of rule 1, alone.
//  3. A proven e-mail or phone without such a holder recognises a customer for whom a shop's records give it, if he has no proven identity and no browser
//     at all (a guest's orders); a phone also one who has, if he is the only one: callers must be recognised.
//  4. Without any proven identity or browser, an e-mail, then a phone, from a shop's records recognises whoever has it proven, else a guest as in 3.
//  5. With nothing but claims, a claim recognises a customer who himself consists of claims alone.
//
// Names never recognise anybody. Whoever else holds the same values is shown as a possible duplicate, for an agent to decide.
func decide(given []claim, holders []holder) plan {
	var p plan
	slices.SortFunc(holders, func(a, b holder) int { return int(a.id - b.id) })
	by := make(map[int64]*holder, len(holders))
	for i := range holders {
		by[holders[i].id] = &holders[i]
	}

	var lead *holder
	for _, kind := range byProof {
		for _, g := range given {
			if g.Kind != kind || g.Trust != proven {
				continue
			}
			h := withProven(holders, g)
			switch {
			case h == nil || lead != nil && lead.id == h.id:
			case lead == nil:
				if !otherAccount(*h, given) || g.Kind == care.IdentityShop {
					lead = h
				}
			case !accountsDiffer(*lead, *h) && !otherAccount(*h, given) && !slices.Contains(p.Merge, h.id):
				p.Merge, p.Reason = append(p.Merge, h.id), string(g.Kind)
				// The oldest goes on living; what the later accounts are compared with grows.
				joined := holder{id: min(lead.id, h.id), held: append(slices.Clone(lead.held), h.held...)}
				if joined.id == h.id {
					p.Merge[len(p.Merge)-1] = lead.id
				}
				lead = &joined
			}
		}
	}

	var browser *claim
	for i, g := range given {
		if g.Kind != care.IdentityVisitor {
			continue
		}
		browser = &given[i]
		h := withProven(holders, g)
		switch {
		case h == nil || lead != nil && (h.id == lead.id || slices.Contains(p.Merge, h.id)):
		case lead == nil && !otherAccount(*h, given):
			lead = h
		case lead != nil && !h.known():
			p.Merge, p.Reason = append(p.Merge, h.id), string(g.Kind)
			lead = &holder{id: lead.id, held: append(slices.Clone(lead.held), h.held...)}
		default:
			for _, x := range h.held {
				if x.Kind == g.Kind && x.Value == g.Value {
					p.Move = append(p.Move, x.id)
				}
			}
		}
	}

	if lead == nil {
		lead = contact(given, holders, browser != nil)
	}
	if lead != nil {
		p.Found, p.Owner = lead.id, lead.owner(given)
	}
	p.attach(given, lead, holders)
	return p
}

// contact finds a customer by e-mail or phone alone (rules 3 to 5).
func contact(given []claim, holders []holder, browser bool) *holder {
	strong := 0
	for _, g := range given {
		if g.Trust == proven {
			strong++
		}
	}
	best := claimed
	for _, g := range given {
		best = max(best, g.Trust)
	}
	for _, kind := range []care.IdentityKind{care.IdentityEmail, care.IdentityPhone} {
		for _, g := range given {
			if g.Kind != kind || g.Trust != best {
				continue
			}
			var same []*holder
			for i := range holders {
				if holders[i].has(g, claimed) {
					same = append(same, &holders[i])
				}
			}
			for _, h := range same {
				switch {
				case g.Trust == proven: // rule 3
					if h.has(g, vouched) && !otherAccount(*h, given) && (h.guest() || g.Kind == care.IdentityPhone && len(same) == 1) {
						return h
					}
				case strong > 0 || browser:
				case g.Trust == vouched: // rule 4
					if h.has(g, proven) || h.has(g, vouched) && h.guest() {
						return h
					}
				case h.claims(): // rule 5
					return h
				}
			}
		}
	}
	return nil
}

// attach lists what the customer doesn't have yet. Nothing proven is held twice: what another one has proven stays a claim here.
func (p *plan) attach(given []claim, lead *holder, holders []holder) {
	for _, g := range given {
		if g.Trust == proven {
			if h := withProven(holders, g); h != nil && (lead == nil || h.id != lead.id && !slices.Contains(p.Merge, h.id)) {
				if g.Kind.Account() || g.Kind == care.IdentityVisitor {
					continue
				}
				g.Trust = claimed
			}
		}
		var own *held
		if lead != nil {
			for i, x := range lead.held {
				if x.Kind == g.Kind && x.Value == g.Value && (own == nil || x.Trust > own.Trust) {
					own = &lead.held[i]
				}
			}
		}
		switch {
		case own == nil:
			p.Attach = append(p.Attach, g)
		case own.Trust < g.Trust:
			p.Raise = append(p.Raise, raise{g, own.id})
		}
	}
}

// owner is the part of a customer that holds the most telling of the given identities.
func (h holder) owner(given []claim) int64 {
	owner, best := h.id, 0
	for _, g := range given {
		weight := len(byProof) - slices.Index(byProof, g.Kind)
		if !slices.Contains(byProof, g.Kind) {
			weight = 1 // a browser tells least: it may be shared
		}
		for _, x := range h.held {
			if n := 100*min(x.Trust, g.Trust) + weight; x.Kind == g.Kind && x.Value == g.Value && n > best {
				owner, best = x.owner, n
			}
		}
	}
	return owner
}

func withProven(holders []holder, g claim) *holder {
	for i := range holders {
		if holders[i].has(g, proven) {
			return &holders[i]
		}
	}
	return nil
}

func (h holder) has(g claim, trust int) bool {
	return slices.ContainsFunc(h.held, func(x held) bool { return x.Kind == g.Kind && x.Value == g.Value && x.Trust >= trust })
}

// known tells whether anything but a browser proves who it is.
func (h holder) known() bool {
	return slices.ContainsFunc(h.held, func(x held) bool { return x.Trust == proven && x.Kind != care.IdentityVisitor })
}

// guest tells whether the customer is only an address or number from a shop's records.
func (h holder) guest() bool {
	return !slices.ContainsFunc(h.held, func(x held) bool { return x.Trust == proven })
}

func (h holder) claims() bool {
	return !slices.ContainsFunc(h.held, func(x held) bool { return x.Trust != claimed })
}

// accountsDiffer tells whether the two have different accounts in one shop.
func accountsDiffer(a, b holder) bool {
	return slices.ContainsFunc(b.held, func(x held) bool { return x.Kind == care.IdentityShop && differs(a, x.claim) })
}

// otherAccount tells whether the customer has an account in the shop of the given account, but not that one.
func otherAccount(h holder, given []claim) bool {
	return slices.ContainsFunc(given, func(g claim) bool { return g.Kind == care.IdentityShop && differs(h, g) })
}

func differs(h holder, account claim) bool {
	shop, _, _ := strings.Cut(account.Value, ":")
	other := false
	for _, x := range h.held {
		if s, _, _ := strings.Cut(x.Value, ":"); x.Kind == care.IdentityShop && s == shop {
			if x.Value == account.Value {
				return false
			}
			other = true
		}
	}
	return other
}

// claimsOf normalises what was given and drops what is empty or given twice.
func claimsOf(ids []care.Identity, fromShop bool) []claim {
	out := make([]claim, 0, len(ids))
	for _, id := range ids {
		g := claim{Kind: id.Kind, Value: strings.TrimSpace(id.Value), Display: clip(id.Display, maxName), Trust: claimed}
		if g.Kind == care.IdentityEmail {
			g.Value = strings.ToLower(g.Value)
		}
		switch {
		case id.Verified, g.Kind.Account(), g.Kind == care.IdentityVisitor:
			g.Trust = proven
		case fromShop:
			g.Trust = vouched
		}
		if g.Value == "" || len(g.Value) > 320 {
			continue
		}
		if i := slices.IndexFunc(out, func(o claim) bool { return o.Kind == g.Kind && o.Value == g.Value }); i >= 0 {
			out[i].Trust = max(out[i].Trust, g.Trust)
			continue
		}
		out = append(out, g)
	}
	return out
}

// holdersOf loads everybody who holds any of the given identities.
func holdersOf(ctx context.Context, q *query.Queries, store int64, given []claim) ([]holder, error) {
	if len(given) == 0 {
		return nil, nil
	}
	values := make([]string, len(given))
	for i, g := range given {
		values[i] = g.Value
	}
	rows, err := q.HoldersOf(ctx, query.HoldersOfParams{StoreID: store, Column2: values})
	if err != nil {
		return nil, err
	}
	var heads []int64
	for _, r := range rows {
		if !slices.ContainsFunc(given, func(g claim) bool { return string(g.Kind) == r.Kind && g.Value == r.Value }) {
			continue
		}
		if id := head(r.CustomerID, r.MergedInto); !slices.Contains(heads, id) {
			heads = append(heads, id)
		}
	}
	if len(heads) == 0 {
		return nil, nil
	}
	all, err := q.IdentitiesOfFamilies(ctx, heads)
	if err != nil {
		return nil, err
	}
	out := make([]holder, len(heads))
	for i, id := range heads {
		out[i].id = id
	}
	for _, r := range all {
		i := slices.Index(heads, head(r.CustomerID, r.MergedInto))
		if i < 0 {
			continue
		}
		out[i].held = append(out[i].held, held{claim{care.IdentityKind(r.Kind), r.Value, r.Display, int(r.Trust)}, r.ID, r.CustomerID})
	}
	return out, nil
}

func head(id, mergedInto int64) int64 {
	if mergedInto != 0 {
		return mergedInto
	}
	return id
}
