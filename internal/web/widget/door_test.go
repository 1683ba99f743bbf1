package widget_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"opeka/internal/account"
	"opeka/internal/blob"
	"opeka/internal/bus"
	"opeka/internal/cal"
	"opeka/internal/care"
	"opeka/internal/customer"
	"opeka/internal/db"
	"opeka/internal/db/dbtest"
	"opeka/internal/inbox"
	"opeka/internal/phone"
	"opeka/internal/web/live"
	"opeka/internal/web/widget"
	"opeka/messages"
	"opeka/test/world/phones"
	"opeka/ui"
)

// shop is a store with its widget, on real rooms.
type shop struct {
	t        *testing.T
	db       *db.DB
	accounts *account.Accounts
	inbox    *inbox.Inbox
	door     *widget.Door
	url      string
	store    account.Store
	by       account.By
}

func open(t *testing.T, d *db.DB) *shop {
	t.Helper()
	hints := bus.NewLocal()
	sealer, err := account.NewSealer(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	accounts := account.New(d, account.Options{Bus: hints, Sealer: sealer})
	agent, id, err := accounts.SetUp(t.Context(), account.By{}, account.SetUp{StoreName: "Lypa", TimeZone: "Europe/Kyiv", Language: "uk", Currency: "UAH",
		Name: "Олена", Email: "olena@lypa.example", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	files, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	rooms := inbox.New(d, customer.New(d, hints, nil), files, hints, inbox.Options{Secret: sealer.Derive("files"), Log: quiet})
	calls := phone.New(d, customer.New(d, hints, nil), hints, phone.Options{Network: phones.New(nil), Talks: rooms, Log: quiet})
	door, err := widget.New(d, widget.Options{Accounts: accounts, Inbox: rooms, Phone: calls, Key: sealer.Derive("widget"), Files: ui.Widget(), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	door.Routes(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		srv.Close()
		calls.Close()
		rooms.Close()
		accounts.Close()
		_ = hints.Close()
	})
	store, err := accounts.Store(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	all := []care.Permission{care.PermInboxRead, care.PermInboxWrite, care.PermSettings}
	by := account.By{Scope: care.Scope{Agent: agent, Stores: []int64{id}, Permissions: map[int64][]care.Permission{id: all}}}
	return &shop{t: t, db: d, accounts: accounts, inbox: rooms, door: door, url: srv.URL, store: store, by: by}
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// ask sends a request; body is a string as it is, or a value for JSON.
func (s *shop) ask(method, path, token string, body any, header ...string) answer {
	s.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a.body)
	return a
}

func (s *shop) session(more map[string]any) answer {
	s.t.Helper()
	in := map[string]any{"store": s.store.Slug, "language": "uk"}
	for k, v := range more {
		in[k] = v
	}
	a := s.ask("POST", "/widget/v1/session", "", in)
	if a.status != 200 {
		s.t.Fatal(a.status, a.raw)
	}
	return a
}

func (s *shop) visitor() string { return s.session(nil).body["token"].(string) }

func (s *shop) say(token, clientID, body string) answer {
	s.t.Helper()
	a := s.ask("POST", "/widget/v1/messages", token, map[string]any{"client_id": clientID, "body": body})
	if a.status != 200 {
		s.t.Fatal(a.status, a.raw)
	}
	return a
}

func (a answer) texts() string {
	var out []string
	for _, m := range a.body["messages"].([]any) {
		out = append(out, m.(map[string]any)["body"].(string))
	}
	return strings.Join(out, "|")
}

func (a answer) id(name string) int64 { return int64(a.body[name].(float64)) }

func sign(secret string, parts ...string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(m.Sum(nil))
}

func TestTalk(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		s := open(t, d)
		token := s.visitor()
		first := s.say(token, "c1", "Де моє <b>замовлення</b>?")
		again := s.say(token, "c1", "Де моє <b>замовлення</b>?")
		if again.body["id"] != first.body["id"] || again.body["duplicate"] != true {
			t.Error("sent twice:", again.raw)
		}
		conversation := first.id("conversation_id")
		ctx := t.Context()
		if _, err := s.inbox.Say(ctx, s.by.Scope, conversation, inbox.Answer{Kind: inbox.KindNote, Body: "a secret"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.inbox.Say(ctx, s.by.Scope, conversation, inbox.Answer{Kind: inbox.KindReply, Body: "У дорозі"}); err != nil {
			t.Fatal(err)
		}
		back := s.session(map[string]any{"token": token})
		if back.texts() != "Де моє <b>замовлення</b>?|У дорозі" || back.id("unread") != 1 {
			t.Error(back.raw)
		}
		if got := s.ask("GET", "/widget/v1/messages?after="+fmt.Sprintf("%d,%d:1", first.id("id"), conversation), token, nil); got.texts() != "У дорозі" {
			t.Error(got.raw)
		}
		if got := s.ask("POST", "/widget/v1/read", token, map[string]any{"conversation_id": conversation, "seq": 99}); got.status != 204 {
			t.Error(got.status, got.raw)
		}
		if got := s.session(map[string]any{"token": token}); got.id("unread") != 0 {
			t.Error("read, yet unread")
		}

		// A visit next week is another conversation of the same talk.
		if _, err := s.inbox.Resolve(ctx, s.by.Scope, conversation); err != nil {
			t.Fatal(err)
		}
		clock.Move(7 * 24 * time.Hour)
		later := s.say(token, "c2", "Дякую")
		if later.id("conversation_id") == conversation {
			t.Error("an old conversation was opened again")
		}
		if got := s.ask("GET", "/widget/v1/messages", token, nil); got.texts() != "Де моє <b>замовлення</b>?|У дорозі|Дякую" {
			t.Error(got.texts())
		}
		if got := s.ask("GET", fmt.Sprintf("/widget/v1/messages?before=%d", later.id("id")), token, nil); got.texts() != "Де моє <b>замовлення</b>?|У дорозі" {
			t.Error(got.texts())
		}
		if again := s.say(token, "c1", "Де моє <b>замовлення</b>?"); again.body["id"] != first.body["id"] {
			t.Error("sent again after the conversation was over:", again.raw)
		}
		// Nobody else sees any of it.
		other := s.visitor()
		if got := s.ask("GET", "/widget/v1/messages?after=1", other, nil); got.texts() != "" {
			t.Error(got.raw)
		}
		if got := s.ask("POST", "/widget/v1/read", other, map[string]any{"conversation_id": conversation, "seq": 1}); got.status != 404 {
			t.Error(got.status)
		}
	})
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		s := open(t, d)
		secret, err := s.accounts.ShowIdentitySecret(t.Context(), s.by, s.store.ID)
		if err != nil {
			t.Fatal(err)
		}
		who := map[string]any{"id": "7", "email": "Iryna@Example.com", "phone": "0671112233", "name": "Ірина", "hash": sign(secret, "7", "Iryna@Example.com", "0671112233")}
		if a := s.ask("GET", "/widget/v1/orders", s.visitor(), nil, "Accept-Language", "pl"); a.status != 403 || a.body["code"] != "widget.not_verified" || !strings.Contains(a.raw, "Zaloguj") {
			t.Error(a.status, a.raw)
		}
		forged := s.session(map[string]any{"identity": map[string]any{"id": "7", "hash": strings.Repeat("0", 64)}})
		if forged.body["verified"] != false || forged.body["identity_refused"] != true {
			t.Error("a forged signature was believed:", forged.raw)
		}

		in := s.session(map[string]any{"identity": who})
		token := in.body["token"].(string)
		if in.body["verified"] != true {
			t.Fatal(in.raw)
		}
		first := s.say(token, "c1", "Добрий день")
		var held int
		err = d.Read().QueryRow(t.Context(), `SELECT count(*) FROM identities WHERE store_id = $1 AND trust = 2 AND value = ANY($2::text[])`, s.store.ID, []string{"iryna@example.com", "+380671112233"}).Scan(&held)
		if err != nil || held != 2 {
			t.Error("proven identities:", held, err)
		}
		if a := s.ask("GET", "/widget/v1/orders", token, nil); a.status != 200 || !strings.Contains(a.raw, `"items":[]`) {
			t.Error(a.status, a.raw)
		}
		insertOrder(t, d, s.store.ID, first.id("conversation_id"))
		a := s.ask("GET", "/widget/v1/orders", token, nil, "Accept-Language", "uk")
		if !strings.Contains(a.raw, `"number":"1042"`) || !strings.Contains(a.raw, `"stage":"У дорозі"`) || !strings.Contains(a.raw, "Чайник") || strings.Contains(a.raw, "javascript") {
			t.Error(a.raw)
		}

		// The next shopper at the same machine is another visitor.
		next := s.session(map[string]any{"token": token, "identity": map[string]any{"id": "8", "hash": sign(secret, "8", "", "")}})
		if next.body["visitor"] == in.body["visitor"] || next.texts() != "" {
			t.Error("one shopper's talk was shown to another:", next.raw)
		}
		clock.Move(25 * time.Hour)
		if a := s.ask("GET", "/widget/v1/orders", token, nil); a.status != 403 {
			t.Error("the shop's word of yesterday still counts:", a.raw)
		}
	})
}

func insertOrder(t *testing.T, d *db.DB, store, conversation int64) {
	t.Helper()
	err := d.Write(t.Context(), db.System, func(tx *db.Tx) error {
		var who int64
		if err := tx.QueryRow(t.Context(), `SELECT customer_id FROM conversations WHERE id = $1`, conversation).Scan(&who); err != nil {
			return err
		}
		order := tx.ID()
		now := db.At(tx.Now)
		tx.Defer(`INSERT INTO orders (id, store_id, connection_id, external_id, customer_id, number, order_state, payment_state, fulfilment_state, stage, open, currency, total, ship_to, bill_to, tags, custom, placed_at, updated_at, fetched_at)
VALUES ($1, $2, 1, '1042', $3, '1042', 'processing', 'paid', 'shipped', 'shipped', TRUE, 'UAH', 129900, $4, $4, '[]', $4, $5, $5, $5)`, order, store, who, []byte(`{}`), now)
		tx.Defer(`INSERT INTO order_lines (id, order_id, store_id, connection_id, position, name, quantity, placed_quantity, price, total) VALUES ($1, $2, $3, 1, 1, 'Чайник', 1, 1, 129900, 129900)`, tx.ID(), order, store)
		tx.Defer(`INSERT INTO shipments (id, order_id, store_id, external_id, tracking_url, state) VALUES ($1, $2, $3, 's1', 'javascript:alert(1)', 'in_transit')`, tx.ID(), order, store)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOutsideOpeningHours(t *testing.T) {
	t.Parallel()
	d, _ := dbtest.Open(t, db.SQLite) // Monday noon in Kyiv
	s := open(t, d)
	hours := cal.Settings{Zone: "Europe/Kyiv", Week: map[string][]cal.Span{"tue": {{From: "09:00", To: "18:00"}}}}
	if _, err := s.accounts.UpdateStore(t.Context(), s.by, s.store.ID, account.StoreChange{Calendar: &hours}); err != nil {
		t.Fatal(err)
	}
	in := s.session(nil)
	if in.body["open"] != false || in.body["opens_at"] != "2026-03-03T07:00:00Z" {
		t.Error(in.raw)
	}
	token := in.body["token"].(string)
	a := s.ask("POST", "/widget/v1/messages", token, map[string]any{"client_id": "c1", "body": "?", "contact": map[string]any{"email": "nonsense"}}, "Accept-Language", "uk")
	if a.status != 422 || a.body["code"] != "widget.contact_invalid" {
		t.Error(a.status, a.raw)
	}
	a = s.ask("POST", "/widget/v1/messages", token, map[string]any{"client_id": "c1", "body": "?", "contact": map[string]any{"email": "a@b.ua", "name": "Анна"}})
	if a.status != 200 {
		t.Error(a.status, a.raw)
	}
}

func TestUploads(t *testing.T) {
	t.Parallel()
	d, _ := dbtest.Open(t, db.SQLite)
	s := open(t, d)
	token := s.visitor()
	form := func(field, name string, content []byte) (string, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		f, err := w.CreateFormFile(field, name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write(content)
		_ = w.Close()
		return b.String(), w.FormDataContentType()
	}
	body, kind := form("file", "../../photo.png", pixel)
	a := s.ask("POST", "/widget/v1/uploads", token, body, "Content-Type", kind)
	if a.status != 200 || a.body["name"] != "photo.png" || !strings.Contains(a.body["url"].(string), "signature=") {
		t.Fatal(a.status, a.raw)
	}
	sent := s.ask("POST", "/widget/v1/messages", token, map[string]any{"client_id": "c1", "attachments": []int64{a.id("id")}})
	if sent.status != 200 {
		t.Error(sent.raw)
	}
	if got := s.ask("GET", "/widget/v1/messages", token, nil); !strings.Contains(got.raw, "photo.png") {
		t.Error(got.raw)
	}
	// Nobody attaches another one's file.
	body, kind = form("file", "b.png", pixel)
	b := s.ask("POST", "/widget/v1/uploads", token, body, "Content-Type", kind)
	if got := s.ask("POST", "/widget/v1/messages", s.visitor(), map[string]any{"client_id": "c1", "body": "x", "attachments": []int64{b.id("id")}}); got.status != 404 {
		t.Error(got.status, got.raw)
	}
	for name, c := range map[string]struct {
		field, name string
		content     []byte
		status      int
	}{
		"a page":    {"file", "a.html", []byte("<script>"), 422},
		"a program": {"file", "a.exe", []byte("MZ\x90"), 422},
		"empty":     {"file", "a.png", nil, 422},
		"no file":   {"else", "a.png", pixel, 400},
		"too large": {"file", "a.png", make([]byte, inbox.MaxFileSize+1<<17), 413},
	} {
		body, kind := form(c.field, c.name, c.content)
		if got := s.ask("POST", "/widget/v1/uploads", s.visitor(), body, "Content-Type", kind); got.status != c.status {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
}

var pixel = func() []byte {
	b, _ := hex.DecodeString("89504e470d0a1a0a0000000d4948445200000001000000010806000000" + "1f15c4890000000d49444154789c63f8cfc0f01f0005000201" + "a2b5c6c00000000049454e44ae426082")
	return b
}()

func TestRefusals(t *testing.T) {
	t.Parallel()
	d, _ := dbtest.Open(t, db.SQLite)
	s := open(t, d)
	token := s.visitor()
	origins := account.WidgetSettings{Origins: []string{"https://lypa.example"}}
	for _, c := range []struct {
		name, method, path, token string
		body                      any
		status                    int
		code                      string
	}{
		{"no token", "GET", "/widget/v1/messages", "", nil, 401, "widget.token_invalid"},
		{"forged token", "GET", "/widget/v1/messages", token[:len(token)-3] + "AAA", nil, 401, "widget.token_invalid"},
		{"no such store", "POST", "/widget/v1/session", "", map[string]any{"store": "nobody"}, 404, "widget.store_unknown"},
		{"not JSON", "POST", "/widget/v1/messages", token, "{", 400, "body_malformed"},
		{"not UTF-8", "POST", "/widget/v1/messages", token, "{\"body\":\"\xff\",\"client_id\":\"a\"}", 400, "text_invalid"},
		{"NUL", "POST", "/widget/v1/messages", token, `{"body":"\u0000","client_id":"a"}`, 400, "text_invalid"},
		{"deep", "POST", "/widget/v1/track", token, `{"events":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", 400, "body_too_deep"},
		{"oversized", "POST", "/widget/v1/messages", token, `{"body":"` + strings.Repeat("a", 200<<10) + `"}`, 413, "too_large"},
		{"empty", "POST", "/widget/v1/messages", token, map[string]any{"client_id": "a", "body": " \n"}, 422, "required"},
		{"without an id", "POST", "/widget/v1/messages", token, map[string]any{"body": "a"}, 422, "widget.client_id_invalid"},
		{"unknown file", "POST", "/widget/v1/messages", token, map[string]any{"client_id": "a", "attachments": []int64{5}}, 404, "not_found"},
		{"unknown act", "POST", "/widget/v1/track", token, map[string]any{"events": []any{map[string]any{"kind": "hack"}}}, 422, "widget.event_invalid"},
		{"bad place", "GET", "/widget/v1/messages?after=x", token, nil, 422, "value_invalid"},
		{"bad place too", "GET", "/widget/v1/messages?before=-1", token, nil, 422, "value_invalid"},
		{"no such address", "GET", "/widget/v1/secrets", token, nil, 404, "not_found"},
	} {
		a := s.ask(c.method, c.path, c.token, c.body, "Accept-Language", "ru")
		if a.status != c.status || a.body["code"] != c.code || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", c.name, a.status, a.raw)
		}
		if detail, _ := a.body["detail"].(string); detail == "" || detail == messages.T("en", "error."+c.code, nil) || strings.HasPrefix(detail, "error.") {
			t.Errorf("%s isn't said in Russian: %s", c.name, a.raw)
		}
	}
	if _, err := s.accounts.UpdateStore(t.Context(), s.by, s.store.ID, account.StoreChange{Widget: &origins}); err != nil {
		t.Fatal(err)
	}
	// A store is remembered for a moment.
	s.db.Clock.(*db.MovableClock).Move(10 * time.Second)
	for origin, status := range map[string]int{"https://thief.example": 403, "https://lypa.example": 200, "": 200} {
		if a := s.ask("GET", "/widget/v1/messages", token, nil, "Origin", origin); a.status != status {
			t.Error(origin, a.status)
		}
	}
	if _, err := s.door.Visitor(t.Context(), token, "https://thief.example"); err == nil {
		t.Error("a socket of another site was let in")
	}
}

func TestTooOften(t *testing.T) {
	t.Parallel()
	d, _ := dbtest.Open(t, db.SQLite)
	s := open(t, d)
	token := s.visitor()
	for i := range 30 {
		a := s.ask("POST", "/widget/v1/messages", token, map[string]any{"client_id": fmt.Sprint(i), "body": "a"}, "Accept-Language", "uk")
		if a.status == 429 {
			if i < 20 || a.header.Get("Retry-After") == "" {
				t.Error(i, a.header)
			}
			return
		}
	}
	t.Error("a visitor may write as often as he likes")
}

func TestTracking(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *db.MovableClock) {
		s := open(t, d)
		token := s.visitor()
		for i := range 6 {
			var events []any
			for n := range 15 {
				events = append(events, map[string]any{"kind": "product", "data": map[string]any{"sku": fmt.Sprint(i*15 + n)}, "at": "2000-01-01T00:00:00Z"})
			}
			if a := s.ask("POST", "/widget/v1/track", token, map[string]any{"events": events}); a.status != 204 {
				t.Fatal(a.status, a.raw)
			}
		}
		conversation := s.say(token, "c", "?").id("conversation_id")
		visits, err := s.inbox.Visits(t.Context(), s.by.Scope, conversation)
		if err != nil || len(visits) != 50 || !strings.Contains(string(visits[0].Data), "89") || visits[0].At.Time().Year() == 2000 {
			t.Error(len(visits), err)
		}
		v, err := s.door.Visitor(t.Context(), token, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.door.Visited(t.Context(), v, care.Page{URL: "https://lypa.example/tea", Title: "Чай"}); err != nil {
			t.Fatal(err)
		}
		if err := s.door.Visited(t.Context(), live.Visitor{Store: v.Store, ID: "nobody"}, care.Page{}); err != nil {
			t.Error(err)
		}
		detail, err := s.inbox.Show(t.Context(), s.by.Scope, conversation)
		if b, _ := json.Marshal(detail); err != nil || !strings.Contains(string(b), "Чай") {
			t.Error(string(b), err)
		}
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	d, _ := dbtest.Open(t, db.SQLite)
	s := open(t, d)
	get := func(path, etag string) (*http.Response, []byte) {
		req, _ := http.NewRequestWithContext(context.Background(), "GET", s.url+path, nil)
		req.Header.Set("Accept-Encoding", "gzip")
		req.Header.Set("If-None-Match", etag)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res, b
	}
	res, b := get("/widget.js", "")
	if res.StatusCode != 200 || len(b) > 2<<10 || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error(res.StatusCode, len(b), res.Header)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	code, _ := io.ReadAll(z)
	for _, lang := range messages.Languages {
		_, after, _ := strings.Cut(string(code), "panel."+lang+".")
		name := "panel." + lang + "." + after[:strings.Index(after, ".js")] + ".js"
		panel, b := get("/widget/"+name, "")
		if panel.StatusCode != 200 || len(b) > 10<<10 || !strings.Contains(panel.Header.Get("Cache-Control"), "immutable") {
			t.Error(name, panel.StatusCode, len(b))
		}
	}
	if res, b := get("/widget.js", res.Header.Get("ETag")); res.StatusCode != 304 || len(b) != 0 {
		t.Error(res.StatusCode, len(b))
	}
	if res, _ := get("/widget/none.js", ""); res.StatusCode != 404 {
		t.Error(res.StatusCode)
	}
}

// The panel tells how soon agents usually answer, as measured in opening hours; nothing as long as too little is known.
func TestHowSoonAgentsAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *db.MovableClock) {
		s := open(t, d)
		hours := cal.Settings{Zone: "Europe/Kyiv", Week: map[string][]cal.Span{"mon": {{From: "09:00", To: "18:00"}}, "tue": {{From: "09:00", To: "18:00"}}}}
		if _, err := s.accounts.UpdateStore(t.Context(), s.by, s.store.ID, account.StoreChange{Calendar: &hours}); err != nil {
			t.Fatal(err)
		}
		asked := map[int64]time.Duration{}
		for n := range 8 { // one within an hour of closing: the night between doesn't count
			id := s.say(s.visitor(), fmt.Sprint("c", n), "?").id("conversation_id")
			asked[id] = []time.Duration{2, 3, 1, 2, 4, 3, 2, 0}[n] * time.Minute
			if n < 7 {
				clock.Move(asked[id])
				if _, err := s.inbox.Say(t.Context(), s.by.Scope, id, inbox.Answer{Kind: inbox.KindReply, Body: "!"}); err != nil {
					t.Fatal(err)
				}
			}
			if n == 3 {
				if got := s.session(nil).id("reply_minutes"); got != 0 {
					t.Errorf("after four answers it says %d", got)
				}
			}
			clock.Move(10 * time.Minute)
		}
		// Fifteen hours of the night are none of the shop's.
		clock.Move(21*time.Hour - 10*time.Minute)
		if got := s.session(nil); got.body["open"] != true || got.id("reply_minutes") != 3 {
			t.Errorf("%v", got.raw)
		}
	})
}
