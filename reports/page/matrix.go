package page

import (
	"cmp"
	"fmt"
	"math"
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

// measure is something cells are compared by.
type measure struct {
	name   string
	higher bool // is better
	// value of a run, the interval that this run by itself leaves, and whether it is
	// known.
	value  func(*series.Analysis) (v, low, high float64, ok bool)
	format func(float64) string
}

// measures offered in the list box, the first shown without script.
func measures() []measure {
	return []measure{
		{"p99", false, p99Interval, units.Latency},
		{"good/s", true, goodRate, units.Rate},
		{"errors", false, errorCount, func(v float64) string { return units.Count(uint64(v)) }},
		{"recovery", false, longestRecovery, units.Latency},
		{"CPU per request", false, cpuPerRequest, units.Latency},
	}
}

// measured merges the OK responses of the measured time.
func measured(a *series.Analysis) series.Dist {
	parts := make([]series.Dist, 0, len(a.Segments))
	for i := range a.Segments {
		parts = append(parts, a.Segments[i].OK)
	}
	return series.Merge(parts...)
}

// p99Interval is the p99 with its 99 % interval by order statistics.
func p99Interval(a *series.Analysis) (v, low, high float64, ok bool) {
	d := measured(a)
	n := float64(d.N())
	if !series.EnoughForTable(0.99, d.N()) {
		return 0, 0, 0, false
	}
	reach := 2.576 * math.Sqrt(0.99*0.01/n)
	return d.Quantile(0.99), d.Quantile(0.99 - reach), d.Quantile(min(1, 0.99+reach)), true
}

func goodRate(a *series.Analysis) (v, low, high float64, ok bool) {
	var good uint64
	var us int64
	for i := range a.Segments {
		good += a.Segments[i].Good
		us += a.Segments[i].LengthUs
	}
	if us == 0 {
		return 0, 0, 0, false
	}
	v = float64(good) * 1e6 / float64(us)
	spread := 2.576 * math.Sqrt(float64(good)) * 1e6 / float64(us)
	return v, v - spread, v + spread, true
}

func errorCount(a *series.Analysis) (v, low, high float64, ok bool) {
	for i := range a.Segments {
		v += float64(a.Segments[i].Errors.Total())
	}
	reach := 2.576 * math.Sqrt(v)
	return v, v - reach, v + reach, len(a.Segments) > 0
}

func longestRecovery(a *series.Analysis) (v, low, high float64, ok bool) {
	for i := range a.Windows {
		r := a.Windows[i].RecoveryUs()
		if r < 0 {
			return 0, 0, 0, false
		}
		v = max(v, float64(r))
	}
	return v, v - 100_000, v + 100_000, len(a.Windows) > 0
}

// cpuPerRequest is the proxy's CPU time per request that ended well, in µs.
func cpuPerRequest(a *series.Analysis) (v, low, high float64, ok bool) {
	good, _, _, known := goodRate(a)
	if !known || good == 0 || a.Trust.ProxyCPU == 0 {
		return 0, 0, 0, false
	}
	v = a.Trust.ProxyCPU * 1e6 / good
	return v, v * 0.97, v * 1.03, true
}

// What stands below a matrix: of repeated runs, and of single ones.
const (
	notePooled = "Figures are the median of the runs of a combination, in brackets the lowest and the highest. best: the interval of this combination is clear of " +
		"all others. =: it overlaps with the best one's. Other numbers: times the best. Intervals are at 99 %, from the spread between runs (Student's t), and never " +
		"narrower than what one run leaves open: order statistics for p99, Poisson counts for rates and errors, the 100 ms resolution for recovery, ±3 % for CPU."
	noteSingle = "One run of each combination: how much runs differ is not known, so that none is said to be better than another. repeat: 5 in the scenario tells."
)

// newMatrix lays the combinations out by the first axis (rows) and the others
// (columns). Repeats of one are pooled.
func newMatrix(run *result.Run, cells []*series.Analysis, views []*cellView) *matrixView {
	m := &matrixView{Note: noteSingle}
	var list []measure
	for _, me := range measures() {
		for _, a := range cells {
			if _, _, _, ok := me.value(a); ok {
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
		m.Measures = append(m.Measures, me.name)
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
