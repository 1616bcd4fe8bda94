package table

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A small table that is full makes room for whoever comes, also while others use the entry
// that was to go: there is always one that nobody holds.
func TestFullTablesMakeRoomBesideOthers(t *testing.T) {
	const threads, each, size = 4, 20000, 10
	tab := New(spec(IP, 4, size, time.Hour, Column{Datum: GPC0}))
	var lost atomic.Int64
	var all sync.WaitGroup
	for i := range threads {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 9))
			for range each {
				now := tab.Now()
				r, ok := tab.Make(number(uint32(rnd.IntN(2*size))), now)
				if !ok {
					lost.Add(1)
					continue
				}
				r.Increase(Counter{Number: GPC0, Rate: GPC0Rate}, 1, now)
				r.Drop()
			}
		})
	}
	all.Wait()
	if n := lost.Load(); n > 0 {
		t.Errorf("%d of %d found no room, with at most %d of %d entries held", n, threads*each, threads, size)
	}
	if tab.Used() > size {
		t.Errorf("%d entries of %d", tab.Used(), size)
	}
}
