package viber

import "opeka/internal/care"

// Read is read, for the fuzzer.
func Read(raw []byte) (care.Arrivals, error) {
	a, _, err := read(raw)
	return a, err
}
