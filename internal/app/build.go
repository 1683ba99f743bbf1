package app

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/commerce"
	"opeka/internal/customer"
	"opeka/internal/digital"
	"opeka/internal/find"
	"opeka/internal/inbox"
	"opeka/internal/know"
	"opeka/internal/notify"
	"opeka/internal/outgoing"
	"opeka/internal/phone"
	"opeka/internal/post"
	"opeka/internal/sound"
	"opeka/internal/sound/browser"
	"opeka/internal/text/fill"
	"opeka/internal/web/api"
	"opeka/internal/web/console"
	"opeka/internal/web/hook"
	"opeka/internal/web/ingest"
	"opeka/internal/web/live"
	"opeka/internal/web/portal"
	"opeka/internal/web/widget"
	"opeka/internal/webhook"
	"opeka/internal/work"
	"opeka/ui"
)

// build makes the rooms, then the doors, and connects them. It reads from top to bottom like the floors do.
func (a *App) build(c Config, limits api.Limits) error {
	master, err := account.LoadMasterKey(c.Data, c.Secret)
	if err != nil {
		return err
	}
	sealer, err := account.NewSealer(master)
	if err != nil {
		return err
	}

	if a.SIP, err = openSIP(c, handsets{a}, a.Log); err != nil {
		return err
	}
	client := outgoing.New(outgoing.Options{AllowPrivate: c.AllowPrivate})
	a.Accounts = account.New(a.DB, account.Options{Bus: a.Bus, Sealer: sealer, Plugs: append(a.plugs(), a.worldPlugs()...), HookURL: c.hookURL})
	a.Find = find.New(a.DB)
	a.Customers = customer.New(a.DB, a.Bus, a.Find)
	a.Commerce = commerce.New(a.DB, a.Customers, commerce.Options{Bus: a.Bus, Index: a.Find, Files: a.Files, Statuses: statuses, Log: a.Log})
	a.Sync = commerce.NewSync(a.DB, a.Commerce, a.Accounts, portsOf[care.ShopPlug](a.plugs()), commerce.SyncOptions{Client: client, Bus: a.Bus, Index: a.Find, Log: a.Log, Audit: a.Accounts.Record})
	a.Digital = digital.New(a.DB, digital.Options{Client: client, Sealer: sealer, Files: a.Files, Audit: a.Accounts.Record, Log: a.Log, PublicURL: cmp.Or(c.PublicURL, "http://"+c.Listen)})
	a.Post = post.New(a.DB, a.Accounts, portsOf[care.ChannelPlug](a.plugs()), post.Options{Client: client, Bus: a.Bus, Files: a.Files, Log: a.Log, PublicURL: strings.TrimRight(c.PublicURL, "/"), Key: sealer.Derive("bot links"), Audit: a.Accounts.Record, Fill: a.Digital.Fill})
	a.Inbox = inbox.New(a.DB, a.Customers, a.Files, a.Bus, inbox.Options{Secret: sealer.Derive("attachments"), Index: a.Find, Post: a.Post, Log: a.Log})
	a.Post.TakeTo(taker{a.DB, a.Customers, a.Inbox})
	a.Trunks = phone.NewTrunks(a.DB, a.Accounts, append(portsOf[care.CarrierPlug](a.plugs()), a.carriers...), client, a.Bus, a.Log)
	a.Mixer = sound.NewMixer()
	a.Phone = phone.New(a.DB, a.Customers, a.Bus, phone.Options{Network: a.Trunks, Talks: a.Inbox, Letters: a.Post, PublicURL: c.PublicURL, Mixer: a.Mixer, Door: a.openDoor(c),
		Files: a.Files, Recordings: filepath.Join(c.Data, "recording"), Sealer: sealer, Exchange: a.SIP, Audit: a.Accounts.Record, Log: a.Log})
	a.Work = work.New(a.DB, work.Options{Audit: a.Accounts.Record, Post: a.Post, Bus: a.Bus, Key: sealer.Derive("inquiries"), PublicURL: cmp.Or(c.PublicURL, "http://"+c.Listen)})
	a.Notify = notify.New(a.DB, a.Post, notify.Options{Goods: a.Digital, Bus: a.Bus, Audit: a.Accounts.Record, Log: a.Log})
	a.Know = know.New(a.DB, know.Options{Audit: a.Accounts.Record, Bus: a.Bus, Hands: hands{a}, Facts: a.scriptFacts, Fill: fill.New(scriptNames...), Log: a.Log})
	a.Webhooks = webhook.New(a.DB, a.Accounts, sealer, a.Bus, client)

	a.API = api.New(api.Deps{
		DB: a.DB, Accounts: a.Accounts, Customers: a.Customers, Commerce: a.Commerce, Find: a.Find, Sync: a.Sync, Inbox: a.Inbox, Post: a.Post, Phone: a.Phone, Webhooks: a.Webhooks, Work: a.Work, Notify: a.Notify, Digital: a.Digital, Know: a.Know, Outgoing: client,
		VisitorOnline: func(visitor string) bool { _, online := a.Live.Online(visitor); return online },
		Log:           a.Log, Version: Version, PublicURL: c.PublicURL, BehindProxy: c.BehindProxy, Limits: limits,
	})
	a.Widget, err = widget.New(a.DB, widget.Options{Accounts: a.Accounts, Inbox: a.Inbox, Phone: a.Phone, Bots: a.Post, PublicURL: strings.TrimRight(c.PublicURL, "/"), Key: sealer.Derive("widget"), Files: ui.Widget(),
		Polled: func(v live.Visitor) { a.Live.Polled(v) }, BehindProxy: c.BehindProxy, Log: a.Log})
	if err != nil {
		return err
	}
	a.Live, err = live.New(a.Bus, live.Options{Log: a.Log, Visitors: a.Widget, Authenticate: func(r *http.Request) (care.Scope, error) {
		caller, err := a.API.Authenticate(r)
		return caller.Scope, err
	}})
	if err != nil {
		return fmt.Errorf("realtime: %w", err)
	}
	if a.Mail, err = a.openMail(c); err != nil {
		return err
	}
	a.wire()

	mux := http.NewServeMux()
	mux.Handle(api.Base+"/", a.API.Handler())
	mux.Handle(console.Base, console.Handler(ui.Console()))
	hook.Routes(mux, a.Sync, a.Post, a.Log)
	ingest.New(a.DB, a.Accounts, a.Commerce, a.Sync, a.Log).Routes(mux)
	a.Live.Routes(mux)
	a.Widget.Routes(mux)
	portal.Routes(mux, a.Work, a.zoneOf, a.Log)
	portal.GoodsRoutes(mux, a.Digital, a.Log)
	portal.CallbackRoutes(mux, portal.Callbacks{Store: a.Accounts.StoreBySlug, Phone: a.Phone, Key: sealer.Derive("callback forms"), Now: a.DB.Now, BehindProxy: c.BehindProxy, Log: a.Log})
	portal.BotRoutes(mux, portal.Bots{Store: a.Accounts.Store, StoreBySlug: a.Accounts.StoreBySlug, Post: a.Post, Now: a.DB.Now, BehindProxy: c.BehindProxy, Log: a.Log})
	a.health(mux)
	mux.Handle("GET /{$}", http.RedirectHandler(console.Base, http.StatusFound))
	a.Handler = mux
	return nil
}

// hookURL is where a shop pushes to a connection; empty while nobody outside can reach the installation.
func (c Config) hookURL(token string) string {
	if c.PublicURL == "" {
		return ""
	}
	return c.PublicURL + "/hooks/" + token
}

// zoneOf is the time zone of a store; UTC for one that can't be read.
func (a *App) zoneOf(ctx context.Context, store int64) *time.Location {
	var name string
	if err := a.DB.Read().QueryRow(ctx, `SELECT time_zone FROM stores WHERE id = $1`, store).Scan(&name); err == nil {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return time.UTC
}

// openDoor lets browsers' sound in. Where its port can't be had everything else works without it.
func (a *App) openDoor(c Config) *browser.Door {
	if c.PhoneListen == "" {
		return nil
	}
	addr, err := net.ResolveUDPAddr("udp", c.PhoneListen)
	var door *browser.Door
	if err == nil {
		ip, _ := netip.AddrFromSlice(addr.IP)
		o := browser.Options{Listen: netip.AddrPortFrom(ip.Unmap(), uint16(addr.Port))}
		for _, s := range c.PhoneIPs {
			if ip, bad := netip.ParseAddr(s); bad == nil {
				o.PublicIPs = append(o.PublicIPs, ip)
			}
		}
		door, err = browser.New(o)
	}
	if err != nil {
		a.Log.Warn("browsers can't be on the telephone", "listen", c.PhoneListen, "err", err)
		return nil
	}
	a.Door = door
	return door
}
