package work

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/messages"
)

// Settings is how a department is asked.
type Settings struct {
	Department int64  `json:"department_id"`
	Email      string `json:"email" doc:"Gets a letter with a link that needs no account; empty: none"`
	Language   string `json:"language" enum:"en,uk,ru,pl"`
	Minutes    int64  `json:"minutes" minimum:"1" maximum:"10080" doc:"Until when an answer is due, in opening hours of the store"`
}

const defaultMinutes = 60

func (w *Work) settings(ctx context.Context, store, department int64) (Settings, error) {
	s := Settings{Department: department, Minutes: defaultMinutes}
	err := w.db.Read().QueryRow(ctx, `SELECT email, language, minutes FROM inquiry_settings WHERE department_id = $1`, department).Scan(&s.Email, &s.Language, &s.Minutes)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return s, err
	}
	if s.Language == "" {
		err := w.db.Read().QueryRow(ctx, `SELECT language FROM stores WHERE id = $1`, store).Scan(&s.Language)
		if err != nil {
			return s, missing(err, "store")
		}
	}
	return s, nil
}

// SettingsFor returns how a department is asked.
func (w *Work) SettingsFor(ctx context.Context, by account.By, department int64) (Settings, error) {
	store, err := w.departments(ctx, by.Scope, department, care.PermWork)
	if err != nil {
		return Settings{}, err
	}
	return w.settings(ctx, store, department)
}

// Set changes how a department is asked; questions under way keep their deadlines.
func (w *Work) Set(ctx context.Context, by account.By, department int64, s Settings) (Settings, error) {
	store, err := w.departments(ctx, by.Scope, department, care.PermSettings)
	if err != nil {
		return s, err
	}
	s.Department, s.Email = department, strings.TrimSpace(s.Email)
	if s.Email != "" {
		if a, err := mail.ParseAddress(s.Email); err != nil || a.Address != s.Email {
			return s, care.Invalid("email", "email_invalid")
		}
	}
	if !slices.Contains(messages.Languages, s.Language) {
		return s, care.Invalid("language", "not_one_of", "values", strings.Join(messages.Languages, ", "))
	}
	if s.Minutes < 1 || s.Minutes > 7*24*60 {
		return s, care.Invalid("minutes", "value_invalid")
	}
	return s, w.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		if w.o.Audit != nil {
			w.o.Audit(tx, by, store, "department.inquiries_set", department, "", nil, s)
		}
		tx.Defer(`INSERT INTO inquiry_settings (department_id, store_id, email, language, minutes) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (department_id) DO UPDATE SET email = excluded.email, language = excluded.language, minutes = excluded.minutes`, department, store, s.Email, s.Language, s.Minutes)
		return nil
	})
}

func (w *Work) departments(ctx context.Context, scope care.Scope, id int64, p care.Permission) (store int64, err error) {
	if err = w.db.Read().QueryRow(ctx, `SELECT store_id FROM departments WHERE id = $1`, id).Scan(&store); err != nil {
		return 0, missing(err, "department")
	}
	if !scope.In(store) {
		return 0, care.NotFound("department")
	}
	return store, scope.Check(store, p)
}
