package server

import (
	"testing"

	"bench/proxy/spec"
	"bench/proxy/state"
)

// Whoever waits for any server waits for backup servers as well once they are in use,
// however the last active one has left.
func TestBackupTakesOverTheQueue(t *testing.T) {
	for name, leave := range map[string]func(s *Server){
		"down":        func(s *Server) { s.SetHealth(state.Down) },
		"maintenance": func(s *Server) { s.SetAdmin(state.Maint) },
		"draining":    func(s *Server) { s.SetAdmin(state.Drain) },
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
