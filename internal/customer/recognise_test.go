package customer

import (
	"slices"
	"testing"

	"opeka/internal/care"
)

// who builds a holder from short words: "shop 1:5 2", "email a@x 1", "visitor v 2".
func who(id int64, ids ...claim) holder {
	h := holder{id: id}
	for i, c := range ids {
		h.held = append(h.held, held{claim: c, id: id*10 + int64(i), owner: id})
	}
	return h
}

func is(kind care.IdentityKind, value string, trust int) claim {
	return claim{Kind: kind, Value: value, Trust: trust}
}

func TestRecognition(t *testing.T) {
	const (
		shop, email, phone, visitor = care.IdentityShop, care.IdentityEmail, care.IdentityPhone, care.IdentityVisitor
	)
	account := who(1, is(shop, "1:5", proven), is(email, "olena@x.ua", proven), is(phone, "+380501112233", vouched))
	guest := who(2, is(email, "guest@x.ua", vouched), is(phone, "+380670000000", vouched))
	browser := who(3, is(visitor, "v1", proven), is(email, "olena@x.ua", claimed))
	shared := who(4, is(visitor, "v2", proven), is(shop, "1:9", proven))
	letter := who(5, is(email, "new@x.ua", claimed))
	typed := who(6, is(shop, "1:66", proven), is(email, "victim@x.ua", vouched))

	for name, c := range map[string]struct {
		given   []claim
		holders []holder
		found   int64
		merge   []int64
		attach  int
		moved   int
	}{
		"nobody known":                            {given: []claim{is(email, "a@x.ua", vouched)}, attach: 1},
		"the same account":                        {given: []claim{is(shop, "1:5", proven)}, holders: []holder{account}, found: 1},
		"the same verified e-mail":                {given: []claim{is(email, "olena@x.ua", proven), is(shop, "2:7", proven)}, holders: []holder{account}, found: 1, attach: 1},
		"a claimed e-mail opens nothing":          {given: []claim{is(visitor, "v9", proven), is(email, "olena@x.ua", claimed)}, holders: []holder{account}, attach: 2},
		"a claim without a browser neither":       {given: []claim{is(email, "olena@x.ua", claimed)}, holders: []holder{account}, attach: 1},
		"a guest's e-mail neither":                {given: []claim{is(email, "guest@x.ua", claimed)}, holders: []holder{guest}, attach: 1},
		"two claims of one sender":                {given: []claim{is(email, "new@x.ua", claimed)}, holders: []holder{letter}, found: 5},
		"a guest order of a known e-mail":         {given: []claim{is(email, "olena@x.ua", vouched), is(phone, "+380991", vouched)}, holders: []holder{account}, found: 1, attach: 1},
		"a guest orders again":                    {given: []claim{is(email, "guest@x.ua", vouched)}, holders: []holder{guest}, found: 2},
		"a guest registers":                       {given: []claim{is(shop, "1:8", proven), is(email, "guest@x.ua", proven)}, holders: []holder{guest}, found: 2, attach: 1},
		"another account orders for her":          {given: []claim{is(shop, "1:77", proven), is(email, "olena@x.ua", vouched)}, holders: []holder{account}, attach: 2},
		"what an account typed isn't proof":       {given: []claim{is(email, "victim@x.ua", vouched)}, holders: []holder{typed}, attach: 1},
		"nor when the owner proves it":            {given: []claim{is(email, "victim@x.ua", proven)}, holders: []holder{typed}, attach: 1},
		"a caller by his account's phone":         {given: []claim{is(phone, "+380501112233", proven)}, holders: []holder{account}, found: 1},
		"a browser comes back":                    {given: []claim{is(visitor, "v1", proven)}, holders: []holder{browser}, found: 3},
		"a visitor signs in":                      {given: []claim{is(visitor, "v1", proven), is(shop, "1:5", proven)}, holders: []holder{account, browser}, found: 1, merge: []int64{3}},
		"another signs in on his computer":        {given: []claim{is(visitor, "v2", proven), is(shop, "1:5", proven)}, holders: []holder{account, shared}, found: 1, moved: 1},
		"somebody unknown signs in there":         {given: []claim{is(visitor, "v2", proven), is(shop, "1:10", proven)}, holders: []holder{shared}, attach: 1, moved: 1},
		"a guest's letter doesn't give a browser": {given: []claim{is(visitor, "v9", proven), is(email, "guest@x.ua", vouched)}, holders: []holder{guest}, attach: 2},
		"two accounts of one shop stay two": {
			given:   []claim{is(shop, "1:9", proven), is(email, "olena@x.ua", proven)},
			holders: []holder{account, shared}, found: 4, attach: 1,
		},
		"e-mail and phone proven at once": {
			given:   []claim{is(email, "a@x", proven), is(phone, "+1", proven)},
			holders: []holder{who(7, is(phone, "+1", proven)), who(8, is(email, "a@x", proven))}, found: 7, merge: []int64{8},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := decide(c.given, c.holders)
			if p.Found != c.found || !slices.Equal(p.Merge, c.merge) || len(p.Attach) != c.attach || len(p.Move) != c.moved {
				t.Errorf("got %+v", p)
			}
			if c.found == 0 && len(p.Merge) > 0 {
				t.Error("merged into nobody")
			}
			for _, a := range p.Attach {
				if a.Trust == proven && a.Kind != shop && withProven(c.holders, a) != nil {
					t.Errorf("%v is proven twice", a)
				}
			}
		})
	}
}
