package account

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Connection is a configured plug of a store as administrators see it: of its secrets, which ones are set.
type Connection struct {
	ID          int64          `json:"id"`
	StoreID     int64          `json:"store_id"`
	Plug        string         `json:"plug"`
	Name        string         `json:"name"`
	Settings    map[string]any `json:"settings"`
	SecretsSet  []string       `json:"secrets_set" doc:"Names of the secrets that are set; their values are never shown"`
	HookURL     string         `json:"hook_url" doc:"Where the other side pushes to; empty until the installation has a public address"`
	State       string         `json:"state" enum:"ok,degraded,auth_failed,paused"`
	StateReason string         `json:"state_reason"`
	StateAt     db.Time        `json:"state_at"`
	Version     int64          `json:"version"`
	CreatedAt   db.Time        `json:"created_at"`
	UpdatedAt   db.Time        `json:"updated_at"`
}

// Plug is something that a connection can be made of.
type Plug struct {
	Name   string       `json:"name"`
	Port   string       `json:"port" enum:"shop,channel,carrier" doc:"What it connects: a shop's engine, a written channel, the telephone network"`
	Medium string       `json:"channel,omitempty" doc:"The channel that it speaks: email, sms, telegram, ..."`
	Fields []care.Field `json:"fields"`
}

// ConnectionChange is what is to be set; settings that aren't named stay, also secrets.
type ConnectionChange struct {
	Name     *string        `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Settings map[string]any `json:"settings,omitempty" doc:"Values of the plug's fields, secrets among them"`
	Paused   *bool          `json:"paused,omitempty"`
}

// Plugs lists what connections can be made of.
func (a *Accounts) Plugs() []Plug {
	out := make([]Plug, len(a.plugs))
	for i, p := range a.plugs {
		out[i] = Plug{Name: p.Name(), Fields: append([]care.Field{}, p.Fields()...)}
		out[i].Port, out[i].Medium = portOf(p)
	}
	return out
}

// ConnectionsFor lists the connections of the stores in which the caller manages them.
func (a *Accounts) ConnectionsFor(ctx context.Context, by By, store int64, p Page) ([]Connection, error) {
	if store != 0 {
		if err := by.Check(store, care.PermConnections); err != nil {
			return nil, err
		}
	}
	rows, err := a.read().Connections(ctx, query.ConnectionsParams{Stores: by.StoresWith(care.PermConnections, store), After: p.After, Lim: p.Limit})
	if err != nil {
		return nil, err
	}
	out := make([]Connection, len(rows))
	for i, r := range rows {
		if out[i], _, err = a.connectionOf(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ConnectionFor returns a connection that the caller manages.
func (a *Accounts) ConnectionFor(ctx context.Context, by By, id int64) (Connection, error) {
	row, err := a.ownConnection(ctx, a.read(), by, id)
	if err != nil {
		return Connection{}, err
	}
	c, _, err := a.connectionOf(row)
	return c, err
}

// CreateConnection configures a plug for a store. It makes no request; see TestConnection.
func (a *Accounts) CreateConnection(ctx context.Context, by By, store int64, plug string, change ConnectionChange) (c Connection, err error) {
	if err := by.Check(store, care.PermConnections); err != nil {
		return c, err
	}
	p := a.plug(plug)
	if p == nil {
		return c, care.Invalid("plug", "plug_unknown", "value", plug)
	}
	c = Connection{StoreID: store, Plug: plug, Name: plug, Settings: map[string]any{}, State: StateOK, Version: 1}
	secrets := map[string]string{}
	if err := a.applySettings(p, &c, secrets, change); err != nil {
		return c, err
	}
	token := newToken()
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		c.ID, c.StateAt, c.CreatedAt, c.UpdatedAt = tx.ID(), db.At(tx.Now), db.At(tx.Now), db.At(tx.Now)
		err := q.InsertConnection(ctx, query.InsertConnectionParams{
			ID: c.ID, StoreID: store, Plug: plug, Name: c.Name, Settings: asJSON(c.Settings), Secrets: a.sealer.Seal(asJSON(secrets), boundTo("connection", c.ID)), HookToken: token, StateAt: c.StateAt,
		})
		if err != nil {
			return err
		}
		c.HookURL = a.hookAddress(token)
		tx.Emit(db.Event{Store: store, Type: care.EventConnectionCreated, Subject: c.ID, Payload: care.ConnectionEvent{Connection: c.ID, Plug: plug}})
		audit(tx, by, entry{Store: store, Action: "connection.created", Subject: c.ID, Name: c.Name, After: c})
		return nil
	})
	return c, err
}

// UpdateConnection changes settings, name or pause of a connection.
func (a *Accounts) UpdateConnection(ctx context.Context, by By, id int64, change ConnectionChange) (c Connection, err error) {
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := a.ownConnection(ctx, q, by, id)
		if err != nil {
			return err
		}
		before, secrets, err := a.connectionOf(row)
		if err != nil {
			return err
		}
		c = before
		c.Settings = maps.Clone(before.Settings)
		if err := a.applySettings(a.plug(c.Plug), &c, secrets, change); err != nil {
			return err
		}
		n, err := q.UpdateConnection(ctx, query.UpdateConnectionParams{
			Name: c.Name, Settings: asJSON(c.Settings), Secrets: a.sealer.Seal(asJSON(secrets), boundTo("connection", id)), UpdatedAt: db.At(tx.Now), ID: id,
		})
		if err := changed(n, err, "connection"); err != nil {
			return err
		}
		c.Version, c.UpdatedAt = c.Version+1, db.At(tx.Now)
		if change.Paused != nil && *change.Paused != (c.State == StatePaused) {
			c.State, c.StateReason, c.StateAt = StateOK, "", db.At(tx.Now)
			if *change.Paused {
				c.State = StatePaused
			}
			if _, err := q.SetConnectionState(ctx, query.SetConnectionStateParams{State: c.State, StateAt: c.StateAt, ID: id}); err != nil {
				return err
			}
		}
		tx.Emit(db.Event{Store: c.StoreID, Type: care.EventConnectionUpdated, Subject: id, Payload: care.ConnectionEvent{Connection: id, Plug: c.Plug}})
		audit(tx, by, entry{Store: c.StoreID, Action: "connection.updated", Subject: id, Name: c.Name, Before: before, After: c})
		return nil
	})
	return c, err
}

// RotateHookToken gives a connection a new address for what is pushed to it; the old one ends.
func (a *Accounts) RotateHookToken(ctx context.Context, by By, id int64) (c Connection, err error) {
	token := newToken()
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := a.ownConnection(ctx, q, by, id)
		if err != nil {
			return err
		}
		n, err := q.RotateHookToken(ctx, query.RotateHookTokenParams{HookToken: token, UpdatedAt: db.At(tx.Now), ID: id})
		if err := changed(n, err, "connection"); err != nil {
			return err
		}
		row.HookToken, row.UpdatedAt, row.Version = token, db.At(tx.Now), row.Version+1
		if c, _, err = a.connectionOf(row); err != nil {
			return err
		}
		tx.Emit(db.Event{Store: c.StoreID, Type: care.EventConnectionUpdated, Subject: id, Payload: care.ConnectionEvent{Connection: id, Plug: c.Plug}})
		audit(tx, by, entry{Store: c.StoreID, Action: "connection.rotated", Subject: id, Name: c.Name})
		return nil
	})
	return c, err
}

// DeleteConnection removes a connection. What it brought stays; listeners of connection.deleted decide what becomes of it.
func (a *Accounts) DeleteConnection(ctx context.Context, by By, id int64) error {
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := a.ownConnection(ctx, q, by, id)
		if err != nil {
			return err
		}
		c, _, err := a.connectionOf(row)
		if err != nil {
			return err
		}
		tx.Emit(db.Event{Store: c.StoreID, Type: care.EventConnectionDeleted, Subject: id, Payload: care.ConnectionEvent{Connection: id, Plug: c.Plug}})
		audit(tx, by, entry{Store: c.StoreID, Action: "connection.deleted", Subject: id, Name: c.Name, Before: c})
		n, err := q.DeleteConnection(ctx, id)
		return changed(n, err, "connection")
	})
}

// TestConnection asks the other side who it is, with the keys as they are kept.
func (a *Accounts) TestConnection(ctx context.Context, by By, id int64, client *http.Client) (care.PeerInfo, error) {
	row, err := a.ownConnection(ctx, a.read(), by, id)
	if err != nil {
		return care.PeerInfo{}, err
	}
	c, err := a.live(row)
	if err != nil {
		return care.PeerInfo{}, err
	}
	p := a.plug(c.Plug)
	if p == nil {
		return care.PeerInfo{}, care.Conflict("connection.untestable")
	}
	peer, err := OpenPeer(p, c.Connection, client)
	if err != nil {
		return care.PeerInfo{}, err
	}
	info, err := peer.Test(ctx)
	var refused *care.AuthError
	var known *care.Error
	switch {
	case err == nil, errors.As(err, &known):
		return info, err
	case errors.As(err, &refused):
		return info, &care.Error{Code: "connection.auth_failed", Kind: care.KindConflict, Cause: err}
	}
	return info, &care.Error{Code: "connection.unreachable", Kind: care.KindConflict, Cause: err}
}

func (a *Accounts) ownConnection(ctx context.Context, q *query.Queries, by By, id int64) (query.Connection, error) {
	row, err := q.Connection(ctx, id)
	if err != nil {
		return row, missing(err, "connection")
	}
	return row, own(by, row.StoreID, care.PermConnections, "connection")
}

func (a *Accounts) plug(name string) care.Plug {
	i := slices.IndexFunc(a.plugs, func(p care.Plug) bool { return p.Name() == name })
	if i < 0 {
		return nil
	}
	return a.plugs[i]
}

// Peer is the other side of a connection, whatever its port.
type Peer interface {
	Test(ctx context.Context) (care.PeerInfo, error)
}

// OpenPeer checks the settings of a connection by its plug and returns the other side, without a request. An *Error names the wrong field.
func OpenPeer(p care.Plug, c care.Connection, client *http.Client) (Peer, error) {
	switch p := p.(type) {
	case care.ShopPlug:
		return p.Open(c, client)
	case care.ChannelPlug:
		return p.OpenChannel(c, client)
	case care.CarrierPlug:
		return p.OpenTrunk(c, client)
	}
	return nil, care.Conflict("connection.untestable")
}

func portOf(p care.Plug) (port, channel string) {
	switch p := p.(type) {
	case care.ChannelPlug:
		return "channel", p.Channel()
	case care.CarrierPlug:
		return "carrier", care.ChannelPhone
	}
	return "shop", ""
}

func (a *Accounts) hookAddress(token string) string {
	if a.hookURL == nil {
		return ""
	}
	return a.hookURL(token)
}

func (a *Accounts) connectionOf(r query.Connection) (Connection, map[string]string, error) {
	c := Connection{
		ID: r.ID, StoreID: r.StoreID, Plug: r.Plug, Name: r.Name, Settings: map[string]any{}, SecretsSet: []string{}, HookURL: a.hookAddress(r.HookToken),
		State: r.State, StateReason: r.StateReason, StateAt: r.StateAt, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	secrets := map[string]string{}
	plain, err := a.sealer.Open(r.Secrets, boundTo("connection", r.ID))
	if err != nil {
		return c, nil, err
	}
	if len(plain) > 0 {
		if err := fromJSON(plain, &secrets); err != nil {
			return c, nil, err
		}
	}
	c.SecretsSet = append(c.SecretsSet, slices.Sorted(maps.Keys(secrets))...)
	return c, secrets, fromJSON(r.Settings, &c.Settings)
}

// applySettings puts what a change gives into settings and secrets and checks the whole, by the plug's fields and by the plug itself.
func (a *Accounts) applySettings(p care.Plug, c *Connection, secrets map[string]string, change ConnectionChange) error {
	set(&c.Name, change.Name)
	c.Name = strings.TrimSpace(c.Name)
	if err := checkName("name", c.Name); err != nil {
		return err
	}
	if p == nil {
		if len(change.Settings) > 0 {
			return care.Invalid("plug", "plug_unknown", "value", c.Plug)
		}
		return nil
	}
	fields := map[string]care.Field{}
	var wrong problems
	for _, f := range p.Fields() {
		fields[f.Name] = f
		if _, given := c.Settings[f.Name]; !given && f.Kind != "secret" && f.Default != "" && c.ID == 0 {
			c.Settings[f.Name] = defaultOf(f)
		}
	}
	keepReplaced(fields, secrets, change.Settings)
	for name, v := range change.Settings {
		f, ok := fields[name]
		if !ok {
			wrong.when(true, "settings."+name, "setting_unknown")
			continue
		}
		wrong.add(setField(f, c.Settings, secrets, v))
	}
	for _, f := range p.Fields() {
		v, given := c.Settings[f.Name]
		if f.Kind == "secret" {
			wrong.when(f.Required && secrets[f.Name] == "", "settings."+f.Name, "required")
			continue
		}
		wrong.when(f.Required && (!given || v == ""), "settings."+f.Name, "required")
	}
	c.SecretsSet = append([]string{}, slices.Sorted(maps.Keys(secrets))...)
	if err := wrong.err(); err != nil {
		return err
	}
	_, err := OpenPeer(p, care.Connection{ID: c.ID, Store: c.StoreID, Plug: c.Plug, Name: c.Name, Settings: asJSON(c.Settings), Secrets: asJSON(secrets)}, http.DefaultClient)
	var e *care.Error
	if errors.As(err, &e) && e.Field != "" && !strings.HasPrefix(e.Field, "settings.") {
		at := *e // the plug's own value stays as it is
		at.Field = "settings." + e.Field
		return &at
	}
	return err
}

// keepReplaced moves a secret that is being replaced to the plug's field for the one before it, if it has such a field and the
// change says nothing of it: both are accepted until the other side has changed over.
func keepReplaced(fields map[string]care.Field, secrets map[string]string, change map[string]any) {
	for name, v := range change {
		previous := name + "_previous"
		_, has := fields[previous]
		_, said := change[previous]
		fresh, _ := v.(string)
		fresh = strings.TrimSpace(fresh)
		if old := secrets[name]; has && !said && fresh != "" && old != "" && old != fresh {
			secrets[previous] = old
		}
	}
}

func defaultOf(f care.Field) any {
	switch f.Kind {
	case "bool":
		return f.Default == "true"
	case "number":
		return json.Number(f.Default)
	}
	return f.Default
}

const maxSetting = 4000

// setField takes one value of a form; null and "" remove it.
func setField(f care.Field, settings map[string]any, secrets map[string]string, v any) error {
	at := "settings." + f.Name
	s, isText := v.(string)
	s = strings.TrimSpace(s)
	if v == nil || isText && s == "" {
		delete(settings, f.Name)
		delete(secrets, f.Name)
		return nil
	}
	if len(s) > maxSetting {
		return care.Invalid(at, "too_long", "max", maxSetting)
	}
	switch f.Kind {
	case "bool":
		if _, ok := v.(bool); !ok {
			return care.Invalid(at, "not_boolean")
		}
		settings[f.Name] = v
		return nil
	case "number":
		if _, ok := v.(float64); !ok {
			return care.Invalid(at, "not_number")
		}
		settings[f.Name] = v
		return nil
	}
	if !isText {
		return care.Invalid(at, "not_text")
	}
	switch f.Kind {
	case "secret":
		secrets[f.Name] = s
		return nil
	case "url":
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return care.Invalid(at, "url_invalid")
		}
	case "choice":
		if !slices.Contains(f.Choices, s) {
			return care.Invalid(at, "not_one_of", "values", strings.Join(f.Choices, ", "))
		}
	}
	settings[f.Name] = s
	return nil
}
