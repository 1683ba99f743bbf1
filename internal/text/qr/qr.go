// Package qr draws addresses as squares that a telephone's camera reads. It knows nothing of what they lead to.
package qr

import (
	"strconv"
	"strings"

	"rsc.io/qr"
)

// Code is a square of Size modules, four of them quiet on each side; Path is the dark ones, as SVG draws them.
type Code struct {
	Size int    `json:"size"`
	Path string `json:"path"`
}

const quiet = 4

// Of draws a text; a zero Code is one that is too long to be drawn.
func Of(text string) Code {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return Code{}
	}
	var b strings.Builder
	for y := range c.Size {
		for x := 0; x < c.Size; {
			run := 0
			for x+run < c.Size && c.Black(x+run, y) {
				run++
			}
			if run > 0 {
				n := strconv.Itoa(run)
				b.WriteString("M" + strconv.Itoa(x+quiet) + " " + strconv.Itoa(y+quiet) + "h" + n + "v1h-" + n + "z")
			}
			x += max(run, 1)
		}
	}
	return Code{Size: c.Size + 2*quiet, Path: b.String()}
}
