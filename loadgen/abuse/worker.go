package abuse

import (
	"slices"
	"syscall"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/result"
	"bench/internal/sock"
	"bench/loadgen/targets"
)

// openBatch bounds the connections opened in one go, so that those that are open
// are looked after meanwhile.
const openBatch = 64

// maxLateNs is how far the opening of connections may be behind its rate before
// the rest is let go: what is missed is not made up for in one burst.
const maxLateNs = 100e6

// lingerNs is how long a client whose requests are all answered waits for the
// peer to close first.
const lingerNs = 1e9

// worker runs one set of clients on one event loop. Everything in it belongs to
// the loop's thread.
type worker struct {
	spec    *Spec
	loop    *loop.Loop
	targets *targets.List
	source  *sock.Addr
	plans   []plan
	names   []string // of variants
	begin   int64
	end     int64
	gap     int64 // ns between two connections
	timeout int64

	next  int64 // when to open another one
	turn  int   // of plans
	full  bool  // as many as may be are open
	conns []*conn
	free  []*conn
	sum   counts
	parts []counts // by variant
	most  int
	held  *hdrhistogram.Histogram

	openTimer, endTimer loop.Timer
	more                loop.Task
}

// counts are result.AbuseCounts with statuses by number.
type counts struct {
	result.AbuseCounts
	status [600]uint64
}

func newWorker(s *Spec, l *loop.Loop, targets *targets.List, source *sock.Addr, origin int64) *worker {
	k, _ := findKind(s.Kind)
	t := s.settings()
	w := &worker{
		spec: s, loop: l, targets: targets, source: source, plans: k.plans(t), names: k.variants(s),
		gap: max(1, int64(1e9/s.Rate)), timeout: defaultTimeoutUs * 1000, held: hdr.NewLong(),
	}
	if s.TimeoutUs > 0 {
		w.timeout = s.TimeoutUs * 1000
	}
	if len(s.Only) > 0 {
		w.plans = slices.DeleteFunc(w.plans, func(p plan) bool { return !slices.Contains(s.Only, w.names[p.variant]) })
	}
	w.parts = make([]counts, max(1, len(w.names)))
	w.begin = origin + s.AfterUs*1000
	w.end = w.begin + s.LengthUs*1000
	w.next = w.begin
	w.more.R = w
	return w
}

// arm sets the worker going.
func (w *worker) arm() {
	w.loop.SetTimer(&w.openTimer, w.begin, w)
	w.loop.SetTimer(&w.endTimer, w.end, w)
}

// Expired implements loop.TimerHandler.
func (w *worker) Expired(t *loop.Timer) {
	if t == &w.endTimer {
		w.finish()
		return
	}
	w.Run()
}

// Run opens the connections that are due.
func (w *worker) Run() {
	now := w.loop.Refresh()
	if now >= w.end {
		return
	}
	w.next = max(w.next, now-maxLateNs)
	for range openBatch {
		if w.full = len(w.conns) >= w.spec.Connections; w.full {
			return
		}
		if w.next > now {
			w.loop.SetTimer(&w.openTimer, w.next, w)
			return
		}
		w.next += w.gap
		w.open()
		now = w.loop.Refresh()
	}
	w.loop.Wake(&w.more)
}

// open connects one client.
func (w *worker) open() {
	p := &w.plans[w.turn%len(w.plans)]
	w.turn++
	for _, k := range w.counts(p) {
		k.Attempts++
	}
	w.try(p, 0)
}

// try connects a client to the address whose turn it is, or to the next ones; tries is
// how many addresses it has tried.
func (w *worker) try(p *plan, tries int) {
	var fd int
	var inProgress bool
	at, e := 0, syscall.Errno(0)
	for {
		tries++
		at = w.targets.Next()
		a := w.targets.Addr(at)
		o := sock.ConnectOptions{NoDelay: true, RcvBuf: p.window}
		if !a.IsUnix() {
			o.Source = w.source
		}
		if fd, inProgress, e = sock.Connect(a, &o); e == 0 {
			break
		}
		if !w.targets.Failed(at, tries, e) {
			w.unopened(p, at, e)
			return
		}
	}
	c := w.take(p)
	c.fd, c.target, c.tries = fd, at, tries
	if err := w.loop.Add(fd, poller.In|poller.Out, c); err != nil {
		sock.Close(fd)
		w.free = append(w.free, c)
		w.unopened(p, at, syscall.ENOBUFS)
		return
	}
	c.pos = len(w.conns)
	w.conns = append(w.conns, c)
	c.openedAt = w.loop.Now()
	if inProgress {
		c.connecting = true
		w.loop.SetTimer(&c.timer, c.openedAt+w.targets.Patience(w.timeout), c)
		return
	}
	c.connected()
}

// unopened counts a connection that never came to be.
func (w *worker) unopened(p *plan, at int, e syscall.Errno) {
	for _, k := range w.counts(p) {
		switch {
		case e == syscall.ECONNREFUSED, e == syscall.ENOENT:
			k.Refused++
		case w.targets.Local(at, e):
			k.Local++
		default:
			k.Unreached++
		}
	}
}

// counts are those of a plan's variant and of all.
func (w *worker) counts(p *plan) [2]*counts { return [2]*counts{&w.parts[p.variant], &w.sum} }

// take returns a blank connection, used before if there is one.
func (w *worker) take(p *plan) *conn {
	if n := len(w.free); n > 0 {
		c := w.free[n-1]
		w.free = w.free[:n-1]
		answers := c.answers
		answers.Reset()
		*c = conn{w: w, plan: p, answers: answers}
		return c
	}
	return &conn{w: w, plan: p}
}

// drop forgets a connection, whose socket is closed, and lets another one come.
func (w *worker) drop(c *conn) {
	last := w.conns[len(w.conns)-1]
	w.conns[c.pos], last.pos = last, c.pos
	w.conns = w.conns[:len(w.conns)-1]
	w.free = append(w.free, c)
	if w.full {
		w.full = false
		w.next = max(w.next, w.loop.Now())
		w.loop.Wake(&w.more)
	}
}

// finish ends all that is left. What has come by now still counts, but nobody
// who was slow begins to hurry.
func (w *worker) finish() {
	w.end = min(w.end, w.loop.Refresh())
	for _, c := range slices.Clone(w.conns) {
		if !c.connecting && !c.deaf && !c.resting {
			c.receive(c.portion(c.plan.piece))
		}
	}
	for len(w.conns) > 0 {
		c := w.conns[len(w.conns)-1]
		if c.connecting {
			w.unopened(c.plan, c.target, syscall.ETIMEDOUT)
			c.close(true)
			continue
		}
		c.end(endOpen)
	}
	w.loop.StopTimer(&w.openTimer)
	w.loop.Stop()
}
