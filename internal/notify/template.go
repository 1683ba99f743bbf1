package notify

import (
	"embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/osteele/liquid"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opeka/internal/care"
)

//go:embed words/*.liquid
var wordFiles embed.FS

// Template is the words of a moment in one language: a letter, and a short form for everything that rings.
type Template struct {
	Subject string `json:"subject" maxLength:"500"`
	Body    string `json:"body" maxLength:"20000" doc:"Of the letter: paragraphs; - for lists; [text](address) for a button"`
	Short   string `json:"short" maxLength:"2000" doc:"For SMS and messengers"`
	// Channels are words for a channel that the short ones don't suit.
	Channels map[string]string `json:"channels,omitempty" doc:"Own words for one channel instead of the short ones: sms, telegram, viber, whatsapp, messenger"`
}

// tidy are the channels that have words of their own.
func (t Template) tidy() map[string]string {
	out := map[string]string{}
	for channel, words := range t.Channels {
		if strings.TrimSpace(words) != "" {
			out[channel] = words
		}
	}
	return out
}

// own is the words that stand for a channel alone, if there are any.
func (t Template) own(channel string) string { return strings.TrimSpace(t.Channels[channel]) }

// shipped are the words that come with the program, by language and moment. A file that can't be read is a mistake of the build, so it panics.
var shipped = func() map[string]map[string]Template {
	out := map[string]map[string]Template{}
	for _, lang := range languages {
		b, err := wordFiles.ReadFile("words/" + lang + ".liquid")
		if err != nil {
			panic(err)
		}
		out[lang] = map[string]Template{}
		for _, section := range strings.Split("\n"+string(b), "\n== ")[1:] {
			key, rest, _ := strings.Cut(section, "\n")
			letter, short, ok := strings.Cut(rest, "\n--- short\n")
			subject, body, too := strings.Cut(letter, "\n")
			if !ok || !too || !strings.HasPrefix(subject, "Subject: ") {
				panic(fmt.Sprintf("words/%s.liquid: %s", lang, key))
			}
			out[lang][key] = Template{Subject: strings.TrimPrefix(subject, "Subject: "), Body: strings.TrimSpace(body), Short: strings.TrimSpace(short)}
		}
	}
	return out
}()

// Shipped returns the words that come with the program.
func Shipped(moment, lang string) Template {
	if t, ok := shipped[lang][moment]; ok {
		return t
	}
	return shipped["en"][moment]
}

const (
	maxRendered = 64 << 10
	maxShort    = 2000
)

// engines render, one for each language: they differ in how they count.
var engines = func() map[string]*liquid.Engine {
	out := map[string]*liquid.Engine{}
	for _, lang := range languages {
		e := liquid.NewEngine()
		e.RegisterFilter("plural", pluralIn(lang))
		out[lang] = e
	}
	return out
}()

var tags = map[string]language.Tag{"en": language.English, "uk": language.Ukrainian, "ru": language.Russian, "pl": language.Polish}

// pluralIn chooses the form that goes with a number: one and many in English, one, few and many in the Slavic languages.
func pluralIn(lang string) func(n int, one string, few func(string) string, many func(string) string) string {
	return func(n int, one string, few func(string) string, many func(string) string) string {
		second := few(one)
		third := many(second)
		switch plural.Cardinal.MatchPlural(tags[lang], max(n, -n)%1_000_000, 0, 0, 0, 0) {
		case plural.One:
			return one
		case plural.Few:
			return second
		}
		if lang == "en" {
			return second
		}
		return third
	}
}

// parsed keeps templates that were parsed; it is emptied when it has grown, so that edits can't fill the memory.
var parsed struct {
	sync.Mutex
	by map[[2]string]*liquid.Template
}

func parse(lang, source string) (*liquid.Template, error) {
	key := [2]string{lang, source}
	parsed.Lock()
	t, ok := parsed.by[key]
	parsed.Unlock()
	if ok {
		return t, nil
	}
	if err := checkSource(source); err != nil {
		return nil, err
	}
	engine, ok := engines[lang]
	if !ok {
		engine = engines["en"]
	}
	t, err := engine.ParseString(source)
	if err != nil {
		return nil, care.Invalid("", "template_invalid", "line", max(err.LineNumber(), 1), "column", 1, "problem", err.Error())
	}
	parsed.Lock()
	if len(parsed.by) > 2000 || parsed.by == nil {
		parsed.by = map[[2]string]*liquid.Template{}
	}
	parsed.by[key] = t
	parsed.Unlock()
	return t, nil
}

func render(lang, source string, vars map[string]any) (string, error) {
	t, err := parse(lang, source)
	if err != nil {
		return "", err
	}
	out, serr := t.RenderString(vars)
	if serr != nil {
		return "", care.Invalid("", "template_invalid", "line", max(serr.LineNumber(), 1), "column", 1, "problem", serr.Error())
	}
	if len(out) > maxRendered {
		return "", care.Invalid("", "template_too_long")
	}
	return out, nil
}

// Rendered is a notice in words.
type Rendered struct {
	Subject  string   `json:"subject"`
	Text     string   `json:"text"`
	HTML     string   `json:"html"`
	Language string   `json:"language"`
	Segments Segments `json:"segments"`
}

var blankLines = regexp.MustCompile(`\n[ \t]*(\n[ \t]*)+`)

// Render puts a template into words for a channel.
func (t Template) Render(channel, lang string, v Vars) (r Rendered, err error) {
	r.Language = lang
	vars := v.tree(lang)
	if channel != care.ChannelEmail {
		source, field := t.Short, "short"
		if own := t.own(channel); own != "" {
			source, field = own, "channels."+channel
		}
		text, err := render(lang, source, vars)
		if err != nil {
			return r, in(err, field)
		}
		if field == "short" || channel == care.ChannelSMS {
			r.Text = strings.Join(strings.Fields(text), " ")
		} else { // written for a messenger: its lines stay
			r.Text = strings.TrimSpace(blankLines.ReplaceAllString(text, "\n\n"))
		}
		r.Segments = CountSegments(r.Text)
		return r, nil
	}
	subject, err := render(lang, t.Subject, vars)
	if err != nil {
		return r, in(err, "subject")
	}
	r.Subject = strings.Join(strings.Fields(subject), " ")
	body, err := render(lang, t.Body, vars)
	if err != nil {
		return r, in(err, "body")
	}
	body = strings.TrimSpace(blankLines.ReplaceAllString(body, "\n\n"))
	r.Text = textPart(body, v)
	r.HTML = htmlPart(r.Subject, body, lang, v)
	return r, nil
}

// in names the field of the template in which a mistake is.
func in(err error, field string) error {
	if e, ok := err.(*care.Error); ok {
		own := *e
		own.Field = field
		return &own
	}
	return err
}

// Check refuses words that can't be put together: mistakes of Liquid, and variables that don't exist, with their place.
func (t Template) Check(lang string) error {
	var wrong []care.Error
	type part struct{ field, source string }
	parts := []part{{"subject", t.Subject}, {"body", t.Body}, {"short", t.Short}}
	for _, p := range parts {
		if strings.TrimSpace(p.source) == "" { // a policy may send them at any time
			wrong = append(wrong, *care.Invalid(p.field, "required"))
		}
	}
	for _, channel := range slices.Sorted(maps.Keys(t.Channels)) {
		field := "channels." + channel
		if channel == care.ChannelEmail || !oneOf(written, channel) {
			wrong = append(wrong, *care.Invalid(field, "notice_channel_unknown", "channel", channel))
			continue
		}
		if len([]rune(t.Channels[channel])) > maxShort {
			wrong = append(wrong, *care.Invalid(field, "too_long", "max", maxShort))
		}
		parts = append(parts, part{field, t.Channels[channel]})
	}
	for _, f := range parts {
		if _, err := parse(lang, f.source); err != nil {
			if e, ok := in(err, f.field).(*care.Error); ok {
				wrong = append(wrong, *e)
				continue
			}
			return err
		}
	}
	if len(wrong) > 0 {
		return several(wrong)
	}
	for _, channel := range written {
		if _, err := t.Render(channel, lang, Sample(lang)); err != nil {
			return err
		}
	}
	return nil
}

// Segments is what an SMS takes.
type Segments struct {
	Characters int  `json:"characters"`
	Parts      int  `json:"parts"`
	Unicode    bool `json:"unicode" doc:"Letters beyond the GSM alphabet: 70 to a part instead of 160"`
}

const gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
const gsmTwice = "^{}\\[~]|€"

// CountSegments tells how many parts an SMS with the text has.
func CountSegments(text string) Segments {
	var s Segments
	units, twice := 0, 0
	for _, r := range text {
		s.Characters++
		units++
		if r > 0xffff {
			units++
		}
		switch {
		case strings.ContainsRune(gsmTwice, r):
			twice++
		case !strings.ContainsRune(gsm, r):
			s.Unicode = true
		}
	}
	single, each := 160, 153
	if s.Unicode {
		single, each = 70, 67
	} else {
		units += twice
	}
	switch {
	case units == 0:
	case units <= single:
		s.Parts = 1
	default:
		s.Parts = (units + each - 1) / each
	}
	return s
}

// allowedTags are those that neither read files nor run on for long.
var allowedTags = []string{"if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase", "for", "endfor", "break", "continue", "assign", "capture", "endcapture", "comment", "endcomment"}

var allowedFilters = []string{"plural", "default", "join", "first", "last", "size", "append", "prepend", "capitalize", "downcase", "upcase", "strip", "truncate", "truncatewords", "replace",
	"remove", "escape", "newline_to_br", "plus", "minus", "times", "divided_by", "modulo", "round", "ceil", "floor", "abs", "url_encode", "split", "uniq", "sort", "reverse", "slice"}

func oneOf(list []string, s string) bool { return slices.Contains(list, s) }
