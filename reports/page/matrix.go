package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// matrixView compares the cells of a matrix.
type matrixView struct {
	Caption  string
	Measures []string
	Columns  []string
	Rows     []matrixRow
	Small    []matrixSmall
	Spread   *table // over repetitions; nil without any
	Limits   *table // every limit in every cell
	Note     string
}

type matrixRow struct {
	Name  string
	Cells []matrixCell
}

type matrixCell struct {
	Verdict verdict
	ID      string
	Values  []string // by measure
	Runs    string   // "3 runs"; empty where there is one
	Ratios  []string // "best", "=", "1.30×" or empty
	Spark   string
	Missing string
}

type matrixSmall struct {
	ID, Name string
	Verdict  verdict
	Plot     *plot
}

// What stands below a matrix: of repeated runs, and of single ones.
const (
	notePooled = "Figures are the median of the runs of a combination, in brackets the lowest and the highest. best: the interval of this combination is clear of " +
		"all others. =: it overlaps with the best one's. Other numbers: times the best. Intervals are at 99 %, from the spread between runs (Student's t), and never " +
		"narrower than what one run leaves open: order statistics for p99, Poisson counts for rates and errors, the 100 ms resolution for recovery, ±3 % for CPU."
	spreadNote = "The interval holds the mean of the runs with 99 %: it comes from how much they differ, and is never narrower than what one run leaves open."
	noteSingle = "One run of each combination: how much runs differ is not known, so none is called better than another. repeat: 5 in the scenario would show it."
)

// newMatrix lays the combinations out by the first axis (rows) and the others
// (columns). Repeats of one are pooled.
func newMatrix(run *result.Run, cells []*series.Analysis, views []*cellView) *matrixView {
	m := &matrixView{Note: noteSingle}
	var list []series.Measure
	for _, me := range series.Measures() {
		for _, a := range cells {
			if _, _, _, ok := me.Value(a); ok {
				list = append(list, me)
				break
			}
		}
	}
	rowOf := func(name string, _ map[string]string) string { return name }
	columnOf := func(map[string]string) string { return "run" }
	axes := slices.DeleteFunc(slices.Clone(run.Axes), func(x result.Axis) bool { return x.Name == result.RepeatAxis })
	if len(axes) == 0 && len(run.Axes) > 0 {
		rowOf = func(string, map[string]string) string { return "all runs" }
	}
	if len(axes) > 0 {
		first := axes[0].Name
		m.Caption = "by " + series.OneLine(first)
		rowOf = func(_ string, vars map[string]string) string { return first + " " + vars[first] }
		if rest := axes[1:]; len(rest) > 0 {
			columnOf = func(vars map[string]string) string {
				var words []string
				for _, x := range rest {
					words = append(words, x.Name+" "+vars[x.Name])
				}
				return strings.Join(words, ", ")
			}
		}
	}
	var rows []string
	at := make(map[[2]string][]int)
	place := func(name string, vars map[string]string) [2]string {
		r, c := series.OneLine(rowOf(name, vars)), series.OneLine(columnOf(vars))
		if !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
		if !slices.Contains(m.Columns, c) {
			m.Columns = append(m.Columns, c)
		}
		return [2]string{r, c}
	}
	for i, a := range cells {
		p := place(a.Name, a.Vars)
		if at[p] = append(at[p], i); len(at[p]) > 1 {
			m.Note = notePooled
		}
	}
	missing := make(map[[2]string]string)
	for i := range run.LeftOut {
		l := &run.LeftOut[i]
		missing[place(l.Name, l.Vars)] = series.OneLine(l.Reason)
	}
	m.Limits = limitTable(cells)
	if rows := words.SpreadRows(series.Spreads(run, cells)); len(rows) > 0 {
		m.Spread = &table{Head: words.SpreadHead(), Rows: rows, Notes: []string{spreadNote}}
	}
	var groups [][]*series.Analysis
	group := make(map[[2]string]int)
	for _, r := range rows {
		for _, c := range m.Columns {
			p := [2]string{r, c}
			if len(at[p]) == 0 {
				continue
			}
			group[p] = len(groups)
			groups = append(groups, nil)
			for _, i := range at[p] {
				groups[group[p]] = append(groups[group[p]], cells[i])
			}
		}
	}
	values, ratios := compare(list, groups)
	for _, me := range list {
		m.Measures = append(m.Measures, me.Name)
	}
	for _, r := range rows {
		row := matrixRow{Name: r}
		for _, c := range m.Columns {
			runs := at[[2]string{r, c}]
			if len(runs) == 0 {
				text := "not run"
				if why := missing[[2]string{r, c}]; why != "" {
					text = "left out: " + why
				}
				row.Cells = append(row.Cells, matrixCell{Missing: text})
				continue
			}
			// Of several runs the one with the worst verdict is shown and linked.
			i := slices.MinFunc(runs, func(a, b int) int { return cmp.Compare(series.Rank(cells[a].Verdict), series.Rank(cells[b].Verdict)) })
			g := group[[2]string{r, c}]
			cell := matrixCell{Verdict: verdictOf(cells[i].Verdict), ID: views[i].ID, Values: values[g], Ratios: ratios[g], Spark: spark(cells[i])}
			if len(runs) > 1 {
				cell.Runs = units.Count(uint64(len(runs))) + " runs"
			}
			row.Cells = append(row.Cells, cell)
		}
		m.Rows = append(m.Rows, row)
	}
	for i, a := range cells {
		if v := views[i]; v.Latency != nil {
			m.Small = append(m.Small, matrixSmall{ID: v.ID, Name: a.Name, Verdict: v.Verdict, Plot: smallLatency(v.Latency)})
		}
	}
	return m
}

// limitTable is what every limit came to in every cell; nil without limits.
func limitTable(cells []*series.Analysis) *table {
	t := &table{Head: []string{"cell"}}
	column := make(map[string]int)
	for _, a := range cells {
		row := make([]string, len(t.Head))
		row[0] = series.OneLine(a.Name)
		for _, o := range series.Objectives(a.Cell.Cell) {
			name := words.Objective(&o) + " " + words.Wanted(&o)
			i, ok := column[name]
			if !ok {
				i = len(t.Head)
				column[name] = i
				t.Head, row = append(t.Head, name), append(row, "")
			}
			row[i] = words.Got(&o) + " " + o.Verdict
		}
		t.Rows = append(t.Rows, row)
	}
	for i, row := range t.Rows { // a cell before the one that has a limit more
		t.Rows[i] = append(row, make([]string, len(t.Head)-len(row))...)
	}
	if len(t.Head) == 1 {
		return nil
	}
	return t
}

// spark is the p99 line of a cell, small.
func spark(a *series.Analysis) string {
	ax := axis{a.StartUs(), a.EndUs}
	line := series.Line(a.Overview, 0.99)
	if len(line) == 0 {
		line = a.Lines[0]
	}
	return stepsPath(line, ax, logScale{a.Low, a.High})
}

// smallLatency is chart C1 without what only fits a wide plot.
func smallLatency(p *plot) *plot {
	return &plot{Kind: "small", Title: p.Title, Sentence: p.Sentence, X: p.X, Y: p.Y, Grid: p.Grid, Paths: p.Paths, Bands: p.Bands, Windows: p.Windows}
}

// matrixFacts are the words behind the scenario's name when there are several cells.
func matrixFacts(run *result.Run, cells []*series.Analysis) []string {
	var names []string
	for _, a := range run.Axes {
		names = append(names, series.OneLine(a.Name))
	}
	facts := []string{fmt.Sprintf("%d cells by %s", len(cells), strings.Join(names, " × "))}
	if len(cells) > 0 {
		facts = append(facts, "each "+words.Length(cells[0].Phases, cells[0].LengthUs))
		if l := words.Load(cells[0].Loads); l != "" {
			facts = append(facts, l)
		}
	}
	return facts
}
