package server

import (
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
	"bench/proxy/state"
)

// Whoever waits for any server waits for backup servers as well once they are in use,
// however the last active one has left.
func TestBackupTakesOverTheQueue(t *testing.T) {
	for name, leave := range map[string]func(s *Server){
		"down":        func(s *Server) { s.SetHealth(state.Down) },
		"maintenance": func(s *Server) { s.Decide(state.OrderMaint, true) },
		"draining":    func(s *Server) { s.Decide(state.OrderDrain, true) },
		"weight 0":    func(s *Server) { s.SetWeight(0) },
	} {
		t.Run(name, func(t *testing.T) {
			b := backend(0, &spec.Server{Weight: 1, MaxConn: 1}, &spec.Server{Weight: 1, Backup: true})
			active, backup := b.Servers()[0], b.Servers()[1]
			if !active.TryAcquire() {
				t.Fatal("no slot")
			}
			woken := 0
			w := &Waiter{Wake: func() { woken++ }}
			b.Enqueue(w, nil)
			if woken != 0 {
				t.Fatal("a backup server serves while there is an active one")
			}
			leave(active)
			if woken != 1 || w.Got != backup {
				t.Errorf("woken %d times, with %v", woken, w.Got)
			}
		})
	}
}

// A server that is added may be what somebody waits for.
func TestAddedServerServesTheQueue(t *testing.T) {
	b := backend(0, &spec.Server{Weight: 1, MaxConn: 1})
	b.Servers()[0].TryAcquire()
	w := &Waiter{Wake: func() {}}
	b.Enqueue(w, nil)
	s := b.NewDynamic(&spec.Server{Name: "new", Weight: 1}, 1, true)
	if !b.Add(s) || w.Got != s {
		t.Errorf("waits on, with %v", w.Got)
	}
}

// The lower the class the sooner; within a class the time of arrival counts, moved by the
// offset. A stream that waits for any server overtakes those of one server if it is to.
func TestPriorities(t *testing.T) {
	b := backend(0, &spec.Server{Weight: 1, MaxConn: 1})
	s := b.Servers()[0]
	s.TryAcquire()
	var order []string
	for i, c := range []struct {
		name          string
		class, offset int
		any           bool
	}{
		{"first", 0, 0, false}, {"later", 1, 0, false}, {"second", 0, 0, false}, {"back", 0, 50, false}, {"third", 0, 0, false}, {"soon", -1, 0, false}, {"sooner", -1, 0, true}, {"ahead", 0, -50, false},
	} {
		class := c.class
		if c.any {
			class--
		}
		w := &Waiter{Rank: Rank(class, c.offset, int64(time.Second)+int64(i)*int64(time.Millisecond))}
		w.Wake = func() { order = append(order, c.name) }
		if c.any {
			b.Enqueue(w, nil)
		} else {
			b.Enqueue(w, s)
		}
	}
	for range 8 {
		s.Release()
	}
	if got, want := strings.Join(order, " "), "sooner soon ahead first second third back later"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
