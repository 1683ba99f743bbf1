package journeys

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"opeka/internal/app"
	"opeka/internal/command"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/peer"
	"opeka/test/world/ports"
)

// Two nodes on one database serve the same people: what is posted at one shows at the other, and one goes on when the other stops.
func TestTwoNodesServeTheSameAgents(t *testing.T) {
	clock := db.NewMovableClock(dbtest.Start)
	first := app.Config{Data: t.TempDir(), Database: dbtest.URL(t, db.Postgres), ClusterListen: ports.Address(t), ClusterToken: "a token of both nodes",
		Secret: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
	second := first
	second.Data, second.ClusterListen, second.ClusterRoutes = t.TempDir(), ports.Address(t), []string{first.ClusterListen}
	w := &installation{t: t, clock: clock, config: first, node: boot(t, first, clock)}
	other := boot(t, second, clock)
	w.office = peer.NewOffice(w.server.URL)
	var err error
	if w.store, w.slug, err = w.office.SetUp(t.Context(), "Стежка", email, password); err != nil {
		t.Fatal(err)
	}
	away := peer.NewOffice(other.server.URL)
	if err := away.SignIn(t.Context(), email, password); err != nil {
		t.Fatal(err)
	}
	// The nodes find each other in a moment; until then a hint stays where it was made.
	heard := make(chan struct{}, 1)
	cancel := other.app.Bus.Subscribe("journey.", func(string, []byte) {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	w.until("the nodes hear each other", func() bool {
		w.app.Bus.Publish("journey.hello", nil)
		select {
		case <-heard:
			return true
		default:
			return false
		}
	})
	cancel()

	here, there := console(t, w.office), console(t, away)
	v := w.visitor(nil)
	said := w.says(v, "1", "Добрий день")
	here.hears(`"t":"message"`, "Добрий день")
	there.hears(`"t":"message"`, "Добрий день")

	// The visitor's socket is at the first node; the agent answers at the second.
	p := panel(t, v)
	if err := away.Do(t.Context(), http.MethodPost, fmt.Sprintf("/conversations/%d/messages", said.Conversation), map[string]any{"kind": "reply", "body": "Вітаю!"}, nil); err != nil {
		t.Fatal(err)
	}
	p.hears(`"t":"message"`, "Вітаю!")
	here.hears(`"t":"message"`, "Вітаю!")

	w.stop()
	v.URL = other.server.URL
	if err := v.Arrive(t.Context(), "uk", "http://shop.example/", nil); err != nil {
		t.Fatal(err)
	}
	if again := w.says(v, "2", "Ви ще тут?"); again.Conversation != said.Conversation {
		t.Errorf("the talk goes on in conversation %d, not %d", again.Conversation, said.Conversation)
	}
	there.hears(`"t":"message"`, "Ви ще тут?")
}

// A SQLite installation that has been lived in moves to PostgreSQL, and its people notice nothing.
func TestAnInstallationMovesToPostgres(t *testing.T) {
	target := dbtest.URL(t, db.Postgres)
	w := install(t, db.SQLite)
	shop := w.shop()
	w.tell(shop, boots()...)
	w.tell(shop, paidOrder())
	v := w.visitor(nil)
	said := w.says(v, "1", "Чи не промокають ці черевики?")
	w.answers(said.Conversation, "Ні, вони з мембраною.")
	w.until("the search of messages", func() bool { return w.searched("мембраною") == said.Conversation })
	w.stop()

	move := command.CopyCommand{Config: w.config, To: target}
	if err := move.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.config.Database = target
	w.node = boot(t, w.config, w.clock)
	w.office.URL, v.URL, shop.URL = w.server.URL, w.server.URL, w.server.URL

	// The address has another port, so the cookie is kept; the session, the token and the shop's secret still open.
	w.until("the search of messages, made anew", func() bool { return w.searched("мембраною") == said.Conversation })
	if again := w.says(v, "1", "Чи не промокають ці черевики?"); !again.Duplicate || again.ID != said.ID {
		t.Errorf("the message sent again is %+v, not the same as %+v", again, said)
	}
	if again := w.says(v, "2", "Тоді беру."); again.Conversation != said.Conversation || again.Seq <= said.Seq {
		t.Errorf("the talk goes on at %+v after %+v", again, said)
	}
	w.tell(shop, paidOrder())
	var found struct {
		Items []struct {
			Kind string `json:"kind"`
		} `json:"items"`
	}
	w.do(http.MethodGet, "/find?q="+url.QueryEscape("С-4201"), nil, &found)
	if len(found.Items) == 0 || found.Items[0].Kind != "order" {
		t.Errorf("the order is found as %+v", found.Items)
	}
}

// searched is the first conversation in which a word is found.
func (w *installation) searched(word string) int64 {
	w.t.Helper()
	var list struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
	}
	w.do(http.MethodGet, "/conversations?view=all&q="+url.QueryEscape(word), nil, &list)
	if len(list.Items) == 0 {
		return 0
	}
	return list.Items[0].ID
}
