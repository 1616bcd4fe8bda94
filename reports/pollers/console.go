package pollers

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// Print writes a table for each work, by one measure, for a terminal.
func Print(out io.Writer, r *result.Pollers, m *Measure, ascii bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "pollers  %s, %d runs each\n", m.Name, r.Runs)
	for _, p := range Problems(r) {
		b.WriteString(units.Wrap("! ", p, 100))
	}
	for i := range r.Works {
		printWork(&b, &r.Works[i], m)
	}
	b.WriteByte('\n')
	for _, text := range append(Obstacles(r), Notes(r)...) {
		b.WriteString(units.Wrap("", text, 100))
	}
	text := b.String()
	if ascii {
		text = units.ASCII(text)
	}
	_, err := io.WriteString(out, text)
	return err
}

func printWork(b *strings.Builder, w *result.PollerWork, m *Measure) {
	fmt.Fprintf(b, "\n%s\n", series.OneLine(w.Title))
	if len(w.Rows) == 0 {
		return
	}
	// A column holds values, ratios and, over both, a name.
	type column struct{ name, value, ratio int }
	first := utf8.RuneCountInString(w.X)
	columns := make([]column, len(w.Rows[0].Cells))
	for i, c := range w.Rows[0].Cells {
		columns[i].name = utf8.RuneCountInString(series.OneLine(c.Contestant))
	}
	figures := make([][]Figure, len(w.Rows))
	for i := range w.Rows {
		figures[i] = m.Figures(&w.Rows[i])
		for j, f := range figures[i] {
			if f.Ratio != "" {
				columns[j].ratio = max(columns[j].ratio, 1+utf8.RuneCountInString(f.Ratio))
			}
			if f.Reason == "" {
				columns[j].value = max(columns[j].value, utf8.RuneCountInString(f.Text))
			} else {
				columns[j].name = max(columns[j].name, utf8.RuneCountInString(f.Text))
			}
		}
	}
	var line strings.Builder
	line.WriteString(pad(w.X, first))
	for i, c := range w.Rows[0].Cells {
		line.WriteString("  " + pad(series.OneLine(c.Contestant), max(columns[i].name, columns[i].value+columns[i].ratio)))
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	for i := range w.Rows {
		x := units.Count(uint64(w.Rows[i].X))
		line.Reset()
		line.WriteString(strings.Repeat(" ", max(0, first-utf8.RuneCountInString(x))) + x)
		for j, f := range figures[i] {
			text := f.Text
			if f.Ratio != "" {
				text = pad(text, columns[j].value) + " " + f.Ratio
			}
			line.WriteString("  " + pad(text, max(columns[j].name, columns[j].value+columns[j].ratio)))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s))) }
