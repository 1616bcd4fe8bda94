package page

import (
	"fmt"
	"math"
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
			if series.EnoughForTable(q, n) {
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
		good += b.Segments[i].Good
	}
	return fmt.Sprintf("Rates over time. %s requests were offered in the measured time, %s ended well.", units.Count(offered), units.Count(good))
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
		ID: b.id + "-errors", Kind: "errors", Title: "Errors per second", Sub: "at completion, by class, stacked", Interactive: true,
		X: b.axis.ticks(b.ZeroUs), Y: s.ticks(), Bands: b.bands(), Sentence: "Errors over time. " + words.Errors(&total, maxClasses) + ".",
		Table: b.errorTable(layers, names),
	}
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

// maxCurves is how many segments the distribution chart tells apart.
const maxCurves = 5

// nines is chart C4: latency by percentile, one line to each segment.
func (b *cellBuilder) nines() *plot {
	s := logScale{b.Low, b.High}
	var most uint64
	for i := range b.Segments {
		most = max(most, b.Segments[i].OK.N())
	}
	decades := max(1, math.Ceil(math.Log10(max(float64(most), 10))))
	x := func(beyond float64) int { return int(math.Round(width * min(1, math.Log10(max(1/beyond, 1))/decades))) }
	p := &plot{
		ID: b.id + "-nines", Kind: "nines", Title: "Latency by percentile", Y: s.ticks(), XName: "percentile",
		Sub:      "one line to each part of the measured time, ending where its samples end; dotted where fewer than 10 lie beyond",
		Sentence: "Latency by percentile for each part of the measured time; the table below holds the figures.",
	}
	for d := 0; float64(d) <= decades; d++ {
		text := "p" + units.NumberTick(100*(1-math.Pow10(-d)))
		if d >= 3 {
			text = "p99." + "999999999"[:min(d-2, 9)]
		}
		p.X = append(p.X, tick{At: round3(100 * float64(d) / decades), Text: text})
	}
	p.Grid = grid(p.X, p.Y)
	drawn := 0
	for i := range b.Segments {
		g := &b.Segments[i]
		if len(g.OK) == 0 || g.MostlyFailed() || drawn == maxCurves {
			continue
		}
		class := "c" + strconv.Itoa(drawn)
		drawn++
		solid, dotted, end := ninesPaths(g.OK, x, s)
		p.Paths = append(p.Paths, mark{"", "line " + class, solid}, mark{"", "line thin " + class, dotted})
		p.Labels = append(p.Labels, label{At: float64(end) / height * 100, Text: g.Name, Class: class})
		p.Legend = append(p.Legend, label{Text: g.Name, Class: class})
	}
	p.Labels = spread(p.Labels, ninesPixels)
	if drawn == 0 {
		return nil
	}
	return p
}

// finest is the shortest step drawn of a distribution: less than a pixel.
const finest = 8

// ninesPaths draws one distribution: solid as far as ten samples lie beyond,
// dotted to the last sample.
func ninesPaths(d series.Dist, x func(beyond float64) int, s logScale) (solid, dotted string, end int) {
	n := float64(d.N())
	var a, z path
	below := uint64(0)
	a.move(0, s.y(float64(d[0].Value)))
	inTail := false
	for _, pt := range d {
		y := s.y(float64(pt.Value))
		below += uint64(pt.Count)
		beyond := n - float64(below)
		to := x(max(beyond, 1) / n)
		if beyond >= 10 {
			if to-a.x >= finest {
				a.vertical(y)
				a.horizontal(to)
			}
			continue
		}
		if !inTail {
			inTail = true
			a.vertical(y)
			a.horizontal(max(a.x, x(min(1, 10/n))))
			z.move(a.x, y)
		}
		z.vertical(y)
		z.horizontal(max(z.x, to))
		end = y
	}
	return a.String(), z.String(), end
}

// lane is one upstream of chart C5.
type lane struct {
	Name   string
	States []laneState
	Share  string // path of the share of requests
}

type laneState struct {
	Left, Width float64
	Class, Word string
	Narrow      bool
}

// maxLanes bounds the upstreams drawn; the table holds all.
const maxLanes = 24

func (b *cellBuilder) lanes() ([]lane, *table) {
	t := &table{Head: []string{"upstream", "from", "state", "share of requests"}}
	var out []lane
	for i := range b.Upstreams {
		u := &b.Upstreams[i]
		l := lane{Name: series.OneLine(u.Proxy + "/" + u.Server), Share: b.sharePath(u.States)}
		for _, r := range b.stateRuns(u.States) {
			percent := round3(b.axis.percent(r.end) - b.axis.percent(r.from))
			l.States = append(l.States, laneState{
				Left: b.axis.percent(r.from), Width: percent, Class: stateClass(r.state), Word: stateWord(r.state, percent), Narrow: percent < 6,
			})
			share := units.None
			if r.known > 0 {
				share = units.Percent(r.share / float64(r.known))
			}
			t.Rows = append(t.Rows, []string{l.Name, units.Clock(r.from - b.ZeroUs), series.OneLine(r.state), share})
		}
		if len(out) < maxLanes {
			out = append(out, l)
		}
	}
	return out, t
}

// stateRun is a time in which an upstream's state did not change.
type stateRun struct {
	state     string
	from, end int64
	share     float64 // requests' share times the time it held, for known µs
	known     int64
}

// stateRuns joins readings that say the same. A reading's share is that of the
// time before it.
func (b *cellBuilder) stateRuns(states []result.UpstreamState) []stateRun {
	var out []stateRun
	for j, st := range states {
		from, end := max(st.AtUs, b.axis.start), b.axis.end
		if j+1 < len(states) {
			end = states[j+1].AtUs
		}
		if end < from {
			continue
		}
		if n := len(out); n == 0 || out[n-1].state != st.State {
			out = append(out, stateRun{state: st.State, from: from})
		}
		r := &out[len(out)-1]
		r.end = end
		if j+1 < len(states) {
			r.share += states[j+1].Share * float64(end-from)
			r.known += end - from
		}
	}
	return out
}

func (b *cellBuilder) sharePath(states []result.UpstreamState) string {
	var p path
	for j := 1; j < len(states); j++ {
		from, to := max(states[j-1].AtUs, b.axis.start), states[j].AtUs
		if to > from {
			p.step(b.axis.x(from), b.axis.x(to), int(math.Round(height*(1-min(max(states[j].Share, 0), 1)))))
		}
	}
	return p.String()
}

// stateWord is the state as it fits: the word, its first letter, or nothing.
func stateWord(state string, percent float64) string {
	word := series.OneLine(state)
	switch {
	case word == "" || percent < 1.5:
		return ""
	case percent < 6:
		return string([]rune(word)[:1])
	default:
		return word
	}
}

// stateClass colours a state as HAProxy names it: "UP", "UP 1/3", "DOWN".
func stateClass(state string) string {
	switch {
	case len(state) >= 2 && state[:2] == "UP", state == "OPEN", state == "no check":
		return "up"
	case len(state) >= 4 && state[:4] == "DOWN":
		return "down"
	default:
		return "maint"
	}
}

// eventSpan is where an event begins and ends on the charts. One that was not
// carried out stands where it was planned.
func eventSpan(e *result.Event) (from, to int64) {
	if !e.Applied {
		return e.PlannedUs, e.PlannedUs
	}
	return e.BeginUs, max(e.BeginUs, e.EndUs)
}
