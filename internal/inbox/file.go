package inbox

import (
	"bytes"
	"image"
	_ "image/gif"
	"image/jpeg"
	_ "image/png"
	"net/http"
	"path"
	"slices"
	"strings"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"opeka/internal/care"
)

// images are the kinds that a browser may show.
var images = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// kindsOfFiles are what may be sent besides, by what their bytes look like; names tell apart what bytes can't.
var kindsOfFiles = map[string]map[string]string{
	"application/pdf": {"": "application/pdf"},
	"application/ogg": {"": "audio/ogg"},
	"audio/mpeg":      {"": "audio/mpeg"},
	"audio/wave":      {"": "audio/wav"},
	"video/mp4":       {"": "video/mp4", ".m4a": "audio/mp4"},
	"video/webm":      {"": "video/webm"},
	"application/zip": {"": "application/zip", ".docx": office + "wordprocessingml.document", ".xlsx": office + "spreadsheetml.sheet", ".pptx": office + "presentationml.presentation", ".odt": "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet"},
	"text/plain":      {"": "text/plain", ".csv": "text/csv"},
	"application/rtf": {"": "application/rtf"},
}

const office = "application/vnd.openxmlformats-officedocument."

// refusedNames end files that are refused whatever is in them: somebody would open them.
var refusedNames = []string{".exe", ".bat", ".cmd", ".com", ".scr", ".js", ".vbs", ".ps1", ".sh", ".jar", ".msi", ".lnk", ".html", ".htm", ".svg", ".xhtml", ".hta"}

const (
	maxPixels = 40_000_000
	thumbSide = 320
)

// file is what an upload turned out to be.
type file struct {
	name, contentType string
	width, height     int64
	thumb             []byte // a JPEG, for images larger than it
}

// examine tells what a file is, or refuses it.
func examine(name string, content []byte) (file, error) {
	refused := care.Invalid("file", "file.type_refused")
	if len(content) == 0 {
		return file{}, care.Invalid("file", "file.empty")
	}
	ext := strings.ToLower(path.Ext(name))
	if slices.Contains(refusedNames, ext) {
		return file{}, refused
	}
	sniffed, _, _ := strings.Cut(http.DetectContentType(content), ";")
	if slices.Contains(images, sniffed) {
		return examineImage(fileName(name, ext), sniffed, content)
	}
	kind := kindsOfFiles[sniffed]
	contentType := kind[ext]
	if contentType == "" {
		contentType = kind[""]
	}
	if contentType == "" {
		return file{}, refused
	}
	return file{name: fileName(name, ext), contentType: contentType}, nil
}

// examineImage measures an image before it is decoded, so that a small file can't claim all memory.
func examineImage(name, contentType string, content []byte) (file, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return file{}, &care.Error{Code: "file.image_broken", Kind: care.KindInvalid, Field: "file", Cause: err}
	}
	f := file{name: name, contentType: contentType, width: int64(c.Width), height: int64(c.Height)}
	if c.Width <= 0 || c.Height <= 0 || c.Width*c.Height > maxPixels {
		return file{}, care.Invalid("file", "file.image_too_large", "pixels", maxPixels)
	}
	if c.Width <= thumbSide && c.Height <= thumbSide {
		return f, nil
	}
	img, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return file{}, &care.Error{Code: "file.image_broken", Kind: care.KindInvalid, Field: "file", Cause: err}
	}
	w, h := thumbSide, thumbSide
	if c.Width > c.Height {
		h = max(1, c.Height*thumbSide/c.Width)
	} else {
		w = max(1, c.Width*thumbSide/c.Height)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src) // under what is transparent
	draw.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Over, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: 80}); err != nil {
		return file{}, err
	}
	f.thumb = b.Bytes()
	return f, nil
}
