package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// Figure is one measured number beside what was promised.
type Figure struct {
	Row   string  `json:"row"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Bar   float64 `json:"bar,omitempty"` // 0: the figure only explains others
	Least bool    `json:"least,omitempty"`
	Must0 bool    `json:"must_be_0,omitempty"`
	Met   bool    `json:"met"`
	Peer  string  `json:"peer,omitempty"`
	Note  string  `json:"note,omitempty"`
}

// atMost notes a figure that must not be above the bar.
func (b *bench) atMost(what string, value float64, unit string, bar float64, note ...string) {
	b.add(Figure{What: what, Value: value, Unit: unit, Bar: bar, Met: value <= bar}, note)
}

// atLeast notes a figure that must not be below the bar.
func (b *bench) atLeast(what string, value float64, unit string, bar float64, note ...string) {
	b.add(Figure{What: what, Value: value, Unit: unit, Bar: bar, Least: true, Met: value >= bar}, note)
}

// nothing notes a count that must be 0.
func (b *bench) nothing(what string, count int) {
	b.add(Figure{What: what, Value: float64(count), Must0: true, Met: count == 0}, nil)
}

// tell notes a figure that explains others.
func (b *bench) tell(what string, value float64, unit string, note ...string) {
	b.add(Figure{What: what, Value: value, Unit: unit, Met: true}, note)
}

func (b *bench) add(f Figure, note []string) {
	f.Row, f.Peer = b.row.name, b.row.peer
	if len(note) > 0 {
		f.Note = note[0]
	}
	b.figures = append(b.figures, f)
	fmt.Fprintf(os.Stderr, "  %-60s %12s %s\n", f.What, number(f.Value), f.Unit)
}

// Report is a run as it is written to a file.
type Report struct {
	Machine Machine  `json:"machine"`
	Quick   bool     `json:"quick"`
	Figures []Figure `json:"figures"`
}

func (r *Report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tmeasured\tpromised\t\tpeer")
	last := ""
	for _, f := range r.Figures {
		if f.Row != last {
			fmt.Fprintf(t, "%s\t\t\t\t%s\n", title(f.Row), f.Peer)
		}
		last = f.Row
		bar, verdict := "", ""
		if f.Must0 {
			bar = "0"
		}
		if f.Bar != 0 {
			sign := "<= "
			if f.Least {
				sign = ">= "
			}
			bar = sign + number(f.Bar) + " " + f.Unit
		}
		if bar != "" && f.Met {
			verdict = "met"
		} else if bar != "" {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "  %s\t%s %s\t%s\t%s\t\n", f.What, number(f.Value), f.Unit, bar, verdict)
		if f.Note != "" {
			fmt.Fprintf(t, "    (%s)\t\t\t\t\n", f.Note)
		}
	}
	_ = t.Flush()
}

func title(name string) string {
	for _, r := range rows {
		if r.name == name {
			return r.what
		}
	}
	return name
}

func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (r *Report) write(file string) error {
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(out, '\n'), 0o644)
}
