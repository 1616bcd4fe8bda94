package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"bench/chaos"
	"bench/internal/hosts/wire"
	"bench/internal/result"
)

// Fault is a fault that acts on a host, where its journal is, too.
type Fault struct {
	order  wire.Fault
	orders caller
}

var _ chaos.Fault = (*Fault)(nil)

// Fault is a fault of processes or ports of the host.
func (h *Host) Fault(order *wire.Fault) *Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults++
	return &Fault{order: *order, orders: caller{host: h, channel: fmt.Sprintf("%s%d", wire.FaultChannel, h.faults)}}
}

// Begin implements chaos.Fault.
func (f *Fault) Begin(ctx context.Context, _ *chaos.Journal) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	_, err := f.orders.call(ctx, &wire.Order{Op: wire.OpFault, Fault: &f.order})
	return err
}

// End implements chaos.Fault.
func (f *Fault) End() (*result.Certificate, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	r, err := f.orders.call(ctx, &wire.Order{Op: wire.OpUndo})
	if len(r.Certificate) == 0 {
		return nil, err
	}
	cert := &result.Certificate{}
	if bad := json.Unmarshal(r.Certificate, cert); bad != nil {
		return nil, errors.Join(err, bad)
	}
	return cert, err
}
