package cli

import (
	"fmt"
	"slices"
	"time"
)

// Ring keeps the last lines of a log in memory.
type Ring interface {
	Name() string
	Description() string
	// Reader returns what reads its lines, from the oldest on, or only those that are to
	// come. It reports false if there is none yet, and what is closed when there is one.
	Reader(onlyNew bool) func() (line []byte, ok bool, more <-chan struct{})
}

func eventCommands() []Command {
	return []Command{
		{Words: "show events", Args: "[<ring>] [-w] [-n]", Help: "show the lines of a ring; -w waits for more, -n begins with those", Fn: showEvents},
	}
}

// descriptors are sinks that keep nothing.
var descriptors = []string{"stdout", "stderr"}

func showEvents(r *request) error {
	rings := r.s.engine.Rings()
	if r.arg(0) == "" {
		fmt.Fprintln(r.w, "Supported events sinks are listed below. Add -w(wait), -n(new). Any key to stop")
		for i, fd := range descriptors {
			fmt.Fprintf(r.w, "    %-10s : type=fd, 0 dropped, standard output (fd#%d)\n", fd, i+1)
		}
		for _, x := range rings {
			if _, err := fmt.Fprintf(r.w, "    %-10s : type=buffer, 0 dropped, %s\n", x.Name(), x.Description()); err != nil {
				return err
			}
		}
		return nil
	}
	if r.access.Level < Operator {
		return r.fail("Permission denied")
	}
	if slices.Contains(descriptors, r.arg(0)) {
		return r.fail("Nothing to report for this sink")
	}
	var ring Ring
	for _, x := range rings {
		if x.Name() == r.arg(0) {
			ring = x
		}
	}
	if ring == nil {
		return r.message(sevError, "No such event sink")
	}
	wait, onlyNew := false, false
	for _, w := range r.args[1:] {
		switch w {
		case "-w":
			wait = true
		case "-n":
			onlyNew = true
		case "-nw", "-wn":
			wait, onlyNew = true, true
		default:
			return r.message(sevError, "unknown option")
		}
	}
	next := ring.Reader(onlyNew)
	var pressed chan struct{}
	for {
		line, ok, more := next()
		if ok {
			if _, err := r.w.Write(append(line, '\n')); err != nil {
				return err
			}
			continue
		}
		if !wait {
			return nil
		}
		if err := r.w.Flush(); err != nil {
			return err
		}
		if pressed == nil {
			pressed = r.anyKey()
		}
		select {
		case <-more:
		case <-pressed:
			_, err := r.r.Discard(r.r.Buffered()) // the key is no command
			return err
		}
	}
}

// anyKey returns what is closed when the other side sends something, or ends.
func (c *conn) anyKey() chan struct{} {
	_ = c.nc.SetReadDeadline(time.Time{})
	pressed := make(chan struct{})
	go func() {
		defer close(pressed)
		_, _ = c.r.Peek(1) // an error ends the wait as well; the next read meets it again
	}()
	return pressed
}
