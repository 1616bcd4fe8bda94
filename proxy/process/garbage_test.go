package process

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestRoomForGarbage(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 800}, {1 << 20, 800}, {4 << 20, 800}, {8 << 20, 400}, {32 << 20, 100}, {1 << 30, 100},
	} {
		if got := roomFor(c.live); got != c.want {
			t.Errorf("%d bytes in use: %d %%, want %d", c.live, got, c.want)
		}
	}
}

// What is in use grows and shrinks, and the room follows with the collections; where GOGC
// is set it stays as it is.
func TestRoomForGarbageFollowsTheHeap(t *testing.T) {
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	before := percent()
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "77")
	giveGarbageRoom()()
	if got := percent(); got != before {
		t.Fatalf("with GOGC it is %d", got)
	}
	t.Setenv("GOGC", "")
	stop := giveGarbageRoom()
	defer stop()
	reach := func(what string, fits func(int) bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !fits(percent()); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the room stays at %d %%", what, percent())
			}
			runtime.GC()
		}
	}
	reach("a small heap", func(p int) bool { return p > 100 })
	func() {
		held := make([]byte, 200<<20)
		reach("200 MB in use", func(p int) bool { return p == 100 })
		runtime.KeepAlive(held)
	}()
	reach("a small heap again", func(p int) bool { return p > 100 })
}
