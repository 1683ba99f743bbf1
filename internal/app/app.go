package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/care"
	"opeka/internal/carrier/sip"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/digital"
	"opeka/internal/find"
	"opeka/internal/inbox"
	"opeka/internal/job"
	"opeka/internal/know"
	"opeka/internal/notify"
	"opeka/internal/phone"
	"opeka/internal/post"
	"opeka/internal/sound"
	"opeka/internal/sound/browser"
	"opeka/internal/web/api"
	"opeka/internal/web/live"
	"opeka/internal/web/mailin"
	"opeka/internal/web/widget"
	"opeka/internal/webhook"
	"opeka/internal/work"
)

// Version is set at build time.
var Version = "dev"

// App is the whole program, built but not yet serving.
type App struct {
	Config Config
	Log    *slog.Logger
	DB     *db.DB
	Bus    bus.Bus
	Files  blob.Store
	Jobs   *job.Runner
	SIP    *sip.Stack // listens when the first trunk needs it

	Accounts  *account.Accounts
	Find      *find.Finder
	Customers *customer.Customers
	Commerce  *commerce.Commerce
	Sync      *commerce.Sync
	Post      *post.Post
	Digital   *digital.Digital
	Notify    *notify.Notify
	Inbox     *inbox.Inbox
	Phone     *phone.Phone
	Trunks    *phone.Trunks
	Mixer     *sound.Mixer
	Door      *browser.Door
	Webhooks  *webhook.Webhooks
	Work      *work.Work
	Know      *know.Know
	Live      *live.Live
	Widget    *widget.Door
	Mail      *mailin.Door // nil: no mail server hands us letters
	API       *api.API

	// Handler serves everything; Run puts it on the configured address.
	Handler http.Handler

	carriers []care.CarrierPlug // of tests
	traces   func(context.Context) error
	closed   bool
}

// Options let a test put its own clock under the whole program, and a measurement see the program rather than its limits.
type Options struct {
	Clock  db.Clock
	Log    *slog.Logger
	Limits api.Limits // api.DefaultLimits if zero
	// CommitEach is that of db.Options.
	CommitEach bool
	// Carriers are telephone networks of a test's world, beside the plugs.
	Carriers []care.CarrierPlug
}

// New opens and migrates the database and builds every room and door. Nothing works or listens until Run or Start.
// On an error it closes what it had opened.
func New(ctx context.Context, c Config, o Options) (a *App, err error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	a = &App{Config: c, Log: o.Log, carriers: o.Carriers}
	if a.Log == nil {
		a.Log = c.Logger()
	}
	defer func() {
		if err != nil {
			_ = a.Close()
		}
	}()
	if a.traces, err = startTraces(ctx, c); err != nil {
		return a, err
	}
	if a.DB, err = db.Open(ctx, c.DatabaseURL(), db.Options{Clock: o.Clock, Log: a.Log, CommitEach: o.CommitEach}); err != nil {
		return a, err
	}
	if err = a.DB.Migrate(ctx); err != nil {
		return a, err
	}
	if a.Bus, err = openBus(c, a.Log); err != nil {
		return a, err
	}
	if a.Files, err = openFiles(ctx, c); err != nil {
		return a, err
	}
	a.Jobs = job.New(a.DB, a.Log)
	if err = a.build(c, o.Limits); err != nil {
		return a, err
	}
	if tracing() {
		a.Handler = traced(a.Handler)
	}
	return a, nil
}

// worldPlugs are the carriers of a test as plugs of connections.
func (a *App) worldPlugs() (out []care.Plug) {
	for _, p := range a.carriers {
		out = append(out, p)
	}
	return out
}

func openBus(c Config, log *slog.Logger) (bus.Bus, error) {
	switch {
	case c.NATS != "":
		return bus.NewNATS(c.NATS, log)
	case c.ClusterListen != "":
		return bus.NewEmbeddedNATS(c.ClusterListen, c.ClusterRoutes, c.ClusterToken, log)
	}
	return bus.NewLocal(), nil
}

func openFiles(ctx context.Context, c Config) (blob.Store, error) {
	if strings.HasPrefix(c.Files, "s3:") {
		return blob.NewS3(ctx, c.Files)
	}
	if c.Files != "" {
		return nil, fmt.Errorf("--files must begin with s3://, got %q", c.Files)
	}
	return blob.NewDisk(filepath.Join(c.Data, "files"))
}

// Start begins the work that needs no visitor: jobs and timers.
func (a *App) Start(ctx context.Context) error {
	a.Inbox.Start()
	if err := a.Phone.Start(ctx); err != nil {
		return err
	}
	if err := a.Jobs.Start(ctx); err != nil {
		return err
	}
	a.Post.Start()
	if a.Mail != nil {
		return a.Mail.Open()
	}
	return nil
}

// Run serves until ctx ends, then stops in order: no new requests, those under way finish, jobs finish, the database closes.
func (a *App) Run(ctx context.Context, ready func(address string)) error {
	l, err := net.Listen("tcp", a.Config.Listen)
	if err != nil {
		return fmt.Errorf("can't listen on %s: %w", a.Config.Listen, err)
	}
	server := &http.Server{
		Handler: a.Handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	metrics, err := a.serveMetrics()
	if err != nil {
		_ = l.Close()
		return err
	}
	if err := a.Start(ctx); err != nil {
		_ = l.Close()
		return err
	}
	go tidy(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	if ready != nil {
		ready("http://" + l.Addr().String())
	}
	select {
	case err = <-served:
	case <-a.DB.Lost():
		err = errors.New("this node's number was taken by another; stopping")
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	// Sockets first: they would keep Shutdown waiting.
	err = errors.Join(err, a.Live.Close(stop), server.Shutdown(stop), metrics.Shutdown(stop))
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// stopWithin bounds how long a stop waits for requests and jobs under way; what isn't finished runs again at the next start.
const stopWithin = 20 * time.Second

// Close ends jobs and closes what New opened. It is safe to call twice.
func (a *App) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var errs []error
	if a.Mail != nil {
		a.Mail.Close(ctx)
	}
	if a.Phone != nil { // what it holds is hung up and written while jobs still run
		a.Phone.Close()
	}
	if a.Door != nil {
		errs = append(errs, a.Door.Close())
	}
	if a.Mixer != nil {
		a.Mixer.Close()
	}
	if a.Trunks != nil {
		a.Trunks.Close()
	}
	if a.Jobs != nil {
		a.Jobs.Stop(ctx)
	}
	if a.Post != nil {
		a.Post.Close()
	}
	if a.Live != nil {
		errs = append(errs, a.Live.Close(ctx))
	}
	if a.SIP != nil {
		errs = append(errs, a.SIP.Close())
	}
	if a.Inbox != nil {
		a.Inbox.Close()
	}
	if a.Webhooks != nil {
		a.Webhooks.Close()
	}
	if a.Accounts != nil {
		a.Accounts.Close()
	}
	if a.Bus != nil {
		errs = append(errs, a.Bus.Close())
	}
	if a.DB != nil {
		errs = append(errs, a.DB.Close())
	}
	if a.traces != nil {
		errs = append(errs, a.traces(ctx))
	}
	return errors.Join(errs...)
}
