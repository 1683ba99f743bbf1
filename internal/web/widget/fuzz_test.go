package widget

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"opeka/internal/db"
)

func FuzzScan(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"\u0000"}`, `{"a":"\\u0000"}`, `[[[[[[[[[[[[[`, "\"\\", "\xff", `{"body":"\"}","client_id":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if scan(b) != nil {
			return
		}
		var in sendInput
		if json.Unmarshal(b, &in) != nil {
			return
		}
		for _, r := range in.Body {
			if r == 0 {
				t.Fatal("NUL came through")
			}
		}
		if !utf8.ValidString(in.Body) {
			t.Fatal("text that isn't UTF-8 came through")
		}
	})
}

func FuzzToken(f *testing.F) {
	d := &Door{db: &db.DB{Clock: db.RealClock{}}, o: Options{Key: []byte("key")}}
	good := d.seal(claims{Store: 1, Visitor: "v", At: 1 << 40})
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("." + good)
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := d.open(s); err == nil && d.seal(c) != s {
			t.Fatalf("%q was believed", s)
		}
	})
}

func FuzzPart(f *testing.F) {
	for _, s := range []string{"5", "5,6:7", "5,6:7,8:9", ",", "5,6", "-1", "5,6:x"} {
		f.Add("", s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if p, err := partOf(before, after); err == nil && (p.Before < 0 || p.After < 0 || len(p.Known) > 500) {
			t.Fatal(p)
		}
	})
}
