package inbox

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"opeka/internal/db"
)

// Every field of a row, whatever is in it, is written as encoding/json would write it.
func TestRowsAreWrittenAsByReflection(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "Олена Коваль", `"так" \ ні`, "a\tb\nc\x01\x7f", "<b>&amp;</b>", "\u2028 — “ти” …", "\xff\xe2\x80", "👨‍👩‍👧"}
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Interface().(type) {
		case db.Time:
			v.SetInt([]int64{0, 1, r.Int64N(1 << 51), r.Int64N(1<<31) * 1_000_000}[r.IntN(4)])
			return
		case json.RawMessage:
			v.SetBytes([]byte([]string{"[]", `["a","б"]`, `["a", "б в"]`, ""}[r.IntN(4)]))
			if v.Len() == 0 {
				v.SetZero()
			}
			return
		}
		switch v.Kind() {
		case reflect.Int64:
			v.SetInt(r.Int64() >> r.IntN(64))
		case reflect.String:
			v.SetString(texts[r.IntN(len(texts))])
		case reflect.Struct:
			for n := range v.NumField() {
				fill(v.Field(n))
			}
		case reflect.Pointer:
			if r.IntN(3) > 0 {
				v.Set(reflect.New(v.Type().Elem()))
				fill(v.Elem())
			}
		default:
			t.Fatalf("the test doesn't know %s", v.Type())
		}
	}
	for range 2000 {
		p := Page{Items: make([]Row, r.IntN(4)), Next: texts[r.IntN(len(texts))]}
		for n := range p.Items {
			fill(reflect.ValueOf(&p.Items[n]).Elem())
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(p); err != nil {
			t.Fatal(err)
		}
		if got := p.AppendJSON(nil); !bytes.Equal(got, bytes.TrimSpace(want.Bytes())) {
			t.Fatalf("got\n%s\nwant\n%s", got, want.Bytes())
		}
	}
}

func BenchmarkPageJSON(b *testing.B) {
	p := Page{Items: make([]Row, 50)}
	for n := range p.Items {
		p.Items[n] = Row{ID: 1 << 50, Store: 1 << 49, Number: int64(n), Version: 7, Status: Open, Channel: "chat", Subject: "Моє замовлення", Preview: "Доброго дня! Підкажіть, будь ласка, коли буде відправлено моє замовлення, бо я вже чекаю третій день і дуже хвилююся",
			PreviewFrom: FromCustomer, Customer: Person{1 << 48, "Олена Коваль", "ОК"}, Assignee: &Agent{1 << 47, "Тарас Мороз"}, Tags: json.RawMessage("[]"), Language: "uk", LastSeq: 4, LastMessageAt: 1e15 + 1, CreatedAt: 1e15, WaitingSince: 1e15}
	}
	var buffer bytes.Buffer
	for _, c := range []struct {
		name string
		f    func()
	}{{"own", func() { buffer.Write(p.AppendJSON(buffer.AvailableBuffer())) }}, {"reflection", func() { _ = json.NewEncoder(&buffer).Encode(p) }}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				buffer.Reset()
				c.f()
			}
		})
	}
}
