// Package fleet carries out one load in agent processes of its own, one or
// several that share it, and joins what they say. How load is generated belongs
// to package loadgen, what becomes of the results to those who start a fleet.
package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/loadgen"
	"bench/loadgen/record"
	"bench/loadgen/worker"
	"bench/loadgen/workload"
)

// Options say how the processes are started.
type Options struct {
	Group *proc.Group
	// Self is the command line that runs this program, without its command.
	Self []string
	// Processes that share the load; 0 is as many as their descriptors make
	// necessary.
	Processes int
	// CPUs the processes may run on; empty is those of this process.
	CPUs []int
	// Nice and RealTime are as of proc.Spec.
	Nice     int
	RealTime bool
	// Hosts that share the load, each with as many processes; none is this machine.
	Hosts []proc.Host
	// Enter is as of proc.Spec.
	Enter func() (leave func() error, err error)
	// Sink takes the joint Progress, Interval and Failure lines, one at a time.
	// An error ends the load.
	Sink record.Sink
}

// Fleet is one load in processes of its own.
type Fleet struct {
	name      string
	processes []*proc.Process
	merger    *record.Merger
	ready     chan struct{}
	once      sync.Once     // of ready
	ended     chan struct{} // all processes have

	mu   sync.Mutex
	load *result.Load // the outcome
	err  string       // what an agent itself says is wrong
	// here is the common start time, and there what the clock of each process showed at
	// it, as far as that was known then.
	here  int64
	there []int64
}

// Start starts the processes; they wait for Begin. The group ends them.
func Start(spec *workload.Spec, o *Options) (*Fleet, error) {
	n := o.Processes
	if n == 0 {
		n = worker.Processes(spec)
	}
	n *= max(1, len(o.Hosts))
	f := &Fleet{name: spec.Name, ready: make(chan struct{}), ended: make(chan struct{}), there: make([]int64, n)}
	f.merger = record.NewMerger(n, func(l *result.AgentLine) error { return f.take(l, o.Sink) })
	for i, part := range spec.Split(n) {
		if err := f.start(i, part, o); err != nil {
			f.Kill()
			return nil, err
		}
	}
	var all sync.WaitGroup
	for i, p := range f.processes {
		all.Go(func() { f.watch(i, p) })
	}
	go func() {
		all.Wait()
		close(f.ended)
	}()
	return f, nil
}

// interrupted is the exit code of an agent that was told to end.
const interrupted = 130

// watch ends the whole load when one of its processes is lost: the others would
// be another load.
func (f *Fleet) watch(i int, p *proc.Process) {
	<-p.Done()
	if code := p.ExitCode(); code == 0 || code == interrupted {
		return
	}
	text := p.Output()
	if text != "" {
		text = ": " + text
	}
	f.fault(fmt.Sprintf("ended early (%s)%s", p.State(), text))
	f.signal(syscall.SIGTERM)
	if err := f.merger.Leave(i); err != nil {
		f.fault(err.Error())
	}
}

func (f *Fleet) start(i int, spec *workload.Spec, o *Options) error {
	order, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	var on proc.Host
	held := func(*result.AgentLine) error { return nil }
	if len(o.Hosts) > 0 {
		on, held = o.Hosts[i%len(o.Hosts)], boundsOf(spec).fits
	}
	lines := &proc.LineWriter{Take: func(text []byte) {
		var line result.AgentLine
		if err := json.Unmarshal(text, &line); err != nil {
			f.fault(fmt.Sprintf("an agent sent a line that cannot be understood: %.80q", text))
			return
		}
		if err := held(&line); err != nil {
			f.fault("an agent sent a line of something else: " + err.Error())
			f.signal(syscall.SIGTERM)
			return
		}
		if line.Failure != nil {
			line.Failure.Member = i
		}
		if err := f.merger.Take(i, &line); err != nil {
			f.fault(err.Error())
			f.signal(syscall.SIGTERM)
		}
	}}
	p, err := o.Group.Start(proc.Spec{
		Name:      "load " + spec.Name,
		On:        on,
		Args:      append(slices.Clone(o.Self), "agent", "load"),
		CPUs:      o.CPUs,
		Nice:      o.Nice,
		RealTime:  o.RealTime,
		Enter:     o.Enter,
		StdinPipe: true,
		Stdout:    lines,
	})
	if err != nil {
		return err
	}
	f.processes = append(f.processes, p)
	if _, err := p.Stdin.Write(append(order, '\n')); err != nil {
		return fmt.Errorf("load %s: %w: %s", spec.Name, err, p.Output())
	}
	return nil
}

// take sorts the joint lines.
func (f *Fleet) take(l *result.AgentLine, sink record.Sink) error {
	switch {
	case l.Ready != nil:
		f.once.Do(func() { close(f.ready) })
	case l.Load != nil:
		f.mu.Lock()
		f.load = l.Load
		f.mu.Unlock()
	case l.Error != "":
		f.fault(l.Error)
	case sink != nil:
		return sink(l)
	}
	return nil
}

// fault keeps the first fault.
func (f *Fleet) fault(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == "" {
		f.err = text
	}
}

// Name is that of the load.
func (f *Fleet) Name() string { return f.name }

// Processes are the agents' processes.
func (f *Fleet) Processes() []*proc.Process { return f.processes }

// Done is closed when all processes have ended.
func (f *Fleet) Done() <-chan struct{} { return f.ended }

// WaitReady waits until all agents are set up.
func (f *Fleet) WaitReady(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lost := make(chan struct{})
	var once sync.Once
	for i, p := range f.processes {
		go func() {
			select {
			case <-p.Done():
				f.watch(i, p)
				once.Do(func() { close(lost) })
			case <-ctx.Done():
			}
		}()
	}
	select {
	case <-f.ready:
		return nil
	case <-lost:
		_, err := f.Outcome()
		return cmp.Or(err, fmt.Errorf("load %s ended before it was ready", f.name))
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return fmt.Errorf("load %s is not ready after %v", f.name, limit)
	}
}

// Begin gives the common start time, CLOCK_MONOTONIC nanoseconds.
func (f *Fleet) Begin(at int64) error {
	// At once: each may be on another machine.
	errs := make([]error, len(f.processes))
	var all sync.WaitGroup
	f.mu.Lock()
	f.here = at
	for i, p := range f.processes {
		f.there[i] = p.At(at)
	}
	there := slices.Clone(f.there)
	f.mu.Unlock()
	for i, p := range f.processes {
		all.Go(func() { errs[i] = f.begin(p, there[i]) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// begin gives one process its start time by its own clock.
func (f *Fleet) begin(p *proc.Process, at int64) error {
	line, err := json.Marshal(loadgen.Start{StartAt: at})
	if err != nil {
		return err
	}
	if _, err := p.Stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("load %s: %w: %s", f.name, err, p.Output())
	}
	if err := p.Stdin.Close(); err != nil {
		return fmt.Errorf("load %s: %w", f.name, err)
	}
	return nil
}

// Outcome is what the load measured; an error if an agent was lost or says that
// something is wrong. The processes must have ended, or one of them.
func (f *Fleet) Outcome() (*result.Load, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != "" {
		return f.load, fmt.Errorf("load %s: %s", f.name, f.err)
	}
	if f.load != nil {
		return f.load, nil
	}
	return nil, fmt.Errorf("load %s ended early, without an outcome", f.name)
}

func (f *Fleet) signal(sig syscall.Signal) {
	for _, p := range f.processes {
		if p.Running() {
			_ = p.Signal(sig) // it may end at this moment
		}
	}
}

// Interrupt asks the agents to report what they have, waits for it until ctx is
// over, and then kills what is left.
func (f *Fleet) Interrupt(ctx context.Context) {
	f.signal(syscall.SIGTERM)
	select {
	case <-f.ended:
	case <-ctx.Done():
	}
	f.Kill()
}

// Kill ends the processes.
func (f *Fleet) Kill() {
	var all sync.WaitGroup
	for _, p := range f.processes {
		all.Go(p.Kill)
	}
	all.Wait()
}
