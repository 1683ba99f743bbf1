package care

import "testing"

func TestParseMoney(t *testing.T) {
	for _, c := range []struct {
		in, currency string
		want         int64
		bad          bool
	}{
		{"1249.90", "UAH", 124990, false},
		{"1249.9", "uah", 124990, false},
		{"-1249,90", "PLN", -124990, false},
		{"80", "UAH", 8000, false},
		{".5", "EUR", 50, false},
		{"4158.333333", "UAH", 415833, false},
		{"0.005", "UAH", 1, false},
		{"-0.005", "UAH", -1, false},
		{"0.9999", "UAH", 100, false},
		{"1000", "JPY", 1000, false},
		{"1000.50", "JPY", 1001, false},
		{"1.2345", "KWD", 1235, false},
		{"", "UAH", 0, false},
		{"9007199254740993.01", "UAH", 900719925474099301, false},
		{"92233720368547758070", "UAH", 0, true},
		{"1e3", "UAH", 0, true},
		{"1.2.3", "UAH", 0, true},
		{"-", "UAH", 0, true},
		{"NaN", "UAH", 0, true},
		{"1 000", "UAH", 0, true},
	} {
		m, err := ParseMoney(c.in, c.currency)
		if (err != nil) != c.bad || err == nil && m.Amount != c.want {
			t.Errorf("ParseMoney(%q, %q) = %d, %v; want %d", c.in, c.currency, m.Amount, err, c.want)
		}
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"1.00", "-,5", "99999999999999999999", "0.00000000000001", "+"} {
		f.Add(s, "UAH")
	}
	f.Fuzz(func(t *testing.T, s, currency string) {
		if m, err := ParseMoney(s, currency); err == nil && m.Amount < 0 && s[0] != '-' && s[0] != ' ' && s[0] > ' ' && s[0] < 0x80 {
			t.Fatalf("%q gave %d", s, m.Amount)
		}
	})
}

func TestPartsOfMoney(t *testing.T) {
	uah := func(n int64) Money { return Money{Amount: n, Currency: "UAH"} }
	for _, c := range []struct{ amount, n, of, want int64 }{{249980, 1, 2, 124990}, {1000, 1, 3, 333}, {1000, 2, 3, 667}, {-1000, 2, 3, -667}, {5, 1, 2, 3}, {700, 3, 3, 700}, {700, 1, 0, 700}, {1 << 60, 2, 3, 1<<60/3*2 + 1}} {
		if got := uah(c.amount).Part(c.n, c.of); got.Amount != c.want {
			t.Errorf("%d of %d of %d is %d, want %d", c.n, c.of, c.amount, got.Amount, c.want)
		}
	}
	for want, m := range map[string]Money{"1249.90": uah(124990), "-0.05": uah(-5), "12": {Amount: 12, Currency: "JPY"}, "1.005": {Amount: 1005, Currency: "KWD"}} {
		if got := m.Decimal(); got != want {
			t.Errorf("%+v is written %s, want %s", m, got, want)
		}
	}
}
