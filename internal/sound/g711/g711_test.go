package g711

import "testing"

// Every byte comes back as itself: what was G.711 once loses nothing when it is mixed alone and sent or recorded.
func TestEveryByteComesBack(t *testing.T) {
	for _, l := range []Law{A, Mu} {
		for i := range 256 {
			var s [1]int16
			var b [1]byte
			l.Decode(s[:], []byte{byte(i)})
			l.Encode(b[:], s[:])
			if b[0] != byte(i) && !(l == Mu && i == 0x7f && b[0] == 0xff) { // µ-law has two zeros
				t.Errorf("%v: %#x became %d and came back as %#x", l, i, s[0], b[0])
			}
		}
	}
}

func TestKnownValues(t *testing.T) {
	for _, c := range []struct {
		law    Law
		b      byte
		sample int16
	}{{A, 0xd5, 8}, {A, 0x55, -8}, {A, 0xaa, 32256}, {A, 0x2a, -32256}, {Mu, 0xff, 0}, {Mu, 0x80, 32124}, {Mu, 0x00, -32124}, {Mu, 0xfe, 8}} {
		var s [1]int16
		if c.law.Decode(s[:], []byte{c.b}); s[0] != c.sample {
			t.Errorf("%v %#x: %d, want %d", c.law, c.b, s[0], c.sample)
		}
	}
	if A.Silent() != 0xd5 || Mu.Silent() != 0xff {
		t.Errorf("silence is %#x and %#x", A.Silent(), Mu.Silent())
	}
}

// The error never exceeds half of the law's step, over the whole range.
func TestErrorIsSmall(t *testing.T) {
	for _, l := range []Law{A, Mu} {
		for v := -32768; v <= 32767; v++ {
			var s [1]int16
			var b [1]byte
			l.Encode(b[:], []int16{int16(v)})
			l.Decode(s[:], b[:])
			most := max(abs(v)/16, 16)
			if d := abs(int(s[0]) - v); d > most {
				t.Fatalf("%v: %d came back as %d", l, v, s[0])
			}
		}
	}
}

func abs(v int) int { return max(v, -v) }

func BenchmarkFrame(b *testing.B) {
	var s [160]int16
	var p [160]byte
	b.ReportAllocs()
	for b.Loop() {
		A.Decode(s[:], p[:])
		A.Encode(p[:], s[:])
	}
}
