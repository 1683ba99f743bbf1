package phone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/sound"
	"opeka/internal/sound/tone"
	"opeka/internal/sound/wav"
	"opeka/messages"
)

// Kinds of what is said to callers: `phone.prompt.<kind>` of the catalogue says it where a store has recorded nothing. Of place, minutes and menu, which
// hold a number, a recording says what comes before it.
const (
	PromptMenu      = "menu" // which key is this language's
	PromptGreeting  = "greeting"
	PromptConsent   = "consent" // that the call is recorded
	PromptPlace     = "place"
	PromptMinutes   = "minutes"
	PromptPress     = "press"
	PromptMusic     = "music"
	PromptQueued    = "queued" // he will be rung back
	PromptBusy      = "busy"
	PromptClosed    = "closed" // and he will be rung back
	PromptOffer     = "closed_offer"
	PromptMessage   = "closed_message"
	PromptVoicemail = "voicemail"
	PromptThanks    = "thanks" // for the message
)

// Kinds lists them.
var Kinds = []string{PromptMenu, PromptGreeting, PromptConsent, PromptPlace, PromptMinutes, PromptPress, PromptMusic, PromptQueued, PromptBusy, PromptClosed, PromptOffer, PromptMessage, PromptVoicemail, PromptThanks}

// numbered are those that end with a number: a recording of them is followed by it.
var numbered = []string{PromptPlace, PromptMinutes}

// What a recording may be.
const (
	MaxPromptBytes = 30 << 20
	maxPrompt      = 2 * time.Minute
	maxMusic       = 10 * time.Minute
	minPrompt      = 200 * time.Millisecond
)

// Prompt is what callers hear in a language in one place.
type Prompt struct {
	ID       int64   `json:"id" doc:"0: nothing is recorded, and the built-in voice says it"`
	Kind     string  `json:"kind"`
	Language string  `json:"language" enum:"en,uk,ru,pl"`
	Text     string  `json:"text" doc:"What the built-in voice says"`
	LengthMS int64   `json:"length_ms"`
	At       db.Time `json:"recorded_at"`
}

// prompts keeps what was recorded as the mixer plays it, by id: a new recording has a new one.
type prompts struct {
	mu   sync.Mutex
	kept map[int64][]int16
	size int
}

const promptsKept = 32 << 20 // samples: 64 MB

func (k *prompts) get(id int64) []int16 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[id]
}

func (k *prompts) put(id int64, s []int16) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || k.size+len(s) > promptsKept {
		k.kept, k.size = map[int64][]int16{}, 0
	}
	k.kept[id] = s
	k.size += len(s)
}

// prompt is what is said to the customers of a store: what it recorded, else what the built-in voice says; nil when nothing can speak.
func (p *Phone) prompt(ctx context.Context, store int64, lang, kind string, args map[string]any) []int16 {
	own := p.recorded(ctx, store, lang, kind)
	switch {
	case own == nil:
		return p.say(ctx, lang, kind, args)
	case slices.Contains(numbered, kind):
		return slices.Concat(own, p.say(ctx, lang, "number", args))
	}
	return own
}

// musicOf is what callers of a store hear while they wait.
func (p *Phone) musicOf(ctx context.Context, store int64, lang string) []int16 {
	if own := p.recorded(ctx, store, lang, PromptMusic); own != nil {
		return own
	}
	return p.booth.music
}

// recorded is what a store has recorded; nil: nothing, or it can't be read, which the log says.
func (p *Phone) recorded(ctx context.Context, store int64, lang, kind string) []int16 {
	var id int64
	var key string
	err := p.db.Read().QueryRow(ctx, `SELECT id, blob_key FROM phone_prompts WHERE store_id = $1 AND kind = $2 AND language = $3`, store, kind, lang).Scan(&id, &key)
	if errors.Is(err, db.ErrNoRows) || p.files == nil {
		return nil
	}
	var samples []int16
	if err == nil {
		if samples = p.prompts.get(id); samples != nil {
			return samples
		}
		var f io.ReadCloser
		if f, err = p.files.Get(ctx, key); err == nil {
			samples, err = wav.Read(f)
			_ = f.Close()
		}
	}
	if err != nil {
		p.log.Error("a prompt can't be read: the built-in voice stands in", "store", store, "kind", kind, "language", lang, "err", err)
		return nil
	}
	p.prompts.put(id, samples)
	return samples
}

// Prompts lists what callers of a store hear, in every language.
func (p *Phone) Prompts(ctx context.Context, s care.Scope, store int64) ([]Prompt, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return nil, err
	}
	rows, err := p.db.Read().Query(ctx, `SELECT id, kind, language, length_ms, created_at FROM phone_prompts WHERE store_id = $1`, store)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	own := map[[2]string]Prompt{}
	for rows.Next() {
		var x Prompt
		if err := rows.Scan(&x.ID, &x.Kind, &x.Language, &x.LengthMS, &x.At); err != nil {
			return nil, err
		}
		own[[2]string{x.Kind, x.Language}] = x
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []Prompt
	for _, kind := range Kinds {
		for _, lang := range messages.Languages {
			x := own[[2]string{kind, lang}]
			x.Kind, x.Language = kind, lang
			x.Text, _ = messages.Find(lang, "phone.prompt."+kind, map[string]any{"n": 3})
			out = append(out, x)
		}
	}
	return out, nil
}

// SetPrompt takes what a store has recorded: a WAV of any usual rate, PCM or G.711, which becomes what the mixer plays.
func (p *Phone) SetPrompt(ctx context.Context, by account.By, store int64, kind, lang string, content []byte) (x Prompt, err error) {
	if err := p.mayPrompt(by, store, kind, lang); err != nil {
		return x, err
	}
	samples, err := promptSamples(kind, content)
	if err != nil {
		return x, err
	}
	x = Prompt{ID: p.db.ID(), Kind: kind, Language: lang, LengthMS: int64(len(samples)) * 1000 / sound.Rate}
	x.Text, _ = messages.Find(lang, "phone.prompt."+kind, map[string]any{"n": 3})
	file := pcm(samples)
	key := "prompts/" + itoa(x.ID) + ".wav"
	if err := p.files.Put(ctx, key, bytes.NewReader(file), int64(len(file)), "audio/wav"); err != nil {
		return x, err
	}
	err = p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		x.At = db.At(tx.Now)
		if err := p.dropPrompt(ctx, tx, store, kind, lang); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO phone_prompts (id, store_id, kind, language, blob_key, length_ms, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			x.ID, store, kind, lang, key, x.LengthMS, by.Agent, x.At)
		p.audited(tx, by, store, "phone.prompt_set", x.ID, kind+" "+lang, nil, nil)
		return err
	})
	return x, err
}

// RemovePrompt has the built-in voice say it again.
func (p *Phone) RemovePrompt(ctx context.Context, by account.By, store int64, kind, lang string) error {
	if err := p.mayPrompt(by, store, kind, lang); err != nil {
		return err
	}
	return p.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		p.audited(tx, by, store, "phone.prompt_removed", store, kind+" "+lang, nil, nil)
		return p.dropPrompt(ctx, tx, store, kind, lang)
	})
}

func (p *Phone) mayPrompt(by account.By, store int64, kind, lang string) error {
	switch err := by.Check(store, care.PermSettings); {
	case err != nil:
		return err
	case !slices.Contains(Kinds, kind):
		return care.Invalid("kind", "value_invalid")
	case !slices.Contains(messages.Languages, lang):
		return care.Invalid("language", "value_invalid")
	case p.files == nil:
		return &care.Error{Code: "phone.no_sound", Kind: care.KindUnavailable}
	}
	return nil
}

// dropPrompt forgets a recording; its file goes after the commit, and is only waste if that fails.
func (p *Phone) dropPrompt(ctx context.Context, tx *db.Tx, store int64, kind, lang string) error {
	keys, err := texts(ctx, tx, `SELECT blob_key FROM phone_prompts WHERE store_id = $1 AND kind = $2 AND language = $3`, store, kind, lang)
	if err != nil || len(keys) == 0 {
		return err
	}
	tx.AfterCommit(func() { _ = p.files.Delete(context.WithoutCancel(ctx), keys[0]) })
	_, err = tx.Exec(ctx, `DELETE FROM phone_prompts WHERE store_id = $1 AND kind = $2 AND language = $3`, store, kind, lang)
	return err
}

// PromptSound is what callers hear there now, as a file.
func (p *Phone) PromptSound(ctx context.Context, s care.Scope, store int64, kind, lang string) ([]byte, error) {
	if err := s.Check(store, care.PermPhone); err != nil {
		return nil, err
	}
	if !slices.Contains(Kinds, kind) {
		return nil, care.Invalid("kind", "value_invalid")
	}
	lang = p.language(ctx, store, lang)
	samples := p.musicOf(ctx, store, lang)
	switch {
	case kind == PromptMusic && samples == nil: // no sound in this process, and its files are heard all the same
		samples = tone.Music()
	case kind != PromptMusic:
		samples = p.prompt(ctx, store, lang, kind, map[string]any{"n": 3})
	}
	if len(samples) == 0 {
		return nil, &care.Error{Code: "phone.cannot_speak", Kind: care.KindUnavailable}
	}
	return pcm(samples), nil
}

// promptSamples checks a recording and makes of it what the mixer plays.
func promptSamples(kind string, content []byte) ([]int16, error) {
	if kind := notWAV(content); kind != "" {
		return nil, care.Invalid("file", "phone.prompt_format", "kind", kind)
	}
	samples, err := wav.Read(bytes.NewReader(content))
	if err != nil {
		return nil, care.Invalid("file", "phone.prompt_unreadable")
	}
	most := maxPrompt
	if kind == PromptMusic {
		most = maxMusic
	}
	switch length := time.Duration(len(samples)) * time.Second / sound.Rate; {
	case length > most:
		return nil, care.Invalid("file", "phone.prompt_long", "n", int(most.Minutes()))
	case length < minPrompt || !audible(samples):
		return nil, care.Invalid("file", "phone.prompt_silent")
	}
	return samples, nil
}

// notWAV names what a file is that isn't a WAV; empty: it is one.
func notWAV(b []byte) string {
	starts := func(s string) bool { return bytes.HasPrefix(b, []byte(s)) }
	switch {
	case starts("RIFF") && len(b) > 12 && string(b[8:12]) == "WAVE":
		return ""
	case starts("ID3"), len(b) > 1 && b[0] == 0xff && b[1]&0xe0 == 0xe0:
		return "MP3"
	case starts("OggS"):
		return "Ogg"
	case starts("fLaC"):
		return "FLAC"
	case len(b) > 11 && string(b[4:8]) == "ftyp":
		return "M4A"
	}
	return "?"
}

func audible(samples []int16) bool {
	return slices.ContainsFunc(samples, func(v int16) bool { return v > 300 || v < -300 })
}

// pcm is a sound as a file that everything plays.
func pcm(samples []int16) []byte {
	out := wav.Header(wav.Format{Coding: wav.PCM, Channels: 1, Rate: sound.Rate, Bits: 16}, int64(2*len(samples)))
	for _, v := range samples {
		out = append(out, byte(v), byte(uint16(v)>>8))
	}
	return out
}
