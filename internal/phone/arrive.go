package phone

import "opeka/internal/care"

// arrive takes what rings in. Until a store has a telephone queue nobody could answer.
func (p *Phone) arrive(_, _ int64, line care.Line) {
	_ = line.Reject(care.CauseRejected)
}
