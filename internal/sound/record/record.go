// Package record writes what is said in a bridge into a file while it is said: customers on the left, agents on the right. It owns the
// file until Close; where it goes then, who may hear it and whether the customer agreed are others' business.
package record

import (
	"errors"
	"os"
	"sync"
	"time"

	"opeka/internal/sound"
	"opeka/internal/sound/g711"
	"opeka/internal/sound/wav"
)

// Options say how a recording is kept. A-law is what European telephones carry, so that nothing is lost by it and the file is half of PCM's:
// 58 MB an hour instead of 115. Browsers play both.
type Options struct {
	Coding wav.Coding // 0: A-law
}

// What is kept in memory: a chunk is written when it holds a second; when the disk stands still for longer than the queue lasts, what is
// said then becomes silence in the file, so that the rest stays at its time.
const (
	chunkFrames = 50
	chunks      = 20
)

// Recorder is a sound.Tap that writes a file.
type Recorder struct {
	file   *os.File
	format wav.Format
	law    g711.Law

	mu      sync.Mutex
	filling []byte
	frames  int // in filling
	missed  int // frames that found no room and aren't in the file yet
	free    [][]byte
	out     int           // chunks on their way to the disk
	wrote   chan struct{} // closed when one has arrived
	paused  bool
	closed  bool
	sum     Summary

	full   chan []byte
	done   chan struct{}
	err    error // of writing; read after done
	silent []byte
}

// Summary tells what a recording became.
type Summary struct {
	Length time.Duration
	Paused time.Duration // of it
	Missed time.Duration // of it, when the disk didn't keep up
	Size   int64         // of the file
}

// Create starts a recording in a new file.
func Create(path string, o Options) (*Recorder, error) {
	format := wav.Format{Coding: o.Coding, Channels: 2, Rate: sound.Rate, Bits: 8}
	law := g711.A
	switch o.Coding {
	case 0:
		format.Coding = wav.ALaw
	case wav.MuLaw:
		law = g711.Mu
	case wav.PCM:
		format.Bits = 16
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(wav.Header(format, -1)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := &Recorder{file: f, format: format, law: law, full: make(chan []byte, chunks), done: make(chan struct{}), wrote: make(chan struct{})}
	r.silent = make([]byte, r.frameSize())
	r.encode(r.silent, nil, nil)
	r.filling = r.chunk()
	go r.write()
	return r, nil
}

func (r *Recorder) frameSize() int { return 2 * sound.Samples * r.format.Bits / 8 }

// Tap implements sound.Tap.
func (r *Recorder) Tap(left, right *sound.Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.sum.Length += sound.Period
	if r.paused {
		r.sum.Paused += sound.Period
		left, right = nil, nil
	}
	for r.missed > 0 && r.room() {
		r.filling = append(r.filling, r.silent...)
		r.missed--
		r.frames++
	}
	if r.missed > 0 || !r.room() {
		r.missed++
		r.sum.Missed += sound.Period
		return
	}
	n := len(r.filling)
	r.filling = r.filling[:n+len(r.silent)]
	if left == nil && right == nil {
		copy(r.filling[n:], r.silent)
	} else {
		r.encode(r.filling[n:], left, right)
	}
	if r.frames++; r.frames == chunkFrames {
		r.room()
	}
}

// room hands a full chunk to the writer, and tells whether there is a place for one more frame.
func (r *Recorder) room() bool {
	if r.frames < chunkFrames {
		return true
	}
	select {
	case r.full <- r.filling:
		r.filling, r.frames = r.chunk(), 0
		r.out++
		return true
	default:
		return false
	}
}

// chunk finds an empty one.
func (r *Recorder) chunk() []byte {
	if n := len(r.free); n > 0 {
		c := r.free[n-1]
		r.free = r.free[:n-1]
		return c
	}
	return make([]byte, 0, chunkFrames*r.frameSize())
}

func (r *Recorder) encode(dst []byte, left, right *sound.Frame) {
	var none sound.Frame
	if left == nil {
		left = &none
	}
	if right == nil {
		right = &none
	}
	if r.format.Coding == wav.PCM {
		for i := range left {
			l, v := uint16(left[i]), uint16(right[i])
			dst[4*i], dst[4*i+1], dst[4*i+2], dst[4*i+3] = byte(l), byte(l>>8), byte(v), byte(v>>8)
		}
		return
	}
	var a, b [sound.Samples]byte
	r.law.Encode(a[:], left[:])
	r.law.Encode(b[:], right[:])
	for i := range a {
		dst[2*i], dst[2*i+1] = a[i], b[i]
	}
}

// write carries chunks to the disk, beside the tick.
func (r *Recorder) write() {
	defer close(r.done)
	for c := range r.full {
		if r.err == nil {
			var n int
			n, r.err = r.file.Write(c)
			r.sum.Size += int64(n)
		}
		r.mu.Lock()
		r.free = append(r.free, c[:0])
		r.out--
		close(r.wrote)
		r.wrote = make(chan struct{})
		r.mu.Unlock()
	}
}

// Pause has silence written until Resume, while a customer tells the number of his card. It returns where in the recording that begins.
func (r *Recorder) Pause() time.Duration { return r.pause(true) }

// Resume ends Pause, and returns where in the recording it ends.
func (r *Recorder) Resume() time.Duration { return r.pause(false) }

func (r *Recorder) pause(paused bool) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = paused
	return r.sum.Length
}

// Flushed waits until all whole seconds are in the file.
func (r *Recorder) Flushed() {
	for {
		r.mu.Lock()
		out, wait := r.out, r.wrote
		r.mu.Unlock()
		if out == 0 {
			return
		}
		<-wait
	}
}

// Close writes what is left, completes the header and puts everything on the disk. A file that it couldn't complete is for Repair.
func (r *Recorder) Close() (Summary, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return Summary{}, os.ErrClosed
	}
	r.closed = true
	last := r.filling
	r.mu.Unlock()
	r.full <- last
	close(r.full)
	<-r.done
	err := r.err
	head := wav.Header(r.format, r.sum.Size)
	if err == nil {
		_, err = r.file.WriteAt(head, 0)
	}
	r.sum.Size += int64(len(head))
	return r.sum, errors.Join(err, r.file.Sync(), r.file.Close())
}
