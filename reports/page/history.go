package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/trend"
)

//go:embed history.tmpl
var historySource string

//go:embed history.css
var historyStyle string

// historyView is what the page of `bench history` shows.
type historyView struct {
	CSP, Title string
	Style      template.CSS
	Facts      []string
	Warnings   []string
	LeftOut    *table
	Groups     []historyGroup
	Provenance []fact
	Tool       string
}

type historyGroup struct {
	Title   string
	Facts   []string
	Sum     string
	Edge    string // class of the sum: what is worse comes first
	Cells   bool
	Changes []historyChange
	Plots   []*historyPlot
	Gaps    []string
	Runs    *table
	Values  *table
}

type historyChange struct {
	Number, Label, Date, Measure, Cell string
	Levels, By, Word, Class, With      string
}

// History draws the page of a history. It needs no script.
func History(h *result.History) ([]byte, error) {
	t, err := template.New("history").Parse(historySource)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, newHistoryView(h)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func newHistoryView(h *result.History) *historyView {
	v := &historyView{
		CSP: noScriptCSP, Title: "History", Style: template.CSS(styleSource + historyStyle),
		Tool: series.OneLine("bench " + h.Tool.Version),
	}
	if h.Reference != "" {
		v.Facts = append(v.Facts, "× is in proportion to "+series.OneLine(h.Reference)+" of the same run")
	}
	for i := range h.Groups {
		v.Groups = append(v.Groups, newHistoryGroup(h, &h.Groups[i]))
	}
	if len(h.Groups) == 0 {
		v.Facts = append(v.Facts, "no run counts")
	}
	for _, w := range h.Warnings {
		v.Warnings = append(v.Warnings, series.OneLine(w))
	}
	if len(h.LeftOut) > 0 {
		v.Facts = append(v.Facts, "left out: "+trend.LeftOut(h))
		v.LeftOut = &table{Head: []string{"folder", "verdict", "reason"}}
		for _, l := range h.LeftOut {
			v.LeftOut.Rows = append(v.LeftOut.Rows, []string{series.OneLine(l.Dir), orDash(series.OneLine(l.Verdict)), series.OneLine(l.Reason)})
		}
	}
	for _, f := range []fact{
		{"command", h.Command},
		{"tool", strings.TrimSpace("bench " + h.Tool.Version + " " + h.Tool.Commit + " " + h.Tool.Go)},
	} {
		if f.Value = series.OneLine(f.Value); f.Value != "" {
			v.Provenance = append(v.Provenance, f)
		}
	}
	return v
}

func newHistoryGroup(h *result.History, g *result.HistoryGroup) historyGroup {
	out := historyGroup{
		Title: strings.TrimSpace(series.OneLine(g.Scenario) + " " + trend.Hash(g)),
		Facts: []string{trend.Span(g), trend.Machine(g)},
		Sum:   trend.Sum(g), Edge: "pass", Gaps: trend.Gaps(g), Runs: historyRuns(g), Values: historyValues(g),
	}
	for _, c := range trend.Changes(g) {
		class := "pass"
		if c.Point.Worse {
			class, out.Edge = "fail", "fail"
		}
		cell := series.OneLine(c.Measure.Cell)
		out.Cells = out.Cells || cell != ""
		with := make([]string, len(c.Point.With))
		for i, w := range c.Point.With {
			with[i] = series.OneLine(w)
		}
		out.Changes = append(out.Changes, historyChange{
			Number: strconv.Itoa(c.Number), Label: series.OneLine(c.Run.Label), Date: trend.Date(c.Run), Measure: trend.Name(c.Measure), Cell: cell,
			Levels: trend.Levels(c.Measure, c.Point), By: trend.By(c.Point), Word: trend.Word(c.Point), Class: class, With: strings.Join(with, "; "),
		})
	}
	axis := newRunAxis(g)
	for i := range g.Measures {
		if g.Measures[i].Known() > 0 {
			out.Plots = append(out.Plots, newHistoryPlot(g, &g.Measures[i], axis))
		}
	}
	return out
}

// historyRuns is what the runs are, by their numbers.
func historyRuns(g *result.HistoryGroup) *table {
	facts := []string{"proxy", "reference", "bench", "kernel"}
	t := &table{Head: []string{"run", "label", "started", "verdict"}}
	var shown []string
	for _, f := range facts {
		for i := range g.Runs {
			if g.Runs[i].Facts[f] != "" {
				shown = append(shown, f)
				break
			}
		}
	}
	t.Head = append(append(t.Head, shown...), "folder")
	for i := range g.Runs {
		r := &g.Runs[i]
		row := []string{strconv.Itoa(i + 1), series.OneLine(r.Label), series.OneLine(r.StartedAt), series.OneLine(r.Verdict)}
		for _, f := range shown {
			row = append(row, orDash(series.OneLine(r.Facts[f])))
		}
		t.Rows = append(t.Rows, append(row, series.OneLine(r.Dir)))
	}
	return t
}

// historyValues has every value.
func historyValues(g *result.HistoryGroup) *table {
	t := &table{Head: []string{"run", "label"}}
	for i := range g.Measures {
		if m := &g.Measures[i]; m.Known() > 0 {
			t.Head = append(t.Head, strings.TrimSpace(trend.Name(m)+" "+series.OneLine(m.Cell)))
		}
	}
	for i := range g.Runs {
		row := []string{strconv.Itoa(i + 1), series.OneLine(g.Runs[i].Label)}
		for j := range g.Measures {
			m := &g.Measures[j]
			switch {
			case m.Known() == 0:
			case m.Values[i] == nil:
				row = append(row, units.None)
			default:
				row = append(row, trend.Value(*m.Values[i], m.Unit))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func orDash(s string) string {
	if s == "" {
		return units.None
	}
	return s
}

// plotName is a measure and its cell, in a line.
func plotName(m *result.HistoryMeasure) string {
	return strings.TrimSpace(trend.Name(m) + " " + series.OneLine(m.Cell))
}

// describeHistory says a chart in a sentence.
func describeHistory(g *result.HistoryGroup, m *result.HistoryMeasure) string {
	text := fmt.Sprintf("%s of %s runs, last %s", plotName(m), units.Count(uint64(len(g.Runs))), trend.Last(m))
	if m.Refused != "" {
		return text + "; no change was looked for"
	}
	if len(m.Changes) == 0 {
		return text + "; no change"
	}
	var parts []string
	for i := range m.Changes {
		c := &m.Changes[i]
		parts = append(parts, fmt.Sprintf("%s at run %d, %s", trend.By(c), c.Run+1, series.OneLine(c.Label)))
	}
	return text + "; " + strings.Join(parts, "; ")
}
