package sms

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// Keys of the SMSC.
const (
	SystemID = "shop"
	Password = "pass1234"
)

// Throttled is what nobody says: an SMSC only refuses.
const Throttled = 5 * time.Second

// Part is a submitted message as it came, before parts are put together.
type Part struct {
	To, From, Text string
	Total, Number  byte
	Ref            byte
	Coding         byte
}

// SMSC is the other side of SMPP, by a library that isn't ours.
type SMSC struct {
	Address string

	t        testing.TB
	listener net.Listener
	mu       sync.Mutex
	next     int
	parts    []Part
	binds    map[*bound]bool
	limited  int
	lose     bool
	waiting  []pdu.PDU // for somebody who listens
	acks     chan ack
	all      sync.WaitGroup
	closed   bool
}

type ack struct {
	sequence int32
	ok       bool
}

type bound struct {
	conn    net.Conn
	write   sync.Mutex
	listens bool
	open    map[int32]pdu.PDU // handed over and not acknowledged
}

func (b *bound) send(p pdu.PDU) error {
	buf := pdu.NewBuffer(nil)
	p.Marshal(buf)
	b.write.Lock()
	defer b.write.Unlock()
	_, err := b.conn.Write(buf.Bytes())
	return err
}

// NewSMSC starts one.
func NewSMSC(t testing.TB) *SMSC {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &SMSC{Address: l.Addr().String(), t: t, listener: l, binds: map[*bound]bool{}, acks: make(chan ack, 100)}
	s.all.Go(s.accept)
	t.Cleanup(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		_ = l.Close()
		s.Cut()
		s.all.Wait()
	})
	return s
}

func (s *SMSC) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.all.Go(func() { s.serve(&bound{conn: c, open: map[int32]pdu.PDU{}}) })
	}
}

// Cut breaks all connections.
func (s *SMSC) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.binds {
		_ = b.conn.Close()
	}
}

// Limit makes the next n messages be refused for coming too fast.
func (s *SMSC) Limit(n int) { s.mu.Lock(); defer s.mu.Unlock(); s.limited = n }

// Lose makes the connection break after the next message was taken.
func (s *SMSC) Lose() { s.mu.Lock(); defer s.mu.Unlock(); s.lose = true }

// Parts lists what was submitted.
func (s *SMSC) Parts() []Part {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Part(nil), s.parts...)
}

// Sent lists the messages, parts put together.
func (s *SMSC) Sent() (out []Message) {
	for _, p := range s.Parts() {
		if n := len(out); p.Number > 1 && n > 0 {
			out[n-1].Text += p.Text
			continue
		}
		out = append(out, Message{To: "+" + p.To, From: p.From, Text: p.Text})
	}
	return out
}

// Write makes a phone write; a long text comes in parts.
func (s *SMSC) Write(from, text string) {
	coding := data.GSM7BIT
	if data.ValidateGSM7String(text) != nil {
		coding = data.UCS2
	}
	parts, err := pdu.NewLongMessageWithEncoding(text, coding)
	if err != nil {
		s.t.Error(err)
		return
	}
	for _, m := range parts {
		d := pdu.NewDeliverSM().(*pdu.DeliverSM)
		d.SourceAddr, _ = pdu.NewAddressWithTonNpiAddr(1, 1, strings.TrimPrefix(from, "+"))
		d.DestAddr, _ = pdu.NewAddressWithTonNpiAddr(5, 0, "SHOP")
		d.Message = *m
		if len(parts) > 1 {
			d.EsmClass = data.SM_UDH_GSM
		}
		s.hand(d)
	}
}

// Report tells of a message: DELIVRD, UNDELIV and so on.
func (s *SMSC) Report(id, stat string) {
	d := pdu.NewDeliverSM().(*pdu.DeliverSM)
	d.SourceAddr, _ = pdu.NewAddressWithTonNpiAddr(1, 1, "380501112233")
	d.EsmClass = data.SM_SMSC_DLV_RCPT_TYPE
	_ = d.Message.SetMessageWithEncoding(fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2601021504 done date:2601021505 stat:%s err:000 text:hello", id, stat), data.ASCII)
	s.hand(d)
}

// hand gives a packet to whoever listens, or keeps it for him.
func (s *SMSC) hand(p pdu.PDU) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give(p)
}

func (s *SMSC) give(p pdu.PDU) {
	for b := range s.binds {
		if b.listens && b.send(p) == nil {
			b.open[p.GetSequenceNumber()] = p
			return
		}
	}
	s.waiting = append(s.waiting, p)
}

// Acknowledged waits for the answer to a packet that was handed over, and tells whether it was taken.
func (s *SMSC) Acknowledged() bool { return (<-s.acks).ok }

func (s *SMSC) serve(b *bound) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = b.conn.Close()
		return
	}
	s.binds[b] = false
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.binds, b)
		for _, p := range b.open { // what nobody has acknowledged is handed over again
			s.give(p)
		}
		s.mu.Unlock()
		_ = b.conn.Close()
	}()
	ready := false
	for {
		p, err := pdu.Parse(b.conn)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *pdu.BindRequest:
			r := p.GetResponse().(*pdu.BindResp)
			if p.SystemID != SystemID || p.Password != Password {
				r.CommandStatus = data.ESME_RINVPASWD
				_ = b.send(r)
				return
			}
			if b.send(r) != nil {
				return
			}
			ready = true
			if p.BindingType != pdu.Transmitter {
				s.listens(b)
			}
		case *pdu.SubmitSM:
			if !ready || !s.submit(b, p) {
				return
			}
		case *pdu.DeliverSMResp:
			s.mu.Lock()
			delete(b.open, p.SequenceNumber)
			s.mu.Unlock()
			select {
			case s.acks <- ack{p.SequenceNumber, p.CommandStatus == data.ESME_ROK}:
			default:
			}
		case *pdu.EnquireLink:
			_ = b.send(p.GetResponse())
		case *pdu.Unbind:
			_ = b.send(p.GetResponse())
			return
		}
	}
}

func (s *SMSC) listens(b *bound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.listens = true
	waiting := s.waiting
	s.waiting = nil
	for _, p := range waiting {
		s.give(p)
	}
}

func (s *SMSC) submit(b *bound, p *pdu.SubmitSM) bool {
	r := p.GetResponse().(*pdu.SubmitSMResp)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limited > 0 {
		s.limited--
		r.CommandStatus = data.ESME_RTHROTTLED
		return b.send(r) == nil
	}
	if strings.HasPrefix(p.DestAddr.Address(), "38000") {
		r.CommandStatus = data.ESME_RINVDSTADR
		return b.send(r) == nil
	}
	one := Part{To: p.DestAddr.Address(), From: p.SourceAddr.Address(), Total: 1, Number: 1}
	if total, n, ref, ok := p.Message.UDH().GetConcatInfo(); ok {
		one.Total, one.Number, one.Ref = total, n, ref
	}
	enc := p.Message.Encoding()
	one.Coding = enc.DataCoding()
	if payload, ok := p.OptionalParameters[pdu.TagMessagePayload]; ok {
		one.Text, _ = enc.Decode(payload.Data)
	} else {
		one.Text, _ = p.Message.GetMessage()
	}
	s.parts = append(s.parts, one)
	s.next++
	r.MessageID = fmt.Sprintf("%08X", s.next)
	if s.lose {
		s.lose = false
		return false
	}
	return b.send(r) == nil
}
