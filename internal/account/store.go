package account

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/text/currency"

	"opeka/internal/account/query"
	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Store is a shop that is served.
type Store struct {
	ID        int64          `json:"id"`
	Name      string         `json:"name"`
	Slug      string         `json:"slug" doc:"Short name in addresses"`
	Language  string         `json:"language"`
	Currency  string         `json:"currency"`
	TimeZone  string         `json:"time_zone"`
	Color     string         `json:"color"`
	Calendar  cal.Settings   `json:"calendar" doc:"Opening hours of the contact centre"`
	Widget    WidgetSettings `json:"widget"`
	Version   int64          `json:"version"`
	CreatedAt db.Time        `json:"created_at"`
}

// WidgetSettings are how the chat widget looks and behaves. Texts are by language; one that is missing is the catalogue's own.
type WidgetSettings struct {
	Color    string            `json:"color,omitempty" maxLength:"7" doc:"#rrggbb; the store's colour if empty"`
	Position string            `json:"position,omitempty" enum:"left,right" doc:"right if empty"`
	Title    map[string]string `json:"title,omitempty"`
	Greeting map[string]string `json:"greeting,omitempty"`
	Offline  map[string]string `json:"offline,omitempty" doc:"What is said outside of opening hours"`
	Origins  []string          `json:"origins,omitempty" maxItems:"50" doc:"Sites that may show the widget; any if empty"`
	Disabled bool              `json:"disabled,omitempty"`
}

// StoreChange is what is to be set; nil leaves as it is. Version, if given, must be the one that was read.
type StoreChange struct {
	Name     *string         `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Slug     *string         `json:"slug,omitempty" maxLength:"60"`
	Language *string         `json:"language,omitempty" enum:"en,uk,ru,pl"`
	Currency *string         `json:"currency,omitempty" maxLength:"3"`
	TimeZone *string         `json:"time_zone,omitempty" maxLength:"60"`
	Color    *string         `json:"color,omitempty" maxLength:"7"`
	Calendar *cal.Settings   `json:"calendar,omitempty"`
	Widget   *WidgetSettings `json:"widget,omitempty"`
	Version  int64           `json:"version,omitempty"`
}

// Store returns a store in service. It knows no scope: it is for the program's own rooms and doors.
func (a *Accounts) Store(ctx context.Context, id int64) (Store, error) {
	s, err := a.read().Store(ctx, id)
	if err != nil {
		return Store{}, missing(err, "store")
	}
	return storeOf(s)
}

// StoreBySlug is Store by its short name.
func (a *Accounts) StoreBySlug(ctx context.Context, slug string) (Store, error) {
	s, err := a.read().StoreBySlug(ctx, slug)
	if err != nil {
		return Store{}, missing(err, "store")
	}
	return storeOf(s)
}

// StoreFor returns a store of the caller's.
func (a *Accounts) StoreFor(ctx context.Context, by By, id int64) (Store, error) {
	if !by.In(id) {
		return Store{}, care.NotFound("store")
	}
	return a.Store(ctx, id)
}

// Stores lists the caller's stores.
func (a *Accounts) Stores(ctx context.Context, by By, p Page) ([]Store, error) {
	rows, err := a.read().Stores(ctx, query.StoresParams{Ids: by.Stores, After: p.After, Lim: p.Limit})
	if err != nil {
		return nil, err
	}
	out := make([]Store, len(rows))
	for i, r := range rows {
		if out[i], err = storeOf(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// CreateStore opens a store. Only an owner of the installation may; every owner becomes its administrator.
func (a *Accounts) CreateStore(ctx context.Context, by By, c StoreChange) (s Store, err error) {
	if !by.Owner {
		return s, &care.Error{Code: "owner_only", Kind: care.KindForbidden}
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		if s, err = a.openStore(ctx, tx, q, c); err != nil {
			return err
		}
		owners, err := q.Owners(ctx)
		if err != nil {
			return err
		}
		for _, o := range owners {
			if err := q.SetMembership(ctx, query.SetMembershipParams{AgentID: o, StoreID: s.ID, Role: RoleAdministrator}); err != nil {
				return err
			}
		}
		a.forgetScopes(tx)
		audit(tx, by, entry{Store: s.ID, Action: "store.created", Subject: s.ID, Name: s.Name, After: s})
		return nil
	})
	return s, err
}

// openStore writes a new store with what isn't given set to what most begin with.
func (a *Accounts) openStore(ctx context.Context, tx *db.Tx, q *query.Queries, c StoreChange) (Store, error) {
	hours := []cal.Span{{From: "09:00", To: "18:00"}}
	s := Store{ID: tx.ID(), Language: "en", Currency: "EUR", TimeZone: "UTC", Color: "#3b5bdb", Version: 1, CreatedAt: db.At(tx.Now)}
	s.Calendar.Week = map[string][]cal.Span{"mon": hours, "tue": hours, "wed": hours, "thu": hours, "fri": hours}
	if c.Name == nil {
		return s, care.Invalid("name", "required")
	}
	if err := s.apply(c); err != nil {
		return s, err
	}
	if s.Slug == "" {
		slug, err := freeSlug(ctx, q, s.Name, s.ID)
		if err != nil {
			return s, err
		}
		s.Slug = slug
	}
	if err := checkSlugFree(ctx, q, s.Slug, s.ID); err != nil {
		return s, err
	}
	calendar, widget := s.encoded()
	err := q.InsertStore(ctx, query.InsertStoreParams{
		ID: s.ID, Name: s.Name, Slug: s.Slug, Language: s.Language, Currency: s.Currency, TimeZone: s.TimeZone, Color: s.Color, Calendar: calendar, Widget: widget,
		IdentitySecret: a.sealer.Seal([]byte(newToken()), boundTo("identity", s.ID)), IdentitySecretOld: []byte{}, CreatedAt: s.CreatedAt,
	})
	tx.Emit(db.Event{Store: s.ID, Type: care.EventStoreCreated, Subject: s.ID})
	return s, err
}

// UpdateStore changes settings of a store.
func (a *Accounts) UpdateStore(ctx context.Context, by By, id int64, c StoreChange) (s Store, err error) {
	if err := by.Check(id, care.PermSettings); err != nil {
		return s, err
	}
	err = a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		row, err := q.Store(ctx, id)
		if err != nil {
			return missing(err, "store")
		}
		before, err := storeOf(row)
		if err != nil {
			return err
		}
		if c.Version != 0 && c.Version != before.Version {
			return care.Conflict("stale")
		}
		s = before
		if err := s.apply(c); err != nil {
			return err
		}
		if err := checkSlugFree(ctx, q, s.Slug, id); err != nil {
			return err
		}
		calendar, widget := s.encoded()
		n, err := q.UpdateStore(ctx, query.UpdateStoreParams{
			Name: s.Name, Slug: s.Slug, Language: s.Language, Currency: s.Currency, TimeZone: s.TimeZone, Color: s.Color, Calendar: calendar, Widget: widget,
			UpdatedAt: db.At(tx.Now), ID: id, Version: before.Version,
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return care.Conflict("stale")
		}
		s.Version++
		a.forgetScopes(tx) // keys speak the store's language
		tx.Emit(db.Event{Store: id, Type: care.EventStoreUpdated, Subject: id})
		audit(tx, by, entry{Store: id, Action: "store.updated", Subject: id, Name: s.Name, Before: before, After: s})
		return nil
	})
	return s, err
}

// ArchiveStore takes a store out of service: its rows stay, nobody reaches them any more.
func (a *Accounts) ArchiveStore(ctx context.Context, by By, id int64) error {
	if err := by.Check(id, care.PermSettings); err != nil {
		return err
	}
	if !by.Owner {
		return &care.Error{Code: "owner_only", Kind: care.KindForbidden}
	}
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		s, err := q.Store(ctx, id)
		if err != nil {
			return missing(err, "store")
		}
		others, err := q.OtherStores(ctx, id)
		if err != nil {
			return err
		}
		if others == 0 {
			return care.Conflict("store.last")
		}
		n, err := q.ArchiveStore(ctx, query.ArchiveStoreParams{ArchivedAt: db.At(tx.Now), Slug: boundTo("archived", id), ID: id})
		if err := changed(n, err, "store"); err != nil {
			return err
		}
		a.forgetScopes(tx)
		audit(tx, by, entry{Store: id, Action: "store.archived", Subject: id, Name: s.Name})
		return nil
	})
}

// IdentitySecrets returns the secrets with which a shop may sign who its visitor is: the present one and, after a rotation, the one before.
func (a *Accounts) IdentitySecrets(ctx context.Context, store int64) ([]string, error) {
	s, err := a.read().Store(ctx, store)
	if err != nil {
		return nil, missing(err, "store")
	}
	var out []string
	for _, sealed := range [][]byte{s.IdentitySecret, s.IdentitySecretOld} {
		secret, err := a.sealer.Open(sealed, boundTo("identity", store))
		if err != nil {
			return nil, err
		}
		if len(secret) > 0 {
			out = append(out, string(secret))
		}
	}
	return out, nil
}

// VerifyIdentity tells whether signature is the hex HMAC-SHA256 of subject under one of the store's identity secrets.
func (a *Accounts) VerifyIdentity(ctx context.Context, store int64, subject, signature string) (bool, error) {
	secrets, err := a.IdentitySecrets(ctx, store)
	if err != nil {
		return false, err
	}
	given, err := hex.DecodeString(signature)
	if err != nil {
		return false, nil // what isn't hex is no signature
	}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(subject))
		if hmac.Equal(mac.Sum(nil), given) {
			return true, nil
		}
	}
	return false, nil
}

// ShowIdentitySecret returns the present secret to somebody who sets the widget up; the look is audited.
func (a *Accounts) ShowIdentitySecret(ctx context.Context, by By, store int64) (string, error) {
	if err := by.Check(store, care.PermSettings); err != nil {
		return "", err
	}
	secrets, err := a.IdentitySecrets(ctx, store)
	if err != nil {
		return "", err
	}
	err = a.write(ctx, by, func(tx *db.Tx, _ *query.Queries) error {
		audit(tx, by, entry{Store: store, Action: "identity_secret.shown", Subject: store})
		return nil
	})
	return secrets[0], err
}

// RotateIdentitySecret makes a new secret. The one before it stays valid until the next rotation or until it is dropped.
func (a *Accounts) RotateIdentitySecret(ctx context.Context, by By, store int64) (secret string, err error) {
	if err := by.Check(store, care.PermSettings); err != nil {
		return "", err
	}
	secret = newToken()
	return secret, a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		sealed := a.sealer.Seal([]byte(secret), boundTo("identity", store))
		n, err := q.RotateIdentitySecret(ctx, query.RotateIdentitySecretParams{IdentitySecret: sealed, UpdatedAt: db.At(tx.Now), ID: store})
		audit(tx, by, entry{Store: store, Action: "identity_secret.rotated", Subject: store})
		return changed(n, err, "store")
	})
}

// DropOldIdentitySecret ends the validity of the secret before the present one.
func (a *Accounts) DropOldIdentitySecret(ctx context.Context, by By, store int64) error {
	if err := by.Check(store, care.PermSettings); err != nil {
		return err
	}
	return a.write(ctx, by, func(tx *db.Tx, q *query.Queries) error {
		n, err := q.ForgetOldIdentitySecret(ctx, query.ForgetOldIdentitySecretParams{IdentitySecretOld: []byte{}, UpdatedAt: db.At(tx.Now), ID: store})
		audit(tx, by, entry{Store: store, Action: "identity_secret.dropped", Subject: store})
		return changed(n, err, "store")
	})
}

func storeOf(r query.Store) (Store, error) {
	s := Store{ID: r.ID, Name: r.Name, Slug: r.Slug, Language: r.Language, Currency: r.Currency, TimeZone: r.TimeZone, Color: r.Color, Version: r.Version, CreatedAt: r.CreatedAt}
	return s, errors.Join(json.Unmarshal(r.Calendar, &s.Calendar), json.Unmarshal(r.Widget, &s.Widget))
}

func (s Store) encoded() (calendar, widget json.RawMessage) {
	calendar, _ = json.Marshal(s.Calendar) // plain data
	widget, _ = json.Marshal(s.Widget)
	return calendar, widget
}

var (
	reColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	reSlug  = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9])+$`)
)

// apply sets what the change gives and says what is wrong with it.
func (s *Store) apply(c StoreChange) error {
	var wrong problems
	set(&s.Name, c.Name)
	set(&s.Slug, c.Slug)
	set(&s.Language, c.Language)
	set(&s.Currency, c.Currency)
	set(&s.Color, c.Color)
	set(&s.Calendar, c.Calendar)
	set(&s.Widget, c.Widget)
	if c.TimeZone != nil {
		s.TimeZone = *c.TimeZone
		if c.Calendar == nil && zoneKnown(s.TimeZone) {
			s.Calendar.Zone = *c.TimeZone
		}
	}
	if s.Calendar.Zone == "" {
		s.Calendar.Zone = "UTC"
		if zoneKnown(s.TimeZone) {
			s.Calendar.Zone = s.TimeZone
		}
	}
	s.Name = strings.TrimSpace(s.Name)
	wrong.when(s.Name == "", "name", "required")
	wrong.add(checkLanguage("language", s.Language))
	if c.Slug != nil {
		wrong.when(!reSlug.MatchString(s.Slug) || len(s.Slug) > 60, "slug", "slug_invalid")
	}
	if _, err := currency.ParseISO(s.Currency); err != nil || s.Currency != strings.ToUpper(s.Currency) {
		wrong.when(true, "currency", "currency_unknown")
	}
	wrong.when(!reColor.MatchString(s.Color), "color", "color_invalid")
	wrong.when(!zoneKnown(s.TimeZone), "time_zone", "calendar.zone_unknown")
	var faults cal.Problems
	if errors.As(s.Calendar.Validate(), &faults) {
		for _, f := range faults {
			wrong.when(true, "calendar."+f.Field, f.Code)
		}
	}
	s.Widget.check(&wrong)
	return wrong.err()
}

func zoneKnown(name string) bool { return cal.Settings{Zone: name, Always: true}.Validate() == nil }

const maxWidgetText = 500

func (w *WidgetSettings) check(wrong *problems) {
	wrong.when(w.Color != "" && !reColor.MatchString(w.Color), "widget.color", "color_invalid")
	wrong.when(w.Position != "" && w.Position != "left" && w.Position != "right", "widget.position", "not_one_of", "values", "left, right")
	for field, texts := range map[string]map[string]string{"title": w.Title, "greeting": w.Greeting, "offline": w.Offline} {
		for lang, said := range texts {
			wrong.add(checkLanguage("widget."+field, lang))
			wrong.when(len([]rune(said)) > maxWidgetText, "widget."+field+"."+lang, "too_long", "max", maxWidgetText)
		}
	}
	for _, o := range w.Origins {
		u, err := url.Parse(o)
		wrong.when(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil, "widget.origins", "origin_invalid")
	}
}

func checkSlugFree(ctx context.Context, q *query.Queries, slug string, id int64) error {
	n, err := q.SlugTaken(ctx, query.SlugTakenParams{Slug: slug, ID: id})
	if err == nil && n > 0 {
		return care.Invalid("slug", "slug_taken")
	}
	return err
}

// freeSlug makes a short name of a store's name, with the end of its id when that is taken.
func freeSlug(ctx context.Context, q *query.Queries, name string, id int64) (string, error) {
	var b bytes.Buffer
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && b.Bytes()[b.Len()-1] != '-':
			b.WriteByte('-')
		}
	}
	slug := strings.Trim(b.String(), "-")
	if len(slug) > 40 {
		slug = strings.Trim(slug[:40], "-")
	}
	tail := boundTo("store", id)[len("store:"):]
	if len(slug) < 2 {
		return "store-" + tail, nil
	}
	n, err := q.SlugTaken(ctx, query.SlugTakenParams{Slug: slug, ID: id})
	if err == nil && n > 0 {
		slug += "-" + tail
	}
	return slug, err
}
