// Package cmdline reads the proxy's command line, which follows HAProxy's: short
// options that take their value as the next word, lists of pids that end at the
// next option, flags glued to values. It only parses and words the answers that
// need no configuration (usage, version); acting on options happens elsewhere.
package cmdline

import (
	"fmt"
	"strconv"
	"strings"
)

// Role is what a process made from this command line is to do.
type Role uint8

// Roles.
const (
	Run       Role = iota
	Check          // -c: check the configuration only
	Condition      // -cc: evaluate Options.Condition only
	Version        // -v
	Details        // -vv
	DebugHelp      // -dMhelp
)

// OldSignal is what to do with the processes that are replaced.
type OldSignal uint8

// Ways to replace old processes (management manual, section 4).
const (
	KeepOld   OldSignal = iota
	Finish              // -sf: soft stop once ready
	Terminate           // -st: stop at once
)

// Options is a parsed command line. Zero values mean "not given".
type Options struct {
	Role      Role
	Files     []string // -f and what follows "--", in order; directories not yet expanded
	Directory string   // -C
	Condition string   // -cc

	Daemon       bool // -D
	MasterWorker bool // -W or -Ws
	Systemd      bool // -Ws: notify the service manager
	Foreground   bool // -db
	Debug        bool // -d
	Quiet        bool // -q
	Verbose      bool // -V
	ZeroWarning  bool // -dW
	Diagnostics  bool // -dD

	NoEpoll, NoPoll, NoSplice, NoReusePort bool // -de -dp -dS -dR
	NoIOUring                              bool // -du
	NoGetAddrInfo, NoServerVerify          bool // -dG -dV
	IgnoreResolve                          bool // -dr
	DumpLibraries                          bool // -dL

	MaxConn      int      // -n
	ProxyMaxConn int      // -N
	MemoryMB     int      // -m
	PIDFile      string   // -p
	LocalPeer    string   // -L
	MasterCLI    []string // -S: ADDRESS[,option...]; each element one -S
	Old          OldSignal
	OldPIDs      []int
	Socket       string // -x
	// KeywordDumps are the classes of -dK.
	KeywordDumps []string
	// Memory is what follows -dM; the allocator here has nothing to poison.
	Memory []string
}

// Error is a command line that cannot be used.
type Error struct {
	Msg string // "" when only the usage answers it
	// Usage tells that the usage text belongs to the answer.
	Usage bool
}

func (e *Error) Error() string {
	if e.Msg == "" {
		return "invalid command line"
	}
	return e.Msg
}

func usage() *Error { return &Error{Usage: true} }

// parser walks over the words.
type parser struct {
	o    Options
	args []string
}

// Parse reads the words after the program's name.
func Parse(args []string) (*Options, error) {
	p := parser{args: args}
	for len(p.args) > 0 {
		word := p.next()
		if word == "--" {
			for len(p.args) > 0 {
				if f := p.next(); f != "" {
					p.o.Files = append(p.o.Files, f)
				}
			}
			break
		}
		if len(word) < 2 || word[0] != '-' {
			return nil, &Error{Msg: fmt.Sprintf("unexpected word %q: configuration files follow -f or --", word), Usage: true}
		}
		if err := p.option(word[1:]); err != nil {
			return nil, err
		}
		if p.o.Role == Version || p.o.Role == Details || p.o.Role == DebugHelp {
			// They answer at once, whatever else is on the line.
			return &p.o, nil
		}
	}
	if p.o.Role != Condition && len(p.o.Files) == 0 {
		return nil, usage()
	}
	return &p.o, nil
}

func (p *parser) next() string {
	word := p.args[0]
	p.args = p.args[1:]
	return word
}

// flags are the options that take no value and match as a whole word.
func (p *parser) flag(name string) bool {
	o := &p.o
	switch name {
	case "v":
		o.Role = Version
	case "vv":
		o.Role = Details
	case "c":
		if o.Role != Condition {
			o.Role = Check
		}
	case "D":
		o.Daemon = true
	case "W":
		o.MasterWorker = true
	case "Ws":
		o.MasterWorker, o.Systemd = true, true
	case "d":
		o.Debug = true
	case "db":
		o.Foreground = true
	case "q":
		o.Quiet = true
	case "V":
		o.Verbose = true
	case "dW":
		o.ZeroWarning = true
	case "dD":
		o.Diagnostics = true
	case "de":
		o.NoEpoll = true
	case "dp":
		o.NoPoll = true
	case "du":
		o.NoIOUring = true
	case "dS":
		o.NoSplice = true
	case "dR":
		o.NoReusePort = true
	case "dG":
		o.NoGetAddrInfo = true
	case "dV":
		o.NoServerVerify = true
	case "dr":
		o.IgnoreResolve = true
	case "dL":
		o.DumpLibraries = true
	case "dk", "ds", "dI", "dF", "dX", "dT", "dZ", "dC":
		// Pollers of other systems, allocator checks and the like: they
		// change nothing here, but scripts pass them.
	default:
		return false
	}
	return true
}

func (p *parser) option(name string) error {
	if p.flag(name) {
		return nil
	}
	switch {
	case strings.HasPrefix(name, "dM"):
		return p.memory(name[2:])
	case strings.HasPrefix(name, "dK"):
		if name == "dK" {
			return &Error{Msg: "-dK takes classes joined by commas: -dKhelp lists them", Usage: true}
		}
		p.o.KeywordDumps = append(p.o.KeywordDumps, strings.Split(name[2:], ",")...)
		return nil
	case name == "h" || name == "-help":
		return usage()
	case name == "sf" || name == "st":
		return p.pids(name)
	}
	return p.valued(name)
}

// memory reads the tail of -dM.
func (p *parser) memory(tail string) error {
	for word := range strings.SplitSeq(tail, ",") {
		if word == "help" {
			p.o.Role = DebugHelp
		}
		if word != "" {
			p.o.Memory = append(p.o.Memory, word)
		}
	}
	return nil
}

// pids reads the list after -sf or -st, which may be empty and ends at the next
// option.
func (p *parser) pids(name string) error {
	p.o.Old = Finish
	if name == "st" {
		p.o.Old = Terminate
	}
	for len(p.args) > 0 && !strings.HasPrefix(p.args[0], "-") {
		for word := range strings.FieldsSeq(p.next()) {
			pid, err := strconv.ParseInt(word, 10, 32)
			if err != nil || pid < 0 {
				return &Error{Msg: fmt.Sprintf("-%s: %q is not a process id", name, word)}
			}
			// 0 would signal the own process group.
			if pid > 0 {
				p.o.OldPIDs = append(p.o.OldPIDs, int(pid))
			}
		}
	}
	return nil
}

// valued reads the options whose value is the next word.
func (p *parser) valued(name string) error {
	if !takesValue(name) {
		return &Error{Msg: fmt.Sprintf("unknown option -%s", name), Usage: true}
	}
	if len(p.args) == 0 || name == "x" && strings.HasPrefix(p.args[0], "-") {
		if name == "cc" {
			return usage()
		}
		return &Error{Msg: fmt.Sprintf("-%s needs %s", name, valueOf(name)), Usage: true}
	}
	value, o := p.next(), &p.o
	switch name {
	case "f":
		o.Files = append(o.Files, value)
	case "C":
		o.Directory = value
	case "cc":
		o.Role, o.Condition = Condition, value
	case "p":
		o.PIDFile = value
	case "L":
		o.LocalPeer = value
	case "S":
		o.MasterCLI = append(o.MasterCLI, value)
	case "x":
		o.Socket = value
	case "n":
		return p.number(name, value, &o.MaxConn)
	case "N":
		return p.number(name, value, &o.ProxyMaxConn)
	case "m":
		return p.number(name, value, &o.MemoryMB)
	}
	return nil
}

func (p *parser) number(name, value string, to *int) error {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return &Error{Msg: fmt.Sprintf("-%s: %q is not %s", name, value, valueOf(name))}
	}
	*to = int(n)
	return nil
}

func takesValue(name string) bool { return valueOf(name) != "" }

// valueOf says what an option is followed by; "" if nothing.
func valueOf(name string) string {
	switch name {
	case "f":
		return "a configuration file or directory"
	case "C":
		return "a directory"
	case "cc":
		return "a condition"
	case "p":
		return "a file for the pid"
	case "L":
		return "a peer name"
	case "S":
		return "an address for the master's socket"
	case "x":
		return "the path of the old process's stats socket"
	case "n", "N":
		return "a number of connections"
	case "m":
		return "a number of megabytes"
	}
	return ""
}
