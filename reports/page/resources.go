package page

import (
	"slices"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// roles of processes in chart C6, in order; what has another role is drawn last.
var roles = [...]string{"driver", "proxy", "origin"}

// gauge is one small chart of C6: a value of each role at each sample.
type gauge struct {
	title  string
	format func(float64) string
	lines  map[string][]reading
}

type reading struct {
	at int64
	v  float64
}

// gauges turns samples into the charts of C6. CPU is the share of one core
// since the sample before, summed over the processes of a role; a process that
// was not there before counts from its next sample on.
func gauges(samples []result.Sample, slots []series.Slot) []gauge {
	cpu := gauge{"CPU, share of one core", units.Percent, map[string][]reading{}}
	rss := gauge{"Memory (RSS)", units.Bytes, map[string][]reading{}}
	fds := gauge{"File descriptors", units.NumberTick, map[string][]reading{}}
	conns := gauge{"Connections", units.NumberTick, map[string][]reading{}}
	queue := gauge{"Queue and in flight", units.NumberTick, map[string][]reading{}}
	before, last := map[int]float64{}, int64(0)
	samples = ticksOf(samples)
	for i := range samples {
		s := &samples[i]
		now := make(map[int]float64)
		byCPU, byRSS, byFDs := map[string]float64{}, map[string]float64{}, map[string]float64{}
		for _, p := range s.Processes {
			now[p.PID] = p.CPUSeconds
			if old, ok := before[p.PID]; ok && s.AtUs > last {
				byCPU[p.Role] += max(0, p.CPUSeconds-old) * 1e6 / float64(s.AtUs-last)
			}
			byRSS[p.Role] += float64(p.RSSBytes)
			byFDs[p.Role] += float64(p.FDs)
		}
		if i > 0 {
			cpu.add(s.AtUs, byCPU)
		}
		rss.add(s.AtUs, byRSS)
		fds.add(s.AtUs, byFDs)
		if len(s.Stats) > 0 {
			scur, qcur := statSums(s.Stats)
			conns.add(s.AtUs, map[string]float64{"proxy": scur})
			queue.add(s.AtUs, map[string]float64{"proxy": qcur})
		}
		before, last = now, s.AtUs
	}
	for i := range slots {
		if i%10 == 0 {
			conns.add(slots[i].StartUs, map[string]float64{"driver": float64(slots[i].Conns)})
			queue.add(slots[i].StartUs, map[string]float64{"driver": float64(slots[i].InFlight)})
		}
	}
	return []gauge{cpu, rss, fds, conns, queue}
}

// tickUs is how far apart readings may be that belong together: every process of
// the proxy is read in turn, and the others with the last of them.
const tickUs = 100_000

// ticksOf joins the readings of one moment.
func ticksOf(samples []result.Sample) []result.Sample {
	var out []result.Sample
	for i := range samples {
		s := samples[i]
		if n := len(out); n > 0 && s.AtUs-out[n-1].AtUs < tickUs && s.Generation != out[n-1].Generation {
			t := &out[n-1]
			t.Processes = append(slices.Clip(t.Processes), s.Processes...)
			t.Stats = append(slices.Clip(t.Stats), s.Stats...)
			t.Generation = s.Generation
			continue
		}
		out = append(out, s)
	}
	return out
}

// statSums are the sessions and the queue of a proxy: of its frontends and
// backends, or of whatever rows there are.
func statSums(rows []result.StatsRow) (scur, qcur float64) {
	has := func(name string) bool {
		return slices.ContainsFunc(rows, func(r result.StatsRow) bool { return r.Server == name })
	}
	sessions := "BACKEND"
	if has("FRONTEND") {
		sessions = "FRONTEND"
	}
	for _, r := range rows {
		if r.Server == sessions {
			scur += float64(r.Values["scur"])
		}
		if r.Server == "BACKEND" {
			qcur += float64(r.Values["qcur"])
		}
	}
	return scur, qcur
}

func (g *gauge) add(at int64, values map[string]float64) {
	for role, v := range values {
		g.lines[role] = append(g.lines[role], reading{at, v})
	}
}

// roleNames are the roles of a gauge in the order they are drawn.
func (g *gauge) roleNames() []string {
	var out []string
	for _, r := range roles {
		if len(g.lines[r]) > 0 {
			out = append(out, r)
		}
	}
	var rest []string
	for r := range g.lines {
		if !slices.Contains(roles[:], r) {
			rest = append(rest, r)
		}
	}
	slices.Sort(rest)
	return append(out, rest...)
}

// maxReadings bounds the points of a line in C6.
const maxReadings = 300

// resources is chart C6.
func (b *cellBuilder) resources() ([]*plot, *table) {
	var out []*plot
	t := &table{Head: []string{"measure", "role", "least", "median", "greatest", "last"}}
	for _, g := range gauges(b.Samples, b.Slots) {
		names := g.roleNames()
		if len(names) == 0 {
			continue
		}
		greatest := 0.0
		for _, r := range names {
			greatest = max(greatest, slices.MaxFunc(g.lines[r], func(a, b reading) int { return cmpFloat(a.v, b.v) }).v)
		}
		s := newLinScale(greatest, tickFormat(g.format))
		p := &plot{Kind: "small", Title: g.title, X: b.axis.ticks(b.ZeroUs), Y: s.ticks(), Bands: b.bands()}
		p.Sentence = g.title + " over time."
		p.Grid = grid(nil, p.Y)
		for i, r := range names {
			class := "c" + string(rune('0'+min(i, 4)))
			p.Paths = append(p.Paths, mark{"", "line thin2 " + class, readingsPath(g.lines[r], b.axis, s)})
			p.Legend = append(p.Legend, label{Text: series.OneLine(r), Class: class})
			v := make([]float64, 0, len(g.lines[r]))
			for _, x := range g.lines[r] {
				v = append(v, x.v)
			}
			last := v[len(v)-1]
			slices.Sort(v)
			t.Rows = append(t.Rows, []string{g.title, series.OneLine(r), g.format(v[0]), g.format(v[len(v)/2]), g.format(v[len(v)-1]), g.format(last)})
		}
		out = append(out, p)
	}
	return out, t
}

// tickFormat drops the trailing zeros of a formatter's number.
func tickFormat(format func(float64) string) func(float64) string {
	return func(v float64) string { return units.Trim(format(v)) }
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// readingsPath draws readings as steps: each holds until the next. Where there
// are more than fit, the greatest of each group stands for it.
func readingsPath(r []reading, a axis, s linScale) string {
	per := (len(r) + maxReadings - 1) / maxReadings
	var p path
	for i := 0; i < len(r); i += per {
		v := 0.0
		for _, x := range r[i:min(i+per, len(r))] {
			v = max(v, x.v)
		}
		end := a.end
		if i+per < len(r) {
			end = r[i+per].at
		} else if i > 0 {
			end = min(a.end, r[i].at+(r[i].at-r[i-per].at))
		}
		p.step(a.x(r[i].at), a.x(end), s.y(v))
	}
	return p.String()
}
