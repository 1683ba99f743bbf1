package db

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// weave puts the writes of several changes into one order, in which those of each change keep their own and equal statements come
// together, so that rows for one table go in with one statement. Other equal statements are sorted by their arguments: two
// groups that touch the same rows touch them in the same order as far as that goes.
func weave(changes [][]deferred, emit func(sql string, args []any)) {
	changes = slices.Clone(changes)
	ahead := map[string]int{} // how often a statement is still to come
	for _, c := range changes {
		for _, w := range c {
			ahead[w.sql]++
		}
	}
	for {
		sql := nextOf(changes, ahead)
		if sql == "" {
			return
		}
		var runs [][]deferred // what each change has of it
		for i, c := range changes {
			if n := run(c); n > 0 && c[0].sql == sql {
				runs, changes[i] = append(runs, c[:n]), c[n:]
			}
		}
		if len(runs) > 1 && !severalRows(sql) {
			slices.SortStableFunc(runs, func(a, b []deferred) int { return compareArgs(a[0].args, b[0].args) })
		}
		writes := slices.Concat(runs...)
		ahead[sql] -= len(writes)
		emitRows(sql, writes, emit)
	}
}

// nextOf is the statement, of those that changes have next, that the fewest have only later.
func nextOf(changes [][]deferred, ahead map[string]int) (best string) {
	now := map[string]int{}
	for _, c := range changes {
		if n := run(c); n > 0 {
			now[c[0].sql] += n
		}
	}
	later := func(sql string) int { return ahead[sql] - now[sql] }
	for _, c := range changes {
		if len(c) == 0 {
			continue
		}
		if sql := c[0].sql; best == "" || later(sql) < later(best) || later(sql) == later(best) && now[sql] > now[best] {
			best = sql
		}
	}
	return best
}

// run is how many writes at the beginning are the same statement.
func run(c []deferred) (n int) {
	for n < len(c) && c[n].sql == c[0].sql {
		n++
	}
	return n
}

func emitRows(sql string, writes []deferred, emit func(sql string, args []any)) {
	for len(writes) > 0 {
		n := 1
		for severalRows(sql) && n*2 <= min(len(writes), maxRows) && n*2*len(writes[0].args) <= maxParams {
			n *= 2
		}
		args := writes[0].args
		if n > 1 {
			args = make([]any, 0, n*len(args))
			for _, w := range writes[:n] {
				args = append(args, w.args...)
			}
		}
		emit(ofRows(sql, n), args)
		writes = writes[n:]
	}
}

// What bounds a statement; there are as many texts of one as there are powers of two below maxRows.
const (
	maxRows   = 32
	maxParams = 10_000 // PostgreSQL takes 65,535
)

var reInsert = regexp.MustCompile(`(?s)^(INSERT INTO \w+(?: AS \w+)? \([^)]*\)\s+VALUES )(\([$\d, ]+\)(?:,\s*\([$\d, ]+\))*)(\s+ON CONFLICT\b.*\bDO NOTHING)?\s*$`)

// insertText is an insertion of nothing but parameters; values is empty where a statement is something else.
type insertText struct {
	head, values, tail string
	params             int
}

var insertTexts sync.Map // statement -> *insertText

// severalRows tells whether a statement is an insertion that may be repeated within one statement: nothing but parameters, and no
// row decides what becomes of another.
func severalRows(sql string) bool { return insertOf(sql).values != "" }

func insertOf(sql string) *insertText {
	if t, ok := insertTexts.Load(sql); ok {
		return t.(*insertText)
	}
	t := &insertText{}
	if m := reInsert.FindStringSubmatch(sql); m != nil {
		t.head, t.values, t.tail = m[1], m[2], m[3]
		for _, p := range reParam.FindAllString(t.values, -1) {
			n, _ := strconv.Atoi(p[1:])
			t.params = max(t.params, n)
		}
	}
	actual, _ := insertTexts.LoadOrStore(sql, t)
	return actual.(*insertText)
}

type rowsOf struct {
	sql  string
	rows int
}

var rowTexts sync.Map // rowsOf -> text

// ofRows is the insertion with n rows.
func ofRows(sql string, n int) string {
	if n == 1 {
		return sql
	}
	key := rowsOf{sql, n}
	if t, ok := rowTexts.Load(key); ok {
		return t.(string)
	}
	t := insertOf(sql)
	values := make([]string, n)
	for row := range n {
		values[row] = reParam.ReplaceAllStringFunc(t.values, func(p string) string {
			k, _ := strconv.Atoi(p[1:])
			return "$" + strconv.Itoa(row*t.params+k)
		})
	}
	text := t.head + strings.Join(values, ", ") + t.tail
	actual, _ := rowTexts.LoadOrStore(key, text)
	return actual.(string)
}

func compareArgs(a, b []any) int {
	for i := range min(len(a), len(b)) {
		d := 0
		switch x := a[i].(type) {
		case int64:
			if y, ok := b[i].(int64); ok {
				d = cmp.Compare(x, y)
			}
		case string:
			if y, ok := b[i].(string); ok {
				d = cmp.Compare(x, y)
			}
		}
		if d != 0 {
			return d
		}
	}
	return 0
}
