package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Commands of SMPP 3.4 that we speak.
const (
	cmdNack        = 0x80000000
	cmdBindRX      = 0x00000001
	cmdBindTX      = 0x00000002
	cmdSubmit      = 0x00000004
	cmdDeliver     = 0x00000005
	cmdUnbind      = 0x00000006
	cmdBindTRX     = 0x00000009
	cmdEnquire     = 0x00000015
	respond        = 0x80000000
	maxPDU         = 64 << 10
	tagPayload     = 0x0424
	tagReceiptedID = 0x001E
	tagState       = 0x0427
	tagSarRef      = 0x020C
	tagSarTotal    = 0x020E
	tagSarSeq      = 0x020F
)

// pdu is a packet: its header, and the body as it came.
type pdu struct {
	command, status, seq uint32
	body                 []byte
}

var errBroken = errors.New("a packet is broken")

func readPDU(r io.Reader) (p pdu, err error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return p, err
	}
	n := binary.BigEndian.Uint32(head[:4])
	if n < 16 || n > maxPDU {
		return p, fmt.Errorf("%w: %d bytes", errBroken, n)
	}
	p.command, p.status, p.seq = binary.BigEndian.Uint32(head[4:8]), binary.BigEndian.Uint32(head[8:12]), binary.BigEndian.Uint32(head[12:16])
	p.body = make([]byte, n-16)
	_, err = io.ReadFull(r, p.body)
	return p, err
}

func (p pdu) bytes() []byte {
	b := make([]byte, 0, 16+len(p.body))
	b = binary.BigEndian.AppendUint32(b, uint32(16+len(p.body)))
	b = binary.BigEndian.AppendUint32(b, p.command)
	b = binary.BigEndian.AppendUint32(b, p.status)
	b = binary.BigEndian.AppendUint32(b, p.seq)
	return append(b, p.body...)
}

// fields reads a body from its beginning; after the first failure it gives nothing more.
type fields struct {
	b      []byte
	broken bool
}

func (f *fields) text(most int) string {
	for i := 0; i < len(f.b) && i < most; i++ {
		if f.b[i] == 0 {
			s := string(f.b[:i])
			f.b = f.b[i+1:]
			return s
		}
	}
	f.broken, f.b = true, nil
	return ""
}

func (f *fields) octet() byte {
	if len(f.b) == 0 {
		f.broken = true
		return 0
	}
	c := f.b[0]
	f.b = f.b[1:]
	return c
}

func (f *fields) take(n int) []byte {
	if n > len(f.b) {
		f.broken, f.b = true, nil
		return nil
	}
	out := f.b[:n]
	f.b = f.b[n:]
	return out
}

// tags reads the optional parameters.
func (f *fields) tags() map[uint16][]byte {
	out := map[uint16][]byte{}
	for len(f.b) >= 4 {
		tag, n := binary.BigEndian.Uint16(f.b), int(binary.BigEndian.Uint16(f.b[2:]))
		f.b = f.b[4:]
		if n > len(f.b) {
			f.broken = true
			break
		}
		out[tag] = f.b[:n]
		f.b = f.b[n:]
	}
	return out
}

func zero(b []byte, s string) []byte { return append(append(b, s...), 0) }

// bind is the body of a bind request.
func bind(system, password, kind string) []byte {
	b := zero(nil, system)
	b = zero(b, password)
	b = zero(b, kind)
	b = append(b, 0x34, 0, 0) // version 3.4, any numbering
	return zero(b, "")
}

// submission is a message to hand over.
type submission struct {
	from, to         string
	fromTON, fromNPI byte
	toTON, toNPI     byte
	esm, coding      byte
	data             []byte
	payload          bool // in an optional parameter, whole
	serviceType      string
}

func (s submission) bytes() []byte {
	b := zero(nil, s.serviceType)
	b = zero(append(b, s.fromTON, s.fromNPI), s.from)
	b = zero(append(b, s.toTON, s.toNPI), s.to)
	b = append(b, s.esm, 0, 0) // protocol, priority
	b = zero(zero(b, ""), "")  // now, for as long as usual
	b = append(b, 1, 0, s.coding, 0)
	if s.payload {
		b = append(b, 0)
		b = binary.BigEndian.AppendUint16(b, tagPayload)
		b = binary.BigEndian.AppendUint16(b, uint16(len(s.data)))
		return append(b, s.data...)
	}
	return append(append(b, byte(len(s.data))), s.data...)
}

// delivery is what the SMSC hands over: a message, a part of one, or a report.
type delivery struct {
	from, to    string
	esm, coding byte
	data        []byte
	tags        map[uint16][]byte
}

func readDelivery(body []byte) (d delivery, err error) {
	f := &fields{b: body}
	f.text(6)
	f.take(2)
	d.from = f.text(21)
	f.take(2)
	d.to = f.text(21)
	d.esm = f.octet()
	f.take(2)
	f.text(17)
	f.text(17)
	f.take(2)
	d.coding = f.octet()
	f.octet()
	d.data = f.take(int(f.octet()))
	d.tags = f.tags()
	if f.broken {
		return d, errBroken
	}
	if p, ok := d.tags[tagPayload]; ok && len(d.data) == 0 {
		d.data = p
	}
	return d, nil
}

// part says which part of a longer message it is, and gives what is left without the header that says so.
func (d delivery) part() (ref uint32, n, of byte, data []byte) {
	data = d.data
	if d.esm&0x40 != 0 && len(data) > 0 && int(data[0]) < len(data) {
		head := data[1 : 1+int(data[0])]
		data = data[1+int(data[0]):]
		for len(head) >= 2 && int(head[1]) <= len(head)-2 {
			id, v := head[0], head[2:2+int(head[1])]
			switch {
			case id == 0 && len(v) == 3:
				ref, of, n = uint32(v[0]), v[1], v[2]
			case id == 8 && len(v) == 4:
				ref, of, n = uint32(binary.BigEndian.Uint16(v)), v[2], v[3]
			}
			head = head[2+int(head[1]):]
		}
	}
	if r, ok := d.tags[tagSarRef]; ok && len(r) == 2 && len(d.tags[tagSarTotal]) == 1 && len(d.tags[tagSarSeq]) == 1 {
		ref, of, n = uint32(binary.BigEndian.Uint16(r)), d.tags[tagSarTotal][0], d.tags[tagSarSeq][0]
	}
	if of < 2 || n < 1 || n > of {
		return 0, 1, 1, data
	}
	return ref, n, of, data
}
