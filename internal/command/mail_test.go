package command

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"opeka/internal/app"
	"opeka/internal/peer"
)

func TestALetterIsHandedOverFromTheCommandLine(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a, err := app.New(t.Context(), app.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", PublicURL: server.URL}, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	mux.Handle("/", a.Handler)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	office := peer.NewOffice(server.URL)
	store, _, err := office.SetUp(t.Context(), "Shop", "ada@example.com", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	var mailbox struct {
		ID int64 `json:"id"`
	}
	do := func(method, path string, in, out any) {
		t.Helper()
		if err := office.Do(t.Context(), method, path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	do("POST", "/connections", map[string]any{"store_id": store, "plug": "email", "name": "Mail", "settings": map[string]any{"address": "help@shop.example", "aliases": "info@shop.example"}}, &mailbox)
	var key struct {
		Secret string `json:"secret"`
	}
	do("POST", "/keys", map[string]any{"store_id": store, "name": "mail", "scopes": []string{"connections.manage"}}, &key)

	const letter = "From: Olena <olena@example.com>\r\nTo: info@shop.example\r\nSubject: Question\r\nMessage-ID: <one@example.com>\r\n\r\nIs it in stock?\r\n"
	hand := func(to, letter, key string) (string, error) {
		var said bytes.Buffer
		c := MailCommand{Mailbox: to, URL: server.URL + "/", Key: key}
		err := c.run(t.Context(), strings.NewReader(letter), &said)
		return said.String(), err
	}
	said, err := hand("info@shop.example", letter, key.Secret)
	if err != nil || !strings.Contains(said, "taken") {
		t.Fatal(said, err)
	}
	again, err := hand("help@shop.example", letter, key.Secret)
	if err != nil || !strings.Contains(again, "already") {
		t.Fatal(again, err)
	}
	// The same letter as another server brings it: other bytes, the same Message-ID.
	if _, err := hand("help@shop.example", "Received: from elsewhere; x\r\n"+letter, key.Secret); err != nil {
		t.Fatal(err)
	}
	talks := func() (n, messages int) {
		if err := a.DB.Read().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages)`).Scan(&n, &messages); err != nil {
			t.Fatal(err)
		}
		return n, messages
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var left int
		if err := a.DB.Read().QueryRow(t.Context(), `SELECT count(*) FROM post_arrivals WHERE state = 'waiting'`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the letters are never read")
		}
	}
	if n, m := talks(); n != 1 || m != 1 {
		t.Errorf("one letter became %d conversations with %d messages", n, m)
	}

	for name, c := range map[string]struct {
		to, letter, key string
		want            int
	}{
		"nobody's":     {"nobody@shop.example", letter, key.Secret, exitNoUser},
		"no such id":   {"77", letter, key.Secret, exitNoUser},
		"wrong key":    {"help@shop.example", letter, "ok_nonsense", exitPermissions},
		"empty letter": {"help@shop.example", "", key.Secret, exitData},
	} {
		_, err := hand(c.to, c.letter, c.key)
		var e *ExitError
		if !errors.As(err, &e) || e.ExitCode() != c.want {
			t.Errorf("%s: %v, not %d", name, err, c.want)
		}
	}
	do("PATCH", "/connections/"+strconv.FormatInt(mailbox.ID, 10), map[string]any{"paused": true}, nil)
	if _, err := hand("help@shop.example", letter+"another\r\n", key.Secret); !isTemporary(err) {
		t.Errorf("a paused mailbox: %v", err)
	}
	server.Close()
	if _, err := hand("help@shop.example", letter, key.Secret); !isTemporary(err) {
		t.Errorf("an installation that is down: %v", err)
	}
}

func isTemporary(err error) bool {
	var e *ExitError
	return errors.As(err, &e) && e.Code == exitTemporary
}
