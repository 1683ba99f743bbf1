// Package wav reads and writes WAV files as far as telephony needs them: any usual recording becomes 8 kHz mono when it is read, and
// recordings of calls are written as they go. It owns the file format; what is in the files is others' business.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Coding is how samples are kept in a file.
type Coding uint16

// The codings that are written; more are read.
const (
	PCM   Coding = 1
	ALaw  Coding = 6
	MuLaw Coding = 7
	float Coding = 3
	other Coding = 0xfffe // the real one stands further on
)

// Format says what a file holds.
type Format struct {
	Coding   Coding
	Channels int
	Rate     int
	Bits     int // of a sample
}

func (f Format) block() int { return f.Channels * f.Bits / 8 }

func (f Format) check() error {
	ok := false
	switch f.Coding {
	case PCM:
		ok = f.Bits == 8 || f.Bits == 16 || f.Bits == 24 || f.Bits == 32
	case float:
		ok = f.Bits == 32 || f.Bits == 64
	case ALaw, MuLaw:
		ok = f.Bits == 8
	}
	switch {
	case !ok:
		return fmt.Errorf("%w: coding %d with %d bits", ErrFormat, f.Coding, f.Bits)
	case f.Channels < 1 || f.Channels > 8:
		return fmt.Errorf("%w: %d channels", ErrFormat, f.Channels)
	case f.Rate < 4000 || f.Rate > 192000:
		return fmt.Errorf("%w: %d samples a second", ErrFormat, f.Rate)
	}
	return nil
}

// Errors of reading.
var (
	ErrFormat = errors.New("wav: not a sound that can be read")
	ErrLong   = errors.New("wav: the sound is too long")
)

// unknown is the size that stands in the header of a file which isn't finished.
const unknown = 0xffffffff

// Header returns the beginning of a file with that many bytes of sound; -1 while nobody knows.
func Header(f Format, size int64) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt ")
	if f.Coding == PCM {
		b = le.AppendUint32(b, 16)
	} else {
		b = le.AppendUint32(b, 18)
	}
	b = le.AppendUint16(b, uint16(f.Coding))
	b = le.AppendUint16(b, uint16(f.Channels))
	b = le.AppendUint32(b, uint32(f.Rate))
	b = le.AppendUint32(b, uint32(f.Rate*f.block()))
	b = le.AppendUint16(b, uint16(f.block()))
	b = le.AppendUint16(b, uint16(f.Bits))
	if f.Coding != PCM {
		b = le.AppendUint16(b, 0)
		b = append(b, "fact\x04\x00\x00\x00\xff\xff\xff\xff"...)
	}
	b = append(b, "data\xff\xff\xff\xff"...)
	le.PutUint32(b[4:], unknown)
	if size >= 0 {
		le.PutUint32(b[4:], clamp(int64(len(b))-8+size))
		le.PutUint32(b[len(b)-4:], clamp(size))
		if f.Coding != PCM {
			le.PutUint32(b[len(b)-12:], clamp(size/int64(f.block())))
		}
	}
	return b
}

func clamp(n int64) uint32 { return uint32(min(n, unknown)) }

// layout is where things are in a file.
type layout struct {
	format Format
	data   int64 // where the sound begins
	size   int64 // of the sound, as the header has it
	fact   int64 // where the number of samples stands; 0: nowhere
}

// scan reads from the beginning of a file up to its sound.
func scan(r io.Reader) (l layout, err error) {
	var b [12]byte
	if _, err := io.ReadFull(r, b[:]); err != nil || string(b[:4]) != "RIFF" || string(b[8:]) != "WAVE" {
		return l, fmt.Errorf("%w: no RIFF WAVE", ErrFormat)
	}
	at := int64(12)
	le := binary.LittleEndian
	for range 64 { // more chunks than any sound needs
		if _, err := io.ReadFull(r, b[:8]); err != nil {
			return l, fmt.Errorf("%w: no sound in it", ErrFormat)
		}
		name, size := string(b[:4]), int64(le.Uint32(b[4:8]))
		at += 8
		switch name {
		case "data":
			l.data, l.size = at, size
			if l.format.Coding == 0 {
				return l, fmt.Errorf("%w: the sound comes before its format", ErrFormat)
			}
			return l, l.format.check()
		case "fmt ":
			if size < 16 || size > 1024 {
				return l, fmt.Errorf("%w: a format of %d bytes", ErrFormat, size)
			}
			c := make([]byte, size)
			if _, err := io.ReadFull(r, c); err != nil {
				return l, fmt.Errorf("%w: cut off", ErrFormat)
			}
			l.format = Format{Coding(le.Uint16(c)), int(le.Uint16(c[2:])), int(le.Uint32(c[4:])), int(le.Uint16(c[14:]))}
			if l.format.Coding == other && size >= 26 {
				l.format.Coding = Coding(le.Uint16(c[24:]))
			}
			at += size
			size &= 1
		case "fact":
			l.fact = at
		}
		size += size & 1
		if _, err := io.CopyN(io.Discard, r, size); err != nil {
			return l, fmt.Errorf("%w: cut off", ErrFormat)
		}
		at += size
	}
	return l, fmt.Errorf("%w: no sound in it", ErrFormat)
}

// Repair puts right the header of a file that nobody finished, as after a crash; what was written of the sound is all there then. It tells
// whether there was something to do.
func Repair(path string) (repaired bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	l, err := scan(f)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	there := info.Size() - l.data
	if l.size != 0 && l.size != unknown && l.size <= there {
		return false, nil
	}
	size := there - there%int64(l.format.block())
	if err := f.Truncate(l.data + size); err != nil {
		return false, err
	}
	if err := finish(f, l, size); err != nil {
		return false, err
	}
	return true, f.Sync()
}

// finish writes sizes into the header.
func finish(w io.WriterAt, l layout, size int64) error {
	put := func(at, v int64) error {
		_, err := w.WriteAt(binary.LittleEndian.AppendUint32(nil, clamp(v)), at)
		return err
	}
	err := errors.Join(put(4, l.data-8+size), put(l.data-4, size))
	if l.fact > 0 {
		err = errors.Join(err, put(l.fact, size/int64(l.format.block())))
	}
	return err
}
