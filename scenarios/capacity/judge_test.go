package capacity

import (
	"slices"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
	"bench/scenarios/objective"
)

// outcome is a trial of two seconds: responses by their time in microseconds, and so many
// requests that failed.
func outcome(t *testing.T, failed int, responses map[int64]int) *Outcome {
	t.Helper()
	h := hdrhistogram.New(1, 3_600_000_000, 3)
	n := 0
	for us, count := range responses {
		n += count
		if err := h.RecordValues(us, int64(count)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	hdr := string(text)
	if n == 0 {
		hdr = ""
	}
	l := result.Load{
		Name: "clients", Arrival: "constant", DurationSeconds: 2, RatePerSecond: float64(n) / 2,
		Tally: result.Tally{
			Requests: uint64(n + failed), Completed: uint64(n), Failed: uint64(failed), GoodWithin: uint64(n), EndedWithin: uint64(n),
			FailuresByCause: map[string]uint64{result.CauseProxy5xx: uint64(failed)},
			Response:        result.Latency{Unit: "us", Count: uint64(n), HDR: hdr, P99: float64(h.ValueAtQuantile(99))},
		},
	}
	return &Outcome{Measured: &Measured{Loads: []result.Load{l}}, Record: result.Trial{Rate: float64(n) / 2}}
}

func judges(t *testing.T, texts ...string) *Judges {
	t.Helper()
	j := &Judges{Timeout: 1}
	for _, text := range texts {
		e, err := objective.Parse(text, objective.Names{Loads: []string{"clients"}})
		if err != nil {
			t.Fatal(err)
		}
		j.Objectives = append(j.Objectives, NewObjective(e))
	}
	return j
}

// Trials of a rate are judged by their merged histograms: neither by a majority, nor by
// an average of percentiles.
func TestJudgedTogether(t *testing.T) {
	j := judges(t, "response.p99 < 20ms", "errors < 1%")
	good := func() *Outcome { return outcome(t, 0, map[int64]int{10_000: 1000}) }
	for _, c := range []struct {
		name string
		all  []*Outcome
		held bool
		says string
	}{
		{"one that holds", []*Outcome{good()}, true, ""},
		{"one that does not", []*Outcome{outcome(t, 0, map[int64]int{10_000: 900, 30_000: 100})}, false, "response.p99 < 20ms"},
		{"three that hold and one with 3 % slow requests", []*Outcome{good(), good(), good(), outcome(t, 0, map[int64]int{10_000: 970, 30_000: 30})}, true, ""},
		{"three that hold and one with 5 %", []*Outcome{good(), good(), good(), outcome(t, 0, map[int64]int{10_000: 950, 30_000: 50})}, false, "response.p99 < 20ms"},
		{"three that just do not and one without any", []*Outcome{
			outcome(t, 0, map[int64]int{10_000: 988, 30_000: 12}), outcome(t, 0, map[int64]int{10_000: 988, 30_000: 12}),
			outcome(t, 0, map[int64]int{10_000: 988, 30_000: 12}), good(),
		}, true, ""},
		{"failures", []*Outcome{outcome(t, 20, map[int64]int{10_000: 1000})}, false, "errors < 1%"},
		{"failures in one of four", []*Outcome{outcome(t, 20, map[int64]int{10_000: 1000}), good(), good(), good()}, true, ""},
		{"hardly any answer", []*Outcome{outcome(t, 1900, map[int64]int{10_000: 100})}, false, "100 of 2\u202f000 requests got a good answer"},
		{"no answer", []*Outcome{outcome(t, 2000, nil)}, false, "0 of 2\u202f000 requests got a good answer"},
	} {
		got := j.Judge(c.all)
		if got.Held != c.held || got.Doubt != "" || !strings.Contains(strings.Join(got.Broken, ", "), c.says) {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.held == (len(got.Broken) > 0) {
			t.Errorf("%s: held %v with %q broken", c.name, got.Held, got.Broken)
		}
	}
}

// What this machine leaves undecided is a doubt, and no rate that holds.
func TestJudgeDoubts(t *testing.T) {
	j := judges(t, "response.p99 < 20ms")
	o := outcome(t, 0, map[int64]int{10_000: 900, 21_000: 100})
	o.Measured.Waits = []result.Wait{{FromUs: 0, ToUs: 10_000, ProxyUs: 5_000}, {FromUs: 10_000, ToUs: 20_000, ProxyUs: 5_000}}
	if got := j.Judge([]*Outcome{o}); got.Held || got.Doubt == "" || !strings.Contains(got.Doubt, "had no processor") {
		t.Errorf("a proxy that waited for a processor: %+v", got)
	}
	o = outcome(t, 0, map[int64]int{10_000: 1000})
	o.Measured.Doubts = []result.Doubt{{Concerns: result.ConcernsTimes, Text: "the clock was set"}}
	if got := j.Judge([]*Outcome{o}); !got.Held || got.Doubt != "" {
		t.Errorf("a limit that holds in spite of all delays: %+v", got)
	}
	o.Measured.Loads[0].Arrival = "closed"
	if got := j.Judge([]*Outcome{o}); got.Held || !strings.Contains(got.Doubt, "the clock was set") {
		t.Errorf("in a closed loop: %+v", got)
	}
	o = outcome(t, 0, map[int64]int{10_000: 900, 40_000: 100})
	o.Measured.Doubts = []result.Doubt{{Concerns: result.ConcernsTimes, Text: "the clock was set"}}
	if got := j.Judge([]*Outcome{o, outcome(t, 0, map[int64]int{10_000: 1000})}); got.Held || !strings.Contains(got.Doubt, "the clock was set") {
		t.Errorf("a limit that others may have broken: %+v", got)
	}
	o = outcome(t, 0, map[int64]int{10_000: 1000})
	o.Measured.Doubts = []result.Doubt{{Concerns: result.ConcernsLoad, Text: "out of ports"}}
	if got := j.Judge([]*Outcome{o}); got.Held || !strings.Contains(got.Doubt, "out of ports") {
		t.Errorf("a load that was not sent: %+v", got)
	}
	few := outcome(t, 0, map[int64]int{10_000: 500})
	if got := j.Judge([]*Outcome{few}); got.Held || !strings.Contains(got.Doubt, "1000 are needed") {
		t.Errorf("too few samples: %+v", got)
	}
	if got := j.Judge([]*Outcome{few, few}); !got.Held {
		t.Errorf("enough samples together: %+v", got)
	}
}

// A delay that grows breaks a rate that would hold, and profiles of trials add up.
func TestJudgeForesees(t *testing.T) {
	j := judges(t, "response.p99 < 20ms")
	grows := outcome(t, 0, map[int64]int{10_000: 1000})
	grows.Measured.Profile = &Profile{Seconds: 2}
	flat := outcome(t, 0, map[int64]int{10_000: 1000})
	flat.Measured.Profile = &Profile{Seconds: 2}
	for i := range parts {
		grows.Measured.Profile.Count[i], grows.Measured.Profile.Sum[i] = 50, 50*(0.010+0.0002*float64(i))
		flat.Measured.Profile.Count[i], flat.Measured.Profile.Sum[i] = 5000, 5000*(0.010+0.00005*float64(i%2))
	}
	if got := j.Judge([]*Outcome{grows}); got.Held || got.BreaksAfter < 3 || got.BreaksAfter > 7 || !strings.HasPrefix(got.Broken[0], "would break after") {
		t.Errorf("%+v", got)
	}
	if got := j.Judge([]*Outcome{grows, flat}); !got.Held || got.BreaksAfter != 0 {
		t.Errorf("one of many: %+v", got)
	}
}

func TestNewProfile(t *testing.T) {
	h := hdrhistogram.New(1, 3_600_000_000, 2)
	for range 10 {
		_ = h.RecordValue(20_000)
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	slice := func(load, phase string, at int64) result.Interval {
		return result.Interval{Load: load, Phase: phase, StartUs: at, LengthUs: 100_000, Response: string(text)}
	}
	all := []result.Interval{
		slice("clients", "warmup", 0), slice("clients", "trial", 500_000), slice("clients", "trial", 2_400_000),
		slice("others", "trial", 500_000),
		{Load: "clients", Phase: "trial", StartUs: 600_000, LengthUs: 100_000},
	}
	p, err := NewProfile(all, "clients", &result.Phase{Name: "trial", StartUs: 500_000, LengthUs: 2_000_000})
	if err != nil {
		t.Fatal(err)
	}
	var counts []int
	for i, n := range p.Count {
		if n > 0 {
			counts = append(counts, i)
			if mean := p.Sum[i] / n; n != 10 || mean < 0.0198 || mean > 0.0202 {
				t.Errorf("part %d: %v responses of %v s", i, n, mean)
			}
		}
	}
	if p.Seconds != 2 || !slices.Equal(counts, []int{0, parts - 1}) {
		t.Errorf("%v s, parts %v", p.Seconds, counts)
	}
}

// What disturbs is half of the limit waited at once, or a tenth by which a load was late.
func TestDisturbed(t *testing.T) {
	j := judges(t, "response.p99 < 20ms", "errors < 1%")
	for _, c := range []struct {
		waits []result.Wait
		late  float64
		want  bool
	}{
		{nil, 0, false},
		{[]result.Wait{{ProxyUs: 9_000}, {OriginUs: 9_000}}, 0, false},
		{[]result.Wait{{ProxyUs: 1_000}, {ProxyUs: 4_000, OriginUs: 6_000}}, 0, true},
		{[]result.Wait{{DriverUs: 50_000}}, 0, false},
		{nil, 1_999, false},
		{nil, 2_000, true},
	} {
		o := outcome(t, 0, map[int64]int{10_000: 1000})
		o.Measured.Waits = c.waits
		o.Measured.Loads[0].Lag.P99 = c.late
		o.Measured.Loads[0].Lag.Max = 1e6
		if got := j.Disturbed(o.Measured); got != c.want {
			t.Errorf("waits %v, late by %v: %v, want %v", c.waits, c.late, got, c.want)
		}
	}
}
