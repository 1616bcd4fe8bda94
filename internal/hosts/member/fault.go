package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"bench/chaos"
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

// makeFault is what is ordered, if it concerns nothing but processes of the run.
func (w *work) makeFault(f *wire.Fault) (chaos.Fault, error) {
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
