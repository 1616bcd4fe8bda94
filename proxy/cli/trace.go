package cli

import (
	"fmt"
	"slices"

	"bench/proxy/trace"
)

// TraceSink is where traces may go.
type TraceSink struct {
	Name, Doc string
	Open      func() (trace.Sink, error)
}

func traceCommands() []Command {
	return []Command{
		{Words: "trace", Args: "[<source>|0] [cmd [args...]]", Level: Operator, Help: "trace what happens (without arguments: list, 0: stop all)", Fn: traceCommand},
		{Words: "show trace", Args: "[<source>]", Help: "show what is traced", Fn: showTrace},
	}
}

// traceSource finds a source, nil if there is none of the name.
func (r *request) traceSource(name string) *trace.Source {
	for _, s := range r.s.engine.Traces().List() {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func traceMark(s *trace.Status) byte {
	switch {
	case s.Running:
		return 'R'
	case s.Waiting:
		return 'w'
	}
	return '.'
}

func traceCommand(r *request) error {
	switch r.arg(0) {
	case "":
		fmt.Fprintln(r.w, "Supported trace sources and states (.=stopped, w=waiting, R=running) :\n [.] 0          : not a source, will immediately stop all traces")
		for _, s := range r.s.engine.Traces().List() {
			st := s.Status()
			fmt.Fprintf(r.w, " [%c] %-10s : %s\n", traceMark(&st), s.Name, s.Doc)
		}
		return nil
	case "0":
		for _, s := range r.s.engine.Traces().List() {
			s.Change(func(st *trace.Status) { st.Running, st.Waiting = false, false })
		}
		return r.info("All traces now stopped")
	}
	s := r.traceSource(r.arg(0))
	if s == nil {
		return r.fail("No such trace source")
	}
	switch what := r.arg(1); what {
	case "":
		_, err := r.w.WriteString(`Supported commands:
  event     : list or choose the events that are reported
  level     : list or choose how much is reported
  lock      : list or choose what a trace keeps to once it has begun
  pause     : pause, now or after an event, until the next one that begins it
  sink      : list or choose where lines go
  start     : begin, now or with an event
  stop      : stop, now or after an event
  verbosity : list or choose how much is said of an event
`)
		return err
	case "event":
		return r.traceEvents(s, trace.Report)
	case "start":
		return r.traceEvents(s, trace.Start)
	case "pause":
		return r.traceEvents(s, trace.Pause)
	case "stop":
		return r.traceEvents(s, trace.Stop)
	case "sink":
		return r.traceSink(s)
	case "level":
		return r.traceChoice("trace levels", "No such trace level", s, trace.LevelNames, int(s.Status().Level), func(st *trace.Status, i int) { st.Level = trace.Level(i) })
	case "verbosity":
		return r.traceChoice("trace verbosities", "No such verbosity level", s, trace.VerbosityNames, int(s.Status().Verbosity), func(st *trace.Status, i int) { st.Verbosity = trace.Verbosity(i) })
	case "lock":
		var names []trace.Name
		for _, l := range s.Locks {
			names = append(names, s.LockName(l))
		}
		return r.traceChoice("lock-on criteria", "Unsupported lock-on criterion", s, names, slices.Index(s.Locks, s.Status().Lock), func(st *trace.Status, i int) { st.Lock = s.Locks[i] })
	}
	return r.fail("Unknown trace keyword")
}

// traceChoice lists what there is to choose, with a star at what is chosen, or chooses.
func (r *request) traceChoice(what, unknown string, s *trace.Source, names []trace.Name, now int, choose func(*trace.Status, int)) error {
	if r.arg(2) == "" {
		fmt.Fprintf(r.w, "Supported %s for source %s:\n", what, s.Name)
		for i, n := range names {
			mark := ' '
			if i == now {
				mark = '*'
			}
			fmt.Fprintf(r.w, "  %c %-10s : %s\n", mark, n.Word, n.Doc)
		}
		return nil
	}
	i := slices.IndexFunc(names, func(n trace.Name) bool { return n.Word == r.arg(2) })
	if i < 0 {
		return r.fail(unknown)
	}
	s.Change(func(st *trace.Status) { choose(st, i) })
	return nil
}

// traceSink lists where lines may go, or chooses.
func (r *request) traceSink(s *trace.Source) error {
	sinks, name := r.s.engine.TraceSinks(), r.arg(2)
	if name == "" {
		fmt.Fprintf(r.w, "Supported sinks for source %s (*=current):\n", s.Name)
		now := "none"
		if x := s.Status().Sink; x != nil {
			now = x.Name()
		}
		for _, x := range append([]TraceSink{{Name: "none", Doc: "no sink"}}, sinks...) {
			mark := ' '
			if x.Name == now {
				mark = '*'
			}
			fmt.Fprintf(r.w, "  %c %-10s : %s\n", mark, x.Name, x.Doc)
		}
		return nil
	}
	if name == "none" {
		s.Change(func(st *trace.Status) { st.Sink, st.Dropped = nil, 0 })
		return nil
	}
	for _, x := range sinks {
		if x.Name == name {
			sink, err := x.Open()
			if err != nil {
				return r.fail(err.Error())
			}
			s.Change(func(st *trace.Status) { st.Sink, st.Dropped = sink, 0 })
			return nil
		}
	}
	return r.fail("No such sink")
}

// traceEvents lists which events lead to an action, or changes that.
func (r *request) traceEvents(s *trace.Source, a trace.Action) error {
	on := s.Status().On[a]
	name := r.arg(2)
	if name == "" {
		fmt.Fprintf(r.w, "Supported events for source %s (+=enabled, -=disabled):\n", s.Name)
		if a != trace.Report {
			fmt.Fprintln(r.w, "  - now          : at once, whatever happens")
		}
		fmt.Fprintf(r.w, "  %c none         : no event\n  %c any          : all events\n", '-', '-')
		for i, e := range s.Events {
			fmt.Fprintf(r.w, "  %c %-12s : %s\n", plusMinus(on, i), e.Name, e.Doc)
		}
		return nil
	}
	switch {
	case name == "now" && a != trace.Report:
		s.Change(func(st *trace.Status) { st.Running, st.Waiting = a == trace.Start, a == trace.Pause })
		return nil
	case name == "none":
		s.Change(func(st *trace.Status) { st.On[a] = 0 })
		return nil
	case name == "any":
		s.Change(func(st *trace.Status) { st.On[a] = trace.All })
		return nil
	}
	off := name[0] == '-' || name[0] == '!'
	if off || name[0] == '+' {
		name = name[1:]
	}
	i := slices.IndexFunc(s.Events, func(e trace.Event) bool { return e.Name == name })
	if i < 0 {
		return r.fail("No such trace event")
	}
	s.Change(func(st *trace.Status) {
		st.On[a] |= 1 << i
		if off {
			st.On[a] &^= 1 << i
		}
	})
	return nil
}

func plusMinus(e trace.Events, i int) byte {
	if e&(1<<i) != 0 {
		return '+'
	}
	return '-'
}

func showTrace(r *request) error {
	if r.arg(0) == "" {
		fmt.Fprintln(r.w, "Supported trace sources and states (.=stopped, w=waiting, R=running) :")
		for _, s := range r.s.engine.Traces().List() {
			st := s.Status()
			fmt.Fprintf(r.w, " [%c] %-10s -> %s [drp %d]  [%s]\n", traceMark(&st), s.Name, sinkName(&st), st.Dropped, s.Doc)
		}
		return nil
	}
	if r.access.Level < Operator {
		return r.fail("Permission denied")
	}
	s := r.traceSource(r.arg(0))
	if s == nil {
		return r.fail("No such trace source")
	}
	st := s.Status()
	fmt.Fprintf(r.w, "Trace status for %s:\n  - sink: %s [%d dropped]\n  - event name   :     report    start    stop    pause\n", s.Name, sinkName(&st), st.Dropped)
	for i, e := range s.Events {
		fmt.Fprintf(r.w, "    %-12s :        %c        %c        %c       %c\n", e.Name,
			plusMinus(st.On[trace.Report], i), plusMinus(st.On[trace.Start], i), plusMinus(st.On[trace.Stop], i), plusMinus(st.On[trace.Pause], i))
	}
	return nil
}

func sinkName(st *trace.Status) string {
	if st.Sink == nil {
		return "none"
	}
	return st.Sink.Name()
}
