package know

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

// ScriptInput is what an administrator writes.
type ScriptInput struct {
	Name    string `json:"name" minLength:"1" maxLength:"100"`
	Purpose string `json:"purpose,omitempty" maxLength:"40" doc:"Reason of a callback or call for which it opens by itself"`
	Active  *bool  `json:"active,omitempty"`
	Body    Body   `json:"body"`
}

// ScriptVersion is one of a script's versions.
type ScriptVersion struct {
	Version   int64   `json:"version"`
	Author    int64   `json:"author_id"`
	Body      Body    `json:"body"`
	CreatedAt db.Time `json:"created_at"`
}

const scriptColumns = `s.id, s.store_id, s.name, s.purpose, s.version, s.active, v.body FROM scripts s JOIN script_versions v ON v.script_id = s.id AND v.version = s.version`

func scanScript(row interface{ Scan(...any) error }) (s Script, err error) {
	var body json.RawMessage
	if err = row.Scan(&s.ID, &s.Store, &s.Name, &s.Purpose, &s.Version, &s.Active, &body); err != nil {
		return s, err
	}
	return s, json.Unmarshal(body, &s.Body)
}

// Scripts lists the scripts of the stores that the caller serves, with ids above after.
func (k *Know) Scripts(ctx context.Context, scope care.Scope, store int64, page account.Page) ([]Script, error) {
	if store != 0 {
		if err := scope.Check(store, care.PermInboxRead); err != nil {
			return nil, err
		}
	}
	rows, err := k.db.Read().Query(ctx, `SELECT `+scriptColumns+` WHERE s.store_id = ANY($1::bigint[]) AND s.id > $2 ORDER BY s.id LIMIT $3`,
		scope.StoresWith(care.PermInboxRead, store), page.After, page.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Script{}
	for rows.Next() {
		s, err := scanScript(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Script returns one script with its latest version.
func (k *Know) Script(ctx context.Context, scope care.Scope, id int64) (Script, error) {
	return k.script(ctx, k.db.Read(), scope, id, care.PermInboxRead)
}

func (k *Know) script(ctx context.Context, q db.Querier, scope care.Scope, id int64, p care.Permission) (Script, error) {
	s, err := scanScript(q.QueryRow(ctx, `SELECT `+scriptColumns+` WHERE s.id = $1`, id))
	if err != nil {
		return s, missing(err, "script")
	}
	if !scope.In(s.Store) {
		return Script{}, care.NotFound("script")
	}
	return s, scope.Check(s.Store, p)
}

// AddScript keeps a new script.
func (k *Know) AddScript(ctx context.Context, by account.By, store int64, in ScriptInput) (s Script, err error) {
	if err := by.Check(store, care.PermSettings); err != nil {
		return s, err
	}
	if err := in.check(k.o.Fill); err != nil {
		return s, err
	}
	err = k.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		s = Script{ID: tx.ID(), Store: store, Name: in.Name, Purpose: in.Purpose, Version: 1, Active: in.Active == nil || *in.Active, Body: in.Body}
		if err := k.fits(ctx, tx, s); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO scripts (id, store_id, name, purpose, version, active, created_at, updated_at) VALUES ($1, $2, $3, $4, 1, $5, $6, $6)`,
			s.ID, store, s.Name, s.Purpose, s.Active, db.At(tx.Now)); err != nil {
			return err
		}
		k.audit(tx, by, s, "script.created", nil)
		return addVersion(ctx, tx, s, by.Agent)
	})
	return s, err
}

// ChangeScript keeps a new version. Calls under way go on with the version that they began with.
func (k *Know) ChangeScript(ctx context.Context, by account.By, id int64, in ScriptInput) (s Script, err error) {
	if err := in.check(k.o.Fill); err != nil {
		return s, err
	}
	err = k.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		was, err := k.script(ctx, tx, by.Scope, id, care.PermSettings)
		if err != nil {
			return err
		}
		s = was
		s.Name, s.Purpose, s.Body, s.Version = in.Name, in.Purpose, in.Body, was.Version+1
		if in.Active != nil {
			s.Active = *in.Active
		}
		if err := k.fits(ctx, tx, s); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE scripts SET name = $1, purpose = $2, active = $3, version = $4, updated_at = $5 WHERE id = $6 AND version = $7`,
			s.Name, s.Purpose, s.Active, s.Version, db.At(tx.Now), id, was.Version)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("changed_meanwhile")
		}
		k.audit(tx, by, s, "script.changed", was)
		return addVersion(ctx, tx, s, by.Agent)
	})
	return s, err
}

// RemoveScript takes a script out of use; what was said by it stays on record.
func (k *Know) RemoveScript(ctx context.Context, by account.By, id int64) error {
	return k.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		s, err := k.script(ctx, tx, by.Scope, id, care.PermSettings)
		if err != nil {
			return err
		}
		k.audit(tx, by, s, "script.retired", s)
		_, err = tx.Exec(ctx, `UPDATE scripts SET active = FALSE, updated_at = $1 WHERE id = $2`, db.At(tx.Now), id)
		return err
	})
}

// Versions lists a script's versions, the latest first.
func (k *Know) Versions(ctx context.Context, scope care.Scope, id, before, limit int64) ([]ScriptVersion, error) {
	if _, err := k.script(ctx, k.db.Read(), scope, id, care.PermInboxRead); err != nil {
		return nil, err
	}
	if before == 0 {
		before = 1 << 62
	}
	rows, err := k.db.Read().Query(ctx, `SELECT version, author_id, body, created_at FROM script_versions WHERE script_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3`, id, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []ScriptVersion{}
	for rows.Next() {
		var v ScriptVersion
		var body json.RawMessage
		if err := rows.Scan(&v.Version, &v.Author, &body, &v.CreatedAt); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &v.Body); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func (in *ScriptInput) check(fill Fill) error {
	in.Name, in.Purpose = strings.TrimSpace(in.Name), strings.TrimSpace(in.Purpose)
	if in.Name == "" {
		return care.Invalid("name", "required")
	}
	if in.Purpose != "" && !keyForm.MatchString(in.Purpose) {
		return care.Invalid("purpose", "script.key")
	}
	return in.Body.check(fill)
}

// fits refuses what doesn't go with the rest of the store.
func (k *Know) fits(ctx context.Context, tx *db.Tx, s Script) error {
	if err := k.free(ctx, tx, s); err != nil {
		return err
	}
	for n, step := range s.Body.Steps {
		place := fmt.Sprintf("body.steps.%d", n)
		if err := k.departments(ctx, tx, s.Store, place, step.Effects); err != nil {
			return err
		}
		for m, c := range step.Answer {
			if err := k.departments(ctx, tx, s.Store, fmt.Sprintf("%s.answers.%d", place, m), c.Effects); err != nil {
				return err
			}
		}
	}
	return nil
}

// departments refuses tasks for departments that aren't the store's.
func (k *Know) departments(ctx context.Context, tx *db.Tx, store int64, place string, effects []Effect) error {
	for n, e := range effects {
		if e.Department == 0 {
			continue
		}
		var of int64
		err := tx.QueryRow(ctx, `SELECT store_id FROM departments WHERE id = $1`, e.Department).Scan(&of)
		if errors.Is(err, db.ErrNoRows) || err == nil && of != store {
			return care.Invalid(fmt.Sprintf("%s.effects.%d.department_id", place, n), "value_invalid")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// free refuses a second script for one purpose: nobody would know which of them opens.
func (k *Know) free(ctx context.Context, tx *db.Tx, s Script) error {
	if s.Purpose == "" || !s.Active {
		return nil
	}
	var taken bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM scripts WHERE store_id = $1 AND purpose = $2 AND purpose <> '' AND active AND id <> $3)`, s.Store, s.Purpose, s.ID).Scan(&taken)
	if err == nil && taken {
		return care.Invalid("purpose", "script.purpose_taken")
	}
	return err
}

func addVersion(ctx context.Context, tx *db.Tx, s Script, author int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO script_versions (script_id, version, body, author_id, created_at) VALUES ($1, $2, $3, $4, $5)`, s.ID, s.Version, asJSON(s.Body), author, db.At(tx.Now))
	return err
}

func (k *Know) audit(tx *db.Tx, by account.By, s Script, action string, before any) {
	if k.o.Audit != nil {
		k.o.Audit(tx, by, s.Store, action, s.ID, s.Name, before, s)
	}
}
