// Package mailin is the door for mail servers, which hand over letters to the stores' mailboxes by SMTP or LMTP. A letter is on disk before it is
// answered with 250, so whatever happens either we have it or the server still does. The package owns the dialogue and its limits. It knows
// nothing of what letters say, takes none for anybody else's mailbox, and never sends or passes on anything.
package mailin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"opeka/internal/mailproof"
	"opeka/internal/post"
)

// Room is where letters are kept.
type Room interface {
	// MailboxFor finds the connection of an address; 0 when it is nobody's here, an *Error of KindConflict while it takes nothing.
	MailboxFor(ctx context.Context, address string) (connection int64, err error)
	// ReceiveMail keeps a letter. It returns when the letter is on disk.
	ReceiveMail(ctx context.Context, connection int64, e post.Envelope, raw []byte) (post.Pushed, error)
}

// Limits bound what servers may do. Those of this machine and its network are bounded by what they may do at once alone: one server that
// stands before us brings the letters of all.
type Limits struct {
	Letter     int64         // bytes
	Recipients int           // of a letter
	Letters    int           // from one address within a minute
	Each       int           // connections from one address at once
	Together   int           // connections at once
	Unknown    int           // recipients that don't exist, in one connection
	Hops       int           // servers that a letter has passed: more is a loop
	Idle       time.Duration // until a silent connection is closed
}

// DefaultLimits are those of Options without any.
var DefaultLimits = Limits{Letter: 40 << 20, Recipients: 100, Letters: 120, Each: 20, Together: 200, Unknown: 10, Hops: 50, Idle: 5 * time.Minute}

// Options are what New is told.
type Options struct {
	// Listen are addresses: host:port for SMTP, lmtp:host:port or lmtp:/path for LMTP. Without a host it is the loopback.
	Listen []string
	Host   string // our name in the dialogue; empty: the machine's
	TLS    *tls.Config
	Limits Limits
	Room   Room
	// Prove looks whether a letter is from whom it says. It is asked about letters that servers of the outside bring; what is of this machine's network
	// was looked at by the server that took it in. nil: nobody looks.
	Prove func(ctx context.Context, host string, e mailproof.Evidence) mailproof.Result
	// Outside tells who is of the outside; nil: addresses that are neither this machine's nor private.
	Outside func(net.Addr) bool
	Now     func() time.Time
	Log     *slog.Logger
}

// Door is open between Open and Close.
type Door struct {
	o       Options
	pace    *pace
	large   chan struct{} // places for letters that are large
	ctx     context.Context
	cancel  context.CancelFunc
	servers []*smtp.Server
	at      []net.Addr
	running sync.WaitGroup
}

const (
	smallLetter = 1 << 20
	largeAtOnce = 4
	keepWithin  = time.Minute
)

// New makes a door; it is closed.
func New(o Options) *Door {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Outside == nil {
		o.Outside = func(a net.Addr) bool {
			_, near := peerOf(a)
			return !near
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Host == "" {
		if o.Host, _ = os.Hostname(); o.Host == "" {
			o.Host = "localhost"
		}
	}
	d := &Door{o: o, pace: newPace(o.Limits), large: make(chan struct{}, largeAtOnce)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Open listens at every address, or at none.
func (d *Door) Open() error {
	for _, address := range d.o.Listen {
		l, lmtp, err := listen(address)
		if err != nil {
			d.Close(context.Background())
			return fmt.Errorf("can't take letters at %s: %w", address, err)
		}
		s := smtp.NewServer(smtp.BackendFunc(d.session))
		s.Domain, s.LMTP, s.TLSConfig = d.o.Host, lmtp, d.o.TLS
		s.MaxMessageBytes, s.MaxRecipients, s.MaxLineLength = d.o.Limits.Letter, d.o.Limits.Recipients, 1<<20 // servers that break long lines break signatures
		s.ReadTimeout, s.WriteTimeout, s.EnableSMTPUTF8 = d.o.Limits.Idle, time.Minute, true
		s.ErrorLog = quietly{d.o.Log}
		d.servers, d.at = append(d.servers, s), append(d.at, l.Addr())
		d.running.Go(func() {
			if err := s.Serve(limited{l, d.pace}); err != nil && d.ctx.Err() == nil {
				d.o.Log.Error("letters are no longer taken", "address", address, "err", err)
			}
		})
	}
	return nil
}

// Addresses are where the door is open.
func (d *Door) Addresses() []net.Addr { return d.at }

// Close takes no more connections, lets those under way end as long as ctx lasts, and then breaks them: who has no 250 sends again.
func (d *Door) Close(ctx context.Context) {
	for _, s := range d.servers {
		if err := s.Shutdown(ctx); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			d.o.Log.Debug("connections of mail servers are broken", "err", err)
		}
	}
	d.cancel()
	d.pace.breakAll()
	d.running.Wait()
}

// listen opens an address.
func listen(address string) (l net.Listener, lmtp bool, err error) {
	at, lmtp := strings.CutPrefix(address, "lmtp:")
	if strings.HasPrefix(at, "/") {
		if info, err := os.Stat(at); err == nil && info.Mode()&os.ModeSocket != 0 {
			// Left behind by a program that was killed, unless somebody answers there.
			if c, err := net.Dial("unix", at); err == nil {
				_ = c.Close()
				return nil, lmtp, errors.New("somebody listens there already")
			}
			_ = os.Remove(at)
		}
		if l, err = net.Listen("unix", at); err == nil {
			err = os.Chmod(at, 0o666) // like a port of the loopback
		}
		return l, lmtp, err
	}
	if !strings.Contains(at, ":") {
		at = ":" + at
	}
	if strings.HasPrefix(at, ":") {
		at = "127.0.0.1" + at
	}
	l, err = net.Listen("tcp", at)
	return l, lmtp, err
}

// quietly is the library's log: what peers do wrong is no error of ours.
type quietly struct{ log *slog.Logger }

func (q quietly) Printf(format string, v ...any) {
	q.log.Debug("a mail server's connection", "says", fmt.Sprintf(format, v...))
}
func (q quietly) Println(v ...any) {
	q.log.Debug("a mail server's connection", "says", fmt.Sprint(v...))
}
