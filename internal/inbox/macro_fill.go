package inbox

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"strings"

	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/messages"
)

// MacroVariables are what a saved reply can have filled in.
var MacroVariables = []string{
	"customer.first_name", "customer.name", "agent.first_name", "agent.name", "store.name",
	"order.number", "order.status", "order.total", "order.tracking", "order.tracking_link", "order.carrier", "order.pickup_point", "links.messengers",
}

// place is a place in a text that is to be filled: {name}, or {name|what stands there if it isn't known}.
type place struct {
	start, end int
	name       string
	otherwise  string
	optional   bool
}

var placePattern = regexp.MustCompile(`\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(\|[^{}]*)?\}`)

func places(body string) (out []place) {
	for _, m := range placePattern.FindAllStringSubmatchIndex(body, -1) {
		p := place{start: m[0], end: m[1], name: body[m[2]:m[3]]}
		if m[4] >= 0 {
			p.otherwise, p.optional = strings.TrimSpace(body[m[4]+1:m[5]]), true
		}
		out = append(out, p)
	}
	return out
}

// fillIn puts values into a body. A place without a value and without a word for that case stays as it is, to be seen, and is named.
func fillIn(body string, values map[string]string) (text string, missing []string) {
	var b strings.Builder
	at := 0
	for _, p := range places(body) {
		v := values[p.name]
		if v == "" && p.optional {
			v = p.otherwise
		} else if v == "" {
			v = "{" + p.name + "}"
			missing = append(missing, p.name)
		}
		b.WriteString(body[at:p.start] + v)
		at = p.end
	}
	return b.String() + body[at:], missing
}

// FilledMacro is a saved reply as it would be said in a conversation.
type FilledMacro struct {
	ID       int64    `json:"id"`
	Name     string   `json:"name"`
	Language string   `json:"language"`
	Body     string   `json:"body"`
	Missing  []string `json:"missing" doc:"Places that couldn't be filled; they stand in the body as they are"`
}

// MacrosFor returns the saved replies of a conversation's store, each in the customer's language as far as there is one, filled.
func (i *Inbox) MacrosFor(ctx context.Context, scope care.Scope, id int64) ([]FilledMacro, error) {
	q := i.db.Read()
	c, err := visible(ctx, q, false, scope, id, care.PermInboxRead)
	if err != nil {
		return nil, err
	}
	macros, err := macrosOf(ctx, q, []int64{c.Store})
	if err != nil || len(macros) == 0 {
		return []FilledMacro{}, err
	}
	values, home, err := i.values(ctx, scope, c)
	if err != nil {
		return nil, err
	}
	out := make([]FilledMacro, 0, len(macros))
	for _, m := range macros {
		f := FilledMacro{ID: m.ID, Name: m.Name}
		for _, lang := range append([]string{c.Language, home}, messages.Languages...) {
			if m.Bodies[lang] != "" {
				f.Language = lang
				break
			}
		}
		if stage := values["order.stage"]; stage != "" {
			values["order.status"] = messages.T(f.Language, "stage."+stage, nil)
		}
		f.Body, f.Missing = fillIn(m.Bodies[f.Language], values)
		if f.Missing == nil {
			f.Missing = []string{}
		}
		out = append(out, f)
	}
	return out, nil
}

// values are macroValues with what other rooms know.
func (i *Inbox) values(ctx context.Context, scope care.Scope, c conversation) (values map[string]string, home string, err error) {
	values, home, err = macroValues(ctx, i.db.Read(), scope, c)
	if err == nil && i.post != nil {
		values["links.messengers"] = i.post.BotsURL(ctx, c.Store, c.Person, 0, i.db.Now())
	}
	return values, home, err
}

// macroValues reads what can be said of a conversation: of its customer, of who answers, and of the order that it is most likely about.
func macroValues(ctx context.Context, q db.Querier, scope care.Scope, c conversation) (values map[string]string, home string, err error) {
	values = map[string]string{"customer.name": c.PersonName, "customer.first_name": firstName(c.PersonName)}
	var store, agent string
	if err := q.QueryRow(ctx, `SELECT name, language FROM stores WHERE id = $1`, c.Store).Scan(&store, &home); err != nil {
		return nil, "", err
	}
	values["store.name"] = store
	if scope.Agent != 0 {
		if err := q.QueryRow(ctx, `SELECT name FROM agents WHERE id = $1`, scope.Agent).Scan(&agent); err != nil && !errors.Is(err, db.ErrNoRows) {
			return nil, "", err
		}
		values["agent.name"], values["agent.first_name"] = agent, firstName(agent)
	}
	if !scope.May(c.Store, care.PermCommerceRead) || c.Person == 0 {
		return values, home, nil
	}
	var order, total, connection int64
	var number, stage, currency, pickup string
	family, err := customer.Family(ctx, q, c.Person)
	if err != nil {
		return nil, "", err
	}
	err = q.QueryRow(ctx, `SELECT id, connection_id, number, stage, total, currency, pickup_ref FROM orders
WHERE customer_id = ANY($1::bigint[]) AND store_id = $2 AND NOT deleted ORDER BY open DESC, placed_at DESC LIMIT 1`, family, c.Store).Scan(&order, &connection, &number, &stage, &total, &currency, &pickup)
	if errors.Is(err, db.ErrNoRows) {
		return values, home, nil
	}
	if err != nil {
		return nil, "", err
	}
	values["order.number"], values["order.stage"] = number, stage
	values["order.total"] = strings.TrimSuffix(care.Money{Amount: total, Currency: currency}.Decimal(), ".00") + " " + currency
	var carrier, tracking, link, ref string
	err = q.QueryRow(ctx, `SELECT carrier, tracking_number, tracking_url, pickup_ref FROM shipments WHERE order_id = $1 AND state <> 'cancelled'
ORDER BY CASE WHEN tracking_number = '' THEN 1 ELSE 0 END, shipped_at DESC, id DESC LIMIT 1`, order).Scan(&carrier, &tracking, &link, &ref)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return nil, "", err
	}
	values["order.carrier"], values["order.tracking"], values["order.tracking_link"] = carrier, tracking, link
	if pickup = cmp.Or(ref, pickup); pickup != "" {
		var name string
		err = q.QueryRow(ctx, `SELECT name FROM pickup_points WHERE connection_id = $1 AND external_id = $2`, connection, pickup).Scan(&name)
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return nil, "", err
		}
		values["order.pickup_point"] = cmp.Or(name, pickup)
	}
	return values, home, nil
}

func firstName(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return first
}
