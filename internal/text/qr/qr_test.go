package qr_test

import (
	"strings"
	"testing"

	"opeka/internal/text/qr"
)

func TestACodeHasItsThreeCorners(t *testing.T) {
	c := qr.Of("https://t.me/shop_bot?start=abc")
	if c.Size < 21+8 || c.Size > 60 {
		t.Fatalf("size %d", c.Size)
	}
	// The finder patterns begin and end with seven dark modules in a row.
	for _, corner := range []string{"M4 4h7v1", "M4 10h7v1"} {
		if !strings.Contains(c.Path, corner) {
			t.Errorf("no %s", corner)
		}
	}
	if strings.Contains(c.Path, "M3 ") || strings.HasPrefix(c.Path, "M0") {
		t.Error("it isn't quiet around")
	}
	if long := qr.Of(strings.Repeat("я", 5000)); long.Size != 0 {
		t.Errorf("%+v", long.Size)
	}
}
