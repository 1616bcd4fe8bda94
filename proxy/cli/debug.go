package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// debugCommands are those of the reference that make sense where memory and threads are not
// to be poked about in: they show what a proxy that stalls or ends looks like from outside.
func debugCommands() []Command {
	row := func(words, args, help string, fn func(*request) error) Command {
		return Command{Words: "debug dev " + words, Args: args, Level: AdminLevel, Expert: true, Help: help, Fn: func(r *request) error {
			r.s.debugged.Add(1)
			return fn(r)
		}}
	}
	return []Command{
		row("delay", "[ms]", "have a thread sleep this long", stall(false)),
		row("exit", "[code]", "end the process at once", func(r *request) error {
			r.s.engine.Exit(number(r.arg(0)) & 0xff)
			return nil
		}),
		row("log", "[msg]*", "send this message to the logs of the process", func(r *request) error {
			r.s.engine.Report(strings.Join(r.args, " "))
			return nil
		}),
		row("loop", "[ms]", "have a thread compute this long", stall(true)),
		row("panic", "", "end the process by SIGABRT, with what its goroutines do", func(r *request) error {
			r.s.engine.Exit(-1)
			return nil
		}),
		row("write", "<size>", "write that many bytes in return", debugWrite),
	}
}

// stall has a thread do nothing else for a while.
func stall(busy bool) func(*request) error {
	return func(r *request) error {
		r.s.engine.Stall(time.Duration(max(number(r.arg(0)), 0))*time.Millisecond, busy)
		return nil
	}
}

// debugSize is what an answer to "debug dev write" has to be smaller than.
const debugSize = 16 << 10

// debugWrite answers with so many bytes; each that is the 64th is a line end.
func debugWrite(r *request) error {
	if r.arg(0) == "" {
		return r.fail("Missing output size.")
	}
	n, err := strconv.ParseUint(r.arg(0), 0, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || n >= debugSize:
		return r.fail("Output too large, must be <tune.bufsize.")
	case err != nil:
		n = 0
	}
	for i := range n {
		c := byte('.')
		if i > 0 && i%64 == 0 {
			c = '\n'
		}
		if err := r.w.WriteByte(c); err != nil {
			return err
		}
	}
	return nil
}
