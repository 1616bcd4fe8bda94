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
	"syscall"
	"time"
)

// guard is the parent's end of the pipe to the guard process.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

func startGuard(argv []string, mark string) (*guard, error) {
	c := exec.Command(argv[0], argv[1:]...)
	// A session of its own: neither the terminal's interrupt nor its hang-up
	// reaches the guard.
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Dir = "/"
	pipe, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	g := &guard{cmd: c, pipe: pipe}
	g.tell("mark " + mark)
	return g, nil
}

// tell passes a line on. A guard that died is no reason to stop a run: it is
// the second line of defence.
func (g *guard) tell(line string) {
	if g != nil {
		_, _ = io.WriteString(g.pipe, line+"\n")
	}
}

// release lets the guard go: everything has been undone.
func (g *guard) release() {
	if g == nil {
		return
	}
	g.tell("done")
	_ = g.pipe.Close()
	_ = g.cmd.Wait()
}

// Guard is the guard process: it reads what to undo from in, and undoes it
// when in ends without the word that it has been done. restore undoes what a
// journal says.
func Guard(in io.Reader, restore func(journal string) error) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	var mark string
	var dirs, journals []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
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
