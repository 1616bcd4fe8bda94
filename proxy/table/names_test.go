package table

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// Many threads take texts and let go of them: a number stands for its text as long as
// anybody has it, one text has one number at a time, and nothing is left at the end.
func TestNamesOfThreads(t *testing.T) {
	const rounds = 20_000
	var n names
	// Each text is held by none now and again: then it may get another number.
	texts := make([]string, 3)
	for i := range texts {
		texts[i] = fmt.Sprint("server ", i)
	}
	var threads sync.WaitGroup
	for range 4 {
		threads.Go(func() {
			for i := range rounds {
				text := texts[rand.N(len(texts))]
				id := n.hold(text)
				if i%7 == 0 {
					runtime.Gosched()
				}
				if got := n.text(id); got != text {
					t.Errorf("%q is %q", text, got)
					return
				}
				if again := n.hold(text); again != id {
					t.Errorf("%q has two numbers, %d and %d", text, id, again)
					return
				}
				n.release(id)
				n.release(id)
			}
		})
	}
	threads.Wait()
	if len(n.ids) != 0 || len(n.free) != len(n.list) {
		t.Errorf("%d texts are left, %d numbers of %d are free", len(n.ids), len(n.free), len(n.list))
	}
	if len(n.list) > len(texts) {
		t.Errorf("%d numbers for %d texts", len(n.list), len(texts))
	}
}
