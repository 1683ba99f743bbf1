package inbox

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/post"
	"opeka/internal/text"
	"opeka/messages"
)

// TemplateChoice is a message approved by the channel's service that an agent sends, with what stands in its places: words, or {variables} of
// saved replies, which are filled when it is sent.
type TemplateChoice struct {
	Name     string   `json:"name" minLength:"1" maxLength:"512"`
	Language string   `json:"language" maxLength:"20"`
	Values   []string `json:"values" maxItems:"50"`
}

const maxPlace = 1000

// Offer is such a message with what its places held when it was last sent.
type Offer struct {
	care.ApprovedTemplate
	Fills []string `json:"fills" doc:"For each place a variable such as {order.number}, or nothing"`
}

// Offers are the approved messages of a way, with the values of the variables for this customer.
type Offers struct {
	Items     []Offer           `json:"items"`
	Variables map[string]string `json:"variables" doc:"Those that are known of this customer, and their values"`
	Language  string            `json:"language" doc:"The customer's"`
}

// Templates lists the approved messages that may be sent to the customer of a conversation on a channel: his way's own when channel is empty.
func (i *Inbox) Templates(ctx context.Context, scope care.Scope, conversation int64, channel, address string) (Offers, error) {
	c, err := visible(ctx, i.db.Read(), false, scope, conversation, care.PermInboxWrite)
	if err != nil {
		return Offers{}, err
	}
	ways, err := i.Ways(ctx, scope, conversation)
	if err != nil {
		return Offers{}, err
	}
	return i.offers(ctx, scope, c, ways, channel, address)
}

// TemplatesTo is Templates for a customer who is written to first.
func (i *Inbox) TemplatesTo(ctx context.Context, scope care.Scope, customer int64, channel, address string) (Offers, error) {
	store, name, language, err := i.person(ctx, scope, customer, care.PermInboxWrite)
	if err != nil {
		return Offers{}, err
	}
	ways, err := i.WaysTo(ctx, scope, customer)
	if err != nil {
		return Offers{}, err
	}
	return i.offers(ctx, scope, conversation{Store: store, Person: customer, PersonName: name, Language: language, Channel: channel}, ways, channel, address)
}

func (i *Inbox) offers(ctx context.Context, scope care.Scope, c conversation, ways []post.Way, channel, address string) (Offers, error) {
	way, ok := wayOf(ways, c.Channel, channel, address)
	out := Offers{Items: []Offer{}, Variables: map[string]string{}, Language: c.Language}
	if !ok { // nothing to offer where he can't be reached
		return out, nil
	}
	list, err := i.post.Templates(ctx, c.Store, way.Connection)
	if err != nil {
		return Offers{}, err
	}
	before, err := fillsOf(ctx, i.db.Read(), c.Store, way.Channel)
	if err != nil {
		return Offers{}, err
	}
	values, home, err := i.values(ctx, scope, c)
	if err != nil {
		return Offers{}, err
	}
	spell(values, c.Language, home)
	for _, name := range MacroVariables {
		if values[name] != "" {
			out.Variables[name] = values[name]
		}
	}
	for _, t := range list {
		o := Offer{ApprovedTemplate: t, Fills: before[[2]string{t.Name, t.Language}]}
		if len(o.Fills) != len(t.Places) {
			o.Fills = guessed(t.Places)
		}
		out.Items = append(out.Items, o)
	}
	// Those in the customer's language first, then by name.
	slices.SortStableFunc(out.Items, func(a, b Offer) int {
		if x, y := speaks(a.Language, c.Language), speaks(b.Language, c.Language); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// speaks tells whether a template's language (pt_BR) is a customer's (pt); what has none is anybody's.
func speaks(template, customer string) bool {
	base, _, _ := strings.Cut(template, "_")
	return base == "" || base == customer
}

// wayOf finds the way by which an answer goes: the conversation's own comes first on its channel.
func wayOf(ways []post.Way, own, channel, address string) (post.Way, bool) {
	if channel == "" {
		channel = own
	}
	n := slices.IndexFunc(ways, func(w post.Way) bool { return w.Channel == channel && (address == "" || w.Address == address) })
	if n < 0 {
		return post.Way{}, false
	}
	return ways[n], true
}

// spell puts an order's stage into the words of the language in which is written.
func spell(values map[string]string, language, home string) {
	if stage := values["order.stage"]; stage != "" {
		for _, l := range append([]string{language, home}, messages.Languages...) {
			if slices.Contains(messages.Languages, l) {
				values["order.status"] = messages.T(l, "stage."+stage, nil)
				return
			}
		}
	}
}

// alike are the names that templates' authors give to what we know.
var alike = map[string]string{
	"name": "customer.first_name", "first_name": "customer.first_name", "customer_name": "customer.name", "full_name": "customer.name", "customer": "customer.first_name",
	"order": "order.number", "order_id": "order.number", "order_number": "order.number", "number": "order.number", "total": "order.total", "amount": "order.total", "order_total": "order.total",
	"tracking": "order.tracking", "tracking_number": "order.tracking", "tracking_link": "order.tracking_link", "carrier": "order.carrier", "status": "order.status", "order_status": "order.status",
	"pickup_point": "order.pickup_point", "shop": "store.name", "store": "store.name", "shop_name": "store.name", "store_name": "store.name", "agent": "agent.first_name", "agent_name": "agent.first_name",
}

// guessed are the variables that the places' names speak of.
func guessed(places []care.TemplatePlace) []string {
	out := make([]string, len(places))
	for n, p := range places {
		if v := alike[strings.ToLower(p.Name)]; v != "" {
			out[n] = "{" + v + "}"
		}
	}
	return out
}

func fillsOf(ctx context.Context, q db.Querier, store int64, channel string) (map[[2]string][]string, error) {
	rows, err := q.Query(ctx, `SELECT name, language, fills FROM template_fills WHERE store_id = $1 AND channel = $2`, store, channel)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[[2]string][]string{}
	for rows.Next() {
		var name, language string
		var raw []byte
		if err := rows.Scan(&name, &language, &raw); err != nil {
			return nil, err
		}
		var fills []string
		if err := json.Unmarshal(raw, &fills); err != nil {
			return nil, err
		}
		out[[2]string{name, language}] = fills
	}
	return out, rows.Err()
}

// approved is a chosen template ready to be sent.
type approved struct {
	channel string
	choice  TemplateChoice
	filled  care.ServiceTemplate
}

// fillTemplate puts the chosen template's text in the answer's place; nothing else of what was written goes with it.
func (i *Inbox) fillTemplate(ctx context.Context, scope care.Scope, c conversation, ways []post.Way, a *Answer) error {
	if a.Kind != KindReply || len(a.Attachments) > 0 || a.Forward != 0 {
		return care.Invalid("template", "value_invalid")
	}
	way, ok := wayOf(ways, c.Channel, a.Channel, a.Address)
	if !ok {
		return care.Conflict("channel.no_address", "channel", a.Channel)
	}
	list, err := i.post.Templates(ctx, c.Store, way.Connection)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(list, func(t care.ApprovedTemplate) bool {
		return t.Name == a.Template.Name && t.Language == a.Template.Language
	})
	if n < 0 {
		return care.Invalid("template", "template_gone", "template", a.Template.Name)
	}
	values, home, err := i.values(ctx, scope, c)
	if err != nil {
		return err
	}
	spell(values, c.Language, home)
	words := make([]string, len(a.Template.Values))
	for n, v := range a.Template.Values {
		if len(v) > maxPlace {
			return care.Invalid("template.values", "too_long", "max", maxPlace)
		}
		filled := v
		if variable, ok := variableIn(v); ok {
			if filled = values[variable]; filled == "" {
				return care.Invalid("template.values", "template_unfilled", "variable", variable)
			}
		}
		words[n] = text.MaskCards(filled)
	}
	sent, body, err := list[n].Fill(words)
	if err != nil {
		return err
	}
	a.Body, a.approved = body, &approved{way.Channel, *a.Template, sent}
	return nil
}

// variableIn tells a value that is one variable, and nothing else, from an agent's own words.
func variableIn(value string) (name string, ok bool) {
	name, found := strings.CutPrefix(value, "{")
	name, closed := strings.CutSuffix(name, "}")
	return name, found && closed && slices.Contains(MacroVariables, name)
}

// remember keeps which variables stood in a template's places, never what an agent wrote there.
func (e *edit) remember(t approved) {
	fills := make([]string, len(t.choice.Values))
	for n, v := range t.choice.Values {
		if _, ok := variableIn(v); ok {
			fills[n] = v
		}
	}
	raw, _ := json.Marshal(fills) // strings only
	e.Defer(`INSERT INTO template_fills (store_id, channel, name, language, fills, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (store_id, channel, name, language) DO UPDATE SET fills = excluded.fills, updated_at = excluded.updated_at`,
		e.now.Store, t.channel, t.choice.Name, t.choice.Language, json.RawMessage(raw), db.At(e.Now))
}
