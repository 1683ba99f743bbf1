package letter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// The mails of others: what has been reached on them is a ratchet.
const shared = "../../../../shared/data/mail"

func mails(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(shared, pattern))
	if len(names) == 0 {
		t.Skip("the collection of mails is not here:", shared)
	}
	out := map[string][]byte{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(n)] = b
	}
	return out
}

func sorted[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func atLeast(t *testing.T, what string, got, want, of int) {
	t.Helper()
	t.Logf("%s: %d of %d", what, got, of)
	if got < want {
		t.Errorf("%s: %d of %d, had reached %d", what, got, of, want)
	}
}

func TestNoneOfTheMailsIsLost(t *testing.T) {
	n := 0
	for _, pattern := range []string{"zammad/*.box", "ruby/*.eml", "enmime/*.raw", "bounces/*.eml"} {
		all := mails(t, pattern)
		for _, name := range sorted(all) {
			l := Parse(all[name])
			n++
			if !utf8.ValidString(l.Text) || !utf8.ValidString(l.Subject) || strings.ContainsRune(l.Text, 0) {
				t.Errorf("%s: text can't be stored", name)
			}
			if len(l.Problems) > 0 {
				t.Logf("%s: %v", name, l.Problems)
			}
			if strings.TrimSpace(l.Text) == "" && len(l.Files) == 0 && len(all[name]) > 2000 && l.flags == (partFlags{}) {
				t.Logf("%s: nothing to read in %d bytes", name, len(all[name]))
			}
		}
	}
	atLeast(t, "read", n, 268, n)
}

func squash(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestHeadsAndTextsOfDifficultMails(t *testing.T) {
	boxes := mails(t, "zammad/*.box")
	raw, err := os.ReadFile(filepath.Join(shared, "zammad/expected.json"))
	if err != nil {
		t.Skip(err)
	}
	var want map[string]struct {
		From    string `json:"from_email"`
		Name    string `json:"from_display_name"`
		Subject string
		Text    string
		Files   []struct {
			Name string `json:"filename"`
			Size int    `json:"size"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	var from, froms, subject, subjects, texts, textsOf int
	for _, name := range sorted(want) {
		w := want[name]
		var box []byte
		for file, b := range boxes {
			if strings.TrimSuffix(file, ".box") == name || strings.HasPrefix(file, name+"-") {
				box = b
			}
		}
		if box == nil {
			continue
		}
		l := Parse(box)
		if w.From != "" {
			froms++
			if strings.EqualFold(l.From.Email, w.From) {
				from++
			} else {
				t.Logf("%s: from %q, not %q", name, l.From.Email, w.From)
			}
		}
		subjects++
		if squash(l.Subject) == squash(w.Subject) {
			subject++
		} else if !strings.HasPrefix(squash(w.Subject), strings.TrimSuffix(squash(l.Subject), "…")) {
			t.Logf("%s: subject %q, not %q", name, l.Subject, w.Subject)
		} else if l.Subject != "" || w.Subject == "" {
			subject++
		}
		if len(w.Text) > 20 && w.Text != "no visible content" {
			textsOf++
			if share := shareOfWords(l.Text, w.Text); share >= 0.95 {
				texts++
			} else {
				t.Logf("%s: %.0f %% of the words: %q", name, 100*share, clip(squash(l.Text), 150))
			}
		}
	}
	atLeast(t, "From", from, 38, froms)
	atLeast(t, "Subject", subject, 41, subjects)
	atLeast(t, "texts with 95 % of the words", texts, 20, textsOf)
}

func shareOfWords(got, want string) float64 {
	have := map[string]int{}
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	for _, w := range split(got) {
		have[w]++
	}
	all, hit := split(want), 0
	for _, w := range all {
		if have[w] > 0 {
			have[w]--
			hit++
		}
	}
	if len(all) == 0 {
		return 1
	}
	return float64(hit) / float64(len(all))
}

func TestBouncesAreRecognised(t *testing.T) {
	all := mails(t, "bounces/*.eml")
	var found, withRecipient, withID, total int
	for _, name := range sorted(all) {
		l := Parse(all[name])
		if strings.HasPrefix(name, "is-not-bounce") {
			if l.Bounce != nil {
				t.Errorf("%s: taken for a report: %+v", name, l.Bounce)
			}
			continue
		}
		if strings.HasPrefix(name, "rb-") { // it reports, but not in a form that can be relied on
			if l.Bounce == nil && l.Auto.Kind == "" {
				t.Errorf("%s: taken for a person's letter", name)
			}
			continue
		}
		total++
		if l.Bounce == nil {
			t.Logf("%s: not recognised (auto %v): from %q, subject %q: %q", name, l.Auto, l.From.Email, l.Subject, clip(l.Text, 200))
			continue
		}
		found++
		if len(l.Bounce.Recipients) > 0 {
			withRecipient++
		} else {
			t.Logf("%s: no recipient", name)
		}
		if l.Bounce.OriginalID != "" {
			withID++
		}
		if os.Getenv("SHOW") != "" {
			t.Logf("%s: %+v", name, *l.Bounce)
		}
	}
	atLeast(t, "bounces", found, 120, total)
	atLeast(t, "bounces with their recipient", withRecipient, 120, total)
	atLeast(t, "bounces with the id of the letter", withID, 107, total)
}

func TestRepliesAreTrimmed(t *testing.T) {
	all := mails(t, "replies/emails/*.txt")
	good := 0
	for _, name := range sorted(all) {
		want, err := os.ReadFile(filepath.Join(shared, "replies/trimmed", name))
		if err != nil {
			t.Fatal(err)
		}
		got := SplitReply(string(all[name])).Said
		if looks(got) == looks(string(want)) {
			good++
		} else {
			t.Logf("%s:\n--- got\n%s\n--- want\n%s", name, clip(got, 700), clip(string(want), 700))
		}
	}
	atLeast(t, "replies trimmed", good, 34, len(all))
}

func looks(s string) string { return squash(s) }
