package check

import (
	"errors"
	"os/exec"
	"sync"
	"syscall"
)

// command is a program that tells how a server is. It runs in a group of processes of its
// own, so that with it ends what it has started.
type command struct {
	cmd *exec.Cmd

	// Guarded by mu.

	mu     sync.Mutex
	group  int // 0: it does not run
	killed bool
}

// execute starts the command of an external check; its end comes back to the loop.
func (c *Checker) execute() {
	k := c.cfg.Check
	args, env := c.cfg.Environment()
	run := &command{cmd: exec.Command(k.Command, args...)}
	if k.Path != "" {
		env = append(env, "PATH="+k.Path)
	}
	run.cmd.Env = env
	run.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.run = run
	limit := c.cfg.Inter
	if c.cfg.Timeout > 0 && c.cfg.Connect > 0 {
		limit = min(limit, c.cfg.Connect)
	}
	c.l.SetTimer(&c.timer, c.l.Now()+int64(limit), c)
	go run.wait(func(code int) {
		c.l.Post(func() {
			if c.run != run {
				return // its time was up, or checking has ended
			}
			c.run = nil
			c.talk.code, c.talk.coded = code, true
			r := Result{Status: ProcOK}
			if code != 0 {
				r.Status = ProcErr
			}
			c.finish(r)
		})
	})
}

// wait runs the command and tells how it has ended; -1: not by itself.
func (r *command) wait(done func(code int)) {
	err := r.start()
	if err == nil {
		err = r.cmd.Wait()
	}
	r.mu.Lock()
	r.group = 0
	r.mu.Unlock()
	var exit *exec.ExitError
	switch {
	case err == nil:
		done(0)
	case errors.As(err, &exit):
		done(exit.ExitCode())
	default:
		done(notStarted)
	}
}

// notStarted is the status of a command that could not be started, as
// of a child that could not become it.
const notStarted = 255

var errKilled = errors.New("killed before it was started")

func (r *command) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed {
		return errKilled
	}
	err := r.cmd.Start()
	if err == nil {
		r.group = r.cmd.Process.Pid
	}
	return err
}

// kill ends the command, whether it runs already or not.
func (r *command) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed = true
	if r.group != 0 {
		_ = syscall.Kill(-r.group, syscall.SIGKILL)
	}
}
