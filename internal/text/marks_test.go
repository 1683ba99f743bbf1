package text_test

import (
	"strings"
	"testing"

	"opeka/internal/text"
)

func TestMarks(t *testing.T) {
	picture := func(id int64) string {
		if id == 5 {
			return "cid:5@opeka"
		}
		return ""
	}
	for _, c := range []struct {
		name, in, html, plain string
		marked                bool
	}{
		{"plain", "Hello,\nthere & <b>", "<div>Hello,</div>\n<div>there &amp; &lt;b&gt;</div>", "Hello,\nthere & <b>", false},
		{"bold", "It is **there** now", "<div>It is <b>there</b> now</div>", "It is there now", true},
		{"stars of a sum", "2 ** 3 and 4 ** 5", "<div>2 ** 3 and 4 ** 5</div>", "2 ** 3 and 4 ** 5", false},
		{"link", "See [our page](https://shop.example/a?b=1&c=2).", `<div>See <a href="https://shop.example/a?b=1&amp;c=2">our page</a>.</div>`, "See our page (https://shop.example/a?b=1&c=2).", true},
		{"no other schemes", "[x](javascript:alert)", "<div>[x](javascript:alert)</div>", "[x](javascript:alert)", false},
		{"bare address", "https://shop.example/x.", `<div><a href="https://shop.example/x">https://shop.example/x</a>.</div>`, "https://shop.example/x.", false},
		{"list", "Take:\n- tent\n- **mat**\nBye", "<div>Take:</div>\n<ul>\n<li>tent</li>\n<li><b>mat</b></li>\n</ul>\n<div>Bye</div>", "Take:\n- tent\n- mat\nBye", true},
		{"one dash is speech", "- Yes, it is.", "<div>- Yes, it is.</div>", "- Yes, it is.", false},
		{"numbers", "1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>", "1. one\n2. two", true},
		{"a year is no list", "2024. It was", "<div>2024. It was</div>", "2024. It was", false},
		{"picture", "So: ![a \"b\".png](#5)", `<div>So: <img src="cid:5@opeka" alt="a &#34;b&#34;.png"></div>`, "So: [a \"b\".png]", true},
		{"somebody else's picture", "![a](#6)", "<div>![a](#6)</div>", "[a]", false},
		{"empty lines", "a\n\nb", "<div>a</div>\n<br>\n<div>b</div>", "a\n\nb", false},
	} {
		html, marked := text.MarksToHTML(c.in, picture)
		if html != c.html || marked != c.marked {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, marked, html, c.html)
		}
		if got := text.MarksToText(c.in); got != c.plain {
			t.Errorf("%s as text: %q", c.name, got)
		}
	}
}

// Whatever is typed, nothing but the marks' own elements comes out: cleaning finds nothing to take away that acts.
func FuzzMarks(f *testing.F) {
	for _, s := range []string{"**a**", "[a](https://b)", "- a\n- b", "![x](#5)", `[a](https://b" onclick="x)`, "<script>", "1. a\n\n2. b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		html, _ := text.MarksToHTML(s, func(int64) string { return "cid:5@opeka" })
		low := strings.ToLower(html)
		if strings.Contains(low, "<script") || strings.Contains(low, "javascript:") && strings.Contains(low, `href="javascript`) {
			t.Fatal(html)
		}
		if strings.Count(html, `"`)%2 != 0 {
			t.Fatalf("a quote got out: %s", html)
		}
	})
}
