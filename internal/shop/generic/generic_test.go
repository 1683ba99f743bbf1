package generic

import (
	"errors"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestSignatures(t *testing.T) {
	body := []byte(`{"items":[]}`)
	live := []string{"new", "old"}
	for name, c := range map[string]struct {
		header string
		now    time.Time
		want   error
	}{
		"the current secret":  {Sign("new", noon, body), noon, nil},
		"the one before":      {Sign("old", noon, body), noon, nil},
		"both at once":        {Sign("x", noon, body) + "," + Sign("new", noon, body)[13:], noon, nil},
		"another secret":      {Sign("x", noon, body), noon, ErrSignature},
		"an empty secret":     {Sign("", noon, body), noon, ErrSignature},
		"another body":        {Sign("new", noon, []byte("{}")), noon, ErrSignature},
		"at the edge":         {Sign("new", noon, body), noon.Add(Tolerance), nil},
		"too late":            {Sign("new", noon, body), noon.Add(Tolerance + time.Second), ErrLate},
		"from the future":     {Sign("new", noon.Add(Tolerance+time.Second), body), noon, ErrLate},
		"nothing":             {"", noon, ErrSignature},
		"nonsense":            {"t=x,v1=y", noon, ErrSignature},
		"a time without a v1": {"t=1", noon, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Verify(append(live, ""), c.header, body, c.now); !errors.Is(err, c.want) && err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func FuzzDecodeBatch(f *testing.F) {
	for _, s := range []string{`{"items":[{"kind":"order","op":"upsert","external_id":"1","data":{"number":"1"}}]}`, `[{"kind":"stock"}]`, `{"events":[{"kind":"order","external_id":"2"}]}`, `[[[[`, `{"items":[{"updated_at":"9999-99-99"}]}`, "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := DecodeBatch(body)
		if err == nil && (len(items) == 0 || len(items) > MaxItems) {
			t.Fatalf("%d items without an error", len(items))
		}
	})
}
