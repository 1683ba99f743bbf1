package lite

import (
	"fmt"
	"reflect"
	"strconv"
	"unsafe"

	sqlite3 "modernc.org/sqlite/lib"
)

// Value is the n-th column of the row, from 0: nil, int64, float64, string or []byte.
func (s *Stmt) Value(n int) any {
	v := s.column(n)
	switch v.kind {
	case sqlite3.SQLITE_INTEGER:
		return v.int()
	case sqlite3.SQLITE_FLOAT:
		return v.float()
	case sqlite3.SQLITE_TEXT:
		return string(v.bytes())
	case sqlite3.SQLITE_BLOB:
		return append([]byte{}, v.bytes()...)
	}
	return nil
}

// Scan stores the n-th column of the row in what dest points to.
func (s *Stmt) Scan(n int, dest any) error {
	v := s.column(n)
	// What nearly every column is read as; the rest goes by reflection.
	switch d := dest.(type) {
	case *int64:
		if v.kind == sqlite3.SQLITE_INTEGER {
			*d = v.int()
			return nil
		}
	case *string:
		if v.kind == sqlite3.SQLITE_TEXT || v.kind == sqlite3.SQLITE_BLOB {
			*d = string(v.bytes())
			return nil
		}
	case *bool:
		if v.kind == sqlite3.SQLITE_INTEGER {
			*d = v.int() != 0
			return nil
		}
	case *float64:
		if v.kind == sqlite3.SQLITE_FLOAT || v.kind == sqlite3.SQLITE_INTEGER {
			*d = v.float()
			return nil
		}
	case *[]byte:
		switch v.kind {
		case sqlite3.SQLITE_TEXT, sqlite3.SQLITE_BLOB:
			*d = append([]byte{}, v.bytes()...)
			return nil
		case sqlite3.SQLITE_NULL:
			*d = nil
			return nil
		}
	case *any:
		*d = s.Value(n)
		return nil
	case interface{ Scan(any) error }:
		return d.Scan(s.Value(n))
	case nil:
		return nil
	}
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("sqlite: column %d: can't scan into %T", n, dest)
	}
	if err := v.into(p.Elem()); err != nil {
		return fmt.Errorf("sqlite: column %d (%s): %w", n, s.Name(n), err)
	}
	return nil
}

// value is a column of the row that a statement stands on.
type value struct {
	s    *Stmt
	p    uintptr
	kind int32
}

func (s *Stmt) column(n int) value {
	p := sqlite3.Xsqlite3_column_value(s.c.tls, s.p, int32(n))
	return value{s, p, sqlite3.Xsqlite3_value_type(s.c.tls, p)}
}

func (v value) int() int64     { return sqlite3.Xsqlite3_value_int64(v.s.c.tls, v.p) }
func (v value) float() float64 { return sqlite3.Xsqlite3_value_double(v.s.c.tls, v.p) }

// bytes are SQLite's own: they must be copied before the next step.
func (v value) bytes() []byte {
	var p uintptr
	if v.kind == sqlite3.SQLITE_TEXT {
		p = sqlite3.Xsqlite3_value_text(v.s.c.tls, v.p)
	} else {
		p = sqlite3.Xsqlite3_value_blob(v.s.c.tls, v.p)
	}
	n := int(sqlite3.Xsqlite3_value_bytes(v.s.c.tls, v.p))
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(at(p)), n)
}

// into converts as database/sql would: numbers written as text are read, NULL fits pointers only.
func (v value) into(d reflect.Value) error {
	if v.kind == sqlite3.SQLITE_NULL {
		if d.Kind() == reflect.Pointer || d.Kind() == reflect.Slice && d.Type().Elem().Kind() == reflect.Uint8 {
			d.SetZero()
			return nil
		}
		return fmt.Errorf("NULL doesn't fit %s", d.Type())
	}
	switch d.Kind() {
	case reflect.Pointer:
		d.Set(reflect.New(d.Type().Elem()))
		return v.into(d.Elem())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := v.int()
		if v.kind != sqlite3.SQLITE_INTEGER {
			var err error
			if n, err = strconv.ParseInt(v.text(), 10, 64); err != nil {
				return err
			}
		}
		if d.OverflowInt(n) {
			return fmt.Errorf("%d doesn't fit %s", n, d.Type())
		}
		d.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(v.text(), 10, 64)
		if err != nil {
			return err
		}
		if d.OverflowUint(n) {
			return fmt.Errorf("%d doesn't fit %s", n, d.Type())
		}
		d.SetUint(n)
	case reflect.Float32, reflect.Float64:
		f := v.float()
		if v.kind != sqlite3.SQLITE_INTEGER && v.kind != sqlite3.SQLITE_FLOAT {
			var err error
			if f, err = strconv.ParseFloat(v.text(), 64); err != nil {
				return err
			}
		}
		d.SetFloat(f)
	case reflect.Bool:
		b, err := strconv.ParseBool(v.text())
		if err != nil {
			return err
		}
		d.SetBool(b)
	case reflect.String:
		d.SetString(v.text())
	case reflect.Slice:
		if d.Type().Elem().Kind() != reflect.Uint8 {
			return fmt.Errorf("can't scan into %s", d.Type())
		}
		d.SetBytes([]byte(v.text()))
	default:
		return fmt.Errorf("can't scan into %s", d.Type())
	}
	return nil
}

// text is the value as it is written.
func (v value) text() string {
	switch v.kind {
	case sqlite3.SQLITE_INTEGER:
		return strconv.FormatInt(v.int(), 10)
	case sqlite3.SQLITE_FLOAT:
		return strconv.FormatFloat(v.float(), 'g', -1, 64)
	}
	return string(v.bytes())
}
