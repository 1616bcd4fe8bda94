package measures

import (
	"testing"

	"bench/internal/result"
	"bench/reports/series"
)

// What the proxy used counts between two looks within the measured time; of a process
// that was started meanwhile, all it used.
func TestUsageOf(t *testing.T) {
	look := func(at int64, all ...result.Process) result.Sample {
		return result.Sample{AtUs: at, Processes: all}
	}
	proxy := func(pid int, cpu, system float64, memory uint64) result.Process {
		return result.Process{Role: roleProxy, PID: pid, CPUSeconds: cpu, SystemSeconds: system, RSSBytes: memory}
	}
	u := usageOf([]result.Sample{
		look(500, proxy(1, 9, 9, 900)), // before
		look(1000, proxy(1, 10, 2, 10)),
		look(1500, proxy(1, 11, 2.5, 10), proxy(2, 0.5, 0.1, 20)),
		look(2000, proxy(2, 1.5, 0.3, 25)),
		look(2500, proxy(2, 7, 7, 700)), // after
	}, 1000, 2000)
	if u.fromUs != 1000 || u.toUs != 2000 || u.looks != 3 || u.memory != 30 {
		t.Errorf("%+v", u)
	}
	if u.cpu != (11-10)+1.5 || u.system != 0.5+0.3 {
		t.Errorf("%v s, %v s in the kernel", u.cpu, u.system)
	}
}

// What was watched for less than a second tells no CPU time, what was for one does.
func TestWatchedTooShort(t *testing.T) {
	for _, tt := range []struct {
		until int64
		known bool
	}{{1_999_999, false}, {2_000_000, true}} {
		c := &series.Cell{Cell: &result.Cell{
			Phases: []result.Phase{{StartUs: 1_000_000, LengthUs: 2_000_000, Measured: true}},
			Loads:  []result.Load{{Name: "clients", Target: "proxy/web"}},
		}}
		for i, at := range []int64{1_000_000, tt.until} {
			c.Samples = append(c.Samples, result.Sample{AtUs: at, Processes: []result.Process{
				{Role: roleProxy, PID: 1, CPUSeconds: 1 + 0.5*float64(i), SystemSeconds: 0.5 + 0.1*float64(i)},
			}})
		}
		all := ofProxy(c, []result.Interval{{Load: "clients", StartUs: 1_000_000, LengthUs: 2_000_000, Good: 1000}})
		if m := all[0]; m.Name != result.MeasureCPU || m.Known != tt.known || m.Known == (m.Why != "") {
			t.Errorf("watched until %d µs: %+v", tt.until, m)
		}
	}
}

// Loads that go on at once are measured in the same time, not one after the other.
func TestThroughputOfSeveralLoads(t *testing.T) {
	var sum tally
	for range 2 {
		sum.add(&result.Tally{Requests: 100, GoodWithin: 100}, 10)
	}
	for _, m := range sum.measures("", Measure{}) {
		if m.Name == result.MeasureThroughput && m.Value != 20 {
			t.Errorf("%v/s, want 20", m.Value)
		}
	}
}
