package smpp

import "io"

// ReadAll reads packets and what is in them, for the fuzzer.
func ReadAll(r io.Reader) {
	for {
		p, err := readPDU(r)
		if err != nil {
			return
		}
		d, err := readDelivery(p.body)
		if err != nil {
			continue
		}
		_, _, _, data := d.part()
		_ = decode(d.coding, data)
		_, _ = readReport(d)
	}
}
