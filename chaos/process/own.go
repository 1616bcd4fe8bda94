package process

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"bench/chaos"
)

// foreign refuses targets that hold this program itself: stopped with them, it could
// never continue them. Targets are whole families, so that its ancestors hold it, and
// what leads its process group or its session speaks for it to the terminal.
func foreign(pid int, family []chaos.Target) error {
	self := os.Getpid()
	for _, t := range family {
		switch {
		case t.PID != self:
		case pid == self:
			return fmt.Errorf("process %d is this program itself: it could not undo what happens to it", pid)
		default:
			return fmt.Errorf("process %d is an ancestor of this program (process %d), which would suffer with it and could not undo it: name the process below it that is meant", pid, self)
		}
	}
	session, err := unix.Getsid(0)
	if err == nil && pid == session || pid == unix.Getpgrp() {
		return fmt.Errorf("process %d leads the session or process group of this program: name the process that is meant", pid)
	}
	return nil
}
