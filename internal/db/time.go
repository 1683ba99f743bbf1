package db

import (
	"encoding/json"
	"fmt"
	"time"
)

// Time is a moment as both engines keep it: microseconds since 1970 UTC in a BIGINT column.
// Zero means "never" or "not set". In JSON it is RFC 3339 in UTC, or null for zero.
type Time int64

// At converts t to the stored form, cutting what is below a microsecond. The zero time.Time gives zero.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Time returns t in UTC, or the zero time.Time when t isn't set.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

// IsZero tells whether the moment isn't set; encoding/json's omitzero asks it.
func (t Time) IsZero() bool { return t == 0 }

// Add returns the moment d later.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Microseconds()) }

func (t Time) String() string {
	if t == 0 {
		return "never"
	}
	return t.Time().Format(time.RFC3339Nano)
}

// MarshalJSON writes RFC 3339 in UTC, or null when t isn't set.
func (t Time) MarshalJSON() ([]byte, error) { return t.AppendJSON(make([]byte, 0, 32)), nil }

// AppendJSON is MarshalJSON into b.
func (t Time) AppendJSON(b []byte) []byte {
	if t == 0 {
		return append(b, "null"...)
	}
	return append(t.Time().AppendFormat(append(b, '"'), time.RFC3339Nano), '"') // a layout that package time has a short way for
}

// UnmarshalJSON reads RFC 3339 or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" || string(b) == `""` {
		*t = 0
		return nil
	}
	var at time.Time
	if err := json.Unmarshal(b, &at); err != nil {
		return fmt.Errorf("time: %w", err)
	}
	*t = At(at)
	return nil
}
