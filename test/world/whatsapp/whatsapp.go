// Package whatsapp is Meta's WhatsApp Cloud API for tests: one number, the day in which a customer may be answered freely, approved
// templates, media, limits and error codes as the documentation has them. What happens in it is a method, which returns the signed push.
package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"opeka/internal/care"
)

// Of the number.
const (
	ID          = "106540352242922"
	Account     = "102290129340398"
	Token       = "EAAG-access-token"
	Secret      = "app-secret-0123"
	VerifyToken = "my-verify-token"
	Template    = "order_shipped" // approved, in uk, with one parameter
)

// Templates are what the business account has, as the Graph API lists them: approved ones, one that waits, one that needs a picture.
func Templates() []map[string]any {
	text := func(kind, text string, example any) object {
		c := object{"type": kind, "text": text}
		if kind == "HEADER" {
			c["format"] = "TEXT"
		}
		if example != nil {
			c["example"] = example
		}
		return c
	}
	of := func(name, language, status string, components ...object) object {
		return object{"id": name + language, "name": name, "language": language, "status": status, "category": "UTILITY", "components": components}
	}
	return []object{
		of(Template, "uk", "APPROVED", text("BODY", "Ваше замовлення {{1}} відправлено.", object{"body_text": [][]string{{"№ 1001"}}})),
		of("order_ready", "uk", "APPROVED", text("HEADER", "Замовлення {{1}}", object{"header_text": []string{"1001"}}), text("BODY", "{{first_name}}, ваше замовлення чекає: {{where}}.",
			object{"body_text_named_params": []object{{"param_name": "first_name", "example": "Олена"}, {"param_name": "where", "example": "вул. Зелена, 5"}}}),
			text("FOOTER", "Стежка", nil), object{"type": "BUTTONS", "buttons": []object{{"type": "URL", "text": "Як пройти", "url": "https://shop.example/p/{{1}}", "example": []string{"5"}}, {"type": "QUICK_REPLY", "text": "Дякую"}}}),
		of("order_ready", "pl", "PENDING", text("BODY", "Zamówienie {{1}} czeka.", nil)),
		of("sale", "uk", "APPROVED", object{"type": "HEADER", "format": "IMAGE"}, text("BODY", "Знижки!", nil)),
	}
}

type object = map[string]any

// Message is one that the number has sent.
type Message struct {
	To, Type, Text, Template, ID string
	Params                       []string
	File                         bool
}

// Number is the service with one number.
type Number struct {
	URL    string
	Client *http.Client

	mu      sync.Mutex
	now     func() time.Time
	next    int64
	sent    []Message
	wrote   map[string]time.Time // when each customer last wrote
	gone    map[string]bool      // numbers that have no WhatsApp
	media   map[string][]byte
	hook    string
	limited int
	lose    bool
}

// New starts the service; now may be nil.
func New(t testing.TB, now func() time.Time) *Number {
	if now == nil {
		now = time.Now
	}
	n := &Number{now: now, next: 1000, wrote: map[string]time.Time{}, gone: map[string]bool{}, media: map[string][]byte{}}
	s := httptest.NewServer(http.HandlerFunc(n.serve))
	t.Cleanup(s.Close)
	n.URL, n.Client = s.URL, s.Client()
	return n
}

// Sent lists what the number has sent.
func (n *Number) Sent() []Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Message(nil), n.sent...)
}

// Hook is where pushes go.
func (n *Number) Hook() string { n.mu.Lock(); defer n.mu.Unlock(); return n.hook }

// Limit makes the next n requests be refused for coming too fast.
func (n *Number) Limit(count int) { n.mu.Lock(); defer n.mu.Unlock(); n.limited = count }

// Lose makes the connection break after the next message was taken.
func (n *Number) Lose() { n.mu.Lock(); defer n.mu.Unlock(); n.lose = true }

// Gone takes somebody off WhatsApp.
func (n *Number) Gone(who string) { n.mu.Lock(); defer n.mu.Unlock(); n.gone[who] = true }

func (n *Number) id() string { n.next++; return "wamid.HBgL" + strconv.FormatInt(n.next, 10) }

// Sign makes a push of a body.
func Sign(body []byte) care.Push {
	m := hmac.New(sha256.New, []byte(Secret))
	_, _ = m.Write(body)
	return care.Push{Method: "POST", Header: http.Header{"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(m.Sum(nil))}}, Body: body}
}

func (n *Number) push(value object) care.Push {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = object{"display_phone_number": "15550783881", "phone_number_id": ID}
	raw, _ := json.Marshal(object{"object": "whatsapp_business_account", "entry": []object{{"id": Account, "changes": []object{{"field": "messages", "value": value}}}}})
	return Sign(raw)
}

// Write makes somebody write.
func (n *Number) Write(who, text string) care.Push {
	return n.Say(who, object{"type": "text", "text": object{"body": text}})
}

// Say is Write with any message.
func (n *Number) Say(who string, message object) care.Push {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wrote[who] = n.now()
	message["from"], message["id"], message["timestamp"] = who, n.id(), strconv.FormatInt(n.now().Unix(), 10)
	return n.push(object{"contacts": []object{{"profile": object{"name": "Anna Nowak"}, "wa_id": who}}, "messages": []object{message}})
}

// SendFile makes somebody send a picture.
func (n *Number) SendFile(who, name string, content []byte) care.Push {
	n.mu.Lock()
	n.next++
	id := strconv.FormatInt(n.next, 10)
	n.media[id] = content
	n.mu.Unlock()
	return n.Say(who, object{"type": "image", "image": object{"id": id, "mime_type": "image/png", "caption": name}})
}

// Report tells what became of a message; code is of the error when it failed.
func (n *Number) Report(id, status string, code int) care.Push {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := object{"id": id, "status": status, "timestamp": strconv.FormatInt(n.now().Unix(), 10), "recipient_id": "1"}
	if status == "failed" {
		s["errors"] = []object{{"code": code, "title": "Message undeliverable", "message": "Message undeliverable", "error_data": object{"details": "Message Undeliverable."}}}
	}
	return n.push(object{"statuses": []object{s}})
}

func (n *Number) serve(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	answer := func(o any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(o)
	}
	refuse := func(status, code int, message, details string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(object{"error": object{"message": message, "type": "OAuthException", "code": code, "error_data": object{"messaging_product": "whatsapp", "details": details}, "fbtrace_id": "x"}})
	}
	if r.Header.Get("Authorization") != "Bearer "+Token {
		refuse(401, 190, "Error validating access token", "")
		return
	}
	if n.limited > 0 {
		n.limited--
		refuse(400, 130429, "(#130429) Rate limit hit", "Message failed to send because there were too many messages sent from this phone number in a short period of time")
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if content, ok := n.media[strings.TrimPrefix(path, "content/")]; ok && strings.HasPrefix(path, "content/") {
		_, _ = w.Write(content)
		return
	}
	switch {
	case path == ID && r.Method == "GET":
		answer(object{"display_phone_number": "+1 555-078-3881", "verified_name": "Shop", "id": ID})
	case path == Account+"/message_templates" && r.Method == "GET":
		// One a page, whatever limit is asked for: a list that is read to its end is read so.
		list := Templates()
		at, _ := strconv.Atoi(r.URL.Query().Get("after"))
		page := object{"data": list[at : at+1], "paging": object{"cursors": object{"after": strconv.Itoa(at + 1)}}}
		if at+1 < len(list) {
			page["paging"] = object{"cursors": object{"after": strconv.Itoa(at + 1)}, "next": n.URL + "/next"}
		}
		answer(page)
	case path == Account+"/subscribed_apps":
		var args map[string]string
		_ = json.NewDecoder(r.Body).Decode(&args)
		n.hook = args["override_callback_uri"]
		answer(object{"success": true})
	case path == ID+"/media":
		f, _, err := r.FormFile("file")
		if err != nil || r.FormValue("messaging_product") != "whatsapp" {
			refuse(400, 100, "(#100) Invalid parameter", "")
			return
		}
		content, _ := io.ReadAll(f)
		n.next++
		id := strconv.FormatInt(n.next, 10)
		n.media[id] = content
		answer(object{"id": id})
	case path == ID+"/messages":
		n.send(r, answer, refuse)
	default:
		if _, ok := n.media[path]; ok {
			answer(object{"messaging_product": "whatsapp", "url": n.URL + "/content/" + path, "mime_type": "image/png", "id": path})
			return
		}
		refuse(404, 100, "(#100) Unsupported get request", "")
	}
}

func (n *Number) send(r *http.Request, answer func(any), refuse func(int, int, string, string)) {
	var m struct {
		Product  string                `json:"messaging_product"`
		To       string                `json:"to"`
		Type     string                `json:"type"`
		Text     struct{ Body string } `json:"text"`
		Image    *struct{ ID, Caption string }
		Document *struct{ ID, Caption, Filename string }
		Template struct {
			Name       string
			Language   struct{ Code string }
			Components []struct {
				Type       string
				Index      string
				Parameters []struct {
					Type, Text string
					Name       string `json:"parameter_name"`
				}
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.Product != "whatsapp" || m.To == "" || strings.Trim(m.To, "0123456789") != "" {
		refuse(400, 100, "(#100) Invalid parameter", "")
		return
	}
	out := Message{To: m.To, Type: m.Type, Text: m.Text.Body}
	for _, f := range []*struct{ ID, Caption string }{m.Image} {
		if f != nil {
			out.File, out.Text = true, f.Caption
		}
	}
	if m.Document != nil {
		out.File, out.Text = true, m.Document.Caption
	}
	switch {
	case n.gone[m.To]:
		refuse(400, 131026, "Message undeliverable", "Unable to deliver the message")
		return
	case m.Type == "template":
		out.Template = m.Template.Name
		var filled []string // "header", "body first_name", "button 0"
		for _, c := range m.Template.Components {
			for _, p := range c.Parameters {
				out.Params = append(out.Params, p.Text)
				filled = append(filled, strings.TrimSpace(strings.Join([]string{c.Type, c.Index + p.Name}, " ")))
			}
		}
		want, known := map[string]string{Template: "body", "order_ready": "header,body first_name,body where,button 0"}[m.Template.Name]
		switch {
		case !known || m.Template.Language.Code != "uk":
			refuse(404, 132001, "(#132001) Template name does not exist in the translation", "")
			return
		case strings.Join(filled, ",") != want:
			refuse(400, 132000, "(#132000) Number of parameters does not match the expected number of params", "")
			return
		}
	case n.now().Sub(n.wrote[m.To]) > 24*time.Hour:
		refuse(400, 131047, "Re-engagement message", "More than 24 hours have passed since the recipient last replied")
		return
	case m.Type == "text" && (m.Text.Body == "" || len([]rune(m.Text.Body)) > 4096):
		refuse(400, 100, "(#100) Param text['body'] must be at most 4096 characters long.", "")
		return
	}
	out.ID = n.id()
	n.sent = append(n.sent, out)
	if n.lose {
		n.lose = false
		panic(http.ErrAbortHandler)
	}
	answer(object{"messaging_product": "whatsapp", "contacts": []object{{"input": m.To, "wa_id": m.To}}, "messages": []object{{"id": out.ID}}})
}
