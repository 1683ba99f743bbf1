package smpp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
	"time"

	"opeka/internal/care"
	"opeka/internal/text"
)

// partsWithin is how long the parts of a message may take to come; then what there is is shown.
const partsWithin = 15 * time.Second

// Listen implements care.Listener.
func (s *smsc) Listen(ctx context.Context, take func(ctx context.Context, raw []byte, a care.Arrivals, delivery string) error) error {
	s.opening.Lock()
	l, err := s.connect(ctx, cmdBindTRX)
	s.opening.Unlock()
	if err != nil {
		return err
	}
	in := &assembly{s: s, ctx: ctx, take: take, parts: map[string]*parts{}}
	l.listen(in.deliver, s.unacknowledged)
	s.mu.Lock()
	s.both = l
	out := s.out // messages go by the common link from now on
	s.out = nil
	s.mu.Unlock()
	if out != nil {
		go out.unbind()
	}
	defer in.stop()
	select {
	case <-ctx.Done():
		l.unbind()
		return ctx.Err()
	case <-l.done:
		return &care.TemporaryError{Cause: l.cause}
	}
}

func nameOf(p pdu) string {
	sum := sha256.Sum256(p.body)
	return hex.EncodeToString(sum[:16])
}

// unacknowledged remembers what was kept when its answer couldn't be written: the SMSC will hand it over again.
func (s *smsc) unacknowledged(p pdu) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name := nameOf(p); s.recent["kept:"+name] != "" {
		s.recent[name] = s.recent["kept:"+name]
	}
	if len(s.recent) > 1000 {
		clear(s.recent)
	}
}

// delivery gives what is handed over a name. SMPP has none, and people do write the same twice: only what wasn't acknowledged keeps the name that it had.
func (s *smsc) delivery(p pdu) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := nameOf(p)
	name := s.recent[hash]
	delete(s.recent, hash)
	if name == "" {
		name = "mo:" + rand.Text()
	}
	if len(s.recent) > 1000 {
		clear(s.recent)
	}
	s.recent["kept:"+hash] = name
	return name
}

type parts struct {
	have  []string
	got   int
	raw   []byte
	timer *time.Timer
	first pdu
	d     delivery
}

// assembly puts together what comes in parts and hands it over.
type assembly struct {
	s    *smsc
	ctx  context.Context
	take func(ctx context.Context, raw []byte, a care.Arrivals, delivery string) error

	mu    sync.Mutex
	parts map[string]*parts
}

func (in *assembly) stop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range in.parts {
		p.timer.Stop()
	}
}

// temporary and permanent are answers to a delivery.
const (
	ok        = 0x00
	temporary = 0x64
	permanent = 0x65
)

// deliver keeps one packet and gives the status of its answer.
func (in *assembly) deliver(p pdu) uint32 {
	d, err := readDelivery(p.body)
	if err != nil {
		return permanent
	}
	if d.esm&0x3C == 0x04 || d.tags[tagReceiptedID] != nil {
		report, known := readReport(d)
		if !known {
			return ok
		}
		return in.hand(p.body, care.Arrivals{Reports: []care.DeliveryReport{report}}, "dr:"+report.ExternalID+":"+string(report.State))
	}
	ref, n, of, data := d.part()
	said := decode(d.coding, data)
	if of == 1 {
		return in.message(p, d, p.body, said)
	}
	return in.collect(p, d, ref, n, of, said)
}

// collect keeps a part in memory. Parts are acknowledged as they come, except the last one that makes the message whole: it is
// acknowledged when the message was kept, so that what isn't kept comes again in that part at least.
func (in *assembly) collect(p pdu, d delivery, ref uint32, n, of byte, said string) uint32 {
	key := d.from + "\x00" + d.to + "\x00" + string(rune(ref)) + string(rune(of))
	in.mu.Lock()
	have := in.parts[key]
	if have == nil {
		if len(in.parts) > 500 {
			in.mu.Unlock()
			return temporary
		}
		have = &parts{have: make([]string, of), first: p, d: d}
		have.timer = time.AfterFunc(partsWithin, func() { in.incomplete(key) })
		in.parts[key] = have
	}
	if have.have[n-1] == "" {
		have.got++
	}
	have.have[n-1] = said
	have.raw = append(have.raw, p.bytes()...)
	if have.got < int(of) {
		in.mu.Unlock()
		return ok
	}
	have.timer.Stop()
	delete(in.parts, key)
	in.mu.Unlock()
	status := in.message(p, d, have.raw, strings.Join(have.have, ""))
	if status != ok { // it comes again: the others must still be there then
		in.mu.Lock()
		have.have[n-1] = ""
		have.got--
		have.timer = time.AfterFunc(partsWithin*10, func() { in.incomplete(key) })
		in.parts[key] = have
		in.mu.Unlock()
	}
	return status
}

// incomplete shows what came of a message whose other parts didn't.
func (in *assembly) incomplete(key string) {
	in.mu.Lock()
	have := in.parts[key]
	delete(in.parts, key)
	in.mu.Unlock()
	if have == nil {
		return
	}
	for i, s := range have.have {
		if s == "" {
			have.have[i] = "[…]"
		}
	}
	in.message(have.first, have.d, have.raw, strings.Join(have.have, ""))
}

func (in *assembly) message(p pdu, d delivery, raw []byte, said string) uint32 {
	number := "+" + strings.TrimPrefix(d.from, "+")
	name := in.s.delivery(p)
	var a care.Arrivals
	if digits := number[1:]; len(digits) >= 3 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == "" {
		m := care.Arrival{Inbound: care.Inbound{Thread: number, ClientID: name, Body: text.Repair(said), From: []care.Identity{{Kind: care.IdentityPhone, Value: number, Verified: true}}}}
		a.Messages = []care.Arrival{m}
		switch stop, start := text.StopWord(said); {
		case stop:
			a.Opted = []care.OptChange{{Address: number}}
		case start:
			a.Opted = []care.OptChange{{Address: number, Allowed: true}}
		}
	}
	return in.hand(raw, a, name)
}

func (in *assembly) hand(raw []byte, a care.Arrivals, name string) uint32 {
	if err := in.take(in.ctx, raw, a, name); err != nil {
		return temporary
	}
	return ok
}

func decode(coding byte, data []byte) string {
	switch coding & 0x0F {
	case 8:
		return text.DecodeUCS2(data)
	case 3: // Latin 1
		r := make([]rune, len(data))
		for i, c := range data {
			r[i] = rune(c)
		}
		return string(r)
	case 1: // ASCII
		return string(data)
	}
	return text.DecodeGSM(data)
}

var reportField = regexp.MustCompile(`(?i)\b(id|stat|err):(\S*)`)

// readReport reads a delivery receipt: by its optional parameters or by its text, as old as SMPP.
func readReport(d delivery) (care.DeliveryReport, bool) {
	var r care.DeliveryReport
	values := map[string]string{}
	for _, m := range reportField.FindAllStringSubmatch(string(d.data), -1) {
		if k := strings.ToLower(m[1]); values[k] == "" {
			values[k] = text.Repair(m[2])
		}
	}
	r.ExternalID = values["id"]
	if id, ok := d.tags[tagReceiptedID]; ok {
		r.ExternalID = text.Repair(strings.TrimRight(string(id), "\x00"))
	}
	stat := strings.ToUpper(values["stat"])
	if v, ok := d.tags[tagState]; ok && len(v) == 1 {
		stat = map[byte]string{2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD"}[v[0]]
	}
	if r.ExternalID == "" || len(r.ExternalID) > 64 {
		return r, false
	}
	switch stat {
	case "DELIVRD":
		r.State = care.DeliveryDelivered
	case "EXPIRED":
		r.State, r.Code = care.DeliveryFailed, "expired"
	case "UNDELIV", "DELETED":
		r.State, r.Code = care.DeliveryFailed, "undeliverable"
	case "REJECTD":
		r.State, r.Code = care.DeliveryFailed, "content"
	default:
		return r, false
	}
	if r.State == care.DeliveryFailed {
		r.Detail = strings.TrimSpace(stat + " " + values["err"])
	}
	return r, true
}
