package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// MailCommand hands a letter over to a running installation: by hand, from a script, or from a mail server that delivers by a pipe.
type MailCommand struct {
	Mailbox string `required:"" help:"To which mailbox: an address under which letters come to it, or the id of its connection."`
	File    string `arg:"" optional:"" type:"existingfile" help:"The letter with its head; without it the letter is read from the standard input."`
	URL     string `default:"http://127.0.0.1:8080" help:"Address of the installation." env:"OPEKA_URL"`
	Key     string `required:"" help:"API key with the permission connections.manage; better given by the environment." env:"OPEKA_KEY"`
}

// What mail servers understand of the end of a program (sysexits.h).
const (
	exitData        = 65 // the letter itself is refused
	exitNoUser      = 67
	exitTemporary   = 75 // it is kept by whoever hands it over, and tried again
	exitPermissions = 77
)

// ExitError is an error with the code with which the program ends.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode is understood by main.
func (e *ExitError) ExitCode() int { return e.Code }

// Run implements the command.
func (c *MailCommand) Run(ctx context.Context) error { return c.run(ctx, os.Stdin, os.Stdout) }

func (c *MailCommand) run(ctx context.Context, in io.Reader, w io.Writer) error {
	letter, err := c.read(in)
	if err != nil {
		return &ExitError{exitTemporary, err}
	}
	q := url.Values{"mailbox": {c.Mailbox}}
	if id, err := strconv.ParseInt(c.Mailbox, 10, 64); err == nil {
		q = url.Values{"connection_id": {strconv.FormatInt(id, 10)}}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.URL, "/")+"/api/v1/letters?"+q.Encode(), bytes.NewReader(letter))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	r.Header.Set("Content-Type", "message/rfc822")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return &ExitError{exitTemporary, err}
	}
	defer res.Body.Close()
	var answer struct {
		Duplicate bool   `json:"duplicate"`
		Detail    string `json:"detail"`
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return &ExitError{exitTemporary, err}
	}
	if err := json.Unmarshal(raw, &answer); err != nil && res.StatusCode < 300 {
		return &ExitError{exitTemporary, fmt.Errorf("%s answered what isn't an answer: %w", c.URL, err)}
	}
	if res.StatusCode >= 300 {
		if answer.Detail == "" {
			answer.Detail = fmt.Sprintf("%s answered %d", c.URL, res.StatusCode)
		}
		return &ExitError{exitOf(res.StatusCode), errors.New(answer.Detail)}
	}
	if answer.Duplicate {
		fmt.Fprintln(w, "The letter was there already.")
		return nil
	}
	fmt.Fprintln(w, "The letter is taken.")
	return nil
}

func (c *MailCommand) read(in io.Reader) ([]byte, error) {
	if c.File != "" {
		return os.ReadFile(c.File)
	}
	return io.ReadAll(in)
}

func exitOf(status int) int {
	switch status {
	case http.StatusNotFound:
		return exitNoUser
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitPermissions
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return exitData
	}
	return exitTemporary
}
