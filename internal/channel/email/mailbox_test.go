package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"opeka/internal/care"
	"opeka/test/world/mailserver"
)

func openMailbox(t *testing.T, settings map[string]any, secrets map[string]string) *mailbox {
	t.Helper()
	all := map[string]any{"address": mailserver.User, "imap_safety": "none", "smtp_safety": "none", "history_days": 30}
	for k, v := range settings {
		all[k] = v
	}
	s, _ := json.Marshal(all)
	x, _ := json.Marshal(secrets)
	c, err := Plug{}.OpenChannel(care.Connection{Settings: s, Secrets: x}, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	m := c.(*mailbox)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func serve(t *testing.T, o mailserver.Options) *mailserver.Mailbox {
	t.Helper()
	server, err := mailserver.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func raw(n int) []byte {
	return []byte(fmt.Sprintf("From: c%d@example.com\r\nTo: help@shop.example\r\nSubject: Question %d\r\nMessage-ID: <%d@example.com>\r\n\r\n%s\r\n", n, n, n, strings.Repeat("When will it come? ", 20)))
}

// reader is a room that keeps letters and the cursor, as the post room does: the same bytes once.
type reader struct {
	mu      sync.Mutex
	kept    map[string]int
	cursor  string
	cursors int
	peak    uint64
	enough  int
	stop    context.CancelFunc
}

func (r *reader) take(_ context.Context, raw []byte, cursor string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cursor != "" {
		r.cursor = cursor
		r.cursors++
	}
	if raw != nil {
		r.kept[string(raw)]++
	}
	if len(r.kept)%500 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		r.peak = max(r.peak, m.HeapAlloc)
	}
	if len(r.kept) >= r.enough && raw == nil {
		r.stop()
	}
	return nil
}

// listen reads until enough letters are there, the connection breaks, or time is up.
func (r *reader) listen(t *testing.T, m *mailbox, enough int) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r.mu.Lock()
	r.enough, r.stop = enough, cancel
	from := r.cursor
	r.mu.Unlock()
	return m.ListenFrom(ctx, from, r.take)
}

// Ten thousand letters wait, and the connection breaks now and then. All are read, from where the reader was; few are asked for twice, and
// what is held in memory doesn't grow with what waits.
func TestABacklogIsReadToItsEnd(t *testing.T) {
	const letters = 10_000
	server := serve(t, mailserver.Options{})
	for n := range letters {
		if err := server.Deliver("INBOX", raw(n)); err != nil {
			t.Fatal(err)
		}
	}
	m := openMailbox(t, map[string]any{"imap_host": server.Host, "imap_port": server.Port}, map[string]string{"password": mailserver.Password})
	r := &reader{kept: map[string]int{}}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	breaks := 0
	for len(r.kept) < letters {
		if breaks < 8 {
			server.BreakAfter(int64(300_000 + 150_000*breaks))
		}
		was := r.cursor
		err := r.listen(t, m, letters)
		if len(r.kept) == letters {
			break
		}
		var temporary *care.TemporaryError
		if !errors.As(err, &temporary) || breaks > 20 {
			t.Fatalf("after %d letters: %v", len(r.kept), err)
		}
		if was == r.cursor {
			t.Fatal("no step forward between two breaks")
		}
		breaks++
	}
	twice := 0
	for _, n := range r.kept {
		twice += n - 1
	}
	t.Logf("%d letters, %d breaks, %d asked for twice, %d steps of the cursor, %d KB more in memory", len(r.kept), breaks, twice, r.cursors, (r.peak-min(r.peak, before.HeapAlloc))/1024)
	if breaks < 5 || twice > breaks*batch {
		t.Errorf("%d breaks and %d letters asked for twice", breaks, twice)
	}
	// What the reader itself keeps here is not the mailbox's.
	if grown := int64(r.peak) - int64(before.HeapAlloc) - 2*letters*600; grown > 64<<20 {
		t.Errorf("%d MB more in memory", grown>>20)
	}
}

func TestNewNumbersAndFolders(t *testing.T) {
	server := serve(t, mailserver.Options{})
	if err := server.Create("Shop/Orders"); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := errors.Join(server.Deliver("INBOX", raw(n)), server.Deliver("Shop/Orders", raw(100+n))); err != nil {
			t.Fatal(err)
		}
	}
	m := openMailbox(t, map[string]any{"imap_host": server.Host, "imap_port": server.Port, "folders": "INBOX, Shop/Orders"}, map[string]string{"password": mailserver.Password})
	r := &reader{kept: map[string]int{}}
	if err := r.listen(t, m, 6); !errors.Is(err, context.Canceled) || len(r.kept) != 6 {
		t.Fatalf("%d letters, %v", len(r.kept), err)
	}
	// A folder that is gone is told; then everything has other numbers, a letter was deleted, and one is new.
	if err := server.Renumber(raw(0), raw(2), raw(3)); err != nil {
		t.Fatal(err)
	}
	if err := server.Create("Shop/Orders"); err != nil {
		t.Fatal(err)
	}
	if err := r.listen(t, m, 7); !errors.Is(err, context.Canceled) || len(r.kept) != 7 || r.kept[string(raw(1))] != 1 {
		t.Errorf("%d letters, %v", len(r.kept), err)
	}
}

// Letters that come while we wait: by IDLE at once, by asking where there is none.
func TestNewsOfLetters(t *testing.T) {
	for name, polled := range map[string]bool{"IDLE": false, "asking": true} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, mailserver.Options{Polled: polled})
			m := openMailbox(t, map[string]any{"imap_host": server.Host, "imap_port": server.Port}, map[string]string{"password": mailserver.Password})
			m.poll = 20 * time.Millisecond
			if !polled {
				m.poll = time.Hour // only news can wake it
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			got := make(chan string, 10)
			ready := make(chan struct{}, 10)
			go func() {
				_ = m.ListenFrom(ctx, "", func(_ context.Context, raw []byte, cursor string) error {
					if raw != nil {
						got <- string(raw)
					} else {
						ready <- struct{}{}
					}
					return nil
				})
			}()
			<-ready // the folder was read once
			for n := range 3 {
				if !polled {
					<-server.Idling
				}
				if err := server.Deliver("INBOX", raw(n)); err != nil {
					t.Fatal(err)
				}
				select {
				case r := <-got:
					if r != string(raw(n)) {
						t.Errorf("%q", r)
					}
				case <-ctx.Done():
					t.Fatal("the letter didn't come")
				}
			}
		})
	}
}

// tokens gives access tokens for a refresh token.
type tokenServer struct {
	mu      sync.Mutex
	valid   string
	given   int
	lasts   int
	fails   int // status of the next answers; 0: none fails
	refresh string
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if s.fails != 0 {
		w.WriteHeader(s.fails)
		_, _ = io.WriteString(w, `{"error":"temporarily_unavailable"}`)
		return
	}
	if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != s.refresh || r.FormValue("client_id") != "client" || r.FormValue("client_secret") != "client secret" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	s.given++
	s.valid = fmt.Sprint("token ", s.given)
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":%d,"token_type":"Bearer"}`, s.valid, s.lasts)
}

func (s *tokenServer) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.valid
}

func (s *tokenServer) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func TestSigningInByToken(t *testing.T) {
	for _, mechanism := range []string{"XOAUTH2", sasl.OAuthBearer} {
		t.Run(mechanism, func(t *testing.T) {
			giver := &tokenServer{lasts: 3600, refresh: "refresh"}
			endpoint := httptest.NewServer(giver)
			t.Cleanup(endpoint.Close)
			server := serve(t, mailserver.Options{Mechanisms: []string{mechanism}, Token: giver.current})
			out := startSMTP(t, &sender{mechanism: mechanism, token: giver.current})
			now := time.Now()
			m := openMailbox(t, map[string]any{"imap_host": server.Host, "imap_port": server.Port, "smtp_host": "127.0.0.1", "smtp_port": out, "auth": "oauth2", "oauth_token_url": endpoint.URL, "oauth_client_id": "client"},
				map[string]string{"oauth_client_secret": "client secret", "oauth_refresh_token": "refresh"})
			m.now = func() time.Time { return now }
			test := func() error { _, err := m.Test(t.Context()); return err }
			if err := test(); err != nil || giver.given != 1 || server.SignIns.Load() != 1 {
				t.Fatalf("%v, %d tokens, %d sign-ins", err, giver.given, server.SignIns.Load())
			}
			if err := test(); err != nil || giver.given != 1 {
				t.Errorf("a token that is still good isn't used: %v, %d", err, giver.given)
			}
			if _, err := m.Send(t.Context(), care.Outbound{Key: "1", To: "o@example.com", Subject: "x", Body: "y"}); err != nil {
				t.Errorf("by SMTP: %v", err)
			}
			now = now.Add(59*time.Minute + time.Second) // it ends within the minute
			if err := test(); err != nil || giver.given != 2 {
				t.Errorf("after it ended: %v, %d tokens", err, giver.given)
			}
			giver.change(func() { giver.valid = "revoked" })
			var auth *care.AuthError
			if err := test(); !errors.As(err, &auth) {
				t.Errorf("a token that was taken back: %v", err)
			}
			if err := test(); err != nil || giver.given != 3 {
				t.Errorf("the next attempt asks for another: %v, %d", err, giver.given)
			}
			now = now.Add(2 * time.Hour)
			giver.change(func() { giver.fails = http.StatusServiceUnavailable })
			var temporary *care.TemporaryError
			if err := test(); !errors.As(err, &temporary) {
				t.Errorf("a token server that is down: %v", err)
			}
			giver.change(func() { giver.fails, giver.refresh = 0, "another" })
			if err := test(); !errors.As(err, &auth) {
				t.Errorf("a refresh token that was taken back: %v", err)
			}
		})
	}
}

// sender is a server by which letters go, that can fail at each step.
type sender struct {
	mechanism string
	token     func() string
	rcpt      error
	data      error
	hang      bool // takes the letter and goes away without a word
	cut       bool // goes away in the midst of the letter

	mu    sync.Mutex
	taken []string
	conns int
}

func startSMTP(t *testing.T, s *sender) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		s.conns++
		s.mu.Unlock()
		if s.mechanism != "" {
			return &signedSending{sending{s, c}}, nil
		}
		return &sending{s, c}, nil
	}))
	server.Domain, server.AllowInsecureAuth = "smtp.test", true
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

type sending struct {
	s *sender
	c *smtp.Conn
}

func (s *sending) Reset()                               { _ = s }
func (s *sending) Logout() error                        { return nil }
func (s *sending) Mail(string, *smtp.MailOptions) error { return nil }
func (s *sending) Rcpt(string, *smtp.RcptOptions) error { return s.s.rcpt }
func (s *sending) Data(r io.Reader) error {
	if s.s.cut {
		_, _ = io.CopyN(io.Discard, r, 10)
		_ = s.c.Conn().Close()
		return nil
	}
	raw, err := io.ReadAll(r)
	if err != nil || s.s.data != nil {
		return errors.Join(err, s.s.data)
	}
	s.s.mu.Lock()
	s.s.taken = append(s.s.taken, string(raw))
	s.s.mu.Unlock()
	if s.s.hang {
		_ = s.c.Conn().Close()
	}
	return nil
}

type signedSending struct{ sending }

func (s *signedSending) AuthMechanisms() []string { return []string{s.s.mechanism} }
func (s *signedSending) Auth(mech string) (sasl.Server, error) {
	check := func(user, token string) bool { return user == mailserver.User && token == s.s.token() }
	if mech == sasl.OAuthBearer {
		return sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if check(o.Username, o.Token) {
				return nil
			}
			return &sasl.OAuthBearerError{Status: "invalid_token"}
		}), nil
	}
	return &mailserver.XOAUTH2{Check: check}, nil
}

// What an error says decides whether a letter is sent again: never when somebody may have it.
func TestWhatBecameOfALetter(t *testing.T) {
	large := strings.Repeat("a line of a long letter\n", 50_000)
	for name, c := range map[string]struct {
		s    *sender
		want string
		has  int
	}{
		"taken":                {&sender{}, "ok", 1},
		"no answer to its end": {&sender{hang: true}, "uncertain", 1},
		"broken in its midst":  {&sender{cut: true}, "temporary or uncertain", 0},
		"greylisted":           {&sender{rcpt: &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "later"}}, "temporary", 0},
		"no such reader":       {&sender{rcpt: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown"}}, "unknown_address", 0},
		"too large":            {&sender{rcpt: &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "large"}}, "too_long", 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := openMailbox(t, map[string]any{"smtp_host": "127.0.0.1", "smtp_port": startSMTP(t, c.s)}, nil)
			body := "short"
			if c.s.cut {
				body = large
			}
			r, err := m.Send(t.Context(), care.Outbound{Key: "7", To: "o@example.com", Subject: "x", Body: body})
			var uncertain *care.UncertainError
			var temporary *care.TemporaryError
			var rejected *care.RejectedError
			got := "ok"
			switch {
			case errors.As(err, &uncertain):
				got = "uncertain"
			case errors.As(err, &temporary):
				got = "temporary"
			case errors.As(err, &rejected):
				got = rejected.Code
			case err != nil:
				got = err.Error()
			}
			if !slices.Contains(strings.Split(c.want, " or "), got) || len(c.s.taken) != c.has {
				t.Errorf("%s (%v) and %d letters, not %s and %d", got, err, len(c.s.taken), c.want, c.has)
			}
			if got == "ok" {
				again, err := m.Send(t.Context(), care.Outbound{Key: "7", To: "o@example.com", Subject: "x", Body: body})
				if err != nil || again.ExternalID != r.ExternalID || c.s.conns != 1 {
					t.Errorf("%v: %q and %q by %d connections", err, r.ExternalID, again.ExternalID, c.s.conns)
				}
			}
		})
	}
}

func TestWhoseWordIsTaken(t *testing.T) {
	const google = "mx.google.com; dkim=pass header.i=@example.com; dmarc=pass header.from=example.com"
	letter := func(heads ...string) []byte {
		return []byte(strings.Join(heads, "\r\n") + "\r\nFrom: o@example.com\r\nTo: help@shop.example\r\nSubject: x\r\nMessage-ID: <1@example.com>\r\n\r\ny\r\n")
	}
	for name, c := range map[string]struct {
		settings         map[string]any
		raw              []byte
		proven, doubtful bool
	}{
		"nobody's named":             {nil, letter("Authentication-Results: " + google), false, false},
		"the mailbox's server":       {map[string]any{"imap_host": "imap.gmail.com"}, letter("Authentication-Results: " + google), true, false},
		"the one in the settings":    {map[string]any{"auth_server": "MX.shop.example"}, letter("Authentication-Results: mx.shop.example; dmarc=pass header.from=example.com"), true, false},
		"another than in settings":   {map[string]any{"auth_server": "mx.shop.example"}, letter("Authentication-Results: " + google), false, false},
		"the letter's own below":     {map[string]any{"auth_server": "mx.google.com"}, letter("Authentication-Results: mx.other.example; none", "Authentication-Results: "+google), false, false},
		"disowned":                   {nil, letter("Authentication-Results: mx.any.example; dmarc=fail header.from=example.com"), false, true},
		"two senders":                {map[string]any{"auth_server": "mx.google.com"}, letter("Authentication-Results: "+google, "From: boss@example.com"), false, false},
		"signed by another's domain": {map[string]any{"auth_server": "mx.google.com"}, letter("Authentication-Results: mx.google.com; dkim=pass header.d=evil.example"), false, false},
	} {
		m := openMailbox(t, c.settings, nil)
		a, _ := m.ReadRaw(c.raw)
		if len(a.Messages) != 1 || a.Messages[0].Mail.Proven != c.proven || a.Messages[0].Mail.Doubtful != c.doubtful {
			t.Errorf("%s: %+v", name, a.Messages[0].Mail)
		}
	}
}
