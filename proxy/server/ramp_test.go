package server

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"bench/proxy/registry"
	"bench/proxy/spec"
	"bench/proxy/state"
)

func backend(full int, servers ...*spec.Server) *Backend {
	for i, s := range servers {
		s.Name = fmt.Sprintf("s%d", i+1)
	}
	return NewBackend(&spec.Proxy{FullConn: full, Servers: servers}, new(registry.Slots))
}

func TestLimitGrowsWithTheBackend(t *testing.T) {
	b := backend(100, &spec.Server{Weight: 1, MaxConn: 50, MinConn: 10}, &spec.Server{Weight: 1, MaxConn: 50}, &spec.Server{Weight: 1})
	for _, c := range []struct {
		sessions int
		want     [3]int64
	}{{0, [3]int64{10, 50, 0}}, {20, [3]int64{10, 50, 0}}, {40, [3]int64{20, 50, 0}}, {99, [3]int64{49, 50, 0}}, {100, [3]int64{50, 50, 0}}, {500, [3]int64{50, 50, 0}}} {
		for b.Cur.Load() < int64(c.sessions) {
			b.Cur.Inc()
		}
		for i, s := range b.Servers() {
			if got := s.Limit(); got != c.want[i] {
				t.Errorf("%d sessions: server %d may have %d, want %d", c.sessions, i, got, c.want[i])
			}
		}
	}
}

func TestLimitHoldsBack(t *testing.T) {
	b := backend(100, &spec.Server{Weight: 1, MaxConn: 50, MinConn: 2})
	s := b.Servers()[0]
	taken := 0
	for s.TryAcquire() {
		taken++
	}
	if taken != 2 || !s.Full() {
		t.Errorf("%d sessions taken, want 2", taken)
	}
}

func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backend(0, &spec.Server{Weight: 100, MaxConn: 200, SlowStart: 10 * time.Second})
		s := b.Servers()[0]
		if s.Effective() != 100 || s.Limit() != 200 {
			t.Fatalf("at the start: weight %d, limit %d: a start is not a return", s.Effective(), s.Limit())
		}
		s.SetHealth(state.Down)
		version := b.Version()
		s.SetHealth(state.Up)
		if s.Effective() != 7 || s.Limit() != 1 {
			t.Errorf("just up: weight %d, limit %d, want 7 and 1", s.Effective(), s.Limit())
		}
		time.Sleep(5*time.Second + time.Millisecond)
		if s.Effective() != 57 || s.Limit() != 100 {
			t.Errorf("after half the time: weight %d, limit %d, want 57 and 100", s.Effective(), s.Limit())
		}
		if b.Version() < version+10 {
			t.Error("threads were not told of the steps")
		}
		time.Sleep(5 * time.Second)
		if s.Effective() != 100 || s.Limit() != 200 {
			t.Errorf("at the end: weight %d, limit %d", s.Effective(), s.Limit())
		}
		version = b.Version()
		time.Sleep(time.Minute)
		if b.Version() != version {
			t.Error("the ramp goes on after its end")
		}
	})
}

func TestSlowStartCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backend(0, &spec.Server{Weight: 16, SlowStart: 10 * time.Second})
		s := b.Servers()[0]
		s.Decide(state.OrderMaint, true)
		s.Decide(state.OrderMaint, false)
		time.Sleep(2 * time.Second)
		if s.Effective() == 16 {
			t.Error("a server leaves maintenance at full weight")
		}
		s.SetHealth(state.Down)
		version := b.Version()
		time.Sleep(time.Minute)
		if b.Version() != version {
			t.Error("the ramp of a server that went down goes on")
		}
	})
}

func TestRelease(t *testing.T) {
	b := backend(0, &spec.Server{Weight: 1, MaxConn: 1})
	s := b.Servers()[0]
	if !s.TryAcquire() {
		t.Fatal("no slot")
	}
	woken := 0
	first, second := &Waiter{Wake: func() { woken++ }}, &Waiter{Wake: func() { woken += 10 }}
	b.Enqueue(first, nil)
	b.Enqueue(second, s)
	if woken != 0 {
		t.Fatalf("woken %d", woken)
	}
	s.Release() // those of the server come before those of the backend
	if woken != 10 || second.Got != s || first.Got != nil {
		t.Errorf("woken %d", woken)
	}
	if !b.Leave(first) || b.Leave(first) || b.Queued.Load() != 0 {
		t.Error("a waiter leaves once")
	}
}
