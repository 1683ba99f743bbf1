package inbox

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// rounds bounds how long a search looks for conversations of a view among the messages that it finds;
// the cursor of the page says where to go on.
const rounds = 4

// find lists the conversations whose messages contain the words, by the newest such message. A
// conversation stands on each page on which one of its messages was found.
func (i *Inbox) find(ctx context.Context, scope care.Scope, f Filter, stores []int64) (Page, error) {
	p := Page{Items: []Row{}}
	if err := checkText("q", f.Text, 500); err != nil {
		return p, err
	}
	after, err := parseCursor(f.Cursor)
	if err != nil {
		return p, err
	}
	words := text.Query(f.Text)
	if len(words) == 0 {
		return p, nil
	}
	q := i.db.Read()
	marks, err := i.marks(ctx, q, stores)
	if err != nil {
		return p, err
	}
	before, batch := after.id, 4*f.Limit // a conversation tends to say a word more than once
	if before == 0 {
		before = 1 << 53
	}
	var found []int64
	more := true
	for round := 0; more && round < rounds && len(found) < f.Limit; round++ {
		hits, err := i.hits(ctx, q, words, marks, before, batch)
		if err != nil {
			return p, err
		}
		in, err := conversationsOf(ctx, q, hits, f, mineOr(scope))
		if err != nil {
			return p, err
		}
		more = len(hits) == batch
		for n, h := range hits {
			before = h
			if id := in[h]; id != 0 && !slices.Contains(found, id) {
				if found = append(found, id); len(found) == f.Limit {
					more = more || n < len(hits)-1
					break
				}
			}
		}
	}
	if more {
		p.Next = cursor{id: before}.String()
	}
	p.Items, err = rowsOf(ctx, q, found)
	return p, err
}

// marks are the stores to look in, or none when that is every store there is: an index needn't be asked what is always true.
func (i *Inbox) marks(ctx context.Context, q db.Querier, stores []int64) ([]string, error) {
	var all int
	if err := q.QueryRow(ctx, `SELECT count(*) FROM stores`).Scan(&all); err != nil {
		return nil, err
	}
	if all == len(stores) {
		return nil, nil
	}
	out := make([]string, len(stores))
	for n, s := range stores {
		out[n] = storeMark(s)
	}
	return out, nil
}

// hits returns the newest messages before one that contain all the words, newest first.
func (i *Inbox) hits(ctx context.Context, q db.Querier, words [][]string, marks []string, before int64, limit int) ([]int64, error) {
	if i.db.Engine == db.SQLite {
		return ids(q.Query(ctx, `SELECT rowid FROM message_search WHERE message_search MATCH $1 AND rowid < $2 ORDER BY rowid DESC LIMIT $3`,
			expression(words, marks, " OR ", " AND ", `"`), before, int64(limit)))
	}
	var head int64
	err := q.QueryRow(ctx, `SELECT coalesce((SELECT position FROM message_search WHERE message_id = $1), (SELECT last FROM message_search_head WHERE id = 1))`, before).Scan(&head)
	if err != nil {
		return nil, err
	}
	wanted := expression(words, marks, " | ", " & ", "'")
	args := []any{before, int64(limit)}
	var b strings.Builder
	for n, mark := range stretchesFrom(head) {
		if n > 0 {
			b.WriteString(" UNION ALL ")
		}
		args = append(args, wanted+" & '"+mark+"'")
		// "+ 0" keeps the planner from walking the primary key, which is slow for a rare word.
		b.WriteString("(SELECT message_id FROM message_search WHERE terms @@ $" + strconv.Itoa(len(args)) + "::tsquery AND message_id < $1 ORDER BY message_id + 0 DESC LIMIT $2)")
	}
	return ids(q.Query(ctx, "SELECT message_id FROM ("+b.String()+") AS hits LIMIT $2", args...))
}

// stretchesFrom lists the stretches of messages up to a position, newest first: short ones near it, longer ones further
// back. The database goes through them until it has enough, so a common word needs only the first, a rare one a dozen.
func stretchesFrom(position int64) []string {
	var out []string
	for level, bits := range stretches {
		n := position >> bits
		out = append(out, stretchMark(level, n))
		if position = n<<bits - 1; position < 0 {
			break
		}
		last := level == len(stretches)-1
		for position >= 0 && (last || (position+1)&(1<<stretches[level+1]-1) != 0) {
			out = append(out, stretchMark(level, position>>bits))
			position -= 1 << bits
		}
		if position < 0 {
			break
		}
	}
	return out
}

// expression writes the words and stores for an engine: each group needs one of its terms.
func expression(words [][]string, marks []string, or, and, quote string) string {
	var b strings.Builder
	group := func(terms []string) {
		if b.Len() > 0 {
			b.WriteString(and)
		}
		b.WriteByte('(')
		for n, t := range terms {
			if n > 0 {
				b.WriteString(or)
			}
			b.WriteString(quote + searchTerm(t) + quote)
		}
		b.WriteByte(')')
	}
	for _, w := range words {
		group(w)
	}
	if len(marks) > 0 {
		group(marks)
	}
	return b.String()
}

// conversationsOf returns the conversation of each message, if the filter lets it through.
func conversationsOf(ctx context.Context, q db.Querier, messages []int64, f Filter, agent int64) (map[int64]int64, error) {
	s := search{f: f, agent: agent, args: []any{messages}}
	where := s.searchConditions()
	rows, err := q.Query(ctx, `SELECT m.id, m.conversation_id FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = ANY($1::bigint[])`+where, s.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[int64]int64, len(messages))
	for rows.Next() {
		var message, conversation int64
		if err := rows.Scan(&message, &conversation); err != nil {
			return nil, err
		}
		out[message] = conversation
	}
	return out, rows.Err()
}

// rowsOf reads conversations in the order of their ids given.
func rowsOf(ctx context.Context, q db.Querier, wanted []int64) ([]Row, error) {
	out := make([]Row, 0, len(wanted))
	if len(wanted) == 0 {
		return out, nil
	}
	rows, err := q.Query(ctx, `SELECT `+rowColumns+` FROM conversations c`+rowJoins+` WHERE c.id = ANY($1::bigint[])`, wanted)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Row
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Row) int { return slices.Index(wanted, a.ID) - slices.Index(wanted, b.ID) })
	return out, rows.Err()
}

// searchConditions are the filter's, for a conversation that is at hand already.
func (s *search) searchConditions() string {
	var b strings.Builder
	if s.f.View != ViewAll {
		b.WriteString(" AND c.status = " + s.arg(s.f.statuses()[0]))
	}
	switch s.f.View {
	case ViewMine:
		b.WriteString(" AND c.assignee_id = " + s.arg(s.agent))
	case ViewUnassigned:
		b.WriteString(" AND c.assignee_id = 0")
	}
	for _, x := range []struct {
		column string
		id     int64
	}{{"queue_id", s.f.Queue}, {"assignee_id", s.f.Assignee}} {
		if x.id != 0 {
			b.WriteString(" AND c." + x.column + " = " + s.arg(x.id))
		}
	}
	if s.f.Channel != "" {
		b.WriteString(" AND c.channel = " + s.arg(s.f.Channel))
	}
	if s.f.Tag != "" {
		b.WriteString(" AND EXISTS (SELECT 1 FROM conversation_tags x JOIN tags g ON g.id = x.tag_id WHERE x.conversation_id = c.id AND g.name = " + s.arg(s.f.Tag) + ")")
	}
	if s.f.Topic != "" {
		b.WriteString(" AND EXISTS (SELECT 1 FROM topics o WHERE o.id = c.topic_id AND o.name = " + s.arg(s.f.Topic) + ")")
	}
	return b.String()
}
