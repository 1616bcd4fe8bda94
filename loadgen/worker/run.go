package worker

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"time"

	"bench/internal/list"
	"bench/internal/loop"
	"bench/internal/result"
	"bench/internal/sock"
	"bench/internal/thread"
	"bench/loadgen/codec"
	"bench/loadgen/pace"
	"bench/loadgen/record"
	"bench/loadgen/targets"
	"bench/loadgen/trace"
	"bench/loadgen/witness"
	"bench/loadgen/workload"
)

// startDelayNs is between the end of the preparations and the origin of a run
// that has no common one.
const startDelayNs = 10e6

// maxStartLateNs is how long ago the origin of a run may be. A start missed by
// more could only be caught up with in a burst.
const maxStartLateNs = 1e9

// Runner is one load, prepared to start.
type Runner struct {
	spec    *workload.Spec
	sink    record.Sink
	loop    *loop.Loop
	codec   codec.Codec
	trace   *trace.Trace
	spin    int64 // µs
	targets *targets.List
	tls     *tls.Config // nil: in clear
	team    *team       // of several threads; the rest is not set then
}

// New checks spec and prepares a run of it. Progress, Interval and Failure
// lines will go to sink, which may be nil.
func New(spec *workload.Spec, sink record.Sink) (*Runner, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	if spec.Threads > 1 {
		t, err := newTeam(spec, sink)
		return &Runner{spec: spec, team: t}, err
	}
	return newRunner(spec, sink)
}

// newRunner prepares a valid spec for one thread.
func newRunner(spec *workload.Spec, sink record.Sink) (*Runner, error) {
	r := &Runner{spec: spec, sink: sink}
	var err error
	if r.targets, err = targets.New(spec.Targets, spec.OneName); err != nil {
		return nil, err
	}
	if spec.Arrival == workload.Replay {
		if r.trace, err = trace.Read(spec.Trace); err != nil {
			return nil, err
		}
	}
	if r.codec, err = spec.Open(r.trace); err != nil {
		return nil, err
	}
	if spec.TLS != nil {
		if r.tls, err = spec.TLS.Config(); err != nil {
			return nil, err
		}
		r.tls.NextProtos = spec.ALPN()
	}
	r.spin = spinUs(spec)
	r.loop, err = newLoop(spec)
	return r, err
}

// newLoop makes the loop on its polling mechanism. One that receives ahead does not
// note the times of arrival that a timed load tells by.
func newLoop(s *workload.Spec) (*loop.Loop, error) {
	if s.Poller == "" && !s.Timed() {
		return loop.NewQuickest(sock.ReservableFDs())
	}
	return loop.New(s.Poller, sock.ReservableFDs())
}

// Run carries out the load from startAt on, a time on the clock of
// loop.Nanotime, 0 for now and at most a second ago. When ctx ends, no further
// request is sent, requests on their way end as failed, and the outcome so far
// is returned with ctx's error. A Runner runs once.
func (r *Runner) Run(ctx context.Context, startAt int64) (*result.Load, error) {
	if r.team != nil {
		return r.team.run(ctx, startAt)
	}
	return r.runAlone(ctx, startAt)
}

func (r *Runner) runAlone(ctx context.Context, startAt int64) (*result.Load, error) {
	now := loop.Nanotime()
	if startAt == 0 {
		startAt = now + startDelayNs
	}
	if startAt < now-maxStartLateNs {
		return nil, fmt.Errorf("load %s: the start time is %v ago", r.spec.Name, time.Duration(now-startAt))
	}
	w := r.worker(startAt)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if w.timed { // else there is no schedule to be late for
		w.witness = witness.Start(startAt, r.spec.CPUs)
	}
	rep := record.StartReporter(w.rec, w.witness, r.sink, r.spec.Share.Parts() > 1, cancel)
	ended := make(chan error, 1)
	go func() { ended <- r.turn(w) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		r.loop.Post(w.abort)
		err = <-ended
	}
	rep.Wait()
	load, sumErr := r.outcome(w, rep)
	return load, errors.Join(err, context.Cause(ctx), sumErr)
}

// outcome is the whole record of a run that has ended.
func (r *Runner) outcome(w *worker, rep *record.Reporter) (*result.Load, error) {
	load, err := rep.Outcome(r.spec)
	if err != nil {
		return nil, err
	}
	if r.trace != nil {
		load.Trace = r.trace.Account(r.spec.LengthUs() * 1000)
	}
	load.CPUSeconds, load.BusyShare = w.meter.cpu(), w.meter.busy()
	load.Poller = r.loop.Poller()
	load.SpinUs = r.loop.Spin() / 1000
	load.RealTime = w.privilege.account(w.rec.Origin)
	return load, nil
}

// turn runs the loop on a thread of its own, which ends with it: it may be
// pinned.
func (r *Runner) turn(w *worker) error {
	runtime.LockOSThread()
	err := errors.Join(thread.Pin(r.spec.CPUs), thread.ExactTimers())
	if err == nil {
		// An open loop's thread has little to do, at exact times. A closed one
		// takes what it gets, and must not take it from the target.
		thread.Prompt(w.closed == nil)
		w.witness.Enter()
		if w.privilege.begin() && r.spec.SpinShare == 0 {
			w.spin = 0 // spinning would keep everybody else from the processor
		}
		r.loop.SetSpin(w.spin)
		if r.spec.SpinUs == workload.AutoSpin && w.timed && w.spin > 0 {
			r.loop.AdaptSpin(leastSpinUs*1000, mostSpinUs*1000, cmp.Or(r.spec.SpinShare, 1))
		}
		if r.spec.SpinShare > 0 {
			w.spin = 0 // watching for answers has no bound
		}
		if !w.timed {
			r.loop.SetWatch(w.spin)
		}
		if w.timed && w.secure == nil { // of what is encrypted the kernel does not know when it was complete
			w.stamps = startStamps()
			w.connect.Stamp = true
			defer w.stamps.close()
		}
		w.begin()
		err = r.loop.Run()
		w.witness.Leave()
	}
	w.closeAll()
	w.rec.Finish(loop.Nanotime())
	return err
}

func (r *Runner) worker(origin int64) *worker {
	s, classes := r.spec, r.codec.Classes()
	w := &worker{
		share: s.Share, users: s.Share.Index,
		loop: r.loop, codec: r.codec, targets: r.targets, rec: record.New(s, classes, origin),
		connect: sock.ConnectOptions{NoDelay: true},
		end:     origin + s.LengthUs()*1000, most: s.MaxRequests, pool: s.Share.Part(s.Connections.Pool), perConn: s.Connections.RequestsPerConnection,
		timeout: s.TimeoutNs(), connectTimeout: r.targets.Patience(s.ConnectTimeoutNs()), spin: r.spin * 1000,
		depth: s.Depth(), maxAge: s.Connections.MaxAgeUs * 1000,
		classes: classes, mix: pace.NewMix(classes, s.Seed), timed: s.Timed(), cutter: newCutter(s),
	}
	if r.tls != nil {
		w.secure = newSecure(r.loop, r.tls, s.Upgrades())
	}
	if s.Arrival == workload.Closed {
		w.closed = pace.NewClosedLoop(s.ThinkUs*1000, w.depth, s.Share)
		w.arrivals = w.closed
	} else {
		w.arrivals = pace.NewOpenLoop(s, r.trace, origin)
	}
	w.more.R, w.pump.R = taskFunc(w.arrive), taskFunc(w.serveQueue)
	return w
}

// closeAll closes what is left open after the loop has ended, as the protocol
// does it where nothing is under way.
func (w *worker) closeAll() {
	for c := w.idle.First(); c != nil; c = c.place.Next() {
		c.farewell()
	}
	for _, l := range []*list.List[conn]{&w.idle, &w.room, &w.lingering, &w.opening} {
		for c := l.First(); c != nil; c = c.place.Next() {
			sock.Close(c.fd)
		}
	}
}

// Run checks and carries out one load; see New and Runner.Run.
func Run(ctx context.Context, spec *workload.Spec, sink record.Sink) (*result.Load, error) {
	r, err := New(spec, sink)
	if err != nil {
		return nil, err
	}
	return r.Run(ctx, spec.StartAt)
}
