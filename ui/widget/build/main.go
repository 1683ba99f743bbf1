// Command build makes the widget: the loader, and one panel for each language with its words inside. It needs
// Go alone, and writes the same bytes each time, so that what is committed can be checked against the sources:
//
//	go run ./ui/widget/build          writes ui/widget/dist
//	go run ./ui/widget/build -check   says whether it is up to date
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// What a shop's visitor has to load, compressed.
const (
	maxLoader = 2 << 10
	maxPanel  = 10 << 10
)

var languages = []string{"en", "uk", "ru", "pl"}

func main() {
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	log.SetFlags(0)
	files, err := build()
	if err != nil {
		log.Fatal(err)
	}
	if *check {
		err = compare(files)
	} else {
		err = write(files)
	}
	if err != nil {
		log.Fatal(err)
	}
}

const (
	source = "ui/widget/src"
	target = "ui/widget/dist"
)

func build() (map[string][]byte, error) {
	files := map[string][]byte{}
	panels, labels := map[string]string{}, map[string]string{}
	for _, l := range languages {
		words, err := words(l)
		if err != nil {
			return nil, err
		}
		var label string
		if err := json.Unmarshal(words["open"], &label); err != nil {
			return nil, err
		}
		labels[l] = label
		// What few visitors need comes by itself, with its own words.
		define := map[string]string{"LANGUAGE": encode(l)}
		for _, part := range parts {
			define["TEXTS"] = encode(take(words, part))
			name, err := add(files, part, l, define)
			if err != nil {
				return nil, err
			}
			define[strings.ToUpper(part)] = encode(name)
		}
		define["TEXTS"] = encode(words)
		if panels[l], err = add(files, "panel", l, define); err != nil {
			return nil, err
		}
	}
	// The four languages' buttons are all that the loader says.
	var err error
	files["widget.js"], err = bundle("loader.ts", api.FormatIIFE, map[string]string{"PANELS": encode(panels), "LABELS": encode(labels)})
	if err != nil {
		return nil, err
	}
	return files, report("widget.js", files["widget.js"], maxLoader)
}

// add bundles a module for one language and returns the name of its file, which changes with its bytes.
func add(files map[string][]byte, module, language string, define map[string]string) (string, error) {
	code, err := bundle(module+".ts", api.FormatESModule, define)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(code)
	name := module + "." + language + "." + hex.EncodeToString(sum[:5]) + ".js"
	files[name] = code
	return name, report(name, code, maxPanel)
}

// parts are modules that the panel fetches when they are needed; their words begin with their names.
var parts = []string{"orders", "files", "calls"}

// take removes the words of a part from the others.
func take(words map[string]json.RawMessage, part string) map[string]json.RawMessage {
	own := map[string]json.RawMessage{}
	for k, v := range words {
		if strings.HasPrefix(k, part+".") {
			own[k] = v
			delete(words, k)
		}
	}
	return own
}

// words returns the panel's part of the catalogue, without the prefix; what the program itself says is left out.
func words(language string) (map[string]json.RawMessage, error) {
	b, err := os.ReadFile(filepath.Join("messages", language, "widget.json"))
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("messages/%s/widget.json: %w", language, err)
	}
	out := map[string]json.RawMessage{}
	for k, v := range all {
		if key, ok := strings.CutPrefix(k, "widget."); ok && !strings.HasPrefix(key, "stage.") {
			out[key] = v
		}
	}
	return out, nil
}

func bundle(entryPoint string, format api.Format, define map[string]string) ([]byte, error) {
	r := api.Build(api.BuildOptions{
		EntryPoints:       []string{filepath.Join(source, entryPoint)},
		Bundle:            true,
		Format:            format,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		Define:            define,
		LegalComments:     api.LegalCommentsNone,
		MinifyIdentifiers: true, MinifySyntax: true, MinifyWhitespace: true,
		Plugins: []api.Plugin{styles},
	})
	var err error
	for _, m := range r.Errors {
		err = errors.Join(err, fmt.Errorf("%s: %s", m.Location.File, m.Text))
	}
	if err != nil {
		return nil, err
	}
	return r.OutputFiles[0].Contents, nil
}

// styles makes a style sheet the text of a module, minified.
var styles = api.Plugin{Name: "styles", Setup: func(b api.PluginBuild) {
	b.OnLoad(api.OnLoadOptions{Filter: `\.css$`}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		css, err := os.ReadFile(a.Path)
		if err != nil {
			return api.OnLoadResult{}, err
		}
		r := api.Transform(string(css), api.TransformOptions{Loader: api.LoaderCSS, MinifySyntax: true, MinifyWhitespace: true, Target: api.ES2022})
		text := strings.TrimSpace(string(r.Code))
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderText, Errors: r.Errors}, nil
	})
}}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and raw JSON only
	}
	return string(b)
}

func report(name string, code []byte, limit int) error {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if _, err := z.Write(code); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	fmt.Printf("%-26s %6d bytes, %5d compressed\n", name, len(code), b.Len())
	if b.Len() > limit {
		return fmt.Errorf("%s: %d bytes compressed, at most %d are allowed", name, b.Len(), limit)
	}
	return nil
}

func write(files map[string][]byte) error {
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	for name, code := range files {
		if err := os.WriteFile(filepath.Join(target, name), code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func compare(files map[string][]byte) error {
	there, err := os.ReadDir(target)
	if err != nil {
		return err
	}
	var stale []string
	for _, f := range there {
		if _, ok := files[f.Name()]; !ok {
			stale = append(stale, f.Name())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if b, err := os.ReadFile(filepath.Join(target, name)); err != nil || !bytes.Equal(b, files[name]) {
			stale = append(stale, name)
		}
	}
	if len(stale) > 0 {
		return fmt.Errorf("out of date, run go run ./ui/widget/build: %s", strings.Join(stale, ", "))
	}
	return nil
}
