package measures

import (
	"testing"

	"bench/internal/result"
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
