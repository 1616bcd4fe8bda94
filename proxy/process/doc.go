// Package process is the life of a proxy process from its command line to its
// exit status: check or run, foreground, daemon, master or worker, signals,
// privileges, pid file, replacement of old processes.
//
// Go cannot fork, so a daemon and the workers are the same executable run again
// with a private environment variable that tells the role and the descriptors
// to go on with (see state). The configuration is read once: children get its
// text from the parent.
package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"bench/internal/syserr"
	"bench/proxy/config"
	"bench/proxy/engine"
	"bench/proxy/log"
	"bench/proxy/process/cmdline"
	"bench/proxy/process/successor"
	"bench/proxy/spec"
)

// Program describes the executable.
type Program struct {
	// Args is the whole argument vector of the process.
	Args []string
	// Words is how many of Args come before the first option: 1 for a program
	// of its own, 2 for a sub-command.
	Words int
	// Version and Date (YYYY/MM/DD) are what -v, "show info" and conditions in
	// the configuration go by.
	Version, Date string
	Stdout        io.Writer
	Stderr        io.Writer
}

// name is what to call the program in messages.
func (p *Program) name() string { return strings.Join(p.Args[:p.Words], " ") }

// process is what all roles share.
type process struct {
	*Program
	opt   *cmdline.Options
	state *state
	pid   int
	hash  string // of the configuration
	// vars are the environment that the configuration has left.
	vars map[string]string
	// startup is what there was to say until the process serves.
	startup startup
	// introduced: what program this is has been said, or is not to be said any more.
	introduced atomic.Bool
	null       int // of prepareDetach
	quiet      bool
	silent     bool // no notices, for children whose parent has said them
}

// Main runs the program and returns its exit status: 0, 1 after an error, 2 when
// a condition (-cc) cannot be evaluated, 128 + signal if a signal ended it and
// the process could not die by it.
func Main(p Program) (status int) {
	pr := &process{Program: &p, pid: os.Getpid()}
	defer func() {
		if r := recover(); r != nil {
			pr.say(log.Alert, fmt.Sprintf("internal error: %v", r))
			status = 1
		}
	}()
	st, err := loadState()
	if err != nil {
		pr.say(log.Alert, err.Error())
		return 1
	}
	pr.state = st
	pr.introduced.Store(st.Introduced)
	opt, err := cmdline.Parse(p.Args[p.Words:])
	if err != nil {
		return pr.usage(err)
	}
	pr.opt = opt
	pr.quiet = opt.Quiet
	switch opt.Role {
	case cmdline.Version:
		fmt.Fprint(p.Stdout, pr.version())
		return 0
	case cmdline.Details:
		fmt.Fprint(p.Stdout, pr.details())
		return 0
	case cmdline.DebugHelp:
		fmt.Fprint(p.Stdout, cmdline.MemoryHelp())
		return 0
	case cmdline.Condition:
		return pr.condition()
	case cmdline.Check, cmdline.Run:
	}
	if opt.Directory != "" && st.Role == "" {
		if err := os.Chdir(opt.Directory); err != nil {
			pr.say(log.Alert, fmt.Sprintf("cannot change to directory %s: %v", opt.Directory, syserr.Cause(err)))
			return 1
		}
	}
	if opt.DumpLibraries && st.Role == "" {
		pr.say(log.Notice, "-dL lists nothing here: there are no libraries to load")
	}
	if opt.Role == cmdline.Check {
		return pr.check()
	}
	return pr.run()
}

// usage answers a command line that cannot be used.
func (p *process) usage(err error) int {
	if bad, ok := errors.AsType[*cmdline.Error](err); ok && bad.Usage {
		if bad.Msg != "" {
			p.say(log.Alert, bad.Msg)
			fmt.Fprintln(p.Stderr)
		}
		// The text goes where the version goes: to be piped into a pager.
		fmt.Fprint(p.Stdout, p.version(), cmdline.Usage(p.name()))
		return 1
	}
	p.say(log.Alert, err.Error())
	return 1
}

func (p *process) condition() int {
	ok, err := config.Evaluate(p.opt.Condition, p.env())
	switch {
	case err != nil:
		p.say(log.Alert, "config : cannot evaluate the condition: "+err.Error())
		return 2
	case !ok:
		return 1
	}
	return 0
}

func (p *process) check() int {
	_, cfg, err := p.load()
	if err != nil || cfg == nil {
		return 1
	}
	if err := engine.CheckStates(cfg, p.say); err != nil {
		p.say(log.Alert, err.Error())
		return 1
	}
	if !p.warningsAllowed(cfg) {
		return 1
	}
	speaks := p.opt.Verbose || !p.quiet
	if p.startup.warned() && speaks {
		fmt.Fprintln(p.Stdout, "Warnings were found.")
	}
	status, text := 0, "Configuration file is valid"
	if !listens(cfg) {
		status, text = 2, "Configuration file has no error but will not start (no listener) => exit(2)."
	}
	if speaks {
		fmt.Fprintln(p.Stdout, text)
	}
	return status
}

// warningsAllowed tells whether the start may go on: with "zero-warning" not if there was
// something to warn of.
func (p *process) warningsAllowed(cfg *spec.Config) bool {
	if !cfg.Global.ZeroWarning || !p.startup.warned() {
		return true
	}
	p.say(log.Alert, "config : there are warnings, and they are not allowed (-dW or zero-warning)")
	return false
}

// listens tells whether there is anything to serve.
func listens(cfg *spec.Config) bool {
	return len(cfg.Global.Stats) > 0 || slices.ContainsFunc(cfg.LogForwards, func(f *spec.LogForward) bool {
		return len(f.Binds)+len(f.Datagrams) > 0
	}) || slices.ContainsFunc(cfg.Proxies, func(p *spec.Proxy) bool {
		return !p.Disabled && len(p.Binds) > 0
	})
}

// env is what the configuration may ask about.
func (p *process) env() *config.Env {
	e := config.SystemEnv(p.Version)
	delete(e.Vars, successor.Variable)
	peer := p.opt.LocalPeer
	if peer == "" {
		peer, _ = os.Hostname()
	}
	e.Vars["HAPROXY_LOCALPEER"], e.LocalPeer = peer, p.opt.LocalPeer
	e.Vars["HAPROXY_STARTUP_VERSION"] = p.Version
	e.Vars["HAPROXY_CFGFILES"] = strings.Join(p.opt.Files, ";")
	if p.opt.MasterWorker {
		e.Vars["HAPROXY_MWORKER"] = "1"
	}
	e.Enabled["EPOLL"] = !p.opt.NoEpoll
	e.Enabled["POLL"] = !p.opt.NoPoll
	e.Enabled["SPLICE"] = !p.opt.NoSplice
	e.Enabled["REUSEPORT"] = !p.opt.NoReusePort
	e.Enabled["GETADDRINFO"] = !p.opt.NoGetAddrInfo
	return e
}

// load reads the configuration, or takes the text that the parent has read, and
// reports what there is to say about it. cfg is nil if it is refused.
func (p *process) load() ([]config.Source, *spec.Config, error) {
	sources, err := p.sources()
	if err != nil {
		p.say(log.Alert, "config : "+err.Error())
		return nil, nil, err
	}
	p.hash = hash(sources)
	env := p.env()
	cfg, remarks := config.Load(sources, env)
	if cfg != nil {
		p.override(cfg)
		p.setEnviron(env.Vars, cfg)
		p.quiet = p.quiet || cfg.Global.Quiet && !p.opt.Verbose
	}
	least := config.Notice
	if p.opt.Diagnostics {
		least = config.Diag
	}
	if !p.silent && remarks.Count(config.Warning)+remarks.Count(config.Alert) > 0 {
		p.introduce()
	}
	if !p.opt.Quiet && !p.silent {
		_ = remarks.Write(p.Stderr, p.pid, least)
	}
	var said strings.Builder
	_ = remarks.Write(&said, p.pid, config.Warning)
	p.startup.add(p.introduction, said.String(), remarks.Count(config.Warning))
	if cfg != nil && p.state.Role == "" {
		p.dumpKeywords()
	}
	switch {
	case cfg == nil:
		p.say(log.Alert, "config : fatal errors found in the configuration")
	case len(cfg.Programs) > 0 && !cfg.Global.MasterWorker:
		at := cfg.Programs[0].Pos
		p.say(log.Alert, fmt.Sprintf("config : [%s:%d] : section 'program' needs a master to run it (-W)", at.File, at.Line))
		cfg = nil
	case p.opt.Role == cmdline.Run && !listens(cfg):
		p.say(log.Alert, "config : there is nothing to listen on: no frontend that is not disabled has a 'bind' line, and there is no 'stats socket'")
		cfg = nil
	}
	return sources, cfg, nil
}

func (p *process) sources() ([]config.Source, error) {
	if p.state.Sources > 0 {
		p.silent = true
		return readSources(p.state.Sources)
	}
	return config.ReadSources(p.opt.Files)
}

// override applies the command line, which has precedence.
func (p *process) override(cfg *spec.Config) {
	g, o := &cfg.Global, p.opt
	// -d and -db overrule the word daemon, -D overrules them.
	g.Daemon = o.Daemon || g.Daemon && !o.Foreground && !o.Debug
	g.MasterWorker = g.MasterWorker || o.MasterWorker
	g.ZeroWarning = g.ZeroWarning || o.ZeroWarning
	g.NoEpoll = g.NoEpoll || o.NoEpoll
	g.NoPoll = g.NoPoll || o.NoPoll
	g.NoIOUring = g.NoIOUring || o.NoIOUring
	g.NoSplice = g.NoSplice || o.NoSplice
	g.NoReusePort = g.NoReusePort || o.NoReusePort
	if o.PIDFile != "" {
		g.PIDFile = o.PIDFile
	}
	if o.ProxyMaxConn > 0 {
		for _, px := range cfg.Proxies {
			if px.MaxConn == 0 {
				px.MaxConn = o.ProxyMaxConn
			}
		}
	}
	if o.Systemd {
		// The service manager wants the process it started to stay.
		g.Daemon = false
	}
}
