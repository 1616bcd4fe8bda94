package abuse

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"time"

	"bench/internal/hdr"
	"bench/internal/loop"
	"bench/internal/result"
	"bench/internal/sock"
	"bench/internal/thread"
	"bench/loadgen/targets"
)

// startDelayNs is between the end of the preparations and the origin of a run
// that has no common one.
const startDelayNs = 10e6

// progressEvery is the time between two progress readings.
const progressEvery = time.Second

// Runner is one set of clients, prepared to start.
type Runner struct {
	spec    *Spec
	loop    *loop.Loop
	targets *targets.List
	source  *sock.Addr
}

// New checks spec and prepares it.
func New(spec *Spec) (*Runner, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	r := &Runner{spec: spec}
	var err error
	if r.targets, err = targets.New(spec.Targets, spec.OneName); err != nil {
		return nil, err
	}
	if spec.Source != "" {
		ip, err := netip.ParseAddr(spec.Source)
		if err != nil {
			return nil, err
		}
		a := sock.FromAddrPort(netip.AddrPortFrom(ip, 0))
		// Later this would look like a want of ports.
		fd, err := sock.Listen(&a, nil)
		if err != nil {
			return nil, fmt.Errorf("source %s is not an address of this host", ip)
		}
		sock.Close(fd)
		r.source = &a
	}
	r.loop, err = loop.New(spec.Poller, min(spec.Connections+reservedFDs, sock.ReservableFDs()))
	return r, err
}

// Run carries the set out; startAt is the origin of the run on the clock of
// loop.Nanotime, 0 for now. progress, which may be nil, gets a reading every
// second. When ctx ends, so do the clients, and what they saw so far is returned
// with ctx's error. A Runner runs once.
func (r *Runner) Run(ctx context.Context, startAt int64, progress func(*result.Abuse)) (*result.Abuse, error) {
	if startAt == 0 {
		startAt = loop.Nanotime() + startDelayNs
	}
	w := newWorker(r.spec, r.loop, r.targets, r.source, startAt)
	ended := make(chan error, 1)
	go func() { ended <- r.turn(w) }()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			out, sumErr := w.outcome(startAt)
			return out, errors.Join(err, ctx.Err(), sumErr)
		case <-ctx.Done():
			r.loop.Post(w.finish)
			err := <-ended
			out, sumErr := w.outcome(startAt)
			return out, errors.Join(err, context.Cause(ctx), sumErr)
		case <-tick.C:
			if progress == nil {
				continue
			}
			var now *result.Abuse
			if r.loop.Call(func() { now = w.reading(startAt) }) {
				progress(now)
			}
		}
	}
}

// turn runs the loop on a thread of its own, which ends with it: it may be
// pinned.
func (r *Runner) turn(w *worker) error {
	runtime.LockOSThread()
	if err := thread.Pin(r.spec.CPUs); err != nil {
		return err
	}
	w.arm()
	return r.loop.Run()
}

// outcome is the whole record of clients that have ended.
func (w *worker) outcome(origin int64) (*result.Abuse, error) {
	out := w.reading(origin)
	var err error
	if out.Held, err = new(hdr.Encoder).Summary(w.held); err != nil {
		return nil, fmt.Errorf("abuse %s: %w", w.spec.Name, err)
	}
	return out, nil
}

// reading renders the counts. Connections that are there count as open.
func (w *worker) reading(origin int64) *result.Abuse {
	s := w.spec
	out := &result.Abuse{
		Name: s.Name, Kind: s.Kind, Target: s.Title, Seed: s.Seed,
		BeginUs: (w.begin - origin) / 1000, EndUs: (w.end - origin) / 1000,
		Connections: s.Connections, Rate: s.Rate, OpenMax: uint64(w.most), AbuseCounts: w.sum.render(),
	}
	out.Open += out.Opened - (out.Closed + out.Reset + out.TimedOut + out.Left + out.Open)
	if out.Target == "" {
		out.Target = s.Targets[0]
	}
	for i, name := range w.names {
		if k := w.parts[i].render(); k.Attempts > 0 {
			out.Variants = append(out.Variants, result.AbuseVariant{Name: name, AbuseCounts: k})
		}
	}
	return out
}

// render gives the statuses their names.
func (k *counts) render() result.AbuseCounts {
	out := k.AbuseCounts
	for status, n := range k.status {
		if n == 0 {
			continue
		}
		if out.Statuses == nil {
			out.Statuses = map[string]uint64{}
		}
		out.Statuses[strconv.Itoa(status)] = n
	}
	return out
}
