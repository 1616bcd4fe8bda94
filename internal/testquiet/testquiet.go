// Package testquiet lets a test that depends on time fail for what it tests, and not
// for what else the machine does.
package testquiet

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/proc"
	"bench/internal/testpeer"
)

// The rule: a try that fails is made again, tries times in all, if the machine was busy
// meanwhile: others used more than busyShare of the processors, or a thread that only
// sleeps woke up late by busyLate in one of a hundred times. On a quiet machine the
// first failure counts, and so does the last on a busy one: nothing is skipped.
const (
	tries     = 3
	busyShare = 0.10
	busyLate  = 2 * time.Millisecond
	// calm is how long a try waits at most for the machine to become quiet.
	calm = 3 * time.Second
)

// variable tells the process of a try that it is one.
const variable = "BENCH_TEST_TRY"

// Tried runs the test in a process of its own, again where the rule allows it, and
// reports true; the test has nothing left to do then. In that process it reports false:
//
//	if testquiet.Tried(t) {
//		return
//	}
func Tried(t *testing.T) bool {
	t.Helper()
	if os.Getenv(variable) != "" {
		return false
	}
	judge(t, tries, func() (string, outcome, bool) {
		w := startWatch()
		text, o := try(t)
		return text, o, w.busy()
	}, await)
	return true
}

// outcome is what became of a try.
type outcome int

const (
	failed outcome = iota
	passed
	skipped
)

// reporter is what judge needs of a test.
type reporter interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// judge keeps the rule; run makes a try and reports whether the machine was busy, pause
// waits before another.
func judge(t reporter, tries int, run func() (string, outcome, bool), pause func()) {
	t.Helper()
	for n := 1; ; n++ {
		text, o, busy := run()
		switch {
		case o == passed:
			return
		case o == skipped:
			t.Skip(text)
			return
		case !busy:
			t.Fatalf("failed on a quiet machine:\n%s", text)
			return
		case n == tries:
			t.Fatalf("failed %d times; the machine was too busy, so try it on a quiet one:\n%s", tries, text)
			return
		}
		t.Logf("machine too busy, trying again after:\n%s", text)
		pause()
	}
}

// try runs the test alone in a process of its own.
func try(t *testing.T) (output string, o outcome) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var pattern []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	args := []string{"-test.run", strings.Join(pattern, "/"), "-test.v", "-test.count", "1"}
	ctx := t.Context()
	if end, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Second))
		defer cancel()
		args = append(args, "-test.timeout", time.Until(end).String())
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	// Flags of the package's own, such as -full.
	args = append(args, slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool {
		return strings.HasPrefix(strings.TrimLeft(arg, "-"), "test.") || !strings.HasPrefix(arg, "-")
	})...)
	c := exec.CommandContext(ctx, self, args...)
	c.Env = append(os.Environ(), variable+"=1")
	c.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err = testpeer.Launch(c); err == nil {
		err = c.Wait()
	}
	output = out.String()
	switch {
	case err != nil:
		return output + err.Error(), failed
	case strings.Contains(output, "--- SKIP: "+t.Name()+" "):
		return output, skipped
	case !strings.Contains(output, "--- PASS: "+t.Name()+" "):
		return output + "the test did not run", failed
	}
	return output, passed
}

// Watch begins to see what else the machine does; busy ends that, and reports whether the
// machine was as busy meanwhile as makes Tried try again.
func Watch() (busy func() bool) { return startWatch().busy }

// watch sees what else the machine does.
type watch struct {
	cpus  []int
	began time.Time
	idle  float64
	own   float64
	stop  atomic.Bool
	late  chan []time.Duration
}

func startWatch() *watch {
	w := &watch{began: time.Now(), late: make(chan []time.Duration, 1)}
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		for cpu := range len(set) * 64 {
			if set.IsSet(cpu) {
				w.cpus = append(w.cpus, cpu)
			}
		}
	}
	w.idle, w.own = w.read()
	go w.sleep()
	return w
}

func (w *watch) read() (idle, own float64) {
	idle, _ = proc.IdleCPU(w.cpus) // what cannot be read counts as used by others
	if u, err := proc.ReadUsage(os.Getpid()); err == nil {
		own = u.CPUSeconds
	}
	return idle, own
}

// sleep notes how late it wakes up.
func (w *watch) sleep() {
	runtime.LockOSThread() // until the goroutine ends
	var late []time.Duration
	step := unix.NsecToTimespec(time.Millisecond.Nanoseconds())
	for !w.stop.Load() {
		before := time.Now()
		if unix.Nanosleep(&step, nil) == nil { // else woken up before its time
			late = append(late, time.Since(before)-time.Millisecond)
		}
	}
	w.late <- late
}

// busy ends the watch and says what it saw.
func (w *watch) busy() bool {
	w.stop.Store(true)
	late := <-w.late
	idle, own := w.read()
	wall := time.Since(w.began).Seconds() * float64(len(w.cpus))
	others := 1 - (idle-w.idle+own-w.own)/max(wall, 1e-9)
	slices.Sort(late)
	return others > busyShare || len(late) == 0 || late[len(late)*99/100] > busyLate
}

// await waits for a quiet moment, for so long and no longer.
func await() {
	for end := time.Now().Add(calm); time.Now().Before(end); {
		w := startWatch()
		time.Sleep(200 * time.Millisecond)
		if !w.busy() {
			return
		}
	}
}
