package objective

import (
	"fmt"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// Evaluate judges a comparison over the whole run, or over the worst of its
// windows.
func Evaluate(e *Expr, w *Window, d *Data) result.Objective {
	o := e.Planned(w)
	if w == nil {
		return d.judge(e, o, []*Span{nil})
	}
	spans := d.spans(w)
	if len(spans) == 0 {
		o.Verdict, o.Reason = result.Unclear, "the window never opened: no "+w.Kind+" was carried out"
		if slices.ContainsFunc(d.Events, func(e result.Event) bool { return e.Kind == w.Kind && e.Applied }) {
			o.Reason = "the window never opened: it lies outside the run for every " + w.Kind
		}
		return o
	}
	return d.judge(e, o, spans)
}

// EvaluateOver judges a comparison over a stretch of time; text says in the record
// which.
func EvaluateOver(e *Expr, s Span, text string, d *Data) result.Objective {
	return d.judge(e, e.Planned(&Window{Text: text}), []*Span{&s})
}

// judge fills in the record of an objective over the worst of some stretches of
// time; nil is the whole run.
func (d *Data) judge(e *Expr, o result.Objective, spans []*Span) result.Objective {
	worst, gravest, doubt := math.Inf(-1), 0, ""
	for _, s := range spans {
		if s != nil {
			o.Spans = append(o.Spans, result.Span{StartUs: s.From, EndUs: s.To})
		}
		left, why := d.value(e.left, s)
		right, whyRight := d.value(e.right, s)
		if why == "" {
			why = whyRight
		}
		if why != "" {
			// One window that cannot be judged leaves the whole unjudged, unless
			// another is broken for certain.
			if o.Reason == "" {
				o.Reason = why
			}
			continue
		}
		j := d.compare(e, s, left, right)
		if b, g := result.Beyond(e.Op, left, right), gravity(j.verdict); g > gravest || g == gravest && b > worst {
			worst, gravest = b, g
			o.Known, o.Got, o.Wanted, o.Low, o.High = true, left, right, nil, nil
			if finite(j.left) && j.left.why != "" {
				o.Low, o.High = &j.left.low, &j.left.high
			}
			o.WorstUs = d.worst(e.left, s)
			o.Verdict, doubt = j.verdict, j.reason
		}
	}
	switch {
	case o.Verdict == result.Fail:
		o.Reason = ""
	case o.Verdict == result.Invalid:
		o.Reason = doubt
	case o.Reason != "":
		o.Known, o.Verdict, o.Low, o.High = false, result.Unclear, nil, nil
	}
	if o.WorstUs >= 0 {
		o.Event = d.eventAt(o.WorstUs)
	}
	return o
}

// gravity orders the verdicts of windows: what is broken for certain weighs most.
func gravity(verdict string) int {
	return 1 + slices.Index([]string{result.Pass, result.Invalid, result.Fail}, verdict)
}

// Planned is the record of an objective before anything was measured.
func (e *Expr) Planned(w *Window) result.Objective {
	kind := max(e.left.kind, e.right.kind)
	o := result.Objective{Expr: e.Text, Metric: e.leftText, Op: e.Op, Unit: kind.Unit(), WorstUs: -1}
	if w != nil {
		o.Window = w.Text
	}
	if e.right.constant() {
		o.Wanted, _ = (&Data{}).value(e.right, nil)
	}
	return o
}

// P99Limit is the limit of "response.p99 < LIMIT" or "<=", and whether the
// expression is such.
func (e *Expr) P99Limit() (us float64, ok bool) {
	if e.leftText != "response.p99" && e.leftText != "p99" || e.Op != "<" && e.Op != "<=" || !e.right.constant() {
		return 0, false
	}
	us, _ = (&Data{}).value(e.right, nil)
	return us, true
}

// TimeLimit is the limit of "METRIC < LIMIT" or "<=" on a response, service or all time,
// in microseconds, and whether the expression is such.
func (e *Expr) TimeLimit() (us float64, ok bool) {
	if e.left.op != 'm' || !e.left.metric.latency() || e.left.metric.base == "generator.lag" ||
		e.Op != "<" && e.Op != "<=" || !e.right.constant() {
		return 0, false
	}
	us, why := (&Data{}).value(e.right, nil)
	return us, why == "" && us > 0
}

// OnlyLater reports whether delays of the run's own making, such as a load that sends late
// or parts that wait for a processor, can only break the expression, never make it hold:
// an upper limit on times that count from when requests were due. In a closed loop it is
// not so.
func (e *Expr) OnlyLater() bool {
	_, ok := e.TimeLimit()
	return ok && (e.left.metric.base == "response" || e.left.metric.base == "all")
}

// EasierWithLoad reports whether the expression is a lower limit of a time or of a rate:
// a higher load makes it hold rather than breaks it.
func (e *Expr) EasierWithLoad() bool {
	if e.left.op != 'm' || !e.right.constant() || e.Op != ">" && e.Op != ">=" {
		return false
	}
	return e.left.metric.latency() || e.left.metric.kind == Rate
}

// Samples is how many responses it takes for the expression to be decided.
func (e *Expr) Samples() (n uint64) {
	for _, m := range e.right.metrics(e.left.metrics(nil)) {
		n = max(n, m.needs())
	}
	return n
}

// CountsFailures reports whether requests that fail, or are not answered, can break the
// expression.
func (e *Expr) CountsFailures() bool {
	return slices.ContainsFunc(e.right.metrics(e.left.metrics(nil)), func(m *metric) bool {
		return slices.Contains([]string{"failed", "errors", "completed", "all"}, m.base)
	})
}

// WholeRunOnly names a metric of the expression that cannot be confined to a
// window, "" if there is none.
func (e *Expr) WholeRunOnly() string {
	for _, m := range e.right.metrics(e.left.metrics(nil)) {
		if m.ofRun() || m.ofWholeLoad() || m.base == "generator.lag" {
			return m.name
		}
	}
	return ""
}

// NeedsScenario names a metric of the expression that a load alone does not have, ""
// if there is none.
func (e *Expr) NeedsScenario() string {
	for _, m := range e.right.metrics(e.left.metrics(nil)) {
		if m.ofRun() || m.ofOrigins() {
			return m.name
		}
	}
	return ""
}

// Abortable reports whether the expression can be broken for good before the end
// of a run: an upper limit of counts or shares.
func (e *Expr) Abortable() bool {
	if e.Op != "<" && e.Op != "<=" && (e.Op != "==" || !e.right.zero()) {
		return false
	}
	all := e.right.metrics(e.left.metrics(nil))
	return e.right.constant() && len(all) > 0 && !slices.ContainsFunc(all, func(m *metric) bool {
		return m.ofRun() || m.ofWholeLoad() || m.ofOrigins() || m.latency() || m.kind == Rate
	})
}

// Reads reports whether the expression reads latencies of a series: "service" or
// "all". Without a reader, a window needs no such histograms.
func (e *Expr) Reads(series string) bool {
	return slices.ContainsFunc(e.right.metrics(e.left.metrics(nil)), func(m *metric) bool { return m.base == series })
}

// ReadsOrigins reports whether the expression reads what origins receive, for which they
// have to be asked during the run.
func (e *Expr) ReadsOrigins() bool {
	return slices.ContainsFunc(e.right.metrics(e.left.metrics(nil)), (*metric).ofOrigins)
}

// holds compares. Latencies and counts are exact in a float64 as far as they
// matter here (below 2^53).
func holds(op string, a, b float64) bool {
	switch op {
	case "==":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	default:
		return a >= b
	}
}

// value computes a side; why says what it cannot be computed for.
func (d *Data) value(n *node, s *Span) (v float64, why string) {
	switch n.op {
	case 'n':
		return n.value, ""
	case 'm':
		return d.metric(n.metric, s)
	}
	a, why := d.value(n.left, s)
	if why != "" {
		return 0, why
	}
	b, why := d.value(n.right, s)
	if why != "" {
		return 0, why
	}
	switch n.op {
	case '+':
		return a + b, ""
	case '-':
		return a - b, ""
	case '*':
		return a * b, ""
	}
	if b == 0 {
		return 0, "a division by zero"
	}
	return a / b, ""
}

func (d *Data) metric(m *metric, s *Span) (v float64, why string) {
	if m.abuse != "" {
		return d.ofAbuse(m)
	}
	if m.row == nil {
		return d.quantile(m, s)
	}
	if m.row.run != nil {
		return m.row.run(d, m.load)
	}
	if m.ofOrigins() {
		b, why := d.ofOrigins(m, s)
		return (b.low + b.high) / 2, why
	}
	var f figures
	if s == nil {
		f = d.countAll(m.load)
	} else if f = d.countIn(m.load, *s); f.seconds <= 0 {
		return 0, "nothing was measured in this time"
	}
	return m.row.counts(&f)
}

// quantile reads a latency; with fewer than ten samples beyond the quantile it
// is not known.
func (d *Data) quantile(m *metric, s *Span) (us float64, why string) {
	var texts []string
	if s == nil {
		for i := range d.Loads {
			if m.load == "" || d.Loads[i].Name == m.load {
				texts = append(texts, textOfLoad(m, &d.Loads[i]))
			}
		}
	} else {
		for _, i := range d.slicesIn(m.load, *s) {
			texts = append(texts, textOf(m, i))
		}
	}
	h, err := d.merged(texts)
	if err != nil {
		return 0, err.Error()
	}
	return quantileIn(h, m)
}

// quantileIn reads a quantile of a histogram, which is nil without samples.
func quantileIn(h *hdrhistogram.Histogram, m *metric) (us float64, why string) {
	var n uint64
	if h != nil {
		n = uint64(h.TotalCount())
	}
	if n < m.needs() {
		return 0, fmt.Sprintf("%s of %d samples; %d are needed", m.name, n, m.needs())
	}
	if m.quantile >= 1 {
		return float64(h.Max()), ""
	}
	return float64(h.ValueAtQuantile(m.quantile * 100)), ""
}

// spans are the stretches of a window, clipped to the run.
func (d *Data) spans(w *Window) []*Span {
	var all []*Span
	if w.Phase != "" {
		for _, p := range d.Phases {
			if p.Name == w.Phase {
				all = append(all, &Span{p.StartUs, p.StartUs + p.LengthUs})
			}
		}
		return all
	}
	var end int64
	for _, p := range d.Phases {
		end = max(end, p.StartUs+p.LengthUs)
	}
	for _, e := range d.Events {
		if e.Kind != w.Kind || !e.Applied {
			continue
		}
		s := Span{max(0, e.BeginUs+w.From.Microseconds()), min(end, max(e.EndUs, e.BeginUs)+w.To.Microseconds())}
		if s.To > s.From {
			all = append(all, &s)
		}
	}
	return all
}

// worst is the beginning of the slice in which the first metric of a side was
// at its worst, -1 if there is no such place.
func (d *Data) worst(n *node, s *Span) int64 {
	list := n.metrics(nil)
	if len(list) == 0 || list[0].ofRun() || list[0].ofWholeLoad() || list[0].ofOrigins() {
		return -1
	}
	m := list[0]
	if s == nil {
		s = &Span{0, math.MaxInt64}
	}
	at, most := int64(-1), int64(0)
	for _, i := range d.slicesIn(m.load, *s) {
		var v int64
		switch {
		case m.base == "generator.lag":
			v = i.LagMaxUs
		case m.latency():
			if h, err := d.histogram(textOf(m, i)); err == nil {
				v = h.Max()
			}
		case m.row.harm != nil:
			v = m.row.harm(i)
		}
		if v > most {
			at, most = i.StartUs, v
		}
	}
	return at
}

// eventAt is the number of the event in force at a time: the last one that
// began before and ended less than a second ago; 0 if there is none.
func (d *Data) eventAt(us int64) int {
	const slack, after = 100_000, 1_000_000
	found, begin := 0, int64(math.MinInt64)
	for _, e := range d.Events {
		if e.Applied && e.Class != "seen" && e.BeginUs-slack <= us && us <= max(e.EndUs, e.BeginUs)+after && e.BeginUs > begin {
			found, begin = e.ID, e.BeginUs
		}
	}
	return found
}
