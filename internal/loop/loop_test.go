package loop_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

func start(t *testing.T, name string) *loop.Loop {
	t.Helper()
	l, err := loop.New(name, 64)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestClockIsMonotonicClock(t *testing.T) {
	for range 100 {
		a := loop.Nanotime()
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			t.Fatal(err)
		}
		b := loop.Nanotime()
		if slack := int64(20 * time.Microsecond); ts.Nano() < a-slack || ts.Nano() > b+slack {
			t.Fatalf("CLOCK_MONOTONIC %d outside %d..%d", ts.Nano(), a, b)
		}
	}
}

func TestPostRunsInOrderAndStopsWithTheLoop(t *testing.T) {
	l := start(t, "")
	var got []int
	for i := range 100 {
		l.Post(func() { got = append(got, i) })
	}
	if !l.Call(func() {}) {
		t.Fatal("call failed")
	}
	if len(got) != 100 || !slices.IsSorted(got) {
		t.Errorf("posted functions ran as %v", got)
	}
	l.Stop()
	for range 1000 {
		if !l.Post(func() {}) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("post still accepted after the loop stopped")
}

type recorder struct {
	l     *loop.Loop
	id    int
	timer loop.Timer
	out   *[]int
}

func (r *recorder) Expired(*loop.Timer) { *r.out = append(*r.out, r.id) }

func TestTimersExpireInOrder(t *testing.T) {
	l := start(t, "")
	const n = 500
	var fired []int
	rec := make([]*recorder, n)
	var want []int
	l.Call(func() {
		rng := rand.New(rand.NewPCG(1, 2))
		base := l.Refresh() + int64(5*time.Millisecond)
		for i := range n {
			rec[i] = &recorder{l: l, id: i, out: &fired}
			l.SetTimer(&rec[i].timer, base+int64(rng.IntN(1000)), rec[i])
		}
		for i := range n {
			switch {
			case i%5 == 0:
				l.StopTimer(&rec[i].timer)
			default: // moved away, then to a place that is known
				l.SetTimer(&rec[i].timer, base+int64(2000+i), rec[i])
				l.SetTimer(&rec[i].timer, base+int64(n-i)*1000, rec[i])
			}
		}
		for i := n - 1; i >= 0; i-- {
			if i%5 != 0 {
				want = append(want, i)
			}
		}
	})
	deadline := time.Now().Add(2 * time.Second)
	for {
		left := 0
		l.Call(func() { left = l.Timers() })
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d timers never expired", left)
		}
		time.Sleep(time.Millisecond)
	}
	l.Call(func() {})
	if !slices.Equal(fired, want) {
		t.Errorf("fired %v, want %v", fired, want)
	}
}

type echo struct {
	l  *loop.Loop
	fd int
}

func (e *echo) Ready(poller.Events) {
	n, errno := sock.Recv(e.fd, e.l.Scratch())
	if errno == 0 && n > 0 {
		_, _ = sock.Send(e.fd, e.l.Scratch()[:n])
	}
	e.l.Rearm(e.fd, poller.In)
}

func TestEchoOnEveryPoller(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			l := start(t, m.Name)
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fds[1])
			if err := unix.SetNonblock(fds[0], true); err != nil {
				t.Fatal(err)
			}
			l.Call(func() { err = l.Add(fds[0], poller.In, &echo{l, fds[0]}) })
			if err != nil {
				t.Fatal(err)
			}
			tv := unix.NsecToTimeval(int64(time.Second))
			if err := unix.SetsockoptTimeval(fds[1], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 64)
			for range 100 {
				if _, err := unix.Write(fds[1], []byte("ping")); err != nil {
					t.Fatal(err)
				}
				if n, err := unix.Read(fds[1], buf); err != nil || string(buf[:n]) != "ping" {
					t.Fatalf("read %q, %v", buf[:n], err)
				}
			}
			l.Call(func() { l.Close(fds[0]) })
		})
	}
}

type again struct {
	l     *loop.Loop
	task  loop.Task
	times int
}

func (a *again) Run() {
	a.times++
	if a.times < 10 {
		a.l.Wake(&a.task)
	}
}

func TestTasksRunOnceAWake(t *testing.T) {
	l := start(t, "")
	a := &again{l: l}
	a.task.R = a
	l.Call(func() { l.Wake(&a.task); l.Wake(&a.task) })
	for range 100 {
		times := 0
		l.Call(func() { times = a.times })
		if times == 10 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the task did not run ten times")
}

func BenchmarkTimerMove(b *testing.B) {
	l, err := loop.New("", 64)
	if err != nil {
		b.Fatal(err)
	}
	timers := make([]recorder, 10000)
	for i := range timers {
		l.SetTimer(&timers[i].timer, int64(1e18)+int64(i), &timers[i])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := &timers[i%len(timers)]
		l.SetTimer(&r.timer, int64(1e18)+int64(i)*10, r)
		i++
	}
}

func BenchmarkTimerStartStop(b *testing.B) {
	l, err := loop.New("", 64)
	if err != nil {
		b.Fatal(err)
	}
	timers := make([]recorder, 10000)
	for i := range timers {
		l.SetTimer(&timers[i].timer, int64(1e18)+int64(i), &timers[i])
	}
	var extra recorder
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		l.SetTimer(&extra.timer, int64(1e18)+int64(20000+i), &extra)
		l.StopTimer(&extra.timer)
		i++
	}
}

func TestPanicEndsTheLoop(t *testing.T) {
	l, err := loop.New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	if l.Call(func() { panic("out of the blue") }) {
		t.Error("a call that panicked counts as done")
	}
	var fault *loop.PanicError
	if err := <-done; !errors.As(err, &fault) || fault.Value != "out of the blue" || !strings.Contains(err.Error(), "loop_test.go") {
		t.Errorf("the loop ended with %v", err)
	}
}
