package conn

import (
	"context"
	"fmt"

	"bench/chaos"
	"bench/chaos/evidence"
	"bench/internal/result"
)

// Fault carries out a Kill, a Reset, a Flood or a HalfOpen as a chaos.Fault. What
// they make belongs to sockets of this process: it goes with it.
type Fault struct {
	// Order is a *Kill, *Reset, *Flood or *HalfOpen.
	Order interface{ Check() error }

	cancel   context.CancelFunc
	done     chan struct{}
	findings []result.Finding
	err      error
}

// Begin implements chaos.Fault.
func (f *Fault) Begin(ctx context.Context, _ *chaos.Journal) error {
	if err := f.Order.Check(); err != nil {
		return err
	}
	if k, ok := f.Order.(*Kill); ok {
		done, err := k.Do()
		f.findings = []result.Finding{
			evidence.Some("connections found", uint64(done.Found), "connections"),
			evidence.All("killed of those chosen", uint64(done.Chosen-done.Alive), uint64(done.Chosen)),
		}
		return err
	}
	ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx)) // End ends it
	f.done = make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(f.done)
		f.findings, f.err = f.run(ctx, func() { close(begun) })
	}()
	select {
	case <-begun:
		return nil
	case <-f.done:
	}
	select {
	case <-begun: // and over already: End tells
		return nil
	default:
		f.cancel()
		return f.err
	}
}

// run attacks until ctx is over; it calls begun when the attack is on.
func (f *Fault) run(ctx context.Context, begun func()) ([]result.Finding, error) {
	switch o := f.Order.(type) {
	case *Reset:
		done, err := o.do(ctx, begun)
		return []result.Finding{
			evidence.Some("connections reset", done.Chosen, "connections that carry data"),
			evidence.All("gone of those reset", done.Chosen-done.Survive, done.Chosen),
		}, err
	case *Flood:
		done, err := o.do(ctx, begun)
		return []result.Finding{
			evidence.Near("SYNs per second", o.Rate, done.Rate(), floodExact, func(v float64) string { return fmt.Sprintf("%.0f", v) }),
			evidence.Some("answers", done.Answered+done.Refused, "a server that answers"),
			evidence.All("reset at the end", done.Hung, done.Sent),
		}, err
	case *HalfOpen:
		done, err := o.do(ctx, begun)
		return []result.Finding{
			evidence.All("handshakes completed", done.Opened, done.Sent),
			evidence.All("reset at the end", done.Hung, done.Sent),
		}, err
	}
	return nil, fmt.Errorf("nothing is known of a %T", f.Order)
}

// floodExact is the share by which the rate of a flood may be off.
const floodExact = 0.05

// End implements chaos.Fault.
func (f *Fault) End() (*result.Certificate, error) {
	mechanism := "SOCK_DESTROY"
	if f.cancel != nil {
		mechanism = "packet socket"
		f.cancel()
		<-f.done
	}
	return evidence.Certificate(mechanism, f.err == nil, f.findings...), f.err
}
