package inbox

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"opeka/internal/db"
)

// Rows are what is put into JSON most often, fifty for each look at a list and one for each change; by reflection that takes a quarter
// of the time of the whole request. A test holds this up against encoding/json.

// AppendJSON appends the page as encoding/json would write it; it is what the API's format asks for.
func (p Page) AppendJSON(b []byte) []byte {
	b = append(b, `{"items":[`...)
	for n := range p.Items {
		if n > 0 {
			b = append(b, ',')
		}
		b = p.Items[n].appendJSON(b)
	}
	b = append(b, `],"next":`...)
	return append(appendText(b, p.Next), '}')
}

func (r *Row) appendJSON(b []byte) []byte {
	b = appendInt(b, `{"id":`, r.ID)
	b = appendInt(b, `,"store_id":`, r.Store)
	b = appendInt(b, `,"number":`, r.Number)
	b = appendInt(b, `,"version":`, r.Version)
	b = appendText(append(b, `,"status":`...), r.Status)
	b = appendText(append(b, `,"channel":`...), r.Channel)
	b = appendText(append(b, `,"subject":`...), r.Subject)
	b = appendText(append(b, `,"preview":`...), r.Preview)
	b = appendText(append(b, `,"preview_from":`...), r.PreviewFrom)
	b = appendInt(b, `,"customer":{"id":`, r.Customer.ID)
	b = appendText(append(b, `,"name":`...), r.Customer.Name)
	b = appendText(append(b, `,"initials":`...), r.Customer.Initials)
	if r.Assignee == nil {
		b = append(b, `},"assignee":null`...)
	} else {
		b = appendInt(b, `},"assignee":{"id":`, r.Assignee.ID)
		b = append(appendText(append(b, `,"name":`...), r.Assignee.Name), '}')
	}
	b = appendInt(b, `,"queue_id":`, r.Queue)
	b = appendInt(b, `,"team_id":`, r.Team)
	b = appendInt(b, `,"priority":`, r.Priority)
	b = append(append(b, `,"tags":`...), orNull(r.Tags)...)
	b = appendText(append(b, `,"topic":`...), r.Topic)
	b = appendText(append(b, `,"language":`...), r.Language)
	b = appendInt(b, `,"unread":`, r.Unread)
	b = appendInt(b, `,"last_seq":`, r.LastSeq)
	b = appendTime(b, `,"last_message_at":`, r.LastMessageAt)
	b = appendTime(b, `,"waiting_since_at":`, r.WaitingSince)
	b = appendTime(b, `,"created_at":`, r.CreatedAt)
	b = appendTime(b, `,"snoozed_until":`, r.SnoozedUntil)
	b = appendTime(b, `,"deadline_at":`, r.Deadline)
	return append(b, '}')
}

// orNull is JSON that the database keeps; PostgreSQL puts spaces into it.
func orNull(raw json.RawMessage) []byte {
	switch {
	case len(raw) == 0:
		return []byte("null")
	case bytes.IndexByte(raw, ' ') < 0:
		return raw
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return []byte("null")
	}
	return b.Bytes()
}

func appendInt(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendTime(b []byte, name string, t db.Time) []byte { return t.AppendJSON(append(b, name...)) }

// appendText quotes a text. One with anything to escape in it goes the long way.
func appendText(b []byte, s string) []byte {
	for n := range len(s) {
		// 0xE2 begins U+2028 and U+2029, which are escaped; dashes and quotation marks begin so, too.
		if c := s[n]; c < ' ' || c == '"' || c == '\\' || c == 0xE2 {
			return appendEscaped(b, s)
		}
	}
	if !utf8.ValidString(s) {
		return appendEscaped(b, s)
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendEscaped(b []byte, s string) []byte {
	out := bytes.NewBuffer(b)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // into memory, and a string always can be
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
