package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	xhtml "golang.org/x/net/html"
)

func TestCleanHTML(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                            "",
		"<p>Добрий <b>день</b></p>":   "<p>Добрий <b>день</b></p>",
		"a<script>alert(1)</script>b": "ab",
		"<style>p{}</style><p style='x' class=y id=z>a</p>":                                       "<p>a</p>",
		`<a href="https://shop.example/x?a=1&b=2">x</a>`:                                          `<a href="https://shop.example/x?a=1&amp;b=2" rel="nofollow noreferrer noopener" target="_blank">x</a>`,
		`<a href="mailto:a@b.example">x</a>`:                                                      `<a href="mailto:a@b.example" rel="nofollow noreferrer">x</a>`,
		`<a href="javascript:alert(1)" onclick="x()">x</a>`:                                       "x",
		`<a href="/api/v1/me">x</a>`:                                                              "x",
		`<a href="//evil.example">x</a>`:                                                          "x",
		`<img src="https://evil.example/pixel.gif">`:                                              "",
		`<img data-src="https://evil.example/a" alt="кіт">`:                                       `<img alt="кіт">`,
		`<img src="cid:part1@x" alt="photo" onerror="x()">`:                                       `<img src="cid:part1@x" alt="photo">`,
		`<img src="data:image/svg+xml;base64,AAAA">`:                                              "",
		`<table background="https://evil.example/a"><tr><td colspan=2>x</td></tr></table>`:        `<table><tr><td colspan="2">x</td></tr></table>`,
		`<svg><a xlink:href="javascript:x">q</a></svg>ok`:                                         "ok",
		`<form action="https://evil.example"><input name=password><button>go</button>text</form>`: "text",
		`<iframe src="https://evil.example"></iframe><object data=x></object>z`:                   "z",
		`<base href="https://evil.example"><meta http-equiv=refresh content=0>z`:                  "z",
		"<p>a\x00b\xff</p>": "<p>ab\ufffd</p>",
	} {
		if got := CleanHTML(in); got != want {
			t.Errorf("CleanHTML(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestHTMLToText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "",
		"просто текст":                         "просто текст",
		"a &lt;b&gt; &amp;amp; &#39;c":         "a <b> &amp; 'c",
		"<p>One\n two</p><p>three<br>four</p>": "One two\n\nthree\nfour",
		"<div>a</div><div>b</div>":             "a\nb",
		"<b>a</b> <i>b</i>c":                   "a bc",
		"<ul><li>one<li>two</ul>end":           "- one\n- two\n\nend",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>":                "a b\nc",
		"<head><title>x</title><style>y</style></head><body>z":                           "z",
		"<head><title>x</title><body>z":                                                  "z",
		"a<script>if (a<b) {}</script>b<!-- c -->":                                       "ab",
		`see <a href="https://shop.example/r">our rules</a>.`:                            "see our rules (https://shop.example/r).",
		`<a href="https://shop.example/">shop.example</a>`:                               "shop.example",
		`<a href="https://shop.example/"><img src=x alt="logo"></a>`:                     "logo (https://shop.example/)",
		"<p>hi</p><blockquote><p>was</p><blockquote>before</blockquote></blockquote>bye": "hi\n\n> was\n>\n> > before\n\nbye",
		"<pre>a\n  b\n</pre>c":                                                           "a\n  b\n\nc",
		"a<br><br><br><br>b":                                                             "a\n\nb",
		"</blockquote></p>a</a>":                                                         "a",
	} {
		if got := HTMLToText(in); got != want {
			t.Errorf("HTMLToText(%q)\n got %q\nwant %q", in, got, want)
		}
	}
	if got := HTMLToText(strings.Repeat("<blockquote><div><svg>", 100_000)); got != "" {
		t.Errorf("depth gives %d bytes", len(got))
	}
}

func TestTextToHTML(t *testing.T) {
	t.Parallel()
	if got := TextToHTML("a<b>\r\n\"c\" & 'd'"); got != "a&lt;b&gt;<br>\n&#34;c&#34; &amp; &#39;d&#39;" {
		t.Errorf("%q", got)
	}
	if got := HTMLToText(TextToHTML("перший\nдругий <3")); got != "перший\nдругий <3" {
		t.Errorf("%q", got)
	}
}

// Whatever goes in, what comes out holds only what may be shown.
func FuzzCleanHTML(f *testing.F) {
	for _, seed := range []string{
		`<a href="jAvAsCrIpT:alert(1)">x</a>`, `<img src=x onerror=alert(1)>`, `<svg/onload=alert(1)>`, `<math><mi//xlink:href="data:x,<script>">`,
		"<p title='</p><script>'>", "<!--><img src=x>-->", `<a href="https://x"target=y rel=opener>`, "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := CleanHTML(s)
		if !utf8.ValidString(out) || !utf8.ValidString(HTMLToText(s)) {
			t.Fatalf("%q gives invalid text", s)
		}
		tokens := xhtml.NewTokenizer(strings.NewReader(out))
		for tokens.Next() != xhtml.ErrorToken {
			token := tokens.Token()
			switch token.Data {
			case "script", "style", "iframe", "svg", "math", "object", "embed", "form", "input", "base", "meta", "link":
				if token.Type != xhtml.TextToken {
					t.Fatalf("%q leaves %q", s, out)
				}
			}
			for _, a := range token.Attr {
				switch a.Key {
				case "href", "src", "alt", "rel", "target", "colspan", "rowspan", "dir":
				default:
					t.Fatalf("%q leaves the attribute %s in %q", s, a.Key, out)
				}
				value := strings.ToLower(strings.TrimSpace(a.Val))
				if a.Key == "src" && !strings.HasPrefix(value, "cid:") || strings.HasPrefix(value, "javascript:") && a.Key == "href" {
					t.Fatalf("%q leaves %s=%q", s, a.Key, a.Val)
				}
				if a.Key == "target" && !strings.Contains(attribute(token, "rel"), "noopener") {
					t.Fatalf("%q leaves a link with an opener: %q", s, out)
				}
			}
		}
	})
}

func TestCleanLetterKeepsPicturesFromElsewhereAside(t *testing.T) {
	for in, want := range map[string]string{
		`<p onclick="x()">Hi <img src="https://a.example/1.png?x=1&amp;y=2" alt="Map"></p>`: `<p>Hi <img data-remote="https://a.example/1.png?x=1&amp;y=2" alt="Map"></p>`,
		`<img src="cid:pole@x" alt="pole">`:                                                 `<img src="cid:pole@x" alt="pole">`,
		`<img data-remote="https://a.example/spy.png" src="javascript:x()">`:                ``,
		`<img src=" HTTP://a.example/2.png ">`:                                              `<img data-remote="HTTP://a.example/2.png">`,
		`<script>x()</script><style>p{}</style><a href="https://a.example">there</a>`:       `<a href="https://a.example" rel="nofollow noreferrer noopener" target="_blank">there</a>`,
		`<img src="https://a.example/` + strings.Repeat("long", 1000) + `">`:                `<img data-remote="https://a.example/` + strings.Repeat("long", 1000) + `">`,
		`<img src="https://a.example/&quot;onerror=x()">`:                                   ``,
	} {
		if got := CleanLetter(in); got != want {
			t.Errorf("%.80s:\n%.200s\nwant\n%.200s", in, got, want)
		}
	}
}
