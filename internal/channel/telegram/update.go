package telegram

import (
	"cmp"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
)

type update struct {
	ID      int64         `json:"update_id"`
	Message *message      `json:"message"`
	Edited  *message      `json:"edited_message"`
	Member  *memberChange `json:"my_chat_member"`
}

type chat struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

type person struct {
	ID       int64  `json:"id"`
	First    string `json:"first_name"`
	Last     string `json:"last_name"`
	User     string `json:"username"`
	Language string `json:"language_code"`
}

type message struct {
	ID       int64   `json:"message_id"`
	Chat     chat    `json:"chat"`
	From     *person `json:"from"`
	Date     int64   `json:"date"`
	EditDate int64   `json:"edit_date"`
	Text     string  `json:"text"`
	Caption  string  `json:"caption"`
	Photo    []file  `json:"photo"` // the same in several sizes
	Document *file   `json:"document"`
	Audio    *file   `json:"audio"`
	Voice    *file   `json:"voice"`
	Video    *file   `json:"video"`
	Note     *file   `json:"video_note"`
	Sticker  *struct {
		Emoji string `json:"emoji"`
	} `json:"sticker"`
	Location *struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
	} `json:"location"`
	Contact *struct {
		Phone string `json:"phone_number"`
		First string `json:"first_name"`
		Last  string `json:"last_name"`
		User  int64  `json:"user_id"`
	} `json:"contact"`
}

type file struct {
	ID   string `json:"file_id"`
	Name string `json:"file_name"`
	Type string `json:"mime_type"`
	Size int64  `json:"file_size"`
}

type memberChange struct {
	Chat chat `json:"chat"`
	New  struct {
		Status string `json:"status"`
	} `json:"new_chat_member"`
}

// read reads an update. What isn't from a person's own chat with the bot is nobody's question to the shop.
func read(raw []byte) (care.Arrivals, string, error) {
	var u update
	if err := json.Unmarshal(raw, &u); err != nil || u.ID == 0 {
		return care.Arrivals{}, "", care.Invalid("body", "value_invalid")
	}
	var a care.Arrivals
	switch m := cmp.Or(u.Message, u.Edited); {
	case m != nil && m.Chat.Type == "private" && m.From != nil:
		if arrival, err := m.arrival(u.Edited != nil); err == nil {
			a.Messages = append(a.Messages, arrival)
		}
	case u.Member != nil && u.Member.Chat.Type == "private":
		change := care.OptChange{Address: strconv.FormatInt(u.Member.Chat.ID, 10), Allowed: u.Member.New.Status == "member", Reason: "blocked"}
		if change.Allowed || u.Member.New.Status == "kicked" {
			a.Opted = append(a.Opted, change)
		}
	}
	return a, "update:" + strconv.FormatInt(u.ID, 10), nil
}

var errEmpty = errors.New("nothing in it that we show")

func (m *message) arrival(edited bool) (care.Arrival, error) {
	who := *m.From
	a := care.Arrival{Edited: edited, Inbound: care.Inbound{
		Thread: strconv.FormatInt(m.Chat.ID, 10), ClientID: strconv.FormatInt(m.ID, 10), Name: strings.TrimSpace(who.First + " " + who.Last),
		Body: cmp.Or(m.Text, m.Caption), At: time.Unix(m.Date, 0).UTC(), Language: language(who.Language),
	}}
	if edited {
		a.ClientID += ":" + strconv.FormatInt(m.EditDate, 10)
	}
	id := care.Identity{Kind: care.IdentityTelegram, Value: strconv.FormatInt(who.ID, 10), Verified: true}
	if who.User != "" {
		id.Display = "@" + who.User
	}
	a.From = []care.Identity{id}
	if rest, ok := strings.CutPrefix(a.Body, "/start"); ok && !edited && (rest == "" || rest[0] == ' ') {
		a.Started, a.Link, a.Body = true, strings.TrimSpace(rest), ""
		return a, nil
	}
	for _, f := range []struct {
		*file
		name string
	}{{largest(m.Photo), "photo.jpg"}, {m.Document, "file"}, {m.Audio, "audio.mp3"}, {m.Voice, "voice.ogg"}, {m.Video, "video.mp4"}, {m.Note, "video.mp4"}} {
		if f.file != nil && f.ID != "" {
			a.Files = append(a.Files, care.FileRef{Ref: f.ID, Name: cmp.Or(f.Name, f.name), ContentType: f.Type, Size: f.Size})
		}
	}
	if m.Sticker != nil {
		a.Body = cmp.Or(a.Body, m.Sticker.Emoji, "🖼")
	}
	if m.Location != nil {
		a.Place = &care.GeoPoint{Latitude: m.Location.Latitude, Longitude: m.Location.Longitude}
	}
	if c := m.Contact; c != nil {
		number := "+" + strings.TrimPrefix(c.Phone, "+")
		a.Body = strings.TrimSpace(a.Body + "\n" + strings.TrimSpace(c.First+" "+c.Last) + " " + number)
		if c.User == who.ID { // Telegram vouches for a number that its owner shares
			a.From = append(a.From, care.Identity{Kind: care.IdentityPhone, Value: number, Verified: true})
		}
	}
	if a.Body == "" && len(a.Files) == 0 && a.Place == nil {
		return a, errEmpty
	}
	return a, nil
}

func largest(sizes []file) (best *file) {
	for i := range sizes {
		if best == nil || sizes[i].Size > best.Size {
			best = &sizes[i]
		}
	}
	return best
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
