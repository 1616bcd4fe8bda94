package loadgen

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"bench/internal/result"
	"bench/internal/units"
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
	latency := func(us float64) string {
		if p.Good == 0 {
			return units.None
		}
		return units.CompactLatency(us)
	}
	_, err := fmt.Fprintf(w, "%s phase=%s offered=%s good=%s err=%s p50ok=%s p99ok=%s maxok=%s lag=%s inflight=%d conns=%d",
		units.ClockSeconds(p.AtUs), p.Phase, perSecond(p.Offered), perSecond(p.Good), perSecond(errors),
		latency(p.P50Us), latency(p.P99Us), latency(p.MaxUs), units.CompactLatency(p.LagP99Us), p.InFlight, p.Conns)
	return err
}

// Print writes the outcome of a load for people.
func Print(out io.Writer, l *result.Load) error {
	w := &strings.Builder{}
	fmt.Fprintf(w, "%s  %s  %s s  seed %d\n\n", l.Target, describe(l), units.Number(l.DurationSeconds), l.Seed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "requests\tcompleted\tfailed\tretried\tper second\tconnections\tin\tout\t\n")
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n\n", units.Count(l.Requests), units.Count(l.Completed), units.Count(l.Failed),
		units.Count(l.Retried), units.Rate(l.RatePerSecond), units.Count(l.ConnsOpened), units.Bytes(float64(l.BytesIn)), units.Bytes(float64(l.BytesOut)))
	fmt.Fprint(t, "latency\tn\tp50\tp90\tp99\tp99.9\tmax\t\n")
	rows := []struct {
		name string
		of   *result.Latency
		show bool
	}{
		{"response", &l.Response, true},
		{"service", &l.Service, true},
		{"all", &l.All, l.All.Count > l.Response.Count},
		{"lag", &l.Lag, l.Lag.Count > 0},
	}
	for _, r := range rows {
		if r.show {
			fmt.Fprintf(t, "%s\t%s\t%s\t\n", r.name, units.Count(r.of.Count), strings.Join(quantiles(r.of), "\t"))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if l.Failed > 0 {
		fmt.Fprintf(w, "\nfailures  %s\n", counts(l.FailuresByCause))
	}
	if len(l.StatusCounts) > 0 {
		fmt.Fprintf(w, "\nstatuses  %s\n", counts(l.StatusCounts))
	}
	fmt.Fprintf(w, "\ngenerator  busy %s, cpu %s s", units.Percent(l.BusyShare), units.Number(l.CPUSeconds))
	if l.Completed > 0 && l.CPUSeconds > 0 {
		fmt.Fprintf(w, ", sent %s", units.Count(l.Sent))
	}
	_, err := fmt.Fprintln(out, w.String())
	return err
}

func describe(l *result.Load) string {
	conns := fmt.Sprintf("%s connections", units.Count(uint64(l.Connections)))
	switch l.Connections {
	case 0:
		conns = "unlimited connections"
	case 1:
		conns = "1 connection"
	}
	if l.Arrival == string(Closed) {
		return "closed loop, " + conns
	}
	rate := 0.0
	if l.DurationSeconds > 0 {
		rate = float64(l.Requests) / l.DurationSeconds
	}
	return fmt.Sprintf("open loop %s/s, %s, %s", units.Rate(rate), l.Arrival, conns)
}

// quantiles prints the percentiles that have at least ten samples beyond them.
func quantiles(l *result.Latency) []string {
	out := make([]string, 0, 5)
	for _, q := range []struct {
		need  uint64
		value float64
	}{{20, l.P50}, {100, l.P90}, {1000, l.P99}, {10_000, l.P999}, {1, l.Max}} {
		if l.Count < q.need {
			out = append(out, units.None)
			continue
		}
		out = append(out, units.Latency(q.value))
	}
	return out
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
