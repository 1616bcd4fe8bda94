package proc

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// markVariable carries the mark of a group in the environment of its children.
const markVariable = "BENCH_GROUP"

// Options tune a group.
type Options struct {
	// Guard is the command of the guard process, which runs Guard; empty
	// leaves the group without one.
	Guard []string
	// Journal is the file that the guard is to recover, too; "" is none.
	Journal string
	// Note is told what the group is about to leave on the machine until it is
	// closed: the mark of its processes, or a directory. nil is nobody.
	Note func(mark, dir string) error
	// Lease lets the guard act, too, when this process has stood still for 5 seconds: for
	// one that others count on to undo what it does.
	Lease bool
	// TempDir is where Dir makes directories; os.TempDir() when empty.
	TempDir string
}

// Group is the set of the processes and directories of one run. It is safe for
// use by several goroutines.
type Group struct {
	mark  string
	temp  string
	note  func(mark, dir string) error
	guard *guard

	mu     sync.Mutex
	start  *starter
	live   map[*Process]struct{}
	dirs   []string
	closed bool
}

// NewGroup returns an empty group. Close must be called at its end.
func NewGroup(o Options) (*Group, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	g := &Group{
		mark: hex.EncodeToString(random[:]),
		temp: o.TempDir,
		note: o.Note,
		live: map[*Process]struct{}{},
	}
	if g.temp == "" {
		g.temp = os.TempDir()
	}
	if g.note == nil {
		g.note = func(string, string) error { return nil }
	}
	if err := g.note(g.mark, ""); err != nil {
		return nil, err
	}
	g.start = newStarter()
	if len(o.Guard) > 0 {
		orders := []string{"mark " + g.mark}
		if o.Journal != "" {
			orders = append(orders, "journal "+o.Journal)
		}
		var err error
		if g.guard, err = startGuard(o.Guard, orders...); err != nil {
			g.start.end()
			return nil, fmt.Errorf("cannot start the guard process: %w", err)
		}
		if o.Lease {
			g.guard.keepAlive()
		}
	}
	return g, nil
}

// Mark is a variable for the environment of processes that belong to the group
// although somebody else starts them.
func (g *Group) Mark() string { return markVariable + "=" + g.mark }

// Dir makes a directory, whose name begins with prefix, that is removed with the group.
func (g *Group) Dir(prefix string) (string, error) {
	var random [5]byte // short: paths of sockets have few bytes
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(filepath.Join(g.temp, prefix+hex.EncodeToString(random[:])))
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("directory %s: %w", dir, cmp.Or(err, fs.ErrExist))
	}
	// It is known to the guard before it is there: whenever this process is killed, nobody
	// has to look for it.
	if err := g.Adopt(dir); err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o700)
}

// Adopt has a directory removed with the group that somebody else has made. It may be gone
// by then.
func (g *Group) Adopt(dir string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed
	}
	if err := g.note("", dir); err != nil {
		return err
	}
	g.dirs = append(g.dirs, dir)
	if !strings.ContainsRune(dir, '\n') { // which no line can hold; the journal has it
		g.guard.tell("dir " + dir)
	}
	return nil
}

var errClosed = errors.New("the run is over: nothing more is started")

// Spec describes a process to start.
type Spec struct {
	Name string   // for messages
	Args []string // Args[0] is looked up in PATH
	Env  []string // added to the environment of this process
	Dir  string   // working directory; "" is that of this process
	CPUs []int    // it may run on; empty is those of this process
	// Nice is added to the priority, as of nice(1). Where a negative one is not
	// allowed, the process gets the priority of this one.
	Nice int
	// Enter moves the thread that starts the process to where the process is to
	// be, and leave moves it back; nil starts it where this process is.
	Enter func() (leave func() error, err error)
	// RealTime lets the process run before all ordinary ones, where that is
	// allowed: for one that uses little time but must be on time. It outranks
	// Nice.
	RealTime bool
	// Stdin is written to the process, which then sees the end of its input.
	// With StdinPipe the input stays open and Process.Stdin writes to it.
	Stdin     []byte
	StdinPipe bool
	// Stdout takes the output as it comes; nil discards it. Writes come from
	// one goroutine.
	Stdout io.Writer
	// On is the machine to start it on; nil is this one. Enter means nothing there.
	On Host
}

// Process is a started child.
type Process struct {
	Name  string
	Stdin io.WriteCloser // nil without Spec.StdinPipe

	cmd     *exec.Cmd
	host    Host // nil: this machine
	remote  Remote
	started time.Time
	output  *tail
	done    chan struct{}
	givenUp atomic.Bool // killed, it did not end
	state   string
	code    int
}

// Start starts a process. An error says what could not be started.
func (g *Group) Start(s Spec) (*Process, error) {
	if s.On != nil {
		p, err := g.startElsewhere(&s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		return p, nil
	}
	path, err := exec.LookPath(s.Args[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	p := &Process{Name: s.Name, output: newTail(16 << 10), done: make(chan struct{})}
	c := exec.Command(path, s.Args[1:]...)
	c.Args[0] = s.Args[0]
	c.Dir = s.Dir
	c.Env = append(append(os.Environ(), s.Env...), g.Mark())
	// A session is also a scheduling group of its own (sched(7), autogroup), so
	// that processes of a run do not share the weight of one.
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	c.Stderr = p.output
	c.Stdout = s.Stdout
	if s.Stdout == nil {
		c.Stdout = p.output
	}
	// A grandchild that holds the output open must not hold up Wait.
	c.WaitDelay = 2 * time.Second
	if s.StdinPipe {
		if p.Stdin, err = c.StdinPipe(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
	} else if s.Stdin != nil {
		c.Stdin = &oneRead{s.Stdin}
	}
	p.cmd = c
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errClosed
	}
	if err := g.start.start(c, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	p.started = time.Now()
	g.live[p] = struct{}{}
	go func() {
		err := c.Wait()
		p.state = c.ProcessState.String()
		p.code = c.ProcessState.ExitCode()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
			p.state += ": " + err.Error()
		}
		g.mu.Lock()
		delete(g.live, p)
		g.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

// startOn starts c where it is to be: a child inherits that from the thread that
// starts it.
func startOn(c *exec.Cmd, s *Spec) error {
	if s.Enter == nil {
		return startPromptly(c, s)
	}
	leave, err := s.Enter()
	if err != nil {
		return err
	}
	err = startPromptly(c, s)
	return errors.Join(err, leave())
}

// startPromptly starts c on the given CPUs with the given priority, which are
// inherited, too. A priority that is not allowed is no fault.
func startPromptly(c *exec.Cmd, s *Spec) error {
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 - nice
	if err != nil {
		own = 20
	}
	if s.RealTime && setPolicy(unix.SCHED_RR, 1, 0) == nil {
		defer func() { _ = setPolicy(unix.SCHED_NORMAL, 0, 20-own) }()
		return startPinned(c, s.CPUs)
	}
	if s.Nice == 0 {
		return startPinned(c, s.CPUs)
	}
	if unix.Setpriority(unix.PRIO_PROCESS, 0, s.Nice) == nil {
		defer func() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, 20-own) }()
	}
	if err = startPinned(c, s.CPUs); err == nil {
		// Between scheduling groups only the priority of the group counts. Not
		// every kernel has them, and not every user may.
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", c.Process.Pid), []byte(strconv.Itoa(s.Nice)), 0)
	}
	return err
}

// setPolicy changes the scheduling of the calling thread.
func setPolicy(policy, priority uint32, nice int) error {
	return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority, Nice: int32(nice)}, 0)
}

func startPinned(c *exec.Cmd, cpus []int) error {
	if len(cpus) == 0 {
		return c.Start()
	}
	var old, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return fmt.Errorf("sched_getaffinity: %w", err)
	}
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("CPUs %v cannot be used: sched_setaffinity: %w", cpus, err)
	}
	err := c.Start()
	if back := unix.SchedSetaffinity(0, &old); err == nil && back != nil {
		return fmt.Errorf("sched_setaffinity: %w", back)
	}
	return err
}

// oneRead is a reader of a text that the exec package copies by a goroutine.
type oneRead struct{ rest []byte }

func (r *oneRead) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// PID of the process, which is also its process group; on the host that it runs on.
func (p *Process) PID() int {
	if p.remote != nil {
		return p.remote.PID()
	}
	return p.cmd.Process.Pid
}

// Started is when the process was started.
func (p *Process) Started() time.Time { return p.started }

// Done is closed when the process has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running reports whether the process has not been reaped yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// State says how the process ended: "exit status 1", "signal: killed"; empty
// while it runs.
func (p *Process) State() string {
	if p.Running() {
		return ""
	}
	return p.state
}

// ExitCode is the exit status, -1 after a signal or while the process runs.
func (p *Process) ExitCode() int {
	if p.Running() {
		return -1
	}
	return p.code
}

// Output is the end of what the process wrote to its standard error, and to
// its standard output if nobody else took it.
func (p *Process) Output() string { return p.output.String() }

// Signal sends a signal to the process itself.
func (p *Process) Signal(sig syscall.Signal) error { return p.signal(sig) }

// Kill ends the process and its process group at once and waits for its end, but for no
// longer than a few seconds: Close reports a process that does not end.
func (p *Process) Kill() {
	p.killGroup()
	p.awaitEnd()
}

func (p *Process) killGroup() {
	// The group exists until its last member is gone, also after its leader;
	// when the leader was reaped its number could be anyone's.
	switch {
	case !p.Running():
	case p.remote != nil:
		p.remote.Kill()
	default:
		_ = unix.Kill(-p.PID(), unix.SIGKILL)
	}
}

// Stop sends a signal, waits until the process has ended or ctx is over, and
// then kills what is left of it.
func (p *Process) Stop(ctx context.Context, sig syscall.Signal) {
	if p.Running() && p.Signal(sig) == nil {
		select {
		case <-p.done:
		case <-ctx.Done():
		}
	}
	p.Kill()
}

// Close ends every process of the group, those included that left their
// process group, and removes its directories. It may be called again.
func (g *Group) Close() error {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	var live []*Process
	for p := range g.live {
		live = append(live, p)
	}
	dirs := g.dirs
	g.dirs = nil
	g.mu.Unlock()
	for _, p := range live {
		p.killGroup()
	}
	err := KillMarked(g.mark)
	err = errors.Join(err, awaitAll(live))
	g.mu.Lock()
	for _, p := range live {
		delete(g.live, p) // what does not end is reported once
	}
	g.mu.Unlock()
	for _, dir := range dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if first {
		g.guard.release()
		g.start.end()
	}
	return err
}
