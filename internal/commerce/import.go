package commerce

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/messages"
)

// Files keeps uploaded files and lists of errors; blob.Store is one.
type Files interface {
	Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error
	Get(ctx context.Context, key string) (io.ReadCloser, error)
}

// MaxImport bounds an uploaded file.
const MaxImport = 32 << 20

const jobFile = "commerce.import_file"

// Import is a CSV file on its way in: uploaded, checked (a dry run), run.
type Import struct {
	ID         int64          `json:"id"`
	Store      int64          `json:"store_id"`
	Connection int64          `json:"connection_id"`
	Kind       string         `json:"kind"`
	FileName   string         `json:"file_name"`
	Format     Format         `json:"format"`
	Mapping    map[string]int `json:"mapping" doc:"Field to column, from 0"`
	State      string         `json:"state" enum:"uploaded,checking,checked,running,done,failed"`
	Rows       int64          `json:"rows"`
	Done       int64          `json:"done"`
	Created    int64          `json:"created"`
	Updated    int64          `json:"updated"`
	Unchanged  int64          `json:"unchanged"`
	Errors     int64          `json:"errors"`
	Reason     string         `json:"reason"`
	CreatedAt  db.Time        `json:"created_at"`
	Header     []string       `json:"header,omitempty"`
	Sample     [][]string     `json:"sample,omitempty" doc:"The first rows"`

	file, errorFile string
}

const importColumns = `id, store_id, connection_id, kind, file_name, format, mapping, state, row_count, done_count, created_count, updated_count, same_count, error_count, reason, created_at, blob_key, errors_key`

// Upload keeps a file, finds out how it is written and what its columns are, by the mapping saved for such a header or by the headers' names.
func (m *Commerce) Upload(ctx context.Context, s care.Scope, connection int64, kind care.RecordKind, name string, body []byte) (Import, error) {
	c, err := m.connection(ctx, s, connection, care.PermIngest)
	if err != nil {
		return Import{}, err
	}
	if columns[kind] == nil {
		return Import{}, care.Invalid("kind", "value_invalid")
	}
	im := Import{ID: m.db.ID(), Store: c.Store, Connection: c.ID, Kind: string(kind), FileName: clipText(name, 200), Format: detect(body[:min(len(body), 64<<10)]), State: "uploaded"}
	rows, err := rowsOf(body, im.Format, 0)
	if err != nil {
		return im, err
	}
	if len(rows) < 2 {
		return im, care.Invalid("file", "import.empty")
	}
	im.Rows, im.Header, im.Sample, im.Mapping = int64(len(rows)-1), rows[0], rows[1:min(len(rows), 11)], guess(kind, rows[0])
	var saved json.RawMessage
	err = m.db.Read().QueryRow(ctx, `SELECT mapping FROM import_mappings WHERE connection_id = $1 AND kind = $2 AND header = $3`, c.ID, string(kind), headerHash(rows[0])).Scan(&saved)
	if err == nil {
		err = json.Unmarshal(saved, &im.Mapping)
	} else if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return im, err
	}
	im.file = fmt.Sprintf("i/%d/%d.csv", c.Store, im.ID)
	if err := m.files.Put(ctx, im.file, bytes.NewReader(body), int64(len(body)), "text/csv"); err != nil {
		return im, err
	}
	err = m.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		im.CreatedAt = db.At(tx.Now)
		tx.Defer(`INSERT INTO imports (id, store_id, connection_id, kind, file_name, blob_key, size, format, mapping, state, row_count, actor_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
			im.ID, im.Store, im.Connection, im.Kind, im.FileName, im.file, int64(len(body)), asJSON(im.Format), asJSON(im.Mapping), im.State, im.Rows, s.Agent, im.CreatedAt)
		return nil
	})
	return im, err
}

// Import returns how an import stands.
func (m *Commerce) Import(ctx context.Context, s care.Scope, id int64) (Import, error) {
	im, err := m.importRow(ctx, m.db.Read(), id)
	if err != nil {
		return im, err
	}
	return im, allow(s, im.Store, care.PermIngest, "import")
}

func (m *Commerce) importRow(ctx context.Context, q db.Querier, id int64) (im Import, err error) {
	var format, mapping json.RawMessage
	err = q.QueryRow(ctx, `SELECT `+importColumns+` FROM imports WHERE id = $1`, id).Scan(&im.ID, &im.Store, &im.Connection, &im.Kind, &im.FileName, &format, &mapping, &im.State,
		&im.Rows, &im.Done, &im.Created, &im.Updated, &im.Unchanged, &im.Errors, &im.Reason, &im.CreatedAt, &im.file, &im.errorFile)
	if errors.Is(err, db.ErrNoRows) {
		return im, care.NotFound("import")
	}
	if err == nil {
		err = json.Unmarshal(format, &im.Format)
	}
	if err == nil {
		err = json.Unmarshal(mapping, &im.Mapping)
	}
	return im, err
}

// RunImport starts the dry run, or the run, of an uploaded file by the given format and mapping, which are remembered for its header.
func (m *Commerce) RunImport(ctx context.Context, s care.Scope, id int64, f Format, mapping map[string]int, dry bool) (Import, error) {
	im, err := m.Import(ctx, s, id)
	if err != nil {
		return im, err
	}
	if im.State == "checking" || im.State == "running" || im.State == "done" {
		return im, care.Conflict("import.state")
	}
	if f == (Format{}) {
		f = im.Format
	}
	if mapping == nil {
		mapping = im.Mapping
	}
	for _, field := range needed[care.RecordKind(im.Kind)] {
		if _, ok := mapping[field]; !ok {
			return im, &care.Error{Code: "import.column_required", Kind: care.KindInvalid, Field: "mapping", Args: map[string]any{"field": field}}
		}
	}
	state := "running"
	if dry {
		state = "checking"
	}
	err = m.db.Write(ctx, actorOf(s), func(tx *db.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE imports SET state = $1, format = $2, mapping = $3, done_count = 0, created_count = 0, updated_count = 0, same_count = 0, error_count = 0, updated_at = $4 WHERE id = $5 AND state = $6`,
			state, asJSON(f), asJSON(mapping), db.At(tx.Now), id, im.State)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return care.Conflict("import.state")
		}
		tx.Enqueue(db.Job{Store: im.Store, Kind: jobFile, Key: strconv.FormatInt(id, 10), Payload: importJob{id, s.Language}})
		return nil
	})
	im.State, im.Format, im.Mapping = state, f, mapping
	return im, err
}

type importJob struct {
	ID       int64  `json:"id"`
	Language string `json:"language"`
}

// runImport is the job: what was applied before a crash is found unchanged the next time.
func (m *Commerce) runImport(ctx context.Context, j job.Job) (job.Done, error) {
	var p importJob
	if err := j.Decode(&p); err != nil {
		return nil, err
	}
	im, err := m.importRow(ctx, m.db.Read(), p.ID)
	if err != nil {
		return nil, err
	}
	body, err := m.read(ctx, im.file)
	if err != nil {
		return nil, err
	}
	rows, err := rowsOf(body, im.Format, 0)
	if err != nil || len(rows) == 0 {
		return m.ended(im, "failed", "import.unreadable"), nil
	}
	st, err := m.storeOf(ctx, im.Store)
	if err != nil {
		return nil, err
	}
	zone := time.UTC
	var name string
	if m.db.Read().QueryRow(ctx, `SELECT time_zone FROM stores WHERE id = $1`, im.Store).Scan(&name) == nil {
		if z, err := time.LoadLocation(name); err == nil {
			zone = z
		}
	}
	im.Header = rows[0]
	sh := sheet{kind: care.RecordKind(im.Kind), format: im.Format, mapping: im.Mapping, currency: st.currency, zone: zone, rows: rows[1:]}
	records, lines, wrong := sh.records()
	conn := care.Connection{ID: im.Connection, Store: im.Store}
	if err := m.db.Read().QueryRow(ctx, `SELECT plug, name FROM connections WHERE id = $1`, im.Connection).Scan(&conn.Plug, &conn.Name); err != nil {
		return nil, err
	}
	for from := 0; from < len(records); from += 200 {
		part := records[from:min(from+200, len(records))]
		var results []result
		if im.State == "checking" {
			results, err = m.foresee(ctx, conn, part)
		} else {
			results, err = m.applyAll(ctx, conn, part, ApplyOptions{Backfill: true})
		}
		if err != nil {
			return nil, err
		}
		for i, r := range results {
			var e *care.Error
			switch {
			case errors.As(r.err, &e):
				wrong = append(wrong, RowError{lines[from+i], e.Field, e})
			case r.outcome == created:
				im.Created++
			case r.outcome == updated:
				im.Updated++
			default:
				im.Unchanged++
			}
		}
		im.Done = int64(lines[from+len(part)-1] - 1)
		if err := m.progress(ctx, im); err != nil {
			return nil, err
		}
	}
	im.Errors, im.Done = int64(len(wrong)), im.Rows
	im.errorFile = fmt.Sprintf("i/%d/%d.errors.csv", im.Store, im.ID)
	list := errorList(p.Language, rows, wrong)
	if err := m.files.Put(ctx, im.errorFile, bytes.NewReader(list), int64(len(list)), "text/csv"); err != nil {
		return nil, err
	}
	if im.State == "checking" {
		return m.ended(im, "checked", ""), nil
	}
	return m.ended(im, "done", ""), nil
}

// foresee tells what applying would do, without doing it.
func (m *Commerce) foresee(ctx context.Context, conn care.Connection, records []care.Record) ([]result, error) {
	out := make([]result, len(records))
	for i, r := range records {
		it, err := canonical(r)
		if err != nil {
			out[i].err = err
			continue
		}
		var hash string
		err = m.db.Read().QueryRow(ctx, `SELECT hash FROM mirror WHERE connection_id = $1 AND kind = $2 AND external_id = $3`, conn.ID, string(it.Kind), it.ExternalID).Scan(&hash)
		switch {
		case errors.Is(err, db.ErrNoRows):
			out[i].outcome = created
		case err != nil:
			return nil, err
		case hash == it.hash:
			out[i].outcome = unchanged
		default:
			out[i].outcome = updated
		}
	}
	return out, nil
}

func (m *Commerce) progress(ctx context.Context, im Import) error {
	return m.db.Write(ctx, db.System, func(tx *db.Tx) error {
		tx.Defer(`UPDATE imports SET done_count = $1, created_count = $2, updated_count = $3, same_count = $4, updated_at = $5 WHERE id = $6`, im.Done, im.Created, im.Updated, im.Unchanged, db.At(tx.Now), im.ID)
		return nil
	})
}

func (m *Commerce) ended(im Import, state, reason string) job.Done {
	return func(tx *db.Tx) error {
		tx.Defer(`UPDATE imports SET state = $1, reason = $2, done_count = $3, created_count = $4, updated_count = $5, same_count = $6, error_count = $7, errors_key = $8, updated_at = $9 WHERE id = $10`,
			state, reason, im.Done, im.Created, im.Updated, im.Unchanged, im.Errors, im.errorFile, db.At(tx.Now), im.ID)
		if state == "done" && im.Mapping != nil {
			tx.Defer(`INSERT INTO import_mappings (connection_id, kind, header, mapping, format, updated_at) SELECT i.connection_id, i.kind, $1, i.mapping, i.format, $2 FROM imports i WHERE i.id = $3
ON CONFLICT (connection_id, kind, header) DO UPDATE SET mapping = excluded.mapping, format = excluded.format, updated_at = excluded.updated_at`, headerHash(im.Header), db.At(tx.Now), im.ID)
		}
		return nil
	}
}

// ImportErrors returns the rows that were refused, as a CSV file with what is wrong in front.
func (m *Commerce) ImportErrors(ctx context.Context, s care.Scope, id int64) ([]byte, error) {
	im, err := m.Import(ctx, s, id)
	if err != nil {
		return nil, err
	}
	if im.errorFile == "" {
		return nil, care.NotFound("import")
	}
	return m.read(ctx, im.errorFile)
}

func (m *Commerce) read(ctx context.Context, key string) ([]byte, error) {
	r, err := m.files.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 2*MaxImport))
}

func errorList(language string, rows [][]string, wrong []RowError) []byte {
	var b bytes.Buffer
	b.WriteString("\xef\xbb\xbf") // spreadsheets read it as UTF-8 then
	w := csv.NewWriter(&b)
	_ = w.Write(append([]string{"row", "field", "error"}, rows[0]...)) // a buffer takes everything
	for _, e := range wrong {
		line := []string{strconv.Itoa(e.Row), e.Field, messages.T(language, "error."+e.Err.Code, e.Err.Args)}
		for _, cell := range rows[e.Row-1] {
			if cell != "" && strings.ContainsRune("=+-@\t", rune(cell[0])) {
				cell = "'" + cell // never a formula in somebody's spreadsheet
			}
			line = append(line, cell)
		}
		_ = w.Write(line)
	}
	w.Flush()
	return b.Bytes()
}

func rowsOf(body []byte, f Format, limit int) ([][]string, error) {
	s, err := decodeText(body, f.Encoding)
	if err != nil {
		return nil, &care.Error{Code: "import.unreadable", Kind: care.KindInvalid, Args: map[string]any{"reason": err.Error()}, Cause: err}
	}
	return readRows(s, f.Separator, limit)
}

func headerHash(header []string) string {
	sum := sha256.Sum256([]byte(strings.Join(header, "\x00")))
	return hex.EncodeToString(sum[:16])
}
