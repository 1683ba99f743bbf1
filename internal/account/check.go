package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"opeka/internal/care"
)

// problems gathers what is wrong with several inputs, so that all of it can be mended at once.
type problems []care.Error

func (p *problems) when(wrong bool, field, code string, args ...any) {
	if wrong {
		p.add(care.Invalid(field, code, args...))
	}
}

func (p *problems) add(err error) {
	var e *care.Error
	if errors.As(err, &e) {
		*p = append(*p, *e)
	}
}

func (p problems) err() error {
	switch len(p) {
	case 0:
		return nil
	case 1:
		return &p[0]
	}
	return &care.Error{Code: "invalid", Kind: care.KindInvalid, Fields: p}
}

// set assigns what a change gives.
func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// normalEmail is the form in which an agent's address is kept and looked up.
func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func checkEmail(field, email string) error {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 200 || !strings.Contains(email[strings.LastIndexByte(email, '@')+1:], ".") {
		return care.Invalid(field, "email_invalid")
	}
	return nil
}

func checkName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return care.Invalid(field, "required")
	case len([]rune(name)) > 100:
		return care.Invalid(field, "too_long", "max", 100)
	}
	return nil
}

// fromJSON reads a column that this room wrote.
func fromJSON(b []byte, into any) error {
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("account: a stored %T: %w", into, err)
	}
	return nil
}
