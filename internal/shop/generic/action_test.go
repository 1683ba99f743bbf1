package generic

import (
	"testing"

	"opeka/internal/care"
)

func FuzzDecodeAnswer(f *testing.F) {
	for _, s := range []string{`{"state":"done"}`, `{"state":"refused","reason":"no"}`, `{"state":"pending","retry_after":-5}`, `{"state":"stolen"}`, `{}`, "", "\xff"} {
		f.Add(200, []byte(s))
		f.Add(409, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a, err := decodeAnswer(status, body)
		switch {
		case err != nil:
		case a.State != care.ActionDone && a.State != care.ActionPending && a.State != care.ActionRefused, a.After < 0:
			t.Fatalf("%+v", a)
		case a.State != care.ActionRefused && status >= 300:
			t.Fatalf("%d is taken for %s", status, a.State)
		}
	})
}
