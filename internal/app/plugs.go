package app

import (
	"opeka/internal/care"
	"opeka/internal/carrier/sip"
	"opeka/internal/channel/email"
	"opeka/internal/channel/gateway"
	"opeka/internal/channel/smpp"
	"opeka/internal/channel/telegram"
	"opeka/internal/channel/viber"
	"opeka/internal/channel/whatsapp"
	"opeka/internal/shop/generic"
	"opeka/internal/shop/woocommerce"
)

// plugs lists what a connection can be made of: a line each.
func plugs() []care.Plug {
	return []care.Plug{
		woocommerce.New(),
		generic.New(),
		email.New(),
		telegram.New(),
		viber.New(),
		whatsapp.New(),
		smpp.New(),
		gateway.SMS(),
		gateway.Viber(),
		sip.New(nil),
	}
}

// plugs are those of the running program: telephones share its one stack of SIP.
func (a *App) plugs() []care.Plug {
	out := plugs()
	for i, p := range out {
		if p.Name() == sip.Name {
			out[i] = sip.New(a.SIP)
		}
	}
	return out
}

// portsOf picks the plugs of one port.
func portsOf[P care.Plug](of []care.Plug) (out []P) {
	for _, p := range of {
		if p, ok := p.(P); ok {
			out = append(out, p)
		}
	}
	return out
}

// statuses gives what a plug's own statuses mean; nil for a plug whose shops name their own.
func statuses(plug string) map[string]care.Axes {
	for _, p := range plugs() {
		if m, ok := p.(care.StatusMapper); ok && p.Name() == plug {
			return m.DefaultStatuses()
		}
	}
	return nil
}
