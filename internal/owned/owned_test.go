package owned

import (
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return
}

func TestThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var of Thread
	if panics(of.check) {
		t.Error("nobody's is refused")
	}
	of.id.Store(int32(unix.Gettid()))
	if panics(of.check) {
		t.Error("the owner is refused")
	}
	other := make(chan bool)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		other <- panics(of.check)
	}()
	if !<-other {
		t.Error("another thread is not refused")
	}
}

func TestHeld(t *testing.T) {
	var mu sync.Mutex
	if !panics(func() { held(&mu) }) {
		t.Error("a lock that nobody holds passes")
	}
	mu.Lock()
	if panics(func() { held(&mu) }) {
		t.Error("a lock that is held is refused")
	}
	mu.Unlock()
}

// The package is silent where it is not switched on, and only there.
func TestSwitch(t *testing.T) {
	var mu sync.Mutex
	if panics(func() { Held(&mu) }) != On {
		t.Errorf("on is %v", On)
	}
	var of Thread
	of.Take()
	if took := of.id.Load() != 0; took != On {
		t.Errorf("on is %v, and a thread was taken: %v", On, took)
	}
	of.Leave()
	of.Check()
}
