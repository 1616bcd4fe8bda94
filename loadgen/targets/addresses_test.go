package targets

import (
	"syscall"
	"testing"

	"bench/loadgen/codec"
)

func TestTargets(t *testing.T) {
	addresses := []string{"127.0.0.2:1", "127.0.0.3:1", "[::1]:1"}
	all, err := New(addresses, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		if at := all.Next(); at != i%3 || all.Failed(at, 1, syscall.ECONNREFUSED) {
			t.Errorf("targets of their own: connection %d goes to %d, or on from there", i, at)
		}
	}
	name, err := New(addresses, true)
	if err != nil {
		t.Fatal(err)
	}
	if name.Failed(0, 1, syscall.EMFILE) || name.Next() != 0 {
		t.Error("without descriptors another address is tried")
	}
	// Two connections find out at once: the name goes on by one address.
	for range 2 {
		if again := name.Failed(0, 1, syscall.ECONNREFUSED); !again || name.Next() != 1 {
			t.Errorf("after a refusal the name goes to %d (%v), want 1", name.Next(), again)
		}
	}
	name.Opened(1)
	if !name.Local(1, syscall.EADDRNOTAVAIL) || name.Local(2, syscall.EADDRNOTAVAIL) {
		t.Error("no ports are left where there is no address of the family, or the other way round")
	}
	if name.Failed(1, 3, syscall.ECONNREFUSED) {
		t.Error("all have been tried, and yet another one is")
	}
	fail := func() {
		at := name.Next()
		_, _ = name.Failure(at, syscall.ECONNREFUSED, "refused")
		_ = name.Failed(at, 1, syscall.ECONNREFUSED)
	}
	for range 3 {
		fail()
	}
	if n := testing.AllocsPerRun(1000, fail); n != 0 {
		t.Errorf("%v allocations for a connection that fails", n)
	}
}

func TestConnectCauses(t *testing.T) {
	for e, want := range map[syscall.Errno]codec.Cause{
		syscall.ECONNREFUSED: codec.CauseRefused, syscall.ENOENT: codec.CauseRefused, syscall.EADDRNOTAVAIL: codec.CauseLocal,
		syscall.EMFILE: codec.CauseLocal, syscall.ENFILE: codec.CauseLocal, syscall.ENOBUFS: codec.CauseLocal,
		syscall.ETIMEDOUT: codec.CauseConnect, syscall.EHOSTUNREACH: codec.CauseConnect, syscall.ENETUNREACH: codec.CauseConnect, syscall.EAGAIN: codec.CauseConnect,
	} {
		if got := connectCause(e); got != want {
			t.Errorf("%v is %s, want %s", e, got, want)
		}
	}
}
