package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"opeka/internal/app"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/db"
	"opeka/internal/inbox"
	"opeka/internal/peer"
	"opeka/internal/web/api"
)

// SeedCommand fills an installation.
type SeedCommand struct {
	Data          string `help:"Folder of a new installation." required:"" type:"path"`
	Database      string `help:"postgres://... of a new, empty database; empty: SQLite in the data folder."`
	Conversations int    `help:"How many conversations." default:"200000"`
}

// Run implements the command.
func (s *SeedCommand) Run(ctx context.Context) error {
	begun := time.Now()
	about, err := grow(ctx, s.Data, s.Database, s.Conversations)
	if err != nil {
		return err
	}
	fmt.Printf("%d conversations in %v. Sign in as %s with %s.\n", s.Conversations, time.Since(begun).Round(time.Second), about.Email, about.Password)
	return nil
}

// About is what a load must know of a seed; it lies beside the database.
type About struct {
	Store      int64   `json:"store"`
	Slug       string  `json:"slug"`
	Email      string  `json:"email"`
	Password   string  `json:"password"`
	Key        string  `json:"key"` // of the API
	Connection int64   `json:"connection"`
	Secret     string  `json:"secret"` // of the connection
	Agents     []int64 `json:"agents"`
	// Open are some open chats that have an agent, Buyers some whose customer has orders.
	Open   []int64    `json:"open"`
	Buyers [][2]int64 `json:"buyers"` // conversation and customer
}

const aboutFile = "bench.json"

const (
	days         = 90
	crew         = 20
	sampleOf     = 4000 // conversations of each kind that About names
	orderEvery   = 10   // customers: one of these has bought
	ordersEach   = 3
	tokenEvery   = 100 // messages: one of these has a rare token
	writers      = 32
	openOf5      = 2 // of five conversations; one of the two has no agent
	messagesEach = 4
)

// grow makes an installation and lives through its past with a moved clock, by the verbs of the rooms.
func grow(ctx context.Context, data, database string, conversations int) (About, error) {
	clock := db.NewMovableClock(time.Now().AddDate(0, 0, -days))
	a, err := app.New(ctx, app.Config{Data: data, Database: database, LogLevel: "error"}, app.Options{Clock: clock, Limits: noLimits, Log: quiet})
	if err != nil {
		return About{}, err
	}
	g := &grower{app: a, clock: clock, n: conversations}
	err = g.all(ctx)
	if err := errors.Join(err, a.Close()); err != nil {
		return About{}, err
	}
	out, err := json.MarshalIndent(g.about, "", " ")
	if err != nil {
		return About{}, err
	}
	return g.about, os.WriteFile(filepath.Join(data, aboutFile), out, 0o600)
}

var (
	quiet    = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	noLimit  = api.Limit{PerSecond: 1e6, Burst: 1e6}
	noLimits = api.Limits{Caller: noLimit, Public: noLimit, Refused: noLimit, Login: noLimit}
)

type grower struct {
	app   *app.App
	clock *db.MovableClock
	n     int
	about About
	mu    sync.Mutex // of the samples in about
}

func (g *grower) all(ctx context.Context) error {
	if err := g.install(ctx); err != nil {
		return err
	}
	if err := g.buy(ctx); err != nil {
		return err
	}
	step := days * 24 * time.Hour / time.Duration(g.n)
	_, err := counted(ctx, writers, int64(g.n), func(ctx context.Context, _ int, n int64) error {
		g.clock.Move(step)
		return g.converse(ctx, int(n))
	})
	if err != nil {
		return err
	}
	for more := true; more; {
		n, err := g.app.Inbox.Index(ctx)
		if err != nil {
			return err
		}
		more = n > 0
	}
	return g.settle(ctx)
}

// settle has the jobs done that would have been done in these days; otherwise they would run while something is measured.
func (g *grower) settle(ctx context.Context) error {
	if err := g.app.Start(ctx); err != nil {
		return err
	}
	for {
		var due int64
		err := g.app.DB.Read().QueryRow(ctx, `SELECT count(*) FROM jobs WHERE state <> 'dead' AND run_at <= $1`, db.At(g.app.DB.Now())).Scan(&due)
		if err != nil || due == 0 {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// install sets the store up as its owner would in the browser.
func (g *grower) install(ctx context.Context) (err error) {
	server := httptest.NewServer(g.app.Handler)
	defer server.Close()
	office := peer.NewOffice(server.URL)
	s := &g.about
	s.Email, s.Password, s.Secret = "owner@bench.example", "bench-password", "bench-secret-of-32-characters-ok"
	if s.Store, s.Slug, err = office.SetUp(ctx, "Bench", s.Email, s.Password); err != nil {
		return err
	}
	var made struct {
		ID     int64  `json:"id"`
		Secret string `json:"secret"`
	}
	for n := range crew {
		err := office.Do(ctx, http.MethodPost, "/agents", map[string]any{"name": fmt.Sprint(personName(n), " ", n), "email": fmt.Sprintf("agent%d@bench.example", n), "language": "uk",
			"memberships": []map[string]any{{"store_id": s.Store, "role": "agent"}}}, &made)
		if err != nil {
			return err
		}
		s.Agents = append(s.Agents, made.ID)
	}
	if err := office.Do(ctx, http.MethodPost, "/keys", map[string]any{"store_id": s.Store, "name": "bench", "scopes": []care.Permission{care.PermInboxRead, care.PermInboxWrite}}, &made); err != nil {
		return err
	}
	s.Key = made.Secret
	err = office.Do(ctx, http.MethodPost, "/connections", map[string]any{"store_id": s.Store, "plug": "generic", "name": "Shop",
		"settings": map[string]any{"secret": s.Secret}}, &made)
	s.Connection = made.ID
	return err
}

// customers is how many there are: one per three conversations, which lie a month apart.
func (g *grower) customers() int { return max(1, g.n/3) }

func email(c int) string { return fmt.Sprintf("customer%d@example.com", c) }

// buy gives some customers orders.
func (g *grower) buy(ctx context.Context) error {
	conn := care.Connection{ID: g.about.Connection, Store: g.about.Store, Plug: "generic"}
	var batch []care.Record
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		done, err := g.app.Commerce.Apply(ctx, conn, batch, commerce.ApplyOptions{Backfill: true})
		if err == nil {
			for _, e := range done.Errors {
				err = e
			}
		}
		batch = batch[:0]
		return err
	}
	for c := 0; c < g.customers(); c += orderEvery {
		for k := range ordersEach {
			id := strconv.Itoa(100000 + c*ordersEach + k)
			price := care.Money{Amount: 120000, Currency: "UAH"}
			o := &care.ShopOrder{Number: id, Customer: care.CustomerRef{Name: personName(c), Email: email(c)}, RawStatus: "processing", Order: care.OrderProcessing, Payment: care.PaymentPaid,
				Fulfilment: care.FulfilmentUnfulfilled, Currency: "UAH", Total: care.Money{Amount: 240000, Currency: "UAH"}, PlacedAt: g.clock.Now()}
			for l := range 2 {
				o.Lines = append(o.Lines, care.ShopLine{ExternalID: fmt.Sprintf("%s-%d", id, l), Name: "Рюкзак 45 л", SKU: fmt.Sprintf("RK-%d", l), Quantity: 1, Price: price, Total: price})
			}
			batch = append(batch, care.Record{Kind: care.KindOrder, ExternalID: id, UpdatedAt: g.clock.Now(), Data: o})
		}
		if len(batch) >= 200 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// converse lives through one conversation: four messages, then whatever became of it.
func (g *grower) converse(ctx context.Context, k int) error {
	r := rand.New(rand.NewPCG(uint64(k), 7))
	c := k % g.customers()
	in := care.Inbound{Store: g.about.Store, Channel: care.ChannelChat, Thread: fmt.Sprint("thread-", k), Name: personName(c), Language: "uk",
		From: []care.Identity{{Kind: care.IdentityEmail, Value: email(c), Verified: true}}}
	if k%2 == 0 {
		in.Channel, in.Subject = care.ChannelEmail, "Моє замовлення"
	}
	agent := g.about.Agents[r.IntN(len(g.about.Agents))]
	scope := g.scope(agent)
	status := k / 2 % 5 // independent of the channel
	var at inbox.Received
	for m := range messagesEach {
		body := speech(r)
		if n := k*messagesEach + m; n%tokenEvery == 0 {
			body += " " + token(n)
		}
		var err error
		if m%2 == 0 || status == 0 {
			in.Body, in.ClientID = body, strconv.Itoa(m)
			at, err = g.app.Inbox.Receive(ctx, in)
		} else {
			// Letters are answered by chat too: there is no mail server here to take them.
			_, err = g.app.Inbox.Say(ctx, scope, at.Conversation, inbox.Answer{Kind: inbox.KindReply, Body: body, Channel: care.ChannelChat, Resolve: m == messagesEach-1 && status >= openOf5})
		}
		if err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if status == 1 && in.Channel == care.ChannelChat && len(g.about.Open) < sampleOf { // who answers letters needs a mail server
		g.about.Open = append(g.about.Open, at.Conversation)
	}
	if c%orderEvery == 0 && len(g.about.Buyers) < sampleOf {
		g.about.Buyers = append(g.about.Buyers, [2]int64{at.Conversation, at.Customer})
	}
	return nil
}

func (g *grower) scope(agent int64) care.Scope {
	return care.Scope{Agent: agent, Stores: []int64{g.about.Store}, Permissions: map[int64][]care.Permission{g.about.Store: {care.PermInboxRead, care.PermInboxWrite}}, Language: "uk"}
}
