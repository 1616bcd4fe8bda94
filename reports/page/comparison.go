package page

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

//go:embed comparison.tmpl
var comparisonSource string

//go:embed comparison.css
var comparisonStyle string

// TypicalCell is one cell of the runs that stand for the sides in the charts.
type TypicalCell struct {
	Name string // "" where there is only one
	// Base and New are nil where their folder could not be read.
	Base, New *series.Analysis
}

// ComparisonCharts are what the charts of a comparison show.
type ComparisonCharts struct {
	Cells []TypicalCell
	// About says which runs they are, and what is left out.
	About []string
	// Beside holds the Dir of each run that lies beneath the folder of the page.
	Beside map[string]bool
}

// comparisonView is what the page of `bench compare` shows.
type comparisonView struct {
	CSP, Title, Scenario, Summary, Reason string
	Style                                 template.CSS
	Verdict                               verdict
	Facts, Problems, Differs, Needs       []string
	Sides                                 []sideView
	Table                                 comparedTable
	Charts                                []comparedChart
	ChartNotes                            []string
	Runs                                  []runView
	Floor                                 *floorView
	Confirmation                          string
	Method                                []string
	Provenance                            []fact
	Folded                                []fact
	Downloads                             []download
	Tool                                  string
}

type sideView struct {
	Name, Text string
	Facts      []fact
}

// comparedTable is the table of measures with its axis of changes.
type comparedTable struct {
	Confidence           string
	Ticks                []changeTick
	BandLeft, BandWidth  float64
	Groups               []comparedGroup
	Least                string
	AnyCut, AnyDecided   bool
	AnyUndecided, HasBar bool
}

type changeTick struct {
	At         float64
	Text, Edge string // Edge: "first" or "last", whose text stays within; "half" between them
}

type comparedGroup struct {
	Name string
	Rows []comparedRow
}

type comparedRow struct {
	Name, Base, New, Change, Interval, Note string
	Verdict                                 verdict
	Bar                                     *changeBar
	NoBar                                   string // in its place
}

// Breaks are the pieces of a name between which a line may be broken.
func (r comparedRow) Breaks() []string { return strings.SplitAfter(r.Name, "/") }

// changeBar is an interval and its estimate on the axis of changes, in percent of its
// width.
type changeBar struct {
	Dot, Left, Width float64
	Bounds           bool // there is an interval
	CutLeft          bool // it or the estimate lies beyond the axis
	CutRight         bool
	Beyond           bool // the estimate does
	Class            string
}

type comparedChart struct {
	Name  string
	Plots []*plot
	Notes []string
}

type runView struct {
	Order, Pair   int
	Side          string
	Verdict       verdict
	Note          string
	Dir, Href     string
	LeftOut, Late bool
}

type floorView struct {
	Facts []string
	Head  []string
	Rows  [][]string
}

// Comparison draws the page of a comparison. It needs no script. files are those beside
// the page.
func Comparison(c *result.Comparison, charts ComparisonCharts, files []Attachment) ([]byte, error) {
	t, err := parse()
	if err != nil {
		return nil, err
	}
	if t, err = t.New("comparison").Parse(comparisonSource); err != nil {
		return nil, err
	}
	v := newComparisonView(c, charts)
	for _, f := range files {
		v.Downloads = append(v.Downloads, download{Name: f.Name, Title: f.Title})
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// comparedVerdict is the word of a measure or of a comparison with its colour.
func comparedVerdict(word string) verdict {
	switch {
	case words.IsWorse(word):
		return verdict{word, "fail"}
	case words.Decided(word), word == result.Pass:
		return verdict{word, "pass"}
	case word == result.Shown || word == "":
		return verdict{word, "shown"}
	}
	return verdict{word, "unsure"}
}

func newComparisonView(c *result.Comparison, charts ComparisonCharts) *comparisonView {
	v := &comparisonView{
		CSP: noScriptCSP, Style: template.CSS(styleSource + comparisonStyle),
		Scenario: series.OneLine(c.Scenario), Summary: words.CompareSummary(c), Reason: series.OneLine(c.Reason),
		Verdict: comparedVerdict(c.Verdict), Differs: words.Differs(c), Needs: words.Needs(c),
		Table: newComparedTable(c), ChartNotes: charts.About, Confirmation: words.Confirmation(c), Method: words.CompareMethod(c),
		Floor: newFloorView(c.Floor), Tool: series.OneLine("bench " + c.Tool.Version),
	}
	v.Verdict.Word = words.CompareHead(c)
	v.Title = v.Verdict.Word + " " + cutText(v.Scenario, 80)
	v.Facts = append(v.Facts, words.ComparePairs(c.Pairs))
	if c.Interleaved {
		v.Facts = append(v.Facts, fmt.Sprintf("interleaved, seed %d", c.Seed))
	} else {
		v.Facts = append(v.Facts, "not interleaved")
	}
	v.Facts = append(v.Facts, "least effect "+units.Trim(units.Percent(c.MinEffect)))
	for _, w := range c.Warnings {
		if text := series.OneLine(w); text != v.Reason {
			v.Problems = append(v.Problems, text)
		}
	}
	v.Sides = []sideView{newSideView("base", &c.Base), newSideView("new", &c.New)}
	for i := range charts.Cells {
		v.Charts = append(v.Charts, newComparedChart(i, &charts.Cells[i], v.Sides))
	}
	for i := range c.Runs {
		v.Runs = append(v.Runs, newRunView(i, &c.Runs[i], charts.Beside[c.Runs[i].Dir]))
	}
	for _, f := range []fact{
		{"command", c.Command},
		{"started", c.StartedAt},
		{"ended", c.EndedAt},
		{"tool", strings.TrimSpace("bench " + c.Tool.Version + " " + c.Tool.Commit + " " + c.Tool.Go)},
		{"exit code", strconv.Itoa(c.ExitCode)},
	} {
		if f.Value = series.OneLine(f.Value); f.Value != "" {
			v.Provenance = append(v.Provenance, f)
		}
	}
	for i, s := range []*result.ComparisonSide{&c.Base, &c.New} {
		if config := series.Text(s.Proxy.Config); config != "" {
			v.Folded = append(v.Folded, fact{v.Sides[i].Name + ": proxy configuration", config})
		}
	}
	return v
}

func newSideView(name string, s *result.ComparisonSide) sideView {
	v := sideView{Name: name, Text: words.SideText(s)}
	for _, f := range []fact{
		{"settings", words.Settings(s)},
		{"results", s.Dir},
		{"build", buildLine(s.Proxy.Build)},
		{"command", s.Proxy.Command},
	} {
		if f.Value = cutText(series.OneLine(f.Value), 300); f.Value != "" {
			v.Facts = append(v.Facts, f)
		}
	}
	return v
}

// buildLine is the line of a build that most often tells two of one version apart: the
// version of OpenSSL, or else the first.
func buildLine(build string) string {
	first := ""
	for line := range strings.SplitSeq(build, "\n") {
		if strings.Contains(line, "OpenSSL") {
			return strings.TrimSpace(line)
		}
		first = cmp.Or(first, strings.TrimSpace(line))
	}
	return first
}

// newComparedTable lays the measures out by cell, load and class, in their order.
func newComparedTable(c *result.Comparison) comparedTable {
	top := series.ChangeScale(c)
	at := func(v float64) float64 { return round3(50 + 50*min(max(v/top, -1), 1)) }
	t := comparedTable{Confidence: words.Confidence(c), Least: units.Trim(units.Percent(c.MinEffect))}
	for i, v := range []float64{-top, -top / 2, 0, top / 2, top} {
		tick := changeTick{At: at(v), Text: units.Change(v)}
		switch i {
		case 0:
			tick.Edge = "first"
		case 1, 3:
			tick.Edge = "half"
		case 4:
			tick.Edge, tick.Text = "last", tick.Text+" %"
		}
		t.Ticks = append(t.Ticks, tick)
	}
	t.BandLeft = at(-100 * c.MinEffect)
	t.BandWidth = round3(at(100*c.MinEffect) - t.BandLeft)
	for _, g := range words.ComparedGroups(c) {
		group := comparedGroup{Name: g.Name}
		for _, m := range g.Measures {
			row := comparedRow{
				Name: words.ComparedName(m), Base: words.ComparedValue(m, m.Base), New: words.ComparedValue(m, m.New),
				Change: words.Change(m), Interval: words.ChangeInterval(m), Verdict: comparedVerdict(series.OneLine(m.Verdict)), Note: series.OneLine(m.Reason),
			}
			if needs := words.NeedsPairs(m); needs != "" {
				row.Note = strings.TrimPrefix(row.Note+"; "+needs, "; ")
			}
			switch {
			case !m.Known:
				if row.Note == "" {
					row.NoBar = "too few samples"
				}
			case words.IsShare(m) && m.ChangePercent != 0:
				row.NoBar = "in percentage points (pp)"
			default:
				row.Bar = newChangeBar(m, top, at)
				t.HasBar = true
				t.AnyCut = t.AnyCut || row.Bar.CutLeft || row.Bar.CutRight
				if strings.Contains(row.Bar.Class, "filled") {
					t.AnyDecided = true
				} else {
					t.AnyUndecided = true
				}
			}
			group.Rows = append(group.Rows, row)
		}
		t.Groups = append(t.Groups, group)
	}
	return t
}

func newChangeBar(m *result.ComparedMeasure, top float64, at func(float64) float64) *changeBar {
	b := &changeBar{Dot: at(m.ChangePercent), Class: "hollow"}
	switch {
	case words.IsWorse(m.Verdict):
		b.Class = "filled worse"
	case m.Verdict == result.Better:
		b.Class = "filled better"
	case words.Decided(m.Verdict):
		b.Class = "filled"
	}
	b.CutLeft, b.CutRight = m.ChangePercent < -top, m.ChangePercent > top
	b.Beyond = b.CutLeft || b.CutRight
	if words.IsShare(m) || m.Low == nil && m.High == nil {
		return b
	}
	low, high := math.Inf(-1), math.Inf(1)
	if m.Low != nil {
		low = *m.Low
	}
	if m.High != nil {
		high = *m.High
	}
	b.Bounds, b.CutLeft, b.CutRight = low <= top && high >= -top, low < -top, high > top
	b.Left = at(low)
	b.Width = round3(at(high) - b.Left)
	return b
}

// newComparedChart draws the latency over time of both sides with equal axes.
func newComparedChart(index int, c *TypicalCell, sides []sideView) comparedChart {
	out := comparedChart{Name: series.OneLine(c.Name)}
	both := []*series.Analysis{c.Base, c.New}
	var drawn []*series.Analysis
	for _, a := range both {
		if a != nil && len(a.Raw) > 0 {
			drawn = append(drawn, a)
		}
	}
	series.EvenAxes(drawn)
	// Times count from the end of the warm-up, so that is where both are aligned.
	var before, after int64
	for _, a := range drawn {
		before, after = max(before, a.ZeroUs-a.StartUs()), max(after, a.EndUs-a.ZeroUs)
	}
	for i, a := range both {
		if a == nil || len(a.Raw) == 0 {
			out.Notes = append(out.Notes, "no timeline of "+sides[i].Name)
			continue
		}
		b := &cellBuilder{Analysis: a, id: "k" + strconv.Itoa(index) + "-" + sides[i].Name, axis: axis{a.ZeroUs - before, a.ZeroUs + max(after, 1_000_000)}}
		p := b.latency()
		p.Interactive = false
		p.Title = "Latency of " + sides[i].Name + ": " + cutText(sides[i].Text, 80)
		p.Sentence = sides[i].Name + ". " + p.Sentence
		out.Plots = append(out.Plots, p)
		if i == 0 {
			out.Notes = append(out.Notes, eventKeys(a)...)
		}
	}
	return out
}

// eventKeys says what the bands of a chart without a ribbon are.
func eventKeys(a *series.Analysis) (texts []string) {
	const most = 8
	n := 0
	for i := range a.Events {
		e := &a.Events[i]
		if !e.Applied || e.Class == "seen" {
			continue
		}
		if n++; n <= most {
			texts = append(texts, units.Clock(e.BeginUs-a.ZeroUs)+" "+cutText(words.Event(e), 80))
		}
	}
	if n > most {
		texts = append(texts, fmt.Sprintf("and %d more events", n-most))
	}
	return texts
}

func newRunView(i int, r *result.ComparedRun, beside bool) runView {
	v := runView{
		Order: i + 1, Pair: r.Pair, Side: series.OneLine(r.Side), Verdict: verdictOf(series.OneLine(r.Verdict)), Note: series.OneLine(r.Reason),
		Dir: series.OneLine(r.Dir), LeftOut: r.LeftOut, Late: r.Confirm,
	}
	// Only what lies beside the page can be found from it wherever the folder is kept.
	if beside {
		u := url.URL{Path: filepath.ToSlash(filepath.Join(r.Dir, "report.html"))}
		v.Href = "./" + u.EscapedPath()
	}
	return v
}

func newFloorView(f *result.NoiseFloor) *floorView {
	if f == nil {
		return nil
	}
	v := &floorView{Head: []string{"measure", "standard deviation"}}
	v.Facts = append(v.Facts, fmt.Sprintf("measured with %s of the same program", words.ComparePairs(f.Pairs)))
	for _, p := range [][2]string{{"on ", f.Host}, {"", f.CPU}, {"kernel ", f.Kernel}, {"at ", f.MeasuredAt}} {
		if text := series.OneLine(p[1]); text != "" {
			v.Facts = append(v.Facts, p[0]+text)
		}
	}
	if f.Invalid > 0 {
		v.Facts = append(v.Facts, words.ComparePairs(f.Invalid)+" had to be made again")
	}
	var counts []int
	for i := range f.Measures {
		for n := range f.Measures[i].Floor {
			if !slices.Contains(counts, n) {
				counts = append(counts, n)
			}
		}
	}
	slices.Sort(counts)
	for _, n := range counts {
		v.Head = append(v.Head, "least change with "+words.ComparePairs(n))
	}
	for i := range f.Measures {
		m := &f.Measures[i]
		row := []string{series.OneLine(strings.TrimPrefix(m.Name, "response.")), units.Percent(m.SD)}
		for _, n := range counts {
			if least, ok := m.Floor[n]; ok {
				row = append(row, units.Percent(least))
			} else {
				row = append(row, units.None)
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
