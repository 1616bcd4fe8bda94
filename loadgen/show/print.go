// Package show prints the outcome of a load for people.
package show

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen/certify"
	"bench/loadgen/workload"
)

// PrintProgress writes a live reading as one line of key=value fields.
func PrintProgress(w io.Writer, p *result.Progress) error {
	errors := uint64(0)
	for _, n := range p.Errors {
		errors += n
	}
	perSecond := func(n uint64) string {
		return fmt.Sprintf("%.0f", float64(n)*1e6/float64(max(1, p.LengthUs)))
	}
	latency := func(us float64, need int64) string {
		if p.Good < uint64(need) {
			return units.None
		}
		return units.CompactLatency(us)
	}
	_, err := fmt.Fprintf(w, "%s phase=%s offered=%s good=%s err=%s p50ok=%s p99ok=%s maxok=%s lag=%s inflight=%d conns=%d",
		units.ClockSeconds(p.AtUs), p.Phase, perSecond(p.Offered), perSecond(p.Good), perSecond(errors),
		latency(p.P50Us, p50Samples), latency(p.P99Us, p99Samples), latency(p.MaxUs, 1), units.CompactLatency(p.LagP99Us), p.InFlight, p.Conns)
	return err
}

// screen is the width of what is printed, in characters.
const screen = 80

// Print writes the outcome of a load for people: what it does not vouch for first,
// then the figures and the charts. timeline is what the run's intervals came to.
func Print(out io.Writer, l *result.Load, timeline *Timeline, ascii bool) error {
	w := &strings.Builder{}
	if l.NotCarried != "" {
		w.WriteString(units.Wrap("BEHIND   ", l.NotCarried, screen))
	}
	for i, d := range certify.Doubts(l) {
		lead := "         "
		if i == 0 {
			lead = "DOUBT    "
		}
		w.WriteString(units.Wrap(lead, d.Text, screen))
	}
	what := fmt.Sprintf("%s  %s s  seed %d", describe(l), units.Number(l.DurationSeconds), l.Seed)
	between := "  "
	if utf8.RuneCountInString(l.Target)+2+utf8.RuneCountInString(what) > screen {
		between = "\n  "
	}
	fmt.Fprintf(w, "%s%s%s\n\n", l.Target, between, what)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "requests\tcompleted\tfailed\tretried\tper second\tconns\tin\tout\t\n")
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", units.Count(l.Requests), units.Count(l.Completed), units.Count(l.Failed),
		units.Count(l.Retried), units.Rate(l.RatePerSecond), units.Count(l.ConnsOpened), units.Bytes(float64(l.BytesIn)), units.Bytes(float64(l.BytesOut)))
	if e := l.AfterEnd; e.Matters(l.Requests) {
		// Already in the line above, but for the rate.
		fmt.Fprintf(t, "after the end\t%s\t%s\t\n", units.Count(e.Good), units.Count(e.Ended-e.Good))
	}
	if l.Handshakes+l.HandshakesFailed > 0 {
		fmt.Fprintf(t, "handshakes\t%s\t%s\tresumed\t%s\t%s\t/s\t\n", units.Count(l.Handshakes), units.Count(l.HandshakesFailed), units.Count(l.Resumed), units.Rate(float64(l.Handshakes)/max(l.DurationSeconds, 1e-9)))
	}
	fmt.Fprintln(t)
	if err := printPercentiles(t, l); err != nil {
		return err
	}
	if err := printClasses(t, l); err != nil {
		return err
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if l.Failed > 0 {
		fmt.Fprintf(w, "\nfailures  %s\n", counts(l.FailuresByCause))
		for _, cause := range slices.Sorted(maps.Keys(l.FailuresByCause)) {
			if first := timeline.first[cause]; first != "" {
				fmt.Fprintf(w, "          %s, the first: %s\n", cause, first)
			}
		}
		for i := range l.Classes {
			if c := &l.Classes[i]; c.Failed > 0 {
				fmt.Fprintf(w, "          of %s: %s\n", c.Name, counts(c.FailuresByCause))
			}
		}
	}
	if len(l.StatusCounts) > 0 {
		fmt.Fprintf(w, "\nstatuses  %s\n", counts(l.StatusCounts))
	}
	printIntegrity(w, l.Integrity)
	if l.Trace != nil {
		fmt.Fprintf(w, "\ntrace  %s requests, %s due after the end, %s lines skipped\n",
			units.Count(uint64(l.Trace.Requests)), units.Count(uint64(l.Trace.Beyond)), units.Count(uint64(l.Trace.Skipped)))
	}
	if err := printCharts(w, l, timeline, ascii); err != nil {
		return err
	}
	printGenerator(w, l)
	text := w.String()
	if ascii {
		text = units.ASCII(text)
	}
	_, err := io.WriteString(out, text)
	return err
}

// percentiles of the table; the last is the greatest value.
func percentiles() []struct {
	name string
	q    float64
} {
	return []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p75", 0.75}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1}}
}

// printPercentiles writes the table of latencies, one column for each series.
func printPercentiles(w io.Writer, l *result.Load) error {
	type column struct {
		name string
		of   *result.Latency
		hist *hdrhistogram.Histogram
	}
	columns := []column{{"response", &l.Response, nil}, {"service", &l.Service, nil}}
	if l.All.Count > l.Response.Count {
		columns = append(columns, column{"all", &l.All, nil})
	}
	if l.Lag.Count > 0 {
		columns = append(columns, column{"lag", &l.Lag, nil})
	}
	if l.Handshake != nil {
		columns = append(columns, column{"handshake", l.Handshake, nil})
	}
	head, n := []string{"latency"}, []string{"n"}
	for i := range columns {
		c := &columns[i]
		if err := hdr.Add(&c.hist, c.of.HDR); err != nil {
			return err
		}
		head, n = append(head, c.name), append(n, units.Count(c.of.Count))
	}
	line := func(cells []string) { fmt.Fprintf(w, "%s\t\n", strings.Join(cells, "\t")) }
	line(head)
	// Where most requests failed, percentiles would be those of the lucky ones.
	lucky := 2*l.Failed > l.Requests
	for _, p := range percentiles() {
		row := []string{p.name}
		for _, c := range columns {
			answered := c.name == "response" || c.name == "service"
			switch {
			case c.hist == nil || !result.Enough(p.q, c.of.Count) || lucky && answered && p.q < 1:
				row = append(row, units.None)
			case p.q == 1:
				row = append(row, units.Latency(c.of.Max))
			default:
				row = append(row, units.Latency(float64(c.hist.ValueAtQuantile(p.q*100))))
			}
		}
		line(row)
	}
	line(n)
	return nil
}

// printClasses writes a row for each kind of request.
func printClasses(w io.Writer, l *result.Load) error {
	if len(l.Classes) == 0 {
		return nil
	}
	fmt.Fprint(w, "\nrequest\tn\tper second\tp50\tp99\tp99.9\tmax\tfailed\t\n")
	for i := range l.Classes {
		c := &l.Classes[i]
		cells := []string{c.Name, units.Count(c.Requests), units.Rate(float64(c.GoodWithin) / max(l.DurationSeconds, 1e-9))}
		for _, p := range []struct {
			q, value float64
		}{{0.5, c.Response.P50}, {0.99, c.Response.P99}, {0.999, c.Response.P999}, {1, c.Response.Max}} {
			if !result.Enough(p.q, c.Response.Count) || 2*c.Failed > c.Requests && p.q < 1 {
				cells = append(cells, units.None)
			} else {
				cells = append(cells, units.Latency(p.value))
			}
		}
		fmt.Fprintf(w, "%s\t%s\t\n", strings.Join(cells, "\t"), units.Count(c.Failed))
	}
	return nil
}

// printGenerator says what the generator and the machine did.
func printGenerator(w io.Writer, l *result.Load) {
	fmt.Fprintf(w, "\ngenerator  busy %s, cpu %s s, sent %s, %s", units.Percent(l.BusyShare), units.Number(l.CPUSeconds), units.Count(l.Sent), l.Poller)
	if l.SpinUs > 0 {
		fmt.Fprintf(w, ", spin %s", units.Latency(float64(l.SpinUs)))
	}
	if r := l.RealTime; r != nil {
		fmt.Fprint(w, ", real time")
		if r.GivenUpUs != nil {
			fmt.Fprintf(w, " until %s", units.Clock(*r.GivenUpUs))
		}
	}
	fmt.Fprintln(w)
	h := l.Host
	if h == nil {
		return
	}
	fmt.Fprintf(w, "machine  woke late p99 %s max %s, stolen %s s, no cpu for %s s\n",
		stated(&h.WakeUp, 0.99, h.WakeUp.P99), stated(&h.WakeUp, 1, h.WakeUp.Max), units.Number(h.StolenSeconds), units.Number(h.WaitedSeconds))
	if len(h.DisturbedSeconds) > 0 {
		fmt.Fprintf(w, "disturbed  %s", certify.SecondsList(h.DisturbedSeconds))
		if h.QuietLag.Count > 0 {
			fmt.Fprintf(w, "; lag in the others p50 %s p99 %s", stated(&h.QuietLag, 0.5, h.QuietLag.P50), stated(&h.QuietLag, 0.99, h.QuietLag.P99))
		}
		fmt.Fprintln(w)
	}
}

// stated prints a quantile if there are samples enough for it.
func stated(of *result.Latency, q, us float64) string {
	if !result.Enough(q, of.Count) {
		return units.None
	}
	return units.Latency(us)
}

func describe(l *result.Load) string {
	conns := fmt.Sprintf("%s connections", units.Count(uint64(l.Connections)))
	switch l.Connections {
	case 0:
		conns = "unlimited connections"
	case 1:
		conns = "1 connection"
	}
	if l.Arrival == string(workload.Closed) {
		return "closed loop, " + conns
	}
	if l.Arrival == string(workload.Replay) {
		return "open loop, trace, " + conns
	}
	rate := 0.0
	if l.DurationSeconds > 0 {
		rate = float64(l.Requests) / l.DurationSeconds
	}
	return fmt.Sprintf("open loop %s/s, %s, %s", units.Rate(rate), l.Arrival, conns)
}

// counts prints a map of counts, by name.
func counts(m map[string]uint64) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if b.Len() > 0 {
			b.WriteString("   ")
		}
		b.WriteString(name + " " + units.Count(m[name]))
	}
	return b.String()
}
