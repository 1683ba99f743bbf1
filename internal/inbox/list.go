package inbox

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
)

// Views are the lists that every agent has.
const (
	ViewOpen       = "open"
	ViewMine       = "mine"
	ViewUnassigned = "unassigned"
	ViewPending    = "pending"
	ViewSnoozed    = "snoozed"
	ViewResolved   = "resolved"
	ViewAll        = "all"
)

var views = []string{ViewOpen, ViewMine, ViewUnassigned, ViewPending, ViewSnoozed, ViewResolved, ViewAll}

// Orders of a list.
const (
	SortLatest  = "latest"
	SortOldest  = "oldest"
	SortWaiting = "waiting" // only those whose customer waits, the longest wait first
	SortDue     = "due"     // only those whose first response is due, the earliest deadline first
)

// Filter says which conversations to list; zero values don't filter.
type Filter struct {
	View     string // ViewOpen when empty
	Store    int64
	Queue    int64
	Assignee int64
	Channel  string
	Tag      string
	Topic    string
	Text     string // in the messages; the order is then that of the messages found, newest first
	Sort     string // SortLatest when empty
	Cursor   string
	Limit    int // 50 when 0, at most 100
}

// Page is a part of a list; Next is empty at its end.
type Page struct {
	Items []Row  `json:"items"`
	Next  string `json:"next"`
}

// fewTagged is up to how many conversations of a tag or topic are sorted; more are met soon enough by walking the list.
const fewTagged = 1000

// List returns a page of conversations. Each list walks an index, so its cost doesn't depend on how many there are.
func (i *Inbox) List(ctx context.Context, scope care.Scope, f Filter) (Page, error) {
	stores, err := readable(scope, f.Store)
	if err != nil {
		return Page{}, err
	}
	if err := f.check(); err != nil {
		return Page{}, err
	}
	if len(stores) == 0 {
		return Page{Items: []Row{}}, nil
	}
	if f.Text != "" {
		return i.find(ctx, scope, f, stores)
	}
	q := i.db.Read()
	s := search{f: f, stores: stores, agent: mineOr(scope)}
	if s.after, err = parseCursor(f.Cursor); err != nil {
		return Page{}, err
	}
	if f.Tag != "" {
		if s.tags, err = ids(q.Query(ctx, `SELECT id FROM tags WHERE name = $1 AND store_id = ANY($2::bigint[])`, f.Tag, stores)); err != nil {
			return Page{}, err
		}
		if len(s.tags) == 0 {
			return Page{Items: []Row{}}, nil
		}
		s.tagged, err = ids(q.Query(ctx, `SELECT conversation_id FROM conversation_tags WHERE tag_id = ANY($1::bigint[]) LIMIT $2`, s.tags, int64(fewTagged+1)))
		if err != nil {
			return Page{}, err
		}
	}
	if f.Topic != "" {
		if s.topics, err = ids(q.Query(ctx, `SELECT id FROM topics WHERE name = $1 AND store_id = ANY($2::bigint[])`, f.Topic, stores)); err != nil {
			return Page{}, err
		}
		if len(s.topics) == 0 {
			return Page{Items: []Row{}}, nil
		}
		if s.ofTopic, err = ids(q.Query(ctx, `SELECT id FROM conversations WHERE topic_id = ANY($1::bigint[]) AND topic_id <> 0 LIMIT $2`, s.topics, int64(fewTagged+1))); err != nil {
			return Page{}, err
		}
	}
	found, err := s.run(ctx, q)
	if err != nil {
		return Page{}, err
	}
	p := Page{Items: found}
	if len(found) > f.Limit {
		p.Items = found[:f.Limit]
		p.Next = s.cursor(&found[f.Limit-1])
	}
	if !f.waits() {
		slices.SortStableFunc(p.Items, func(a, b Row) int { return s.turn(cmp.Compare(a.LastMessageAt, b.LastMessageAt)) })
	}
	return p, nil
}

func (f *Filter) check() error {
	f.View, f.Sort = cmp.Or(f.View, ViewOpen), cmp.Or(f.Sort, SortLatest)
	if !slices.Contains(views, f.View) {
		return care.Invalid("view", "value_invalid")
	}
	if f.Sort != SortLatest && f.Sort != SortOldest && f.Sort != SortWaiting && f.Sort != SortDue {
		return care.Invalid("sort", "value_invalid")
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, 100)
	return nil
}

// waits tells whether only those are listed whose customer waits.
func (f *Filter) waits() bool { return f.Sort == SortWaiting || f.Sort == SortDue }

// statuses of a view.
func (f *Filter) statuses() []string {
	switch f.View {
	case ViewPending, ViewSnoozed, ViewResolved:
		return []string{f.View}
	case ViewAll:
		return []string{Open, Pending, Snoozed, Resolved}
	}
	return []string{Open}
}

// search builds the statement of a list: one ordered walk of an index for each store and status, merged. A
// condition on several values of a leading column would make the engines collect and sort everything instead.
type search struct {
	f      Filter
	stores []int64
	agent  int64
	after  cursor
	tags   []int64
	tagged []int64 // the conversations of a rare tag

	topics  []int64
	ofTopic []int64 // the conversations of a rare topic

	args []any
}

// maxWalks is how many walks one statement merges; an agent of more stores than that has several statements.
const maxWalks = 100

func (s *search) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

func (s *search) run(ctx context.Context, q db.Querier) ([]Row, error) {
	var out []Row
	walks := s.walks()
	for part := range slices.Chunk(walks, maxWalks) {
		found, err := s.merge(ctx, q, part)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(walks) > maxWalks {
		slices.SortFunc(out, s.order)
		out = out[:min(len(out), s.f.Limit+1)]
	}
	return out, nil
}

// walk is what the leading columns of an index equal.
type walk struct {
	store  int64
	status string
}

func (s *search) walks() []walk {
	var out []walk
	if s.f.waits() {
		for _, store := range s.stores {
			out = append(out, walk{store: store})
		}
		return out
	}
	for _, status := range s.f.statuses() {
		if s.f.Queue != 0 { // of one store, which the condition on stores checks
			out = append(out, walk{status: status})
			continue
		}
		for _, store := range s.stores {
			out = append(out, walk{store, status})
		}
	}
	return out
}

func (s *search) merge(ctx context.Context, q db.Querier, walks []walk) ([]Row, error) {
	s.args = nil
	limit := s.arg(int64(s.f.Limit + 1))
	col, dir := "listed_at", " DESC"
	switch s.f.Sort {
	case SortWaiting:
		col = "waiting_since_at"
	case SortDue: // few wait at a time: they are sorted, not walked
		col = "deadline_at"
	}
	if s.f.Sort != SortLatest {
		dir = ""
	}
	rest := s.conditions(col)
	var b strings.Builder
	b.WriteString("SELECT " + rowColumns + " FROM (")
	for n, w := range walks {
		if n > 0 {
			b.WriteString(" UNION ALL ")
		}
		b.WriteString("SELECT * FROM (SELECT id AS pick, " + col + " AS place FROM conversations WHERE ")
		switch {
		case w.store == 0:
			b.WriteString("queue_id = " + s.arg(s.f.Queue) + " AND store_id = ANY(" + s.arg(s.stores) + "::bigint[])")
		default:
			b.WriteString("store_id = " + s.arg(w.store))
		}
		if w.status != "" {
			b.WriteString(" AND status = " + s.arg(w.status))
		}
		b.WriteString(rest + " ORDER BY " + col + dir + ", id" + dir + " LIMIT " + limit + ") AS w" + strconv.Itoa(n))
	}
	b.WriteString(" ORDER BY place" + dir + ", pick" + dir + " LIMIT " + limit + ") AS page JOIN conversations c ON c.id = page.pick" + rowJoins +
		" ORDER BY page.place" + dir + ", page.pick" + dir)
	rows, err := q.Query(ctx, b.String(), s.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]Row, 0, s.f.Limit+1)
	for rows.Next() {
		out = append(out, Row{})
		if err := out[len(out)-1].scan(rows); err != nil {
			return nil, err
		}
	}
	return out, rows.Err()
}

// conditions are those that every walk shares.
func (s *search) conditions(col string) string {
	var b strings.Builder
	assignee := s.f.Assignee
	switch s.f.View {
	case ViewMine:
		b.WriteString(" AND assignee_id = " + s.arg(s.agent))
	case ViewUnassigned:
		b.WriteString(" AND assignee_id = 0")
	}
	if assignee != 0 {
		b.WriteString(" AND assignee_id = " + s.arg(assignee))
	}
	if s.f.waits() {
		b.WriteString(" AND waiting_since_at > 0")
		if s.f.Sort == SortDue {
			b.WriteString(" AND deadline_at > 0")
		}
		if s.f.View != ViewAll {
			b.WriteString(" AND status = " + s.arg(s.f.statuses()[0]))
		}
		if s.f.Queue != 0 {
			b.WriteString(" AND queue_id = " + s.arg(s.f.Queue))
		}
	}
	if s.f.Channel != "" {
		b.WriteString(" AND channel = " + s.arg(s.f.Channel))
	}
	if s.f.Tag != "" && len(s.tagged) <= fewTagged {
		b.WriteString(" AND id = ANY(" + s.arg(s.tagged) + "::bigint[])")
	} else if s.f.Tag != "" {
		b.WriteString(" AND EXISTS (SELECT 1 FROM conversation_tags x WHERE x.conversation_id = conversations.id AND x.tag_id = ANY(" + s.arg(s.tags) + "::bigint[]))")
	}
	if s.f.Topic != "" {
		b.WriteString(" AND topic_id = ANY(" + s.arg(s.topics) + "::bigint[])")
		if len(s.ofTopic) <= fewTagged {
			b.WriteString(" AND id = ANY(" + s.arg(s.ofTopic) + "::bigint[])")
		}
	}
	if s.after != (cursor{}) {
		than := ">"
		if s.f.Sort == SortLatest {
			than = "<"
		}
		b.WriteString(" AND (" + col + ", id) " + than + " (" + s.arg(s.after.at) + ", " + s.arg(s.after.id) + ")")
	}
	return b.String()
}

func (s *search) place(c *Row) db.Time {
	switch s.f.Sort {
	case SortWaiting:
		return c.WaitingSince
	case SortDue:
		return c.Deadline
	}
	return c.Listed
}

func (s *search) order(a, b Row) int {
	return s.turn(cmp.Or(cmp.Compare(s.place(&a), s.place(&b)), cmp.Compare(a.ID, b.ID)))
}

// turn turns an order round where the latest come first.
func (s *search) turn(d int) int {
	if s.f.Sort == SortLatest {
		return -d
	}
	return d
}

// cursor is the place after which a page begins.
type cursor struct {
	at db.Time
	id int64
}

func (s *search) cursor(c *Row) string { return cursor{s.place(c), c.ID}.String() }

func (c cursor) String() string {
	return strconv.FormatInt(int64(c.at), 36) + "." + strconv.FormatInt(c.id, 36)
}

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	a, b, ok := strings.Cut(s, ".")
	at, err1 := strconv.ParseInt(a, 36, 64)
	id, err2 := strconv.ParseInt(b, 36, 64)
	if !ok || err1 != nil || err2 != nil {
		return cursor{}, care.Invalid("cursor", "cursor_invalid")
	}
	return cursor{db.Time(at), id}, nil
}
