package process

import (
	"errors"
	"fmt"
	"io/fs"

	"bench/proxy/log"
)

// say prints one message in the layout that scripts know: level, pid, text.
// Quiet mode leaves nothing but what ends the process.
func (p *process) say(level log.Level, text string) {
	if p.opt != nil && p.opt.Quiet || p.quiet && level > log.Warning {
		return
	}
	word := "NOTICE"
	switch {
	case level <= log.Error:
		word = "ALERT"
	case level == log.Warning:
		word = "WARNING"
	}
	fmt.Fprintf(p.Stderr, "%-10s (%d) : %s\n", "["+word+"]", p.pid, text)
}

// cause takes the path out of an error that is about to name it.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
