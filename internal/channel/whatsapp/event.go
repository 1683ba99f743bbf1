package whatsapp

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"opeka/internal/care"
	"opeka/internal/channel/wire"
)

// startMark stands before the token of a link in the text that it proposes.
const startMark = "start-"

var startToken = regexp.MustCompile(`(?:^|\s)` + startMark + `([A-Za-z0-9_-]{20,64})(?:\s|$)`)

type push struct {
	Object string `json:"object"`
	Entry  []struct {
		Changes []struct {
			Field string `json:"field"`
			Value value  `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

type value struct {
	Metadata struct {
		ID string `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []struct {
		Profile struct {
			Name string `json:"name"`
		} `json:"profile"`
		ID string `json:"wa_id"`
	} `json:"contacts"`
	Messages []message `json:"messages"`
	Statuses []struct {
		ID     string     `json:"id"`
		Status string     `json:"status"`
		At     string     `json:"timestamp"`
		Errors []apiError `json:"errors"`
	} `json:"statuses"`
}

type message struct {
	From string `json:"from"`
	ID   string `json:"id"`
	At   string `json:"timestamp"`
	Type string `json:"type"`
	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Image    *media `json:"image"`
	Document *media `json:"document"`
	Audio    *media `json:"audio"`
	Video    *media `json:"video"`
	Sticker  *media `json:"sticker"`
	Location *struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Name      string  `json:"name"`
		Address   string  `json:"address"`
	} `json:"location"`
	Contacts []struct {
		Name struct {
			Formatted string `json:"formatted_name"`
		} `json:"name"`
		Phones []struct {
			Phone string `json:"phone"`
		} `json:"phones"`
	} `json:"contacts"`
	Button struct {
		Text string `json:"text"`
	} `json:"button"`
	Interactive struct {
		Button struct {
			Title string `json:"title"`
		} `json:"button_reply"`
		List struct {
			Title string `json:"title"`
		} `json:"list_reply"`
	} `json:"interactive"`
	Reaction struct {
		Emoji string `json:"emoji"`
	} `json:"reaction"`
	Errors []apiError `json:"errors"`
}

type media struct {
	ID      string `json:"id"`
	Type    string `json:"mime_type"`
	Name    string `json:"filename"`
	Caption string `json:"caption"`
}

// read reads a push. An app's address hears of all its numbers; only ours is ours.
func read(raw []byte, number string) (a care.Arrivals, err error) {
	var p push
	if err := json.Unmarshal(raw, &p); err != nil || p.Object == "" {
		return a, care.Invalid("body", "value_invalid")
	}
	for _, entry := range p.Entry {
		for _, c := range entry.Changes {
			if c.Field != "messages" || c.Value.Metadata.ID != number {
				continue
			}
			names := map[string]string{}
			for _, who := range c.Value.Contacts {
				names[who.ID] = who.Profile.Name
			}
			for _, m := range c.Value.Messages {
				if arrival, ok := m.arrival(names[m.From]); ok {
					a.Messages = append(a.Messages, arrival)
				}
			}
			for _, s := range c.Value.Statuses {
				state, known := map[string]care.DeliveryState{"sent": care.DeliverySent, "delivered": care.DeliveryDelivered, "read": care.DeliveryRead, "played": care.DeliveryRead, "failed": care.DeliveryFailed}[s.Status]
				if !known || s.ID == "" {
					continue
				}
				r := care.DeliveryReport{ExternalID: s.ID, State: state, At: moment(s.At)}
				if state == care.DeliveryFailed {
					r.Code = "other"
					if len(s.Errors) > 0 {
						r.Code, r.Detail = cmp.Or(s.Errors[0].code(), "other"), s.Errors[0].text()
					}
				}
				a.Reports = append(a.Reports, r)
			}
		}
	}
	return a, nil
}

func moment(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<35 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

func (m *message) arrival(name string) (care.Arrival, bool) {
	if m.From == "" || m.ID == "" || strings.Trim(m.From, "0123456789") != "" {
		return care.Arrival{}, false
	}
	a := care.Arrival{Inbound: care.Inbound{Thread: m.From, ClientID: wire.ID(m.ID), Name: strings.TrimSpace(name), At: moment(m.At), Body: m.Text.Body,
		From: []care.Identity{{Kind: care.IdentityWhatsApp, Value: m.From, Verified: true}, {Kind: care.IdentityPhone, Value: "+" + m.From, Verified: true}}}}
	for _, f := range []struct {
		*media
		name string
	}{{m.Image, "photo.jpg"}, {m.Document, "file"}, {m.Audio, "audio.ogg"}, {m.Video, "video.mp4"}, {m.Sticker, "sticker.webp"}} {
		if f.media != nil && f.ID != "" {
			a.Files = append(a.Files, care.FileRef{Ref: f.ID, Name: cmp.Or(f.Name, f.name), ContentType: f.Type})
			a.Body = cmp.Or(a.Body, f.Caption)
		}
	}
	if l := m.Location; l != nil {
		a.Place = &care.GeoPoint{Latitude: l.Latitude, Longitude: l.Longitude}
		a.Body = strings.TrimSpace(strings.Join([]string{a.Body, l.Name, l.Address}, "\n"))
	}
	for _, c := range m.Contacts {
		line := c.Name.Formatted
		for _, p := range c.Phones {
			line += " " + p.Phone
		}
		a.Body = strings.TrimSpace(a.Body + "\n" + line)
	}
	if at := startToken.FindStringSubmatchIndex(a.Body); at != nil { // he has come by a link
		a.Started, a.Link = true, a.Body[at[2]:at[3]]
		if a.Body = strings.TrimSpace(a.Body[:at[0]] + a.Body[at[1]:]); a.Body == "" {
			return a, true
		}
	}
	a.Body = cmp.Or(a.Body, m.Button.Text, m.Interactive.Button.Title, m.Interactive.List.Title, m.Reaction.Emoji)
	if a.Body == "" && len(a.Files) == 0 && a.Place == nil {
		if m.Type == "reaction" { // taken back
			return a, false
		}
		a.Body = "[" + cmp.Or(m.Type, "unsupported") + "]" // he has sent something; what, only his phone shows
		if len(m.Errors) > 0 {
			a.Body += " " + m.Errors[0].text()
		}
	}
	return a, true
}
