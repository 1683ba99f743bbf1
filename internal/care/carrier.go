package care

import (
	"context"
	"net/http"
	"time"
)

// CarrierPlug is the port to the telephone network: a SIP trunk, a shop's own PBX.
type CarrierPlug interface {
	Plug
	// OpenTrunk checks the settings (an *Error names the wrong field) and returns the trunk, idle.
	OpenTrunk(c Connection, client *http.Client) (Trunk, error)
}

// Trunk is one way into the telephone network. Its methods may be called concurrently.
type Trunk interface {
	// Test registers or asks for OPTIONS and tells what it found.
	Test(ctx context.Context) (PeerInfo, error)
	// Start registers the trunk and hands over what rings in until ctx ends; it registers again by itself. State changes go to watch.
	Start(ctx context.Context, ring func(Line), watch func(TrunkState)) error
	// Dial rings a number (E.164). It returns at once with a line in state LineDialing; what becomes of it comes by the line's events.
	// The same Key never rings twice within a process; callers write down their attempt before they call.
	Dial(ctx context.Context, d Dialing) (Line, error)
}

// TrunkState is how a trunk fares.
type TrunkState struct {
	Up     bool
	Reason string
	At     time.Time
}

// SIPDoor is where telephones register.
type SIPDoor struct {
	Transport string `json:"transport" enum:"udp,tcp,tls"`
	Host      string `json:"host" doc:"Empty: any name or address of this program's machine"`
	Port      int64  `json:"port"`
	Local     bool   `json:"local" doc:"Only programs on the same machine come in: start with --sip-listen"`
}

// Dialing is a call to make.
type Dialing struct {
	Key      string
	To       string        // E.164, or a registered phone's name
	CallerID string        // E.164; empty: the trunk's own
	Name     string        // shown with the caller id, where the network carries it
	Ring     time.Duration // give up after
}

// Line is one leg of a call with the network. Closing it in any state leaves no ghost call behind.
type Line interface {
	ID() string // the network's own id (Call-ID), for logs and traces
	// From and To are numbers as the network gave them; Display its name for the caller.
	From() string
	To() string
	Display() string
	Inbound() bool
	// Events gives what happens, in order; it is closed after LineEnded.
	Events() <-chan LineEvent
	// Ringing, Answer and Reject are for inbound lines.
	Ringing() error
	Answer(ctx context.Context) error
	Reject(cause LineCause) error
	Hangup() error
	Hold(on bool) error
	SendDTMF(ctx context.Context, digits string) error
	// Refer asks the other side to call somebody else instead (blind transfer by the network).
	Refer(ctx context.Context, to string) error
	// Media is the leg's sound: a sound.Leg, which the phone room puts on a bridge. It is there from the first event on and silent after the last.
	Media() any
	Stats() LineStats
}

// Transferred is a Line whose other side may ask to be connected with somebody else (LineReferred).
type Transferred interface {
	// Referred tells the other side what became of its wish. It hangs up then by itself, or goes on talking.
	Referred(reached bool) error
}

// LineEvent is something that happened on a line.
type LineEvent struct {
	Kind  LineEventKind
	Digit rune      // LineDigit
	Cause LineCause // LineEnded
	Code  int       // of the network, for the record: a SIP status
	Text  string
	At    time.Time
}

// LineEventKind names what happened.
type LineEventKind string

const (
	LineRinging  LineEventKind = "ringing" // the other side rings; early media may be heard
	LineAnswered LineEventKind = "answered"
	LineDigit    LineEventKind = "digit"
	LineHeld     LineEventKind = "held" // by the other side
	LineResumed  LineEventKind = "resumed"
	LineReferred LineEventKind = "referred" // the other side wants to be connected with Text; only where the trunk allows it
	LineEnded    LineEventKind = "ended"
)

// LineCause is why a line ended or is refused.
type LineCause string

const (
	CauseHangup      LineCause = "hangup"      // by the other side: after the answer, or a caller who gave up before it
	CauseOurs        LineCause = "ours"        // we hung up or gave up ringing
	CauseBusy        LineCause = "busy"        // 486, 600
	CauseNoAnswer    LineCause = "no_answer"   // 408, 480, rang out
	CauseRejected    LineCause = "rejected"    // 603, 403: he or the network doesn't want it
	CauseWrongNumber LineCause = "wrong"       // 404, 410, 484, 604: no such number
	CauseNetwork     LineCause = "network"     // 5xx, timeouts, the trunk died
	CauseMedia       LineCause = "media"       // no common codec, no sound
	CauseElsewhere   LineCause = "elsewhere"   // answered elsewhere
	CauseTransferred LineCause = "transferred" // by REFER
)

// LineStats is the line's sound since it was answered.
type LineStats struct {
	Codec      string
	Received   int64 // packets
	Lost       int64
	JitterMS   float64
	Encrypted  bool
	RemoteAddr string
}
