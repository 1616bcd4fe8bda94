package stream

import "time"

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
