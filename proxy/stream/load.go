package stream

import (
	"time"

	"bench/proxy/spec"
)

// load is how busy a thread has been lately.
type load struct {
	since, idle int64 // when the present stretch began, and how idle the loop had been by then
	busy        int   // percent of the stretch before
}

// loadStretch is how long a thread is watched for an opinion about how busy it is.
const loadStretch = int64(500 * time.Millisecond)

// look brings the figure up to date; idle is how long the loop has waited in all.
func (l *load) look(now, idle int64) {
	d := now - l.since
	if d < loadStretch {
		return
	}
	if l.since > 0 {
		l.busy = int(100 - min(100*(idle-l.idle)/d, 100))
	}
	l.since, l.idle = now, idle
}

// mayEncode tells whether one more response may be encoded: "maxcomprate" and
// "maxcompcpuusage" leave others as they are.
func (t *Thread) mayEncode() bool {
	now := t.Loop.Now()
	if least := t.Shared.Config.Global.MinCompIdle; least > 0 {
		t.load.look(now, t.Loop.Idle())
		if 100-t.load.busy < least {
			return false
		}
	}
	return t.Shared.CompressionPace.Wait(now) == 0
}

// A loop is measured while a turn takes longer than slowTurn on average, and until it takes
// less than quickTurn.
const (
	slowTurn  = int64(time.Millisecond)
	quickTurn = slowTurn - slowTurn/100
)

// turns is what the loop had done a second ago.
type turns struct {
	auto      bool
	n         uint64
	now, idle int64
}

// SetProfiling says when it is measured how long the handlers of the thread take.
func (t *Thread) SetProfiling(p spec.Profiling) {
	t.turns.auto = p == spec.ProfilingAuto
	t.Loop.SetProfile(p == spec.ProfilingOn)
}

// watchTurns switches measuring on or off by how long turns have taken.
func (t *Thread) watchTurns(now int64) {
	w := &t.turns
	n, idle := t.Loop.Turns(), t.Loop.Idle()
	if d := int64(n - w.n); w.auto && w.now > 0 && d > 0 {
		switch mean := (now - w.now - (idle - w.idle)) / d; {
		case mean > slowTurn:
			t.Loop.SetProfile(true)
		case mean < quickTurn:
			t.Loop.SetProfile(false)
		}
	}
	w.n, w.now, w.idle = n, now, idle
}
