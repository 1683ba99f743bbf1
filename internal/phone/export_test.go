package phone

// Crash ends the room as a killed process does: nothing is hung up and nothing is written.
func (p *Phone) Crash() {
	p.close.Do(func() {
		for _, cancel := range p.cancels {
			cancel()
		}
		p.cancel()
	})
}
