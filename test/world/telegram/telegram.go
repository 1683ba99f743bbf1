// Package telegram is Telegram's Bot API for tests: one bot, its chats, files, limits and refusals as the documentation has them. What
// happens in it (somebody writes, edits, blocks the bot) is a method, which returns the update that Telegram would push.
package telegram

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Token is the bot's.
const Token = "123456:AAbot-token"

type object = map[string]any

// Message is one that the bot has sent.
type Message struct {
	Chat  int64
	ID    int64
	Text  string
	Files []string
	Reply int64
}

// Bot is the service with one bot.
type Bot struct {
	URL    string
	Client *http.Client

	mu       sync.Mutex
	server   *httptest.Server
	nextID   int64
	updates  []object
	hook     string
	secret   string
	sent     []Message
	started  map[int64]bool // chats that may be written to
	blocked  map[int64]bool
	files    map[string][]byte
	limited  int
	lose     bool
	arrived  chan struct{}
	requests []string
}

// RetryAfter is what the service asks for when it is written to too fast.
const RetryAfter = 7 * time.Second

// New starts the service.
func New(t testing.TB) *Bot {
	b := &Bot{nextID: 100, started: map[int64]bool{}, blocked: map[int64]bool{}, files: map[string][]byte{}, arrived: make(chan struct{}, 1)}
	b.server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(func() {
		b.server.CloseClientConnections() // somebody may be waiting for updates
		b.server.Close()
	})
	b.URL, b.Client = b.server.URL, b.server.Client()
	return b
}

// Sent lists what the bot has sent.
func (b *Bot) Sent() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Message(nil), b.sent...)
}

// Hook is where the bot's updates are pushed to, and with which secret.
func (b *Bot) Hook() (url, secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hook, b.secret
}

// Limit makes the next n methods be refused for coming too fast.
func (b *Bot) Limit(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limited = n
}

// Lose makes the connection break after the next message was taken.
func (b *Bot) Lose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lose = true
}

func (b *Bot) id() int64 {
	b.nextID++
	return b.nextID
}

// update keeps an update for getUpdates and returns it as it would be pushed.
func (b *Bot) update(kind string, v object) []byte {
	u := object{"update_id": b.id(), kind: v}
	b.updates = append(b.updates, u)
	select {
	case b.arrived <- struct{}{}:
	default:
	}
	raw, _ := json.Marshal(u)
	return raw
}

func (b *Bot) message(chat int64, fields object) object {
	b.started[chat] = true
	delete(b.blocked, chat)
	m := object{"message_id": b.id(), "date": time.Now().Unix(), "chat": object{"id": chat, "type": "private"},
		"from": object{"id": chat, "is_bot": false, "first_name": "Олена", "last_name": "Коваль", "username": "olena", "language_code": "uk"}}
	for k, v := range fields {
		m[k] = v
	}
	return m
}

// Write makes somebody write in his chat.
func (b *Bot) Write(chat int64, text string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.update("message", b.message(chat, object{"text": text}))
}

// Say is Write with any fields of a message.
func (b *Bot) Say(chat int64, fields object) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.update("message", b.message(chat, fields))
}

// Edit makes somebody change the message with this number.
func (b *Bot) Edit(chat, id int64, text string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.message(chat, object{"text": text, "edit_date": time.Now().Unix()})
	m["message_id"] = id
	return b.update("edited_message", m)
}

// SendFile makes somebody send a file.
func (b *Bot) SendFile(chat int64, name string, content []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := "file" + strconv.FormatInt(b.id(), 10)
	b.files[id] = content
	return b.update("message", b.message(chat, object{"caption": "see", "document": object{"file_id": id, "file_name": name, "mime_type": "image/png", "file_size": len(content)}}))
}

// Block makes somebody block the bot.
func (b *Bot) Block(chat int64) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blocked[chat] = true
	return b.update("my_chat_member", object{"chat": object{"id": chat, "type": "private"}, "from": object{"id": chat}, "date": time.Now().Unix(),
		"old_chat_member": object{"status": "member"}, "new_chat_member": object{"status": "kicked"}})
}

// Start lets the bot write to a chat.
func (b *Bot) Start(chat int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started[chat] = true
}

func answer(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object{"ok": true, "result": result})
}

func refuse(w http.ResponseWriter, code int, description string, parameters object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	o := object{"ok": false, "error_code": code, "description": description}
	if parameters != nil {
		o["parameters"] = parameters
	}
	_ = json.NewEncoder(w).Encode(o)
}

func (b *Bot) serve(w http.ResponseWriter, r *http.Request) {
	if path, ok := strings.CutPrefix(r.URL.Path, "/file/bot"+Token+"/"); ok {
		b.mu.Lock()
		content, ok := b.files[strings.TrimPrefix(path, "documents/")]
		b.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/bot")
	token, method, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		refuse(w, 404, "Not Found", nil)
		return
	}
	if token != Token {
		refuse(w, 401, "Unauthorized", nil)
		return
	}
	args, files, err := read(r)
	if err != nil {
		refuse(w, 400, "Bad Request: can't parse", nil)
		return
	}
	b.mu.Lock()
	b.requests = append(b.requests, method)
	if b.limited > 0 {
		b.limited--
		b.mu.Unlock()
		refuse(w, 429, fmt.Sprintf("Too Many Requests: retry after %d", int(RetryAfter.Seconds())), object{"retry_after": int(RetryAfter.Seconds())})
		return
	}
	b.mu.Unlock()
	switch method {
	case "getMe":
		answer(w, object{"id": 123456, "is_bot": true, "first_name": "Shop", "username": "shop_bot"})
	case "setWebhook":
		b.mu.Lock()
		b.hook, b.secret = text(args["url"]), text(args["secret_token"])
		b.mu.Unlock()
		answer(w, true)
	case "deleteWebhook":
		b.mu.Lock()
		b.hook, b.secret = "", ""
		b.mu.Unlock()
		answer(w, true)
	case "getUpdates":
		b.poll(w, r, args)
	case "getFile":
		b.mu.Lock()
		_, ok := b.files[text(args["file_id"])]
		b.mu.Unlock()
		if !ok {
			refuse(w, 400, "Bad Request: invalid file_id", nil)
			return
		}
		answer(w, object{"file_id": args["file_id"], "file_path": "documents/" + text(args["file_id"])})
	case "sendChatAction":
		answer(w, true)
	case "sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup":
		b.send(w, method, args, files)
	default:
		refuse(w, 404, "Not Found: method not found", nil)
	}
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatInt(int64(v), 10)
	}
	return ""
}

func read(r *http.Request) (args object, files []string, err error) {
	args = object{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			return nil, nil, err
		}
		for k, v := range r.MultipartForm.Value {
			args[k] = v[0]
		}
		for _, list := range r.MultipartForm.File {
			for _, f := range list {
				files = append(files, f.Filename)
			}
		}
		return args, files, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &args)
	}
	return args, nil, err
}

func (b *Bot) poll(w http.ResponseWriter, r *http.Request, args object) {
	b.mu.Lock()
	if b.hook != "" {
		b.mu.Unlock()
		refuse(w, 409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first", nil)
		return
	}
	b.mu.Unlock()
	offset, _ := args["offset"].(float64)
	timeout, _ := args["timeout"].(float64)
	end := time.After(time.Duration(timeout) * time.Second)
	for {
		b.mu.Lock()
		var list []object
		for _, u := range b.updates {
			if id, _ := u["update_id"].(int64); id >= int64(offset) {
				list = append(list, u)
			}
		}
		b.mu.Unlock()
		if len(list) > 0 {
			answer(w, list)
			return
		}
		select {
		case <-b.arrived:
		case <-end:
			answer(w, []object{})
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (b *Bot) send(w http.ResponseWriter, method string, args object, files []string) {
	chat, err := strconv.ParseInt(text(args["chat_id"]), 10, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	said := text(args["text"])
	if method != "sendMessage" {
		said = text(args["caption"])
	}
	if method == "sendMediaGroup" {
		var media []struct {
			Caption string `json:"caption"`
		}
		if json.Unmarshal([]byte(text(args["media"])), &media) != nil || len(media) < 2 || len(media) > 10 || len(media) != len(files) {
			refuse(w, 400, "Bad Request: wrong media group", nil)
			return
		}
		said = media[0].Caption
	}
	switch {
	case err != nil || !b.started[chat] && !b.blocked[chat]:
		refuse(w, 400, "Bad Request: chat not found", nil)
		return
	case b.blocked[chat]:
		refuse(w, 403, "Forbidden: bot was blocked by the user", nil)
		return
	case method == "sendMessage" && said == "":
		refuse(w, 400, "Bad Request: message text is empty", nil)
		return
	case len([]rune(said)) > 4096:
		refuse(w, 400, "Bad Request: message is too long", nil)
		return
	}
	m := Message{Chat: chat, ID: b.id(), Text: said, Files: files}
	if reply, ok := args["reply_parameters"].(object); ok {
		n, _ := reply["message_id"].(float64)
		m.Reply = int64(n)
	}
	b.sent = append(b.sent, m)
	if b.lose {
		b.lose = false
		panic(http.ErrAbortHandler)
	}
	one := object{"message_id": m.ID, "date": time.Now().Unix(), "chat": object{"id": chat, "type": "private"}}
	if method == "sendMediaGroup" {
		answer(w, []object{one})
		return
	}
	answer(w, one)
}
