package viber

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/text"
)

type event struct {
	Event   string      `json:"event"`
	At      int64       `json:"timestamp"` // milliseconds
	Token   json.Number `json:"message_token"`
	UserID  string      `json:"user_id"`
	User    *user       `json:"user"`
	Sender  *user       `json:"sender"`
	Context string      `json:"context"`
	// Subscribed is false while he has opened the bot without having written: he can't be written to yet.
	Subscribed bool     `json:"subscribed"`
	Why        string   `json:"desc"`
	Message    *message `json:"message"`
}

type user struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Language string `json:"language"`
}

type message struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Media    string `json:"media"`
	FileName string `json:"file_name"`
	Size     int64  `json:"size"`
	Location *struct {
		Latitude  float64 `json:"lat"`
		Longitude float64 `json:"lon"`
	} `json:"location"`
	Contact *struct {
		Name  string `json:"name"`
		Phone string `json:"phone_number"`
	} `json:"contact"`
}

// read reads a callback of Viber's.
func read(raw []byte) (a care.Arrivals, delivery string, err error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil || e.Event == "" {
		return a, "", care.Invalid("body", "value_invalid")
	}
	at := time.UnixMilli(e.At).UTC()
	if e.At <= 0 || e.At > 1<<45 {
		at = time.Time{}
	}
	token := e.Token.String()
	switch e.Event {
	case "message":
		if e.Sender != nil && e.Sender.ID != "" && e.Message != nil && token != "" {
			if m, ok := e.Message.arrival(*e.Sender); ok {
				m.ClientID, m.At = token, at
				a.Messages = append(a.Messages, m)
			}
		}
	case "conversation_started", "subscribed":
		if e.User != nil && e.User.ID != "" {
			m := from(*e.User)
			m.ClientID, m.At, m.Started, m.Link = cmp.Or(token, e.Event), at, true, e.Context
			m.Unsubscribed = e.Event == "conversation_started" && !e.Subscribed
			a.Messages = append(a.Messages, m)
			if e.Event == "subscribed" {
				a.Opted = append(a.Opted, care.OptChange{Address: e.User.ID, Allowed: true})
			}
		}
	case "unsubscribed":
		if e.UserID != "" {
			a.Opted = append(a.Opted, care.OptChange{Address: e.UserID, Reason: "blocked"})
		}
	case "delivered", "seen", "failed":
		if token != "" {
			r := care.DeliveryReport{ExternalID: token, At: at, State: map[string]care.DeliveryState{"delivered": care.DeliveryDelivered, "seen": care.DeliveryRead, "failed": care.DeliveryFailed}[e.Event]}
			if r.State == care.DeliveryFailed {
				r.Code, r.Detail = "other", e.Why
			}
			a.Reports = append(a.Reports, r)
		}
	}
	if token == "" {
		return a, "", nil
	}
	return a, wireName(e.Event + ":" + token + ":" + cmp.Or(e.UserID, senderOf(e))), nil
}

func wireName(s string) string {
	if len(s) > 150 {
		return ""
	}
	return s
}

func senderOf(e event) string {
	switch {
	case e.Sender != nil:
		return e.Sender.ID
	case e.User != nil:
		return e.User.ID
	}
	return ""
}

func from(u user) care.Arrival {
	return care.Arrival{Inbound: care.Inbound{Thread: u.ID, Name: strings.TrimSpace(u.Name), Language: language(u.Language),
		From: []care.Identity{{Kind: care.IdentityViber, Value: u.ID, Verified: true}}}}
}

func (m *message) arrival(u user) (care.Arrival, bool) {
	a := from(u)
	a.Body = m.Text
	switch m.Type {
	case "picture", "video", "file":
		if m.Media != "" {
			name := cmp.Or(m.FileName, map[string]string{"picture": "photo.jpg", "video": "video.mp4"}[m.Type], "file")
			a.Files = []care.FileRef{{Ref: m.Media, Name: name, Size: m.Size}}
		}
	case "url":
		a.Body = cmp.Or(m.Media, m.Text)
	case "sticker":
		a.Body = cmp.Or(m.Text, "🖼")
	case "location":
		if m.Location != nil {
			a.Place = &care.GeoPoint{Latitude: m.Location.Latitude, Longitude: m.Location.Longitude}
		}
	case "contact":
		if m.Contact != nil { // whose it is Viber doesn't say, so it proves nothing
			a.Body = strings.TrimSpace(m.Contact.Name + " " + m.Contact.Phone)
		}
	}
	a.Body = text.Repair(a.Body)
	return a, strings.TrimSpace(a.Body) != "" || len(a.Files) > 0 || a.Place != nil
}

// language keeps what the house speaks; the text decides otherwise.
func language(code string) string {
	head, _, _ := strings.Cut(strings.ToLower(code), "-")
	switch head {
	case "en", "uk", "ru", "pl":
		return head
	}
	return ""
}
