package care

import "time"

// Identity is one way in which a customer can be recognised. Value is normalised by its kind: E.164, lower-case
// e-mail address, "connection:external id" for a shop account, the widget's visitor id.
type Identity struct {
	Kind     IdentityKind `json:"kind"`
	Value    string       `json:"value"`
	Display  string       `json:"display,omitempty"` // as it was given, when that differs
	Verified bool         `json:"verified"`          // proven (signed, confirmed), not merely claimed
}

// IdentityKind is what an identity is made of.
type IdentityKind string

const (
	IdentityPhone   IdentityKind = "phone"
	IdentityEmail   IdentityKind = "email"
	IdentityShop    IdentityKind = "shop"
	IdentityVisitor IdentityKind = "visitor"
	// Accounts with messengers: the service vouches for them, and only their owner has them.
	IdentityTelegram  IdentityKind = "telegram"
	IdentityViber     IdentityKind = "viber"
	IdentityWhatsApp  IdentityKind = "whatsapp"
	IdentityMessenger IdentityKind = "messenger"
)

// Account tells whether the identity is one that only its owner can use and a service vouches for.
func (k IdentityKind) Account() bool {
	switch k {
	case IdentityShop, IdentityTelegram, IdentityViber, IdentityWhatsApp, IdentityMessenger:
		return true
	}
	return false
}

// Inbound is a message of a customer as a channel received it.
type Inbound struct {
	Store   int64
	Channel string
	// Thread is the channel's own key of the exchange: a visitor's id in chat, a thread id in mail.
	Thread string
	// Conversation is the one that this goes on, where the channel knows: a reply to what was written from it. It counts only while that isn't over
	// and is of the same customer.
	Conversation int64
	// ClientID makes the message idempotent within the thread: the same one is never stored twice.
	ClientID    string
	From        []Identity
	Name        string // of the customer, if told
	Language    string // as the channel knows it; empty: detected from the text
	Subject     string
	Body        string // plain text, at most 20,000 characters
	Attachments []int64
	Page        Page
	At          time.Time // when the customer sent it; zero: now
	// Mail is what a letter has beside its text; nil on other channels.
	Mail *MailFacts `json:"mail,omitempty"`
}

// Page is where a visitor is.
type Page struct {
	URL   string `json:"url,omitempty"`
	Title string `json:"title,omitempty"`
	Agent string `json:"agent,omitempty"` // the browser's User-Agent
}

// CallNote is what the telephone tells a conversation: that somebody rang, was rung, left a message, or is told in writing instead.
type CallNote struct {
	Key          string // the same key is noted once
	Store        int64
	Conversation int64 // the one that it belongs to; 0: the customer's on the telephone
	Number       string
	Name         string
	Language     string
	Agent        int64 // who talked: the conversation is his
	// Code and Params make the line, as of a system message: `system.<code>` of the catalogue.
	Code   string
	Params map[string]any
	// Body is said to the customer where the conversation can carry it, and stands there as a note for agents where it can't.
	Body string
	// Words are the customer's own, such as "voicemail": he waits for an answer to them.
	Words       string
	Attachments []int64
}
