package backends

import (
	"os"
	"strings"
	"sync"
	"time"

	"bench/backends/control"
	"bench/backends/fault"
	"bench/backends/tally"
	"bench/internal/loop"
)

// crashDelay lets the answer to an order to crash get out.
const crashDelay = 5 * time.Millisecond

// Ready implements control.Target: Start returns when everything listens.
func (p *Process) Ready() bool { return true }

// onLoops runs fn on the loop of every part of the given replicas, at the same
// time, and waits.
func onLoops(replicas []*replica, fn func(int, part)) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	stopped := false
	for i, r := range replicas {
		for _, pt := range r.parts {
			wg.Go(func() {
				if !pt.thread.loop.Call(func() { fn(i, pt) }) {
					mu.Lock()
					stopped = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	if stopped {
		return errStopped
	}
	return nil
}

// Apply implements control.Target.
func (p *Process) Apply(f *control.Fault) (*control.Applied, error) {
	plan, err := fault.Parse(f, p.kind.Protocol())
	if err != nil {
		return nil, err
	}
	if fault.InTLS(f.Kind) && !p.kind.InTLS() {
		return nil, &control.BadFault{Reason: "fault " + f.Kind + " is for origins that speak TLS, and this one has no certificate"}
	}
	hit, err := p.targets(f.Target)
	if err != nil {
		return nil, err
	}
	if f.Kind == control.Crash {
		if f.Target != "" && len(p.replicas) > 1 {
			return nil, &control.BadFault{Reason: "a crash ends the whole process, and with it other replicas than " +
				f.Target + ": leave the target out, or use refuse and reset on it"}
		}
		plan.Fault.AtNs = max(plan.Fault.AtNs, loop.Nanotime()+int64(crashDelay))
	}
	var names []string
	keepers := 0
	for _, r := range hit {
		names = append(names, r.name)
		keepers += len(r.parts)
	}
	id := p.ledger.Open(plan, names, keepers)
	if err := onLoops(hit, func(_ int, pt part) { pt.origin.Faults().Order(id, plan) }); err != nil {
		return nil, err
	}
	begin := p.ledger.Event(id).BeginNs
	if begin == 0 {
		begin = plan.Fault.AtNs
	}
	return &control.Applied{ID: id, BeginNs: begin, EndNs: begin + int64(plan.For), Targets: names}, nil
}

// targets are the replicas a name means; "" means all.
func (p *Process) targets(name string) ([]*replica, error) {
	if name == "" {
		return p.replicas, nil
	}
	var known strings.Builder
	for _, r := range p.replicas {
		if r.name == name {
			return []*replica{r}, nil
		}
		known.WriteString(" " + r.name)
	}
	return nil, &control.BadFault{Reason: "unknown replica \"" + name + "\": want one of" + known.String()}
}

// Clear implements control.Target.
func (p *Process) Clear(o *control.ClearOrder) (*control.Cleared, error) {
	hit, err := p.targets(o.Target)
	if err != nil {
		return nil, err
	}
	out := &control.Cleared{Ended: []int{}}
	for _, e := range p.ledger.OpenOn(o.Target) {
		if o.ID == 0 || o.ID == e.ID {
			out.Ended = append(out.Ended, e.ID)
		}
	}
	err = onLoops(hit, func(_ int, pt part) { pt.origin.Faults().Clear(o.ID) })
	out.AtNs = loop.Nanotime()
	return out, err
}

// Events implements control.Target.
func (p *Process) Events() []control.Event { return p.ledger.Events() }

// Reset implements control.Target.
func (p *Process) Reset() error {
	p.since.Store(loop.Nanotime())
	return onLoops(p.replicas, func(_ int, pt part) { pt.origin.ResetCounters() })
}

// snapshots reads the counters of all replicas, each thread at one moment.
func (p *Process) snapshots() ([]tally.Snapshot, error) {
	snaps := make([]tally.Snapshot, len(p.replicas))
	var mu sync.Mutex
	var failed error
	err := onLoops(p.replicas, func(i int, pt part) {
		mu.Lock()
		defer mu.Unlock()
		if err := pt.origin.Tally().AddTo(&snaps[i]); err != nil {
			failed = err
		}
	})
	if err == nil {
		err = failed
	}
	return snaps, err
}

// Counters implements control.Target.
func (p *Process) Counters() (*control.Counters, error) {
	snaps, err := p.snapshots()
	if err != nil {
		return nil, err
	}
	out := &control.Counters{AtNs: loop.Nanotime(), SinceNs: p.since.Load()}
	for i, r := range p.replicas {
		out.Replicas = append(out.Replicas, snaps[i].Counters(r.name, r.addr.String()))
	}
	return out, nil
}

// IDs implements control.Target.
func (p *Process) IDs() (*control.IDs, error) {
	snaps, err := p.snapshots()
	if err != nil {
		return nil, err
	}
	out := &control.IDs{AtNs: loop.Nanotime()}
	for i, r := range p.replicas {
		out.Replicas = append(out.Replicas, snaps[i].IDs(r.name))
	}
	return out, nil
}

// State implements control.Target.
func (p *Process) State() (*control.State, error) {
	snaps, err := p.snapshots()
	if err != nil {
		return nil, err
	}
	out := &control.State{
		Kind: p.kind.Protocol(), PID: os.Getpid(), Threads: len(p.threads), Poller: p.threads[0].loop.Poller(), NowNs: loop.Nanotime(),
	}
	for i, r := range p.replicas {
		out.Replicas = append(out.Replicas, control.ReplicaState{
			Name: r.name, Addr: r.addr.String(), Active: snaps[i].Active(), Faults: p.ledger.OpenOn(r.name),
		})
	}
	return out, nil
}
