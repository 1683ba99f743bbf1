package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ImportCommand sends a CSV file to a running installation, by the same operations as the console: it may run anywhere.
type ImportCommand struct {
	File       string         `arg:"" type:"existingfile" help:"The CSV file."`
	Connection int64          `required:"" help:"Id of the connection whose records these are; it stands in the address of its page."`
	Kind       string         `required:"" enum:"customer,product,order" help:"What is in the file: customer, product or order."`
	URL        string         `default:"http://127.0.0.1:8080" help:"Address of the installation." env:"OPEKA_URL"`
	Key        string         `required:"" help:"API key with the permission commerce.ingest; better given by the environment." env:"OPEKA_KEY"`
	Map        map[string]int `help:"Columns of fields, from 0, as --map sku=2; the others are recognised by their headings." mapsep:","`
	DryRun     bool           `help:"Check the file and change nothing."`
	Errors     string         `default:"import-errors.csv" help:"Where refused rows go, with what is wrong."`
}

// imported is what an import tells of itself.
type imported struct {
	ID        int64          `json:"id"`
	State     string         `json:"state"`
	Mapping   map[string]int `json:"mapping"`
	Header    []string       `json:"header"`
	Rows      int64          `json:"rows"`
	Created   int64          `json:"created"`
	Updated   int64          `json:"updated"`
	Unchanged int64          `json:"unchanged"`
	Errors    int64          `json:"errors"`
	Reason    string         `json:"reason"`
}

// ErrRefusedRows ends an import of which some rows were refused: scripts see it by the program's exit code.
var ErrRefusedRows = errors.New("some rows were refused")

// Run implements the command.
func (c *ImportCommand) Run(ctx context.Context) error { return c.run(ctx, os.Stdout, time.Second) }

func (c *ImportCommand) run(ctx context.Context, w io.Writer, pause time.Duration) error {
	im, err := c.upload(ctx)
	if err != nil {
		return err
	}
	for field, column := range c.Map {
		im.Mapping[field] = column
	}
	for field, column := range im.Mapping {
		if column >= 0 && column < len(im.Header) {
			fmt.Fprintf(w, "%-16s <- %s\n", field, im.Header[column])
		}
	}
	body, err := json.Marshal(map[string]any{"dry_run": c.DryRun, "mapping": im.Mapping})
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/imports/%d", im.ID)
	if err := c.ask(ctx, http.MethodPost, path+"/run", "application/json", bytes.NewReader(body), &im); err != nil {
		return err
	}
	for im.State == "checking" || im.State == "running" {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		if err := c.ask(ctx, http.MethodGet, path, "", nil, &im); err != nil {
			return err
		}
	}
	if im.State == "failed" {
		return fmt.Errorf("the import failed: %s", im.Reason)
	}
	would := ""
	if c.DryRun {
		would = "would be "
	}
	fmt.Fprintf(w, "%d rows: %d %screated, %d %schanged, %d as they were, %d refused\n", im.Rows, im.Created, would, im.Updated, would, im.Unchanged, im.Errors)
	if im.Errors == 0 {
		return nil
	}
	var refused []byte
	if err := c.ask(ctx, http.MethodGet, path+"/errors", "", nil, &refused); err != nil {
		return err
	}
	if err := os.WriteFile(c.Errors, refused, 0o600); err != nil {
		return err
	}
	return fmt.Errorf("%w: see %s", ErrRefusedRows, c.Errors)
}

func (c *ImportCommand) upload(ctx context.Context) (im imported, err error) {
	file, err := os.ReadFile(c.File)
	if err != nil {
		return im, err
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", filepath.Base(c.File))
	if err != nil {
		return im, err
	}
	if _, err := part.Write(file); err != nil {
		return im, err
	}
	if err := form.Close(); err != nil {
		return im, err
	}
	q := url.Values{"connection_id": {fmt.Sprint(c.Connection)}, "kind": {c.Kind}}
	err = c.ask(ctx, http.MethodPost, "/imports?"+q.Encode(), form.FormDataContentType(), &b, &im)
	if im.Mapping == nil {
		im.Mapping = map[string]int{}
	}
	return im, err
}

// ask calls an operation; out is read from JSON, or takes the bytes as they are.
func (c *ImportCommand) ask(ctx context.Context, method, path, kind string, body io.Reader, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.URL, "/")+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		var p struct {
			Detail string `json:"detail"`
		}
		if json.Unmarshal(raw, &p) == nil && p.Detail != "" {
			return errors.New(p.Detail)
		}
		return fmt.Errorf("%s answered %d", c.URL, res.StatusCode)
	}
	if b, ok := out.(*[]byte); ok {
		*b = raw
		return nil
	}
	return json.Unmarshal(raw, out)
}
