package reports

import (
	"io"
	"math"
	"slices"

	"bench/internal/result"
	"bench/reports/internal/benchfmt"
	"bench/reports/series"
)

// writeBench writes the run as results of Go benchmarks, for benchstat: a line a cell,
// load and kind of request. Repetitions are several results of the same benchmark.
func writeBench(w io.Writer, r *Report) error {
	var f benchfmt.File
	if arch, ok := r.Data.Env["arch"].(string); ok {
		f.Config("goos", "linux")
		f.Config("goarch", series.OneLine(arch))
	}
	if cpu, ok := r.Data.Env["cpu"].(map[string]any); ok {
		if model, ok := cpu["model"].(string); ok {
			f.Config("cpu", series.OneLine(model))
		}
	}
	f.Config("pkg", "bench/run")
	f.HigherIsBetter("good/s")
	for _, a := range r.Cells {
		var parts []benchfmt.Part
		for _, x := range r.Data.Run.Axes {
			if x.Name != result.RepeatAxis {
				parts = append(parts, benchfmt.Part{Key: x.Name, Value: a.Vars[x.Name]})
			}
		}
		cost, _, _, known := series.CPUPerRequest(a)
		for i := range a.Loads {
			l := &a.Loads[i]
			of := parts
			if len(a.Loads) > 1 {
				of = append(slices.Clip(of), benchfmt.Part{Key: "load", Value: l.Name})
			}
			values := benchValues(&l.Tally, l.DurationSeconds)
			if known && len(a.Loads) == 1 {
				values = append(values, benchfmt.Value{V: math.Round(cost * 1e3), Unit: benchfmt.Unit("cpu/request", "ns")})
			}
			f.Result(r.Data.Run.Scenario, of, values)
			for j := range l.Classes {
				c := &l.Classes[j]
				f.Result(r.Data.Run.Scenario, append(slices.Clip(of), benchfmt.Part{Key: "class", Value: c.Name}), benchValues(&c.Tally, l.DurationSeconds))
			}
		}
	}
	_, err := io.WriteString(w, f.String())
	return err
}

// benchValues are the figures of a tally. Times are nanoseconds, which benchstat scales.
func benchValues(t *result.Tally, length float64) (values []benchfmt.Value) {
	n := t.Response.Count
	for _, q := range []struct {
		name  string
		q, us float64
	}{{"p50", 0.5, t.Response.P50}, {"p99", 0.99, t.Response.P99}, {"p99.9", 0.999, t.Response.P999}} {
		if result.Enough(q.q, n) {
			values = append(values, benchfmt.Value{V: math.Round(q.us * 1e3), Unit: benchfmt.Unit(q.name, "ns")})
		}
	}
	if length > 0 {
		values = append(values, benchfmt.Value{V: float64(t.GoodWithin) / length, Unit: "good/s"})
	}
	return append(values, benchfmt.Value{V: float64(t.Failed), Unit: "failed"}, benchfmt.Value{V: float64(t.Retried), Unit: "retried"})
}
