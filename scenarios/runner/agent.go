package runner

import (
	"bytes"
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
	"bench/scenarios"
)

// agent is one load in a process of its own.
type agent struct {
	spec  loadgen.Spec
	p     *proc.Process
	lines *lineWriter
	ready chan struct{}

	mu   sync.Mutex
	load *result.Load // the outcome
	err  string       // what the agent itself says is wrong
}

// lineSink takes what agents tell, from several goroutines.
type lineSink struct {
	interval func(result.Interval)
	progress func(result.Progress)
	failure  func(result.Failure)
}

// loadSpec turns a load of the scenario into an order for an agent.
func loadSpec(s *scenarios.Scenario, l *scenarios.Load, targets []string, cpus []int) loadgen.Spec {
	spec := l.Spec()
	spec.Targets, spec.CPUs = targets, cpus
	spec.Seed = s.Seed ^ hash(l.Name)
	return spec
}

// hash is FNV-1a: loads of one scenario get seeds of their own.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// startAgent starts the process of a load; it waits for its start time.
func startAgent(g *proc.Group, self []string, spec loadgen.Spec, cpus []int, sink lineSink) (*agent, error) {
	order, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	a := &agent{spec: spec, ready: make(chan struct{})}
	var once sync.Once
	a.lines = &lineWriter{take: func(text []byte) {
		var line result.AgentLine
		if err := json.Unmarshal(text, &line); err != nil {
			a.fault(fmt.Sprintf("load %s says what cannot be understood: %.80q", spec.Name, text))
			return
		}
		switch {
		case line.Ready != nil:
			once.Do(func() { close(a.ready) })
		case line.Progress != nil:
			sink.progress(*line.Progress)
		case line.Interval != nil:
			sink.interval(*line.Interval)
		case line.Failure != nil:
			sink.failure(*line.Failure)
		case line.Load != nil:
			a.mu.Lock()
			a.load = line.Load
			a.mu.Unlock()
		case line.Error != "":
			a.fault(line.Error)
		}
	}}
	a.p, err = g.Start(proc.Spec{
		Name:      "load " + spec.Name,
		Args:      append(slices.Clone(self), "agent", "load"),
		CPUs:      cpus,
		Nice:      niceness,
		RealTime:  spec.Arrival != loadgen.Closed, // a closed loop has no time to keep
		StdinPipe: true,
		Stdout:    a.lines,
	})
	if err != nil {
		return nil, err
	}
	if _, err := a.p.Stdin.Write(append(order, '\n')); err != nil {
		return nil, fmt.Errorf("load %s: %w: %s", spec.Name, err, a.p.Output())
	}
	return a, nil
}

func (a *agent) fault(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == "" {
		a.err = text
	}
}

// waitReady waits until the agent is set up.
func (a *agent) waitReady(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-a.ready:
		return nil
	case <-a.p.Done():
		return a.lost()
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return fmt.Errorf("load %s is not ready after %v", a.spec.Name, limit)
	}
}

// begin gives the common start time.
func (a *agent) begin(at int64) error {
	line, err := json.Marshal(loadgen.Start{StartAt: at})
	if err != nil {
		return err
	}
	if _, err := a.p.Stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("load %s: %w: %s", a.spec.Name, err, a.p.Output())
	}
	return a.p.Stdin.Close()
}

// outcome is what the load measured; an error if the agent was lost. The
// process must have ended.
func (a *agent) outcome() (*result.Load, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != "" {
		return a.load, fmt.Errorf("load %s: %s", a.spec.Name, a.err)
	}
	if a.load == nil {
		return nil, a.lost()
	}
	return a.load, nil
}

// lost is the error of an agent that ended without an outcome.
func (a *agent) lost() error {
	text := a.p.Output()
	if text != "" {
		text = ": " + text
	}
	return fmt.Errorf("load %s ended early (%s)%s", a.spec.Name, a.p.State(), text)
}

// interrupt asks the agent to report what it has and waits for a while.
func (a *agent) interrupt(ctx context.Context) { a.p.Stop(ctx, syscall.SIGTERM) }

// niceness is the priority of all parts of a run alike: what other programs do
// on the machine should not show in the result. Without the right to it, they
// run as all.
const niceness = -10

// maxLine bounds a line of an agent or origin.
const maxLine = 16 << 20

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	rest []byte
	take func(line []byte)
}

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		line := p[:i]
		if len(w.rest) > 0 {
			line = append(w.rest, line...)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			w.take(line)
		}
		w.rest, p = w.rest[:0], p[i+1:]
	}
	if len(w.rest)+len(p) > maxLine {
		return 0, fmt.Errorf("a line is longer than %d bytes", maxLine)
	}
	w.rest = append(w.rest, p...)
	return n, nil
}
