package page

import (
	"fmt"
	"strconv"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// plot is one chart: a plane with text around it and a table below.
type plot struct {
	ID, Kind    string
	Title, Sub  string
	Sentence    string
	X, Y        []tick
	Grid        string
	Paths       []mark
	Labels      []label // beside the ends of lines
	Legend      []label
	Bands       []band
	Windows     []window
	Limit       *label
	Table       *table
	Interactive bool
	XName       string
}

// mark is one SVG path. Key ties it to the script's redrawing.
type mark struct{ Key, Class, D string }

// band is a stretch of time laid over a plot.
type band struct {
	Class       string
	Left, Width float64
	From, To    int64 // µs
	Text        string
}

// table holds the figures behind a chart.
type table struct {
	Head  []string
	Rows  [][]string
	Notes []string
}

// maxRows bounds the rows of a chart's table.
const maxRows = 60

// Heights of the plots in pixels, as the style sheet has them.
const (
	latencyPixels = 250
	ninesPixels   = 230
	ratePixels    = 110
)

var lineNames = [...]string{"p50", "p90", "p99", "p99.9"}

func (b *cellBuilder) stepText() string {
	step := units.LatencyTick(float64(b.StepUs))
	if b.StepUs >= 1_000_000 {
		return "1 column = " + step
	}
	for i := range b.Overview {
		if b.Overview[i].LengthUs > b.StepUs {
			return "1 column = " + step + " near events, 1 s elsewhere"
		}
	}
	return "1 column = " + step
}

// latency is chart C1.
func (b *cellBuilder) latency() *plot {
	s := logScale{b.Low, b.High}
	p := &plot{
		ID: b.id + "-latency", Kind: "latency", Title: "Latency", Sub: "OK responses, from the intended start. " + b.stepText(),
		X: b.axis.ticks(b.ZeroUs), Y: s.ticks(), Sentence: b.sentence(), Bands: b.bands(), Interactive: true, Table: b.latencyTable(),
	}
	p.Grid = grid(p.X, p.Y)
	for _, i := range []int{1, 3, 0, 2} { // the p99 on top
		p.Paths = append(p.Paths, mark{lineNames[i], "line " + lineClass(i), stepsPath(b.Lines[i], b.axis, s)})
	}
	var dots path
	for i := range b.Overview {
		if c := &b.Overview[i]; len(c.OK) > 0 {
			dots.move(b.axis.x((c.StartUs+c.EndUs())/2), s.y(c.Max))
			dots.b.WriteString("h0")
		}
	}
	p.Paths = append(p.Paths, mark{"max", "dots", dots.String()}, mark{"gap", "gap", b.gapTicks()})
	for i := range lineNames {
		p.Legend = append(p.Legend, label{Text: lineNames[i], Class: lineClass(i)})
		if n := len(b.Lines[i]); n > 0 {
			p.Labels = append(p.Labels, label{At: float64(s.y(b.Lines[i][n-1].Value)) / height * 100, Text: lineNames[i], Class: lineClass(i)})
		}
	}
	p.Legend = append(p.Legend, label{Text: "max", Class: "dots"})
	if len(b.Gaps) > 0 {
		p.Legend = append(p.Legend, label{Text: "no OK response", Class: "gap"})
	}
	if len(b.Trust.Late) > 0 {
		p.Legend = append(p.Legend, label{Text: "driver late", Class: "gap latekey"})
	}
	for i := len(b.Overview) - 1; i >= 0; i-- {
		if c := &b.Overview[i]; c.Max > 0 {
			p.Labels = append(p.Labels, label{At: float64(s.y(c.Max)) / height * 100, Text: "max", Class: "dots"})
			break
		}
	}
	p.Labels = spread(p.Labels, latencyPixels)
	var keys []label
	p.Windows, keys = b.windows(true, s.y)
	p.Legend = append(p.Legend, keys...)
	if b.Limit > 0 {
		p.Limit = &label{At: round3(float64(s.y(b.Limit)) / height * 100), Text: "p99 limit " + units.Latency(b.Limit)}
	}
	return p
}

func lineClass(i int) string { return [...]string{"p50", "p90", "p99", "p999"}[i] }

// gapTicks mark on the base line the columns in which nothing ended well.
func (b *cellBuilder) gapTicks() string {
	var p path
	for _, g := range b.Gaps {
		p.move(b.axis.x(g.StartUs), height)
		p.vertical(height - 30)
		p.move(b.axis.x(g.EndUs), height)
		p.vertical(height - 30)
		p.move(b.axis.x(g.StartUs), height-2)
		p.horizontal(b.axis.x(g.EndUs))
	}
	return p.String()
}

// sentence says what the latency chart shows, for those who cannot see it.
func (b *cellBuilder) sentence() string {
	text := "Latency over time. "
	if b.Base.P99 > 0 && len(b.Windows) > 0 {
		text += "p99 " + units.Latency(b.Base.P99) + " before"
	} else {
		n := uint64(0)
		for i := range b.Segments {
			n += b.Segments[i].OK.N()
		}
		return text + units.Count(n) + " OK responses."
	}
	for i := range b.Windows {
		w := &b.Windows[i]
		if i == 5 {
			return text + fmt.Sprintf(", and %d more events.", len(b.Windows)-i)
		}
		name := "event " + series.Numbers(w.Events)
		switch {
		case w.PeakP99 > 0:
			text += ", " + units.Latency(w.PeakP99) + " in " + name
		case len(w.OK) > 0:
			text += ", at most " + units.Latency(w.OK.Max()) + " in " + name
		default:
			text += ", no OK response in " + name
		}
		if r := w.RecoveryUs(); r >= 0 {
			text += ", back in " + units.Latency(float64(r))
		} else {
			text += ", not seen to recover"
		}
	}
	return text + "."
}

func (b *cellBuilder) tableColumns() ([]series.Column, string) {
	cols, step := series.Overview(b.Raw, b.ZeroUs, maxRows)
	return cols, "1 row = " + units.LatencyTick(float64(step)) + ", shorter at the edges of events and phases"
}

func (b *cellBuilder) latencyTable() *table {
	cols, note := b.tableColumns()
	t := &table{Head: []string{"from", "n", "p50", "p90", "p99", "p99.9", "max"}, Notes: []string{note, "- : too few samples for this percentile"}}
	for i := range cols {
		c := &cols[i]
		n := c.OK.N()
		row := []string{units.Clock(c.StartUs - b.ZeroUs), units.Count(n)}
		for _, q := range series.Quantiles {
			if result.Enough(q, n) {
				row = append(row, units.Latency(c.OK.Quantile(q)))
			} else {
				row = append(row, units.None)
			}
		}
		if n > 0 {
			row = append(row, units.Latency(c.Max))
		} else {
			row = append(row, units.None)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func perSecond(n uint64, c *series.Column) float64 {
	return float64(n) * 1e6 / float64(max(c.LengthUs, 1))
}

// rates is chart C2.
func (b *cellBuilder) rates() *plot {
	greatest := 0.0
	for i := range b.Overview {
		c := &b.Overview[i]
		greatest = max(greatest, perSecond(c.Offered, c), perSecond(c.Completed, c))
	}
	s := newLinScale(greatest, units.NumberTick)
	offered := func(c *series.Column) int { return s.y(perSecond(c.Offered, c)) }
	completed := func(c *series.Column) int { return s.y(perSecond(c.Completed, c)) }
	good := func(c *series.Column) int { return s.y(perSecond(c.Good, c)) }
	floor := func(*series.Column) int { return height }
	p := &plot{
		ID: b.id + "-rates", Kind: "rates", Title: "Rates per second", Sub: "offered at intended start, the others at completion",
		X: b.axis.ticks(b.ZeroUs), Y: s.ticks(), Bands: b.bands(), Interactive: true, Sentence: b.rateSentence(), Table: b.rateTable(),
		Legend: []label{{Text: "offered", Class: "offered"}, {Text: "completed", Class: "completed"}, {Text: "good", Class: "good"}, {Text: "missing", Class: "missing"}},
	}
	p.Grid = grid(p.X, p.Y)
	p.Paths = []mark{
		{"good", "good", area(b.Overview, b.axis, good, floor)},
		{"missing", "missing", hatch(b.Overview, b.axis, offered, good, hatchGap)},
		{"completed", "line completed", levels(b.Overview, b.axis, completed)},
		{"offered", "line offered", levels(b.Overview, b.axis, offered)},
	}
	if c := b.lastOffered(); c != nil {
		p.Labels = spread([]label{
			{At: float64(offered(c)) / height * 100, Text: "offered", Class: "offered"},
			{At: float64(completed(c)) / height * 100, Text: "completed", Class: "completed"},
			{At: min(100, float64(good(c))/height*100+25), Text: "good", Class: "good"},
		}, ratePixels)
	}
	return p
}

// hatchGap is the distance of hatch lines on the plane.
const hatchGap = 50

// hatch fills what lies below top and above bottom with vertical lines; they
// keep their direction however the plane is stretched.
func hatch(cols []series.Column, a axis, top, bottom func(*series.Column) int, gap int) string {
	var p path
	for i := range cols {
		t, u := top(&cols[i]), bottom(&cols[i])
		if t >= u {
			continue
		}
		x0, x1 := a.x(cols[i].StartUs), a.x(cols[i].EndUs())
		for x := (x0 + gap - 1) / gap * gap; x < x1; x += gap {
			p.move(x, t)
			p.vertical(u)
		}
	}
	return p.String()
}

func (b *cellBuilder) lastOffered() *series.Column {
	for i := len(b.Overview) - 1; i >= 0; i-- {
		if b.Overview[i].Offered > 0 {
			return &b.Overview[i]
		}
	}
	return nil
}

func (b *cellBuilder) rateSentence() string {
	var offered, good uint64
	for i := range b.Segments {
		offered += b.Segments[i].Offered
		good += b.Segments[i].OK.N()
	}
	return fmt.Sprintf("Rates over time. %s requests were due in the measured time, %s of them ended well.", units.Count(offered), units.Count(good))
}

func (b *cellBuilder) rateTable() *table {
	cols, note := b.tableColumns()
	t := &table{Head: []string{"from", "offered/s", "completed/s", "good/s", "errors/s"}, Notes: []string{note}}
	for i := range cols {
		c := &cols[i]
		t.Rows = append(t.Rows, []string{
			units.Clock(c.StartUs - b.ZeroUs), units.Rate(perSecond(c.Offered, c)), units.Rate(perSecond(c.Completed, c)),
			units.Rate(perSecond(c.Good, c)), units.Rate(perSecond(c.Errors.Total(), c)),
		})
	}
	return t
}

// maxClasses is how many classes of errors a chart tells apart.
const maxClasses = 5

// errorLayers are the classes drawn, from the bottom: the most frequent ones,
// and the others together as the last when there are too many.
func errorLayers(total *series.Errors) (layers [][]series.Class, names []string) {
	for i, c := range total.Classes() {
		if i < maxClasses-1 || (i == maxClasses-1 && len(total.Classes()) == maxClasses) {
			layers, names = append(layers, []series.Class{c}), append(names, c.Name())
			continue
		}
		if len(layers) < maxClasses {
			layers, names = append(layers, nil), append(names, "other")
		}
		layers[maxClasses-1] = append(layers[maxClasses-1], c)
	}
	return layers, names
}

// errors is chart C3.
func (b *cellBuilder) errors() *plot {
	var total series.Errors
	greatest := 0.0
	for i := range b.Overview {
		c := &b.Overview[i]
		total.Add(&c.Errors)
		greatest = max(greatest, perSecond(c.Errors.Total(), c))
	}
	s := newLinScale(greatest, units.NumberTick)
	layers, names := errorLayers(&total)
	p := &plot{
		ID: b.id + "-errors", Kind: "errors", Title: "Errors per second", Sub: "at intended start, by class, stacked", Interactive: true,
		X: b.axis.ticks(b.ZeroUs), Y: s.ticks(), Bands: b.bands(), Sentence: "Errors over time. " + words.Errors(&total, maxClasses) + ".",
		Table: b.errorTable(layers, names),
	}
	var keys []label
	p.Windows, keys = b.windows(false, nil)
	p.Grid = grid(p.X, p.Y)
	sum := func(c *series.Column, upTo int) int {
		var n uint64
		for _, l := range layers[:upTo] {
			for _, class := range l {
				n += c.Errors[class]
			}
		}
		return s.y(perSecond(n, c))
	}
	for i := range layers {
		top := func(c *series.Column) int { return sum(c, i+1) }
		bottom := func(c *series.Column) int { return sum(c, i) }
		class := "e" + strconv.Itoa(i)
		p.Paths = append(p.Paths, mark{class, "err " + class, area(b.Overview, b.axis, top, bottom)})
		if i > 0 {
			p.Paths = append(p.Paths, mark{class + "h", "errhatch", hatch(b.Overview, b.axis, top, bottom, 160/(i+1))})
		}
		p.Legend = append(p.Legend, label{Text: names[i] + " " + units.Count(classSum(&total, layers[i])), Class: class})
	}
	if len(layers) == 0 {
		p.Legend = []label{{Text: "no errors", Class: "none"}}
	}
	p.Legend = append(p.Legend, keys...)
	return p
}

func classSum(e *series.Errors, classes []series.Class) uint64 {
	var n uint64
	for _, c := range classes {
		n += e[c]
	}
	return n
}

func (b *cellBuilder) errorTable(layers [][]series.Class, names []string) *table {
	cols, note := b.tableColumns()
	t := &table{Head: append([]string{"from", "errors"}, names...), Notes: []string{note, "rows without errors are left out"}}
	for i := range cols {
		c := &cols[i]
		if c.Errors.Total() == 0 {
			continue
		}
		row := []string{units.Clock(c.StartUs - b.ZeroUs), units.Count(c.Errors.Total())}
		for _, l := range layers {
			row = append(row, units.Count(classSum(&c.Errors, l)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// eventSpan is where an event begins and ends on the charts. One that was not
// carried out stands where it was planned.
func eventSpan(e *result.Event) (from, to int64) {
	if !e.Applied {
		return e.PlannedUs, e.PlannedUs
	}
	return e.BeginUs, max(e.BeginUs, e.EndUs)
}
