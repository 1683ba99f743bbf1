package db

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// The queries are written once, for PostgreSQL. What SQLite says differently is rewritten
// here, once per statement text; the rules are listed in docs/adr/0001.
var (
	reComment = regexp.MustCompile(`(?m)^\s*--.*$`)
	reAny     = regexp.MustCompile(`(?i)=\s*ANY\s*\(\s*(\$\d+)(?:::\w+\[\])?\s*\)`)
	reAll     = regexp.MustCompile(`(?i)<>\s*ALL\s*\(\s*(\$\d+)(?:::\w+\[\])?\s*\)`)
	reLock    = regexp.MustCompile(`(?i)\s+FOR\s+(NO\s+KEY\s+)?UPDATE(\s+OF\s+\w+)?(\s+SKIP\s+LOCKED)?`)
	reCast    = regexp.MustCompile(`::(double precision|\w+)(\[\])?`)
	reCollate = regexp.MustCompile(`(?i)\s+COLLATE\s+"C"`)
	reFunc    = regexp.MustCompile(`(?i)\b(greatest|least)\(`)
	reLimit   = regexp.MustCompile(`(?i)\bLIMIT\s+(\$\d+)`)
	reParam   = regexp.MustCompile(`\$\d+`)
)

// statement is a query in SQLite's words; args tells which argument stands at each `?`.
type statement struct {
	sql  string
	args []int
}

var rewritten sync.Map // PostgreSQL text -> *statement

func rewrite(sql string) *statement {
	if s, ok := rewritten.Load(sql); ok {
		return s.(*statement)
	}
	q := reComment.ReplaceAllString(sql, "")
	q = reAny.ReplaceAllString(q, "IN (SELECT value FROM json_each($1))")
	// The replacement's $1 is the captured parameter, e.g. "$3".
	q = reAll.ReplaceAllString(q, "NOT IN (SELECT value FROM json_each($1))")
	q = reLock.ReplaceAllString(q, "")
	q = reCast.ReplaceAllString(q, "")
	q = reCollate.ReplaceAllString(q, "")
	// A bare parameter there makes SQLite plan the statement anew each time that it is bound.
	q = reLimit.ReplaceAllString(q, "LIMIT CAST($1 AS INTEGER)")
	q = reFunc.ReplaceAllStringFunc(q, func(m string) string {
		if strings.EqualFold(m, "greatest(") {
			return "max("
		}
		return "min("
	})
	s := &statement{}
	s.sql = strings.TrimSpace(reParam.ReplaceAllStringFunc(q, func(p string) string {
		n, _ := strconv.Atoi(p[1:])
		s.args = append(s.args, n-1)
		return "?"
	}))
	actual, known := rewritten.LoadOrStore(sql, s)
	if watch := watcher.Load(); watch != nil && !known {
		(*watch)(s.sql)
	}
	return actual.(*statement)
}

// sqliteSchema turns a migration written for PostgreSQL into SQLite's words.
func sqliteSchema(ddl string) string {
	for _, r := range []struct{ re, with string }{
		{`(?i)\bBIGINT\s+PRIMARY\s+KEY`, "INTEGER PRIMARY KEY"}, // the rowid itself
		{`(?i)\bJSONB\b`, "TEXT"},
		{`(?i)\bBYTEA\b`, "BLOB"},
		{`(?i)\bDOUBLE\s+PRECISION\b`, "REAL"},
		{`(?i)\s+COLLATE\s+"C"`, ""},
		{`::\w+(\[\])?`, ""},
	} {
		ddl = regexp.MustCompile(r.re).ReplaceAllString(ddl, r.with)
	}
	return ddl
}
