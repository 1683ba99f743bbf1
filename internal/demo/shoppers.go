package demo

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"opeka/internal/peer"
)

// shoppers are the people who come to the demo's shop. What they do goes through the doors that real ones use:
// they look, buy and pay in the storefront's engine, and write through the widget's requests.
type shoppers struct {
	shop     *shop
	opeka    string
	front    string
	identity string
	client   *http.Client
	rand     *rand.Rand
	log      *slog.Logger

	here    map[int]*peer.Visitor // by person
	written int
}

type talk struct {
	person int
	topic  string
	said   peer.Said
}

func newShoppers(s *shop, opeka, front, identitySecret string, log *slog.Logger) *shoppers {
	return &shoppers{shop: s, opeka: opeka, front: front, identity: identitySecret, client: peer.Client(), rand: rand.New(rand.NewPCG(3, 5)), log: log, here: map[int]*peer.Visitor{}}
}

// visitor returns the browser of a person, who is signed in at the shop.
func (s *shoppers) visitor(ctx context.Context, who int) (*peer.Visitor, error) {
	if v := s.here[who]; v != nil {
		return v, nil
	}
	p := s.shop.state.People[who]
	v := &peer.Visitor{URL: s.opeka, Store: shopSlug, HTTP: s.client}
	if err := v.Arrive(ctx, p.language, s.front+"/", peer.Vouch(s.identity, p.id, p.email, p.phone, p.name())); err != nil {
		return nil, err
	}
	s.here[who] = v
	return v, nil
}

// browse looks at a product, as the widget would tell.
func (s *shoppers) browse(ctx context.Context) error {
	v, err := s.visitor(ctx, s.rand.IntN(peopleCount))
	if err != nil {
		return err
	}
	p := pick(s.rand, catalogue)
	seen := map[string]any{"kind": "product", "data": map[string]any{"id": p.id, "name": p.name, "url": s.front + "/p/" + p.id}}
	return v.Do(ctx, http.MethodPost, "/track", map[string]any{"events": []any{seen}}, nil)
}

// order buys one to three things.
func (s *shoppers) order() *order {
	var wants []want
	for range 1 + s.rand.IntN(3) {
		n := s.rand.IntN(len(catalogue))
		wants = append(wants, want{n, s.rand.IntN(len(catalogue[n].options)), 1 + int64(s.rand.IntN(5)/4)})
	}
	pay := pick(s.rand, []string{"Картка", "Картка", "Накладений платіж"})
	ship := pick(s.rand, []string{"Нова пошта", "Нова пошта", "Самовивіз", "Кур'єр"})
	return s.shop.buy(s.rand.IntN(peopleCount), wants, pay, ship)
}

// ask writes to the shop: mostly about an order, in the shopper's own language.
func (s *shoppers) ask(ctx context.Context) (talk, error) {
	who := s.rand.IntN(peopleCount)
	o := s.shop.lastOrder(who)
	topic := pick(s.rand, topics)
	if o == nil {
		topic = "stock"
	}
	number := ""
	if o != nil {
		number = o.Number
	}
	n := s.rand.IntN(len(catalogue))
	p := s.shop.state.People[who]
	body := fill(pick(s.rand, questions[topic][p.language]), number, catalogue[n].label(s.rand.IntN(len(catalogue[n].options))))
	return s.write(ctx, who, topic, body)
}

// thank writes a last word in a talk.
func (s *shoppers) thank(ctx context.Context, t talk) error {
	_, err := s.write(ctx, t.person, t.topic, pick(s.rand, thanks[s.shop.state.People[t.person].language]))
	return err
}

func (s *shoppers) write(ctx context.Context, who int, topic, body string) (talk, error) {
	v, err := s.visitor(ctx, who)
	if err != nil {
		return talk{}, err
	}
	s.written++
	said, err := v.Say(ctx, fmt.Sprintf("demo-%d-%d", time.Now().UnixNano(), s.written), body, s.front+"/")
	return talk{who, topic, said}, err
}

// maxOpen bounds how many unanswered talks shoppers leave, so that a demo left alone for a day stays a believable one.
const maxOpen = 24

// live makes the shop live at an easy pace until ctx ends. open tells how many conversations wait.
func (s *shoppers) live(ctx context.Context, open func() int64) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(4+s.rand.IntN(9)) * time.Second):
		}
		s.shop.advance()
		var err error
		switch luck := s.rand.IntN(100); {
		case luck < 45:
			err = s.browse(ctx)
		case luck < 65:
			s.order()
		case luck < 75:
			s.shop.restock()
		case open() < maxOpen:
			_, err = s.ask(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("demo shopper", "err", err)
		}
	}
}
