package engine

import (
	"fmt"
	"net"

	"bench/internal/sock"
	"bench/proxy/cli"
	"bench/proxy/spec"
)

// statsSocket is one bound "stats socket".
type statsSocket struct {
	fd     int
	bind   *spec.Bind
	paused bool
}

// bindStats opens the stats sockets.
func (e *Engine) bindStats() error {
	g := &e.cfg.Global
	if e.api == nil {
		e.api = cli.New(e, cli.Options{Timeout: g.StatsTimeout, MaxConn: g.StatsMaxConn, Version: e.opt.Version, StartupLogs: e.opt.StartupLogs, Environ: e.opt.Environ, AnonKey: g.AnonKey, Scripts: e.scriptedCommands()})
	}
	for _, b := range g.Stats[len(e.stats):] {
		fd, err := e.open(b, b.Options.Backlog)
		if err != nil {
			return fmt.Errorf("stats socket: %w [%s:%d]", err, b.File, b.Line)
		}
		e.mu.Lock()
		e.stats = append(e.stats, &statsSocket{fd: fd, bind: b})
		e.mu.Unlock()
	}
	return nil
}

// serveStats begins to answer on the stats sockets.
func (e *Engine) serveStats() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.stats {
		if err := e.api.Listen(s.fd, cli.Access{Level: level(s.bind.Level), ExposeFDs: s.bind.ExposeFDs}); err != nil {
			return err
		}
	}
	return nil
}

func level(l spec.CLILevel) cli.Level {
	switch l {
	case spec.LevelUser:
		return cli.User
	case spec.LevelAdmin:
		return cli.AdminLevel
	case spec.LevelOperator:
	}
	return cli.Operator
}

// closeStats stops accepting on the stats sockets; open connections go on, so
// that whoever watches a stopping process can do so to the end.
func (e *Engine) closeStats() {
	if e.api != nil {
		e.api.StopAccepting()
	}
	e.mu.Lock()
	gone := e.stats
	e.stats = nil
	e.mu.Unlock()
	for _, s := range gone {
		sock.Close(s.fd)
	}
}

// stopStats ends the runtime API.
func (e *Engine) stopStats() {
	e.closeStats()
	if e.api != nil {
		e.api.Close()
	}
}

// ServeCLI handles one connection to the runtime API that somebody passed in,
// until its end.
func (e *Engine) ServeCLI(conn net.Conn, a cli.Access) { e.api.Serve(conn, a) }

// statsBusy tells whether somebody is still connected to the runtime API.
func (e *Engine) statsBusy() bool { return e.api != nil && e.api.Connections() > 0 }

// MasterAddress is what the socket is called over which a master passes connections.
func MasterAddress(fd int) string { return "sockpair@" + itoa(fd) }

// Sockets implements cli.Engine.
func (e *Engine) Sockets() []cli.Socket {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]cli.Socket, 0, len(e.stats))
	for _, s := range e.stats {
		list = append(list, cli.Socket{Addr: s.bind.Addr.WithFamily(), Level: level(s.bind.Level)})
	}
	if e.opt.Master > 0 {
		list = append(list, cli.Socket{Addr: MasterAddress(e.opt.Master), Level: cli.AdminLevel})
	}
	return list
}
