package letter

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"github.com/jhillyerd/enmime/v2"
)

// What Outlook puts into winmail.dat (TNEF): attributes one after the other, attachments begun by attAttachRenddata.
const (
	tnefMark        = 0x223e9f78
	attRenddata     = 0x00069002
	attAttachTitle  = 0x00018010
	attAttachData   = 0x0006800F
	attAttachment   = 0x00069005
	attBody         = 0x0002800C
	attMAPIProps    = 0x00069003
	mapiBody        = 0x1000
	mapiBodyHTML    = 0x1013
	mapiAttachName  = 0x3707
	mapiAttachMime  = 0x370E
	mapiAttachShort = 0x3704
	mapiAttachData  = 0x3701
	mapiContentID   = 0x3712
)

// tnef unpacks a winmail.dat; one that can't be unpacked stays a file.
func (w *walker) tnef(p *enmime.Part) {
	t, ok := decodeTNEF(p.Content)
	if !ok {
		w.file(p, "application/ms-tnef")
		return
	}
	if len(w.said) == 0 && (t.body != "" || t.html != "") {
		w.said = append(w.said, segment{plain: t.body, html: t.html})
	}
	for _, f := range t.files {
		w.add(f)
	}
}

type tnefContent struct {
	body, html string
	files      []File
}

func decodeTNEF(b []byte) (t tnefContent, ok bool) {
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != tnefMark {
		return t, false
	}
	b = b[6:]
	var at *File
	for len(b) >= 9 {
		id, size := binary.LittleEndian.Uint32(b[1:]), int(binary.LittleEndian.Uint32(b[5:]))
		b = b[9:]
		if size < 0 || size+2 > len(b) {
			break
		}
		data := b[:size]
		b = b[size+2:]
		switch id {
		case attRenddata:
			if len(t.files) >= maxFiles {
				return t, true
			}
			t.files = append(t.files, File{Name: "file", ContentType: "application/octet-stream"})
			at = &t.files[len(t.files)-1]
		case attAttachTitle:
			if at != nil {
				at.Name = guess(zeroEnded(data), "")
			}
		case attAttachData:
			if at != nil {
				at.Content = data
			}
		case attAttachment:
			if at != nil {
				mapiProps(data, func(prop uint16, v []byte, s string) {
					switch {
					case prop == mapiAttachName && s != "", prop == mapiAttachShort && s != "" && at.Name == "file":
						at.Name = s
					case prop == mapiAttachMime && s != "":
						at.ContentType = strings.ToLower(s)
					case prop == mapiContentID:
						at.ContentID = strings.Trim(s, "<>")
					case prop == mapiAttachData && len(at.Content) == 0:
						at.Content = v
					}
				})
			}
		case attBody:
			t.body = guess(zeroEnded(data), "")
		case attMAPIProps:
			mapiProps(data, func(prop uint16, v []byte, s string) {
				switch {
				case prop == mapiBody && t.body == "":
					t.body = s
				case prop == mapiBodyHTML && t.html == "":
					if s == "" {
						s = guess(zeroEnded(v), "")
					}
					t.html = s
				}
			})
		}
	}
	kept := t.files[:0]
	for _, f := range t.files {
		if len(f.Content) > 0 {
			kept = append(kept, f)
		}
	}
	t.files = kept
	return t, true
}

func zeroEnded(b []byte) []byte {
	for n, c := range b {
		if c == 0 {
			return b[:n]
		}
	}
	return b
}

// mapiProps goes through a list of properties: those of text come as s, those of bytes as v.
func mapiProps(b []byte, each func(prop uint16, v []byte, s string)) {
	if len(b) < 4 {
		return
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	for ; n > 0 && len(b) >= 4; n-- {
		kind, prop := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		b = b[4:]
		if prop >= 0x8000 { // named: a GUID, and a number or a name
			if len(b) < 24 {
				return
			}
			named := binary.LittleEndian.Uint32(b[16:])
			size := int(binary.LittleEndian.Uint32(b[20:]))
			b = b[24-4:]
			if named == 0 {
				b = b[4:]
			} else {
				b = b[4:]
				if size = pad4(size); size < 0 || size > len(b) {
					return
				}
				b = b[size:]
			}
		}
		count := 1
		if kind&0x1000 != 0 || kind == 0x1E || kind == 0x1F || kind == 0x0D || kind == 0x102 {
			if len(b) < 4 {
				return
			}
			count = int(binary.LittleEndian.Uint32(b))
			b = b[4:]
		}
		if count < 0 || count > len(b)+1 {
			return
		}
		for ; count > 0; count-- {
			switch kind &^ 0x1000 {
			case 0x1E, 0x1F, 0x0D, 0x102:
				if len(b) < 4 {
					return
				}
				size := int(binary.LittleEndian.Uint32(b))
				b = b[4:]
				if size < 0 || pad4(size) < 0 || pad4(size) > len(b) {
					return
				}
				v := b[:size]
				b = b[pad4(size):]
				switch kind &^ 0x1000 {
				case 0x1E:
					each(prop, nil, guess(zeroEnded(v), ""))
				case 0x1F:
					each(prop, nil, utf16Text(v))
				default:
					each(prop, v, "")
				}
			case 0x14, 0x05, 0x40, 0x06, 0x07:
				if len(b) < 8 {
					return
				}
				b = b[8:]
			case 0x48:
				if len(b) < 16 {
					return
				}
				b = b[16:]
			default:
				if len(b) < 4 {
					return
				}
				b = b[4:]
			}
		}
	}
}

func pad4(n int) int { return (n + 3) &^ 3 }

func utf16Text(b []byte) string {
	u := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		c := binary.LittleEndian.Uint16(b)
		if c == 0 {
			break
		}
		u = append(u, c)
	}
	return string(utf16.Decode(u))
}
