package server

import (
	"errors"
	"testing"

	"bench/proxy/spec"
	"bench/proxy/state"
)

// Who waits on for a server in maintenance keeps it from being removed, also in the moment
// when the last one has given his slot back and nobody has got it yet.
func TestWhoWaitsKeepsAServer(t *testing.T) {
	b := backend(0, &spec.Server{Weight: 1, MaxConn: 1})
	s := b.Servers()[0]
	if !s.TryAcquire() {
		t.Fatal("no slot")
	}
	w := &Waiter{Stays: true, Wake: func() {}}
	b.Enqueue(w, s)
	s.Decide(state.OrderMaint, true)
	s.Cur.Dec() // the first half of Release
	if err := b.Remove(s); !errors.Is(err, ErrBusy) {
		t.Fatalf("removed while somebody waits: %v", err)
	}
	b.Dequeue(s) // and the second one
	if err := b.Remove(s); w.Got != s || !errors.Is(err, ErrBusy) {
		t.Fatalf("removed while somebody has a slot: %v", err)
	}
	s.Release()
	if err := b.Remove(s); err != nil || !s.Removed() {
		t.Errorf("not removed: %v", err)
	}
}
