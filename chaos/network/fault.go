package network

import (
	"context"
	"path/filepath"

	"bench/chaos"
	"bench/chaos/evidence"
	"bench/internal/result"
)

// Ordered is an order at a place as a chaos.Fault. What it changes is held by
// this process, its helpers and the namespaces of the run, and goes with them:
// there is nothing to write into the journal.
type Ordered struct {
	Net   *Network
	Order Order
	Place Place

	fault *Fault
}

// Begin implements chaos.Fault.
func (o *Ordered) Begin(_ context.Context, _ *chaos.Journal) (err error) {
	o.fault, err = o.Net.Begin(o.Order, o.Place)
	return err
}

// End implements chaos.Fault.
func (o *Ordered) End() (*result.Certificate, error) {
	r, err := o.fault.End()
	c := evidence.Certificate(r.Mechanism, err == nil, r.Findings...)
	if r.Captured != nil {
		c.Capture = filepath.Base(o.Order.Capture)
	}
	return c, err
}
