package proc

import (
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// startLimit bounds the start of a process. The thread that starts them takes the place
// and the priority of the child, and does not run while another program with real-time
// priority holds the child's processor.
const startLimit = 10 * time.Second

// starter is the thread that starts the processes of a group.
type starter struct {
	limit time.Duration
	jobs  chan func()
	tid   int           // of the thread, set before the first job
	ended chan struct{} // the thread is gone
	stuck bool          // a start was given up: the thread may never come back
}

func newStarter() *starter {
	s := &starter{limit: startLimit, jobs: make(chan func()), ended: make(chan struct{})}
	ready := make(chan struct{})
	go s.run(ready)
	<-ready
	return s
}

// run stays on one thread as long as the group lives: the kernel kills children with
// Pdeathsig when the thread that started them ends.
func (s *starter) run(ready chan<- struct{}) {
	runtime.LockOSThread()
	defer close(s.ended)
	s.tid = unix.Gettid()
	close(ready)
	for job := range s.jobs {
		job()
	}
	// Not unlocked: its affinity may differ from that of the other threads, so
	// the runtime discards the thread.
}

// start starts c. A start that takes too long is given up, and with it the group: what
// it still brings forth is killed.
func (s *starter) start(c *exec.Cmd, spec *Spec) error {
	if s.stuck {
		return errStuck
	}
	outcome := make(chan error, 1)
	s.jobs <- func() { outcome <- startOn(c, spec) } // it waits for nothing else
	timer := time.NewTimer(s.limit)
	defer timer.Stop()
	select {
	case err := <-outcome:
		return err
	case <-timer.C:
	}
	s.stuck = true
	unpinThread(s.tid)
	go func() {
		if <-outcome == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}()
	return errStuck
}

var errStuck = fmt.Errorf("not started after %v: another program may hold its processor with real-time priority", startLimit)

// end lets the thread go.
func (s *starter) end() {
	close(s.jobs)
	if !s.stuck {
		<-s.ended
	}
}
