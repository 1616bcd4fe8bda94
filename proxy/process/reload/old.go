package reload

import (
	"time"

	"golang.org/x/sys/unix"
)

// Old are the processes to be replaced.
type Old struct {
	PIDs []int
	// Signal ends them once this process is ready: SIGUSR1 or SIGTERM.
	Signal unix.Signal
}

// Tell signals all of them and returns how many were there.
func (o *Old) Tell(sig unix.Signal) int {
	n := 0
	for _, pid := range o.PIDs {
		if unix.Kill(pid, sig) == nil {
			n++
		}
	}
	return n
}

// Retries and their spacing give the old processes two seconds to let go.
const (
	bindRetries = 200
	bindPause   = 10 * time.Millisecond
)

// Bind calls bind until it succeeds, fails for another reason than an address
// in use, or the old processes turn out not to be the ones that hold it. They
// are asked to pause (SIGTTOU) before each new attempt. If all fail, release is
// called, and then they are asked to resume (SIGTTIN): what they have let go of
// must be free by then.
func (o *Old) Bind(bind func() error, inUse func(error) bool, release func()) error {
	err := bind()
	paused := false
	for try := 0; err != nil && inUse(err) && try < bindRetries; try++ {
		if o.Tell(unix.SIGTTOU) == 0 {
			break
		}
		paused = true
		time.Sleep(bindPause)
		err = bind()
	}
	if err == nil {
		return nil
	}
	release()
	if paused {
		o.Tell(unix.SIGTTIN)
	}
	return err
}

// Finish tells the old processes that they have been replaced.
func (o *Old) Finish() int {
	if o.Signal == 0 {
		return 0
	}
	return o.Tell(o.Signal)
}
