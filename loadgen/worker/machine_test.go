package worker

import (
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
	"bench/internal/thread"
	"bench/loadgen/workload"
)

// A thread that has to share its processor is told to have waited for it. Whether
// that was a stranger's doing cannot be seen here, where the origin is another thread
// of the process.
func TestWitnessSeesABusyProcessor(t *testing.T) {
	sh := testpeer.Need(t, "sh")
	o := startOrigin(t, &testOrigin{}, "")
	cpu := 0
	runtime.LockOSThread()
	pinned := thread.Pin([]int{cpu})
	if pinned != nil {
		t.Skip(pinned)
	}
	// The child inherits the processor; the thread ends with the test's goroutine.
	hog := exec.Command(sh, "-c", "trap 'exit' TERM; i=0; while [ $i -lt 30000000 ]; do i=$((i+1)); done")
	if err := hog.Start(); err != nil {
		t.Fatal(err)
	}
	hogs := time.AfterFunc(400*time.Millisecond, func() { _ = hog.Process.Kill() })
	defer hogs.Stop()
	defer func() { _ = hog.Wait() }()
	spec := steady(o.addr, 2000, 600_000)
	spec.CPUs = []int{cpu}
	got, err := Run(t.Context(), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := got.Host
	if h == nil || h.WakeUp.Count < 100 || h.WaitedSeconds < 0.0005 {
		t.Fatalf("the witness saw %+v", h)
	}
}

// A generator with real-time priority keeps it while it uses little of its
// processor, and gives it up for good when it uses more.
func TestPrivilegeIsGivenUp(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	var p privilege
	now := loop.Nanotime()
	p.held, p.since, p.at, p.cpu = true, true, now, threadCPU()
	p.review(now + 1e9)
	if !p.held || p.excess != 0 {
		t.Fatalf("given up after an idle second: %+v", p)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.at, p.cpu = loop.Nanotime(), threadCPU()
	began := p.at
	for p.held && loop.Nanotime() < began+2e9 {
		for until := loop.Nanotime() + 10e6; loop.Nanotime() < until; {
			continue // use the processor
		}
		p.review(loop.Nanotime())
	}
	if p.held || p.account(began) == nil || *p.account(began).GivenUpUs < 50_000 {
		t.Errorf("kept: %+v", p)
	}
	if (&privilege{}).account(0) != nil {
		t.Error("a priority that was never held is told")
	}
}

func TestCalibrateIsWithinItsBounds(t *testing.T) {
	if us := calibrate(nil); us < leastSpinUs || us > mostSpinUs {
		t.Errorf("%d µs", us)
	}
	for want, s := range map[int64]workload.Spec{0: {}, 70: {SpinUs: 70}, closedSpinUs: {SpinUs: workload.AutoSpin, Arrival: workload.Closed}} {
		if got := spinUs(&s); got != want {
			t.Errorf("%s: %d µs, want %d", strconv.Quote(string(s.Arrival)), got, want)
		}
	}
}
