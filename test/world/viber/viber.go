// Package viber is Viber's bot API for tests: one bot, who has subscribed to it, files, limits and refusals by their status numbers, as the
// documentation has them. What happens in it is a method, which returns the signed callback that Viber would make.
package viber

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"opeka/internal/care"
)

// Token is the bot's.
const Token = "4453b6ac-viber-token"

type object = map[string]any

// Message is one that the bot has sent.
type Message struct {
	To, Type, Text, Media string
	Token                 int64
}

// Bot is the service with one bot.
type Bot struct {
	URL    string
	Client *http.Client

	mu         sync.Mutex
	next       int64
	hook       string
	sent       []Message
	subscribed map[string]bool
	files      map[string][]byte
	limited    int
	lose       bool
}

// New starts the service.
func New(t testing.TB) *Bot {
	b := &Bot{next: 5000000000000000000, subscribed: map[string]bool{}, files: map[string][]byte{}}
	s := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(s.Close)
	b.URL, b.Client = s.URL, s.Client()
	return b
}

// Sent lists what the bot has sent.
func (b *Bot) Sent() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Message(nil), b.sent...)
}

// Hook is where callbacks go.
func (b *Bot) Hook() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hook
}

// Limit makes the next n requests be refused for coming too fast.
func (b *Bot) Limit(n int) { b.mu.Lock(); defer b.mu.Unlock(); b.limited = n }

// Lose makes the connection break after the next message was taken.
func (b *Bot) Lose() { b.mu.Lock(); defer b.mu.Unlock(); b.lose = true }

func (b *Bot) token() int64 { b.next++; return b.next }

// Sign makes a callback of a body.
func Sign(body []byte) care.Push {
	m := hmac.New(sha256.New, []byte(Token))
	_, _ = m.Write(body)
	return care.Push{Method: "POST", Header: http.Header{"X-Viber-Content-Signature": {hex.EncodeToString(m.Sum(nil))}}, Body: body}
}

func (b *Bot) callback(o object) care.Push {
	o["timestamp"] = time.Now().UnixMilli()
	if o["message_token"] == nil {
		o["message_token"] = b.token()
	}
	raw, _ := json.Marshal(o)
	return Sign(raw)
}

func person(id string) object {
	return object{"id": id, "name": "Ірина", "country": "UA", "language": "uk", "api_version": 10}
}

// Write makes somebody write; who writes is subscribed.
func (b *Bot) Write(id, text string) care.Push {
	return b.Say(id, object{"type": "text", "text": text})
}

// Say is Write with any message.
func (b *Bot) Say(id string, message object) care.Push {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribed[id] = true
	return b.callback(object{"event": "message", "sender": person(id), "message": message})
}

// SendFile makes somebody send a file.
func (b *Bot) SendFile(id, name string, content []byte) care.Push {
	b.mu.Lock()
	b.files["/media/"+name] = content
	b.mu.Unlock()
	return b.Say(id, object{"type": "picture", "media": b.URL + "/media/" + name, "file_name": name})
}

// Open makes somebody open the bot by a link.
func (b *Bot) Open(id, context string) care.Push {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.callback(object{"event": "conversation_started", "type": "open", "context": context, "user": person(id), "subscribed": false})
}

// Subscribe and Leave are what the customer does with the bot.
func (b *Bot) Subscribe(id string) care.Push {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribed[id] = true
	return b.callback(object{"event": "subscribed", "user": person(id)})
}

// Leave makes somebody unsubscribe.
func (b *Bot) Leave(id string) care.Push {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribed[id] = false
	return b.callback(object{"event": "unsubscribed", "user_id": id})
}

// Report tells what became of a message: delivered, seen, failed.
func (b *Bot) Report(token json.Number, event, user string) care.Push {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := object{"event": event, "message_token": token, "user_id": user}
	if event == "failed" {
		o["desc"] = "failure description"
	}
	return b.callback(o)
}

func (b *Bot) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if content, ok := b.files[r.URL.Path]; ok {
		_, _ = w.Write(content)
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/pa/") {
		http.NotFound(w, r)
		return
	}
	answer := func(status int, said string, more object) {
		o := object{"status": status, "status_message": said}
		for k, v := range more {
			o[k] = v
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(o)
	}
	if r.Header.Get("X-Viber-Auth-Token") != Token {
		answer(2, "invalidAuthToken", nil)
		return
	}
	if b.limited > 0 {
		b.limited--
		answer(12, "tooManyRequests", nil)
		return
	}
	var args struct {
		URL      string            `json:"url"`
		Receiver string            `json:"receiver"`
		Sender   map[string]string `json:"sender"`
		Type     string            `json:"type"`
		Text     string            `json:"text"`
		Media    string            `json:"media"`
		Size     int64             `json:"size"`
		FileName string            `json:"file_name"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &args) != nil {
		answer(3, "badData", nil)
		return
	}
	switch r.URL.Path {
	case "/pa/get_account_info":
		answer(0, "ok", object{"id": "pa:1", "name": "Shop", "uri": "shop"})
	case "/pa/set_webhook":
		b.hook = args.URL
		answer(0, "ok", object{"event_types": []string{}})
	case "/pa/send_message":
		known, was := b.subscribed[args.Receiver]
		switch {
		case !was:
			answer(5, "receiverNotRegistered", nil)
		case !known:
			answer(6, "receiverNotSubscribed", nil)
		case args.Sender["name"] == "" || args.Type == "text" && args.Text == "" || args.Type == "file" && (args.Size == 0 || args.FileName == "") || utf8.RuneCountInString(args.Text) > 7000:
			answer(3, "badData", nil)
		default:
			m := Message{args.Receiver, args.Type, args.Text, args.Media, b.token()}
			b.sent = append(b.sent, m)
			if b.lose {
				b.lose = false
				panic(http.ErrAbortHandler)
			}
			answer(0, "ok", object{"message_token": m.Token})
		}
	default:
		http.NotFound(w, r)
	}
}
