// Package ui carries the built front ends inside the program. It owns no behaviour: who serves them, under which
// path and with which headers, is decided by the doors in internal/web.
package ui

import (
	"embed"
	"io/fs"
)

// The committed placeholder dist/.keep lets the program build without Node; the console's door then says how to
// build the console.
//
//go:embed all:console/dist
var console embed.FS

// Console returns the built agent console, rooted at its index.html. The file is missing when the console was not
// built before the program.
func Console() fs.FS {
	sub, err := fs.Sub(console, "console/dist")
	if err != nil {
		panic(err) // the embedded path is a constant of this file
	}
	return sub
}

// The widget is small and needs no Node, so what is built is committed (go run ./ui/widget/build).
//
//go:embed widget/dist
var widget embed.FS

// Widget returns the built loader and the panels of the chat widget.
func Widget() fs.FS {
	sub, err := fs.Sub(widget, "widget/dist")
	if err != nil {
		panic(err) // the embedded path is a constant of this file
	}
	return sub
}
