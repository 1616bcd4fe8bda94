package sidebyside

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

func TestRatioPairsTheRounds(t *testing.T) {
	mk := func(vs ...float64) (out []Sample) {
		for _, v := range vs {
			out = append(out, Sample{CPUMicros: v})
		}
		return out
	}
	got := ratio(mk(20, 30, 80, 20), mk(10, 10, 10, 20), func(s Sample) float64 { return s.CPUMicros })
	if want := (Ratio{Median: 2.5, Low: 1, High: 8}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBusyIsWhatIsNotIdle(t *testing.T) {
	stat := []byte("cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 20 30 5000 600 1 2 3 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\n")
	if got := cpuIdle(stat, 0); got != 56 {
		t.Errorf("CPU 0 was idle for %v s, want 56", got)
	}
	if got := cpuIdle(stat, 7); got != 0 {
		t.Errorf("a CPU that is not there was idle for %v s", got)
	}
	start := time.Now()
	before := reading{at: start, subject: cpuTime{1, 0.5}, subjectIdle: 10, loadIdle: 20}
	after := reading{at: start.Add(4 * time.Second), subject: cpuTime{2, 1}, subjectIdle: 12, loadIdle: 20}
	if s := after.since(before); s != (spent{wall: 4, cpu: cpuTime{1, 0.5}, subject: 0.5, others: 0.25, loadSide: 1}) {
		t.Errorf("spent %+v", s)
	}
}

func TestUserTimesWithoutATickHaveNoRatio(t *testing.T) {
	user := func(s Sample) float64 { return s.CPUMicros - s.KernelMicros }
	x, y := []Sample{{CPUMicros: 3}, {CPUMicros: 4}}, []Sample{{CPUMicros: 3, KernelMicros: 3}, {CPUMicros: 2}}
	if got := ratio(x, y, user); got != (Ratio{2, 2, 2}) {
		t.Errorf("got %+v", got)
	}
	if got := ratio(x[:1], y[:1], user); got != (Ratio{}) {
		t.Errorf("got %+v", got)
	}
}

func TestRateOnlyCountsWhenTheSubjectWasTheLimit(t *testing.T) {
	limit := Row{A: []Sample{{Subject: 0.99, LoadSide: 0.99}}, B: []Sample{{Subject: 1, LoadSide: 0.7}}}
	if !limit.RateCounts() {
		t.Error("a saturated subject was not taken for the limit")
	}
	limit.B[0] = Sample{Subject: 0.6, LoadSide: 0.99}
	if limit.RateCounts() {
		t.Error("a saturated load side was overlooked")
	}
}

// built is the bench program.
func built(t *testing.T) string {
	t.Helper()
	self := filepath.Join(t.TempDir(), "bench")
	if out, err := exec.Command("go", "build", "-o", self, "bench/cmd/bench").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return self
}

// TestIdleConnections measures a few, to see that it works; figures of so few mean
// nothing.
func TestIdleConnections(t *testing.T) {
	testpeer.Need(t, "haproxy")
	testpeer.Need(t, "taskset")
	self := built(t)
	rows, err := MeasureIdle(t.Context(), Options{Self: self}, []int{400})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(idleNames()) {
		t.Fatalf("%d rows, want %d", len(rows), len(idleNames()))
	}
	for _, r := range rows {
		if r.Reason != "" || r.Ours.User <= 0 || r.Peer.User <= 0 || r.Peer.Heap <= 0 || r.Ratio <= 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestProcField(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	if err := os.WriteFile(file, []byte("MemTotal:  12 kB\nSlab:   34 kB\nHugePages:  1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := procField(file, "Slab"); err != nil || v != 34*1024 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := procField(file, "HugePages"); err == nil {
		t.Error("a line that is no size was read")
	}
}

func TestVersion(t *testing.T) {
	for _, tt := range []struct{ program, text, want string }{
		{"haproxy", "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nStatus: x 9.9\n", "2.6.12-1+deb12u4"},
		{"wrk", "wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer\n", "4.1.0-3+b2"},
		{"redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=x\n", "7.0.15"},
		{"nginx", "nginx version: nginx/1.22.1\n", "1.22.1"},
		{"nginx", "", ""},
	} {
		if got := version(tt.program, tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.program, got, tt.want)
		}
	}
}

// TestRowsAreNamedOnceAndHaveTargets keeps the table honest as rows are added.
func TestRowsAreNamedOnceAndHaveTargets(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range contests() {
		if seen[c.name] || c.must <= 0 || c.aim < c.must {
			t.Errorf("%q: seen before: %t, must %v, aim %v", c.name, seen[c.name], c.must, c.aim)
		}
		seen[c.name] = true
	}
	if _, err := Run(t.Context(), Options{LoadCPU: 1, Rows: []string{"http keepalive"}}); err == nil || !strings.Contains(err.Error(), `no row "http keepalive"`) {
		t.Errorf("a row that is not there: %v", err)
	}
}
