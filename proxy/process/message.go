package process

import (
	"fmt"

	"bench/proxy/log"
)

// say prints one message in the layout that scripts know: level, pid, text.
// Quiet mode leaves nothing but what ends the process.
func (p *process) say(level log.Level, text string) {
	word, warnings := "NOTICE", 0
	switch {
	case level <= log.Error:
		word = "ALERT"
	case level == log.Warning:
		word, warnings = "WARNING", 1
	}
	if level <= log.Warning {
		p.startup.add(p.introduction, p.message(word, text), warnings)
	}
	if p.opt != nil && p.opt.Quiet || p.quiet && level > log.Warning {
		return
	}
	if level <= log.Warning {
		p.introduce()
	}
	fmt.Fprint(p.Stderr, p.message(word, text))
}

func (p *process) message(word, text string) string {
	return fmt.Sprintf("%-10s (%d) : %s\n", "["+word+"]", p.pid, text)
}

// introduce says before the first trouble of a start which program has it, so that a
// report of it need not be asked back for that.
func (p *process) introduce() {
	if p.opt != nil && p.opt.Quiet || p.introduced.Swap(true) {
		return
	}
	fmt.Fprint(p.Stderr, p.introduction())
}

// introduction are the lines of introduce.
func (p *process) introduction() string {
	lines := p.message("NOTICE", "haproxy version is "+p.Version)
	if path, err := executable(); err == nil {
		lines += p.message("NOTICE", "path to executable is "+path)
	}
	return lines
}
