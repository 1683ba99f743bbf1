package care

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Written channels beside chat and e-mail.
const (
	ChannelSMS       = "sms"
	ChannelTelegram  = "telegram"
	ChannelViber     = "viber"
	ChannelWhatsApp  = "whatsapp"
	ChannelMessenger = "messenger"
	// ChannelViberBusiness writes to phone numbers from a shop's name; nobody can write back.
	ChannelViberBusiness = "viber_business"
)

// ChannelPlug is the port to a written channel: mail, SMS, a messenger.
type ChannelPlug interface {
	Plug
	// Channel is the medium that its connections speak: ChannelEmail, ChannelSMS, ...
	Channel() string
	// OpenChannel checks the settings (an *Error names the wrong field) and returns a session; it makes no request.
	OpenChannel(c Connection, client *http.Client) (Channel, error)
}

// Channel is a session with one account of a service. Its methods may be called concurrently. A session that holds connections open is an
// io.Closer. Errors of Send say what became of the message: Temporary, it was surely not taken and may be tried again; AuthError means the keys;
// a RejectedError is the service's last word on it; an UncertainError, and anything else, that nobody knows whether it was taken.
type Channel interface {
	// Test asks the service who we are.
	Test(ctx context.Context) (PeerInfo, error)
	// Can says what the channel can carry, for composers, templates and the choice of a fallback.
	Can() ChannelAbilities
	// Send hands one message to the service. The same Key means the same message, however often it is sent: where the service knows
	// such keys it is told, where it doesn't the caller's record of attempts is what keeps a message from going out twice.
	Send(ctx context.Context, m Outbound) (Receipt, error)
}

// ChannelAbilities are a channel's limits. Zero numbers mean no limit.
type ChannelAbilities struct {
	Inbound    bool          `json:"inbound"` // customers can write on it
	MaxText    int           `json:"max_text"`
	HTML       bool          `json:"html"`
	Subject    bool          `json:"subject"`
	Files      bool          `json:"files"`
	MaxFile    int64         `json:"max_file"`   // bytes
	Window     time.Duration `json:"-"`          // free text only within this time after the customer's last message
	Templates  bool          `json:"templates"`  // outside of the window only templates approved by the service
	Delivery   bool          `json:"delivery"`   // it reports delivery
	Read       bool          `json:"read"`       // it reports reading
	Unprompted bool          `json:"unprompted"` // it may write first to a known address
	// Deduplicates: the service takes the same Key once, so a send whose outcome is unknown may be repeated.
	Deduplicates bool    `json:"deduplicates"`
	PerSecond    float64 `json:"per_second"` // messages that the service takes from us
}

// Outbound is a message to hand to a service.
type Outbound struct {
	Key    string // the id of the send job
	To     string // in the channel's own form: E.164, e-mail address, chat id
	ToName string
	Thread string // the channel's own key of the exchange, as an Arrival gave it; empty when we write first
	// ReplyTo is the service's id of the message that is answered, where the channel can show that.
	ReplyTo string
	Subject string
	Body    string // plain text
	HTML    string // the same with marks; empty: the channel makes it from Body, if it wants to
	Quoted  string // the letter that is answered, with its introduction; it goes below the signature
	Files   []OutboundFile
	// Template names a message that the service has approved, with its parameters in their order.
	Template *ServiceTemplate
	Language string
	// Automatic marks what no person wrote: notices, auto-replies.
	Automatic bool
	// Headers are the letter's own: To, Cc, Bcc, In-Reply-To, References and so on. Only e-mail reads them.
	Headers map[string][]string
}

// OutboundFile is a file to send. Open may be called once per attempt.
type OutboundFile struct {
	Name        string
	ContentType string
	Size        int64
	ContentID   string // inline in HTML
	URL         string // signed public address, for services that fetch; empty while the installation has none
	Open        func() (io.ReadCloser, error)
}

// Receipt is what the service answered to a send.
type Receipt struct {
	ExternalID string // delivery reports name it
	Parts      int    // SMS segments; 1 elsewhere
	// PartIDs are the ids of the segments, the first among them, where the service reports each by itself.
	PartIDs []string
	Thread  string // the exchange that the message began or went on in
}

// DeliveryState is how far a message has come. States only go forward in this order, except that failed may follow queued and sent.
type DeliveryState string

const (
	DeliveryQueued    DeliveryState = "queued"
	DeliverySent      DeliveryState = "sent"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryRead      DeliveryState = "read"
	DeliveryFailed    DeliveryState = "failed"
)

// RejectedError says that a service refused one message for good. Code is stable and names `delivery.<code>` of the catalogue:
// blocked, unknown_address, window_closed, too_long, content, not_subscribed, other. Detail is in the service's words.
type RejectedError struct {
	Code   string
	Detail string
}

func (e *RejectedError) Error() string { return "rejected (" + e.Code + "): " + e.Detail }

// UncertainError says that a message was handed over and no answer came: it may or may not have been taken.
type UncertainError struct{ Cause error }

func (e *UncertainError) Error() string { return "outcome unknown: " + e.Cause.Error() }
func (e *UncertainError) Unwrap() error { return e.Cause }

var (
	// ErrManual is the answer of RegisterPush where a person has to enter the address at the service.
	ErrManual = errors.New("the service's pushes are set up by hand")
	// ErrPushed is the answer of Listen when the service pushes and there is nothing to listen to.
	ErrPushed = errors.New("the service pushes")
)

// Arrivals is what a push or a poll brought.
type Arrivals struct {
	Messages  []Arrival
	Reports   []DeliveryReport
	Opted     []OptChange // STOP and the like
	Responded bool        // the service waits for Answer instead of a word of ours
	Answer    []byte
	Type      string // content type of Answer
}

// Arrival is a customer's message as a service delivered it. Files are fetched by FileFetcher when the message is processed, not while the
// service waits.
type Arrival struct {
	Inbound           // Thread, ClientID (the service's message id), From, Name, Language, Subject, Body, At
	Files   []FileRef `json:"files,omitempty"`
	Edited  bool      `json:"edited,omitempty"`
	Started bool      `json:"started,omitempty"` // the customer opened the bot: an address, no question
	Link    string    `json:"link,omitempty"`    // what the link carried by which he came: it proves who he is
	// Unsubscribed: he has only looked, and can't be written to yet.
	Unsubscribed bool `json:"unsubscribed,omitempty"`
	// Address is where an answer goes; empty: Thread.
	Address string    `json:"address,omitempty"`
	Place   *GeoPoint `json:"place,omitempty"`
}

// FileRef names a file at the service.
type FileRef struct {
	Ref         string `json:"ref"`
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	ContentID   string `json:"content_id,omitempty"` // the HTML shows it by this name
}

// GeoPoint is where the customer says he is.
type GeoPoint struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// MailFacts are what threading and trust need of a letter beside its text.
type MailFacts struct {
	MessageID  string   `json:"message_id"`
	InReplyTo  []string `json:"in_reply_to,omitempty"`
	References []string `json:"references,omitempty"`
	To         []string `json:"to,omitempty"`
	Cc         []string `json:"cc,omitempty"`
	ReplyToken string   `json:"reply_token,omitempty"` // from our own signed address
	Automatic  bool     `json:"automatic,omitempty"`
	Auto       string   `json:"auto,omitempty"` // of an automatic letter, its kind: reply, generated, bulk, receipt
	Spam       bool     `json:"spam,omitempty"`
	// Doubtful: the letter claims a sender whose domain disowns it, or was passed on by somebody else. It isn't joined to anything by its looks.
	Doubtful bool `json:"doubtful,omitempty"`
	// Proven: the sender's domain stands for the letter. Neither Proven nor Doubtful: nobody knows.
	Proven bool   `json:"proven,omitempty"`
	Via    string `json:"via,omitempty"`    // who passed it on
	HTML   string `json:"html,omitempty"`   // cleaned
	Quoted string `json:"quoted,omitempty"` // what was folded away
	// Linked is set by the inbox: the conversation that the letter answers without going on in it.
	Linked int64 `json:"-"`
	// Guessed is set by the inbox: its looks led it where it goes, and nothing proves its sender.
	Guessed bool `json:"-"`
}

// DeliveryReport says what became of a message that we sent.
type DeliveryReport struct {
	// Address is whom it is about; it finds the latest message to him when ExternalID finds none.
	Address    string        `json:"address,omitempty"`
	ExternalID string        `json:"external_id"`
	State      DeliveryState `json:"state"`
	Code       string        `json:"code,omitempty"` // as in RejectedError
	Detail     string        `json:"detail,omitempty"`
	At         time.Time     `json:"at"`
}

// OptChange says that somebody forbids or allows us to write to him.
type OptChange struct {
	Address string `json:"address"`
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"` // stop, blocked, bounce, complaint; empty: stop
}

// PushReceiver is a channel to which the service pushes.
type PushReceiver interface {
	// ReceivePush checks the signature over the raw body and reads it. It makes no request. delivery identifies a repeated push; empty: the body's hash.
	// Any error but an *Error is a wrong signature.
	ReceivePush(r Push) (a Arrivals, delivery string, err error)
	// RegisterPush makes the service push to url, idempotently; UnregisterPush ends it. A service that is set up by hand returns ErrManual.
	RegisterPush(ctx context.Context, url string) error
	UnregisterPush(ctx context.Context) error
}

// Push is a request of a service.
type Push struct {
	Method string
	Header http.Header
	Query  url.Values
	Body   []byte
}

// Listener is a channel that is read or held open by us: a mailbox, an SMPP bind. Listen hands over what comes until ctx ends or the
// connection breaks; take returns when the arrival is on disk, and only then may the service be told so.
type Listener interface {
	Listen(ctx context.Context, take func(ctx context.Context, raw []byte, a Arrivals, delivery string) error) error
}

// TakeRaw keeps what came as it came, and with it the cursor; raw is nil when only the cursor has moved, cursor empty when it hasn't.
type TakeRaw func(ctx context.Context, raw []byte, cursor string) error

// CursorListener is a Listener that remembers how far it has read. What it brings is a RawReader's to understand.
type CursorListener interface {
	ListenFrom(ctx context.Context, cursor string, take TakeRaw) error
}

// RawReader is a channel whose arrivals are kept as they came and understood afterwards, so that nothing that is wrong with them can lose them.
type RawReader interface {
	// LineOf names those that have to be read in their order.
	LineOf(raw []byte) string
	// ReadRaw never fails: what it can't understand is a message that says so. Files are named by FileRef.Ref. It makes no request.
	ReadRaw(raw []byte) (a Arrivals, files map[string][]byte)
}

// Addressed is a channel to which servers of the outside may deliver; Takes tells whether an address is its own.
type Addressed interface {
	Takes(address string) bool
}

// Signed is a channel whose messages go out under a name and with words below them; {agent} in these is who writes.
type Signed interface {
	Letterhead() (from, signature string)
}

// StartLinker makes a link that opens the bot and brings a token back with the customer, as Arrival.Link. A token is of letters, digits, - and _.
type StartLinker interface {
	StartLink(ctx context.Context, token string) (string, error)
}

// Greeter is a channel on which whoever has opened the bot is greeted. Welcome is the words: empty, the house's own; NoWelcome, none.
type Greeter interface {
	Welcome() string
}

// NoWelcome is what an administrator writes who wants nobody greeted.
const NoWelcome = "-"

// FileFetcher reads a file that an Arrival named. The caller bounds its size.
type FileFetcher interface {
	FetchFile(ctx context.Context, ref FileRef) (io.ReadCloser, error)
}

// TypingShower can show the customer that somebody is writing.
type TypingShower interface {
	ShowTyping(ctx context.Context, thread string) error
}
