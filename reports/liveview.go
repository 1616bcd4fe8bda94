package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/tty"
	"bench/reports/series"
	"bench/reports/words"
)

// Panes of the live view, by their keys.
const (
	paneMessages  = 'm'
	paneEvents    = 'e'
	paneUpstreams = 'u'
	paneResources = 'r'
	paneHelp      = '?'
)

// baselineWidth is the terminal width from which the base line has a column.
const baselineWidth = 76

// frame draws the live view for a terminal of the given size: at most height
// lines of at most width cells. It is a function of the state and the time.
func (s *liveState) frame(st tty.Style, width, height int, clock time.Time, pane rune) []string {
	f := liveFrame{liveState: s, Style: st, width: max(width, 20), now: s.now(clock)}
	f.head()
	f.table()
	f.sparks()
	const keys = "q stop and report   e events   u upstreams   r resources   ? help"
	room := height - len(f.lines) - 1
	if room > 0 {
		body := f.pane(pane)
		if pane == paneMessages && len(body) > room {
			body = body[len(body)-room:]
		}
		for _, l := range body[:min(len(body), room)] {
			f.add(l)
		}
	}
	if len(f.lines) > height-1 {
		f.lines = f.lines[:max(height-1, 0)]
	}
	return append(f.lines, st.Paint(tty.Muted, st.Plain(keys, width)))
}

type liveFrame struct {
	*liveState
	tty.Style
	width int
	now   int64
	lines []string
}

// add appends a line; a verdict word in it takes its colour.
func (f *liveFrame) add(line string) {
	line = strings.TrimRight(f.Plain(line, f.width), " ")
	for _, w := range []string{result.Fail, "LATE", "OK"} {
		if i := strings.Index(line, " "+w); i >= 0 && (len(line) == i+1+len(w) || line[i+1+len(w)] == ' ') {
			line = line[:i+1] + f.Verdict(w) + line[i+1+len(w):]
			break
		}
	}
	f.lines = append(f.lines, line)
}

// spread puts one text at the left and one at the right of a line.
func (f *liveFrame) spread(l, r string) string {
	l = tty.Fit(l, max(0, f.width-tty.Width(r)-2))
	return l + strings.Repeat(" ", max(2, f.width-tty.Width(l)-tty.Width(r))) + r
}

func (f *liveFrame) head() {
	p := &f.plan
	name := "bench run " + p.Scenario
	if p.CellCount > 1 {
		name += fmt.Sprintf("  %d/%d %s", p.CellIndex+1, p.CellCount, p.Cell)
	}
	f.add(f.spread(name+"   "+p.Proxy+"   seed "+strconv.FormatUint(p.Seed, 10), units.Clock(f.now-f.zeroUs)+" / "+units.ClockSeconds(p.LengthUs-f.zeroUs)))
	f.add(f.spread("phase   "+f.phaseText(), f.nextText()))
	lag, dropped := f.lag(), ""
	state := "OK"
	if lag > 1000 {
		state = "LATE"
	}
	f.add(f.spread("driver  "+p.Load+"   lag p99 "+units.Latency(lag)+f.cpuText("driver")+dropped, state))
}

func (f *liveFrame) phaseText() string {
	if f.begun.IsZero() {
		return "setting up"
	}
	for i := range slices.Backward(f.events) {
		e := &f.events[i]
		if !e.inForce() {
			continue
		}
		in := max(f.now-e.BeginUs, 0)
		text := fmt.Sprintf("FAULT %d %s %s   %s in", e.ID, words.Kind(&e.Event), e.Target, tenths(in))
		if left := e.EndUs - f.now; left > 0 {
			text += ", " + tenths(left) + " left"
		}
		return text
	}
	return f.phase.Name
}

// tenths prints a short time for a view that changes four times a second.
func tenths(us int64) string { return strconv.FormatFloat(float64(us)/1e6, 'f', 1, 64) + " s" }

func (f *liveFrame) nextText() string {
	next := -1
	for i := range f.events {
		e := &f.events[i]
		if !e.begun && e.PlannedUs >= f.now && (next < 0 || e.PlannedUs < f.events[next].PlannedUs) {
			next = i
		}
	}
	if next < 0 {
		return ""
	}
	e := &f.events[next]
	return "next  " + words.Kind(&e.Event) + " at " + units.ClockSeconds(e.PlannedUs-f.zeroUs)
}

func (f *liveFrame) lag() float64 {
	lag := 0.0
	for _, p := range f.loads {
		lag = max(lag, p.LagP99Us)
	}
	if !f.counted {
		lag = f.current().lagP99
	}
	return lag
}

// cpuText is the CPU a role used since the last sample.
func (f *liveFrame) cpuText(role string) string {
	if share, ok := f.cpu(role); ok {
		return "   cpu " + units.Percent(share)
	}
	return ""
}

// row prints one measure: now, base line, run, limit, and whether it holds.
func (f *liveFrame) row(name, now, base, run, limit, state string) {
	line := tty.Left(name, 11) + tty.Right(now, 10) + tty.Right(run, 11) + tty.Right(limit, 13)
	if f.width >= baselineWidth {
		line = tty.Left(name, 12) + tty.Right(now, 12) + tty.Right(base, 13) + tty.Right(run, 13) + tty.Right(limit, 13)
	}
	if state != "" {
		line += "   " + state
	}
	f.add(line)
}

func (f *liveFrame) table() {
	now, run, base := f.current(), f.sum(math.MaxInt64), liveSum{}
	if first := f.firstEvent(); first < math.MaxInt64 {
		base = f.sum(first)
	}
	f.row("", "now", "baseline", "run", "limit", "")
	rate := func(n uint64, seconds int) string {
		if seconds == 0 {
			return units.None
		}
		return units.Rate(float64(n) / float64(seconds))
	}
	f.row("offered /s", units.Rate(float64(now.offered)), rate(base.offered, base.seconds), rate(run.offered, run.seconds), "", "")
	good := float64(run.good) / math.Max(1, float64(run.seconds))
	f.row("good /s", units.Rate(float64(now.good)), rate(base.good, base.seconds), rate(run.good, run.seconds), f.limitText("rate"), f.state(good, run.seconds > 0, "rate"))
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50 ok", 0.5}, {"p99 ok", 0.99}} {
		metric := "response." + q.name[:3]
		v, known := run.ok.Quantile(q.at), result.Enough(q.at, run.ok.N())
		f.row(q.name, f.nowQuantile(now, q.at), quantileText(base.ok, q.at), quantileText(run.ok, q.at), f.limitText(metric), f.state(v, known, metric))
	}
	failed := run.errors.Total()
	share := float64(failed) / math.Max(1, float64(failed+run.good))
	runErrors := units.Percent(share)
	metric, value := "errors", share
	if f.limit("errors") == nil && f.limit("failed") != nil {
		metric, value = "failed", float64(failed)
	}
	f.row("errors /s", units.Rate(float64(now.errors.Total())), rate(base.errors.Total(), base.seconds), runErrors, f.limitText(metric), f.state(value, true, metric))
	f.add("        " + classText(&now.errors))
}

// nowQuantile is a percentile of the last second: as the agents read it when
// there is one load, else of what is known of the requests that started in it.
func (f *liveFrame) nowQuantile(now *liveSecond, q float64) string {
	if f.counted && len(f.loads) == 1 {
		for _, p := range f.loads {
			v := p.P50Us
			if q > 0.9 {
				v = p.P99Us
			}
			if !series.EnoughForLine(q, p.Good) {
				return units.None
			}
			return units.Latency(v)
		}
	}
	return quantileText(now.ok, q)
}

func quantileText(b series.Bins, q float64) string {
	if !result.Enough(q, b.N()) {
		return units.None
	}
	return units.Latency(b.Quantile(q))
}

func (f *liveFrame) limitText(metric string) string {
	if o := f.limit(metric); o != nil {
		return words.Wanted(o)
	}
	return ""
}

// state is FAIL with the time it was first seen, when a limit does not hold.
func (f *liveFrame) state(v float64, known bool, metric string) string {
	o := f.limit(metric)
	if o == nil || !known || holds(v, o.Op, o.Wanted) {
		if o != nil {
			delete(f.broken, metric)
		}
		return ""
	}
	if _, ok := f.broken[metric]; !ok {
		f.broken[metric] = f.newest
	}
	return result.Fail + "  " + units.Clock(f.broken[metric]-f.zeroUs)
}

func holds(v float64, op string, wanted float64) bool {
	switch op {
	case "<":
		return v < wanted
	case "<=":
		return v <= wanted
	case ">":
		return v > wanted
	case ">=":
		return v >= wanted
	case "==":
		return v == wanted
	case "!=":
		return v != wanted
	default:
		return true
	}
}

// classText lists the classes of errors, those that always stand there first.
func classText(e *series.Errors) string {
	always := []series.Class{series.Proxy5xx, series.Refused, series.Reset, series.Timeout, series.Short}
	var parts []string
	for _, c := range always {
		parts = append(parts, shortName(c)+" "+units.Count(e[c]))
	}
	for _, c := range e.Classes() {
		if !slices.Contains(always, c) {
			parts = append(parts, shortName(c)+" "+units.Count(e[c]))
		}
	}
	return strings.Join(parts, "   ")
}

func shortName(c series.Class) string {
	if c == series.Short {
		return "short"
	}
	return c.Name()
}

// sparks are three lines over time: p99, errors, events.
func (f *liveFrame) sparks() {
	const foot = 38
	columns := min(max(f.width-8-foot, 12), 60)
	total := int(max(f.plan.LengthUs/second, f.newest/second, 1))
	per := (total + columns - 1) / columns
	columns = (total + per - 1) / per
	known := int(f.newest / second)
	levels, none := []rune("▁▂▃▄▅▆▇█"), '·'
	if f.ASCII {
		levels, none = []rune("12345678"), '.'
	}
	p99, errs, evt := make([]rune, columns), make([]rune, columns), []rune(strings.Repeat(" ", columns))
	most := uint64(1)
	errors := make([]uint64, columns)
	for c := range columns {
		p99[c], errs[c] = ' ', ' '
		var ok series.Bins
		var top float64
		for i := c * per; i < min((c+1)*per, known, len(f.seconds)); i++ {
			ok = ok.Merge(f.seconds[i].ok)
			top = max(top, f.seconds[i].max)
			errors[c] += f.seconds[i].errors.Total()
		}
		most = max(most, errors[c])
		if c*per >= known {
			continue
		}
		p99[c] = none
		if n := ok.N(); n > 0 {
			v := ok.Quantile(0.99)
			at := (math.Log10(max(v, 1)) - 2) / 5 // 100 µs to 10 s
			p99[c] = levels[min(max(int(at*8), 0), 7)]
		}
	}
	for c := range columns {
		if errors[c] > 0 {
			errs[c] = levels[min(int(errors[c]*8/most), 7)]
		}
	}
	for i := range f.events {
		f.drawEvent(evt, &f.events[i], per)
	}
	step := strconv.Itoa(per)
	f.add("p99  |" + string(p99) + "|  100 µs .. 10 s log, 1 column = " + step + " s")
	f.add("err  |" + string(errs) + "|  0 .. " + units.Rate(float64(most)/float64(per)) + " /s")
	f.add("evt  |" + string(evt) + "|" + f.legend(evt))
}

// drawEvent puts an event's number where it began and = as long as it lasted.
func (f *liveFrame) drawEvent(evt []rune, e *liveEvent, per int) {
	if !e.begun || e.Class == "seen" {
		return
	}
	from := int(e.BeginUs / second / int64(per))
	to := int(max(e.BeginUs, min(e.EndUs, f.now)) / second / int64(per))
	for c := from; c <= to && c < len(evt); c++ {
		if c > from && evt[c] == ' ' {
			evt[c] = '='
		}
	}
	for k, r := range strconv.Itoa(e.ID) {
		if c := from + k; c >= 0 && c < len(evt) && (evt[c] == ' ' || evt[c] == '=') {
			evt[c] = r
		}
	}
}

// legend names the latest events.
func (f *liveFrame) legend([]rune) string {
	var parts []string
	for i := range slices.Backward(f.events) {
		if e := &f.events[i]; e.begun && e.Class != "seen" && len(parts) < 2 {
			parts = append([]string{strconv.Itoa(e.ID) + " " + words.Kind(&e.Event)}, parts...)
		}
	}
	return "  " + strings.Join(parts, "   ")
}
