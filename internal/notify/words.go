package notify

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
)

func itoa(i int) string { return strconv.Itoa(i) }

// Words returns the words of a moment in a language: the store's own, else those that ship.
func (n *Notify) Words(ctx context.Context, q db.Querier, store int64, moment, lang string) (Template, error) {
	t, _, err := n.words(ctx, q, store, moment, lang, 0)
	return t, err
}

// words also tells which version they are: 0 for those that ship.
func (n *Notify) words(ctx context.Context, q db.Querier, store int64, moment, lang string, version int64) (t Template, found int64, err error) {
	var removed bool
	var channels json.RawMessage
	sql := `SELECT subject, body, short, channels, removed, version FROM notice_templates WHERE store_id = $1 AND moment = $2 AND language = $3`
	args := []any{store, moment, lang}
	if version > 0 {
		sql, args = sql+` AND version = $4`, append(args, version)
	}
	err = q.QueryRow(ctx, sql+` ORDER BY version DESC LIMIT 1`, args...).Scan(&t.Subject, &t.Body, &t.Short, &channels, &removed, &found)
	if errors.Is(err, db.ErrNoRows) && version > 0 {
		return t, 0, care.NotFound("template")
	}
	if errors.Is(err, db.ErrNoRows) || err == nil && removed {
		return Shipped(moment, lang), 0, nil
	}
	if err != nil {
		return t, 0, err
	}
	return t, found, json.Unmarshal(channels, &t.Channels)
}

// WordsOf is the words of a moment in a language, as an editor shows them.
type WordsOf struct {
	Store    int64    `json:"store_id"`
	Moment   string   `json:"moment"`
	Language string   `json:"language"`
	Template Template `json:"template"`
	Own      bool     `json:"own" doc:"The store's own, not those that ship"`
	Version  int64    `json:"version" doc:"How often they were changed"`
	Shipped  Template `json:"shipped"`
}

func known(moment, lang string) error {
	if momentOf(moment) == nil {
		return care.Invalid("moment", "notice_moment_unknown", "moment", moment)
	}
	if !oneOf(languages, lang) {
		return care.Invalid("language", "value_invalid")
	}
	return nil
}

// WordsFor returns the words of a moment for an editor; a version of them if it is not 0.
func (n *Notify) WordsFor(ctx context.Context, s care.Scope, store int64, moment, lang string, version int64) (w WordsOf, err error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return w, err
	}
	if err := known(moment, lang); err != nil {
		return w, err
	}
	w = WordsOf{Store: store, Moment: moment, Language: lang, Shipped: Shipped(moment, lang)}
	var own int64
	if w.Template, own, err = n.words(ctx, n.db.Read(), store, moment, lang, version); err != nil {
		return w, err
	}
	w.Own = own > 0
	err = n.db.Read().QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM notice_templates WHERE store_id = $1 AND moment = $2 AND language = $3`, store, moment, lang).Scan(&w.Version)
	return w, err
}

// OwnWords names words that a store has made its own.
type OwnWords struct {
	Moment    string  `json:"moment"`
	Language  string  `json:"language"`
	Version   int64   `json:"version"`
	Removed   bool    `json:"removed" doc:"Taken back: those that ship are used"`
	CreatedAt db.Time `json:"created_at"`
}

// OwnWords lists what a store has changed, every version, the latest first.
func (n *Notify) OwnWords(ctx context.Context, s care.Scope, store int64) ([]OwnWords, error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return nil, err
	}
	out := []OwnWords{}
	err := each(ctx, n.db.Read(), `SELECT moment, language, version, removed, created_at FROM notice_templates WHERE store_id = $1 ORDER BY id DESC LIMIT 500`, []any{store}, func(rows pgx.Rows) error {
		var w OwnWords
		err := rows.Scan(&w.Moment, &w.Language, &w.Version, &w.Removed, &w.CreatedAt)
		out = append(out, w)
		return err
	})
	return out, err
}

// WordsInput is words to use from now on; Removed goes back to those that ship. Version is the one that they were made from.
type WordsInput struct {
	Moment   string   `json:"moment" minLength:"1" maxLength:"40"`
	Language string   `json:"language" enum:"en,uk,ru,pl"`
	Template Template `json:"template"`
	Removed  bool     `json:"removed,omitempty"`
	Comment  string   `json:"comment,omitempty" maxLength:"500" doc:"What was changed, for colleagues"`
	Version  int64    `json:"version" minimum:"0"`
}

// SaveWords keeps a new version of the words of a moment. Mistakes come back with their line and column.
func (n *Notify) SaveWords(ctx context.Context, by account.By, store int64, in WordsInput) (w WordsOf, err error) {
	if err := by.Check(store, care.PermSettings); err != nil {
		return w, err
	}
	if err := known(in.Moment, in.Language); err != nil {
		return w, err
	}
	if !in.Removed {
		if err := in.Template.Check(in.Language); err != nil {
			return w, err
		}
	}
	own, err := json.Marshal(in.Template.tidy())
	if err != nil {
		return w, err
	}
	err = n.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		var latest int64
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM notice_templates WHERE store_id = $1 AND moment = $2 AND language = $3`, store, in.Moment, in.Language).Scan(&latest); err != nil {
			return err
		}
		if latest != in.Version {
			return care.Conflict("stale")
		}
		tag, err := tx.Exec(ctx, `INSERT INTO notice_templates (id, store_id, moment, language, version, subject, body, short, removed, actor_id, created_at, channels, comment)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (store_id, moment, language, version) DO NOTHING`,
			tx.ID(), store, in.Moment, in.Language, latest+1, in.Template.Subject, in.Template.Body, in.Template.Short, in.Removed, by.Agent, db.At(tx.Now), json.RawMessage(own), in.Comment)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("stale")
		}
		if n.o.Audit != nil {
			n.o.Audit(tx, by, store, "notify.words_changed", store, in.Moment+" "+in.Language, map[string]any{"version": latest}, map[string]any{"version": latest + 1, "removed": in.Removed})
		}
		return nil
	})
	if err != nil {
		return w, err
	}
	return n.WordsFor(ctx, by.Scope, store, in.Moment, in.Language, 0)
}
