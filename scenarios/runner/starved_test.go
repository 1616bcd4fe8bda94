package runner

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/testpeer"
)

// spinOn starts a process that never sleeps, on one processor.
func spinOn(t *testing.T, cpu int) int {
	t.Helper()
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := exec.Command(taskset, "-c", strconv.Itoa(cpu), "sh", "-c", "while :; do :; done")
	testpeer.Start(t, c) // it has no other end
	return c.Process.Pid
}

// Two that never sleep share a processor: each is ready but not running for about
// half of the time, in the sum and in each step, and no time of a fault that takes
// processors away counts.
func TestStarved(t *testing.T) {
	cpus, err := allowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	s := newStarved()
	start := time.Now()
	now := func() int64 { return time.Since(start).Microseconds() }
	origin := spinOn(t, cpus[0])
	spinOn(t, cpus[0])
	s.add(roleOrigin, origin)
	s.close(now(), 0, 0)
	for now() < 1_000_000 {
		time.Sleep(waitStep)
		s.step(now())
	}
	if waited := s.add(roleOrigin, origin); waited < 0.3 {
		t.Errorf("waited %.2f s in all", waited)
	}
	s.close(now(), 1, 1)

	phases := []result.Phase{{LengthUs: 1e6, Measured: true}}
	sum := s.byRole(phases, nil)
	if len(sum) != 1 || sum[0].Role != roleOrigin || sum[0].Share < 0.3 || sum[0].WaitedSeconds < 0.3 || sum[0].RanSeconds <= 0 {
		t.Errorf("%+v", sum)
	}
	var waited int64
	steps := s.measured(phases, nil)
	for _, w := range steps {
		waited += w.OriginUs
		if w.ProxyUs != 0 || w.DriverUs != 0 || w.ToUs <= w.FromUs {
			t.Errorf("step %+v", w)
		}
	}
	if len(steps) < 5 || waited < 300_000 {
		t.Errorf("%d µs waited in %d steps", waited, len(steps))
	}

	warmup := []result.Phase{{LengthUs: 2e6}}
	fault := []result.Event{{Kind: "process.starve", Applied: true, EndUs: 2e6}}
	for name, got := range map[string]int{
		"warm-up": len(s.byRole(warmup, nil)) + len(s.measured(warmup, nil)),
		"fault":   len(s.byRole(phases, fault)) + len(s.measured(phases, fault)),
	} {
		if got != 0 {
			t.Errorf("%s: %d entries", name, got)
		}
	}
	if got := s.byRole(phases, []result.Event{{Kind: "process.limitFiles", Applied: true, EndUs: 2e6}}); len(got) != 1 {
		t.Errorf("a fault that takes no processor: %+v", got)
	}
}

// What the parts of a run wait for each other belongs to it; what is laid to others goes
// by their use of the processors.
func TestWaitsForOthers(t *testing.T) {
	phases := []result.Phase{{LengthUs: 10e6, Measured: true}}
	for _, c := range []struct {
		own, others float64
		want        int64
	}{{1, 0, 0}, {0.95, 0.05, 200}, {0.75, 0.25, 1000}, {0.1, 0.9, 1000}} {
		s := newStarved()
		s.close(0, 0, 0)
		for i := range 8 {
			at := int64(i+1) * 250_000
			s.close(at, c.own*float64(i+1), c.others*float64(i+1))
			s.waits = append(s.waits, result.Wait{FromUs: at - 10_000, ToUs: at, ProxyUs: 1000})
		}
		for _, w := range s.measured(phases, nil) {
			if d := w.ProxyUs - c.want; d < -1 || d > 1 {
				t.Errorf("%v s used by others beside %v: %d of 1000 µs, want %d", c.others, c.own, w.ProxyUs, c.want)
			}
		}
	}
}

// The threads of a proxy that keep each other from a processor are its own doing;
// origins are there to answer on time.
func TestOwnThreadsOfAProxy(t *testing.T) {
	r := &roleTime{}
	r.add(proc.Scheduled{Ran: 3, Waited: 4}, true)
	r.add(proc.Scheduled{Ran: 3.5, Waited: 3}, true)
	r.add(proc.Scheduled{Ran: 0, Waited: 9}, false) // of the runtime
	if got := r.byOthers(roleProxy); got != 0.5 {
		t.Errorf("the proxy waited %v s for others", got)
	}
	if got := r.byOthers(roleOrigin); got != 4 {
		t.Errorf("the origins waited %v s", got)
	}
	if r.ran != 6.5 || r.waited != 16 {
		t.Errorf("%+v", r)
	}
}
