package care

import (
	"context"
	"net/http"
	"time"
)

// Plug is something that a connection can be made of; by its port (ShopPlug, ChannelPlug, CarrierPlug) it is put to use. Plugs are
// listed in app/plugs.go.
type Plug interface {
	// Name is the plug's key, such as "woocommerce".
	Name() string
	Fields() []Field
}

// Connection is a configured plug of a store. Settings and Secrets are the plug's own JSON; secrets are kept encrypted and come decrypted to the plug alone.
type Connection struct {
	ID       int64
	Store    int64
	Plug     string
	Name     string
	Settings []byte
	Secrets  []byte
	// HookURL is where the outside may push to this connection; empty until the installation has a public address.
	HookURL string
}

// Field describes one setting of a plug, so that the console can show its form. Labels and hints are
// catalogue keys: plug.<plug>.<name>.label and .hint.
type Field struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"` // text, secret, url, number, bool, choice
	Required bool     `json:"required"`
	Choices  []string `json:"choices,omitempty"`
	Default  string   `json:"default,omitempty"`
}

// ShopPlug is the port through which a shop engine is reached.
type ShopPlug interface {
	Plug
	// Open checks the settings (an *Error names the wrong field) and returns a session; it makes no request.
	Open(c Connection, client *http.Client) (Shop, error)
}

// Shop is a session with one shop. Every method may be called concurrently; errors that may go away
// by themselves are Temporary, others end in the connection being shown as degraded or its keys as refused.
type Shop interface {
	// Test makes the cheapest authorised request and tells what it found.
	Test(ctx context.Context) (PeerInfo, error)
	// Fetch reads records by external id; a missing one comes back as Deleted.
	Fetch(ctx context.Context, kind RecordKind, ids []string) ([]Record, error)
	// Changes reads the next page of what changed since the cursor of the kind; an empty cursor begins a full
	// import. more tells whether to ask again at once. The window overlaps: records may come twice.
	Changes(ctx context.Context, kind RecordKind, cursor string) (records []Record, next string, more bool, err error)
	// Kinds lists what Changes can read, in the order in which to read it.
	Kinds() []RecordKind
}

// PeerInfo is what a connection test found on the other side; what a kind of plug doesn't have is empty.
type PeerInfo struct {
	Name     string `json:"name"` // of the shop, the bot, the mailbox, the trunk's account
	Version  string `json:"version"`
	Currency string `json:"currency"`
	TimeZone string `json:"time_zone"`
	URL      string `json:"url"`
	Writable bool   `json:"writable"` // the key may also change things; a channel may send
	// Records are what other servers look for in the DNS when they get the mailbox's letters.
	Records []DNSRecord `json:"records,omitempty"`
}

// DNSRecord is a record of a domain as it stands and as it should.
type DNSRecord struct {
	Kind  string `json:"kind" enum:"spf,dkim,dmarc"`
	Name  string `json:"name"`
	State string `json:"state" enum:"ok,add,change,unknown" doc:"unknown: the DNS didn't answer"`
	Found string `json:"found"`
	Want  string `json:"want" doc:"What should stand there; empty when all is well"`
}

// HookReceiver is a shop that pushes. A hook is a hint: what it says is fetched again.
type HookReceiver interface {
	// VerifyHook checks the signature over the raw body and says what to fetch. ok without hints is a ping.
	// delivery identifies a repeated delivery; empty means: use the body's hash.
	VerifyHook(h http.Header, body []byte) (hints []Hint, delivery string, err error)
	// RegisterHooks makes the shop push to url, idempotently, and revives dead hooks. It returns how each stands afterwards.
	RegisterHooks(ctx context.Context, url string) ([]HookStatus, error)
	// UnregisterHooks removes what RegisterHooks made.
	UnregisterHooks(ctx context.Context, url string) error
}

// Hint says that something of the shop may have changed.
type Hint struct {
	Kind       RecordKind
	ExternalID string
	Deleted    bool
}

// HookStatus tells how a registered hook stands in the shop.
type HookStatus struct {
	Topic   string `json:"topic"`
	Active  bool   `json:"active"`
	Revived bool   `json:"revived"` // it was dead and has been switched on again
}

// StatusMapper is a shop with named statuses that an administrator may map.
type StatusMapper interface {
	// DefaultStatuses gives the axes of every status that the plug knows.
	DefaultStatuses() map[string]Axes
}

// Axes is what a raw status says of the axes; an empty one says nothing.
type Axes struct {
	Order      OrderState      `json:"order"`
	Payment    PaymentState    `json:"payment,omitempty"`
	Fulfilment FulfilmentState `json:"fulfilment,omitempty"`
}

// TemporaryError is a failure of the other side that may go away by itself. After is how long it asked to be left alone; 0 if it didn't say.
type TemporaryError struct {
	Cause error
	After time.Duration
}

func (e *TemporaryError) Error() string { return "temporary: " + e.Cause.Error() }
func (e *TemporaryError) Unwrap() error { return e.Cause }

// AuthError says that the keys of a connection are refused.
type AuthError struct{ Cause error }

func (e *AuthError) Error() string { return "keys refused: " + e.Cause.Error() }
func (e *AuthError) Unwrap() error { return e.Cause }

// ShopCounter is a shop that can say how many records of a kind it has, so that an import can show how far it is.
type ShopCounter interface {
	Count(ctx context.Context, kind RecordKind) (int64, error)
}

// HookInspector is a HookReceiver whose hooks can be looked at without changing them.
type HookInspector interface {
	HookStatuses(ctx context.Context, url string) ([]HookStatus, error)
}
