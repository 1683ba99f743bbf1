package api

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed reference.html
var referenceHTML string

//go:embed reference.css
var referenceCSS []byte

var referencePage = template.Must(template.New("reference").Funcs(template.FuncMap{"lower": strings.ToLower, "typeOf": typeOf, "anchor": anchor}).Parse(referenceHTML))

// serveReference adds the description for programs, /openapi.json, and for people, /docs.
func (a *API) serveReference() {
	a.spec = sync.OnceValues(func() ([]byte, error) { return json.MarshalIndent(a.huma.OpenAPI(), "", "  ") })
	a.page = sync.OnceValues(func() ([]byte, error) {
		var b bytes.Buffer
		err := referencePage.Execute(&b, describeAPI(a.huma.OpenAPI()))
		return b.Bytes(), err
	})
	serve := func(path, contentType string, content func() ([]byte, error)) {
		a.mux.HandleFunc("GET "+Base+path, func(w http.ResponseWriter, r *http.Request) {
			b, err := content()
			if err != nil {
				writeProblem(w, a.problem(r.Context(), err))
				return
			}
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Cache-Control", "no-cache")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			_, _ = w.Write(b) // the caller may have gone away
		})
	}
	serve("/openapi.json", "application/json", a.spec)
	serve("/docs", "text/html; charset=utf-8", a.page)
	serve("/docs.css", "text/css; charset=utf-8", func() ([]byte, error) { return referenceCSS, nil })
}

// OpenAPI returns the description of all operations, as /openapi.json serves it.
func (a *API) OpenAPI() ([]byte, error) { return a.spec() }

type referenceModel struct {
	Title, Version, Overview string
	Tags                     []referenceTag
	Schemas                  []referenceSchema
}

type referenceTag struct {
	Name       string
	Operations []referenceOperation
}

type referenceOperation struct {
	ID, Method, Path, Summary, Detail, Permission string
	Public, AgentsOnly                            bool
	Params                                        []*huma.Param
	Body                                          []referenceBody
	Answers                                       []referenceBody
}

type referenceBody struct {
	Status, Kind string
	Schema       *huma.Schema
}

type referenceSchema struct {
	Name   string
	Fields []referenceField
}

type referenceField struct {
	Name     string
	Required bool
	Schema   *huma.Schema
}

func describeAPI(o *huma.OpenAPI) referenceModel {
	m := referenceModel{Title: o.Info.Title, Version: o.Info.Version, Overview: o.Info.Description}
	byTag := map[string][]referenceOperation{}
	for path, item := range o.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op == nil {
				continue
			}
			tag := "Other"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			byTag[tag] = append(byTag[tag], describeOperation(method, path, op))
		}
	}
	for name, ops := range byTag {
		slices.SortFunc(ops, func(x, y referenceOperation) int {
			return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Method, y.Method))
		})
		m.Tags = append(m.Tags, referenceTag{name, ops})
	}
	slices.SortFunc(m.Tags, func(x, y referenceTag) int { return cmp.Compare(x.Name, y.Name) })
	for name, s := range o.Components.Schemas.Map() {
		m.Schemas = append(m.Schemas, referenceSchema{name, fieldsOf(s)})
	}
	slices.SortFunc(m.Schemas, func(x, y referenceSchema) int { return cmp.Compare(x.Name, y.Name) })
	return m
}

func describeOperation(method, path string, op *huma.Operation) referenceOperation {
	d := referenceOperation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Detail: op.Description, Params: op.Parameters, Public: len(op.Security) == 0, AgentsOnly: len(op.Security) == 1}
	d.Permission, _ = op.Extensions["x-permission"].(string)
	if op.RequestBody != nil {
		for kind, media := range op.RequestBody.Content {
			d.Body = append(d.Body, referenceBody{"", kind, media.Schema})
		}
	}
	for status, r := range op.Responses {
		if len(r.Content) == 0 {
			d.Answers = append(d.Answers, referenceBody{status, "", nil})
		}
		for kind, media := range r.Content {
			d.Answers = append(d.Answers, referenceBody{status, kind, media.Schema})
		}
	}
	slices.SortFunc(d.Answers, func(x, y referenceBody) int { return cmp.Compare(x.Status, y.Status) })
	return d
}

func fieldsOf(s *huma.Schema) (out []referenceField) {
	for name, f := range s.Properties {
		out = append(out, referenceField{name, slices.Contains(s.Required, name), f})
	}
	slices.SortFunc(out, func(x, y referenceField) int { return cmp.Compare(x.Name, y.Name) })
	return out
}

const schemaRef = "#/components/schemas/"

// typeOf names a schema's type; one with a name of its own links to its fields.
func typeOf(s *huma.Schema) template.HTML {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		name := template.HTMLEscapeString(strings.TrimPrefix(s.Ref, schemaRef))
		return template.HTML(`<a href="#` + anchor(name) + `">` + name + `</a>`)
	case s.Type == huma.TypeArray:
		return "list of " + typeOf(s.Items)
	}
	text := s.Type
	if text == "" {
		text = "any"
	}
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = fmt.Sprint(v)
		}
		text = s.Type + ": " + strings.Join(values, ", ")
	}
	if s.Nullable {
		text += " or null"
	}
	return template.HTML(template.HTMLEscapeString(text))
}

func anchor(name string) string { return "schema-" + name }
