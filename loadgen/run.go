package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"bench/internal/loop"
	"bench/internal/result"
	"bench/internal/sock"
	"bench/internal/thread"
)

// startDelayNs is between the end of the preparations and the origin of a run
// that has no common one.
const startDelayNs = 10e6

// fleetDelayNs is as much where the start time has to reach other processes.
const fleetDelayNs = 100e6

// StartSoon is a start time for a load whose processes are ready.
func StartSoon() int64 { return loop.Nanotime() + fleetDelayNs }

// maxStartLateNs is how long ago the origin of a run may be. A start missed by
// more could only be caught up with in a burst.
const maxStartLateNs = 1e9

// Runner is one load, prepared to start.
type Runner struct {
	spec    *Spec
	sink    Sink
	loop    *loop.Loop
	codec   Codec
	trace   *trace
	spin    int64 // µs
	targets *Targets
	team    *team // of several threads; the rest is not set then
}

// New checks spec and prepares a run of it. Progress, Interval and Failure
// lines will go to sink, which may be nil.
func New(spec *Spec, sink Sink) (*Runner, error) {
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
func newRunner(spec *Spec, sink Sink) (*Runner, error) {
	r := &Runner{spec: spec, sink: sink}
	var err error
	if r.targets, err = NewTargets(spec.Targets, spec.OneName); err != nil {
		return nil, err
	}
	p, err := findProtocol(spec.Protocol)
	if err != nil {
		return nil, err
	}
	if spec.Arrival == Replay {
		if r.trace, err = readTrace(spec.Trace); err != nil {
			return nil, err
		}
	}
	if r.codec, err = p.open(spec, r.trace); err != nil {
		return nil, err
	}
	r.spin = spec.spinUs()
	r.loop, err = spec.newLoop()
	return r, err
}

// newLoop makes the loop on its polling mechanism. One that receives ahead does not
// note the times of arrival that a timed load tells by.
func (s *Spec) newLoop() (*loop.Loop, error) {
	if s.Poller == "" && !s.timed() {
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
		w.witness = startWitness(startAt, r.spec.CPUs)
	}
	rep := &reporter{rec: w.rec, witness: w.witness, sink: r.sink, shared: r.spec.Share.of() > 1, failed: cancel, done: make(chan struct{})}
	go rep.run()
	ended := make(chan error, 1)
	go func() { ended <- r.turn(w) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		r.loop.Post(w.abort)
		err = <-ended
	}
	<-rep.done
	load, sumErr := r.outcome(w, rep)
	return load, errors.Join(err, context.Cause(ctx), sumErr)
}

// outcome is the whole record of a run that has ended.
func (r *Runner) outcome(w *worker, rep *reporter) (*result.Load, error) {
	load, err := w.outcome(r.spec, &rep.enc)
	if err != nil {
		return nil, err
	}
	if r.trace != nil {
		load.Trace = r.trace.account(r.spec.lengthUs() * 1000)
	}
	load.Poller = r.loop.Poller()
	load.SpinUs = r.loop.Spin() / 1000
	load.RealTime = w.privilege.account(w.rec.origin)
	load.LateSeconds = lateSeconds(load, rep.lags.lateUs)
	load.Host, err = rep.host()
	return load, err
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
		w.witness.enter()
		if w.privilege.begin() && r.spec.SpinShare == 0 {
			w.spin = 0 // spinning would keep everybody else from the processor
		}
		r.loop.SetSpin(w.spin)
		if r.spec.SpinUs == AutoSpin && w.timed && w.spin > 0 {
			r.loop.AdaptSpin(leastSpinUs*1000, mostSpinUs*1000, cmp.Or(r.spec.SpinShare, 1))
		}
		if r.spec.SpinShare > 0 {
			w.spin = 0 // watching for answers has no bound
		}
		if !w.timed {
			r.loop.SetWatch(w.spin)
		}
		if w.timed {
			w.stamps = startStamps()
			w.connect.Stamp = true
			defer w.stamps.close()
		}
		w.begin()
		err = r.loop.Run()
		w.witness.leave()
	}
	w.closeAll()
	w.rec.finish(loop.Nanotime())
	return err
}

func (r *Runner) worker(origin int64) *worker {
	s, classes := r.spec, r.codec.Classes()
	w := &worker{
		share: s.Share, users: s.Share.Index,
		loop: r.loop, codec: r.codec, targets: r.targets, rec: newRecorder(s, classes, origin),
		connect: sock.ConnectOptions{NoDelay: true},
		end:     origin + s.lengthUs()*1000, most: s.MaxRequests, pool: s.Share.part(s.Connections.Pool), perConn: s.Connections.RequestsPerConnection,
		timeout: s.timeoutNs(), connectTimeout: r.targets.Patience(s.connectTimeoutNs()), spin: r.spin * 1000,
		depth: max(1, s.Connections.Pipeline), maxAge: s.Connections.MaxAgeUs * 1000,
		classes: classes, mix: newMix(classes, s.Seed), timed: s.timed(), cutter: newCutter(s),
	}
	if s.Arrival == Closed {
		w.closed = &closedLoop{think: s.ThinkUs * 1000, lanes: w.depth, seq: uint64(s.Share.Index), step: uint64(s.Share.of())}
		w.arrivals = w.closed
	} else {
		w.arrivals = newOpenLoop(s, r.trace, origin)
	}
	w.more.R, w.pump.R = taskFunc(w.arrive), taskFunc(w.serveQueue)
	return w
}

// closeAll closes what is left open after the loop has ended, as the protocol
// does it where nothing is under way.
func (w *worker) closeAll() {
	for c := w.idle.head; c != nil; c = c.next {
		c.farewell()
	}
	for _, l := range []*connList{&w.idle, &w.room, &w.lingering, &w.opening} {
		for c := l.head; c != nil; c = c.next {
			sock.Close(c.fd)
		}
	}
}

// Run checks and carries out one load; see New and Runner.Run.
func Run(ctx context.Context, spec *Spec, sink Sink) (*result.Load, error) {
	r, err := New(spec, sink)
	if err != nil {
		return nil, err
	}
	return r.Run(ctx, spec.StartAt)
}

// outcome renders the books. The loop has ended.
func (w *worker) outcome(spec *Spec, enc *encoder) (*result.Load, error) {
	l := &result.Load{
		Name: spec.Name, Protocol: spec.Protocol, Target: spec.Title, Arrival: string(spec.Arrival),
		Connections: spec.Connections.Pool, Seed: spec.Seed,
		CPUSeconds: w.meter.cpu(), BusyShare: w.meter.busy(), Sent: w.rec.sent, Integrity: w.rec.checks.account(),
	}
	if l.Protocol == "" {
		l.Protocol = protocols()[0].name
	}
	if l.Arrival == "" {
		l.Arrival = string(Constant)
	}
	if l.Target == "" {
		l.Target = spec.Targets[0]
	}
	sum := &phaseTally{response: newLong(), service: newLong(), lag: newLong()}
	for _, p := range w.rec.phases {
		t, err := p.tally(enc)
		if err != nil {
			return nil, err
		}
		l.Phases = append(l.Phases, result.LoadPhase{
			Name: p.spec.Name, StartUs: (p.start - w.rec.origin) / 1000, LengthUs: (p.end - p.start) / 1000, Measured: p.spec.Measure, Tally: t,
		})
		if p.spec.Measure {
			sum.add(p)
			l.DurationSeconds += float64(p.end-p.start) / 1e9
		}
	}
	var err error
	if l.Tally, err = sum.tally(enc); err != nil {
		return nil, err
	}
	for i, p := range w.rec.classes {
		t, err := p.tally(enc)
		if err != nil {
			return nil, err
		}
		l.Classes = append(l.Classes, result.LoadClass{Name: w.classes[i].Name, Weight: w.classes[i].Weight, Tally: t})
	}
	if l.DurationSeconds > 0 {
		l.RatePerSecond = float64(l.GoodWithin) / l.DurationSeconds
	}
	l.AfterEnd = result.AfterEnd{Ended: w.rec.drain.endedWithin, Good: w.rec.drain.goodWithin}
	l.NotCarried = notCarried(l)
	return l, nil
}
