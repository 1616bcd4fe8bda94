package proc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// guard is the parent's end of the pipe to the guard process.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
	stop chan struct{} // ends the signs of life; nil without a lease
	mu   sync.Mutex    // of the pipe
}

// startGuard starts the guard with its first orders. They lie in the pipe before there is a
// guard: this process may be killed as soon as there is one, and a guard without orders
// undoes nothing.
func startGuard(argv []string, orders ...string) (*guard, error) {
	c := exec.Command(argv[0], argv[1:]...)
	// A session of its own: neither the terminal's interrupt nor its hang-up
	// reaches the guard.
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Dir = "/"
	in, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	c.Stdin = in
	g := &guard{cmd: c, pipe: pipe}
	for _, order := range orders {
		g.tell(order)
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	return g, nil
}

// tell passes a line on. A guard that died is no reason to stop a run: it is
// the second line of defence.
func (g *guard) tell(line string) {
	if g != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		_, _ = io.WriteString(g.pipe, line+"\n")
	}
}

// release lets the guard go: everything has been undone.
func (g *guard) release() {
	if g == nil {
		return
	}
	if g.stop != nil {
		close(g.stop)
	}
	g.tell("done")
	_ = g.pipe.Close()
	_ = g.cmd.Wait()
}

// The lease of a guard is counted in ticks of its own, so that a machine that stood
// still, or a guard that did not get to run, counts as one tick at most.
const (
	leaseTick  = 250 * time.Millisecond
	leaseTicks = 20
)

// keepAlive tells the guard that the process it guards does run, until the guard is
// released.
func (g *guard) keepAlive() {
	g.tell("lease")
	g.stop = make(chan struct{})
	go func() {
		tick := time.NewTicker(leaseTick)
		defer tick.Stop()
		for {
			select {
			case <-g.stop:
				return
			case <-tick.C:
				g.tell("alive")
			}
		}
	}()
}

// guardLines are the lines of in, and nothing more once none has come for a lease, after
// the first one that says that there is a lease.
func guardLines(in io.Reader) <-chan string {
	read, passed := make(chan string), make(chan string)
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			read <- lines.Text()
		}
	}()
	go func() {
		defer close(passed)
		tick := time.NewTicker(leaseTick)
		defer tick.Stop()
		lease, silent := false, 0
		for !lease || silent < leaseTicks {
			select {
			case line, ok := <-read:
				if !ok {
					return
				}
				silent = 0
				switch line {
				case "lease":
					lease = true
				case "alive":
				default:
					passed <- line
				}
			case <-tick.C:
				silent++
			}
		}
	}()
	return passed
}

// Guard is the guard process: it reads what to undo from in, and undoes it
// when in ends without the word that it has been done, or is silent for longer than a
// lease. restore undoes what a journal says.
func Guard(in io.Reader, restore func(journal string) error) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	var mark string
	var dirs, journals []string
	for line := range guardLines(in) {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "mark":
			mark = rest
		case "dir":
			dirs = append(dirs, rest)
		case "journal":
			journals = append(journals, rest)
		case "done":
			return nil
		default:
			return fmt.Errorf("guard: unknown order %q", word)
		}
	}
	if mark == "" {
		return errors.New("guard: its input ended before it was told what to guard")
	}
	err := KillMarked(mark)
	for _, dir := range dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	for _, journal := range journals {
		err = errors.Join(err, restore(journal))
	}
	return err
}

// KillMarked kills every process that carries the mark until there is none.
// A process that forks while it is looked for is found in the next round.
func KillMarked(mark string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		found := marked(mark)
		if len(found) == 0 {
			return nil
		}
		for _, pid := range found {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v did not end", found)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// marked lists the living processes with the mark in their environment.
func marked(mark string) []int {
	want := []byte(markVariable + "=" + mark)
	entries, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	var pids []int
	for _, path := range entries {
		// A zombie has no environment left; one of another user cannot be read
		// and is not ours.
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(append(text, 0), append(want, 0)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
