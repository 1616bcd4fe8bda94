// Package witness watches the machine beside a load, to tell the seconds in which it was
// disturbed from those in which the generator was late by itself.
package witness

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"bench/internal/hdr"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/proc"
	"bench/internal/thread"
)

// What makes a second a disturbed one: the machine was not there for as long as
// this, at once or in all.
const (
	witnessEvery  = time.Millisecond
	lateFromUs    = 100  // a wake-up counts as late from here on
	lateAtOnceUs  = 1000 // by one wake-up
	lateInAllUs   = 2000 // by all late ones of a second
	waitedSeconds = 0.002
)

// Witness watches the machine from a thread that has nothing to do with the
// load, on the same processors: it sleeps for a millisecond again and again and
// notes how late it wakes up. Once a second it asks the kernel how long the host
// had taken the processors away, and how long the load's thread had waited for
// one that no other thread of the generator can have had. So a second in which the generator could not be on time is told apart from
// one in which it was not.
type Witness struct {
	origin int64
	cpus   []int
	tid    atomic.Int64             // of the load's thread while it runs
	left   atomic.Pointer[counters] // when it ended
	stop   atomic.Bool
	done   chan struct{}

	mu        sync.Mutex
	Disturbed []bool // by second of the run, as far as it has been judged
	WakeUp    *hdrhistogram.Histogram
	Stolen    float64
	Waited    float64
}

// Start begins to watch; seconds count from origin.
func Start(origin int64, cpus []int) *Witness {
	w := &Witness{origin: origin, cpus: cpus, done: make(chan struct{}), WakeUp: hdr.NewShort()}
	go w.run()
	return w
}

// End stops watching.
func (w *Witness) End() {
	w.stop.Store(true)
	<-w.done
}

// Judged reports whether a second has been judged, and how.
func (w *Witness) Judged(second int) (disturbed, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if second < 0 || second >= len(w.Disturbed) {
		return false, false
	}
	return w.Disturbed[second], true
}

func (w *Witness) run() {
	defer close(w.done)
	runtime.LockOSThread() // until the goroutine ends: the thread is pinned
	if thread.Pin(w.cpus) != nil || thread.ExactTimers() != nil {
		return // the load's own thread fails for the same reason and says so
	}
	thread.Prompt(true)
	p, err := poller.New("", 64)
	if err != nil {
		return
	}
	defer p.Close()
	var events [1]poller.Event
	var second lateness
	current := 0
	read := w.read(counters{})
	for {
		before := loop.Nanotime()
		if _, err := p.Wait(events[:], witnessEvery); err != nil {
			return
		}
		now := loop.Nanotime()
		late := hdr.Microseconds(now - before - int64(witnessEvery))
		at := int((before - w.origin) / int64(time.Second))
		last := w.stop.Load()
		if before >= w.origin && (at != current || last) {
			now := w.read(read)
			w.close(at, &second, now.less(read))
			second, current, read = lateness{}, at, now
		}
		if last {
			return
		}
		if now >= w.origin {
			second.add(late)
			hdr.Record(w.WakeUp, late)
		}
	}
}

// lateness is how late the wake-ups of a second were, in microseconds.
type lateness struct{ most, sum int64 }

func (l *lateness) add(us int64) {
	if us >= lateFromUs {
		l.most = max(l.most, us)
		l.sum += us
	}
}

// Enter is called by the load's thread when it begins, leave when it ends: the
// kernel forgets what a thread waited as soon as it is gone.
func (w *Witness) Enter() {
	if w != nil {
		w.tid.Store(int64(unix.Gettid()))
	}
}

func (w *Witness) Leave() {
	if w == nil {
		return
	}
	var c counters
	c.ofThread(unix.Gettid())
	w.left.Store(&c)
	w.tid.Store(0)
}

// counters are what the kernel has counted so far, in seconds.
type counters struct {
	stolen float64 // by the host of the machine
	waited float64 // by the load's thread
	others float64 // what the other threads of the process ran
}

func (c counters) less(d counters) counters {
	return counters{c.stolen - d.stolen, c.waited - d.waited, c.others - d.others}
}

// ofThread reads what is told of the load's thread.
func (c *counters) ofThread(tid int) {
	t, err := proc.ReadThread(os.Getpid(), tid)
	if err != nil {
		return
	}
	var all unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &all) == nil {
		c.waited, c.others = t.Waited, float64(all.Nano())/1e9-t.Ran
	}
}

// read is what the kernel counts now; what it does not tell stays as it was.
func (w *Witness) read(c counters) counters {
	if s, err := proc.Stolen(w.cpus); err == nil {
		c.stolen = s
	}
	if tid := w.tid.Load(); tid > 0 {
		c.ofThread(int(tid))
	} else if left := w.left.Load(); left != nil {
		c.waited, c.others = left.waited, left.others
	}
	return c
}

// close judges the seconds before next that have not been judged yet.
func (w *Witness) close(next int, l *lateness, d counters) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Stolen += d.stolen
	w.Waited += d.waited
	bad := l.most >= lateAtOnceUs || l.sum >= lateInAllUs || d.stolen > 0 || d.waited-max(d.others, 0) >= waitedSeconds
	until := max(next, len(w.Disturbed)+1) // the last second is cut short
	for len(w.Disturbed) < until {
		w.Disturbed = append(w.Disturbed, bad)
	}
}
