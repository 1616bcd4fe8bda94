package loop

import (
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/poison"
	"bench/internal/poller"
)

func TestMain(m *testing.M) {
	poison.Enable()
	os.Exit(m.Run())
}

// canned is a poller that reports what it is told to, without a kernel.
type canned struct {
	poller.Poller
	waits           []time.Duration
	ready           [][]poller.Event // by wait
	err             error
	sleep           time.Duration
	removed, closed int
}

func (p *canned) Wait(out []poller.Event, timeout time.Duration) (int, error) {
	p.waits = append(p.waits, timeout)
	time.Sleep(p.sleep)
	n := 0
	if i := len(p.waits) - 1; i < len(p.ready) {
		n = copy(out, p.ready[i])
	}
	return n, p.err
}

func (p *canned) Add(int, uint32, poller.Events) error { return nil }
func (p *canned) Remove(int)                           { p.removed++ }
func (p *canned) Forget(int)                           {}
func (p *canned) Close()                               { p.closed++ }

func cannedLoop(p *canned) *Loop {
	return &Loop{p: p, slots: make([]slot, 64), scratch: make([]byte, 16), wakeFD: -1, done: make(chan struct{}), now: Nanotime()}
}

type readyFunc func(poller.Events)

func (f readyFunc) Ready(ev poller.Events) { f(ev) }

type expiredFunc func()

func (f expiredFunc) Expired(*Timer) { f() }

type runFunc func()

func (f runFunc) Run() { f() }

// A wait is as long as nothing is to be done, less the time that is watched or spun.
func TestHowLongATurnMaySleep(t *testing.T) {
	const ten = int64(10 * time.Second)
	nothing := expiredFunc(func() {})
	for _, c := range []struct {
		name      string
		set       func(l *Loop)
		low, high time.Duration // of the sleep
		spinning  bool
	}{
		{"nothing to do", func(*Loop) {}, poller.Forever, poller.Forever, false},
		{"a task", func(l *Loop) { l.Wake(&Task{}) }, 0, 0, false},
		{"a task and a timer", func(l *Loop) { l.SetTimer(&Timer{}, Nanotime()+ten, nothing); l.Wake(&Task{}) }, 0, 0, false},
		{"stopping", func(l *Loop) { l.stopping.Store(true) }, 0, 0, false},
		{"a timer", func(l *Loop) { l.SetTimer(&Timer{}, Nanotime()+ten, nothing) }, 9 * time.Second, 10 * time.Second, false},
		{"a timer that is due", func(l *Loop) { l.SetTimer(&Timer{}, Nanotime()-1, nothing) }, 0, 0, false},
		{"a timer within the spin time", func(l *Loop) { l.spin = 2 * ten; l.SetTimer(&Timer{}, Nanotime()+ten, nothing) }, 0, 0, true},
		{"a timer beyond the spin time", func(l *Loop) { l.spin = ten / 2; l.SetTimer(&Timer{}, Nanotime()+ten, nothing) }, 4 * time.Second, 5 * time.Second, false},
		{"watching", func(l *Loop) { l.watch, l.active = ten, Nanotime() }, 0, 0, true},
		{"watching, and a timer", func(l *Loop) {
			l.watch, l.active = ten, Nanotime()
			l.SetTimer(&Timer{}, Nanotime()+ten, nothing)
		}, 0, 0, true},
		{"watched long enough", func(l *Loop) { l.watch, l.active = 1, Nanotime()-ten }, poller.Forever, poller.Forever, false},
		{"watched long enough, and a timer", func(l *Loop) {
			l.watch, l.active = 1, Nanotime()-ten
			l.SetTimer(&Timer{}, Nanotime()+ten, nothing)
		}, 9 * time.Second, 10 * time.Second, false},
	} {
		l := cannedLoop(&canned{})
		c.set(l)
		d, spinning, _ := l.timeout()
		if d < c.low || d > c.high || spinning != c.spinning {
			t.Errorf("%s: %v, spinning %v; want %v to %v, %v", c.name, d, spinning, c.low, c.high, c.spinning)
		}
	}
}

// A long wait begins with a short one, which costs less where something comes.
func TestALongWaitBeginsWithAShortOne(t *testing.T) {
	one := []poller.Event{{FD: 3}}
	const short = poller.ShortWait
	for _, c := range []struct {
		name    string
		timeout time.Duration
		p       canned
		stop    bool
		want    []time.Duration
		n       int
	}{
		{"only to look", 0, canned{}, false, []time.Duration{0}, 0},
		{"short", short, canned{}, false, []time.Duration{short}, 0},
		{"long", short + time.Millisecond, canned{}, false, []time.Duration{short, time.Millisecond}, 0},
		{"for ever", poller.Forever, canned{}, false, []time.Duration{short, poller.Forever}, 0},
		{"something comes at once", poller.Forever, canned{ready: [][]poller.Event{one}}, false, []time.Duration{short}, 1},
		{"something comes later", poller.Forever, canned{ready: [][]poller.Event{nil, one}}, false, []time.Duration{short, poller.Forever}, 1},
		{"stopped meanwhile", poller.Forever, canned{}, true, []time.Duration{short}, 0},
		{"broken", poller.Forever, canned{err: errors.New("broken")}, false, []time.Duration{short}, 0},
	} {
		l := cannedLoop(&c.p)
		l.stopping.Store(c.stop)
		n, err := l.wait(c.timeout)
		if n != c.n || !errors.Is(err, c.p.err) || !slices.Equal(c.p.waits, c.want) {
			t.Errorf("%s: %d events, %v, waits %v; want %d and %v", c.name, n, err, c.p.waits, c.n, c.want)
		}
	}
}

// Time counts as idle where the turn waited, and as spun where it did not sleep; a turn
// that had something to do counts for neither.
func TestIdleTimeIsThatOfWaits(t *testing.T) {
	nothing := expiredFunc(func() {})
	const slept = 30 * time.Millisecond
	const due = int64(20 * time.Millisecond)
	one := []poller.Event{{FD: 3, Gen: 9}}
	for _, c := range []struct {
		name            string
		set             func(l *Loop)
		ready           []poller.Event
		idle, spun      bool
		active, adapted bool
	}{
		{"asleep until a timer", func(l *Loop) { l.SetTimer(&Timer{}, Nanotime()+due, nothing) }, nil, true, false, false, true},
		{"woken by an event", func(l *Loop) { l.SetTimer(&Timer{}, Nanotime()+due, nothing) }, one, true, false, true, false},
		{"asleep for ever", func(*Loop) {}, one, true, false, true, false},
		{"spinning", func(l *Loop) { l.spin = 1e9; l.SetTimer(&Timer{}, Nanotime()+due, nothing) }, nil, true, true, false, false},
		{"spinning until an event", func(l *Loop) { l.spin = 1e9; l.SetTimer(&Timer{}, Nanotime()+due, nothing) }, one, false, false, true, false},
		{"a task", func(l *Loop) { l.Wake(&Task{R: runFunc(func() {})}) }, nil, false, false, false, false},
		{"a task and an event", func(l *Loop) { l.Wake(&Task{R: runFunc(func() {})}) }, one, false, false, true, false},
	} {
		p := &canned{sleep: slept, ready: [][]poller.Event{c.ready}}
		l := cannedLoop(p)
		l.adapt = adaption{least: 1, most: math.MaxInt64, share: 1, since: Nanotime()}
		c.set(l)
		began, spin := Nanotime()-int64(time.Hour), l.spin
		l.now = began // the wait is not counted from the turn before
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
		if idle := time.Duration(l.idle); (idle >= slept) != c.idle || idle > time.Minute {
			t.Errorf("%s: idle %v", c.name, idle)
		}
		if spun := time.Duration(l.adapt.spun); (spun >= slept) != c.spun {
			t.Errorf("%s: spun %v", c.name, spun)
		}
		if (l.active != 0) != c.active || (l.spin != spin) != c.adapted {
			t.Errorf("%s: active %v, spin %d after %d", c.name, l.active != 0, l.spin, spin)
		}
		if l.turns != 1 || l.now < began+int64(time.Hour) {
			t.Errorf("%s: turn %d, the clock was not read", c.name, l.turns)
		}
	}
	l := cannedLoop(&canned{err: errors.New("broken")})
	if err := l.turn(); err == nil || err.Error() != "broken" {
		t.Errorf("a poller that broke: %v", err)
	}
}

// What a handler, a timer or a task leaves in the scratch buffer is gone for the next one.
func TestScratchIsOverwrittenAfterEveryHandler(t *testing.T) {
	p := &canned{ready: [][]poller.Event{{{FD: 3, Gen: 1}, {FD: 4, Gen: 2}}}}
	l := cannedLoop(p)
	var wrong []string
	look := func(who string) {
		if l.scratch[0] == 'x' {
			wrong = append(wrong, who)
		}
		l.Scratch()[0] = 'x'
	}
	for _, fd := range []int{3, 4} {
		if err := l.Add(fd, poller.In, readyFunc(func(poller.Events) { look("a handler") })); err != nil {
			t.Fatal(err)
		}
	}
	l.SetTimer(&Timer{}, Nanotime()-1, expiredFunc(func() { look("a timer") }))
	l.Wake(&Task{R: runFunc(func() { look("the first task") })})
	l.Wake(&Task{R: runFunc(func() { look("the second task") })})
	if err := l.turn(); err != nil {
		t.Fatal(err)
	}
	if len(wrong) > 0 || l.scratch[0] == 'x' {
		t.Errorf("seen what another one had left there: %v", wrong)
	}
	for i, task := range l.running[:2] {
		if task != nil {
			t.Errorf("task %d is held after it has run", i)
		}
	}
}

// Events of a descriptor that was removed, or of one before it, reach nobody.
func TestStaleEventsReachNobody(t *testing.T) {
	p := &canned{}
	l := cannedLoop(p)
	got := map[string]int{}
	handler := func(name string) Handler { return readyFunc(func(poller.Events) { got[name]++ }) }
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	const none = 60 // no file has this number
	must(l.Add(5, poller.In, handler("removed")))
	old := l.slots[5].gen
	l.Remove(5)
	must(l.Add(none, poller.In, handler("first")))
	first := l.slots[none].gen
	l.Close(none)
	p.ready = [][]poller.Event{{{FD: 5, Gen: old}, {FD: none, Gen: first}}}
	must(l.turn())
	must(l.Add(none, poller.In, handler("second")))
	p.ready = append(p.ready, nil, []poller.Event{{FD: none, Gen: first}, {FD: none, Gen: l.slots[none].gen}})
	for len(p.waits) < 3 {
		must(l.turn())
	}
	if len(got) != 1 || got["second"] != 1 || p.removed != 1 {
		t.Errorf("handled %v, removed %d", got, p.removed)
	}
	must(l.Add(64, poller.In, handler("beyond"))) // one more than there are slots
	if len(l.slots) < 65 || l.slots[64].h == nil {
		t.Errorf("%d slots", len(l.slots))
	}
}

// open reports whether a descriptor is.
func open(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func TestCloseClosesTheDescriptor(t *testing.T) {
	l := cannedLoop(&canned{})
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	if err := l.Add(fds[0], poller.In, readyFunc(func(poller.Events) {})); err != nil {
		t.Fatal(err)
	}
	l.Close(fds[0])
	// Nobody reads the pipe any longer: a descriptor of the same number may be another's.
	if _, err := unix.Write(fds[1], []byte{1}); !errors.Is(err, unix.EPIPE) {
		t.Errorf("writing to the other end: %v, want %v", err, unix.EPIPE)
	}
}

// A loop that sleeps for ever is woken by what is posted and by Stop, and sleeps again
// after it; when it has ended nothing is left of it.
func TestWakingAndEnding(t *testing.T) {
	procs := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(procs)
	l, err := New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	if d := Nanotime() - l.Now(); d < 0 || d > int64(time.Minute) {
		t.Errorf("a new loop is %v late", time.Duration(d))
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	within := func(what string, done <-chan struct{}) {
		t.Helper()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: the loop was not woken", what)
		}
	}
	var turns uint64
	for range 3 {
		done := make(chan struct{})
		l.Post(func() { turns = l.Turns(); close(done) })
		within("posted", done)
	}
	if n := runtime.GOMAXPROCS(0); n < 1+spare {
		t.Errorf("the loop left %d processors of the scheduler", n)
	}
	time.Sleep(50 * time.Millisecond)
	done := make(chan struct{})
	l.Post(func() { turns = l.Turns() - turns; close(done) })
	within("posted again", done)
	if turns > 20 {
		t.Errorf("%d turns while there was nothing to do", turns)
	}
	if !l.Call(func() {
		before := l.Now()
		time.Sleep(time.Millisecond)
		if at := l.Refresh(); at <= before || l.Now() != at {
			t.Errorf("the clock reads %d after %d, the turn's is %d", at, before, l.Now())
		}
	}) {
		t.Error("a call was not carried out")
	}
	time.Sleep(10 * time.Millisecond) // it sleeps again
	l.Stop()
	stopped := make(chan struct{})
	go func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
		close(stopped)
	}()
	within("stopped", stopped)
	for range 2 { // the second one finds the lock free
		if l.Post(func() {}) || l.Call(func() {}) {
			t.Error("a loop that has ended takes work")
		}
	}
}

func TestEndClosesWhatTheLoopHas(t *testing.T) {
	p := &canned{}
	l := cannedLoop(p)
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	l.wakeFD = fd
	said := 0
	l.AtEnd(func() { said++ })
	l.End()
	if p.closed != 1 || open(fd) || said != 1 {
		t.Errorf("poller closed %d times, wake-up descriptor open %v, %d called", p.closed, open(fd), said)
	}
}

func TestMakeRoomOnlyRaises(t *testing.T) {
	procs := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(procs)
	for _, loops := range []int32{4, 1} {
		makeRoom(loops)
		if n := runtime.GOMAXPROCS(0); n != 4+spare {
			t.Errorf("%d processors after %d loops, want those for 4", n, loops)
		}
	}
}

// The spin time at the edges of its rules.
func TestSpinAtTheEdges(t *testing.T) {
	for _, c := range []struct {
		name            string
		a               adaption
		spin, now, late int64
		want, spun      int64
	}{
		{"fixed", adaption{}, 700, 0, 5000, 700, 0},
		{"a signal", adaption{most: 1e6}, 700, 0, -1, 700, 0},
		{"exactly in time", adaption{most: 1e6}, 700, 0, 0, 600, 0},
		{"as late as it may be", adaption{most: 1e6}, 700, 0, 700, 600, 0},
		{"later", adaption{most: 1e6}, 700, 0, 701, 700 + spinLonger, 0},
		{"later, at the most", adaption{most: 701}, 701, 0, 702, 701, 0},
		{"in time, at the least", adaption{most: 1e6, least: 650}, 700, 0, 0, 650, 0},
		{"spun as much as it may", adaption{most: 1e6, share: 0.5, spun: 50}, 700, 100, 701, 700 + spinLonger, 50},
		{"spun more", adaption{most: 1e6, share: 0.5, spun: 51}, 700, 100, 701, 600, 51},
		{"a second ago", adaption{most: 1e6, spun: 80}, 700, 1e9, 0, 600, 80},
		{"longer ago", adaption{most: 1e6, spun: 80}, 700, 1e9 + 1, 0, 600, 40},
	} {
		if got := c.a.next(c.spin, c.now, c.late); got != c.want || c.a.spun != c.spun {
			t.Errorf("%s: spin %d, spun %d; want %d and %d", c.name, got, c.a.spun, c.want, c.spun)
		}
	}
}

// A stopped timer is not held by the memory behind the heap.
func TestStoppedTimersAreLetGo(t *testing.T) {
	var q timers
	var all [5]Timer
	for i := range all {
		q.set(&all[i], int64(i), expiredFunc(func() {}))
	}
	for i := range all {
		q.stop(&all[i])
	}
	for i, held := range q.heap[:cap(q.heap)] {
		if held != nil {
			t.Errorf("entry %d still holds a timer", i)
		}
	}
}
