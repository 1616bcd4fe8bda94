package engine

import (
	"bench/proxy/cache"
	"bench/proxy/cli"
	"bench/proxy/log"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/trace"
)

// ownRing is the ring that there always is, for traces. It takes memory once it is used.
var ownRing = &spec.Ring{Name: "buf0", Description: "in-memory ring buffer", Size: 1 << 20, MaxLen: 16 << 10, Format: "timed"}

// Traces implements cli.Engine.
func (e *Engine) Traces() *trace.Sources { return e.shared.Trace }

// Caches implements cli.Engine.
func (e *Engine) Caches() []*cache.Cache { return e.shared.Caches }

// TraceSinks implements cli.Engine.
func (e *Engine) TraceSinks() []cli.TraceSink {
	own, rings := e.ownRing()
	list := []cli.TraceSink{
		{Name: "stdout", Doc: "standard output (fd#1)", Open: func() (trace.Sink, error) {
			return traceTo("stdout", spec.LogTarget{Addr: "stdout", Format: "timed"}, nil)
		}},
		{Name: "stderr", Doc: "standard output (fd#2)", Open: func() (trace.Sink, error) {
			return traceTo("stderr", spec.LogTarget{Addr: "stderr", Format: "timed"}, nil)
		}},
		{Name: own.Name, Doc: own.Description, Open: func() (trace.Sink, error) {
			return traceTo(own.Name, spec.LogTarget{Ring: own}, rings)
		}},
	}
	for _, r := range e.cfg.Rings {
		if r == own {
			continue
		}
		list = append(list, cli.TraceSink{Name: r.Name, Doc: r.Description, Open: func() (trace.Sink, error) { return traceTo(r.Name, spec.LogTarget{Ring: r}, e.rings) }})
	}
	return list
}

// openSinks opens what expressions write to.
func (e *Engine) openSinks() error {
	for _, name := range e.cfg.Sinks {
		for _, s := range e.TraceSinks() {
			if s.Name != name {
				continue
			}
			sink, err := s.Open()
			if err != nil {
				return err
			}
			e.shared.Sinks = append(e.shared.Sinks, sink)
		}
	}
	return nil
}

// ownRing is the ring that there always is: the configuration's where that logs to it, or
// else one that is made when it is first asked for.
func (e *Engine) ownRing() (*spec.Ring, *log.Rings) {
	for _, r := range e.cfg.Rings {
		if r.Name == ownRing.Name {
			return r, e.rings
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ownRings == nil {
		e.ownRings = log.NewRings([]*spec.Ring{ownRing})
	}
	return ownRing, e.ownRings
}

// traceSink writes lines of traces to one target.
type traceSink struct {
	name string
	to   *log.Messenger
	plan *log.Plan
}

func traceTo(name string, target spec.LogTarget, rings *log.Rings) (trace.Sink, error) {
	plan, err := log.NewPlan(&spec.Global{Logs: []spec.LogTarget{target}}, nil, rings)
	if err != nil {
		return nil, err
	}
	return &traceSink{name, log.NewMessenger(), plan}, nil
}

// Name implements trace.Sink.
func (s *traceSink) Name() string { return s.name }

// Put implements trace.Sink.
func (s *traceSink) Put(line string) bool {
	before := s.to.Dropped()
	s.to.Send(s.plan, log.Emergency, line)
	return s.to.Dropped() == before
}

// traceCheck tells traces how a check went.
func (e *Engine) traceCheck(s *server.Server, good bool, how string) {
	event, level := trace.CheckGood, trace.User
	if !good {
		event, level = trace.CheckBad, trace.Error
	}
	if tr := &e.shared.Trace.Check; tr.On(level) {
		tr.Emit(event, level, &trace.Where{Own: s, Backend: s.Backend.Spec.Name, Server: s.Spec.Name}, "%s/%s: %s", s.Backend.Spec.Name, s.Spec.Name, how)
	}
}
