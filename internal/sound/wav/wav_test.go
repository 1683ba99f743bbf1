package wav_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"opeka/internal/sound/tone"
	"opeka/internal/sound/wav"
)

// file makes a WAV of a sine at any rate and coding.
func file(t testing.TB, f wav.Format, hz float64, seconds float64) []byte {
	t.Helper()
	var data []byte
	le := binary.LittleEndian
	for n := range int(float64(f.Rate) * seconds) {
		v := 0.25 * math.Sin(2*math.Pi*hz*float64(n)/float64(f.Rate))
		for range f.Channels {
			switch {
			case f.Coding == 3 && f.Bits == 32:
				data = le.AppendUint32(data, math.Float32bits(float32(v)))
			case f.Coding == 3:
				data = le.AppendUint64(data, math.Float64bits(v))
			case f.Bits == 8:
				data = append(data, byte(math.Round(v*127)+128))
			case f.Bits == 16:
				data = le.AppendUint16(data, uint16(int16(v*32767)))
			case f.Bits == 24:
				x := int32(v * 8388607)
				data = append(data, byte(x), byte(x>>8), byte(x>>16))
			default:
				data = le.AppendUint32(data, uint32(int32(v*2147483647)))
			}
		}
	}
	return append(wav.Header(f, int64(len(data))), data...)
}

func TestUsualRecordingsAreRead(t *testing.T) {
	for _, f := range []wav.Format{
		{1, 1, 8000, 16}, {1, 2, 44100, 16}, {1, 1, 48000, 24}, {1, 1, 16000, 32}, {1, 1, 22050, 8}, {3, 2, 48000, 32}, {3, 1, 32000, 64}, {1, 1, 11025, 16}, {1, 1, 6000, 16},
	} {
		s, err := wav.Read(bytes.NewReader(file(t, f, 1000, 1)))
		if err != nil || len(s) < 7990 || len(s) > 8000 {
			t.Errorf("%+v: %d samples, %v", f, len(s), err)
			continue
		}
		if l := tone.Level(s[800:7200], 1000); l < 0.24*32768 || l > 0.26*32768 {
			t.Errorf("%+v: level %.0f", f, l)
		}
		if p := tone.Power(s[800:7200], 1000); p < 0.999 {
			t.Errorf("%+v: the tone is %.4f of it", f, p)
		}
	}
}

// What 8 kHz can't carry doesn't come back as another tone.
func TestHighTonesAreFilteredOut(t *testing.T) {
	for _, hz := range []float64{4400, 5000, 7000, 15000} {
		s, err := wav.Read(bytes.NewReader(file(t, wav.Format{1, 1, 48000, 16}, hz, 1)))
		if err != nil {
			t.Fatal(err)
		}
		var most int16
		for _, v := range s[400:7600] {
			most = max(most, v, -v)
		}
		if most > 12 { // 56 dB down
			t.Errorf("%v Hz is heard with %d", hz, most)
		}
	}
	s, err := wav.Read(bytes.NewReader(file(t, wav.Format{1, 1, 48000, 16}, 3300, 1)))
	if l := tone.Level(s[800:7200], 3300); err != nil || l < 0.24*32768 {
		t.Errorf("3300 Hz comes out with %.0f, %v", l, err)
	}
}

func TestG711AndOtherChunks(t *testing.T) {
	h := wav.Header(wav.Format{wav.ALaw, 2, 8000, 8}, 4)
	channels, rate, err := wav.Channels(bytes.NewReader(append(h, 0xd5, 0x2a, 0xd5, 0xaa)))
	if err != nil || rate != 8000 || len(channels) != 2 || channels[0][0] != 8 || channels[1][0] != -32256 || channels[1][1] != 32256 {
		t.Errorf("%v %d %v", channels, rate, err)
	}
	whole := file(t, wav.Format{1, 1, 8000, 16}, 1000, 0.1)
	listed := append(append(append([]byte{}, whole[:12]...), "LIST\x03\x00\x00\x00abc\x00"...), whole[12:]...)
	if s, err := wav.Read(bytes.NewReader(listed)); err != nil || len(s) != 800 {
		t.Errorf("with a list before: %d, %v", len(s), err)
	}
}

// A program that speaks into a pipe writes the length before it knows it.
func TestWhatIsPiped(t *testing.T) {
	b := file(t, wav.Format{1, 1, 8000, 16}, 1000, 0.1)
	copy(b[40:], []byte{0, 0xf0, 0xff, 0x7f})
	if _, err := wav.Read(bytes.NewReader(b)); !errors.Is(err, wav.ErrLong) {
		t.Errorf("as a file: %v", err)
	}
	if s, err := wav.Piped(bytes.NewReader(b)); err != nil || len(s) != 800 {
		t.Errorf("%d samples, %v", len(s), err)
	}
}

func TestWhatIsNoSoundIsRefused(t *testing.T) {
	ok := file(t, wav.Format{1, 1, 8000, 16}, 1000, 0.1)
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(ok)
		copy(c[at:], b)
		return c
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "no WAV": []byte("ID3\x03 this is an MP3, so it is"), "MP3 inside": change(20, 0x55), "no channels": change(22, 0), "9 channels": change(22, 9),
		"rate 0": change(24, 0, 0), "7 bits": change(34, 7), "cut off": ok[:30], "no sound": ok[:36], "huge": change(40, 0, 0, 0, 0x7f),
	} {
		if _, err := wav.Read(bytes.NewReader(b)); !errors.Is(err, wav.ErrFormat) && !errors.Is(err, wav.ErrLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRepair(t *testing.T) {
	for _, f := range []wav.Format{{wav.ALaw, 2, 8000, 8}, {wav.PCM, 2, 8000, 16}} {
		path := filepath.Join(t.TempDir(), "a.wav")
		block := f.Channels * f.Bits / 8
		half := make([]byte, 1000*block+1) // the last block is cut off
		write := func(b []byte) {
			t.Helper()
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(append(wav.Header(f, -1), half...))
		for i, want := range []bool{true, false} { // a second time there is nothing to do
			if repaired, err := wav.Repair(path); err != nil || repaired != want {
				t.Fatalf("repair %d: %v %v", i, repaired, err)
			}
		}
		got, err := os.ReadFile(path)
		if want := append(wav.Header(f, int64(1000*block)), half[:1000*block]...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%+v: repaired file differs (%d bytes, want %d)", f, len(got), len(want))
		}
		whole := append(wav.Header(f, int64(block)), make([]byte, block)...)
		write(append(whole, "LIST\x04\x00\x00\x00abcd"...))
		if repaired, err := wav.Repair(path); err != nil || repaired {
			t.Errorf("a whole file was repaired: %v", err)
		}
		write([]byte("RIFF"))
		if _, err := wav.Repair(path); !errors.Is(err, wav.ErrFormat) {
			t.Errorf("a file without a header: %v", err)
		}
	}
	if _, err := wav.Repair(filepath.Join(t.TempDir(), "none.wav")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzWAV(f *testing.F) {
	for _, x := range []wav.Format{{1, 1, 8000, 16}, {3, 2, 48000, 32}, {6, 1, 8000, 8}, {1, 1, 44100, 24}} {
		f.Add(file(f, x, 1000, 0.01))
	}
	f.Add(append(wav.Header(wav.Format{wav.MuLaw, 2, 8000, 8}, -1), 1, 2, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := wav.Read(bytes.NewReader(b))
		if err == nil && len(s) > 2*len(b)+2 {
			t.Fatalf("%d samples of %d bytes", len(s), len(b))
		}
		path := filepath.Join(t.TempDir(), "f.wav")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := wav.Repair(path); err != nil {
			return
		}
		if again, err := wav.Repair(path); again && err == nil {
			if info, _ := os.Stat(path); info.Size() > 64 { // an empty sound looks unfinished for ever
				t.Fatal("repaired twice")
			}
		}
	})
}
