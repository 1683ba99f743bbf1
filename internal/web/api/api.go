// Package api is the program's front door for the console and for shops' own programs: typed operations over HTTP
// under /api/v1, described in OpenAPI 3.1. It decodes, checks who calls, calls one verb of a room and encodes the
// answer; it decides nothing about the business and writes no tables.
package api

import (
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"opeka/internal/account"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/digital"
	"opeka/internal/find"
	"opeka/internal/inbox"
	"opeka/internal/know"
	"opeka/internal/notify"
	"opeka/internal/outgoing"
	"opeka/internal/phone"
	"opeka/internal/post"
	"opeka/internal/webhook"
	"opeka/internal/work"
)

// Base is the path under which all operations stand.
const Base = "/api/v1"

// Deps are what the operations need. A room whose field is nil has no routes.
type Deps struct {
	DB        *db.DB
	Accounts  *account.Accounts
	Customers *customer.Customers
	Commerce  *commerce.Commerce
	Sync      *commerce.Sync
	Webhooks  *webhook.Webhooks
	Work      *work.Work
	Notify    *notify.Notify
	Digital   *digital.Digital
	Know      *know.Know
	Inbox     *inbox.Inbox
	Phone     *phone.Phone
	Post      *post.Post
	Find      *find.Finder
	Log       *slog.Logger // slog.Default() if nil
	Version   string
	// PublicURL is the address by which browsers reach the installation, such as https://care.example.com; empty while unknown.
	PublicURL string
	// BehindProxy trusts the last X-Forwarded-For and X-Forwarded-Proto: only for a program that a proxy alone can reach.
	BehindProxy bool
	Limits      Limits       // DefaultLimits if zero
	Outgoing    *http.Client // calls addresses that people typed in; a guarded one if nil
	// VisitorOnline tells whether a visitor of the widget is connected; web/live knows.
	VisitorOnline func(visitor string) bool
}

// API serves the operations.
type API struct {
	Deps
	huma    huma.API
	mux     *http.ServeMux
	routes  []Route
	limits  *limiters
	handler http.Handler
	spec    func() ([]byte, error)
	page    func() ([]byte, error)
}

// New registers every operation.
func New(d Deps) *API {
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits
	}
	if d.Outgoing == nil {
		d.Outgoing = outgoing.New(outgoing.Options{})
	}
	once.Do(speakOurErrors)
	a := &API{Deps: d, mux: http.NewServeMux(), limits: newLimiters(d.Limits)}
	a.huma = humago.NewWithPrefix(a.mux, Base, config(d.Version))
	a.registerAccount()
	a.registerWebhooks()
	a.registerInquiries()
	a.registerScripts()
	a.registerSync()
	a.registerInbox()
	a.registerCallbacks()
	a.registerFind()
	a.registerCustomer()
	a.registerOrder()
	a.registerActions()
	a.registerProduct()
	a.registerImport()
	a.registerNotify()
	a.registerDigital()
	a.registerTasks()
	a.serveReference()
	a.mux.HandleFunc("/", a.noSuchRoute)
	a.handler = a.outermost(a.mux)
	return a
}

// Handler serves everything under Base.
func (a *API) Handler() http.Handler { return a.handler }

// registerAccount lists the operations of the account room, a file each.
func (a *API) registerAccount() {
	if a.Accounts == nil {
		return
	}
	a.registerSetUp()
	a.registerMe()
	a.registerStores()
	a.registerAgents()
	a.registerRoles()
	a.registerTeams()
	a.registerKeys()
	a.registerConnections()
	a.registerAudit()
	a.registerJobs()
	a.registerArrivals()
}

var once sync.Once // huma's error constructors are package variables

func config(version string) huma.Config {
	names := &schemaNames{taken: map[string]reflect.Type{}}
	registry := huma.NewMapRegistry("#/components/schemas/", names.of)
	registry.RegisterTypeAlias(reflect.TypeFor[db.Time](), reflect.TypeFor[time.Time]())
	if version == "" {
		version = "dev"
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Opeka", Version: version, Description: overview},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key":     {Type: "http", Scheme: "bearer", Description: "An API key of a store: Authorization: Bearer ok_..."},
					"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "An agent's session; unsafe methods repeat csrf_token of GET /me in the header X-CSRF-Token."},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat: "application/json",
	}
}

const overview = `Every address below stands under /api/v1. Bodies are JSON in snake_case; ids are numbers; times are RFC 3339 in UTC; money is
{"amount": minor units, "currency": "UAH"}. Lists come in pages: send "next" back as the parameter "cursor" until it is empty.
Errors are problem details (RFC 9457) in your language, with a stable "code". A POST may carry an Idempotency-Key: repeated within 24 hours with the
same body it isn't carried out again but answered as the first time. Unknown ids, and ids of other stores, are 404.`

// schemaNames gives a Go type its name in the description: its own, preceded by its package's when another type was first.
type schemaNames struct {
	mu    sync.Mutex
	taken map[string]reflect.Type
}

func (n *schemaNames) of(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if t.Kind() != reflect.Struct {
		return name
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if holder, ok := n.taken[name]; ok && holder != t {
		pkg := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
		if pkg == "" {
			pkg = "other"
		}
		name = strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	n.taken[name] = t
	return name
}
