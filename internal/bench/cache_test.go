package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A kept seed serves the schema that it was grown under and every later one, but none that has another text for one of its migrations.
func TestAKeptSeedServesLaterSchemas(t *testing.T) {
	b := &bench{MeasureCommand: MeasureCommand{Cache: t.TempDir()}}
	keep := func(dir string, migrations ...string) {
		dir = filepath.Join(b.Cache, dir)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, schemaFile), []byte(strings.Join(migrations, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep("1000-old", "0001 a", "0090 b")
	keep("1000-new", "0001 a", "0053 c", "0090 b")
	keep("1000-new.making", "0001 a", "0053 c", "0060 d", "0090 b")
	keep("1000-other", "0001 A", "0090 b")
	for _, c := range []struct {
		schema []string
		want   string
	}{
		{[]string{"0001 a", "0053 c", "0060 d", "0090 b"}, "1000-new"},
		{[]string{"0001 a", "0053 C", "0090 b"}, "1000-old"},
		{[]string{"0001 A", "0090 b", "0091 e"}, "1000-other"},
		{[]string{"0001 a"}, ""},
	} {
		got := b.fitting(c.schema, "1000")
		if c.want == "" && got != "" || c.want != "" && filepath.Base(got) != c.want {
			t.Errorf("for %v: %q, want %q", c.schema, got, c.want)
		}
	}
	if got := b.fitting([]string{"0001 a", "0090 b"}, "100"); got != "" {
		t.Errorf("another size: %q", got)
	}
}
