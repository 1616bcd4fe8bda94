package reports

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/junit"
	"bench/reports/internal/markdown"
	"bench/reports/series"
	"bench/reports/words"
)

// writeCSV writes one row a second: counts as they are, latencies in whole
// microseconds, empty where there are too few samples.
func writeCSV(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	head := []string{"cell", "second", "offered", "completed", "good", "errors"}
	for _, c := range series.AllClasses() {
		head = append(head, "errors "+c.Name())
	}
	if err := out.Write(append(head, "ok", "p50_us", "p90_us", "p99_us", "p99.9_us", "max_us", "lag_max_us")); err != nil {
		return err
	}
	for _, a := range r.Cells {
		for _, t := range a.Seconds() {
			row := []string{series.OneLine(a.Name), strconv.FormatInt((t.StartUs-a.ZeroUs)/second, 10)}
			for _, n := range []uint64{t.Offered, t.Completed, t.Good, t.Errors.Total()} {
				row = append(row, strconv.FormatUint(n, 10))
			}
			for _, c := range series.AllClasses() {
				row = append(row, strconv.FormatUint(t.Errors[c], 10))
			}
			n := t.OK.N()
			row = append(row, strconv.FormatUint(n, 10))
			for _, q := range series.Quantiles {
				if result.Enough(q, n) {
					row = append(row, strconv.FormatFloat(t.OK.Quantile(q), 'f', 0, 64))
				} else {
					row = append(row, "")
				}
			}
			longest := ""
			if n > 0 {
				longest = strconv.FormatFloat(t.OK.Max(), 'f', 0, 64)
			}
			if err := out.Write(append(row, longest, strconv.FormatInt(t.LagMaxUs, 10))); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// writeJSON writes what the reports derived, for programs: run.json with the
// segments and windows of every cell and the spread of repetitions filled in.
func writeJSON(w io.Writer, r *Report) error {
	type window struct {
		Events      []int             `json:"events"`
		BeginUs     int64             `json:"beginUs"`
		EndUs       int64             `json:"endUs"`
		UntilUs     int64             `json:"untilUs"`
		EffectUs    int64             `json:"effectUs"`    // -1: none
		RecoveredUs int64             `json:"recoveredUs"` // -1: not seen
		RecoveryUs  int64             `json:"recoveryUs"`  // -1: not seen
		Errors      map[string]uint64 `json:"errors,omitempty"`
		Unanswered  uint64            `json:"unanswered"`
		PeakP99Us   float64           `json:"peakP99Us"` // 0: too few samples
	}
	windows := make(map[string][]window)
	for i, a := range r.Cells {
		r.Data.Run.Cells[i].Segments = nil
		for j := range a.Segments {
			r.Data.Run.Cells[i].Segments = append(r.Data.Run.Cells[i].Segments, segmentRecord(&a.Segments[j]))
		}
		for j := range a.Windows {
			x := &a.Windows[j]
			out := window{
				BeginUs: x.BeginUs, EndUs: x.EndUs, UntilUs: x.UntilUs, EffectUs: x.EffectUs, RecoveredUs: x.RecoveredUs,
				RecoveryUs: x.RecoveryUs(), Unanswered: x.Unanswered, PeakP99Us: x.PeakP99, Errors: make(map[string]uint64),
			}
			for _, e := range x.Events {
				out.Events = append(out.Events, e.ID)
			}
			for _, c := range x.Errors.Classes() {
				out.Errors[c.Name()] = x.Errors[c]
			}
			windows[a.Name] = append(windows[a.Name], out)
		}
	}
	r.Data.Run.Spreads = series.Spreads(r.Data.Run, r.Cells)
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(struct {
		Run     *result.Run         `json:"run"`
		Windows map[string][]window `json:"windows"`
		Notes   []string            `json:"notes,omitempty"`
	}{r.Data.Run, windows, r.Data.Notes})
}

// JUnit writes a record as JUnit XML, without a result folder.
func JUnit(w io.Writer, run *result.Run) error {
	r := &Report{Data: &series.Data{Run: clean(run)}}
	for _, c := range r.Data.Run.Cells {
		r.Cells = append(r.Cells, &series.Analysis{Cell: &series.Cell{Cell: c}})
	}
	return writeJUnit(w, r)
}

func writeJUnit(w io.Writer, r *Report) error {
	run := r.Data.Run
	all := junit.Suites{Name: junit.Text(run.Scenario)}
	for _, a := range r.Cells {
		s := junit.Suite{Name: junit.Text(run.Scenario + " " + a.Name), Time: decimal(a.LengthUs, 6), Stamp: junit.Text(run.StartedAt)}
		class := junit.Text("bench." + run.Scenario)
		for i := range a.Objectives {
			o := &a.Objectives[i]
			name := o.Expr
			if o.Window != "" {
				name += " in " + o.Window
			}
			c := junit.Case{Class: class, Name: junit.Text(name)}
			text := fmt.Sprintf("%s: wanted %s, got %s", words.Objective(o), words.Wanted(o), words.GotWithin(o))
			if worst := words.Worst(a.Events, a.ZeroUs, o); worst != "" {
				text += ", worst at " + worst
			}
			if o.Reason != "" {
				text += " (" + series.OneLine(o.Reason) + ")"
			}
			switch o.Verdict {
			case result.Pass:
			case result.Fail:
				c.Failure = &junit.Result{Message: junit.Text(text), Type: result.Fail, Text: differences(o, a.Cell.Cell)}
			default:
				c.Error = &junit.Result{Message: junit.Text(text), Type: junit.Text(o.Verdict)}
			}
			s.Add(c)
		}
		s.Add(trustCase(class, a))
		for i := range a.LeftOut {
			s.Add(leftOutCase(class, "event ", &a.LeftOut[i]))
		}
		all.Add(s)
	}
	for i := range run.LeftOut {
		s := junit.Suite{Name: junit.Text(run.Scenario + " " + run.LeftOut[i].Name), Time: "0"}
		s.Add(leftOutCase(junit.Text("bench."+run.Scenario), "", &run.LeftOut[i]))
		all.Add(s)
	}
	if len(all.Suites) == 0 || (all.Failures == 0 && all.Errors == 0 && run.Verdict != result.Pass) {
		// The verdict of the run as a whole must show even where no case tells it.
		s := junit.Suite{Name: junit.Text(run.Scenario), Time: "0"}
		c := junit.Case{Class: junit.Text("bench." + run.Scenario), Name: "verdict"}
		if run.Verdict != result.Pass {
			c.Error = &junit.Result{Message: junit.Text(run.Verdict + ": " + run.Reason), Type: junit.Text(run.Verdict)}
		}
		s.Add(c)
		all.Add(s)
	}
	return all.Write(w)
}

// leftOutCase is what could not be run or happen: neither good nor bad.
func leftOutCase(class, what string, l *result.LeftOut) junit.Case {
	return junit.Case{Class: class, Name: junit.Text(what + l.Name), Skipped: &junit.Result{Message: junit.Text(l.Reason), Type: "left out"}}
}

// trustCase reports whether the measurement was good enough for the limits that were set.
func trustCase(class string, a *series.Analysis) junit.Case {
	c := junit.Case{Class: class, Name: "measurement can be trusted"}
	if a.Verdict == result.Invalid || a.Verdict == result.Partial {
		problems := words.Doubts(a.Trust.Doubts)
		if len(problems) == 0 {
			problems = []string{a.Reason}
		}
		c.Error = &junit.Result{Message: junit.Text(strings.Join(problems, "; ")), Type: result.Invalid}
	}
	return c
}

// writeMarkdown writes the report for code review tools and job summaries.
func writeMarkdown(w io.Writer, r *Report) error {
	m := reviewText{markdown.Writer{W: w}}
	run := r.Data.Run
	m.Line("# %s %s", markdown.Escape(run.Verdict), markdown.Escape(series.OneLine(run.Scenario)))
	if run.Reason != "" {
		m.Line("\n**%s**", markdown.Escape(series.OneLine(run.Reason)))
	}
	m.spreads(series.Spreads(run, r.Cells))
	for _, a := range r.Cells {
		m.cell(run, a, len(r.Cells) > 1)
	}
	m.leftOut(run.LeftOut)
	m.Line("\n## Provenance\n")
	for _, f := range [][2]string{
		{"command", run.Command},
		{"label", run.Label},
		{"started", run.StartedAt},
		{"ended", run.EndedAt},
		{"side by side", run.SideBySide},
		{"scenario hash", run.Hash},
		{"tool", "bench " + run.Tool.Version + " " + run.Tool.Commit + " " + run.Tool.Go},
	} {
		if f[1] != "" {
			m.Line("- %s: %s", f[0], markdown.Escape(series.OneLine(f[1])))
		}
	}
	for _, warning := range append(append([]string(nil), run.Warnings...), r.Data.Notes...) {
		m.Line("- warning: %s", markdown.Escape(series.OneLine(warning)))
	}
	return m.Err
}

// reviewText writes what a run came to.
type reviewText struct{ markdown.Writer }

// cell writes what a cell of the matrix came to, section by section.
func (m *reviewText) cell(run *result.Run, a *series.Analysis, many bool) {
	if many {
		m.Line("\n## %s %s", markdown.Escape(a.Verdict), markdown.Escape(series.OneLine(a.Name)))
	}
	m.facts(run, a)
	for _, section := range sections() {
		section(m, a)
	}
}

// sections are the parts of the report of a cell, in order. Each writes nothing where it
// has nothing to say.
func sections() []func(m *reviewText, a *series.Analysis) {
	return []func(*reviewText, *series.Analysis){
		(*reviewText).limits, (*reviewText).trust, (*reviewText).windows, (*reviewText).certificates, (*reviewText).notApplied,
		func(m *reviewText, a *series.Analysis) { m.leftOut(a.LeftOut) },
		(*reviewText).segments, (*reviewText).requests, (*reviewText).handshakes, (*reviewText).integrity, (*reviewText).counts,
		func(m *reviewText, a *series.Analysis) { m.abuse(a.Abuse) },
		func(m *reviewText, a *series.Analysis) { m.hosts(a.Hosts) },
	}
}

// hosts lists the other machines of the run.
func (m *reviewText) hosts(all []result.Host) {
	if len(all) == 0 {
		return
	}
	m.Table(words.HostsHead()...)
	for _, row := range words.HostsRows(all) {
		m.Row(row...)
	}
}

// facts are what the cell was.
func (m *reviewText) facts(run *result.Run, a *series.Analysis) {
	facts := []string{series.OneLine(strings.TrimSpace(a.Proxy.Driver + " " + a.Proxy.Version)), words.Length(a.Phases, a.LengthUs)}
	if l := words.Load(a.Loads); l != "" {
		facts = append(facts, l)
	}
	for _, text := range words.NotCarried(a.Loads) {
		m.Line("\n**%s**", markdown.Escape(text))
	}
	m.Line("\n%s, seed %d", markdown.Escape(strings.Join(facts, ", ")), run.Seed)
}

// limits lists the objectives.
func (m *reviewText) limits(a *series.Analysis) {
	if len(a.Objectives) > 0 {
		m.Table("limit", "wanted", "got", "worst at", "verdict")
		for i := range a.Objectives {
			o := &a.Objectives[i]
			m.Row(words.Objective(o), words.Wanted(o), words.GotWithin(o), words.Worst(a.Events, a.ZeroUs, o), o.Verdict)
		}
	}
}

// trust is how far the figures can be trusted.
func (m *reviewText) trust(a *series.Analysis) {
	t := &a.Trust
	m.Line("\nTrust: driver lag p99 %s, dropped starts %s, CPU driver %s, proxy %s, origin %s, others %s.", known(t.LagP99Us), units.Count(t.Dropped),
		markdown.Escape(units.Percent(t.DriverCPU)), markdown.Escape(units.Percent(t.ProxyCPU)), markdown.Escape(units.Percent(t.OriginCPU)), markdown.Escape(units.Percent(t.ForeignCPU)))
	for _, p := range words.Doubts(t.Doubts) {
		m.Line("- %s", markdown.Escape(series.OneLine(p)))
	}
}

// windows lists what each event came to.
func (m *reviewText) windows(a *series.Analysis) {
	if len(a.Windows) > 0 {
		m.Table("event", "at", "lasted", "errors", "peak p99", "recovery", "lost")
		for i := range a.Windows {
			m.window(a, &a.Windows[i])
		}
	}
}

// certificates list what faults can prove about themselves.
func (m *reviewText) certificates(a *series.Analysis) {
	for i := range a.Events {
		if e := &a.Events[i]; e.Certificate != nil {
			m.Line("- %s: %s", markdown.Escape(words.Event(e)), markdown.Escape(words.Certificate(e.Certificate)))
		}
	}
}

// notApplied lists the events that were not carried out.
func (m *reviewText) notApplied(a *series.Analysis) {
	for i := range a.Events {
		if e := &a.Events[i]; !e.Applied {
			m.Line("\n%s NOT APPLIED %s", markdown.Escape(words.Event(e)), markdown.Escape(series.OneLine(e.Detail)))
		}
	}
}

// segments lists the parts of the measured time.
func (m *reviewText) segments(a *series.Analysis) {
	if len(a.Segments) > 0 {
		m.Table("phase", "n", "good/s", "p50", "p90", "p99", "p99.9", "max", "errors")
		for i := range a.Segments {
			m.segment(&a.Segments[i])
		}
		if e, ok := words.AfterEnd(a.Loads); ok {
			m.Row("of these "+words.AfterEndName, units.Count(e.Good), units.None, units.None, units.None, units.None, units.None, units.None, units.Count(e.Ended-e.Good))
		}
	}
}

// counts lists what clients, proxy and origins count differently.
func (m *reviewText) counts(a *series.Analysis) {
	for _, text := range words.Counts(a.Cell.Cell) {
		m.Line("\nCounts differ: %s.", markdown.Escape(text))
	}
}

// leftOut lists what could not be run or happen.
func (m *reviewText) leftOut(all []result.LeftOut) {
	for i := range all {
		m.Line("\n%s LEFT OUT: %s", markdown.Escape(series.OneLine(all[i].Name)), markdown.Escape(series.OneLine(all[i].Reason)))
	}
}

// requests lists the kinds of requests.
func (m *reviewText) requests(a *series.Analysis) {
	kinds := requestKinds(a.Loads)
	if len(kinds) == 0 {
		return
	}
	m.Table("request", "n", "good/s", "p50", "p90", "p99", "p99.9", "max", "errors")
	for i := range kinds {
		k := &kinds[i]
		cells := []string{k.title(len(a.Loads)), units.Count(k.tally.Response.Count), units.Rate(k.rate())}
		for _, us := range latencies(k.tally) {
			cells = append(cells, known(us))
		}
		m.Row(append(cells, words.Failures(k.tally.FailuresByCause))...)
	}
}

func (m *reviewText) window(a *series.Analysis, w *series.Window) {
	name := words.Event(&w.Events[0])
	if n := len(w.Events); n > 1 {
		name = fmt.Sprintf("%s and %d more", name, n-1)
	}
	lasted, peak := units.None, units.None
	if w.EndUs > w.BeginUs {
		lasted = units.Latency(float64(w.EndUs - w.BeginUs))
	}
	if w.PeakP99 > 0 {
		peak = units.Latency(w.PeakP99)
	}
	m.Row(name, units.Clock(w.BeginUs-a.ZeroUs), lasted, words.Errors(&w.Errors, 3), peak, words.Recovery(w), units.Count(w.Unanswered))
}

func (m *reviewText) segment(s *series.Segment) {
	row := []string{s.Name, units.Count(s.OK.N()), units.Rate(float64(s.Good) * 1e6 / float64(max(s.LengthUs, 1)))}
	for _, q := range series.Quantiles {
		if v, ok := s.Shown(q); ok {
			row = append(row, units.Latency(v))
		} else {
			row = append(row, units.None)
		}
	}
	longest := units.None
	if len(s.OK) > 0 {
		longest = units.Latency(s.OK.Max())
	}
	m.Row(append(row, longest, words.Errors(&s.Errors, 3))...)
}
