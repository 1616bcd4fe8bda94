package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"bench/proxy/engine"
	"bench/proxy/log"
	"bench/proxy/process/cmdline"
	"bench/proxy/process/reload"
	"bench/proxy/spec"
)

// run is everything but -c and its like.
func (p *process) run() int {
	// From here on no signal ends the process by surprise: they wait.
	signals := newInbox(p.state.Signals)
	signal.Ignore(unix.SIGPIPE)
	if err := p.prepareDetach(); err != nil {
		p.say(log.Alert, "/dev/null: "+err.Error())
		return 1
	}
	if p.state.Role == roleMaster {
		return p.resumeMaster(signals)
	}
	sources, cfg, err := p.load()
	if err != nil || cfg == nil || !p.warningsAllowed(cfg) {
		return 1
	}
	switch {
	case p.state.Role == "" && cfg.Global.Daemon:
		return p.daemonize(signals, sources)
	case p.state.Role != roleWorker && cfg.Global.MasterWorker:
		return p.startMaster(signals, sources, cfg)
	}
	if len(p.opt.MasterCLI) > 0 && p.state.Role != roleWorker {
		p.say(log.Warning, "config : -S has no effect: master-worker mode (-W) is not enabled")
	}
	return p.serve(signals, cfg)
}

// old are the processes named on the command line. Workers leave it to their
// master to end them, and those of a reload find them gone.
func (p *process) old() reload.Old {
	if p.state.Reload {
		return reload.Old{}
	}
	o := reload.Old{PIDs: p.opt.OldPIDs}
	switch p.opt.Old {
	case cmdline.Finish:
		o.Signal = unix.SIGUSR1
	case cmdline.Terminate:
		o.Signal = unix.SIGTERM
	case cmdline.KeepOld:
	}
	return o
}

// serve runs the engine until it ends.
func (p *process) serve(signals *inbox, cfg *spec.Config) int {
	fail := func(err error) int {
		p.say(log.Alert, err.Error())
		return 1
	}
	if err := p.limits(&cfg.Global); err != nil {
		return fail(err)
	}
	defer giveGarbageRoom()()
	inherited, err := p.inherited()
	if err != nil {
		return fail(err)
	}
	e, err := engine.New(cfg, engine.Options{
		MaxConn:       p.opt.MaxConn,
		Take:          func(b *spec.Bind) (int, bool) { return inherited.Take(&b.Addr, &b.Options) },
		Alert:         p.say,
		SendListeners: sendListeners,
		Generation:    p.generation,
		StartupLogs:   p.startup.logs,
		Master:        p.state.Control,
		Environ:       p.environ(),
		Replaces:      p.state.Reload || p.state.Old > 0 || len(p.opt.OldPIDs) > 0,
		Version:       p.Version, ReleaseDate: p.Date,
	})
	if err != nil {
		return fail(err)
	}
	if !p.warningsAllowed(cfg) {
		return 1
	}
	old := p.old()
	release := func() { e.Unbind(); _ = inherited.Close() }
	if err := old.Bind(e.Bind, func(err error) bool { return errors.Is(err, unix.EADDRINUSE) }, release); err != nil {
		return fail(err)
	}
	if err := inherited.Close(); err != nil {
		p.say(log.Warning, "closing unused inherited sockets: "+err.Error())
	}
	if err := p.takeOver(cfg, e); err != nil {
		e.Unbind()
		return fail(err)
	}
	p.introduced.Store(true) // what is said from here on is about traffic
	p.startup.finish()
	if err := e.Start(); err != nil {
		e.HardStop()
		return fail(err)
	}
	if p.state.Role != roleWorker {
		old.Finish()
	}
	if err := p.reportServing(e); err != nil {
		e.HardStop()
		return fail(err)
	}
	return p.attend(signals, e)
}

// takeOver takes what only one process can have, the names of unix sockets
// and the pid file, and drops the rights it took. What may fail comes first:
// the process to be replaced loses nothing by a start that fails.
func (p *process) takeOver(cfg *spec.Config, e *engine.Engine) error {
	if err := p.mayDropPrivileges(cfg); err != nil {
		return err
	}
	if err := p.writePID(cfg); err != nil {
		return err
	}
	if err := e.Publish(); err != nil {
		return err
	}
	return p.dropPrivileges(&cfg.Global)
}

// inherited gathers the listening sockets of the process to be replaced.
func (p *process) inherited() (*reload.Listeners, error) {
	switch {
	case p.state.Old > 0:
		conn, err := unixConn(p.state.Old, "old worker")
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.Close() }()
		ls, err := reload.FetchConn(conn)
		if err != nil {
			// The ports can be bound beside the old worker all the same.
			p.say(log.Warning, "no listening sockets from the old worker: "+err.Error())
			return &reload.Listeners{}, nil
		}
		return ls, nil
	case p.state.Reload:
	case p.opt.Socket != "":
		ls, err := reload.Fetch(p.opt.Socket)
		if err == nil {
			// A reload just before may have had the wrong process answer.
			ls.Merge(reload.Borrow(p.opt.OldPIDs))
		}
		return ls, err
	case len(p.opt.OldPIDs) > 0:
		return reload.Borrow(p.opt.OldPIDs), nil
	}
	return &reload.Listeners{}, nil
}

func sendListeners(conn *net.UnixConn, ls []engine.Listener) error {
	out := make([]reload.Listener, len(ls))
	for i, l := range ls {
		out[i] = reload.Listener{FD: l.FD, Namespace: l.Bind.Options.Namespace.Name(), Interface: l.Bind.Options.Interface}
	}
	return reload.Send(conn, out)
}

// writePID writes the pid file of a daemon, and that of a foreground process
// only if the command line asks for it: the file named in the configuration
// belongs to the daemon that may be running beside it.
func (p *process) writePID(cfg *spec.Config) error {
	path := cfg.Global.PIDFile
	if p.state.Role == "" {
		path = p.opt.PIDFile
	}
	if path == "" || p.state.Role == roleWorker {
		return nil
	}
	return reload.WritePID(path, p.pid)
}

// reportServing tells whoever waits for it that this process serves.
func (p *process) reportServing(e *engine.Engine) error {
	if err := p.detach(); err != nil {
		return err
	}
	if p.state.Ready > 0 {
		reportReady(p.state.Ready)
	}
	if p.state.Control > 0 {
		conn, err := unixConn(p.state.Control, "master")
		if err != nil {
			return err
		}
		if _, err := conn.Write([]byte(readyMark)); err != nil {
			return fmt.Errorf("reporting readiness to the master: %w", err)
		}
		go p.obey(conn, e)
	}
	return nil
}

// obey serves the master: each message is a connection to the runtime API at
// the level of its first byte. When the master is gone, so is the worker.
func (p *process) obey(master *net.UnixConn, e *engine.Engine) {
	for {
		access, conn, err := receiveConn(master)
		if err != nil {
			p.say(log.Alert, "the master process is gone: exiting")
			os.Exit(1)
		}
		go e.ServeCLI(conn, access)
	}
}

// stopGrace bounds the clean-up after a signal that ends the process at once.
const stopGrace = 2 * time.Second

// attend handles signals until the engine has ended.
func (p *process) attend(signals *inbox, e *engine.Engine) int {
	for {
		select {
		case <-e.Done():
			if err := e.Err(); err != nil {
				return 1
			}
			return 0
		case <-signals.ready:
			s, _ := signals.take()
			switch s {
			case unix.SIGTERM, unix.SIGINT:
				e.HardStop()
				select {
				case <-e.Done():
				case <-time.After(stopGrace):
				}
				return p.dieBy(s)
			case unix.SIGUSR1:
				e.SoftStop()
			case unix.SIGHUP:
				p.dumpServers(e)
			case unix.SIGQUIT:
				p.dumpMemory()
			case unix.SIGTTOU:
				e.Pause()
			case unix.SIGTTIN:
				e.Resume()
			default: // SIGUSR2 is for masters
			}
		}
	}
}

// dieBy ends the process by the signal itself, as if it had not been caught.
func (p *process) dieBy(s unix.Signal) int {
	signal.Reset(s)
	unblockSignals()
	if unix.Kill(p.pid, s) == nil {
		time.Sleep(time.Second)
	}
	return 128 + int(s)
}
