// Package g711 turns samples into the bytes of G.711 and back, by tables. It owns the two laws, and nothing else.
package g711

// Law is A-law (Europe) or µ-law (North America, Japan).
type Law uint8

// The laws.
const (
	A Law = iota
	Mu
)

func (l Law) String() string { return [...]string{"PCMA", "PCMU"}[l] }

// Silent is the byte of a sample of 0.
func (l Law) Silent() byte { return encoded[l][1<<13] }

var (
	decoded [2][256]int16
	// encoded is indexed by the upper 14 bits of the sample, which is all that G.711 looks at.
	encoded [2][1 << 14]byte
)

func init() {
	for i := range 256 {
		decoded[A][i] = decodeA(byte(i))
		decoded[Mu][i] = decodeMu(byte(i))
	}
	for i := range 1 << 14 {
		v := (i - 1<<13) << 2
		encoded[A][i] = encodeA(v)
		encoded[Mu][i] = encodeMu(v)
	}
}

// Decode turns bytes into samples; dst is as long as src.
func (l Law) Decode(dst []int16, src []byte) {
	t := &decoded[l]
	_ = dst[:len(src)]
	for i, b := range src {
		dst[i] = t[b]
	}
}

// Encode turns samples into bytes; dst is as long as src.
func (l Law) Encode(dst []byte, src []int16) {
	t := &encoded[l]
	_ = dst[:len(src)]
	for i, v := range src {
		dst[i] = t[uint16(v>>2+1<<13)&(1<<14-1)]
	}
}

func decodeA(b byte) int16 {
	b ^= 0x55
	v := int(b&0x0f)<<4 + 8
	if seg := int(b&0x70) >> 4; seg > 0 {
		v = (v + 0x100) << (seg - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

func encodeA(v int) byte {
	mask := byte(0xd5)
	v >>= 3
	if v < 0 {
		mask, v = 0x55, -v-1
	}
	seg := 0
	for end := 0x1f; seg < 8 && v > end; end = end<<1 | 1 {
		seg++
	}
	if seg > 7 {
		return 0x7f ^ mask
	}
	b := byte(seg << 4)
	if seg < 2 {
		b |= byte(v>>1) & 0x0f
	} else {
		b |= byte(v>>seg) & 0x0f
	}
	return b ^ mask
}

const bias = 0x84

func decodeMu(b byte) int16 {
	b = ^b
	v := (int(b&0x0f)<<3 + bias) << (b & 0x70 >> 4)
	if b&0x80 != 0 {
		return int16(bias - v)
	}
	return int16(v - bias)
}

func encodeMu(v int) byte {
	mask := byte(0xff)
	v >>= 2
	if v < 0 {
		mask, v = 0x7f, -v
	}
	v = min(v, 8159) + bias>>2
	seg := 0
	for end := 0x3f; seg < 8 && v > end; end = end<<1 | 1 {
		seg++
	}
	if seg > 7 {
		return 0x7f ^ mask
	}
	return (byte(seg<<4) | byte(v>>(seg+1))&0x0f) ^ mask
}
