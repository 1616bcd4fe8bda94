// Package owned checks that what belongs to one thread is touched by that thread only,
// and what a lock guards only by who holds it. It does so in builds with the race
// detector or the tag "owned", which panic where it is not so, also where nobody else
// happened to be there at the time. Elsewhere it costs nothing.
package owned

import (
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Thread is the thread that something belongs to. The zero value is nobody's yet, and
// everybody may touch what belongs to nobody.
type Thread struct{ id atomic.Int32 }

// Take makes the calling thread the owner. Its goroutine has to be locked to it.
func (t *Thread) Take() {
	if On {
		t.id.Store(int32(unix.Gettid()))
	}
}

// Leave ends what Take began.
func (t *Thread) Leave() {
	if On {
		t.id.Store(0)
	}
}

// Check panics if the calling thread is not the owner.
func (t *Thread) Check() {
	if On {
		t.check()
	}
}

func (t *Thread) check() {
	if id, self := t.id.Load(), int32(unix.Gettid()); id != 0 && id != self {
		panic(fmt.Sprintf("thread %d touches what belongs to thread %d", self, id))
	}
}

// Held panics if nobody holds the lock.
func Held(mu *sync.Mutex) {
	if On {
		held(mu)
	}
}

func held(mu *sync.Mutex) {
	if mu.TryLock() {
		mu.Unlock()
		panic("touched without the lock that guards it")
	}
}
