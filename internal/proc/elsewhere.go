package proc

import (
	"io"
	"os"
	"syscall"
	"time"
)

// Host is another machine that processes of a run are started on. Everything a Process
// promises holds there as well; who carries it there is not this package's business.
type Host interface {
	// Launch starts what s says, and gives its standard output to stdout.
	Launch(s *Spec, stdout io.Writer) (Remote, error)
	// Clock is what the clock of the host shows when CLOCK_MONOTONIC is at here.
	Clock(at int64) int64
	// Here is what CLOCK_MONOTONIC is here when the clock of the host shows at.
	Here(at int64) int64
}

// Remote is a process on another machine.
type Remote interface {
	PID() int
	Stdin() io.WriteCloser
	// Signal sends a signal. Those by which programs read their files again find the files
	// there as they are here.
	Signal(sig syscall.Signal) error
	// Children are the processes that it has started and that have not ended.
	Children() ([]int, error)
	// Kill ends the process and its process group at once; it does not wait.
	Kill()
	// Done is closed when the process has ended, or is given up with its host. State,
	// exit code and output are known then.
	Done() <-chan struct{}
	End() (state string, code int, output string)
}

// startElsewhere starts a process on the host of s.
func (g *Group) startElsewhere(s *Spec) (*Process, error) {
	p := &Process{Name: s.Name, host: s.On, output: newTail(16 << 10), done: make(chan struct{})}
	stdout := s.Stdout
	if stdout == nil {
		stdout = io.Discard // it is in the output that comes with the end
	}
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	var err error
	if p.remote, err = s.On.Launch(s, stdout); err != nil {
		return nil, err
	}
	if s.StdinPipe {
		p.Stdin = p.remote.Stdin()
	}
	p.started = time.Now()
	g.mu.Lock()
	closed = g.closed
	g.live[p] = struct{}{}
	g.mu.Unlock()
	if closed {
		p.remote.Kill()
	}
	go func() {
		<-p.remote.Done()
		var output string
		p.state, p.code, output = p.remote.End()
		_, _ = io.WriteString(p.output, output) // it cannot fail
		g.mu.Lock()
		delete(g.live, p)
		g.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

// Elsewhere is the host that the process runs on, nil for this machine. Of a process on
// another host nothing can be read in /proc.
func (p *Process) Elsewhere() Host { return p.host }

// At is what the clock of the process shows when CLOCK_MONOTONIC is at here.
func (p *Process) At(here int64) int64 {
	if p.host == nil {
		return here
	}
	return p.host.Clock(here)
}

// Children are the processes that the process has started and that have not ended, by the
// numbers they have on its machine.
func (p *Process) Children() ([]int, error) {
	if p.remote == nil {
		return Children(p.PID()), nil
	}
	return p.remote.Children()
}

// signal sends a signal to the process itself, wherever it is.
func (p *Process) signal(sig syscall.Signal) error {
	if p.remote == nil {
		return p.cmd.Process.Signal(sig)
	}
	if !p.Running() {
		return os.ErrProcessDone
	}
	return p.remote.Signal(sig)
}
