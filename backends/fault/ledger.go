package fault

import (
	"slices"
	"sync"

	"bench/backends/control"
)

// Ledger records when the faults of a process really began and ended. A fault
// begins with the first replica and thread it takes hold of, and ends with the
// last. Any goroutine may use it; it is not on the data path.
type Ledger struct {
	mu   sync.Mutex
	rows []*row
}

type row struct {
	event control.Event
	open  int // keepers that have not ended it
}

// Open notes a fault that is to be ordered from so many keepers.
func (l *Ledger) Open(p *Plan, targets []string, keepers int) (id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id = len(l.rows) + 1
	l.rows = append(l.rows, &row{open: keepers, event: control.Event{
		ID: id, Kind: p.Fault.Kind, Targets: targets, Fault: p.Fault,
	}})
	return id
}

func (l *Ledger) began(id int, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &l.rows[id-1].event
	if e.BeginNs == 0 || now < e.BeginNs {
		e.BeginNs = now
	}
}

func (l *Ledger) ended(id int, now int64, cleared bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rows[id-1]
	r.event.Cleared = r.event.Cleared || cleared
	if r.open--; r.open == 0 {
		r.event.EndNs = now
	}
}

// Event is the fault of an id.
func (l *Ledger) Event(id int) control.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[id-1].event
}

// Events are all faults in order of their ids.
func (l *Ledger) Events() []control.Event {
	return l.filter(func(*row) bool { return true })
}

// OpenOn lists the faults in force or waiting, on one replica or, for "", on any.
func (l *Ledger) OpenOn(target string) []control.Event {
	return l.filter(func(r *row) bool {
		return r.open > 0 && (target == "" || slices.Contains(r.event.Targets, target))
	})
}

func (l *Ledger) filter(want func(*row) bool) []control.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := []control.Event{}
	for _, r := range l.rows {
		if want(r) {
			events = append(events, r.event)
		}
	}
	return events
}
