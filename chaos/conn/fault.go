package conn

import (
	"context"

	"bench/chaos"
	"bench/chaos/evidence"
	"bench/internal/result"
)

// fault is an attack as a chaos.Fault. Nothing of an attack outlives its process
// but what the kernel's own time-outs end.
type fault struct {
	mechanism string
	// run attacks until ctx is over and tidies up; it calls begun when the attack
	// is on.
	run    func(ctx context.Context, begun func()) ([]result.Claim, error)
	cancel context.CancelFunc
	done   chan struct{}
	claims []result.Claim
	err    error
}

// Begin returns when the attack is on, or has failed.
func (f *fault) Begin(ctx context.Context, _ *chaos.Journal) error {
	// The attack ends with End, and not with the context of its begin.
	ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.done = make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(f.done)
		f.claims, f.err = f.run(ctx, func() { close(begun) })
	}()
	select {
	case <-begun:
		return nil
	case <-f.done:
		select {
		case <-begun:
			return nil // short, and over: End tells what came of it
		default:
			f.cancel()
			return f.err
		}
	}
}

// End ends the attack.
func (f *fault) End() (*result.Certificate, error) {
	f.cancel()
	<-f.done
	c := &result.Certificate{Mechanism: f.mechanism, Claims: f.claims, Gone: f.err == nil}
	c.Conclude()
	return c, f.err
}

const (
	forged    = "forged segments"
	rateShare = 0.05 // that the rate of calls may be off
)

// Fault makes a fault of the order, which acts at once.
func (k Kill) Fault() (chaos.Fault, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	return &fault{mechanism: "SOCK_DESTROY", run: func(_ context.Context, begun func()) ([]result.Claim, error) {
		done, err := k.Do()
		if err != nil {
			return nil, err
		}
		begun()
		return done.claims(k.Share), nil
	}}, nil
}

func (k *Killed) claims(share float64) (all []result.Claim) {
	if share > 0 && share < 1 {
		all = append(all, evidence.Share("connections chosen", share, uint64(k.Chosen), uint64(k.Found), float64(k.Found)))
	}
	return append(all, evidence.All("killed", uint64(k.Killed-k.Alive), uint64(k.Chosen-k.Gone)))
}

// Fault makes a fault of the order, whose time bounds it.
func (f Flood) Fault() (chaos.Fault, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	return &fault{mechanism: forged, run: func(ctx context.Context, begun func()) ([]result.Claim, error) {
		done, err := f.do(ctx, begun)
		return []result.Claim{
			evidence.Near("SYNs a second", "1/s", f.Rate, done.Rate(), rateShare, done.Sent),
			evidence.Some("SYN-ACKs", done.Answered),
			evidence.Exactly("reset at the end", done.Sent, done.Hung),
		}, err
	}}, nil
}

// Fault makes a fault of the order, whose time bounds it.
func (h HalfOpen) Fault() (chaos.Fault, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	return &fault{mechanism: forged, run: func(ctx context.Context, begun func()) ([]result.Claim, error) {
		done, err := h.do(ctx, begun)
		return []result.Claim{
			evidence.Near("connections opened", "1", float64(h.Count), float64(done.Opened), rateShare, done.Sent),
			evidence.Exactly("reset at the end", done.Sent, done.Hung),
		}, err
	}}, nil
}

// Fault makes a fault of the order, whose time bounds it.
func (r Reset) Fault() (chaos.Fault, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	return &fault{mechanism: forged, run: func(ctx context.Context, begun func()) ([]result.Claim, error) {
		done, err := r.do(ctx, begun)
		return done.claims(&r), err
	}}, nil
}

func (i *Injected) claims(r *Reset) (all []result.Claim) {
	if r.Share > 0 && r.Share < 1 && r.Count == 0 {
		all = append(all, evidence.Share("connections chosen", r.Share, i.Chosen, i.Flows, float64(i.Flows)))
	}
	all = append(all, evidence.Some("connections reset", i.Chosen))
	return append(all, evidence.AtMost("connections that survived", "1", 0, float64(i.Survive), i.Chosen, 1))
}
