package loop

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bench/internal/poller"
)

// timerModel is what the queue of timers has to do, in virtual time: a list of
// deadlines.
type timerModel struct {
	t     *rapid.T
	queue timers
	all   []*modelTimer
	now   int64
	fired []*modelTimer
}

type modelTimer struct {
	Timer
	id      int
	running bool
	when    int64
	// then is what its handler does besides: stop or set another timer.
	then func()
}

// Expired notes that a timer fired.
func (m *timerModel) Expired(t *Timer) {
	i := slices.IndexFunc(m.all, func(o *modelTimer) bool { return &o.Timer == t })
	o := m.all[i]
	switch {
	case t.Active():
		m.t.Fatalf("timer %d is running while it fires", o.id)
	case !o.running:
		m.t.Fatalf("timer %d fires though it was stopped", o.id)
	case o.when > m.now:
		m.t.Fatalf("timer %d fires at %d, before its time %d", o.id, m.now, o.when)
	}
	o.running = false
	m.fired = append(m.fired, o)
	if then := o.then; then != nil {
		o.then = nil
		then()
	}
}

func (m *timerModel) set(o *modelTimer, when int64) {
	m.queue.set(&o.Timer, when, m)
	o.running, o.when = true, when
}

func (m *timerModel) stop(o *modelTimer) {
	m.queue.stop(&o.Timer)
	o.running = false
}

// expire moves the time on: what was due fires, in order, and nothing else.
func (m *timerModel) expire(now int64) {
	m.now, m.fired = now, m.fired[:0]
	m.queue.expire(now)
	for _, o := range m.all {
		if o.running && o.when <= now {
			m.t.Fatalf("timer %d was due at %d and has not fired at %d", o.id, o.when, now)
		}
	}
}

func (m *timerModel) check() {
	running, earliest := 0, int64(-1)
	for _, o := range m.all {
		if o.running != o.Active() {
			m.t.Fatalf("timer %d: running %v, want %v", o.id, o.Active(), o.running)
		}
		if !o.running {
			continue
		}
		running++
		if o.When() != o.when {
			m.t.Fatalf("timer %d is due at %d, want %d", o.id, o.When(), o.when)
		}
		if earliest < 0 || o.when < earliest {
			earliest = o.when
		}
	}
	if len(m.queue.heap) != running {
		m.t.Fatalf("%d timers queued, want %d", len(m.queue.heap), running)
	}
	// The next wake-up may come too early, for a deadline that moved away, but never
	// too late.
	if next, ok := m.queue.next(); ok != (running > 0) || ok && next > earliest {
		m.t.Fatalf("the next wake-up is at %d (%v), the earliest deadline at %d", next, ok, earliest)
	}
}

// The queue of timers does what a plain list of deadlines would.
func TestTimersAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &timerModel{t: t}
		for i := range 40 {
			m.all = append(m.all, &modelTimer{id: i})
		}
		one := rapid.SampledFrom(m.all)
		away := rapid.Int64Range(0, 60)
		// Most deadlines are set at the beginning, so that the heap is deep.
		for _, o := range m.all {
			m.set(o, away.Draw(t, "deadline"))
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { m.check() },
			"set": func(t *rapid.T) {
				m.set(one.Draw(t, "timer"), m.now+away.Draw(t, "away"))
			},
			"stop": func(t *rapid.T) { m.stop(one.Draw(t, "timer")) },
			"expire": func(t *rapid.T) {
				m.expire(m.now + rapid.Int64Range(0, 5).Draw(t, "later"))
			},
			"expireAndChange": func(t *rapid.T) {
				o, other, when := one.Draw(t, "timer"), one.Draw(t, "other"), m.now+100+away.Draw(t, "away")
				if rapid.Bool().Draw(t, "set") {
					o.then = func() { m.set(other, when) }
				} else {
					o.then = func() { m.stop(other) }
				}
				m.expire(m.now + rapid.Int64Range(0, 20).Draw(t, "later"))
				o.then = nil
			},
		})
		// What is left fires in the order of its deadlines, all at once.
		m.expire(m.now + 1000)
		if !slices.IsSortedFunc(m.fired, func(a, b *modelTimer) int { return cmp.Compare(a.when, b.when) }) {
			t.Fatal("timers that are due together fire out of order")
		}
		m.check()
	})
}

// Timers that are stopped leave the others in order, wherever they lay in the heap.
func TestStoppedTimersLeaveOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &timerModel{t: t}
		for i := range 120 {
			m.all = append(m.all, &modelTimer{id: i})
		}
		for i, when := range rapid.SliceOfN(rapid.Int64Range(0, 1000), len(m.all), len(m.all)).Draw(t, "deadlines") {
			m.set(m.all[i], when)
		}
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(m.all)-1), 1, 60, rapid.ID[int]).Draw(t, "stopped") {
			m.stop(m.all[i])
			m.check()
		}
		for now := int64(0); now <= 1000; now += 10 {
			m.expire(now)
			m.check()
		}
	})
}

// scripted is a poller that reports what a test says.
type scripted struct {
	poller.Poller // panics if anything else of it is called
	next          []poller.Event
	gens          map[int]uint32
}

func (s *scripted) Add(fd int, gen uint32, _ poller.Events) error { s.gens[fd] = gen; return nil }
func (s *scripted) Remove(int)                                    {}
func (s *scripted) Wait(out []poller.Event, _ time.Duration) (int, error) {
	n := copy(out, s.next)
	s.next = s.next[n:]
	return n, nil
}

// owner is a handler of one registration.
type owner struct {
	ready int
	then  func()
}

func (o *owner) Ready(poller.Events) {
	o.ready++
	if then := o.then; then != nil {
		o.then = nil
		then()
	}
}

// An event reaches the handler of the registration it belongs to, if that still stands
// when its turn comes, and no other: what a handler does to other descriptors, or to its
// own, holds for the rest of the batch.
func TestEventsAgainstModel(t *testing.T) {
	const fds = 5
	rapid.Check(t, func(t *rapid.T) {
		p := &scripted{gens: make(map[int]uint32)}
		l := &Loop{p: p, slots: make([]slot, fds)}
		type registration struct {
			fd    int
			gen   uint32
			owner *owner
			want  int
		}
		var all []*registration
		current := make(map[int]*registration) // by descriptor
		add := func(fd int) {
			r := &registration{fd: fd, owner: &owner{}}
			if err := l.Add(fd, poller.In, r.owner); err != nil {
				t.Fatal(err)
			}
			r.gen = p.gens[fd]
			all = append(all, r)
			current[fd] = r
		}
		remove := func(fd int) {
			l.Remove(fd)
			delete(current, fd)
		}
		fd := rapid.IntRange(0, fds-1)
		for i := range fds {
			add(i)
		}
		for range rapid.IntRange(1, 8).Draw(t, "turns") {
			var batch []*registration
			for range rapid.IntRange(1, 12).Draw(t, "events") {
				batch = append(batch, rapid.SampledFrom(all).Draw(t, "registration"))
			}
			// What the handler of each event does. It is carried out only if the event
			// arrives, so the model follows event by event.
			type action struct {
				fd        int
				gone, new bool
			}
			actions := make([]action, len(batch))
			for i := range actions {
				actions[i] = action{fd.Draw(t, "fd"), rapid.Bool().Draw(t, "removes"), rapid.Bool().Draw(t, "adds")}
			}
			i := 0
			var arrive func()
			arrive = func() { // the handler of event i runs
				for current[batch[i].fd] != batch[i] {
					i++ // these were dropped, as they had to be
					if i == len(batch) {
						t.Fatal("a handler ran for an event that was not its own")
					}
				}
				batch[i].want++
				a := actions[i]
				i++
				if a.gone {
					remove(a.fd)
				}
				if a.new {
					if current[a.fd] != nil {
						remove(a.fd)
					}
					add(a.fd)
					current[a.fd].owner.then = arrive
				}
				for _, r := range all {
					r.owner.then = arrive
				}
			}
			p.next = nil
			for _, r := range batch {
				p.next = append(p.next, poller.Event{FD: int32(r.fd), Gen: r.gen, Ev: poller.In})
				r.owner.then = arrive
			}
			if err := l.turn(); err != nil {
				t.Fatal(err)
			}
			for ; i < len(batch); i++ {
				if current[batch[i].fd] == batch[i] {
					t.Fatalf("event %d did not arrive", i)
				}
			}
			for _, r := range all {
				if r.owner.ready != r.want {
					t.Fatalf("descriptor %d, generation %d: %d events, want %d", r.fd, r.gen, r.owner.ready, r.want)
				}
			}
		}
	})
}
