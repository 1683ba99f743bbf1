package notify

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"opeka/messages"
)

// Fact is something that a condition may ask for.
type Fact struct {
	Name string `json:"name" doc:"order.total, for instance; notice.fact.<name> of the catalogue says it in words"`
	Kind string `json:"kind" enum:"text,number,yes_no,time,list"`
}

// FactNames lists what conditions may ask for.
func FactNames() []Fact {
	var out []Fact
	t := reflect.TypeFor[Facts]()
	for i := range t.NumField() {
		part := t.Field(i)
		if part.Type.Kind() != reflect.Struct {
			continue
		}
		for j := range part.Type.NumField() {
			f := part.Type.Field(j)
			name := f.Tag.Get("expr")
			if name == "" || name == "-" {
				continue
			}
			kind := ""
			switch {
			case f.Type == reflect.TypeFor[time.Time]():
				kind = "time"
			case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.String:
				kind = "list"
			case f.Type.Kind() == reflect.String:
				kind = "text"
			case f.Type.Kind() == reflect.Bool:
				kind = "yes_no"
			case f.Type.Kind() == reflect.Int, f.Type.Kind() == reflect.Float64:
				kind = "number"
			}
			if kind != "" {
				out = append(out, Fact{part.Tag.Get("expr") + "." + name, kind})
			}
		}
	}
	return out
}

// SayCondition puts a condition into plain words. One that can't be worked out is refused with its place.
func SayCondition(lang, text string) (string, error) {
	c, wrong := compileCondition(text)
	if wrong != nil {
		return "", wrong
	}
	if c == nil {
		return "", nil
	}
	tree, err := parser.Parse(text)
	if err != nil { // it compiled, so it parses
		return "", err
	}
	return teller{lang}.say(tree.Node), nil
}

// teller says the parts of a condition in a language.
type teller struct{ lang string }

// sayings are the words for what stands between two sides.
var sayings = map[string]string{
	"&&": "and", "and": "and", "||": "or", "or": "or", "==": "eq", "!=": "ne", ">": "gt", "<": "lt", ">=": "ge", "<=": "le",
	"in": "in", "contains": "contains", "startsWith": "starts", "endsWith": "ends",
}

func (t teller) in(key string, args map[string]any) string {
	return messages.T(t.lang, "notice.say."+key, args)
}

func (t teller) say(n ast.Node) string {
	switch n := n.(type) {
	case *ast.BinaryNode:
		word, known := sayings[n.Operator]
		if !known {
			break
		}
		if yes, ok := n.Right.(*ast.BoolNode); ok && (word == "eq" || word == "ne") {
			return t.truth(n.Left, yes.Value == (word == "eq"))
		}
		return t.in(word, map[string]any{"a": t.side(n.Left, word), "b": t.side(n.Right, word)})
	case *ast.UnaryNode:
		if n.Operator != "!" && n.Operator != "not" {
			break
		}
		if in, ok := n.Node.(*ast.BinaryNode); ok {
			if in.Operator == "in" {
				return t.in("not_in", map[string]any{"a": t.value(in.Left), "b": t.value(in.Right)})
			}
			return t.in("not", map[string]any{"a": t.say(in)})
		}
		return t.truth(n.Node, false)
	case *ast.MemberNode, *ast.IdentifierNode:
		return t.truth(n, true)
	}
	return t.value(n)
}

// side is a side of an operator: parts of their own kind of and and or stand in brackets.
func (t teller) side(n ast.Node, within string) string {
	if b, ok := n.(*ast.BinaryNode); ok {
		word := sayings[b.Operator]
		if word == "or" && within == "and" || word == "and" && within == "or" {
			return "(" + t.say(n) + ")"
		}
	}
	if within == "and" || within == "or" {
		return t.say(n)
	}
	return t.value(n)
}

// truth says that something is so, or isn't.
func (t teller) truth(n ast.Node, yes bool) string {
	if !yes {
		return t.in("no", map[string]any{"a": t.value(n)})
	}
	return t.in("yes", map[string]any{"a": t.value(n)})
}

func (t teller) value(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		if n.Value == "" {
			return t.in("empty", nil)
		}
		return t.in("quoted", map[string]any{"a": n.Value})
	case *ast.IntegerNode:
		return strconv.Itoa(n.Value)
	case *ast.FloatNode:
		return strconv.FormatFloat(n.Value, 'f', -1, 64)
	case *ast.ArrayNode:
		list := make([]string, len(n.Nodes))
		for i, v := range n.Nodes {
			list[i] = t.value(v)
		}
		return strings.Join(list, ", ")
	case *ast.MemberNode:
		name := fmt.Sprint(n)
		if said, ok := messages.Find(t.lang, "notice.fact."+name, nil); ok {
			return said
		}
		return name
	}
	return fmt.Sprint(n) // as it is written: few conditions have more
}
