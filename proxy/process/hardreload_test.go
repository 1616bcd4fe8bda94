package process

import (
	"testing"
	"time"
)

// A reload that is asked for while another one is at hand takes nothing from what was ordered
// before: what was to be a hard one stays that, and is not lost on its way.
func TestHardReloadsStayHard(t *testing.T) {
	m := &master{starting: &worker{}, hard: true}
	m.reload(false)
	if !m.hard || !m.pending || m.urgent {
		t.Errorf("behind a hard one: hard %v, pending %v, urgent %v", m.hard, m.pending, m.urgent)
	}
	m = &master{starting: &worker{}, asked: make(chan bool, 1), ended: make(chan struct{})}
	m.reload(true)
	m.reload(false)
	if m.hard || !m.pending || !m.urgent {
		t.Errorf("a hard one behind another: hard %v, pending %v, urgent %v", m.hard, m.pending, m.urgent)
	}
	(&masterConn{m: m}).reload(false)
	go (&masterConn{m: m}).reload(true)
	time.Sleep(50 * time.Millisecond) // or the first one may be taken before it comes
	for _, want := range []bool{false, true} {
		select {
		case hard := <-m.asked:
			if hard != want {
				t.Errorf("hard: %v, want %v", hard, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a reload was lost")
		}
	}
}
