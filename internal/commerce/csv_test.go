package commerce

import (
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"opeka/internal/care"
)

func TestFilesAreReadAsTheyAreWritten(t *testing.T) {
	const text = "Номер;Дата;Клієнт;Сума;Артикул;Кількість\n1001;25.02.2026 14:30;Олена;1 249,90;A-1;2\n1001;25.02.2026 14:30;Олена;1 249,90;A-2;1\n1002;31.31.2026;Іван;5,00;A-1;1\n1003;01.03.2026;Іван;дорого;A-1;1\n;01.03.2026;;;;\n"
	cp1251, _ := charmap.Windows1251.NewEncoder().String(text)
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	for encoding, file := range map[string]string{"utf-8": "\xef\xbb\xbf" + text, "windows-1251": cp1251, "utf-16": utf16} {
		t.Run(encoding, func(t *testing.T) {
			f := detect([]byte(file))
			if f != (Format{Encoding: encoding, Separator: ";", Decimal: "comma", Dates: "dmy"}) {
				t.Fatalf("%+v", f)
			}
			s, err := decodeText([]byte(file), f.Encoding)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := readRows(s, f.Separator, 0)
			if err != nil {
				t.Fatal(err)
			}
			sh := sheet{kind: care.KindOrder, format: f, mapping: guess(care.KindOrder, rows[0]), currency: "UAH", zone: time.FixedZone("", 7200), rows: rows[1:]}
			records, _, wrong := sh.records()
			if len(records) != 1 || len(wrong) != 3 || wrong[0].Row != 4 || wrong[0].Err.Code != "import.date" || wrong[1].Err.Code != "import.number" || wrong[2].Field != "number" {
				t.Fatalf("%+v %+v", records, wrong)
			}
			o := records[0].Data.(*care.ShopOrder)
			if o.Total != uah(124990) || len(o.Lines) != 2 || !o.PlacedAt.Equal(time.Date(2026, 2, 25, 12, 30, 0, 0, time.UTC)) {
				t.Fatalf("%+v", o)
			}
		})
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("id,name\n1,a\n"))
	f.Add([]byte("\xff\xfei\x00d\x00"))
	f.Add([]byte("назва;ціна\n\"x;1,5\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		format := detect(b)
		s, err := decodeText(b, format.Encoding)
		if err != nil {
			return
		}
		rows, err := readRows(s, format.Separator, 100)
		if err != nil || len(rows) == 0 {
			return
		}
		for kind := range columns {
			sheet{kind: kind, format: format, mapping: guess(kind, rows[0]), currency: "UAH", zone: time.UTC, rows: rows[1:]}.records()
		}
	})
}
