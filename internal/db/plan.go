package db

import (
	"context"
	"regexp"
	"strings"
	"sync/atomic"
)

var watcher atomic.Pointer[func(sql string)]

// WatchStatements has f told of each statement, in SQLite's words, when it first runs in this process. For tests.
func WatchStatements(f func(sql string)) { watcher.Store(&f) }

var reTable = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?`)

// FullScan tells whether a statement in SQLite's words would read the whole of one of the large tables, by the line of its plan that
// says so; empty: it doesn't. Partial indexes count as small. A statement of another schema is nobody's fault.
func (d *DB) FullScan(ctx context.Context, sql string, large func(table string) bool) string {
	r, ok := d.engine.reader().(*sqliteReader)
	if !ok || strings.Contains(sql, "LIMIT") || !strings.Contains(strings.ToUpper(sql), "WHERE") {
		return "" // without a condition everything is meant, and a page ends by itself
	}
	rows, err := r.Query(ctx, "EXPLAIN QUERY PLAN "+sql) // arguments that aren't bound are NULL
	if err != nil {
		return ""
	}
	defer rows.Close()
	tables := map[string]string{}
	for _, m := range reTable.FindAllStringSubmatch(sql, -1) {
		tables[m[1]], tables[m[2]] = m[1], m[1]
	}
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return err.Error()
		}
		name, scans := strings.CutPrefix(detail, "SCAN ")
		name, how, _ := strings.Cut(name, " ")
		if scans && large(tables[name]) && !strings.Contains(how, "jobs_running") {
			return detail
		}
	}
	return ""
}
