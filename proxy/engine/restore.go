package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"bench/internal/sock"
	"bench/internal/syserr"
	"bench/proxy/check"
	"bench/proxy/log"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/statefile"
)

// restoreServers gives servers the states that a former process has left in files, where
// the configuration asks for it.
func (e *Engine) restoreServers() error {
	files := stateFiles{e: e, read: map[string]*statefile.File{}}
	for _, b := range e.shared.Backends.All() {
		if b.Spec.Disabled {
			continue
		}
		f := files.of(b.Spec)
		if f != nil && b.Spec.StateFile != e.cfg.Global.StateFile {
			e.warnOfStrangers(f, b)
		}
		for _, s := range b.Servers() {
			if l, ok := e.stateOf(f, s); ok {
				e.restore(s, &l)
			}
			if s.Spec.NeedsAddr && s.Unresolved() {
				return fmt.Errorf("%s:%d: cannot resolve the host name '%s' of server '%s/%s', and no file of server states knows its address", s.Spec.File, s.Spec.Line, s.Spec.Host, b.Spec.Name, s.Spec.Name)
			}
		}
	}
	return nil
}

// warnOfStrangers reports what a file of a backend's own says of another one, or of servers
// that there are no more.
func (e *Engine) warnOfStrangers(f *statefile.File, b *server.Backend) {
	name := b.Spec.Name
	for _, l := range f.Servers(name) {
		if l.BackendID != b.Spec.ID {
			e.alert(log.Warning, fmt.Sprintf("config : Proxy '%s': backend ID mismatch: from server state file: '%d', from running config '%d'", name, l.BackendID, b.Spec.ID))
		}
		if _, ok := b.Server(l.Server); !ok {
			e.alert(log.Warning, fmt.Sprintf("config : Proxy '%s': can't find server '%s' in backend '%s'", name, l.Server, name))
		}
	}
}

// stateFiles are files of server states by their paths, each read once; nil: it cannot be.
type stateFiles struct {
	e    *Engine
	read map[string]*statefile.File
}

// of is the file for a backend, nil if it has none.
func (f *stateFiles) of(px *spec.Proxy) *statefile.File {
	path := px.StateFile
	if path == "" || len(px.Servers) == 0 {
		return nil
	}
	if r, ok := f.read[path]; ok {
		return r
	}
	whose, kind := "Proxy '"+px.Name+"': ", "server state file"
	if path == f.e.cfg.Global.StateFile {
		whose, kind = "config: ", "global server state file"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		f.e.alert(log.Warning, fmt.Sprintf("config : %sCan't open %s '%s': %s", whose, kind, path, syserr.Text(err)))
		f.read[path] = nil
		return nil
	}
	r, err := statefile.Parse(string(text))
	if cut, ok := errors.AsType[*statefile.CorruptError](err); ok {
		f.e.alert(log.Warning, fmt.Sprintf("config : %scorrupted %s '%s' at line %d.", whose, kind, path, cut.Line))
	} else if err != nil {
		f.e.alert(log.Warning, fmt.Sprintf("config : %sCan't get version of the %s '%s'.", whose, kind, path))
	}
	f.read[path] = r
	return r
}

// stateOf is the state of a server in a file. It reports false if there is none that can
// be used.
func (e *Engine) stateOf(f *statefile.File, s *server.Server) (statefile.Line, bool) {
	if f == nil {
		return statefile.Line{}, false
	}
	l, ok, err := f.Of(s.Backend.Spec.Name, s.Spec.Name)
	if err != nil {
		e.alert(log.Warning, fmt.Sprintf("config : server-state application failed for server '%s/%s'%v", s.Backend.Spec.Name, s.Spec.Name, err))
	}
	return l, ok && err == nil
}

// restore makes a server go on as the line says. What has been changed in the
// configuration meanwhile comes before what was in force.
func (e *Engine) restore(s *server.Server, l *statefile.Line) {
	r := server.Restored{
		Orders: ordersAfter(s, l), Weight: s.Weight(), Starting: l.Op == statefile.Starting,
		Since: time.Now().Add(-time.Duration(l.Since) * time.Second),
	}
	if l.InitialWeight == s.Spec.Weight {
		r.Weight = l.Weight
	}
	// Without an address it is out of the traffic, too.
	out := r.Orders&state.OrderMaint != 0 || s.Unresolved() && !restorable(s, l)
	rise, full := s.Spec.Rise, s.Spec.Rise+s.Spec.Fall-1
	health := full
	switch l.Op {
	case statefile.Stopped:
		health = 0
		// A server in maintenance is stopped by that, and only as long.
		if !out {
			r.Health = state.Down
		}
	case statefile.Starting:
		health = rise
	case statefile.Stopping:
		r.Health, health = state.Stopping, rise
		if l.CheckHealth > rise && l.CheckHealth < full {
			health = l.CheckHealth
		}
	case statefile.Running:
	}
	if s.Spec.Disabled && !out {
		// It leaves maintenance as by "enable server".
		r.Health, health = state.Up, rise
	}
	e.restoreAddr(s, l)
	s.Restore(r)
	e.restoreCheck(s, l, health)
	if a := e.checks.agent(s); a != nil {
		a.restore(l)
	}
	switch {
	case out:
	case r.Health == state.Down:
		e.warnOfState(s, "is DOWN, changed from server-state after a reload")
	case r.Health == state.Stopping:
		e.warnOfState(s, "is stopping, changed from server-state after a reload")
	}
}

// warnOfState reports what a server begins with that is not as usual.
func (e *Engine) warnOfState(s *server.Server, what string) {
	active, backup, _ := s.Backend.Count()
	e.alert(log.Warning, fmt.Sprintf("config : %s %s. %d active and %d backup servers left.", title(s), what, active, backup))
}

// ordersAfter are the orders that a server begins with.
func ordersAfter(s *server.Server, l *statefile.Line) state.Orders {
	disabled := s.Spec.Disabled
	var o state.Orders
	switch {
	case l.Admin&statefile.ConfiguredMaint != 0 != disabled:
		if disabled {
			o = state.OrderMaint
		}
	case l.Admin&statefile.ForcedMaint != 0:
		o = state.OrderMaint
	}
	// A weight of 0 in the configuration was a drain, too: it is none any more if the
	// configuration gives another weight now.
	if l.Admin&statefile.ForcedDrain != 0 && (l.InitialWeight > 0 || s.Spec.Weight == 0) {
		o |= state.OrderDrain
	}
	return o
}

// restorable tells whether the line has an address for a server that is known by a name.
func restorable(s *server.Server, l *statefile.Line) bool {
	_, ok := sock.ParseIP(l.Addr)
	return ok && s.Spec.Host != "" && s.Spec.LastAddr
}

// restoreAddr gives a server its last port, and if it is known by a name its last address.
func (e *Engine) restoreAddr(s *server.Server, l *statefile.Line) {
	a := s.Addr()
	if _, follows := s.PortOffset(); a.IsUnix() || follows || s.Unresolved() && !restorable(s, l) {
		return
	}
	at := a.AddrPort()
	to := at
	if l.Port > 0 {
		to = netip.AddrPortFrom(at.Addr(), uint16(l.Port))
	}
	if restorable(s, l) {
		ip, _ := sock.ParseIP(l.Addr)
		to = netip.AddrPortFrom(ip, to.Port())
	}
	if to != at {
		s.SetAddr(sock.FromAddrPort(to))
		e.checks.moved(s)
	}
}

// restoreCheck makes the checks of a server go on where others have ended.
func (e *Engine) restoreCheck(s *server.Server, l *statefile.Line, health int) {
	ip, ok := sock.ParseIP(l.CheckAddr)
	moved := ok || l.CheckPort != 0
	suspended := l.CheckState&statefile.CheckConfigured != 0 && l.CheckState&statefile.CheckEnabled == 0
	if s.Spec.Check && suspended && moved {
		e.alert(log.Warning, fmt.Sprintf("config : server-state partially applied for server '%s/%s', health checks are not enabled on this server", s.Backend.Spec.Name, s.Spec.Name))
	}
	k := e.checks.of(s)
	if k == nil {
		return
	}
	k.c.Restore(health)
	k.health, k.paused = k.c.Health(), s.Admin() == state.Maint
	if status, ok := check.StatusNamed(statefile.StatusName(l.CheckStatus)); ok && l.CheckResult != statefile.ResultUnknown {
		k.last, k.ran = check.Result{Status: status}, true
	}
	k.enabled = k.enabled && !suspended
	if moved && k.enabled {
		e.checks.setAddr(s, netip.AddrPortFrom(ip, uint16(l.CheckPort)))
	}
}

// restore makes the questions to an agent go on as they were.
func (a *agentCheck) restore(l *statefile.Line) {
	if l.AgentState&statefile.CheckConfigured != 0 && l.AgentState&statefile.CheckEnabled == 0 {
		a.enabled = false
	}
	if ip, ok := sock.ParseIP(l.AgentAddr); ok && a.enabled {
		a.own = netip.AddrPortFrom(ip, uint16(l.AgentPort))
		to := a.target()
		a.l.Post(func() { a.c.SetAddr(to) })
	}
}
