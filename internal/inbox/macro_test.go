package inbox_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"opeka/internal/care"
	"opeka/internal/inbox"
)

func TestSavedRepliesAreFilled(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		me := h.agent("Ірина Бойко", "ready")
		ask := h.from("v1", "Де моє замовлення?")
		ask.Language = "uk"
		got := h.receive(ask)
		hello, err := h.inbox.AddMacro(ctx, me, inbox.Macro{Store: h.store, Name: "Де замовлення", Bodies: map[string]string{
			"uk": "{customer.first_name}, замовлення {order.number} ({order.status}, {order.total}): ТТН { order.tracking } {order.carrier|перевізник}. {agent.first_name}, {store.name}",
			"en": "Dear {customer.name}", "pl": "  "}})
		if err != nil || len(hello.Bodies) != 2 {
			t.Fatal(hello, err)
		}
		polish, err := h.inbox.AddMacro(ctx, me, inbox.Macro{Store: h.store, Name: "Tylko po polsku", Bodies: map[string]string{"pl": "Cześć {customer.first_name|}!"}})
		if err != nil {
			t.Fatal(err)
		}
		filled := func(s care.Scope) (inbox.FilledMacro, inbox.FilledMacro) {
			t.Helper()
			list, err := h.inbox.MacrosFor(ctx, s, got.Conversation)
			if err != nil || len(list) != 2 {
				t.Fatal(list, err)
			}
			at := slices.IndexFunc(list, func(m inbox.FilledMacro) bool { return m.ID == hello.ID })
			return list[at], list[1-at]
		}
		first, second := filled(me)
		if first.Language != "uk" || !strings.HasPrefix(first.Body, "Олена, замовлення {order.number} (") || !slices.Equal(first.Missing, []string{"order.number", "order.status", "order.total", "order.tracking"}) {
			t.Errorf("without an order: %+v", first)
		}
		if second.Language != "pl" || second.Body != "Cześć Олена!" || len(second.Missing) != 0 {
			t.Errorf("in the only language there is: %+v", second)
		}

		// The latest order that is under way, with its parcel; closed and foreign ones don't count.
		person := h.ids(`SELECT customer_id FROM conversations WHERE id = $1`, got.Conversation)[0]
		for n, o := range []struct {
			number, stage string
			open          bool
			placed        int64
		}{{"A-1", "completed", false, 90}, {"A-2", "shipped", true, 20}, {"A-3", "placed", true, 10}} {
			h.exec(`INSERT INTO orders (id, store_id, connection_id, external_id, customer_id, number, raw_status, order_state, payment_state, fulfilment_state, shipment_state, stage, open, currency, total,
ship_to, bill_to, tags, custom, placed_at, updated_at, fetched_at) VALUES ($1, $2, 1, $3, $4, $3, 'x', 'processing', 'paid', 'shipped', 'in_transit', $5, $6, 'UAH', 119000, '{}', '{}', '[]', '{}', $7, 1, 1)`,
				int64(1000+n), h.store, o.number, person, o.stage, o.open, o.placed)
		}
		h.exec(`INSERT INTO shipments (id, order_id, store_id, external_id, carrier, tracking_number, state) VALUES (1, 1001, $1, 's', 'Нова пошта', '20450000000017', 'in_transit')`, h.store)
		if first, _ = filled(me); len(first.Missing) != 4 {
			t.Errorf("orders are shown to who may not see them: %+v", first)
		}
		sees := me
		sees.Permissions = map[int64][]care.Permission{h.store: append(slices.Clone(me.Permissions[h.store]), care.PermCommerceRead)}
		if first, _ = filled(sees); first.Body != "Олена, замовлення A-2 (У дорозі, 1190 UAH): ТТН 20450000000017 Нова пошта. Ірина, shop" || len(first.Missing) != 0 {
			t.Errorf("%+v", first)
		}

		changed, err := h.inbox.ChangeMacro(ctx, me, polish.ID, func(m *inbox.Macro) { m.Bodies = map[string]string{"ru": "Здравствуйте {1} { и {}"} })
		if err != nil || changed.Name != polish.Name {
			t.Error(changed, err)
		}
		if err := h.inbox.RemoveMacro(ctx, me, polish.ID); err != nil {
			t.Error(err)
		}
		if list, err := h.inbox.Macros(ctx, me, h.store); err != nil || len(list) != 1 {
			t.Error(list, err)
		}
	})
}

func TestWhatASavedReplyMayNotSay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		me, reader, stranger := h.agent("Ірина", "ready"), h.agent("Client", "ready"), h.agent("Else", "ready")
		reader.Permissions = map[int64][]care.Permission{h.store: {care.PermInboxRead}}
		stranger.Stores, stranger.Permissions = []int64{1}, map[int64][]care.Permission{1: {care.PermInboxRead, care.PermSettings}}
		kept, err := h.inbox.AddMacro(ctx, me, inbox.Macro{Store: h.store, Name: "A", Bodies: map[string]string{"en": "x"}})
		if err != nil {
			t.Fatal(err)
		}
		add := func(s care.Scope, name string, bodies map[string]string) error {
			_, err := h.inbox.AddMacro(ctx, s, inbox.Macro{Store: h.store, Name: name, Bodies: bodies})
			return err
		}
		change := func(s care.Scope) error {
			_, err := h.inbox.ChangeMacro(ctx, s, kept.ID, func(m *inbox.Macro) { m.Name = "B" })
			return err
		}
		for name, c := range map[string]struct {
			err  error
			code string
		}{
			"an unknown place":    {add(me, "B", map[string]string{"en": "ok", "uk": "Вітаю, {customer.nmae}"}), "macro.unknown_variable"},
			"a place of no room":  {add(me, "B", map[string]string{"en": "{name}"}), "macro.unknown_variable"},
			"an unknown language": {add(me, "B", map[string]string{"fr": "Bonjour"}), "value_invalid"},
			"nothing":             {add(me, "B", map[string]string{"en": " "}), "required"},
			"no name":             {add(me, " ", map[string]string{"en": "x"}), "required"},
			"a name twice":        {add(me, "A", map[string]string{"en": "x"}), "name_taken"},
			"too long":            {add(me, "B", map[string]string{"en": strings.Repeat("x", 5001)}), "too_long"},
			"by a reader":         {add(reader, "B", map[string]string{"en": "x"}), "forbidden"},
			"into another store":  {add(stranger, "B", map[string]string{"en": "x"}), "not_found"},
			"changed by a reader": {change(reader), "forbidden"},
			"changed by another":  {change(stranger), "not_found"},
			"removed by another":  {h.inbox.RemoveMacro(ctx, stranger, kept.ID), "not_found"},
		} {
			var e *care.Error
			if !errors.As(c.err, &e) || e.Code != c.code {
				t.Errorf("%s: %v, want %s", name, c.err, c.code)
			}
		}
	})
}
