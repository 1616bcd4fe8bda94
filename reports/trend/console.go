package trend

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/tty"
	"bench/reports/series"
)

// mostSpark bounds the columns of a small line.
const mostSpark = 40

// mostLabel bounds the label of a run: the whole is in the record.
const mostLabel = 24

// Print writes a history to a terminal, or a file.
func Print(out *os.File, h *result.History, ascii bool) error {
	style, width := tty.Of(out, ascii)
	_, err := io.WriteString(out, Text(h, style, width))
	return err
}

// Text is a history for a terminal of so many columns; 0: nothing bounds it.
func Text(h *result.History, style tty.Style, width int) string {
	p := printer{Style: style, width: width}
	for i := range h.Groups {
		if i > 0 {
			p.b.WriteByte('\n')
		}
		p.group(h, &h.Groups[i])
	}
	left := LeftOut(h)
	if len(h.Groups) > 0 && (left != "" || len(h.Warnings) > 0) {
		p.b.WriteByte('\n')
	}
	if left != "" {
		p.line("left out: " + left + "; --json and --html show their folders and the reasons")
	}
	for _, w := range h.Warnings {
		p.line("! " + w)
	}
	return p.b.String()
}

type printer struct {
	tty.Style
	width int
	b     strings.Builder
}

// safe is what the terminal can show of a text.
func (p *printer) safe(text string) string {
	if p.ASCII {
		text = strings.ReplaceAll(text, "→", "->")
	}
	return p.Safe(text)
}

// line adds text, wrapped with the lines after the first indented.
func (p *printer) line(text string) {
	for i, l := range tty.Wrap(p.safe(text), max(p.width-2, 0)) {
		if i > 0 {
			p.b.WriteString("  ")
		}
		p.b.WriteString(l + "\n")
	}
}

func (p *printer) table(columns []tty.Column, rows [][]string) {
	for _, r := range rows {
		for i := range r {
			r[i] = p.safe(r[i])
		}
	}
	for _, l := range tty.Table(columns, rows, p.width) {
		for _, word := range []string{result.Worse, result.Better} {
			l = strings.Replace(l, " "+word, " "+p.Verdict(word), 1)
		}
		p.b.WriteString(l + "\n")
	}
}

func (p *printer) group(h *result.History, g *result.HistoryGroup) {
	p.line(fmt.Sprintf("history  %s %s  %s", series.OneLine(g.Scenario), Hash(g), Span(g)))
	p.line("on " + Machine(g))
	if h.Reference != "" {
		p.line("× is in proportion to " + series.OneLine(h.Reference) + " of the same run")
	}
	p.line(Sum(g))
	cells := slices.ContainsFunc(g.Measures, func(m result.HistoryMeasure) bool { return m.Cell != "" })
	p.measures(g, cells)
	p.changes(Changes(g), cells)
	if gaps := Gaps(g); len(gaps) > 0 {
		p.b.WriteByte('\n')
		for _, text := range gaps {
			p.line(text)
		}
	}
}

// measures are a line each.
func (p *printer) measures(g *result.HistoryGroup, cells bool) {
	columns := []tty.Column{{Head: "measure", Wraps: true, Least: 8}}
	if cells {
		columns = append(columns, tty.Column{Head: "cell", Wraps: true, Least: 8})
	}
	columns = append(columns, tty.Column{Head: "last", Right: true}, tty.Column{Head: "trend"}, tty.Column{Head: "last change", Wraps: true, Least: 10})
	var rows [][]string
	for i := range g.Measures {
		m := &g.Measures[i]
		if m.Known() == 0 {
			continue
		}
		row := []string{Name(m)}
		if cells {
			row = append(row, m.Cell)
		}
		last := units.None
		if n := len(m.Changes); n > 0 {
			c := &m.Changes[n-1]
			last = fmt.Sprintf("%s at run %d %s", By(c), c.Run+1, Word(c))
		}
		rows = append(rows, append(row, Last(m), Spark(m, mostSpark, p.ASCII), last))
	}
	if len(rows) > 0 {
		p.b.WriteByte('\n')
		p.table(columns, rows)
	}
}

// changes are a line each, too.
func (p *printer) changes(list []Change, cells bool) {
	if len(list) == 0 {
		return
	}
	columns := []tty.Column{{Head: "run", Right: true}, {Head: "label", Wraps: true, Least: 8}, {Head: "started"}, {Head: "measure", Wraps: true, Least: 8}}
	if cells {
		columns = append(columns, tty.Column{Head: "cell", Wraps: true, Least: 8})
	}
	columns = append(columns, tty.Column{Head: "level"}, tty.Column{Head: "change", Right: true}, tty.Column{Head: ""}, tty.Column{Head: "with", Wraps: true, Least: 10})
	var rows [][]string
	for _, c := range list {
		row := []string{strconv.Itoa(c.Number), tty.Fit(p.safe(c.Run.Label), mostLabel), Date(c.Run), Name(c.Measure)}
		if cells {
			row = append(row, c.Measure.Cell)
		}
		rows = append(rows, append(row, Levels(c.Measure, c.Point), By(c.Point), Word(c.Point), strings.Join(c.Point.With, "; ")))
	}
	p.b.WriteByte('\n')
	p.table(columns, rows)
}
