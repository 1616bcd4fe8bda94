package server

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"bench/proxy/registry"
	"bench/proxy/spec"
	"bench/proxy/state"
)

// visitor is a stream as far as servers know it: it comes, waits perhaps, has a slot
// or gives up.
type visitor struct {
	w     Waiter
	n     int     // order of arrival
	queue *Server // it waits for this one; nil: for any
	since int32   // who had been served of the queue when it came
	waits bool
	woken int
	slot  *Server
}

// farm is a simple model of a backend beside the real one: who waits, who has which
// slot, how long what was down.
type farm struct {
	b        *Backend
	p        *spec.Proxy
	slots    registry.Slots
	arrivals int
	visitors []*visitor        // that wait or have a slot
	served   map[*Server]int32 // of each queue; nil: those who wait for any
	times    map[*Server]*downTimes
	whole    downTimes
	// single: some want one server; then there is no minconn, as who comes for one
	// changes the limits of all.
	single bool
}

// downTimes is how long and how often something was down.
type downTimes struct {
	total  time.Duration
	times  uint64
	admin  state.Admin
	health state.Health
	since  time.Time // of the last change
}

// note takes the states there are now. Time spent down counts for ever; that of a
// maintenance, as in the reference, as long as it lasts.
func (d *downTimes) note(a state.Admin, h state.Health) {
	if a == d.admin && h == d.health {
		return
	}
	if a == state.Maint && d.admin == state.Maint { // which hides it
		d.health = h
		return
	}
	if d.health == state.Down && d.admin != state.Maint {
		d.total += time.Since(d.since)
	}
	if h == state.Down && d.health != state.Down || h != state.Down && a == state.Maint && d.admin != state.Maint {
		d.times++
	}
	d.admin, d.health, d.since = a, h, time.Now()
}

func (d *downTimes) now() time.Duration {
	if d.health == state.Down || d.admin == state.Maint {
		return d.total + time.Since(d.since)
	}
	return d.total
}

// usable are the servers that who waits for any may get: active ones, or without any
// the first backup, or all.
func (f *farm) usable() (list []*Server) {
	ready := func(backup bool) (list []*Server) {
		for _, s := range f.b.Servers() {
			if s.Spec.Backup == backup && s.Admin() == state.Ready && s.Health() == state.Up && s.Weight() > 0 {
				list = append(list, s)
			}
		}
		return list
	}
	if list = ready(false); len(list) > 0 {
		return list
	}
	list = ready(true)
	if !f.p.Options.AllBackups && len(list) > 1 {
		list = list[:1]
	}
	return list
}

// limit is what a server may have at once, by the manual: maxconn, with minconn in
// proportion to the load up to fullconn, with slowstart in proportion to the time.
func (f *farm) limit(s *Server) int64 {
	limit := int64(s.MaxConn())
	if limit == 0 {
		return 1 << 40
	}
	if full, load := int64(f.p.FullConn), f.b.Cur.Load(); s.Spec.MinConn > 0 && load < full {
		limit = max(min(int64(s.Spec.MinConn), limit), limit*load/full)
	}
	return limit
}

func (f *farm) add(t *rapid.T, held bool) {
	sp := &spec.Server{
		Name: fmt.Sprintf("s%d", rapid.IntRange(1, 4).Draw(t, "name")), ID: f.b.FreeID(),
		Weight: rapid.IntRange(0, 2).Draw(t, "weight"), MaxConn: rapid.IntRange(0, 3).Draw(t, "maxconn"),
		Backup: rapid.IntRange(0, 2).Draw(t, "backup") == 0,
	}
	if sp.MaxConn > 0 && !f.single {
		sp.MinConn = rapid.IntRange(0, sp.MaxConn).Draw(t, "minconn")
	}
	s := f.b.NewDynamic(sp, f.slots.Take(), !held)
	_, taken := f.b.Server(sp.Name)
	if f.b.Add(s) == taken {
		t.Fatalf("adding %s, taken: %v", sp.Name, taken)
	}
	if taken {
		f.slots.Give(s.Slot)
		return
	}
	f.times[s] = &downTimes{admin: s.Admin(), since: time.Now()}
}

// wake is what the engine calls when a stream goes on: it has a slot, or must choose
// again, which the model's streams do at once.
func (f *farm) wake(t *rapid.T, v *visitor) {
	v.woken++
	if !v.waits {
		t.Fatalf("visitor %d is woken, and does not wait", v.n)
	}
	v.waits, v.slot = false, v.w.Got
	s := v.slot
	switch {
	case s == nil && v.queue == nil:
		t.Fatalf("visitor %d waits for any server and is sent away", v.n)
	case s == nil:
		if v.queue.Running() {
			t.Fatalf("visitor %d is sent away from a server that runs", v.n)
		}
		f.visitors = slices.DeleteFunc(f.visitors, func(o *visitor) bool { return o == v })
		f.b.Cur.Dec()
		return
	case v.queue != nil && v.queue != s:
		t.Fatalf("visitor %d waits for another server", v.n)
	case !s.Running():
		t.Fatalf("visitor %d got a slot of a server that does not run", v.n)
	case s.Cur.Load() > f.limit(s):
		t.Fatalf("visitor %d makes %d on a server for %d", v.n, s.Cur.Load(), f.limit(s))
	case v.queue == nil && !slices.Contains(f.usable(), s):
		t.Fatalf("visitor %d got a slot of %s, which is not in use", v.n, s.Spec.Name)
	}
	if want := f.served[v.queue] - v.since + 1; v.w.Place != want {
		t.Fatalf("visitor %d had place %d, want %d", v.n, v.w.Place, want)
	}
	f.served[v.queue]++
	for _, o := range f.visitors {
		if o.waits && o.queue == v.queue && o.n < v.n {
			t.Fatalf("visitor %d is served before %d", v.n, o.n)
		}
	}
}

// come lets a visitor come who wants any server (nil) or just one. Who finds no queue
// tries for itself first, as streams do; hasty ones do not, as if the slot had become
// free just after they tried.
func (f *farm) come(t *rapid.T, s *Server, hasty bool) {
	f.arrivals++
	v := &visitor{n: f.arrivals, queue: s}
	v.w.Wake = func() { f.wake(t, v) }
	f.visitors = append(f.visitors, v)
	f.b.Cur.Inc()
	if !hasty && s == nil && f.b.Queued.Load() == 0 {
		for _, o := range f.usable() {
			if o.TryAcquire() {
				v.slot = o
				return
			}
		}
	}
	v.waits, v.since = true, f.served[s]
	f.b.Enqueue(&v.w, s)
}

func (f *farm) pick(t *rapid.T) *Server {
	if len(f.b.Servers()) == 0 {
		t.Skip("no server")
	}
	all := f.b.Servers()
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "server")]
}

func (f *farm) pickVisitor(t *rapid.T, waits bool) *visitor {
	var list []*visitor
	for _, v := range f.visitors {
		if v.waits == waits {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		t.Skip("no visitor")
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, "visitor")]
}

// leave ends a visit.
func (f *farm) leave(t *rapid.T, v *visitor) {
	f.visitors = slices.DeleteFunc(f.visitors, func(o *visitor) bool { return o == v })
	if v.waits {
		v.waits = false
		if !f.b.Leave(&v.w) || f.b.Leave(&v.w) {
			t.Fatalf("visitor %d waits and leaves once", v.n)
		}
	} else {
		v.slot.Release()
	}
	f.b.Cur.Dec()
}

// waitingFor is the number of visitors that wait for just s.
func (f *farm) waitingFor(s *Server) (n int) {
	for _, v := range f.visitors {
		if v.waits && v.queue == s {
			n++
		}
	}
	return n
}

// change changes the state of a server and checks what is reported of it.
func (f *farm) change(t *rapid.T, s *Server, set func() (bool, int)) {
	// Maintenance hides health.
	seen := func() [2]any {
		if s.Admin() == state.Maint {
			return [2]any{state.Maint}
		}
		return [2]any{s.Admin(), s.Health()}
	}
	before := seen()
	waiting, ran := f.waitingFor(s), s.Running()
	changed, requeued := set()
	if changed != (before != seen()) {
		t.Fatalf("changed: %v, from %v to %v, %v", changed, before, s.Admin(), s.Health())
	}
	if !ran {
		return
	}
	if want := waiting; !s.Running() && requeued != want {
		t.Fatalf("%d had to choose again, want %d", requeued, want)
	}
}

// check compares all that can be seen with the model.
func (f *farm) check(t *rapid.T) {
	held := map[*Server]int64{}
	queued := map[*Server]int64{}
	for _, v := range f.visitors {
		if v.waits {
			queued[v.queue]++
		} else {
			held[v.slot]++
		}
	}
	all := queued[nil]
	usable := f.usable()
	if !slices.Equal(f.b.Usable(nil), usable) {
		t.Fatalf("usable are %v, want %v", names(f.b.Usable(nil)), names(usable))
	}
	for _, s := range f.b.Servers() {
		if s.Cur.Load() != held[s] || s.Queued.Load() != queued[s] {
			t.Fatalf("%s has %d and %d waiting, want %d and %d", s.Spec.Name, s.Cur.Load(), s.Queued.Load(), held[s], queued[s])
		}
		all += queued[s]
		free := s.Running() && held[s] < f.limit(s)
		if queued[s] > 0 && !s.Running() {
			t.Fatalf("%d wait for %s, which does not run", queued[s], s.Spec.Name)
		}
		if free && queued[s] > 0 {
			t.Fatalf("%d wait for %s, which has a slot free", queued[s], s.Spec.Name)
		}
		if free && queued[nil] > 0 && slices.Contains(usable, s) {
			t.Fatalf("%d wait for any, and %s has a slot free", queued[nil], s.Spec.Name)
		}
		d := f.times[s]
		d.note(s.Admin(), s.Health())
		if total, times := s.Downtime(time.Now()); total != d.now() || times != d.times {
			t.Fatalf("%s was down for %v, %d times, want %v, %d", s.Spec.Name, total, times, d.now(), d.times)
		}
	}
	if f.b.Queued.Load() != queued[nil] || f.b.waiting.Load() != all {
		t.Fatalf("%d wait for any, %d at all, want %d and %d", f.b.Queued.Load(), f.b.waiting.Load(), queued[nil], all)
	}
	health := state.Up
	if len(usable) == 0 {
		health = state.Down
	}
	f.whole.note(state.Ready, health)
	if total, times, _ := f.b.Downtime(time.Now()); total != f.whole.now() || times != f.whole.times {
		t.Fatalf("nothing was usable for %v, %d times, want %v, %d", total, times, f.whole.now(), f.whole.times)
	}
}

func names(list []*Server) (names []string) {
	for _, s := range list {
		names = append(names, s.Spec.Name)
	}
	return names
}

// Whatever happens to a backend and its servers: nobody waits while there is a slot
// for him, nobody is overtaken, no slot is lost or given twice, and servers come and
// go without any of that.
func TestBackendIsItsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time stands still between the steps
		// Wrapped, or rapid would ask for the deadline of the test, which has none here.
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			f := &farm{times: map[*Server]*downTimes{}, served: map[*Server]int32{}, single: rapid.Bool().Draw(rt, "single")}
			f.p = &spec.Proxy{FullConn: rapid.IntRange(0, 6).Draw(rt, "fullconn")}
			f.p.Options.AllBackups = rapid.Bool().Draw(rt, "allbackups")
			f.b = NewBackend(f.p, &f.slots)
			f.whole = downTimes{health: state.Down, since: time.Now()} // without servers; that is not counted as going down
			f.add(rt, false)
			f.check(rt)
			rt.Repeat(map[string]func(*rapid.T){
				"come":       func(t *rapid.T) { f.come(t, nil, false) },
				"come hasty": func(t *rapid.T) { f.come(t, nil, true) },
				"come for one": func(t *rapid.T) {
					if s := f.pick(t); f.single {
						f.come(t, s, true)
					}
				},
				"finish":  func(t *rapid.T) { f.leave(t, f.pickVisitor(t, false)) },
				"give up": func(t *rapid.T) { f.leave(t, f.pickVisitor(t, true)) },
				"admin": func(t *rapid.T) {
					s, o, on := f.pick(t), rapid.SampledFrom([]state.Orders{state.OrderDrain, state.OrderMaint}).Draw(t, "order"), rapid.Bool().Draw(t, "on")
					f.change(t, s, func() (bool, int) { return s.Decide(o, on) })
				},
				"health": func(t *rapid.T) {
					s, h := f.pick(t), rapid.SampledFrom([]state.Health{state.Up, state.Stopping, state.Down}).Draw(t, "health")
					f.change(t, s, func() (bool, int) { return s.SetHealth(h) })
				},
				"weight":  func(t *rapid.T) { f.pick(t).SetWeight(rapid.IntRange(0, 2).Draw(t, "weight")) },
				"maxconn": func(t *rapid.T) { f.pick(t).SetMaxConn(rapid.IntRange(0, 3).Draw(t, "maxconn")) },
				"add":     func(t *rapid.T) { f.add(t, rapid.Bool().Draw(t, "held")) },
				"remove": func(t *rapid.T) {
					s := f.pick(t)
					var want error
					switch {
					case s.Admin() != state.Maint:
						want = ErrNotMaint
					case s.Cur.Load() > 0:
						want = ErrBusy
					}
					if err := f.b.Remove(s); !errors.Is(err, want) {
						t.Fatalf("removing %s: %v, want %v", s.Spec.Name, err, want)
					}
					if want == nil {
						f.slots.Give(s.Slot)
						if changed, _ := s.Decide(state.OrderMaint, false); changed {
							t.Fatal("a server that was removed changes")
						}
					}
				},
				"wait": func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 5).Draw(t, "seconds")) * time.Second) },
				"":     f.check,
			})
		})
	})
}
