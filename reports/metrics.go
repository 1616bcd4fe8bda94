package reports

import (
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/reports/internal/openmetrics"
	"bench/reports/series"
	"bench/reports/words"
)

// latencyBounds are the upper bounds of the buckets of latency, in microseconds: the same
// in every file, so that files can be added up.
var latencyBounds = [...]float64{
	50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3, 200e3, 500e3, 1e6, 2e6, 5e6, 10e6, 20e6, 50e6,
}

// metricsFile gathers the metrics of a run.
type metricsFile struct {
	openmetrics.File
	run    *result.Run
	decode hdr.Decoder
}

// writeMetrics writes the run for Prometheus. There are no time stamps: what scrapes or
// collects the file has its own, and a collector of text files takes none.
func writeMetrics(w io.Writer, r *Report) error {
	m := &metricsFile{run: r.Data.Run}
	m.wholeRun()
	for _, a := range r.Cells {
		m.cell(a)
		for i := range a.Loads {
			l := &a.Loads[i]
			if err := m.tally(&l.Tally, l.DurationSeconds, m.labels(a, "load", l.Name)); err != nil {
				return err
			}
			for j := range l.Classes {
				c := &l.Classes[j]
				if err := m.tally(&c.Tally, l.DurationSeconds, m.labels(a, "load", l.Name, "class", c.Name)); err != nil {
					return err
				}
			}
		}
	}
	_, err := io.WriteString(w, m.String())
	return err
}

// labels are those of a cell, then pairs of names and values.
func (m *metricsFile) labels(a *series.Analysis, more ...string) []openmetrics.Label {
	all := []openmetrics.Label{{Name: "scenario", Value: series.OneLine(m.run.Scenario)}}
	if a != nil {
		all = append(all,
			openmetrics.Label{Name: "cell", Value: series.OneLine(a.Name)},
			openmetrics.Label{Name: "proxy", Value: series.OneLine(strings.TrimSpace(a.Proxy.Driver + " " + a.Proxy.Version))})
	}
	for i := 0; i+1 < len(more); i += 2 {
		all = append(all, openmetrics.Label{Name: more[i], Value: series.OneLine(more[i+1])})
	}
	return all
}

func (m *metricsFile) gauge(name, unit, help string, v float64, labels []openmetrics.Label) {
	m.Family(name, openmetrics.Gauge, unit, help).Add("", v, labels...)
}

func (m *metricsFile) wholeRun() {
	run := m.run
	m.gauge("bench_run_info", "", "The run; its value is always 1.", 1,
		m.labels(nil, "label", run.Label, "version", run.Tool.Version, "commit", run.Tool.Commit, "hash", run.Hash))
	m.gauge("bench_run_verdict", "", "The verdict of the run; its value is always 1.", 1, m.labels(nil, "verdict", run.Verdict))
	m.gauge("bench_run_exit_code", "", "Exit code of the run: 0 is PASS.", float64(run.ExitCode), m.labels(nil))
	for _, t := range [][3]string{{"started", "began", run.StartedAt}, {"ended", "ended", run.EndedAt}} {
		if at, err := time.Parse(time.RFC3339Nano, t[2]); err == nil {
			m.gauge("bench_run_"+t[0]+"_timestamp_seconds", "seconds", "When the run "+t[1]+", since 1970.", float64(at.UnixMilli())/1e3, m.labels(nil))
		}
	}
}

// cell writes what is of a cell as a whole.
func (m *metricsFile) cell(a *series.Analysis) {
	m.gauge("bench_cell_verdict", "", "The verdict of a cell of the matrix; its value is always 1.", 1, m.labels(a, "verdict", a.Verdict))
	for _, o := range series.Objectives(a.Cell.Cell) {
		labels := m.labels(a, "objective", o.Expr, "window", o.Window)
		switch o.Verdict {
		case result.Pass:
			m.gauge("bench_objective_held", "", "Whether an objective held; without a value where that could not be judged.", 1, labels)
		case result.Fail:
			m.gauge("bench_objective_held", "", "Whether an objective held; without a value where that could not be judged.", 0, labels)
		}
		if o.Known {
			name, v, unit := "bench_objective", o.Got, ""
			switch o.Unit {
			case "us":
				v, unit = seconds(v), "seconds"
			case "%":
				unit = "ratio"
			}
			if unit != "" {
				name += "_" + unit
			}
			m.gauge(name, unit, "What an objective got.", v, labels)
		}
	}
	t := &a.Trust
	for _, role := range []struct {
		name  string
		share float64
	}{{"driver", t.DriverCPU}, {"proxy", t.ProxyCPU}, {"origin", t.OriginCPU}, {"others", t.ForeignCPU}} {
		m.gauge("bench_cpu_ratio", "ratio", "Share of one processor that a part of the run used; of others, share of all its processors.", role.share, m.labels(a, "role", role.name))
	}
	if t.LagP99Us > 0 {
		m.gauge("bench_lag_p99_seconds", "seconds", "How late the generator was, 99th percentile.", seconds(t.LagP99Us), m.labels(a))
	}
	m.Family("bench_dropped_starts", openmetrics.Counter, "", "Requests that were due and not begun.").Add("_total", float64(t.Dropped), m.labels(a)...)
	for i := range a.Windows {
		if w := &a.Windows[i]; w.RecoveryUs() >= 0 && len(w.Events) > 0 {
			m.gauge("bench_recovery_seconds", "seconds", "From the end of an event until the system was well again.", seconds(float64(w.RecoveryUs())),
				m.labels(a, "event", words.Event(&w.Events[0])))
		}
	}
}

// tally writes what was counted of requests over the measured time.
func (m *metricsFile) tally(t *result.Tally, length float64, labels []openmetrics.Label) error {
	with := func(name, value string) []openmetrics.Label {
		return append(slices.Clone(labels), openmetrics.Label{Name: name, Value: value})
	}
	requests := m.Family("bench_requests", openmetrics.Counter, "", "Requests that were due in the measured time, by how they ended.")
	requests.Add("_total", float64(t.Completed), with("outcome", "good")...)
	requests.Add("_total", float64(t.Failed), with("outcome", "failed")...)
	failures := m.Family("bench_request_failures", openmetrics.Counter, "", "Requests that failed, by cause.")
	for _, cause := range slices.Sorted(maps.Keys(t.FailuresByCause)) {
		failures.Add("_total", float64(t.FailuresByCause[cause]), with("cause", series.OneLine(cause))...)
	}
	m.Family("bench_request_retries", openmetrics.Counter, "", "Requests sent again because the connection had been closed.").Add("_total", float64(t.Retried), labels...)
	if length > 0 {
		m.gauge("bench_good_requests_per_second", "", "Requests that ended well in the measured time, by its length.", float64(t.GoodWithin)/length, labels)
	}
	d, err := m.decode.Decode(t.Response.HDR)
	if err != nil {
		return err
	}
	if len(d) == 0 {
		return nil
	}
	sum := 0.0
	for _, p := range d {
		sum += float64(p.Value) * float64(p.Count)
	}
	n := d.N()
	histogram := m.Family("bench_response_seconds", openmetrics.Histogram, "seconds", "Time to a good response, from its intended start.")
	for _, bound := range latencyBounds {
		histogram.Add("_bucket", float64(n-d.Above(bound)), with("le", openmetrics.Number(seconds(bound)))...)
	}
	histogram.Add("_bucket", float64(n), with("le", "+Inf")...)
	histogram.Add("_sum", seconds(sum), labels...)
	histogram.Add("_count", float64(n), labels...)
	quantiles := m.Family("bench_response_quantiles_seconds", openmetrics.Summary, "seconds", "Percentiles of the time to a good response; those with ten samples beyond.")
	for _, q := range series.Quantiles {
		if result.Enough(q, n) {
			quantiles.Add("", seconds(d.Quantile(q)), with("quantile", openmetrics.Number(q))...)
		}
	}
	quantiles.Add("_sum", seconds(sum), labels...)
	quantiles.Add("_count", float64(n), labels...)
	m.gauge("bench_response_max_seconds", "seconds", "The longest time to a good response.", seconds(d.Max()), labels)
	return nil
}

// seconds are microseconds as seconds, to the nanosecond.
func seconds(us float64) float64 { return math.Round(us*1e3) / 1e9 }
