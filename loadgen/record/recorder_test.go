package record

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
	"bench/loadgen/codec"
	"bench/loadgen/workload"
	"bench/scenarios/objective"
)

// played is a run on a recorder in which all is random: phases, measured or not,
// classes, when requests are due, how long they take, how they end.
func played(t *testing.T, rng *rand.Rand) (*result.Load, []result.Interval) {
	t.Helper()
	spec := steadySpec(100, 1e6)
	spec.Phases = nil
	for i := range 1 + rng.IntN(4) {
		spec.Phases = append(spec.Phases, workload.Phase{Name: fmt.Sprint("phase", i), LengthUs: 1 + rng.Int64N(700_000), Measure: rng.IntN(3) > 0})
	}
	spec.Phases[rng.IntN(len(spec.Phases))].Measure = true
	spec.Phases[rng.IntN(len(spec.Phases))].Name = "drain" // which is also what is after the end
	classes := []codec.Class{{Name: "a", Weight: 1}, {Name: "b", Weight: 1}}
	r := New(spec, classes, 0)
	var intervals []result.Interval
	rep := StartReporter(r, nil, func(l *result.AgentLine) error {
		if l.Interval != nil {
			intervals = append(intervals, *l.Interval)
		}
		return nil
	}, false, nil)
	type step struct {
		at int64
		do func(now int64)
	}
	var steps []step
	end := spec.LengthUs() * 1000
	for seq := range uint64(1 + rng.IntN(400)) {
		due := rng.Int64N(end)
		q := &Entry{Intended: due, Sent: due, Order: codec.Order{Seq: seq, Class: int(seq % 2)}}
		took := int64(rng.ExpFloat64() * 2e8)
		steps = append(steps, step{due, func(now int64) { r.Intended(q, now, true) }})
		if rng.IntN(4) == 0 {
			steps = append(steps, step{due + took/2, func(int64) { r.Retry(q) }})
		}
		fails := rng.IntN(3) == 0
		c := codec.CauseNone + 1 + codec.Cause(rng.IntN(int(codec.Causes-1)))
		steps = append(steps, step{due + took, func(now int64) {
			if fails {
				r.Bad(q, now, &Failure{Cause: c})
			} else {
				r.Good(q, now, 200)
			}
		}})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	for _, s := range steps {
		s.do(s.at)
	}
	r.Finish(max(end, steps[len(steps)-1].at+1))
	rep.Wait()
	load, err := rep.Outcome(spec)
	if err != nil {
		t.Fatal(err)
	}
	return load, intervals
}

// Windows that divide a run among them add up to its totals, whatever is counted,
// and so do phases, classes and slices: there is one rule of what belongs where.
func TestWindowsAddUpToTotals(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 11))
		load, intervals := played(t, rng)
		d := &objective.Data{Loads: []result.Load{*load}, Intervals: intervals}
		for _, p := range load.Phases {
			d.Phases = append(d.Phases, result.Phase{Name: p.Name, StartUs: p.StartUs, LengthUs: p.LengthUs, Measured: p.Measured})
		}
		windows := divide(rng, intervals)
		metrics := []string{"requests", "completed", "failed", "retried"}
		for c := codec.CauseNone + 1; c < codec.Causes; c++ {
			metrics = append(metrics, "failed."+c.String())
		}
		for _, name := range metrics {
			whole, sum := valueOf(t, name, nil, d), 0.0
			for _, w := range windows {
				if valueOf(t, "requests", &w, d) == 0 && name != "requests" && name != "completed" {
					continue // there is nothing that could have failed, which is not the same as 0
				}
				sum += valueOf(t, name, &w, d)
			}
			if sum != whole {
				t.Fatalf("seed %d: %s is %v, but %v over the windows %v", seed, name, whole, sum, windows)
			}
		}
		good := 0.0
		for _, w := range windows {
			good += valueOf(t, "rate", &w, d) * measuredSeconds(load, w)
		}
		if math.Abs(good-float64(load.GoodWithin)) > 1e-6 || math.Abs(load.RatePerSecond*load.DurationSeconds-good) > 1e-6 {
			t.Fatalf("seed %d: %d ended well in the measured time, %v by the rates of windows, %v by that of the run",
				seed, load.GoodWithin, good, load.RatePerSecond*load.DurationSeconds)
		}
		checkParts(t, seed, load, intervals)
	}
}

// checkParts compares phases, classes and slices with the load.
func checkParts(t *testing.T, seed uint64, load *result.Load, intervals []result.Interval) {
	t.Helper()
	var everything, ended, response, service, all uint64
	var phases, classes result.Tally
	add := func(to, from *result.Tally) {
		for _, n := range [][2]*uint64{
			{&to.Requests, &from.Requests},
			{&to.Completed, &from.Completed},
			{&to.Failed, &from.Failed},
			{&to.Retried, &from.Retried},
			{&to.EndedWithin, &from.EndedWithin},
			{&to.GoodWithin, &from.GoodWithin},
			{&to.Response.Count, &from.Response.Count},
			{&to.All.Count, &from.All.Count},
		} {
			*n[0] += *n[1]
		}
	}
	for i := range load.Phases {
		p := &load.Phases[i]
		everything += p.Requests
		ended += p.EndedWithin
		if p.Measured {
			add(&phases, &p.Tally)
		}
	}
	for i := range load.Classes {
		add(&classes, &load.Classes[i].Tally)
	}
	var whole result.Tally
	add(&whole, &load.Tally)
	for name, part := range map[string]*result.Tally{"phases": &phases, "classes": &classes} {
		if got, want := fmt.Sprintf("%+v", part), fmt.Sprintf("%+v", &whole); got != want {
			t.Fatalf("seed %d: %s add up to\n%s, the load to\n%s", seed, name, got, want)
		}
	}
	if ended+load.AfterEnd.Ended != everything {
		t.Fatalf("seed %d: of %d requests %d ended within the phases and %d after them", seed, everything, ended, load.AfterEnd.Ended)
	}
	for _, i := range intervals {
		failed := uint64(0)
		for _, n := range i.Errors {
			failed += n
		}
		ok := samples(t, i.Response)
		if i.Offered != ok+failed {
			t.Fatalf("seed %d: %d were due in the slice at %d, %d ended well and %d did not", seed, i.Offered, i.StartUs, ok, failed)
		}
		if !slices.ContainsFunc(load.Phases, func(p result.LoadPhase) bool {
			return p.Measured && p.Name == i.Phase && i.StartUs < p.StartUs+p.LengthUs
		}) {
			continue
		}
		response += ok
		service += samples(t, i.Service)
		if i.All != "" {
			all += samples(t, i.All)
		} else {
			all += ok
		}
	}
	if response != load.Response.Count || service != load.Service.Count || all != load.All.Count {
		t.Fatalf("seed %d: slices hold %d, %d and %d samples, the load %d, %d and %d",
			seed, response, service, all, load.Response.Count, load.Service.Count, load.All.Count)
	}
}

func samples(t *testing.T, text string) uint64 {
	t.Helper()
	if text == "" {
		return 0
	}
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return uint64(h.TotalCount())
}

// divide cuts the time from 0 on into windows at edges of slices.
func divide(rng *rand.Rand, intervals []result.Interval) (all []objective.Span) {
	from := int64(0)
	for _, i := range intervals[1:] {
		if rng.IntN(4) == 0 && i.StartUs > from {
			all = append(all, objective.Span{From: from, To: i.StartUs})
			from = i.StartUs
		}
	}
	return append(all, objective.Span{From: from, To: math.MaxInt64})
}

// measuredSeconds is how much of a window the measured phases of a load take.
func measuredSeconds(l *result.Load, w objective.Span) (s float64) {
	for _, p := range l.Phases {
		if p.Measured {
			s += float64(max(0, min(w.To, p.StartUs+p.LengthUs)-max(w.From, p.StartUs))) / 1e6
		}
	}
	return s
}

// valueOf is a metric over a stretch of time, nil being the run; a stretch in which
// nothing is measured has none.
func valueOf(t *testing.T, metric string, s *objective.Span, d *objective.Data) float64 {
	t.Helper()
	unit := ""
	if metric == "rate" {
		unit = "/s"
	}
	e, err := objective.Parse(metric+" != 0"+unit, objective.Names{})
	if err != nil {
		t.Fatal(err)
	}
	o := objective.Evaluate(e, nil, d)
	if s != nil {
		o = objective.EvaluateOver(e, *s, "", d)
	}
	if !o.Known && measuredSeconds(&d.Loads[0], *s) > 0 {
		t.Fatalf("%s over %v: %s", metric, s, o.Reason)
	}
	return o.Got
}
