package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"bench/chaos"
	"bench/chaos/port"
	"bench/chaos/process"
	"bench/internal/hosts/wire"
)

// fault is one fault of a run on this host. Its way back is in the journal of the run here.
type fault struct {
	work *work

	mu     sync.Mutex
	acting chaos.Fault // nil: it does not act
}

// order makes the fault act, or ends it.
func (f *fault) order(o *wire.Order) wire.Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case o.Op == wire.OpFault && f.acting == nil && o.Fault != nil:
		made, err := f.work.makeFault(o.Fault)
		if err != nil {
			return refusal(wire.KindRefused, fmt.Errorf("host %s: %w", f.work.host.options.Name, err))
		}
		if err := made.Begin(context.Background(), f.work.journal); err != nil {
			return refusal("", fmt.Errorf("host %s: %w", f.work.host.options.Name, err))
		}
		f.acting = made
		return wire.Reply{}
	case o.Op == wire.OpUndo && f.acting != nil:
		cert, err := f.acting.End()
		f.acting = nil
		var r wire.Reply
		if cert != nil {
			text, failed := json.Marshal(cert)
			r.Certificate, err = text, errors.Join(err, failed)
		}
		if err != nil {
			r.Error = fmt.Sprintf("host %s: %v", f.work.host.options.Name, err)
		}
		return r
	}
	return refusal(wire.KindRefused, fmt.Errorf("%.40q is no order for a fault as it is", o.Op))
}

// end ends the fault with the run.
func (f *fault) end() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.acting == nil {
		return nil
	}
	_, err := f.acting.End()
	f.acting = nil
	return err
}

// makeFault is what is ordered, if it concerns nothing but processes and ports of the run.
func (w *work) makeFault(f *wire.Fault) (chaos.Fault, error) {
	if f.Kind == wire.FaultPort {
		return w.portFault(f.Port)
	}
	own := w.processes()
	if len(f.PIDs) == 0 {
		return nil, errors.New("a fault of no process")
	}
	for _, pid := range f.PIDs {
		if !slices.Contains(own, pid) {
			return nil, fmt.Errorf("process %d is not of this run", pid)
		}
	}
	switch f.Kind {
	case wire.FaultStop:
		return &process.Stop{PIDs: f.PIDs}, nil
	case wire.FaultStarve:
		return &process.Starve{PIDs: f.PIDs, Share: f.Share}, nil
	case wire.FaultFiles:
		return &process.Limit{PIDs: f.PIDs, Resource: process.Files, Value: f.Value}, nil
	case wire.FaultMemory:
		return &process.Limit{PIDs: f.PIDs, Resource: process.Memory, Value: f.Value}, nil
	}
	return nil, fmt.Errorf("%.40q is no fault of hosts", f.Kind)
}

// portFault is a fault of a port that was given to the run. Its helper is a process of the
// run's group: when this process is gone, or stands still, the guard ends it, and the fault
// with it.
func (w *work) portFault(text []byte) (chaos.Fault, error) {
	f := &port.Fault{Group: w.group, Helper: append(slices.Clone(w.host.options.Self), "agent", "port")}
	if err := json.Unmarshal(text, &f.Order); err != nil {
		return nil, fmt.Errorf("a fault that cannot be understood: %w", err)
	}
	server := f.Order.Server
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ports[int(server.Port())] || server.Addr().String() != w.host.options.Address {
		return nil, fmt.Errorf("%v was not given to this run", server)
	}
	return f, nil
}

// processes are those that the run has started here, and their descendants.
func (w *work) processes() []int {
	w.mu.Lock()
	var all []*child
	for _, c := range w.children {
		all = append(all, c)
	}
	w.mu.Unlock()
	var pids []int
	for _, c := range all {
		p, _ := c.is()
		if p == nil || !p.Running() {
			continue
		}
		family, err := process.Family(p.PID())
		if err != nil {
			continue // it has ended since
		}
		for _, t := range family {
			pids = append(pids, t.PID)
		}
	}
	return pids
}
