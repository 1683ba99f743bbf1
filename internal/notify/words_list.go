package notify

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"opeka/internal/care"
	"opeka/internal/db"
)

// WordsVersion is a line of the history of a moment's words in a language.
type WordsVersion struct {
	Version   int64   `json:"version"`
	Removed   bool    `json:"removed" doc:"Back to the words that ship"`
	Comment   string  `json:"comment"`
	Agent     int64   `json:"agent_id"`
	AgentName string  `json:"agent_name"`
	CreatedAt db.Time `json:"created_at"`
}

// WordsVersions lists the versions of a moment's words below before (0: from the latest), the latest first.
func (n *Notify) WordsVersions(ctx context.Context, s care.Scope, store int64, moment, lang string, before, limit int64) ([]WordsVersion, error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return nil, err
	}
	if err := known(moment, lang); err != nil {
		return nil, err
	}
	if before == 0 {
		before = 1 << 62
	}
	out := []WordsVersion{}
	err := each(ctx, n.db.Read(), `SELECT t.version, t.removed, t.comment, t.actor_id, coalesce(a.name, ''), t.created_at FROM notice_templates t LEFT JOIN agents a ON a.id = t.actor_id
WHERE t.store_id = $1 AND t.moment = $2 AND t.language = $3 AND t.version < $4 ORDER BY t.version DESC LIMIT $5`, []any{store, moment, lang, before, limit}, func(rows pgx.Rows) error {
		var v WordsVersion
		err := rows.Scan(&v.Version, &v.Removed, &v.Comment, &v.Agent, &v.AgentName, &v.CreatedAt)
		out = append(out, v)
		return err
	})
	return out, err
}

// MomentWords is how the words of a moment stand: in which languages a store has its own, and what they take.
type MomentWords struct {
	Moment string `json:"moment"`
	// Channels are those by which the policy in force may send them; none: it is switched off.
	Channels  []string        `json:"channels" doc:"By which the policy in force may send it; none: it never does"`
	Languages []LanguageWords `json:"languages"`
}

// LanguageWords are the words of a moment in one language.
type LanguageWords struct {
	Language string   `json:"language"`
	Own      bool     `json:"own" doc:"The store's own, not those that ship"`
	Behind   bool     `json:"behind" doc:"Other languages have words of the store's own, this one has those that ship"`
	Channels []string `json:"channels" doc:"With words of their own instead of the short ones"`
	Segments Segments `json:"segments" doc:"What the SMS takes, filled with a made-up order"`
	Broken   bool     `json:"broken" doc:"They can't be put together any more"`
}

// WordsOverview tells of every moment which words there are, and where a language has been left behind.
func (n *Notify) WordsOverview(ctx context.Context, s care.Scope, store int64) ([]MomentWords, error) {
	if err := s.Check(store, care.PermSettings); err != nil {
		return nil, err
	}
	facts, err := n.storeFacts(ctx, store)
	if err != nil {
		return nil, err
	}
	q := n.db.Read()
	p, err := n.policy(ctx, q, store, facts.Zone)
	if err != nil {
		return nil, err
	}
	type key struct{ moment, lang string }
	own := map[key]bool{}
	err = each(ctx, q, `SELECT moment, language, removed FROM notice_templates t WHERE store_id = $1 AND version =
(SELECT max(version) FROM notice_templates l WHERE l.store_id = t.store_id AND l.moment = t.moment AND l.language = t.language)`, []any{store}, func(rows pgx.Rows) error {
		var k key
		var removed bool
		err := rows.Scan(&k.moment, &k.lang, &removed)
		if !removed {
			own[k] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := []MomentWords{}
	for _, moment := range Moments() {
		m := MomentWords{Moment: moment, Channels: p.channelsOf(moment)}
		some := slices.ContainsFunc(languages, func(l string) bool { return own[key{moment, l}] })
		for _, lang := range languages {
			w := LanguageWords{Language: lang, Own: own[key{moment, lang}], Channels: []string{}}
			w.Behind = some && !w.Own
			t := Shipped(moment, lang)
			if w.Own {
				if t, _, err = n.words(ctx, q, store, moment, lang, 0); err != nil {
					return nil, err
				}
			}
			for _, channel := range written {
				if t.own(channel) != "" {
					w.Channels = append(w.Channels, channel)
				}
			}
			v := Sample(lang)
			v.Store = facts
			sms, err := t.Render(care.ChannelSMS, lang, v)
			w.Broken, w.Segments = err != nil, sms.Segments
			m.Languages = append(m.Languages, w)
		}
		out = append(out, m)
	}
	return out, nil
}

// channelsOf are the channels by which a moment's words may go out.
func (c *Compiled) channelsOf(moment string) []string {
	out := []string{}
	for _, n := range c.notices {
		words := n.Template
		if words == "" {
			words = n.Moment
		}
		if words != moment || !n.On {
			continue
		}
		for _, step := range n.Channels {
			if !slices.Contains(out, step.Channel) {
				out = append(out, step.Channel)
			}
		}
	}
	return out
}
