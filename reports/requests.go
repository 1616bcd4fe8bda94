package reports

import (
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/reports/series"
)

// requestKind is one kind of request of a load, over all measured phases.
type requestKind struct {
	load, name string
	weight     int
	seconds    float64 // of measured time
	tally      *result.Tally
}

// requestKinds lists the named requests of the loads of a cell.
func requestKinds(loads []result.Load) (all []requestKind) {
	for i := range loads {
		l := &loads[i]
		for j := range l.Classes {
			c := &l.Classes[j]
			all = append(all, requestKind{series.OneLine(l.Name), series.OneLine(c.Name), c.Weight, l.DurationSeconds, &c.Tally})
		}
	}
	return all
}

// title is how tables name it; that of the load is left out where there is one.
func (k *requestKind) title(loads int) string {
	if loads > 1 {
		return k.load + " " + k.name
	}
	return k.name
}

// rate is the number of good answers per second.
func (k *requestKind) rate() float64 {
	if k.seconds <= 0 {
		return 0
	}
	return float64(k.tally.GoodWithin) / k.seconds
}

// latencies are p50, p90, p99, p99.9 of good answers where there are enough of
// them, and their maximum; 0 where there are not.
func latencies(t *result.Tally) (at [5]float64) {
	n := t.Response.Count
	if n > 0 {
		at[4] = t.Response.Max
	}
	if 2*t.Failed > t.Failed+t.Completed {
		return at
	}
	for i, v := range []float64{t.Response.P50, t.Response.P90, t.Response.P99, t.Response.P999} {
		if result.Enough(series.Quantiles[i], n) {
			at[i] = v
		}
	}
	return at
}

// writeRequests writes a row for each kind of request, for programs.
func writeRequests(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	head := []string{
		"cell", "load", "request", "weight", "requests", "completed", "failed", "retried", "bytes_in", "bytes_out",
		"p50_us", "p90_us", "p99_us", "p99.9_us", "max_us", "failures",
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for _, a := range r.Cells {
		for _, k := range requestKinds(a.Loads) {
			t := k.tally
			row := []string{series.OneLine(a.Name), k.load, k.name, strconv.Itoa(k.weight)}
			for _, n := range []uint64{t.Requests, t.Completed, t.Failed, t.Retried, t.BytesIn, t.BytesOut} {
				row = append(row, strconv.FormatUint(n, 10))
			}
			for _, us := range latencies(t) {
				if us > 0 {
					row = append(row, strconv.FormatFloat(us, 'f', 0, 64))
				} else {
					row = append(row, "")
				}
			}
			if err := out.Write(append(row, causes(t.FailuresByCause))); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// causes writes failures by cause, by name.
func causes(byCause map[string]uint64) string {
	var all []string
	for _, cause := range slices.Sorted(maps.Keys(byCause)) {
		all = append(all, cause+"="+strconv.FormatUint(byCause[cause], 10))
	}
	return strings.Join(all, " ")
}

// hasRequests reports whether any load has named requests.
func (r *Report) hasRequests() bool {
	for _, a := range r.Cells {
		if len(requestKinds(a.Loads)) > 0 {
			return true
		}
	}
	return false
}
