package sidebyside

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/result"
	"bench/internal/testpeer"
)

func TestPollerObstacles(t *testing.T) {
	for _, tt := range []struct {
		poller       string
		idle, active int
		limit        uint64
		short, full  string
	}{
		{"epoll", 8000, 16, 20_000, "", ""},
		{"select", 400, 16, 20_000, "", ""},
		{"select", 471, 16, 20_000, "", ""},
		{"select", 472, 16, 20_000, "fd", "below 1024; 496 connections need 1026"},
		{"select", 1000, 16, 20_000, "fd", "below 1024"},
		{"epoll", 12_000, 16, 20_000, "limit", "24148 descriptors, the limit is 20000"},
	} {
		c := &result.PollerContestant{Poller: tt.poller}
		short, full := pollerObstacle(c, &result.PollerRow{Idle: tt.idle, Active: tt.active}, tt.limit)
		if short != tt.short || !strings.Contains(full, tt.full) || (full == "") != (tt.full == "") {
			t.Errorf("%s, %d idle: %q, %q", tt.poller, tt.idle, short, full)
		}
	}
	c := &result.PollerContestant{Poller: "io_uring", Reason: "this kernel has no io_uring"}
	if short, full := pollerObstacle(c, &result.PollerRow{Active: 1}, 20_000); short != "not here" || full != c.Reason {
		t.Errorf("a contestant that takes no part: %q, %q", short, full)
	}
}

func TestPollerContestants(t *testing.T) {
	o := PollerOptions{Proxies: []string{"builtin", "haproxy"}, Pollers: []string{"io_uring", "poll", "epoll"}}
	var names []string
	for _, c := range o.contestants() {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, ", "); got != "epoll, poll, io_uring, haproxy epoll, haproxy poll" {
		t.Error(got)
	}
	o = PollerOptions{Idle: []int{0, 5}, Churn: []int{7}}
	works := o.works()
	if len(works) != 2 || works[0].Name != "idle" || len(works[0].Rows) != 2 || !works[1].churn || works[1].Rows[0].X != 7 {
		t.Errorf("%+v", works)
	}
}

// TestMeasurePollers measures little, to see that it works. Where a select of both
// proxies begins to fail is seen, too: nothing here is above what is held possible.
func TestMeasurePollers(t *testing.T) {
	testpeer.Need(t, "haproxy")
	testpeer.Need(t, "taskset")
	self := filepath.Join(t.TempDir(), "bench")
	if out, err := exec.Command("go", "build", "-o", self, "bench/cmd/bench").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r, err := MeasurePollers(t.Context(), PollerOptions{
		Self: self, Rounds: 1, Duration: 150 * time.Millisecond, SubjectCPU: 0, LoadCPU: 1,
		Proxies: []string{"builtin", "haproxy"}, Pollers: []string{"select", "io_uring"},
		Idle: []int{471}, Churn: []int{0},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Works) != 2 || r.Runs != 2 || r.DescriptorLimit == 0 {
		t.Fatalf("%+v", r)
	}
	for _, w := range r.Works {
		for _, c := range w.Rows[0].Cells {
			if c.Reason != "" {
				t.Log(c.Contestant, "left out:", c.Reason)
				continue
			}
			if len(c.Runs) != 2 || c.Runs[0].Requests == 0 || c.Runs[0].Failed != 0 || c.Runs[0].P50Us <= 0 {
				t.Errorf("%s, %s: %+v", w.Name, c.Contestant, c.Runs)
			}
			// A request is at least received and sent twice over; io_uring receives by
			// itself.
			least := 4.0
			if strings.Contains(c.Contestant, "io_uring") {
				least = 2
			}
			if r.NoSyscalls == "" && c.SyscallsPerRequest < least*0.95 {
				t.Errorf("%s, %s: %v system calls a request", w.Name, c.Contestant, c.SyscallsPerRequest)
			}
		}
	}
}
